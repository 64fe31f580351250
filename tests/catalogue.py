"""Jobs of every kind and in every state that RQ has, made by RQ itself and by stock workers, as strangers would leave them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from redis import Redis
from rq import Callback, Queue, Repeat, Retry, Webhook
from rq.command import send_stop_job_command
from rq.group import Group
from rq.job import Job, JobStatus
from rq.rate_limit import RateLimit
from rq.registry import ReadyJobRegistry
from rq.serializers import JSONSerializer
from rq_scheduler import Scheduler

from tests.catalogue_tasks import Mailer, echo, fail, on_failure, on_stopped, on_success
from tests.conftest import Stock, until

ROOT: Final = Path(__file__).parents[1]
TASKS: Final = "tests.catalogue_tasks"
BINARY: Final = bytes(range(256))
MEGABYTE: Final = "m" * 1_000_000

TOMORROW: Final = datetime.now(UTC) + timedelta(days=1)

PARKED: Final = "parked"
"""The queue that no worker serves."""


@dataclass(frozen=True)
class Listed:
    """One job of the catalogue. `status` is RQ's word, None where the hash is gone; `state` is the console's word for it.
    `description` is what its hash says, None for nothing. `lists` are the keys of RQ's that name it."""

    id: str
    queue: str
    status: str | None
    state: str
    description: str | None
    lists: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """The jobs by what is special about them. `end()` ends the worker that still runs one, which else takes five seconds."""

    jobs: Mapping[str, Listed]
    _running: subprocess.Popen[bytes] = field(repr=False)

    def __getitem__(self, name: str) -> Listed:
        return self.jobs[name]

    def end(self) -> None:
        """Kill the worker of the running job; its horse follows it without a word."""
        self._running.kill()
        self._running.wait()


STATES: Final = {"started": "running", "rate_limited": "rate limited", "ready_to_enqueue": "ready"}
LISTS: Final = {
    "queued": "rq:queue:{}", "finished": "rq:finished:{}", "failed": "rq:failed:{}", "stopped": "rq:failed:{}",
    "started": "rq:wip:{}", "scheduled": "rq:scheduled:{}", "canceled": "rq:canceled:{}", "deferred": "rq:deferred:{}",
    "ready_to_enqueue": "rq:ready:{}",
}  # fmt: skip


def build(redis: Redis, stock: Stock) -> Catalogue:
    """Make the catalogue on an empty server, in about eight seconds."""
    worker_env = {"PYTHONPATH": str(ROOT)}
    slow = Queue("slow", connection=redis)
    stopped = slow.enqueue(f"{TASKS}.dawdle", on_stopped=Callback(on_stopped))
    abandoned = slow.enqueue(f"{TASKS}.dawdle", retry=Retry(max=2))
    doomed = stock.worker("slow", **worker_env)
    steady = Queue("steady", connection=redis)
    running = steady.enqueue(f"{TASKS}.dawdle", 600)
    # Long heartbeats, so that nothing changes by itself while a test looks.
    lasting = stock.worker("steady", "--job-monitoring-interval", "600", **worker_env)

    worked = _worked(redis)
    worked_json = _worked_json(redis)
    bursts = [
        stock.worker("--burst", "mail", **worker_env),
        stock.worker("--burst", "--serializer", "rq.serializers.JSONSerializer", "json", **worker_env),
    ]
    parked = _parked(redis)
    until(lambda: _stop(redis, stopped, doomed.pid), what="the job is stopped")
    until(lambda: abandoned.get_status() == JobStatus.STARTED and _children(doomed.pid), what="the next one runs")
    horses = _children(doomed.pid)
    for pid in (doomed.pid, *horses):
        os.kill(pid, 9)
    doomed.wait()
    until(lambda: running.get_status() == JobStatus.STARTED and redis.exists(f"rq:executions:{running.id}"))
    for burst in bursts:
        assert burst.wait(60) == 0, stock.logs()
    until(lambda: not redis.exists(f"rq:job:{parked['expired in its queue'].id}"), what="the hash expires")

    made: dict[str, Job | Listed] = {
        **worked, **worked_json, **parked, "stopped": stopped, "abandoned": abandoned, "running": running, **_raw(redis),
    }  # fmt: skip
    return Catalogue({name: job if isinstance(job, Listed) else _listed(redis, job) for name, job in made.items()}, lasting)


