"""Curves from what was recorded: they neither double nor invent, and a gap is a gap."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from console.model.history import GRIDS, SPANS, Curves, Point, Span, curves, window
from console.store.own_readings import OwnReadings

NOW = 1_764_079_331.0


def sampled(start: float, end: float, per_min: float = 60.0, every: float = 30.0, count: int = 0) -> list[Point]:
    """Samples of a lane in which `per_min` runs come and are done, and one in ten fails besides."""
    points = []
    at = start // every * every
    while at <= end:
        done = count + int((at - start) * per_min / 60)
        points.append(Point(at, waiting=5, oldest_s=2.0, failed=3, came=done, done=done, failed_runs=done // 10))
        at += every
    return points


def runs(found: Curves, name: str = "done") -> float:
    """How many runs a curve tells, if all of its columns are known throughout."""
    return sum((value or 0.0) * found.step_s / 60 for value in getattr(found, name))


def looked_at(points: Sequence[Point], span: Span) -> list[Point]:
    """Those of them that the store reads: the first one after each look."""
    grid, (start, end) = GRIDS[span], window(span, NOW)
    looks = [start + n * grid.apart_s for n in range(int((end - start) / grid.apart_s))]
    return [found for look in looks if (found := next((p for p in points if look <= p.at < look + 90), None))]


@pytest.mark.parametrize("span", SPANS)
def test_a_steady_lane_has_its_rate_in_every_column(span: Span) -> None:
    start, _ = window(span, NOW)
    found = curves("high", looked_at(sampled(start - 600, NOW), span), span, NOW)
    assert len(found.done) == GRIDS[span].columns
    assert all(value == pytest.approx(60, rel=0.04) for value in found.done[:-1])
    assert set(found.waiting[:-1]) == {5}
    assert set(found.oldest_s[:-1]) == {2.0}
    assert set(found.failed[:-1]) == {3}


@pytest.mark.parametrize("span", SPANS)
def test_what_is_known_of_minutes_alone_is_counted_as_that(span: Span) -> None:
    """And not for the whole column, half an hour of which, or three hours, nobody has seen anything."""
    points = [Point(NOW - 240 + n * 30, waiting=1, came=n * 9, done=n * 9, failed_runs=n) for n in range(9)]
    found = curves("high", points, span, NOW)
    assert (sum(found.done_counted), sum(found.failed_runs_counted)) == (72, 8)


@pytest.mark.parametrize("span", SPANS)
def test_runs_are_told_once_whatever_the_span(span: Span) -> None:
    random.seed(3)
    grid, (start, _) = GRIDS[span], window(span, NOW)
    done, points = 0, []
    for at in range(int(start), int(NOW) + 1, 30):
        points.append(Point(float(at), waiting=1, came=done, done=done, failed_runs=0))
        done += random.choice((0, 0, 10, 40))
    found = curves("high", looked_at(points, span), span, NOW)
    last = looked_at(points, span)[-1].done or 0
    covered = runs(replace(found, done=found.done[:-1]))
    in_last = points[-1].done or 0
    assert covered <= in_last + 40
    assert covered == pytest.approx(last, rel=2 / grid.columns + 0.01)


@pytest.mark.parametrize("span", SPANS)
def test_a_gap_is_a_gap(span: Span) -> None:
    grid, (start, _) = GRIDS[span], window(span, NOW)
    before, after = start + 10 * grid.step_s, start + 20 * grid.step_s
    points = [p for p in sampled(start, NOW) if not before <= p.at < after]
    found = curves("high", looked_at(points, span), span, NOW)
    for values in (found.done, found.came, found.waiting, found.oldest_s, found.failed):
        assert values[11:20] == (None,) * 9
    assert all(value == pytest.approx(60, rel=0.04) for value in (*found.done[:10], *found.done[20:-1]))


def test_a_count_that_begins_anew_is_told_from_there_on() -> None:
    start, _ = window("1h", NOW)
    middle = start + 30 * 60
    points = [*sampled(start, middle - 30), *sampled(middle, NOW, count=0)]
    found = curves("high", points, "1h", NOW)
    assert all(value == pytest.approx(60, rel=0.04) for value in found.done if value is not None)
    # Half of that minute is known.
    assert runs(found) == pytest.approx(60 * 60, rel=0.02)
    assert found.waiting.count(None) == 0


def test_a_count_that_began_anew_and_passed_by_others_invents_nothing() -> None:
    """`done` has outgrown what it was, and `failed` shows that all of them began anew."""
    points = [Point(NOW - 90, 0, done=10, came=10, failed_runs=9), Point(NOW - 60, 0, done=500, came=500, failed_runs=1)]
    found = curves("high", points, "1h", NOW)
    assert set(found.done) == set(found.came) == {None}


def test_two_schedulers_that_sample_the_same_slot_count_once() -> None:
    start, _ = window("1h", NOW)
    once = sampled(start, NOW)
    assert curves("high", [*once, *once], "1h", NOW) == curves("high", once, "1h", NOW)
    # Half a second later, by the clock of the other one.
    both = sorted([*once, *(replace(p, at=p.at + 0.5) for p in once)], key=lambda p: p.at)
    assert runs(curves("high", both, "1h", NOW)) == pytest.approx(runs(curves("high", once, "1h", NOW)), rel=0.01)


def test_a_clock_that_jumps_ahead_and_is_set_back_neither_doubles_nor_invents() -> None:
    """At 20 minutes it jumps ahead by 15, a sample is taken there, it is set back, and sampling goes on when it is there."""
    start, _ = window("1h", NOW)
    jump, there = start + 20 * 60, start + 35 * 60
    before = sampled(start, jump)
    count = before[-1].done or 0
    future = Point(there, waiting=5, came=count + 30, done=count + 30, failed_runs=0)
    after = [replace(point, anew=1) for point in sampled(there + 30, NOW, count=count + 900)]
    future = replace(future, failed_runs=(after[0].failed_runs or 0) - 60)
    found = curves("high", [*before, future, *after], "1h", NOW)
    assert max(value for value in found.done if value is not None) <= 63
    assert found.done[21:35] == (None,) * 14
    assert runs(found) <= 60 * 46


@pytest.mark.parametrize("span", SPANS)
def test_a_clock_that_was_set_back_between_two_looks_invents_nothing(span: Span) -> None:
    """A day of runs lies between two samples that are half a minute apart: of a long span neither of them is looked at."""
    start, _ = window(span, NOW)
    middle = start + (NOW - start) // 2 // 30 * 30 + 90
    before, count = sampled(start, middle), 86_400
    after = [replace(point, anew=1) for point in sampled(middle + 30, NOW, count=(before[-1].done or 0) + count)]
    found = curves("high", looked_at([*before, *after], span), span, NOW)
    assert max(value for value in found.done if value is not None) == pytest.approx(60, rel=0.05)


def test_own_readings_of_a_clock_that_was_set_back_invent_nothing() -> None:
    own = OwnReadings()
    for n in range(4):
        own.keep(b"high", Point(NOW - 60 + 15 * n, 1, came=10 * n, done=10 * n, failed_runs=0, own=True))
    for n in range(3):
        # Set back by half a minute, and two hours of runs later.
        own.keep(b"high", Point(NOW - 45 + 15 * n, 1, came=5_000 + 10 * n, done=5_000 + 10 * n, failed_runs=0, own=True))
    found = curves("high", list(own.of(b"high")), "1h", NOW)
    assert {value for value in found.done if value} == {40.0}


def test_what_lies_in_the_future_is_not_told() -> None:
    found = curves("high", [Point(NOW - 30, 1), Point(NOW + 20, 1_000)], "1h", NOW)
    assert max(value for value in found.waiting if value is not None) == 1


def test_own_readings_fill_what_nobody_recorded_and_nothing_else() -> None:
    start, _ = window("1h", NOW)
    stopped = start + 30 * 60
    # This console's clock is five seconds ahead: read between samples, its counts would give rates that never were.
    own = [replace(p, at=p.at + 5, waiting=9, own=True) for p in sampled(start, NOW, every=15.0)]
    found = curves("high", [*sampled(start, stopped), *own], "1h", NOW)
    assert found.own
    assert set(found.waiting[:30]) == {5}
    assert set(found.waiting[33:-1]) == {9}
    assert all(value == pytest.approx(60, rel=0.04) for value in found.done if value is not None)
    assert not curves("high", sampled(start, NOW), "1h", NOW).own


def test_columns_stay_where_they_are_while_time_goes_on() -> None:
    points = sampled(NOW - 4_000, NOW + 50)
    first, later = curves("high", points, "1h", NOW), curves("high", points, "1h", NOW + 45)
    shift = round((later.start - first.start) / first.step_s)
    assert shift in (0, 1)
    assert later.done[: 59 - shift] == first.done[shift:59]


@pytest.mark.parametrize("span", SPANS)
def test_an_older_instant_lies_in_the_middle_of_what_is_shown(span: Span) -> None:
    start, end = window(span, NOW)
    assert window(span, NOW, start + 1) == (start, end)
    at = NOW - 30 * 86_400
    first, last = window(span, NOW, at)
    assert last - first == end - start
    assert abs((first + last) / 2 - at) <= GRIDS[span].step_s


def test_nothing_recorded_is_nothing_known() -> None:
    found = curves("high", [], "24h", NOW)
    assert not found.known
    assert set(found.done) == {None}


def test_how_a_queue_drains_is_told_by_what_was_read_of_it_where_nothing_is_recorded() -> None:
    own = OwnReadings()
    for n in range(5):
        own.keep(b"mail", Point(NOW + 15 * n, 600 - 10 * n, own=True))
    assert own.flow(b"mail", 600, NOW + 5).drain_s is None
    found = own.flow(b"mail", 550, NOW + 75)
    assert (found.in_per_min, found.out_per_min, found.grows_per_min, found.drain_s) == (None, None, -40.0, 825.0)
    assert own.flow(b"other", 550, NOW + 75).grows_per_min is None
    # Nobody looked at it for ten minutes.
    assert own.flow(b"mail", 9, NOW + 660).drain_s is None
