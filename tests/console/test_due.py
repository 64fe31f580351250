"""What is due in a day, against a brute count of every slot of every schedule."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from console.model.due import MINUTE, QUARTER, QUARTERS, SPREAD, Due
from console.store import due
from console.store.steps import Line, alone
from jobs import keys, schedules
from jobs.cadence import MAX_JITTER, Cadence, Cron, Every
from tests.benchmarks.ratios import RoundTrips
from tests.console.whole_site import nothing_changes

NOW = 1_764_079_331.0
START = NOW // QUARTER * QUARTER
END = START + QUARTERS * QUARTER

Standing = tuple[str, Cadence, int]
"""A schedule: its id, its cadence, its jitter."""


def read(redis: Redis) -> Due:
    line = Line(redis)
    with RoundTrips(redis) as trips:
        found = alone(line, due.read(line, NOW))
    assert trips.count <= 3
    return found


# --- plain entries: the next slot of each is all that is known ------------------------------------


def slots(kind: str) -> list[float]:
    random.seed(11)
    spread = [random.uniform(NOW - 3_000, END + 3_000) for _ in range(6_000)]
    if kind == "spread":
        return spread
    nine = [START + 40 * QUARTER + random.choice((0.0, 59.999, 7.0)) for _ in range(900)]
    if kind == "peak":
        return [*spread, *nine]
    if kind == "edges":
        return [START, NOW - 0.001, NOW, NOW + 0.001, END, END - 0.001, START + QUARTER, START + QUARTER - 0.001]
    return []


@pytest.mark.parametrize("kind", ["spread", "peak", "edges", "none"])
def test_the_chart_is_what_counting_every_entry_gives(redis: Redis, kind: str) -> None:
    scores = slots(kind)
    if scores:
        redis.zadd(keys.ENTRIES, {f"entry-{n}": score for n, score in enumerate(scores)})
    redis.zadd(keys.ENTRIES, {keys.HEARTBEAT_ENTRY: 0})
    with nothing_changes(redis):
        found = read(redis)
    assert found.late == sum(score < NOW for score in scores)
    check(found, [score for score in scores if NOW <= score < END])


def test_what_is_no_set_of_entries_is_not_known(redis: Redis) -> None:
    redis.set(keys.ENTRIES, "of another kind")
    found = read(redis)
    assert set(found.quarters) == {None}
    assert (found.peak, found.total, found.late) == (None, 0, None)


# --- users' schedules: what follows the next slot is known, too -----------------------------------

CRONS = ("0 * * * *", "0 9 * * *", "*/20 * * * *", "30 2 * * 1", "15 9 1 * *", "59 23 * * *", "0 9 * * 1-5")
ZONES = ("UTC", "Europe/Rome", "America/New_York", "Asia/Kolkata")
PERIODS = (5, 45, 60, 90, 300, 900, 3_600, 5_400, 21_600, 86_400, 7 * 86_400, 30 * 86_400)

cadences = st.one_of(
    st.builds(lambda period, offset: Every(period, offset % period), st.sampled_from(PERIODS), st.integers(0, 10**7)),
    st.builds(Cron, st.sampled_from(CRONS), st.sampled_from(ZONES)),
)
standing = st.lists(
    st.tuples(cadences, st.sampled_from((0, 0, 1, 40, 600, MAX_JITTER)), st.integers(0, 3)), min_size=1, max_size=4
)


@given(standing)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_day_is_every_slot_of_every_schedule(redis: Redis, some: Sequence[tuple[Cadence, int, int]]) -> None:
    """Daily ones, hourly ones, several a minute, weekly and monthly ones, with and without jitter, due and late."""
    redis.flushall()
    made = [
        (f"tq-ok-{n:020}", cadence, 0 if isinstance(cadence, Every) and cadence.period < MINUTE else jitter, late)
        for n, (cadence, jitter, late) in enumerate(some)
    ]
    scores: dict[str, int] = {}
    for one, cadence, jitter, late in made:
        own = schedules.jittered(cadence, jitter, one)
        scores[one] = own.latest(NOW) if late == 0 else own.next_after(NOW)
    arm(redis, [(one, cadence, jitter) for one, cadence, jitter, _ in made], scores)
    found = read(redis)
    assert found.sure
    assert found.late == sum(score < NOW for score in scores.values())
    check(found, [slot for one, cadence, jitter, _ in made for slot in day(one, cadence, jitter, scores[one])])


def test_what_is_paused_and_the_schedules_of_inactive_users_are_not_due(redis: Redis) -> None:
    made: list[Standing] = [(f"tq-{name}-{n:020}", Every(3_600), 0) for name in ("on", "paused", "off") for n in range(3)]
    arm(redis, made, {one: int(NOW) + 600 for one, _, _ in made})
    redis.zadd(keys.ENTRIES, {made[5][0]: NOW - 900, made[8][0]: NOW - 900})
    for one, _, _ in made:
        skips = {"paused": {"paused": "1"}, "off": {"active": "0"}}.get(one.split("-")[1], {"paused": "0", "active": "1"})
        redis.hset(keys.SCHEDULE + one, mapping=skips)
    found = read(redis)
    coming = [slot for one, cadence, _ in made[:3] for slot in day(one, cadence, 0, int(NOW) + 600)]
    check(found, coming)
    assert (found.late, found.late_by) == (0, ())


def test_of_many_that_skip_a_few_tell_how_many_there_are(redis: Redis) -> None:
    ids = [f"tq-daily-{n:020}" for n in range(4_000)]
    made: list[Standing] = [(one, Every(86_400).bound_to(one, "UTC"), 0) for one in ids]
    arm(redis, made, {one: cadence.next_after(NOW) for one, cadence, _ in made})
    for n, (one, _, _) in enumerate(made):
        redis.hset(keys.SCHEDULE + one, "paused", str(int(n % 4 == 0)))
    found = read(redis)
    assert not found.sure
    assert found.total == pytest.approx(3_000, rel=0.1)


def day(one: str, cadence: Cadence, jitter: int, first: int) -> Iterable[int]:
    """The slots from now on: the one that the entry waits for, and those that firing gives it after that."""
    own, count = schedules.jittered(cadence, jitter, one), 4
    while (found := schedules.slots_from(first, own, count, NOW))[-1] < END:
        count *= 4
    return [slot for slot in found if NOW <= slot < END]


def arm(redis: Redis, made: Iterable[Standing], scores: dict[str, int]) -> None:
    with redis.pipeline(transaction=False) as pipe:
        for one, cadence, jitter in made:
            pipe.hset(keys.SCHEDULE + one, mapping={"cadence": cadence.spec(), "jitter": jitter or ""})
        pipe.zadd(keys.ENTRIES, {**scores, keys.HEARTBEAT_ENTRY: 0})
        pipe.execute()


def check(found: Due, coming: Sequence[float]) -> None:
    """Quarters, the fullest minute, and what moving each slot later by each minute of an hour would make of it."""
    quarters = Counter(int((slot - START) // QUARTER) for slot in coming)
    assert found.quarters == tuple(quarters[n] for n in range(QUARTERS))
    assert (found.start, found.total) == (START, len(coming))
    minutes = Counter(int((slot - START) // MINUTE) for slot in coming)
    if not minutes:
        assert (found.peak, found.spread) == (None, 0)
        return
    assert found.peak is not None
    most = max(minutes.values())
    at = min(minute for minute, count in minutes.items() if count == most)
    assert (found.peak.count, found.peak.at) == (most, START + at * MINUTE)
    moved: Counter[int] = Counter()
    for minute, count in minutes.items():
        moved.update({later: count for later in range(minute, minute + SPREAD) if later < QUARTERS * QUARTER // MINUTE})
    assert found.spread == pytest.approx(max(moved.values()) / SPREAD)


def test_who_is_late_is_told_by_tier_with_the_longest_of_each(redis: Redis) -> None:
    """Late are they when rqscheduler has missed several looks, and not between two."""
    late = {"pro": (300, 400), "free": (3_000, 40), "standard": (60, 500)}
    made = [(f"tq-{tier}-{n:020}", Every(86_400), 0) for tier, (_, many) in late.items() for n in range(many)]
    arm(redis, made, {one: int(NOW) - late[one.split("-")[1]][0] + int(one[-3:]) % 7 for one, _, _ in made})
    for one, _, _ in made:
        redis.hset(keys.SCHEDULE + one, "tier", one.split("-")[1])
    found = read(redis).late_by
    assert [one.tier for one in found] == ["pro", "free"]
    assert [one.count for one in found] == [pytest.approx(400, rel=0.1), pytest.approx(40, rel=0.6)]
    assert found[1].longest_s == pytest.approx(3_000, abs=1)
    redis.delete(keys.ENTRIES)
    redis.zadd(keys.ENTRIES, {"entry": NOW - 500, made[0][0]: NOW - 400})
    assert [(one.tier, one.count, round(one.longest_s)) for one in read(redis).late_by] == [(None, 1, 500), ("pro", 1, 400)]


# --- many: a few of them stand for all -----------------------------------------------------------


def test_of_many_a_few_tell_about_how_many_there_are_and_invent_no_peak(redis: Redis) -> None:
    """2,000 hourly, 1,500 six-hourly and 2,000 daily ones, spread evenly, and 1,500 at nine in Rome."""
    tiers = [(3_600, 2_000), (21_600, 1_500), (86_400, 2_000)]
    made: list[Standing] = [
        (f"tq-{period}-{n:020}", Every(period).bound_to(f"tq-{period}-{n:020}", "UTC"), 0)
        for period, many in tiers
        for n in range(many)
    ]
    made += [(f"tq-nine-{n:020}", Cron("0 9 * * *", "Europe/Rome"), 0) for n in range(1_500)]
    arm(redis, made, {one: cadence.next_after(NOW) for one, cadence, _ in made})
    found = read(redis)
    coming = [slot for one, cadence, _ in made for slot in day(one, cadence, 0, cadence.next_after(NOW))]
    assert not found.sure
    assert found.total == pytest.approx(len(coming), rel=0.05)
    truth = Counter(int((slot - START) // QUARTER) for slot in coming)
    # Of the present quarter only the rest, and some more where what is looked at stands for others.
    assert all(found.quarters[n] == pytest.approx(truth[n], rel=0.25) for n in range(4, QUARTERS - 1))
    assert found.peak is not None
    nine = Cron("0 9 * * *", "Europe/Rome").next_after(NOW)
    assert (found.peak.at, found.peak.count) == (nine, pytest.approx(1_500, rel=0.05))


def test_what_is_spread_evenly_has_no_minute_that_is_much_fuller_than_others(redis: Redis) -> None:
    """Whatever lies in the past, or in what is left of the present quarter, is no crowd."""
    made: list[Standing] = [
        (f"tq-{period}-{n:020}", Every(period).bound_to(f"tq-{period}-{n:020}", "UTC"), 0)
        for period in (3_600, 21_600, 86_400)
        for n in range(5_000)
    ]
    scores = {one: cadence.next_after(NOW - 40) for one, cadence, _ in made}
    arm(redis, made, scores)
    found = read(redis)
    minutes = Counter((slot - START) // MINUTE for one, cadence, _ in made for slot in day(one, cadence, 0, scores[one]))
    assert found.late == sum(score < NOW for score in scores.values()) > 30
    assert found.peak is not None
    assert found.peak.count <= 1.25 * max(minutes.values())
    assert found.total == pytest.approx(sum(minutes.values()), rel=0.05)
    assert found.spread == pytest.approx(found.total / 1_440, rel=0.15)


def test_a_crowd_that_comes_each_hour_is_told_each_hour_and_one_more_on_top_of_it(redis: Redis) -> None:
    made: list[Standing] = [(f"tq-hour-{n:020}", Cron("0 * * * *", "UTC"), 0) for n in range(600)]
    made += [(f"tq-nine-{n:020}", Cron("0 9 * * *", "UTC"), 0) for n in range(300)]
    made += [(f"tq-week-{n:020}", Every(7 * 86_400, n * 777 % (7 * 86_400)), 0) for n in range(700)]
    arm(redis, made, {one: cadence.next_after(NOW) for one, cadence, _ in made})
    found = read(redis)
    assert found.peak is not None
    assert found.peak.at == Cron("0 9 * * *", "UTC").next_after(NOW)
    assert found.peak.count == pytest.approx(900, rel=0.02)
    assert found.total == pytest.approx(23 * 600 + 300 + 100, rel=0.02)
    assert found.spread == pytest.approx(900 / SPREAD, rel=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_what_spreading_makes_of_a_crowd_is_what_jitter_makes_of_it(redis: Redis, seed: int) -> None:
    nine = Cron("0 9 * * *", "UTC")
    made = [(f"tq-{seed}-{n:020}", nine, 0) for n in range(3_000)]
    arm(redis, made, {one: nine.next_after(NOW) for one, _, _ in made})
    told = read(redis).spread
    moved = Counter(schedules.jittered(nine, MAX_JITTER, one).next_after(NOW) // MINUTE for one, _, _ in made)
    assert told == pytest.approx(3_000 / 60)
    assert sum(moved.values()) / 60 == pytest.approx(told)
    # By chance some minute gets more than its share: of 60 minutes hardly one by more than four deviations.
    assert told <= max(moved.values()) <= told + 4 * told**0.5
