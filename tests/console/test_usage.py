"""Who takes the most of the workers, against sums over every record."""

from __future__ import annotations

import random
from datetime import UTC

import pytest
from redis import Redis

import jobs
from console.model.outlook import Busiest
from console.model.queries import UserQuery
from console.model.secrets import Secrets
from console.screens import user_lines
from console.store import usage as store
from console.store import user
from console.store.steps import Line, alone
from jobs import controls, keys, usage
from jobs.schedules import schedule_id
from jobs.users import User
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


def test_the_page_of_a_user_tells_what_was_taken_and_what_was_kept(redis: Redis) -> None:
    jobs.set_user(redis, User("ada", "pro"), ["scrape"])
    runs = keys.RUNS + schedule_id("ada", "scrape")
    for n, (kind, late, attempts) in enumerate(
        (("slot", 1, 1), ("slot", 4, 1), ("slot", 9, 1), ("slot", 900, 2), ("backfill", 99, 1))
    ):
        slot = int(NOW) - 3_600 * (n + 1)
        redis.hset(runs, str(slot), f"{kind};finished;{slot};{slot + late};1.0;{attempts}")
    redis.zadd(keys.WORKED + usage.hour(NOW), {"ada": 61.5, "bob": 7.0})
    redis.zadd(keys.FAILED_ATTEMPTS + usage.hour(NOW - 3_600), {"ada": 3})
    with RoundTrips(redis) as trips:
        found = user.read(redis, UserQuery("ada"), NOW, Secrets())
    assert trips.count <= 4
    assert (found.worked_s, found.failed_attempts, found.promise_s) == (61.5, 3, 5.0)
    # One that was retried keeps the start of its last attempt only, and a backfilled slot is not late.
    assert found.begun_in_time() == (2, 3)
    said = "\n".join("".join(text for text, _ in row.line) for row in user_lines.lines(found, 80, True, UTC))
    assert "1 min of worker time  3 attempts failed" in said
    assert "✗ 2 of 3 runs began within 5 s of the slot" in said
    assert "2 more: retried, not begun, or without a slot" in said


def test_a_slot_that_nobody_fires_breaks_the_promise_on_the_page_of_its_user(redis: Redis) -> None:
    jobs.set_user(redis, User("ada", "pro"), ["scrape"])
    one = schedule_id("ada", "scrape")
    redis.hset(keys.RUNS + one, str(int(NOW) - 3_600), f"slot;finished;{int(NOW) - 3_600};{int(NOW) - 3_599};1.0;1")

    def said(late: float) -> tuple[tuple[float, ...], str]:
        redis.zadd(keys.ENTRIES, {one: NOW - late})
        found = user.read(redis, UserQuery("ada"), NOW, Secrets())
        rows = user_lines.lines(found, 80, True, UTC)
        return found.schedules[0].next_slots, "\n".join("".join(text for text, _ in row.line) for row in rows)

    slots, page = said(71)
    assert (slots[0], len(slots), slots == tuple(sorted(slots))) == (NOW - 71, 5, True)
    assert slots[1] > NOW
    assert "✗ a slot has been due for 1 min, and nobody has fired it" in page
    assert "✓" not in page.split("SCHEDULE")[0].split("promise")[1]
    assert [line.split()[:4] for line in page.splitlines() if line.strip().startswith("due")] == [["due", "1", "min", "ago"]]
    assert "✓ 1 of 1 run began" in said(3)[1]
    controls.pause(redis, "ada", "scrape", "asked", "ann")
    assert "nobody has fired it" not in said(71)[1]
