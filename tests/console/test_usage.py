"""Who takes the most of the workers, against sums over every record."""

from __future__ import annotations

import random

import pytest
from redis import Redis

from console.model.outlook import Busiest
from console.store import usage as store
from console.store.steps import Line, alone
from jobs import keys, usage
from tests.benchmarks.ratios import RoundTrips
from tests.console.whole_site import nothing_changes

NOW = 1_764_079_331.0


def read(redis: Redis) -> Busiest:
    line = Line(redis)
    with RoundTrips(redis) as trips:
        found = alone(line, store.read(line, NOW))
    assert trips.count <= 3
    return found


def taken(redis: Redis, users: int, steady: bool) -> dict[str, float]:
    """Seconds of 25 hours, and failures, of users of which each takes much, or each a little of its own hours."""
    random.seed(13)
    total: dict[str, float] = {}
    for hour in usage.hours(NOW, 25):
        some = {f"user-{n}": round(random.paretovariate(1.2), 3) if steady else 1.0 + n % 7 for n in range(users)}
        if steady:
            some |= {f"heavy-{n}": 1_000.0 + n for n in range(30)}
        redis.zadd(keys.WORKED + hour, some)
        redis.zadd(keys.FAILED_ATTEMPTS + hour, {user: int(seconds) for user, seconds in some.items() if seconds > 3})
        total = {user: total.get(user, 0.0) + seconds for user, seconds in some.items()} | {
            user: seconds for user, seconds in total.items() if user not in some
        }
    return total


def test_the_busiest_users_are_those_with_the_greatest_sums(redis: Redis) -> None:
    total = taken(redis, 500, steady=True)
    redis.zadd(keys.WORKED + usage.hour(NOW - 26 * 3_600), {"yesterday": 1e6})
    with nothing_changes(redis):
        found = read(redis)
    assert found.sure
    expected = sorted(total.items(), key=lambda one: -one[1])[:20]
    assert [(row.user, pytest.approx(row.seconds)) for row in found.by_seconds] == expected
    failures = [row.failed for row in found.by_failures]
    assert failures == sorted(failures, reverse=True)
    assert {row.user for row in found.by_failures} <= {f"heavy-{n}" for n in range(30)}


def test_where_others_could_have_as_much_it_is_said(redis: Redis) -> None:
    """One takes nearly as much as others in every hour, and each of these in one hour only."""
    for at, hour in enumerate(usage.hours(NOW, 25)):
        redis.zadd(keys.WORKED + hour, {"steady": 9.0, **{f"user-{at}-{n}": 10.0 for n in range(60)}})
    found = read(redis)
    assert "steady" not in [row.user for row in found.by_seconds]
    assert not found.sure


def test_one_user_is_summed_over_the_day(redis: Redis) -> None:
    total = taken(redis, 30, steady=False)
    line = Line(redis)
    with RoundTrips(redis) as trips:
        seconds, failed = alone(line, store.of_user(line, b"user-6", NOW))
    assert trips.count == 1
    assert seconds == pytest.approx(total["user-6"])
    assert failed == 25 * 7


def test_records_of_strangers_are_not_taken_for_ours(redis: Redis) -> None:
    first, second, third, *_ = usage.hours(NOW, 25)
    redis.set(keys.WORKED + first, "of another kind")
    redis.zadd(keys.WORKED + second, {b"\xff\x1b[2J": 5.0, "endless": float("inf"), "negative": -7.0})
    redis.zadd(keys.WORKED + third, {"x" * 3_000_000: 1.0, **{f"u{n}": 2.0 for n in range(3)}})
    found = read(redis)
    assert {row.user: row.seconds for row in found.by_seconds if row.seconds} == {
        next(row.user for row in found.by_seconds if "[2J" in row.user): 5.0
    }


def test_where_nothing_is_recorded_nobody_is_busy(redis: Redis) -> None:
    assert read(redis) == Busiest()
