"""Whether promises are kept: delays of known distributions, counted by starts and told within a tenth."""

from __future__ import annotations

import random
import statistics
import time
from dataclasses import replace

import pytest
from redis import Redis
from rq.job import Job

import jobs
from console.model.promises import Promises, TierPromise, delays, over
from console.screens import outlook_lines
from console.store import promises
from console.store.steps import Line, alone
from jobs import attempts, controls, keys
from jobs import delays as bins
from jobs.schedules import schedule_id
from jobs.users import User
from tests.benchmarks.ratios import RoundTrips
from tests.console.whole_site import nothing_changes

NOW = 1_764_079_331.0


def started(redis: Redis, lane: str, tier: str, kind: str, seconds: list[float], at: float = NOW) -> None:
    """Counted as an attempt's start counts them."""
    record, group = bins.record(at), bins.group(lane, tier)
    longest = float(redis.hget(record, f"{group};{kind};max") or 0)
    with redis.pipeline(transaction=False) as pipe:
        for one in seconds:
            pipe.hincrby(record, f"{group};{kind};{bins.bin_of(one)}", 1)
        pipe.hset(record, f"{group};{kind};max", max([longest, *seconds]))
        pipe.execute()


def waits(redis: Redis, user: str, tier: str, lane: str, ago: float) -> str:
    """A run that waits, as keys.WAITING has it."""
    schedule = schedule_id(user, "scrape")
    redis.hset(keys.SCHEDULE + schedule, mapping={"user": user, "tier": tier})
    redis.zadd(keys.WAITING + lane, {f"{schedule}-{int(NOW)}": NOW - ago})
    return f"{schedule}-{int(NOW)}"


def read(redis: Redis, now: float = NOW) -> Promises:
    line = Line(redis)
    with RoundTrips(redis) as trips:
        found = alone(line, promises.read(line, now))
    assert trips.count <= 2
    return found


def tier(found: Promises, name: str) -> TierPromise:
    [one] = [one for one in found.tiers if one.tier == name]
    return one


@pytest.mark.parametrize("mean", [0.4, 12.0, 900.0])
def test_lateness_and_waits_of_known_distributions(redis: Redis, mean: float) -> None:
    random.seed(5)
    late, waited = ([random.expovariate(1 / one) for _ in range(5_000)] for one in (mean, mean / 2))
    for part in range(10):
        started(redis, "high", "pro", "late", late[part * 500 : part * 500 + 500], NOW - part * 350)
        started(redis, "high", "pro", "wait", waited[part * 500 : part * 500 + 500], NOW - part * 350)
    one = tier(read(redis), "pro")
    for told, known in ((one.lateness, late), (one.waits, waited)):
        assert told is not None
        assert told.count == 5_000
        assert told.p50 == pytest.approx(statistics.median(known), rel=0.1)
        assert told.p95 == pytest.approx(statistics.quantiles(known, n=100)[94], rel=0.1)
        assert told.longest == pytest.approx(max(known))
    broken = sum(wait > 5 for wait in waited)
    assert one.over == pytest.approx(broken, rel=0.1, abs=2)
    assert one.kept is (broken == 0)


def test_what_started_more_than_an_hour_ago_is_of_no_account(redis: Redis) -> None:
    started(redis, "high", "pro", "wait", [400.0], NOW - 4_000)
    started(redis, "high", "pro", "wait", [1.0], NOW - 3_500)
    found = read(redis)
    assert 3_600 <= found.since_s < 3_900
    one = tier(found, "pro")
    assert one.waits is not None
    assert (one.waits.count, one.waits.longest, one.over, one.kept) == (1, 1.0, 0, True)


def test_who_waits_too_long_is_named_and_whoever_does_not_is_not(redis: Redis) -> None:
    first = waits(redis, "ada", "pro", "high", 60)
    waits(redis, "bob", "pro", "high", 3)
    waits(redis, "cy", "free", "low", 3_000)
    found = read(redis)
    assert [(one.run, one.user, one.waited_s) for one in found.overdue] == [(first, "ada", 60.0)]
    assert tier(found, "pro").longest_now == 60
    assert [tier(found, "pro").kept, tier(found, "free").kept] == [False, True]
    assert found.waiting_over == {"high": 1, "default": 0, "low": 0}


def test_users_are_told_of_the_longest_waiting_runs_only_and_all_are_counted(redis: Redis) -> None:
    for n in range(120):
        waits(redis, f"user-{n}", "pro", "high", 10 + n)
    found = read(redis)
    assert [one.user for one in found.overdue] == [f"user-{n}" for n in range(119, 69, -1)]
    assert found.looked_at == 50
    assert found.waiting_over is not None
    assert found.waiting_over["high"] == 120


