"""Workers: who is registered, and who of them is alive.

A worker that was killed stays registered, its state `idle`, for minutes. Its subscription to its own channel ends at once, so
that is asked first; the heartbeat decides where the subscription cannot: on a replica, and while the horse of a killed worker
lives on with the socket that it inherited (RQ field guide, section 6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from console.model.status import Verdict, WorkerStatus
from console.store import rq_keys
from console.store.seen import MAX_WORKERS
from console.store.trip import Answer, Answers, Trip
from console.store.values import age, instant, text, text_or_none, whole

MAX_QUEUES_OF_ONE = 200
"""Queues that are read of one worker's list."""

FIELDS = (
    "birth",
    "last_heartbeat",
    "queues",
    "hostname",
    "state",
    "successful_job_count",
    "failed_job_count",
    "death",
    "current_job",
)
"""`current_job` is where RQ before 3 says what a worker runs."""

_STATE, _QUEUES, _CURRENT = (FIELDS.index(name) for name in ("state", "queues", "current_job"))
_UNKNOWN = [None] * len(FIELDS)

NEWBORN = 5.0
"""Seconds in which a worker that has just registered subscribes."""

BUSY_BEAT = 60.0
IDLE_BEAT = 450.0
"""Seconds after which a heartbeat is late: a busy worker beats every 30 s, an idle one every 405 s."""


@dataclass(frozen=True, slots=True)
class AskedWorkers:
    """The questions about the workers `names`, and their answers after the trip: FIELDS of each, and what some of them run."""

    names: tuple[bytes, ...]
    hashes: Answers
    subscribers: Answer | None
    executions: Answers | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker, and its name and those of its queues as bytes, for the keys of those that nobody else knows of."""

    status: WorkerStatus
    queues: tuple[bytes, ...]
    name: bytes


def ask_names(trip: Trip) -> tuple[Answer, Answer]:
    """Ask who is registered, MAX_WORKERS at the most, and how many there are."""
    return trip.ask("SRANDMEMBER", rq_keys.WORKERS, MAX_WORKERS), trip.ask("SCARD", rq_keys.WORKERS)


def names(answer: Answer) -> tuple[bytes, ...]:
    """The workers' names, sorted."""
    prefix = rq_keys.WORKER.encode()
    return tuple(sorted({member.removeprefix(prefix) for member in answer.rows()}))


def ask(trip: Trip, workers: Sequence[bytes]) -> AskedWorkers:
    """Ask everything about these workers: two commands for each, and one for all."""
    return replace(ask_hashes(trip, workers), executions=_ask_executions(trip, workers))


def ask_hashes(trip: Trip, workers: Sequence[bytes]) -> AskedWorkers:
    """Ask everything about these workers but what they run: one command for each, and one for all.

    FIELDS are fetched whatever their size: to measure them first would take each refresh a trip more.
    """
    return AskedWorkers(
        names=tuple(workers),
        hashes=trip.ask_each("HMGET", [rq_keys.WORKER.encode() + name for name in workers], *FIELDS),
        subscribers=trip.ask("PUBSUB NUMSUB", *(rq_keys.CHANNEL.encode() + name for name in workers)) if workers else None,
    )


def ask_executions(trip: Trip, asked: AskedWorkers) -> AskedWorkers:
    """Ask what those of the workers run that say they are busy."""
    busy = [name for name, fields in _told(asked) if fields[_STATE] == b"busy"]
    return replace(asked, executions=_ask_executions(trip, busy))


def queues_of(asked: AskedWorkers) -> set[bytes]:
    """The names of the queues that these workers listen on."""
    return {queue for _, fields in _told(asked) for queue in _named(fields[_QUEUES])}


def served_before(asked: AskedWorkers, queue: bytes) -> list[bytes]:
    """The queues that any of these workers serves before `queue`, each once."""
    found: dict[bytes, None] = {}
    for _, fields in _told(asked):
        named = _named(fields[_QUEUES])
        if queue in named:
            found.update(dict.fromkeys(named[: named.index(queue)]))
    return list(found)


def running(asked: AskedWorkers) -> list[bytes | None]:
    """The id of the job that each of the workers runs, None of one that is not busy."""
    executions = dict(zip(asked.executions.keys, asked.executions.values, strict=True)) if asked.executions else {}
    found: list[bytes | None] = []
    for name, fields in _told(asked):
        runs = executions.get(_executions(name))
        job = runs[0].partition(b":")[0] if runs else fields[_CURRENT]
        found.append(job or None if fields[_STATE] == b"busy" else None)
    return found


def restore(asked: AskedWorkers, now: float, replica: bool) -> tuple[Worker, ...]:
    """The workers as they are at `now`. A replica knows nothing of subscriptions, so there heartbeats alone decide."""
    known = asked.subscribers.rows() if asked.subscribers is not None and not replica else []
    subscribers: list[int | None] = [count for _, count in known] or [None] * len(asked.names)
    return tuple(
        _restore(name, fields, job, count, now)
        for (name, fields), job, count in zip(_told(asked), running(asked), subscribers, strict=True)
    )


def verdict(*, born: float | None, beat: float | None, died: bool, busy: bool, subscribers: int | None, now: float) -> Verdict:
    """Whether a registered worker lives. `born` and `beat` are epoch seconds, None where its hash says nothing (any more);
    `subscribers` of its channel is None where nobody could tell."""
    if died or beat is None:
        # Goodbye was said, or the hash has expired, or it is what the horse of a killed worker wrote last: two counters.
        return "gone"
    newborn = born is not None and now - born < NEWBORN
    if subscribers == 0 and not newborn:
        return "gone"
    return "late" if now - beat > (BUSY_BEAT if busy else IDLE_BEAT) else "live"


def _told(asked: AskedWorkers) -> list[tuple[bytes, list[Any]]]:
    """FIELDS of each worker."""
    return [(name, fields or _UNKNOWN) for name, fields in zip(asked.names, asked.hashes.values, strict=True)]


def _ask_executions(trip: Trip, workers: Sequence[bytes]) -> Answers:
    return trip.ask_each("SRANDMEMBER", [_executions(name) for name in workers], 1)


def _executions(worker: bytes) -> bytes:
    return rq_keys.WORKER.encode() + worker + rq_keys.WORKER_EXECUTIONS.encode()


def _named(queues: bytes | None) -> tuple[bytes, ...]:
    return tuple(queue for queue in (queues or b"").split(b",")[:MAX_QUEUES_OF_ONE] if queue)


def _restore(name: bytes, fields: list[Any], job: bytes | None, subscribers: int | None, now: float) -> Worker:
    born, beat, queues, host, state, done, failed, death, _ = fields
    named = _named(queues)
    seen = instant(beat)
    judged = verdict(
        born=instant(born), beat=seen, died=death is not None, busy=state == b"busy", subscribers=subscribers, now=now
    )
    status = WorkerStatus(
        name=text(name),
        host=text_or_none(host),
        queues=tuple(text(queue) for queue in named),
        state=text_or_none(state),
        verdict=judged,
        job=text_or_none(job),
        heartbeat_s=age(seen, now),
        # RQ writes a count when there is something to count.
        done=0 if done is None and seen is not None else whole(done),
        failed=0 if failed is None and seen is not None else whole(failed),
    )
    return Worker(status, named, name)
