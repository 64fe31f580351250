"""Jobs in every state, made by RQ's own code and a stock worker, as they would be found at an installation that is not ours."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta
from typing import Final

from redis import Redis
from rq import Queue, Retry
from rq.command import send_stop_job_command
from rq.job import Job, JobStatus
from rq.rate_limit import RateLimit
from rq.registry import ReadyJobRegistry

from jobs import keys
from tests.conftest import Stock, until

QUEUE: Final = "mail"


def make(redis: Redis, stock: Stock) -> dict[str, Job]:
    """One job in each state, by the state's name, all in the queue QUEUE."""
    mail = Queue(QUEUE, connection=redis)
    made = {
        "finished": mail.enqueue("operator.add", 1, 2, meta={"user": "ada@example.com", "tier": "pro", "task": "scrape"}),
        "failed": mail.enqueue("operator.truediv", 1, 0, meta={"user": "bob", "tier": "free", "task": "scrape"}),
        "retrying": mail.enqueue("operator.truediv", 1, 0, retry=Retry(max=3, interval=600)),
        "stopped": mail.enqueue("time.sleep", 60),
    }
    worker = stock.worker(QUEUE)
    stopped, running = made["stopped"], keys.RQ_WIP + QUEUE
    until(lambda: redis.zcard(running) and stopped.get_status() == JobStatus.STARTED and _has_horse(worker.pid))
    until(lambda: _stop(redis, stopped), what="the job is stopped")
    made["running"] = mail.enqueue("time.sleep", 60)
    until(lambda: redis.zcard(running) and made["running"].get_status() == JobStatus.STARTED, what="the next one runs")
    # Killed with its horse, so that nothing changes any more; what it ran stays where it is.
    for pid in (worker.pid, *_horses(worker.pid)):
        os.kill(pid, 9)
    worker.wait()

    made["queued"] = mail.enqueue("operator.add", 2, 3)
    made["deferred"] = mail.enqueue("operator.add", 3, 4, depends_on=made["queued"])
    made["scheduled"] = mail.enqueue_in(timedelta(hours=1), "operator.add", 4, 5)
    made["canceled"] = mail.enqueue("operator.add", 5, 6)
    made["canceled"].cancel()
    limit = RateLimit("vendor", concurrency=1)
    mail.enqueue("operator.add", 6, 7, rate_limit=limit)
    made["rate limited"] = mail.enqueue("operator.add", 7, 8, rate_limit=limit)
    made["ready"] = Job.create("operator.add", (8, 9), connection=redis, origin=QUEUE, status=JobStatus.READY_TO_ENQUEUE)
    made["ready"].save()
    ReadyJobRegistry(QUEUE, connection=redis).add(made["ready"])
    return made


def _stop(redis: Redis, job: Job) -> bool:
    if job.get_status() == JobStatus.STARTED:
        send_stop_job_command(redis, job.id)
    return job.get_status() == JobStatus.STOPPED


def _has_horse(worker: int) -> bool:
    return bool(_horses(worker))


def _horses(worker: int) -> list[int]:
    done = subprocess.run(["ps", "--ppid", str(worker), "-o", "pid="], capture_output=True, text=True)
    return [int(pid) for pid in done.stdout.split()]
