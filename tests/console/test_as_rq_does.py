"""What RQ and rq-scheduler can do to more than one job, to entries and to all workers: ours against their own calls."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from redis.client import PubSub
from rq import Queue, Worker
from rq.command import send_kill_horse_command, send_shutdown_command, send_stop_execution_command, send_stop_job_command
from rq.job import Job
from rq.suspension import resume, suspend
from rq_scheduler import Scheduler

from console.model.commands import (
    Command,
    Delete,
    Everything,
    JobSeen,
    KillHorse,
    Remove,
    Reschedule,
    ResumeAll,
    ScheduleSeen,
    Seen,
    Shutdown,
    Stop,
    StopJob,
    Suspend,
    WorkerSeen,
)
from console.model.queries import JobsQuery
from console.store.reader import StoreReader
from tests.catalogue_tasks import echo
from tests.conftest import Server, Stock, until
from tests.console.acting import Difference, act, codes, differences, only_meant
from tests.console.catalogued import catalogued, of_states

ENTRIES = "rq:scheduler:scheduled_jobs"


def do(redis: Redis, command: Command, *seen: Seen, result: str = "done") -> None:
    assert codes(act(redis, command, *seen)) == [result] * len(seen)  # type: ignore[arg-type]


def test_leaves_what_emptying_a_queue_leaves(redis: Redis, stock: Stock, server: Server) -> None:
    names = {one.queue for one in of_states(redis, catalogued(redis, stock), "queued")}
    found = []
    for name in sorted(names):
        chunks = StoreReader(redis, server.url).select(JobsQuery("queued", name), time.time(), lambda: False, details=False)
        here = [one for chunk in chunks for one in chunk.seen]

        def ours(here: list[Seen] = here) -> None:
            do(redis, Delete(with_entry=True, with_dependents=True), *here)

        found += differences(redis, Queue(name.decode(), connection=redis).empty, ours)
    only_meant("empty", found)


def test_suspends_and_resumes_as_rq_does(redis: Redis) -> None:
    everything = Everything()
    found = differences(redis, lambda: suspend(redis), lambda: do(redis, Suspend(), everything, result="sent"))
    found += differences(redis, lambda: resume(redis), lambda: do(redis, ResumeAll(), everything, result="sent"))
    found += differences(redis, lambda: suspend(redis, 600), lambda: do(redis, Suspend(600), everything, result="sent"))
    only_meant("suspend", found)


# --- what workers are told ----------------------------------------------------------------------


@pytest.fixture
def running(redis: Redis) -> Job:
    """A job that the worker w1 runs, as RQ notes it. Nobody really does: who obeys would change what is compared."""
    queue = Queue("mail", connection=redis)
    job = queue.enqueue(echo, job_id="long")
    worker = Worker([queue], name="w1", connection=redis)
    worker.register_birth()
    Queue.dequeue_any([queue], timeout=None, connection=redis)
    worker.prepare_execution(job)
    worker.prepare_job_execution(job)
    return job


Message = tuple[str, dict[str, object]]


def told(redis: Redis, listening: PubSub, tell: Callable[[], object]) -> list[Message]:
    """The messages to workers that are sent meanwhile: the channel and the content of each."""
    tell()
    redis.publish("rq:pubsub:end", "{}")
    found: list[Message] = []
    while not found or found[-1][0] != "rq:pubsub:end":
        message = until(lambda: listening.get_message(ignore_subscribe_messages=True, timeout=1), what="a message")
        found.append((message["channel"].decode(), json.loads(message["data"])))
    return found[:-1]


def of_messages(theirs: list[Message], ours: list[Message]) -> list[Difference]:
    """How they differ, field by field. As many are sent, in the same order, to the same workers."""
    assert [channel for channel, _ in ours] == [channel for channel, _ in theirs]
    return [
        Difference(channel, field, left.get(field), right.get(field))
        for (channel, left), (_, right) in zip(theirs, ours, strict=True)
        for field in sorted(left.keys() | right.keys())
        if left.get(field) != right.get(field)
    ]


@pytest.mark.parametrize("command", [Stop(), StopJob(), Shutdown(), KillHorse()], ids=lambda command: command.WORD)
def test_tells_workers_what_rq_tells_them(redis: Redis, running: Job, command: Command) -> None:
    def theirs() -> None:
        match command:
            case Shutdown():
                send_shutdown_command(redis, "w1")
            case KillHorse():
                send_kill_horse_command(redis, "w1")
            case _:
                send_stop_job_command(redis, running.id)

    def ours() -> None:
        job = running.id.encode()
        seen = JobSeen(job, b"mail", "running") if command == Stop() else WorkerSeen(b"w1", job)
        do(redis, command, seen, result="sent")

    messages: dict[str, list[Message]] = {}
    with redis.pubsub() as listening:
        listening.psubscribe("rq:pubsub:*")
        until(lambda: listening.get_message(timeout=1), what="it listens")
        found = differences(
            redis,
            lambda: messages.update(theirs=told(redis, listening, theirs)),
            lambda: messages.update(ours=told(redis, listening, ours)),
        )
        if command == StopJob():
            [execution] = running.get_executions()
            rqs = told(redis, listening, lambda: send_stop_execution_command(redis, running.id, execution.id))
            assert messages["ours"] == rqs
    only_meant(command.WORD, found + of_messages(messages["theirs"], messages["ours"]))


# --- entries ------------------------------------------------------------------------------------


def entry(redis: Redis) -> tuple[Job, ScheduleSeen]:
    """An entry that repeats, and is due in an hour."""
    at = datetime.now(UTC).replace(microsecond=0, tzinfo=None) + timedelta(hours=1)
    job = Scheduler(connection=redis).schedule(at, echo, (1,), interval=3_600)
    return job, ScheduleSeen(job.id.encode(), "entries", redis.zscore(ENTRIES, job.id))


def test_reschedules_an_entry_as_rq_scheduler_does(redis: Redis) -> None:
    job, seen = entry(redis)
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)

    def theirs() -> None:
        Scheduler(connection=redis).change_execution_time(job, due.replace(tzinfo=None))

    found = differences(redis, theirs, lambda: do(redis, Reschedule(due.timestamp()), seen))
    only_meant("reschedule", found)


def test_removes_an_entry_as_rq_scheduler_does_and_its_job(redis: Redis) -> None:
    job, seen = entry(redis)
    found = differences(redis, lambda: Scheduler(connection=redis).cancel(job), lambda: do(redis, Remove(), seen))
    only_meant("remove", found)
