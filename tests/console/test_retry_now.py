"""Retry now: against a pass of RQ's own scheduler over jobs that are due; and changing when they are."""

from __future__ import annotations

import math
import time
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.rate_limit import RateLimit
from rq.scheduler import RQScheduler

from console.model.commands import JobSeen, Reschedule, RetryNow
from tests import catalogue
from tests.catalogue import Listed
from tests.catalogue_tasks import echo
from tests.conftest import Stock
from tests.console.acting import act, codes, differences, only_meant, restore, seen, snapshot

HOUR = timedelta(hours=1)


def scheduled(redis: Redis, name: str = "odd", **options: Any) -> JobSeen:
    job = Queue(name, connection=redis).enqueue_in(HOUR, echo, 1, **options)
    return seen(redis, job.id, name, "scheduled")


def retried(redis: Redis, **options: Any) -> JobSeen:
    """A job that has run, and waits for its retry."""
    case = scheduled(redis, **options)
    redis.hset(b"rq:job:" + case.key, "ended_at", "2026-01-01T00:00:00.000000Z")
    return JobSeen(case.key, case.queue, "retrying", case.score)


def a_pass(redis: Redis, case: JobSeen) -> None:
    """One pass of RQ's scheduler when only this job is due."""
    redis.zadd(b"rq:scheduled:" + case.queue, {case.key: 1})
    scheduler = RQScheduler([case.queue.decode()], connection=redis, logging_level="WARNING")
    scheduler.acquire_locks()
    scheduler.enqueue_scheduled_jobs()
    scheduler.release_locks()
    redis.delete(scheduler.key)


def test_leaves_what_a_pass_of_rq_s_scheduler_leaves(redis: Redis, stock: Stock) -> None:
    jobs = catalogue.build(redis, stock).jobs.values()
    waiting = [job for job in jobs if job.state in ("scheduled", "retrying") and f"rq:scheduled:{job.queue}" in job.lists]
    assert {job.state for job in waiting} == {"scheduled", "retrying"}
    cases: list[Listed | JobSeen] = [*waiting, scheduled(redis, ttl=900), scheduled(redis, at_front=True)]
    cases += [
        retried(redis, retry=Retry(2, 60, enqueue_at_front=True)),
        scheduled(redis, retry=Retry(2, 60, enqueue_at_front=True)),
    ]
    cases += [
        scheduled(redis, rate_limit=RateLimit("one", 1)),
        scheduled(redis, at_front=True, rate_limit=RateLimit("many", 9)),
    ]
    cases += [bare := scheduled(redis), strange := scheduled(redis), scheduled(redis, "unlisted")]
    redis.hdel(b"rq:job:" + bare.key, "timeout")
    redis.hset(b"rq:job:" + strange.key, "origin", "elsewhere")
    Queue("odd", connection=redis).enqueue(echo)
    Queue("odd", connection=redis).enqueue(echo, rate_limit=RateLimit("one", 1))
    redis.srem("rq:queues", "rq:queue:unlisted")
    before = snapshot(redis)
    found = []
    for case in cases:
        restore(redis, before)
        job = seen(redis, case) if isinstance(case, Listed) else case

        def theirs(job: JobSeen = job) -> None:
            a_pass(redis, job)

        def ours(job: JobSeen = job) -> None:
            assert codes(act(redis, RetryNow(), job)) == ["done"]

        found += differences(redis, theirs, ours)
    only_meant("retry-now", found)


def test_goes_to_the_front_when_that_is_asked_for(redis: Redis) -> None:
    Queue("odd", connection=redis).enqueue(echo, job_id="first")
    jobs = [scheduled(redis), scheduled(redis, rate_limit=RateLimit("x", 1))]
    for job in jobs:
        act(redis, RetryNow(at_front=True), job)
    assert redis.lrange("rq:queue:odd", 0, -1) == [jobs[1].key, jobs[0].key, b"first"]


def test_each_is_done_once_and_what_changed_is_left_alone(redis: Redis) -> None:
    first, moved, gone, fails = (scheduled(redis) for _ in range(4))
    redis.zadd("rq:scheduled:odd", {moved.key: 1})
    redis.delete(b"rq:job:" + gone.key)
    redis.hset(b"rq:job:" + fails.key, "status", "failed")
    asked = (first, first, moved, gone, fails, JobSeen(first.key, b"odd", "queued"))
    assert codes(act(redis, RetryNow(), *asked)) == ["done", "changed", "changed", "gone", "changed", "state"]
    assert redis.lrange("rq:queue:odd", 0, -1) == [first.key]
    assert redis.zrange("rq:scheduled:odd", 0, -1) == [moved.key, *sorted([gone.key, fails.key])]


def test_a_queue_that_is_no_list_is_told_and_nothing_is_changed(redis: Redis) -> None:
    job = scheduled(redis)
    redis.set("rq:queue:odd", "no list")
    before = snapshot(redis)
    assert codes(act(redis, RetryNow(), job)) == ["unreadable"]
    redis.delete("tq:operation:op1")
    assert snapshot(redis) == before


# --- when they are due ------------------------------------------------------------------------------------


def test_another_time_is_set_where_the_job_still_waits(redis: Redis) -> None:
    job, retry, moved, gone = scheduled(redis), retried(redis), scheduled(redis), scheduled(redis)
    redis.zadd("rq:scheduled:odd", {moved.key: 1})
    redis.zrem("rq:scheduled:odd", gone.key)
    due = round(time.time()) + 7_200.5
    assert codes(act(redis, Reschedule(due), job, retry, moved, gone)) == ["done", "done", "changed", "changed"]
    assert dict(redis.zrange("rq:scheduled:odd", 0, -1, withscores=True)) == {job.key: due, retry.key: due, moved.key: 1}
    again = seen(redis, job.key.decode(), "odd", "scheduled")
    assert codes(act(redis, Reschedule(due), again)) == ["same"]


def test_a_hash_that_would_expire_lives_as_much_longer(redis: Redis) -> None:
    job = scheduled(redis, ttl=4_000)
    act(redis, Reschedule((job.score or 0) + 10_000), job)
    assert redis.ttl(b"rq:job:" + job.key) == pytest.approx(14_000, abs=10)
    sooner = seen(redis, job.key.decode(), "odd", "scheduled")
    act(redis, Reschedule(time.time() + 5), sooner)
    assert redis.ttl(b"rq:job:" + job.key) == pytest.approx(14_000, abs=10)


@pytest.mark.parametrize("due", [math.nan, math.inf, -1.0, 0.0])
def test_what_is_no_instant_is_refused(redis: Redis, due: float) -> None:
    job = scheduled(redis)
    assert codes(act(redis, Reschedule(due), job)) == ["invalid"]
    assert redis.zscore("rq:scheduled:odd", job.key) == job.score
