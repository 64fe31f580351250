"""The last hour of the lanes: minutes that nobody recorded stay unknown, and none is counted twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from console.model.drain import STALE
from console.model.history import Point
from console.model.queries import OverviewQuery
from console.model.status import Ended
from console.model.throughput import MINUTES, Throughput, throughput
from console.model.words import spark
from console.screens.throughput_lines import lines
from console.store import status
from console.store.seen import Seen
from jobs import keys

NOW = 1_764_079_331.0


def counted(at: float, done: int, failed: int, anew: int = 0) -> Point:
    return Point(at, 0, came=done + failed, done=done, failed_runs=failed, anew=anew)


def every(seconds: float, *counts: tuple[int, int], until: float = NOW, anew: int = 0) -> list[Point]:
    return [counted(until - seconds * at, *count, anew) for at, count in enumerate(reversed(counts))][::-1]


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


def test_what_was_counted_while_the_clock_was_set_back_belongs_to_no_minute() -> None:
    before, after = every(30, (0, 0), (4, 0), until=NOW - 60), every(30, (4_000, 900), (4_003, 901), anew=1)
    found = throughput("high", [*before, *after], NOW)
    assert (sum(filter(None, found.done)), sum(filter(None, found.failed))) == (7, 1)


def test_two_schedulers_that_sample_one_slot_count_it_once() -> None:
    once = every(30, (0, 0), (2, 1), (5, 1))
    assert throughput("high", sorted([*once, *once], key=lambda point: point.at), NOW) == throughput("high", once, NOW)


def test_samples_of_the_future_and_of_yesterday_are_left_out() -> None:
    assert throughput("high", every(30, (0, 0), (5, 0), until=NOW + 900), NOW).done == (None,) * MINUTES
    assert throughput("high", every(30, (0, 0), (5, 0), until=NOW - 90_000), NOW).done == (None,) * MINUTES


@given(st.lists(st.tuples(st.floats(0, 5_000), st.integers(0, 50), st.integers(0, 9)), max_size=80))
def test_no_more_is_told_than_was_counted(steps: list[tuple[float, int, int]]) -> None:
    at, done, failed, samples = NOW - 4_000, 0, 0, []
    for seconds, more, worse in steps:
        at, done, failed = at + seconds / 50, done + more, failed + worse
        samples.append(counted(at, done, failed))
    found = throughput("high", samples, NOW)
    assert sum(filter(None, found.done)) <= done
    assert sum(filter(None, found.failed)) <= failed


def sample(redis: Redis, lane: str, at: float, done: object, failed: object = 0, anew: int = 0) -> None:
    fields = {"waiting": 0, "in": str(done), "done": str(done), "failed_runs": str(failed), "anew": anew}
    redis.xadd(keys.SAMPLES + lane, fields, id=f"{int(at * 1000)}-0")


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
    assert len(seen.recorded["high"].points) == 6
    third = status.read(redis, OverviewQuery(), NOW + 2, seen)
    assert third.throughput == second.throughput


def test_a_clock_that_is_set_back_and_a_server_that_begins_anew_are_told_as_they_are(redis: Redis) -> None:
    for at in range(5):
        sample(redis, "high", NOW - 120 + 30 * at, 10 * at)
    seen = Seen()
    assert done(redis, NOW, seen) == 40
    # This console's clock, and the server's, are set back by an hour, and the server's memory is empty.
    redis.delete(keys.SAMPLES + "high")
    earlier = NOW - 3_600
    for at in range(3):
        sample(redis, "high", earlier - 60 + 30 * at, 3 * at)
    assert done(redis, earlier, seen) == 6
    sample(redis, "high", earlier + 30, 9)
    assert done(redis, earlier + 30, seen) == 9
    # A scheduler whose clock is far ahead: what it records is told when it is that time.
    sample(redis, "high", earlier + STALE + 60, 5_000)
    assert done(redis, earlier + 31, seen) == 9


def done(redis: Redis, now: float, seen: Seen) -> int:
    [found] = status.read(redis, OverviewQuery(), now, seen).throughput
    return sum(filter(None, found.done))


def test_how_runs_ended_is_not_told_of_an_hour_in_which_the_clock_was_set_back(redis: Redis) -> None:
    redis.hset(keys.LANE + "high", mapping={"done": 900, "failed": 800, "retried": 0})
    sample(redis, "high", NOW - 3_610, 100, 10)
    sample(redis, "high", NOW - 30, 890, 800)

    def ended(now: float) -> object:
        return next(queue.ended for queue in status.read(redis, OverviewQuery(), now, Seen()).queues if queue.name == "high")

    assert ended(NOW) == Ended(pytest.approx(3_610), 800, 790, 0)
    assert ended(NOW - STALE - 60) is None, "the newest sample lies in the future"
    sample(redis, "high", NOW, 900, 800, anew=1)
    assert ended(NOW) is None


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