def _worked(redis: Redis) -> dict[str, Job]:
    """Jobs that a stock worker takes to their ends."""
    mail = Queue("mail", connection=redis)
    callbacks: dict[str, Any] = {
        "on_success": Callback(on_success), "on_failure": Callback(on_failure, timeout=7), "on_stopped": Callback(on_stopped),
    }  # fmt: skip
    return {
        "function": mail.enqueue(echo, {"answer": 42}, subject="x"),
        "instance method": mail.enqueue(Mailer("cache-1").send, "ada"),
        "class method": mail.enqueue(Mailer.check, "ada"),
        "static method": mail.enqueue(Mailer.quote, "ada"),
        "callable instance": mail.enqueue(Mailer("cache-1"), "ada"),
        "string reference": mail.enqueue("operator.add", 1, 2),
        "of a missing module": mail.enqueue("no.such.module.task", 1),
        "custom description": mail.enqueue(echo, 1, description="Nightly mail for ünïcode ✓"),
        "unicode arguments": mail.enqueue(echo, "ünïcode ✓ \u202e \x1b[31m", schlüssel="wert"),
        "binary arguments": mail.enqueue(echo, BINARY),
        "megabyte arguments": mail.enqueue(echo, MEGABYTE, 1),
        "callbacks": mail.enqueue(echo, 1, **callbacks),
        "failed with callbacks": mail.enqueue(fail, **callbacks),
        "failed": mail.enqueue(fail, meta={"password": "hunter2", "user": "bob"}),
        "failed, saying a secret": mail.enqueue(fail, "refused: password='hunter2' at https://ann:hunter2@db/x"),
        "timeout": mail.enqueue(f"{TASKS}.dawdle", job_timeout=1),
        "killed horse": mail.enqueue(f"{TASKS}.die"),
        "retrying": mail.enqueue(fail, retry=Retry(max=3, interval=[600, 1200])),
        "retried at once": mail.enqueue(fail, retry=Retry(max=2)),
        "retrying by its result": mail.enqueue(f"{TASKS}.come_back", 3, 600),
        "too many retries by its result": mail.enqueue(f"{TASKS}.come_back", 1, 0),
        "repeating": mail.enqueue(echo, 1, repeat=Repeat(times=3, interval=600)),
        "kept for good": mail.enqueue(echo, 1, result_ttl=-1),
        "failed for good": mail.enqueue(fail, failure_ttl=-1),
        "failed, hash gone": mail.enqueue(fail, failure_ttl=0),
        "unique": mail.enqueue(echo, 1, job_id="only-one-of-me", unique=True),
        "with dependents": (parent := mail.enqueue(echo, 1)),
        "after its dependency": mail.enqueue(echo, 2, depends_on=parent),
    }


def _worked_json(redis: Redis) -> dict[str, Job]:
    queue = Queue("json", connection=redis, serializer=JSONSerializer)
    return {
        "json": queue.enqueue(echo, {"a": [1, 2.5, None]}, flag=True, meta={"token": "abc", "n": 1}),
        "json, failed": queue.enqueue(fail),
    }


