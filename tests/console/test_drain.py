"""Rates and the time to drain, from samples."""

from __future__ import annotations

import pytest

from console.model.drain import STALE, TURNOVER, Flow, Sample, flow

NOW = 1_700_000_000.0


def minutes(*waiting: int, came: int = 0, ended: int = 0) -> list[Sample]:
    """One sample a minute, the last one now; `came` and `ended` a minute."""
    return [Sample(NOW - 60 * back, held, 1 + came * n, 1 + ended * n) for n, (back, held) in enumerate(_dated(waiting))]


def _dated(waiting: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(len(waiting) - 1 - n, held) for n, held in enumerate(waiting)]


def test_a_shrinking_queue_drains_at_its_pace() -> None:
    # 20 fewer a minute, 400 left.
    assert flow(minutes(460, 440, 420, 400, came=10, ended=30), 400, NOW) == Flow(10.0, 30.0, 1200.0)


@pytest.mark.parametrize("waiting", [(400, 420, 440), (400, 400, 400)])
def test_a_queue_that_does_not_shrink_never_drains(waiting: tuple[int, ...]) -> None:
    assert flow(minutes(*waiting, came=30, ended=10), waiting[-1], NOW).drain_s is None


def test_nothing_waiting_is_drained_whatever_the_samples_say() -> None:
    assert flow(minutes(1, 2, 3), 0, NOW).drain_s == 0
    assert flow([], 0, NOW) == Flow(None, None, 0.0)


def test_a_backlog_that_turns_over_in_seconds_is_drained() -> None:
    a_minute = 60
    held = int(TURNOVER)
    assert flow(minutes(held, held, held, came=a_minute, ended=a_minute), held, NOW).drain_s == 0
    assert flow(minutes(held + 1, held + 1, came=a_minute, ended=a_minute), held + 1, NOW).drain_s is None


def test_the_order_of_the_samples_does_not_matter() -> None:
    samples = minutes(460, 440, 420, came=10, ended=30)
    assert flow(samples[::-1], 420, NOW) == flow(samples, 420, NOW)


def test_stale_samples_say_nothing() -> None:
    fresh = minutes(460, 440, came=10, ended=30)
    assert flow(fresh, 440, NOW + STALE) != Flow()
    assert flow(fresh, 440, NOW + STALE + 1) == Flow()


def test_samples_from_long_before_the_newest_are_left_out() -> None:
    old = Sample(NOW - 86_400, 100_000, 1, 1)
    assert flow([old, *minutes(460, 440, came=10, ended=30)], 440, NOW) == Flow(10.0, 30.0, 1320.0)


def test_one_sample_is_no_rate() -> None:
    assert flow(minutes(5), 5, NOW) == Flow()


def test_a_queue_that_never_had_a_run_has_no_rates_and_drains_all_the_same() -> None:
    samples = [Sample(NOW - 60, 40, 0, 0), Sample(NOW, 20, 0, 0)]
    assert flow(samples, 20, NOW) == Flow(None, None, 60.0)


def test_counts_that_began_anew_are_no_rate() -> None:
    samples = [Sample(NOW - 60, 5, 900, 900), Sample(NOW, 5, 3, 900)]
    assert flow(samples, 5, NOW).in_per_min is None
    assert flow(samples, 5, NOW).out_per_min == 0


def test_an_unknown_number_of_waiting_jobs_has_no_time_to_drain() -> None:
    assert flow(minutes(460, 440, came=10, ended=30), None, NOW).drain_s is None
