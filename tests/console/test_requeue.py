"""Requeue: against RQ's own call for all that the catalogue has, and where RQ's own call does harm."""

from __future__ import annotations

from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.rate_limit import RateLimit
from rq.registry import FailedJobRegistry

from console.model.commands import JobSeen, Requeue
from tests import catalogue
from tests.catalogue_tasks import echo
from tests.conftest import Stock
from tests.console.acting import act, differences, only_meant, restore, seen, snapshot


def failed(redis: Redis, name: str = "odd", **options: object) -> JobSeen:
    """A job that has failed, as RQ's own calls leave it."""
    queue = Queue(name, connection=redis)
    job = queue.enqueue(echo, 1, **options)
    if job.has_rate_limit:
        redis.zrem(f"rq:rl:{job.rate_limit_key}:allowed", job.id)
    queue.remove(job)
    job.set_status(JobStatus.FAILED)
    FailedJobRegistry(queue=queue).add(job, ttl=600)
    return seen(redis, job.id, name, "failed")


def test_leaves_what_rq_s_own_requeue_leaves(redis: Redis, stock: Stock) -> None:
    jobs = catalogue.build(redis, stock)
    cases = [seen(redis, job) for job in jobs.jobs.values() if job.state in ("failed", "stopped") and job.status is not None]
    assert len(cases) > 8
    limit = RateLimit("one", concurrency=1)
    cases += [failed(redis, rate_limit=limit), failed(redis, rate_limit=RateLimit("many", concurrency=9))]
    parent = failed(redis, "orphaned")
    Queue("children", connection=redis).enqueue(echo, depends_on=parent.key.decode())
    redis.expire(f"rq:job:{parent.key.decode()}:dependents", 300)
    redis.srem("rq:queues", "rq:queue:orphaned")
    bare = failed(redis, "bare")
    redis.hdel(b"rq:job:" + bare.key, "timeout")
    cases += [parent, bare]
    before = snapshot(redis)
    found = []
    for case in cases:
        for front in (False, True):
            restore(redis, before)
            job = Job.fetch(case.key.decode(), connection=redis)

            def ours() -> None:
                assert [one.result for one in act(redis, Requeue(at_front=front), case)] == ["done"]

            found += differences(redis, lambda: job.requeue(at_front=front), ours)
    only_meant("requeue", found)