def test_what_waits_too_long_is_counted_with_what_started_too_late(redis: Redis) -> None:
    for n in range(17):
        waits(redis, f"user-{n}", "pro", "high", 60 + n)
    waits(redis, "bob", "pro", "high", 3)
    started(redis, "high", "pro", "wait", [1.0, 9.0])
    found = tier(read(redis), "pro")
    assert (found.over, found.over_now, found.kept) == (1, 17, False)
    [_, row] = outlook_lines.promises(replace(read(redis), overdue=()), 120)
    assert "".join(text for text, _ in row.line).split()[-4:-3] == ["18"]


def test_slots_that_nobody_fires_break_promises_but_not_those_of_what_skips(redis: Redis) -> None:
    """As it is a minute after the only rqscheduler was killed, while all that waited has begun."""
    started(redis, "high", "pro", "wait", [1.0])
    told = {"user": "ada", "tier": "pro", "lane": "high"}
    for user, more in (("ada", {}), ("paused", {"paused": "1"}), ("inactive", {"active": "0"}), ("soon", {})):
        one = schedule_id(user, "scrape")
        redis.hset(keys.SCHEDULE + one, mapping={**told, "user": user, **more})
        redis.zadd(keys.ENTRIES, {one: NOW - (12 if user == "soon" else 71)})
    redis.zadd(keys.ENTRIES, {keys.HEARTBEAT_ENTRY: 0, "plain": NOW - 500, "tq-of-nobody": NOW - 500})
    found = read(redis)
    assert [(one.user, one.waited_s, one.unfired) for one in found.overdue] == [("ada", 71.0, True)]
    assert (tier(found, "pro").kept, tier(found, "pro").over_now, tier(found, "pro").longest_now) == (False, 1, 71.0)
    said = "".join(text for row in outlook_lines.promises(found, 120) for text, _ in row.line)
    assert "over now: ada 1 min; 1 slot is due, and nobody fires it" in said


def test_a_tier_that_nothing_is_promised_to_is_told_without_a_verdict(redis: Redis) -> None:
    started(redis, "high", "trial", "wait", [7.0])
    one = tier(read(redis), "trial")
    assert (one.promise_s, one.kept, one.over) == (None, None, 0)


def test_nothing_is_counted_of_what_is_no_count(redis: Redis) -> None:
    record = bins.record(NOW)
    odd = {
        "": "1",
        "high;pro;wait;3": "x",
        "high;pro;wait;-3": "1",
        "high;pro;late;max": "nan",
        "high;pro": "1",
        ";;wait;3": "1",
    }
    redis.hset(
        record, mapping=odd | {"high;pro;late;4": "-5", "high;" + "x" * 5_000 + ";wait;3": "1", b"\xff;\xfe;wait;3": "2"}
    )
    redis.set(bins.record(NOW - 600), "of another kind")
    redis.zadd(keys.WAITING + "high", {"not a run": 1, b"\xff\xfe": 2, "tq-scrape-abc-1": float("-inf")})
    redis.set(keys.SCHEDULE + "tq-scrape-abc", "of another kind")
    redis.set(keys.WAITING + "low", "of another kind")
    with nothing_changes(redis):
        found = read(redis)
    assert [one.waits and one.waits.count for one in found.tiers] == [2]
    assert found.overdue == ()


def test_a_record_that_is_too_large_is_not_read(redis: Redis) -> None:
    redis.hset(bins.record(NOW), mapping={f"high;pro;wait;{n:0>300}": 1 for n in range(6_000)})
    assert read(redis).tiers == ()


def test_starts_of_real_runs_are_told(redis: Redis) -> None:
    jobs.set_user(redis, User("ada", "pro"), ["scrape"])
    run = controls.run_now(redis, "ada", "scrape").run
    assert run is not None
    found = read(redis, time.time() + 20)
    assert [(one.run, one.user) for one in found.overdue] == [(run, "ada")]
    attempts.recorded(Job.fetch(run, connection=redis), lambda: None)
    found = read(redis, time.time())
    assert found.overdue == ()
    assert tier(found, "pro").kept
    assert tier(found, "pro").lateness is None


def test_of_no_runs_there_are_no_delays() -> None:
    assert delays({}, 5.0) is None
    assert over({1.0: 5}, None, 9.0) == 0
    # The longest is exact: a bin that reaches over the promise does not break it, and one below does not hide it.
    assert over({5.2: 3}, 5.0, 4.9) == 0
    assert over({4.9: 3}, 5.0, 5.1) == 1