def _parked(redis: Redis) -> dict[str, Job]:
    """Jobs that no worker takes."""
    parked = Queue(PARKED, connection=redis)
    secret = {"Authorization": "Bearer hunter2"}
    hook = Webhook("https://ann:hunter2@hooks.example/x?token=hunter2", "failed", method="POST", headers=secret)
    limit = RateLimit("vendor", concurrency=1)
    pair = Group.create(redis, "night").enqueue_many(parked, [Queue.prepare_data(echo, (n,)) for n in (1, 2)])
    nameless = Job.create(echo, (1,), connection=redis, origin=PARKED)
    nameless.description = None
    ready = Job.create(echo, (1,), connection=redis, origin=PARKED, status=JobStatus.READY_TO_ENQUEUE)
    ready.save()
    ReadyJobRegistry(PARKED, connection=redis).add(ready)
    made = {
        "queued": (first := parked.enqueue(echo, 1, ttl=3_600, job_timeout="2h")),
        "queued at the front": parked.enqueue(echo, 1, at_front=True),
        "deferred": (waits := parked.enqueue(echo, 2, depends_on=[first, pair[0]])),
        "deferred twice": parked.enqueue(echo, 3, depends_on=waits),
        "scheduled": parked.enqueue_in(timedelta(hours=1), echo, 1),
        "canceled": parked.enqueue(echo, 1),
        "rate limit allows": parked.enqueue(echo, 1, rate_limit=limit),
        "rate limited": parked.enqueue(echo, 2, rate_limit=limit),
        "ready": ready,
        "in a group": pair[0],
        "webhooks": parked.enqueue(echo, 1, webhooks=[hook]),
        "no description": parked.enqueue_job(nameless),
        "queued again": parked.enqueue(echo, 1, retry=Retry(max=3, interval=5), repeat=Repeat(times=2, interval=[5, 6])),
        "expired in its queue": parked.enqueue(echo, 1, ttl=1),
        "json, queued": Queue(PARKED, connection=redis, serializer=JSONSerializer).enqueue(echo, "x", a=1),
        "rq-scheduler's": Scheduler(PARKED, connection=redis).schedule(TOMORROW, echo, ("ada",), interval=3_600),
    }
    made["canceled"].cancel()
    return made


def _raw(redis: Redis) -> dict[str, Listed]:
    """A job of an id that RQ 3 refuses, as older releases let through: a copy of one of its own hashes."""
    template = redis.hgetall(f"rq:job:{redis.lindex(f'rq:queue:{PARKED}', 0).decode()}")
    made = {}
    for name, job in (("refused id", "ann@example.com: job 1"), ("refused id of signs", "☃ [red]{}*?")):
        redis.hset(f"rq:job:{job}", mapping=template)
        redis.rpush(f"rq:queue:{PARKED}", job)
        made[name] = Listed(job, PARKED, "queued", "queued", template[b"description"].decode(), (f"rq:queue:{PARKED}",))
    return made


def _listed(redis: Redis, job: Job) -> Listed:
    """What the server says of a job when all is made: plain fields, and membership in lists."""
    status, described = redis.hmget(f"rq:job:{job.id}", "status", "description")
    word = None if status is None else status.decode()
    everywhere = [form.format(job.origin) for form in dict.fromkeys(LISTS.values())]
    lists = [key for key in everywhere if _names(redis, key, job.id)]
    others = ["rq:rl:vendor:allowed", "rq:rl:vendor:rate_limited", "rq:group:night", "rq:scheduler:scheduled_jobs"]
    lists += [key for key in others if _names(redis, key, job.id)]
    tried = word == "scheduled" and any(redis.hmget(f"rq:job:{job.id}", "retries_left", "number_of_retries"))
    listed = "failed" if "rq:failed:" in "".join(lists) else "queued"
    state = "retrying" if tried else listed if word is None else STATES.get(word, word)
    description = None if described is None else described.decode()
    return Listed(job.id, job.origin, word, state, description, tuple(lists))


def _names(redis: Redis, key: str, job: str) -> bool:
    kind = redis.type(key)
    if kind == b"list":
        return redis.lpos(key, job) is not None
    if kind == b"set":
        return bool(redis.sismember(key, job))
    return any(member.decode().partition(":")[0] == job for member in redis.zrange(key, 0, -1))


def _stop(redis: Redis, job: Job, worker: int) -> bool:
    """Stop a job once its horse runs: RQ's stop command kills the worker itself when it comes before that."""
    if job.get_status() == JobStatus.STARTED and _children(worker):
        send_stop_job_command(redis, job.id)
        until(lambda: job.get_status() == JobStatus.STOPPED, what="the job is stopped")
    return job.get_status() == JobStatus.STOPPED


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
