"""Move and to front: what RQ has no call for, by the steps that leave a job in one place, under stock workers."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue, Retry, SimpleWorker
from rq.rate_limit import RateLimit
from rq_scheduler import Scheduler

from console.model.bulk import BATCH, Control, carry_out
from console.model.commands import JobSeen, Move, Reschedule, ToFront
from console.model.operations import Operation
from console.store.writer import StoreWriter
from jobs import keys
from tests.catalogue_tasks import echo, fail
from tests.conftest import Stock, until
from tests.console.acting import act, codes, seen
from tests.contents import contents

PATH = {"PYTHONPATH": str(Path(__file__).parents[2])}


def queued(redis: Redis, name: str = "old", function: Any = echo, **options: Any) -> JobSeen:
    return seen(redis, Queue(name, connection=redis).enqueue(function, **options).id, name, "queued")


def test_a_queued_job_goes_to_the_end_of_the_other_queue(redis: Redis) -> None:
    there, stays, goes = queued(redis, "new"), queued(redis), queued(redis)
    redis.srem("rq:queues", "rq:queue:new")
    before = redis.hgetall(b"rq:job:" + goes.key)
    assert codes(act(redis, Move(b"new"), goes, goes)) == ["done", "changed"]
    assert redis.lrange("rq:queue:new", 0, -1) == [there.key, goes.key]
    assert redis.lrange("rq:queue:old", 0, -1) == [stays.key]
    after = redis.hgetall(b"rq:job:" + goes.key)
    assert {name for name in after if after[name] != before.get(name)} == {b"origin", b"enqueued_at"}
    assert after[b"origin"] == b"new"
    assert after[b"enqueued_at"] > before[b"enqueued_at"]
    assert redis.sismember("rq:queues", "rq:queue:new")


def test_the_order_of_those_that_move_stays(redis: Redis) -> None:
    jobs = [queued(redis) for _ in range(5)]
    assert codes(act(redis, Move(b"new"), *jobs)) == ["done"] * 5
    assert redis.lrange("rq:queue:new", 0, -1) == [job.key for job in jobs]
    assert not redis.exists("rq:queue:old")


def test_workers_run_them_once_in_the_new_queue_and_failures_are_in_its_registry(redis: Redis, stock: Stock) -> None:
    tried = queued(redis, function=fail, retry=Retry(max=1, interval=1))
    SimpleWorker([Queue("old", connection=redis)], connection=redis).work(burst=True, logging_level="CRITICAL")
    parent = queued(redis)
    jobs = [queued(redis), queued(redis, function=fail), queued(redis, rate_limit=RateLimit("x", 1))]
    waits = queued(redis, rate_limit=RateLimit("x", 1))
    child = Queue("old", connection=redis).enqueue(echo, depends_on=parent.key.decode())
    later = Queue("old", connection=redis).enqueue_in(timedelta(seconds=1), echo)
    deferred, due = seen(redis, child.id, "old", "deferred"), seen(redis, later.id, "old", "scheduled")
    retrying = seen(redis, tried.key.decode(), "old", "retrying")
    moved = act(redis, Move(b"new"), *jobs, deferred, due, retrying)
    assert codes(moved) == ["done"] * 6
    assert redis.zscore("rq:scheduled:new", retrying.key) == retrying.score
    assert redis.hget(b"rq:job:" + retrying.key, "origin") == b"new"
    assert redis.zscore("rq:deferred:new", deferred.key) == deferred.score
    assert redis.zscore("rq:scheduled:new", due.key) == due.score
    assert redis.keys("rq:deferred:old") == redis.keys("rq:scheduled:old") == []
    stock.worker("--with-scheduler", "new", **PATH)
    stock.worker("old", **PATH)
    ran = [parent, jobs[0], jobs[2], waits, deferred, due]
    until(lambda: all(redis.hget(b"rq:job:" + job.key, "status") == b"finished" for job in ran), what="all have run")
    until(lambda: set(redis.zrange("rq:failed:new", 0, -1)) == {jobs[1].key, tried.key}, what="two fail in their new queue")
    # Of an attempt that is followed by another RQ keeps no result.
    assert [redis.xlen(b"rq:results:" + job.key) for job in (*ran, jobs[1], tried)] == [1] * 8
    assert not redis.exists("rq:failed:old")
    new = {jobs[0].key, jobs[2].key, deferred.key, due.key}
    assert set(redis.zrange("rq:finished:new", 0, -1)) == new
    assert set(redis.zrange("rq:finished:old", 0, -1)) == {parent.key, waits.key}
    assert redis.zcard("rq:rl:x:allowed") == redis.zcard("rq:rl:x:rate_limited") == 0


def test_what_a_worker_has_taken_is_left_alone(redis: Redis) -> None:
    popped, started, gone, odd = queued(redis), queued(redis), queued(redis), queued(redis)
    redis.lrem("rq:queue:old", 0, popped.key)  # type: ignore[arg-type]
    redis.hset(b"rq:job:" + started.key, "status", "started")
    redis.delete(b"rq:job:" + gone.key, b"rq:job:" + odd.key)
    redis.set(b"rq:job:" + odd.key, "no hash")
    before = contents(redis)
    for command in (Move(b"new"), ToFront()):
        assert codes(act(redis, command, popped, started, gone, odd)) == ["changed", "changed", "gone", "unreadable"]
        redis.delete("tq:operation:op1")
        assert contents(redis) == before


def test_the_same_queue_and_other_states_and_types_are_told(redis: Redis) -> None:
    job = queued(redis)
    redis.set("rq:queue:blocked", "no list")
    before = contents(redis)
    assert codes(act(redis, Move(b"old"), job)) == ["same"]
    assert codes(act(redis, Move(b"blocked"), job)) == ["unreadable"]
    assert (
        codes(act(redis, Move(b"new"), JobSeen(job.key, b"old", "running"), JobSeen(job.key, b"old", "failed", 1)))
        == ["state"] * 2
    )
    redis.delete("tq:operation:op1")
    assert contents(redis) == before


@pytest.mark.parametrize(
    "name",
    [b"", b" ", b" x", b"x\n", b"\x1b[31m", b"\xff", b"a,b", "\u202e".encode(), b"x" * 201, b"_compact:1", b"x:intermediate"],
)
def test_a_name_that_no_queue_should_have_is_refused(redis: Redis, name: bytes) -> None:
    job = queued(redis)
    [outcome] = act(redis, Move(name), job)
    assert (outcome.reason, bool(outcome.said)) == ("invalid", True)
    assert redis.lrange("rq:queue:old", 0, -1) == [job.key]


def test_ids_and_queues_of_any_bytes(redis: Redis) -> None:
    job, queue = b"\xff: odd\n", b"\xfe\n"
    redis.hset(b"rq:job:" + job, mapping={"status": "queued", "origin": queue})
    redis.rpush(b"rq:queue:" + queue, job, b"other")
    redis.hset("rq:job:other", "status", "queued")
    assert codes(act(redis, ToFront(), JobSeen(b"other", queue, "queued"))) == ["done"]
    assert codes(act(redis, Move("ünï".encode()), JobSeen(job, queue, "queued"))) == ["done"]
    assert redis.lrange("rq:queue:ünï", 0, -1) == [job]
    assert redis.lrange(b"rq:queue:" + queue, 0, -1) == [b"other"]


def test_a_scheduled_job_moves_as_it_was_seen(redis: Redis) -> None:
    later = Queue("old", connection=redis).enqueue_in(timedelta(hours=1), echo)
    due = seen(redis, later.id, "old", "scheduled")
    act(redis, Reschedule(4e9), due)
    assert codes(act(redis, Move(b"new"), due)) == ["changed"]
    now = seen(redis, later.id, "old", "scheduled")
    assert codes(act(redis, Move(b"new"), now, now)) == ["done", "changed"]
    assert redis.zrange("rq:scheduled:new", 0, -1, withscores=True) == [(now.key, 4e9)]
    assert redis.hget(b"rq:job:" + now.key, "origin") == b"new"


def to_front(redis: Redis, *jobs: JobSeen) -> list[str]:
    asked = Operation("op1", "ann", "desk", 1.0, "to-front", "", "these", len(jobs), "")
    report = carry_out(StoreWriter(redis, "redis://here"), asked, ToFront(), jobs, Control(), lambda progress: None)
    return codes(report.outcomes)


def test_those_that_come_to_the_front_keep_the_order_given_however_many(redis: Redis) -> None:
    jobs = [queued(redis) for _ in range(2 * BATCH + 20)]
    chosen = [*jobs[30:], jobs[3], jobs[1]]
    before = redis.hgetall(b"rq:job:" + jobs[50].key)
    assert to_front(redis, *chosen) == ["done"] * len(chosen)
    rest = [job for job in jobs if job not in chosen]
    assert redis.lrange("rq:queue:old", 0, -1) == [job.key for job in chosen + rest]
    assert redis.hgetall(b"rq:job:" + jobs[50].key) == before


@pytest.mark.parametrize("place", [0, 1, 11_000, 14_000, 27_999, 29_999])
def test_a_job_anywhere_in_a_long_queue_is_found(redis: Redis, place: int) -> None:
    with redis.pipeline(transaction=False) as pipe:
        for n in range(30_000):
            pipe.hset(f"rq:job:j{n}", mapping={"status": "queued", "enqueued_at": f"2026-01-01T00:00:{n:06d}Z"})
        pipe.rpush("rq:queue:long", *(f"j{n}" for n in range(30_000)))
        pipe.execute()
    job = JobSeen(f"j{place}".encode(), b"long", "queued")
    assert codes(act(redis, ToFront(), job)) == ["done"]
    assert redis.lindex("rq:queue:long", 0) == job.key
    assert redis.llen("rq:queue:long") == 30_000
    assert codes(act(redis, Move(b"new"), job)) == ["done"]
    assert redis.llen("rq:queue:long") == 29_999


@pytest.mark.parametrize("interval", [2, None])
def test_the_job_of_an_entry_stays_for_its_schedule_would_go(redis: Redis, stock: Stock, interval: int | None) -> None:
    entry = Scheduler("old", connection=redis).schedule(
        datetime.now(UTC), "operator.add", [1, 2], interval=interval, id="nightly"
    )
    until(lambda: stock.scheduler("-b", "-i", "1").wait(30) == 0 and redis.llen("rq:queue:old") == 1, what="it has fired")
    redis.zadd(keys.ENTRIES, {entry.id: time.time() + 600})
    job, other = seen(redis, "nightly", "old", "queued"), queued(redis)
    before = redis.hgetall(entry.key)
    assert codes(act(redis, Move(b"new"), job, other)) == ["entry", "done"]
    assert redis.hgetall(entry.key) == before
    assert redis.lrange("rq:queue:old", 0, -1) == [b"nightly"]
