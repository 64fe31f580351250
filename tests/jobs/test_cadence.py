"""Cadences: slots strictly increase, never drift, hold across daylight saving in both directions, and spread evenly."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jobs.cadence import Cron, Every, Jittered, Slots, parse, slots_between
from jobs.errors import InvalidCadence
from jobs.schedules import schedule_id

ZONES = ["UTC", "Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "Africa/Casablanca"]
EXPRESSIONS = [
    "* * * * *",
    "*/15 * * * *",
    "30 * * * *",
    "30 2 * * *",
    "15,45 1-3 * * *",
    "*/20 2 * * *",
    "0 */6 * * *",
    "0 9 * * MON-FRI",
    "0 0 1 * *",
    "59 23 L * *",
    "0 12 29 2 *",
]
INSTANTS = st.integers(int(datetime(2005, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2045, 1, 1, tzinfo=UTC).timestamp()))
EVERIES = st.integers(1, 90_000).flatmap(lambda period: st.builds(Every, st.just(period), st.integers(0, period - 1)))
CRONS = st.builds(Cron, st.sampled_from(EXPRESSIONS), st.sampled_from(ZONES))
CADENCES = st.one_of(EVERIES, CRONS)


def instant(zone: str, *parts: int, fold: int = 0) -> int:
    return int(datetime(*parts, tzinfo=ZoneInfo(zone), fold=fold).timestamp())  # type: ignore[misc]


def take(slots: Slots, after: float, n: int) -> list[int]:
    found = []
    for slot in slots_between(slots, after, float("inf")):
        found.append(slot)
        if len(found) == n:
            return found
    return found


@given(CADENCES, INSTANTS, st.floats(0, 0.999))
def test_slots_increase_and_none_lies_between_an_instant_and_its_neighbours(slots: Slots, at: int, fraction: float) -> None:
    now = at + fraction
    before, after = slots.latest(now), slots.next_after(now)
    assert before <= now < after
    assert slots.next_after(before) == after
    assert slots.latest(after) == after
    assert slots.latest(after - 1) == before


@given(CADENCES, INSTANTS, st.lists(st.floats(0, 1), max_size=4))
def test_the_slots_are_the_same_from_wherever_they_are_asked_for(slots: Slots, at: int, steps: list[float]) -> None:
    chain = take(slots, at, 5)
    assert all(earlier < later for earlier, later in pairwise(chain))
    for step in steps:
        asked = at + step * (chain[-1] - at)
        assume(asked < chain[-1])
        assert slots.next_after(asked) == next(slot for slot in chain if slot > asked)


@given(EVERIES, st.integers(1, 10**6), INSTANTS)
def test_an_interval_never_drifts(cadence: Every, n: int, at: int) -> None:
    first = cadence.next_after(at)
    assert cadence.next_after(first + n * cadence.period - 1) == first + n * cadence.period
    assert cadence.count_between(first, first + n * cadence.period) == n


@given(CADENCES, INSTANTS, st.integers(1, 3_600), st.text(min_size=1, max_size=9))
def test_jittered_slots_increase_too(cadence: Every | Cron, at: int, spread: int, seed: str) -> None:
    assume(not isinstance(cadence, Every) or spread < cadence.period)
    slots = Jittered(cadence, spread, seed)
    chain = take(slots, at, 4)
    assert all(earlier < later for earlier, later in pairwise(chain))
    assert slots.latest(chain[1]) == chain[1]
    assert slots.latest(chain[2] - 1) == chain[1]
    for slot in chain:
        assert any(0 <= slot - base <= spread for base in [cadence.latest(slot), *take(cadence, slot - spread - 1, 3)])


@given(CADENCES)
def test_a_cadence_is_read_back_from_its_text(cadence: Every | Cron) -> None:
    assert parse(cadence.spec()) == cadence


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 2 * * *", [(2026, 3, 7, 2, 30), (2026, 3, 8, 3, 0), (2026, 3, 9, 2, 30)]),
        (
            "*/20 2 * * *",
            [(2026, 3, 7, 2, 0), (2026, 3, 7, 2, 20), (2026, 3, 7, 2, 40), (2026, 3, 8, 3, 0), (2026, 3, 9, 2, 0)],
        ),
        ("0 3 * * *", [(2026, 3, 7, 3, 0), (2026, 3, 8, 3, 0), (2026, 3, 9, 3, 0)]),
        ("0 */2 8 * *", [(2026, 3, 8, 0, 0), (2026, 3, 8, 3, 0), (2026, 3, 8, 4, 0)]),
    ],
)
def test_a_time_that_the_gap_skips_fires_once_at_its_end(expression: str, expected: list[tuple[int, ...]]) -> None:
    zone = "America/New_York"
    start = instant(zone, 2026, 3, 7, 0, 0) - 1
    assert take(Cron(expression, zone), start, len(expected)) == [instant(zone, *parts) for parts in expected]


def test_a_time_that_is_repeated_fires_once_the_first_time() -> None:
    zone = "America/New_York"
    cron = Cron("30 1 * * *", zone)
    first = instant(zone, 2026, 11, 1, 1, 30, fold=0)
    second = instant(zone, 2026, 11, 1, 1, 30, fold=1)
    assert second - first == 3_600
    assert cron.next_after(first - 1) == first
    assert cron.next_after(first) == instant(zone, 2026, 11, 2, 1, 30)
    # Asked in the middle of the repeated hour, it does not go back to the first one.
    assert cron.next_after(second - 600) == instant(zone, 2026, 11, 2, 1, 30)
    assert cron.latest(second + 600) == first


def test_a_cadence_of_every_hour_counts_hours_that_pass() -> None:
    zone = "America/New_York"
    start = instant(zone, 2026, 11, 1, 0, 0)
    slots = take(Cron("*/15 * * * *", zone), start, 12)
    assert {later - earlier for earlier, later in pairwise(slots)} == {900}


@pytest.mark.parametrize("period", [3_600, 6 * 3_600, 86_400])
def test_a_tier_of_ten_thousand_spreads_evenly_over_its_period(period: int) -> None:
    offsets = [Every(period).bound_to(schedule_id(f"user-{n}@example.com", "scrape"), "UTC").offset for n in range(10_000)]
    parts = Counter(offset * 60 // period for offset in offsets)
    assert len(parts) == 60
    assert max(parts.values()) <= 2 * 10_000 / 60


@pytest.mark.parametrize(
    "spec", ["", "every", "every x", "every 0 0", "every 10 10", "cron UTC", "cron Nowhere/At_all * * * * *"]
)
def test_what_is_no_cadence_is_refused(spec: str) -> None:
    with pytest.raises(InvalidCadence):
        parse(spec)


@pytest.mark.parametrize("expression", ["0 0 30 2 *", "0 0 31 2 *", "0 0 31 2,4 *"])
def test_a_date_that_never_comes_is_told_as_such(expression: str) -> None:
    with pytest.raises(InvalidCadence, match="never comes due"):
        Cron(expression)


@pytest.mark.parametrize("expression", ["0 0 32 * *", "0 0 32 2 *"])
def test_a_day_that_no_month_has_is_a_bad_day(expression: str) -> None:
    with pytest.raises(InvalidCadence, match="bad day-of-month"):
        Cron(expression)


@pytest.mark.parametrize("expression", ["0 0 30 2 *", "61 * * * *", "* * * *", "@daily", "* * * * * *", "a b c d e", ""])
def test_a_bad_expression_is_refused_in_one_line(expression: str) -> None:
    with pytest.raises(InvalidCadence) as caught:
        Cron(expression)
    assert "\n" not in str(caught.value)
    assert repr(expression) in str(caught.value)
