"""Commands on workers: what they are told, and what is seen of it.

RQ's workers answer nothing. So each is told only when it is what was seen, and then its hash and its job tell whether it did.

No command pauses one lane, because RQ has no means that its workers obey. Each asks, before it waits, whether all of them are
suspended (rq.worker.base.BaseWorker.check_for_suspension: one key for the database), and then waits for all of its queues at
once (dequeue_job_and_maintain_ttl, rq.queue.Queue.dequeue_any), which it was given when it was started. A key of another type
in place of the queue's list would end each worker that meets it (work: "found an unhandled exception, quitting"), and let each
enqueueing fail. What there is instead: suspending all workers; pausing the schedules of one lane (the filter `lane:low`), after
which nothing of theirs comes into it; moving what waits in it to a queue that no worker serves, and back.
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis

from console.model import words
from console.model.bulk import WATCH_S
from console.model.commands import (
    KillHorse,
    Outcome,
    ResumeAll,
    Seen,
    Shutdown,
    StopJob,
    Suspend,
    WorkerCommand,
    WorkerSeen,
    outcome,
)
from console.model.status import WorkerStatus
from console.model.text import visible
from console.store import rq_keys, scripts, workers
from console.store.acts import although_full, audit
from console.store.trip import Trip
from console.store.values import text
from jobs import keys
from jobs.scripts import Argument
from jobs.utf8 import is_utf8

PATIENCE: Final = WATCH_S - 3
"""Seconds after which it is said how far suspending or resuming all has come: before it would count as ignored."""

FIELDS: Final = ("birth", "last_heartbeat", "death", "shutdown_requested_date")

SAID: Final = {
    "starting": ("changed", "it has only just taken this job: try again in a moment"),
    "deaf": ("gone", "nobody listens on its channel: its process has ended, or has lost its connection"),
    "state": ("state", "it ran no job when it was seen"),
}
"""What the script's words mean beyond the codes of REASONS."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was known of a worker when it was told something: its birth, the execution that was meant, and when that was
    (time.monotonic)."""

    birth: bytes
    execution: bytes
    at: float


Watched = MutableMapping[bytes, Told]
"""Whom this process told something, by the key of what it was done to."""


def act(connection: Redis, operation: str, command: WorkerCommand, seen: Sequence[Seen], watched: Watched) -> list[Outcome]:
    """Tell each worker that is still what was seen, or suspend or resume all, and note in `watched` who was told.

    One round trip for workers, three for all of them. Raises redis' errors.
    """
    match command:
        case StopJob() | Shutdown() | KillHorse():
            return _tell(connection, operation, command.WORD, [one for one in seen if isinstance(one, WorkerSeen)], watched)
        case Suspend():
            found = [_suspend(connection, command, one, watched) for one in seen]
        case ResumeAll():
            found = [_resume(connection, one, watched) for one in seen]
    audit.count(connection, operation, found)
    return found


def check(connection: Redis, command: WorkerCommand, seen: Sequence[Seen], watched: Watched) -> list[Outcome]:
    """What is seen by now of each that was told something: `sent` where nothing is. Two round trips. Raises redis' errors."""
    match command:
        case Suspend():
            return [_suspended(connection, command, one, watched) for one in seen]
        case ResumeAll():
            return [_resumed(connection, one, watched) for one in seen]
        case StopJob() | Shutdown() | KillHorse():
            return _looked_at(connection, command, [one for one in seen if isinstance(one, WorkerSeen)], watched)


def _tell(connection: Redis, operation: str, word: str, seen: Sequence[WorkerSeen], watched: Watched) -> list[Outcome]:
    # A payload that is no UTF-8 ends the thread of the worker that listens.
    sendable = [one for one in seen if is_utf8(one.job or b"")]
    arguments: list[Argument] = [part for one in sendable for part in (one.key, one.job or b"")]
    given = (keys.RQ_KEY_PREFIX, word, *arguments)
    replies: list[list[bytes]] = (
        although_full.run(connection, scripts.load("workers"), [keys.OPERATION + operation], given) if sendable else []
    )
    came: dict[bytes, Outcome] = {}
    for one, (word_of_it, *known) in zip(sendable, replies, strict=True):
        code, said = SAID.get(text(word_of_it), (text(word_of_it), ""))
        if code == "sent":
            birth, execution = known
            watched[one.key] = Told(birth, execution, time.monotonic())
        came[one.key] = outcome(one.key, code, said)
    return [came.get(one.key) or outcome(one.key, "invalid", "the id of its job is no text") for one in seen]


def _looked_at(
    connection: Redis, command: StopJob | Shutdown | KillHorse, seen: Sequence[WorkerSeen], watched: Watched
) -> list[Outcome]:
    trip = Trip(connection)
    hashes = trip.ask_each("HMGET", [rq_keys.WORKER.encode() + one.key for one in seen], *FIELDS)
    runs = [
        trip.ask("SISMEMBER", _executions(one), (one.job or b"") + b":" + watched[one.key].execution)
        if one.key in watched
        else None
        for one in seen
    ]
    statuses = trip.ask_each("HGET", [keys.RQ_JOB.encode() + (one.job or b"") for one in seen], "status")
    trip.go()
    found = []
    for one, fields, run, status in zip(seen, hashes.values, runs, statuses.values, strict=True):
        told = watched.get(one.key)
        birth, beat, death, shutdown = fields or [None] * len(FIELDS)
        # One that was started since under the same name is another worker.
        ended = beat is None or death is not None or (told is not None and told.birth != (birth or b""))
        job = visible(text(one.job or b""))
        state = text(status or b"")
        match command:
            case Shutdown():
                found.append(_shut_down(one, ended, shutdown is not None, job))
            case StopJob():
                found.append(_stopped(one, state, job))
            case KillHorse():
                found.append(_killed(one, state, job, ended or _left(run, told, state)))
    return found


