"""The figures of the job layer, as ratios of one run: `pytest -m benchmark -s tests/benchmarks/test_job_layer.py`.

The counted figures (round trips, bytes) always run. The timed ones are printed, with the bound that they are meant to keep.
"""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from rq_scheduler import Scheduler

from jobs import User, heartbeat, keys, registering, set_user
from jobs.entries import EntryQueue
from jobs.heartbeat_entry import install
from jobs.schedules import schedule_id
from tests.benchmarks.ratios import RoundTrips
from tests.conftest import BIN, Stock
from tests.fast_tiers import fast_tiers  # noqa: F401 - a fixture

FIRES = 3_000


def test_round_trips_of_a_fire(redis: Redis) -> None:
    """At most 5, rq-scheduler's own included."""
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    redis.zadd(keys.ENTRIES, {schedule_id("ada", "ok"): time.time() - 1})
    scheduler = Scheduler(connection=redis)
    for _ in range(2):
        redis.zadd(keys.ENTRIES, {schedule_id("ada", "ok"): time.time() - 1})
        redis.delete("rq:queue:high")
        with RoundTrips(redis) as trips:
            job = scheduler.job_class.fetch(schedule_id("ada", "ok"), connection=redis)
            scheduler.enqueue_job(job)
    print(f"\nround trips per fire: {trips.count} (at most 5)")
    assert trips.count <= 5


def test_round_trips_of_a_heartbeat_with_nothing_due(redis: Redis) -> None:
    """At most 10, rq-scheduler's own included."""
    for tier in ("pro", "free", "slow"):
        set_user(redis, User(tier, tier), tasks=["ok"])
        # A tier that comes due within seconds may do so within the test.
        redis.zadd(keys.ENTRIES, {schedule_id(tier, "ok"): time.time() + 3_600})
    install(redis)
    scheduler = Scheduler(connection=redis)
    heartbeat.beat(redis)
    redis.hdel(keys.HEARTBEAT, "sampled_at")
    with RoundTrips(redis) as trips:
        scheduler.enqueue_jobs()
    print(f"\nround trips of a pass with a heartbeat and nothing due: {trips.count} (at most 10)")
    assert trips.count <= 10


def test_bytes_of_an_idle_schedule(redis: Redis) -> None:
    """At most 2 kB of Redis memory, the entry and the indexes included, the user not."""
    before = redis.info("memory")["used_memory_dataset"]
    users = [User(f"user-{n:06}@example.com", "pro") for n in range(10_000)]
    for start in range(0, len(users), 500):
        registering.set_users(redis, users[start : start + 500], tasks=["ok"])
    both = redis.info("memory")["used_memory_dataset"]
    one = sum(
        redis.memory_usage(key) or 0
        for key in (keys.SCHEDULE + schedule_id(users[0].id, "ok"), keys.RQ_JOB + schedule_id(users[0].id, "ok"))
    )
    each = (both - before) / len(users)
    print(f"\nbytes per idle schedule with its user: {each:.0f}; its two hashes alone: {one} (at most 2,000)")
    assert each <= 2_000


@pytest.mark.benchmark
def test_fires_a_second_against_plain_entries(redis: Redis, stock: Stock) -> None:
    """At least 1.0 times as many through stock `rqscheduler --burst`, although each fire makes a run of its own."""

    def burst() -> float:
        start = time.perf_counter()
        subprocess.run([str(BIN / "rqscheduler"), "-b", "-i", "60", "-u", stock.url, "--quiet"], check=True, cwd=stock.folder)
        return time.perf_counter() - start

    def plain(n: int) -> None:
        redis.flushall()
        scheduler = Scheduler("default", connection=redis)
        for one in range(n):
            scheduler.schedule(
                scheduled_time=datetime.now(UTC) - timedelta(seconds=5), func="jobs.x.f", args=[f"u{one}"], interval=3_600
            )

    def ours(n: int) -> None:
        redis.flushall()
        users = [User(f"user-{one:06}", "slow") for one in range(n)]
        for start in range(0, n, 500):
            registering.set_users(redis, users[start : start + 500], tasks=["ok"])
        due = int(time.time()) - 5
        with redis.pipeline() as pipe:
            for user in users:
                pipe.zadd(keys.ENTRIES, {schedule_id(user.id, "ok"): due})
            pipe.execute()

    rates: dict[str, list[float]] = {"plain": [], "ours": []}
    for _ in range(3):
        for name, fill in (("plain", plain), ("ours", ours)):
            fill(0)
            idle = burst()
            fill(FIRES)
            rates[name].append(FIRES / (burst() - idle))
        assert redis.llen("rq:queue:default") == FIRES
    plain_rate, our_rate = sorted(rates["plain"])[1], sorted(rates["ours"])[1]
    print(f"\nfires a second: ours {our_rate:.0f}, plain {plain_rate:.0f}: {our_rate / plain_rate:.2f} times (at least 1.0)")


@pytest.mark.benchmark
def test_import_against_one_call_each(redis: Redis) -> None:
    """100,000 users with their schedules at 5 times the rate of one `Scheduler.schedule` call each, at the least."""
    from io import BytesIO

    from jobs.imports import import_users

    total, sample = 100_000, 5_000
    text = "id,tier,zone,sources,webhook,active\n" + "".join(
        f"user-{n}@example.com,{'slow' if n % 5 else 'pro'},Europe/Rome,https://example.com/{n},,true\n" for n in range(total)
    )
    redis.flushall()
    start = time.perf_counter()
    imported = import_users(redis, BytesIO(text.encode()), name="users.csv", format="csv")
    our_rate = total / (time.perf_counter() - start)
    assert imported.added == total
    redis.flushall()
    scheduler = Scheduler("default", connection=redis)
    start = time.perf_counter()
    for n in range(sample):
        scheduler.schedule(scheduled_time=datetime.now(UTC), func="jobs.x.f", args=[f"u{n}"], interval=3_600)
    plain_rate = sample / (time.perf_counter() - start)
    print(
        f"\nimport: {our_rate:.0f} users/s, plain {plain_rate:.0f} schedules/s: {our_rate / plain_rate:.2f} times (at least 5)"
    )


def test_the_entry_queue_is_what_the_entry_names(redis: Redis) -> None:
    """The import path stored in every entry is the class itself: a rename must not leave entries that nobody can fire."""
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    job = Scheduler(connection=redis).job_class.fetch(schedule_id("ada", "ok"), connection=redis)
    assert job.meta["queue_class_name"] == f"{EntryQueue.__module__}.{EntryQueue.__qualname__}"
