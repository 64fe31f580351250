"""Stop: told to the worker that runs the job, and seen to be done, or not, in the job."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.job import Job, JobStatus

from console.model.bulk import Control, Report, carry_out
from console.model.commands import JobSeen, Stop
from console.model.operations import Operation
from console.store.writer import StoreWriter
from tests.catalogue_tasks import dawdle, echo, until_open
from tests.conftest import Stock, until
from tests.console.acting import act, codes

PATH = {"PYTHONPATH": str(Path(__file__).parents[2])}


def running(redis: Redis, job: Job) -> JobSeen:
    until(lambda: job.get_status() == JobStatus.STARTED, what="the job runs")
    return JobSeen(job.id.encode(), job.origin.encode(), "running", time.time())


def stopped(redis: Redis, job: JobSeen) -> Report:
    asked = Operation("op1", "ann", "desk", 1.0, "stop", "", "this", 1, "")
    return carry_out(StoreWriter(redis, "redis://here"), asked, Stop(), [job], Control(), lambda progress: None)


def test_a_job_is_stopped_and_the_worker_goes_on(redis: Redis, stock: Stock) -> None:
    queue = Queue("odd", connection=redis)
    job, after = queue.enqueue(dawdle, retry=Retry(3)), queue.enqueue(echo)
    worker = stock.worker("odd", **PATH)
    assert codes(stopped(redis, running(redis, job)).outcomes) == ["done"]
    assert job.get_status() == JobStatus.STOPPED
    assert redis.zscore("rq:failed:odd", job.id) is not None
    until(lambda: after.get_status() == JobStatus.FINISHED, what="the worker takes the next one")
    assert worker.poll() is None


def test_what_does_not_run_is_not_told_to_anybody(redis: Redis, stock: Stock) -> None:
    queue = Queue("odd", connection=redis)
    job, waits = queue.enqueue(echo), Queue("idle", connection=redis).enqueue(echo)
    stock.worker("odd", **PATH)
    until(lambda: job.get_status() == JobStatus.FINISHED, what="it has run")
    seen = [JobSeen(one.id.encode(), b"odd", "running") for one in (job, waits)]
    asked = [*seen, JobSeen(b"nobody", b"odd", "running"), JobSeen(seen[1].key, b"idle", "queued")]
    assert codes(act(redis, Stop(), *asked)) == ["changed", "changed", "gone", "state"]


def test_a_job_whose_worker_is_gone_is_told_so(redis: Redis, stock: Stock) -> None:
    job = Queue("odd", connection=redis).enqueue(dawdle)
    worker = stock.worker("odd", **PATH)
    seen = running(redis, job)
    until(lambda: redis.exists(f"rq:executions:{job.id}"), what="its execution is noted")
    worker.kill()
    worker.wait()
    # The horse has the worker's connection until it ends, which it does when it sees that its worker is gone.
    name = (redis.hget(f"rq:job:{job.id}", "worker_name") or b"").decode()
    until(lambda: redis.pubsub_numsub(f"rq:pubsub:{name}")[0][1] == 0, what="nobody listens")
    assert codes(act(redis, Stop(), seen)) == ["abandoned"]
    redis.delete(f"rq:executions:{job.id}")
    assert codes(act(redis, Stop(), seen)) == ["abandoned"]
    redis.set(f"rq:executions:{job.id}", "another type")
    assert codes(act(redis, Stop(), seen)) == ["unreadable"]


def test_it_is_told_what_became_of_a_job_that_ended_by_itself(redis: Redis) -> None:
    writer = StoreWriter(redis, "redis://here")
    statuses = {"a": "stopped", "b": "started", "c": "finished", "d": "queued"}
    for job, status in statuses.items():
        redis.hset(f"rq:job:{job}", "status", status)
    redis.set("rq:job:f", "no hash")
    found = writer.check(Stop(), [JobSeen(job.encode(), b"odd", "running") for job in (*statuses, "e", "f")])
    assert codes(found) == ["done", "sent", "changed", "changed", "gone", "unreadable"]
    assert found[2].said == "it was not stopped: by now it is finished"


@pytest.mark.parametrize("ahead", [0, 200, -200])
def test_the_message_is_the_one_that_rq_sends_and_only_to_live_executions(redis: Redis, ahead: float) -> None:
    redis.hset("rq:job:job", mapping={"status": "started", "worker_name": "before"})
    redis.zadd("rq:executions:job", {"live": time.time() + 60, "dead": time.time() - 60, "odd": time.time() + 60})
    redis.hset("rq:execution:job:live", "worker_name", "now")
    redis.hset("rq:execution:job:dead", "worker_name", "before")
    redis.set("rq:execution:job:odd", "no hash")
    with redis.pubsub() as listening:
        listening.psubscribe("rq:pubsub:*")
        until(lambda: listening.get_message(timeout=0.1), what="it listens")
        assert codes(act(redis, Stop(), JobSeen(b"job", b"odd", "running"), ahead=ahead)) == ["sent"]
        message = until(lambda: listening.get_message(ignore_subscribe_messages=True, timeout=0.1), what="the message")
        assert message["channel"] == b"rq:pubsub:now"
        assert json.loads(message["data"]) == {"command": "stop-job", "job_id": "job"}
        assert listening.get_message(ignore_subscribe_messages=True) is None


def test_a_worker_that_ignores_it_is_reported(redis: Redis, stock: Stock) -> None:
    job = Queue("odd", connection=redis).enqueue(until_open)
    stock.worker("--worker-class", "rq.SimpleWorker", "odd", **PATH)
    seen = running(redis, job)
    writer = StoreWriter(redis, "redis://here")
    until(lambda: redis.exists(f"rq:executions:{job.id}"), what="its execution is noted")
    assert codes(act(redis, Stop(), seen)) == ["sent"]
    assert codes(writer.check(Stop(), [seen])) == ["sent"]
    redis.set("test:gate", 1)
    until(lambda: codes(writer.check(Stop(), [seen])) == ["changed"], what="it is told that it finished")
    assert job.get_status() == JobStatus.FINISHED