def _left(run: Any, told: Told | None, state: str) -> bool:
    """Whether the execution that was meant is over. RQ before 3 tells of none: there the job's state does."""
    if run is None or told is None or not told.execution:
        return state != "started"
    return not run.value


def _shut_down(one: WorkerSeen, ended: bool, accepted: bool, job: str) -> Outcome:
    if ended:
        return outcome(one.key, "done", "it has ended")
    if accepted:
        return outcome(one.key, "done", f"it still runs {job or 'its job'}, and ends after that")
    return outcome(one.key, "sent", "it has not answered, and goes on as it was")


def _stopped(one: WorkerSeen, state: str, job: str) -> Outcome:
    match state:
        case "stopped":
            return outcome(one.key, "done", f"{job} is stopped")
        case "started":
            return outcome(one.key, "sent", f"{job} still runs; a SimpleWorker, and one whose process is halted, stop nothing")
        case _:
            return outcome(one.key, "changed", f"{job} had ended before it could be stopped: {state or 'it is gone'}")


def _killed(one: WorkerSeen, state: str, job: str, left: bool) -> Outcome:
    if not left:
        return outcome(one.key, "sent", f"{job} still runs; a SimpleWorker has no work-horse")
    match state:
        case "finished" | "":
            return outcome(one.key, "changed", f"{job} had ended before its work-horse could be killed")
        case "failed" | "stopped":
            return outcome(one.key, "done", f"{job} is {state}")
        case _:
            return outcome(one.key, "done", f"{job} will be tried again: it is {state}")


def _suspend(connection: Redis, command: Suspend, one: Seen, watched: Watched) -> Outcome:
    if command.for_s is not None and command.for_s < 1:
        return outcome(one.key, "invalid", "workers are suspended for a second at least")
    if command.for_s is None and connection.ttl(rq_keys.SUSPENDED) == -1:
        return outcome(one.key, "same")
    connection.set(rq_keys.SUSPENDED, 1, ex=command.for_s)
    watched[one.key] = Told(b"", b"", time.monotonic())
    return outcome(one.key, "sent")


def _resume(connection: Redis, one: Seen, watched: Watched) -> Outcome:
    if not connection.delete(rq_keys.SUSPENDED):
        return outcome(one.key, "same")
    watched[one.key] = Told(b"", b"", time.monotonic())
    return outcome(one.key, "sent")


def _suspended(connection: Redis, command: Suspend, one: Seen, watched: Watched) -> Outcome:
    there, living = _living(connection)
    if not there:
        told = watched.get(one.key)
        # A key expires a moment before its whole seconds are over, by another clock than ours.
        if told is not None and command.for_s is not None and time.monotonic() - told.at > command.for_s - 1:
            return outcome(one.key, "done", f"for {words.age(command.for_s)}, which are over")
        return outcome(one.key, "changed", "they are not suspended any more")
    busy = sum(worker.state == "busy" for worker in living)
    idle = sum(worker.state not in ("busy", "suspended") for worker in living)
    are = [f"{_count(busy, 'worker')} still run{'s' if busy == 1 else ''} a job"] if busy else []
    if idle:
        # Each waits inside a command of the server, and looks whether it is suspended before the next one only.
        who = "the idle worker" if idle == 1 else f"each of {idle:,} idle workers"
        are.append(f"{who} takes one more job, if there is one, before it notices")
    said = "; ".join(are) or f"{_count(len(living), 'worker')} suspended"
    return outcome(one.key, "done" if not busy or _waited(one, watched) else "sent", said)


def _resumed(connection: Redis, one: Seen, watched: Watched) -> Outcome:
    there, living = _living(connection)
    if there:
        return outcome(one.key, "changed", "they are suspended again")
    waits = sum(worker.state == "suspended" for worker in living)
    if not waits:
        return outcome(one.key, "done", f"{_count(len(living), 'worker')} at work")
    said = f"{_count(waits, 'worker')} {'has' if waits == 1 else 'have'} not gone on yet"
    return outcome(one.key, "done" if _waited(one, watched) else "sent", said)


def _waited(one: Seen, watched: Watched) -> bool:
    told = watched.get(one.key)
    return told is None or time.monotonic() - told.at > PATIENCE


def _living(connection: Redis) -> tuple[bool, list[WorkerStatus]]:
    """Whether workers are suspended, and those of them that live."""
    first = Trip(connection)
    there = first.ask("EXISTS", rq_keys.SUSPENDED)
    names, _ = workers.ask_names(first)
    first.go()
    second = Trip(connection)
    asked = workers.ask_hashes(second, workers.names(names))
    second.go()
    found = workers.restore(asked, time.time(), replica=False)
    return bool(there.value), [worker.status for worker in found if worker.status.verdict != "gone"]


def _executions(one: WorkerSeen) -> bytes:
    return rq_keys.WORKER.encode() + one.key + rq_keys.WORKER_EXECUTIONS.encode()


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
