"""One server with real workers and a real rqscheduler, on which everything that keeps a job from running is made to happen."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Queue, Retry
from rq.command import send_stop_job_command
from rq.job import Job, JobStatus
from rq.rate_limit import RateLimit
from rq_scheduler import Scheduler

from console.store.values import instant
from console.store.workers import NEWBORN
from jobs import keys
from jobs.registering import set_user
from jobs.schedules import schedule_id
from jobs.users import User
from tests.catalogue_tasks import echo, fail
from tests.conftest import Stock, until

TASKS = "tests.catalogue_tasks"


@dataclass
class Stage:
    """The server, and the processes by what they are for."""

    redis: Redis
    stock: Stock
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)

    def queue(self, name: str) -> Queue:
        return Queue(name, connection=self.redis)

    def due(self, entry: str, in_s: float) -> None:
        """Let an entry be due then."""
        assert self.redis.zadd(keys.ENTRIES, {entry: time.time() + in_s}, xx=True, ch=True) == 1

    @contextmanager
    def asleep(self, *names: str) -> Iterator[None]:
        """Processes do nothing meanwhile, nor do those that they have started."""
        pids = [pid for name in names for pid in (self.processes[name].pid, *children(self, name))]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    @property
    def alive(self) -> list[str]:
        """The processes that do something."""
        return [name for name in self.processes if name not in ("dead", "popping", "held")]

    @contextmanager
    def config(self, **values: object) -> Iterator[None]:
        """The server is configured so meanwhile."""
        before = {name: self.redis.config_get(name)[name] for name in values}
        for name, value in values.items():
            self.redis.config_set(name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                self.redis.config_set(name, value)

    @contextmanager
    def hash_says(self, key: str, **fields: str) -> Iterator[None]:
        """A hash has these fields meanwhile."""
        before: Any = {name: self.redis.hget(key, name) for name in fields}
        self.redis.hset(key, mapping=fields)  # type: ignore[arg-type]
        try:
            yield
        finally:
            self.redis.hset(key, mapping=before)

    @contextmanager
    def key_is(self, key: str, value: str | float, px: int | None = None) -> Iterator[None]:
        """There is a text at a key meanwhile."""
        self.redis.set(key, value, px=px)
        try:
            yield
        finally:
            self.redis.delete(key)


def set_up(redis: Redis, stock: Stock) -> Stage:
    """Everything that takes a process: workers that are busy, held, dead, or have done what there was; and rqscheduler."""
    stage = Stage(redis, stock)
    above, doomed, stopping = stage.queue("above"), stage.queue("doomed"), stage.queue("stopping")
    made = {
        "running": above.enqueue(f"{TASKS}.dawdle"),
        "of the dead": doomed.enqueue(f"{TASKS}.dawdle"),
        "stopped": stopping.enqueue(f"{TASKS}.dawdle"),
    }
    stage.processes = {
        "busy": stock.worker("--name", "busy", "above", "below"),
        "dead": stock.worker("--name", "dead", "doomed"),
        "moving": stock.worker("--name", "moving", "--with-scheduler", "stopping", "moved"),
        "held": stock.worker("--name", "held", "held"),
        "popping": stock.worker("--name", "popping", "popped", "popped too"),
        "scheduler": stock.scheduler("-i", "1"),
    }
    _users(redis)
    once, moved = stage.queue("once"), stage.queue("moved")
    made |= {
        "finished": once.enqueue(echo, 1),
        "failed": once.enqueue(fail),
        "not importable": once.enqueue("no.such.module.task"),
        "retrying, unmoved": once.enqueue(fail, retry=Retry(max=3, interval=600)),
        "retrying": moved.enqueue(fail, retry=Retry(max=3, interval=600)),
        "failed, enqueued again": once.enqueue(fail),
    }
    burst = stock.worker("--burst", "once", "moved")
    stage.jobs = made
    until(lambda: made["of the dead"].get_status() == JobStatus.STARTED and children(stage, "dead"), what="the doomed job runs")
    for pid in (stage.processes["dead"].pid, *children(stage, "dead")):
        os.kill(pid, signal.SIGKILL)
    stage.processes["dead"].wait()
    until(lambda: _stopped(stage), what="the job is stopped")
    made["canceled, running"] = stopping.enqueue(f"{TASKS}.dawdle")
    until(lambda: made["canceled, running"].get_status() == JobStatus.STARTED, what="the next one runs")
    made["canceled, running"].cancel()
    until(lambda: made["running"].get_status() == JobStatus.STARTED, what="the busy worker is busy")
    # A worker of one queue waits with the one, of several with the other.
    until(lambda: {"blmove", "blpop"} <= {client["cmd"] for client in redis.client_list()}, what="both wait for a job")
    _interrupt_taking(stage)
    assert burst.wait(60) == 0, stock.logs()
    until(lambda: redis.zcard(keys.SCHEDULERS), what="rqscheduler beats")
    born = instant(redis.hget("rq:worker:dead", "birth")) or 0.0
    until(lambda: time.time() > born + NEWBORN, what="the dead worker is old enough to be known as dead")
    return stage


def _interrupt_taking(stage: Stage) -> None:
    """Let workers stop where the server has given them a job, and they have not started it; one of them for ever."""
    for name in ("held", "popping"):
        os.kill(stage.processes[name].pid, signal.SIGSTOP)
    stage.jobs["taken"], stage.jobs["lost"] = stage.queue("held").enqueue(echo, 1), stage.queue("popped").enqueue(echo, 1)
    stage.processes["popping"].kill()
    stage.processes["popping"].wait()


def take_down(stage: Stage) -> None:
    """Let what is held go on, so that it can end."""
    os.kill(stage.processes["held"].pid, signal.SIGCONT)


def _users(redis: Redis) -> None:
    """Users whose schedules are due within seconds, or in an hour."""
    set_user(redis, User("armed", "slow"), ["ok"])
    set_user(redis, User("paused", "slow"), ["ok"])
    set_user(redis, User("inactive", "slow", active=False), ["ok"])
    set_user(redis, User("idle", "slow"), [])
    set_user(redis, User("overlapping", "pro"), ["gated"])
    set_user(redis, User("late", "slow"), ["ok"])
    # Less than can be set: its last slot may have been a minute ago.
    redis.hset(keys.SCHEDULE + schedule_id("late", "ok"), "catchup", 1)
    set_user(redis, User("orphaned", "slow"), ["ok"])
    redis.delete(keys.SCHEDULE + schedule_id("orphaned", "ok"))


def _stopped(stage: Stage) -> bool:
    job = stage.jobs["stopped"]
    if job.get_status() == JobStatus.STARTED and children(stage, "moving"):
        send_stop_job_command(stage.redis, job.id)
        until(lambda: job.get_status() == JobStatus.STOPPED, what="the job is stopped")
    return job.get_status() == JobStatus.STOPPED


def children(stage: Stage, name: str) -> list[int]:
    pid = stage.processes[name].pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


# --- what takes no process ----------------------------------------------------------------------


def plain_entry(stage: Stage, in_s: float, **options: Any) -> Job:
    """An entry of rq-scheduler that is not ours."""
    first = datetime.now(UTC) + timedelta(seconds=in_s)
    return Scheduler("parked", connection=stage.redis).schedule(first, echo, ("ada",), interval=3_600, **options)


def of_another(stage: Stage, job: Job) -> None:
    """As it is when the executions of a job have expired, and nobody has looked after it since."""
    stage.redis.lrem("rq:queue:parked", 0, job.id)
    stage.redis.hset(job.key, mapping={"status": "started", "worker_name": "busy"})


def canceled_in_vain(stage: Stage, job: Job) -> None:
    """As it is when a worker had begun with a job before it was canceled, and ends it."""
    job.cancel()
    with stage.redis.pipeline() as pipe:
        job._handle_success(500, pipeline=pipe)
        pipe.execute()


def limited(stage: Stage) -> tuple[Job, Job]:
    """The holder of a rate limit of one, and a job that waits for it."""
    limit = RateLimit(f"vendor-{time.time_ns()}", concurrency=1)
    parked = stage.queue("parked")
    return parked.enqueue(echo, 1, rate_limit=limit), parked.enqueue(echo, 2, rate_limit=limit)


def child_of(stage: Stage, status: str | None) -> Job:
    """A job that waits for another one, which is in that state; None: is gone."""
    parked = stage.queue("parked")
    parent = parked.enqueue(echo, 1)
    child = parked.enqueue(echo, 2, depends_on=parent)
    if status is None:
        parent.delete()
    else:
        stage.redis.hset(parent.key, "status", status)
    return child
