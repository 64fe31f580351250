"""The last hour of the lanes: minutes that nobody recorded stay unknown, and none is counted twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from console.model.queries import OverviewQuery
from console.model.throughput import MINUTES, Counted, Throughput, throughput
from console.model.words import spark
from console.screens.throughput_lines import lines
from console.store import status
from console.store.seen import Seen
from jobs import keys

NOW = 1_764_079_331.0


def every(seconds: float, *counts: tuple[int, int], until: float = NOW) -> list[Counted]:
    return [Counted(until - seconds * at, *count) for at, count in enumerate(reversed(counts))][::-1]


def test_runs_belong_to_the_minute_in_which_they_were_counted() -> None:
    found = throughput("high", every(30, (0, 0), (2, 1), (5, 1), (9, 2)), NOW)
    assert found.done[-2:] == (2, 7)
    assert found.failed[-2:] == (1, 1)
    assert found.done[:-2] == (None,) * (MINUTES - 2)


def test_across_a_gap_nothing_is_told() -> None:
    found = throughput("high", [*every(30, (0, 0), (4, 0), until=NOW - 600), *every(30, (90, 0), (93, 0))], NOW)
    assert [done for done in found.done if done is not None] == [4, 3]


def test_a_count_that_began_anew_is_no_negative_number() -> None:
    found = throughput("high", every(30, (100, 3), (0, 0), (4, 0)), NOW)
    assert [done for done in found.done if done is not None] == [4]


def test_samples_of_the_future_and_of_yesterday_are_left_out() -> None:
    assert throughput("high", every(30, (0, 0), (5, 0), until=NOW + 900), NOW).done == (None,) * MINUTES
    assert throughput("high", every(30, (0, 0), (5, 0), until=NOW - 90_000), NOW).done == (None,) * MINUTES


@given(st.lists(st.tuples(st.floats(0, 5_000), st.integers(0, 50), st.integers(0, 9)), max_size=80))
def test_no_more_is_told_than_was_counted(steps: list[tuple[float, int, int]]) -> None:
    at, done, failed, samples = NOW - 4_000, 0, 0, []
    for seconds, more, worse in steps:
        at, done, failed = at + seconds / 50, done + more, failed + worse
        samples.append(Counted(at, done, failed))
    found = throughput("high", samples, NOW)
    assert sum(filter(None, found.done)) <= done
    assert sum(filter(None, found.failed)) <= failed


def sample(redis: Redis, lane: str, at: float, done: object, failed: object = 0) -> None:
    redis.xadd(keys.SAMPLES + lane, {"waiting": 0, "done": str(done), "failed_runs": str(failed)}, id=f"{int(at * 1000)}-0")


def test_only_what_is_new_is_read_again(redis: Redis) -> None:
    for at in range(5):
        sample(redis, "high", NOW - 150 + 30 * at, 10 * at)
    seen = Seen()
    first = status.read(redis, OverviewQuery(), NOW, seen)
    assert sum(filter(None, first.throughput[0].done)) == 40
    sample(redis, "high", NOW, 50)
    redis.config_resetstat()
    second = status.read(redis, OverviewQuery(), NOW + 1, seen)
    assert sum(filter(None, second.throughput[0].done)) == 50
    assert len(seen.recorded["high"].samples) == 6
    third = status.read(redis, OverviewQuery(), NOW + 2, seen)
    assert third.throughput == second.throughput


def test_strange_samples_are_passed_over(redis: Redis) -> None:
    sample(redis, "high", NOW - 60, 1)
    sample(redis, "high", NOW - 30, "many")
    sample(redis, "high", NOW - 20, 4, "1e999")
    redis.set(keys.SAMPLES + "low", "no stream")
    found = status.read(redis, OverviewQuery(), NOW, Seen())
    assert [one.lane for one in found.throughput] == ["high"]
    assert keys.SAMPLES + "low" in {refused.what for refused in found.refused}


def test_the_height_says_how_many_and_the_tone_whether_some_failed() -> None:
    assert spark((None, 0, 1, 4, 8), 8) == " ·▁▄█"
    unknown = (None,) * (MINUTES - 3)
    lane = Throughput("high", (*unknown, 8, 4, 1), (*unknown, 0, 1, 5))
    head, row = lines([lane], 120)
    assert "the highest is 8 a minute" in head.line[1][0]
    assert [piece for piece in row.line if piece[0] in "▁▂▃▄▅▆▇█"] == [("█", "accent"), ("▅", "warn"), ("▆", "bad")]
    assert row.line[-2:] == (("       13 done", ""), ("     6 failed", "bad"))


@pytest.mark.parametrize("cells", [80, 120, 200])
def test_it_fits_any_width(cells: int) -> None:
    lane = Throughput("default", tuple(range(MINUTES)), (0,) * MINUTES)
    assert all(sum(len(text) for text, _ in row.line) + 2 <= cells for row in lines([lane], cells))


def test_where_nothing_is_recorded_nothing_is_drawn() -> None:
    assert lines([], 120) == []
