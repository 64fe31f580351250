"""Rates and the time to drain, from samples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.drain import STALE, TURNOVER, WINDOW, Flow, flow
from console.model.history import Point

NOW = 1_700_000_000.0


def sample(at: float, waiting: int, came: int, done: int, anew: int = 0) -> Point:
    return Point(at, waiting, came=came, done=done, failed_runs=0, anew=anew)


def minutes(*waiting: int, came: int = 0, ended: int = 0) -> list[Point]:
    """One sample a minute, the last one now; `came` and `ended` a minute."""
    return [sample(NOW - 60 * back, held, 1 + came * n, 1 + ended * n) for n, (back, held) in enumerate(_dated(waiting))]


def _dated(waiting: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(len(waiting) - 1 - n, held) for n, held in enumerate(waiting)]


def test_a_shrinking_queue_drains_at_its_pace() -> None:
    # 20 fewer a minute, 400 left.
    assert flow(minutes(460, 440, 420, 400, came=10, ended=30), 400, NOW) == Flow(10.0, 30.0, 1200.0, -20.0)


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
    old = sample(NOW - 86_400, 100_000, 1, 1)
    assert flow([old, *minutes(460, 440, came=10, ended=30)], 440, NOW) == Flow(10.0, 30.0, 1320.0, -20.0)


def test_one_sample_is_no_rate() -> None:
    assert flow(minutes(5), 5, NOW) == Flow()


def test_a_queue_that_never_had_a_run_has_no_rates_and_drains_all_the_same() -> None:
    samples = [sample(NOW - 60, 40, 0, 0), sample(NOW, 20, 0, 0)]
    assert flow(samples, 20, NOW).drain_s == 60


def test_counts_that_began_anew_are_no_rate() -> None:
    samples = [sample(NOW - 60, 5, 900, 900), sample(NOW, 5, 3, 900)]
    assert flow(samples, 5, NOW) == Flow(grows_per_min=0.0)


def test_counts_that_began_anew_in_between_and_outgrew_what_they_were_are_left_out() -> None:
    """From the oldest to the newest sample they seem to have grown by 93."""
    samples = [sample(NOW - 90, 9, 7, 7), sample(NOW - 60, 9, 0, 0), sample(NOW - 30, 9, 50, 40), sample(NOW, 9, 100, 80)]
    assert flow(samples, 9, NOW) == Flow(100.0, 80.0, None, 0.0)


def test_what_was_counted_while_the_clock_was_set_back_is_no_rate() -> None:
    """Two hours of 20 runs a minute lie between two samples that are half a minute apart by their clock."""
    before = [sample(NOW - 120 + 30 * n, 400 - 5 * n, 10 * n, 10 * n) for n in range(3)]
    after = [sample(NOW - 30 + 30 * n, 90 - 5 * n, 2_430 + 10 * n, 2_430 + 10 * n, anew=1) for n in range(2)]
    assert flow([*before, *after], 85, NOW) == Flow(20.0, 20.0, 85 / 10 * 60, -10.0)
    assert flow([before[-1], after[0]], 85, NOW) == Flow()


@given(
    st.lists(st.sampled_from(["sampled", "missed", "restarted", "ahead", "back", "twice"]), min_size=2, max_size=40),
    st.integers(0, 90),
    st.integers(0, 90),
)
def test_whatever_becomes_of_clock_counts_and_schedulers_the_rates_are_what_they_were(
    steps: list[str], came: int, done: int
) -> None:
    """Every half minute `came` runs come and `done` are done, and each step is a sample, or what keeps it from being one."""
    clock, since, anew, points = 0.0, 0, 0, [sample(0, 10_000, 0, 0)]
    for n, step in enumerate(steps, 1):
        clock, since = clock + 30, since + 1
        waiting = max(0, 10_000 + n * (came - done))
        match step:
            case "missed":
                continue
            case "restarted":
                since = 0
            case "ahead":
                clock += 3_600
            case "back":
                # Sampled again when the clock is there again; the runs went on meanwhile.
                anew, since = anew + 1, since + 200
            case "twice":
                points.append(sample(clock, waiting, since * came, since * done, anew))
        points.append(sample(clock, waiting, since * came, since * done, anew))
    found = flow(points, points[-1].waiting, clock)
    recent = steps[-int(WINDOW // 30) :]
    for told, rate in ((found.in_per_min, came), (found.out_per_min, done)):
        # A count that began anew and is at once where it was cannot be told from one that stood still.
        assert told is None or told == 2 * rate or (told < 2 * rate and "restarted" in recent)
    assert not found.drain_s or came < done
    if set(recent) <= {"sampled", "twice"}:
        assert (found.in_per_min, found.out_per_min) == (2 * came or None, 2 * done or None)


def test_an_unknown_number_of_waiting_jobs_has_no_time_to_drain() -> None:
    assert flow(minutes(460, 440, came=10, ended=30), None, NOW).drain_s is None
