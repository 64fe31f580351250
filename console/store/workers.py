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
from console.store.trip import Answer, Trip
from console.store.values import age, instant, text, text_or_none, whole
from jobs.keys import RQ_KEY_PREFIX

WORKERS = f"{RQ_KEY_PREFIX}:workers"
WORKER = f"{RQ_KEY_PREFIX}:worker:"
CHANNEL = f"{RQ_KEY_PREFIX}:pubsub:"

MAX_WORKERS = 2_000
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

_STATE, _QUEUES = FIELDS.index("state"), FIELDS.index("queues")
_UNKNOWN = [None] * len(FIELDS)

NEWBORN = 5.0
"""Seconds in which a worker that has just registered subscribes."""

BUSY_BEAT = 60.0
IDLE_BEAT = 450.0
"""Seconds after which a heartbeat is late: a busy worker beats every 30 s, an idle one every 405 s."""


@dataclass(frozen=True, slots=True)
class AskedWorkers:
    """The questions about the workers `names`, and their answers after the trip."""

    names: tuple[bytes, ...]
    hashes: tuple[Answer, ...]
    executions: tuple[Answer, ...]
    subscribers: Answer | None


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker, and its name and those of its queues as bytes, for the keys of those that nobody else knows of."""

    status: WorkerStatus
    queues: tuple[bytes, ...]
    name: bytes


def ask_names(trip: Trip) -> tuple[Answer, Answer]:
    """Ask who is registered, MAX_WORKERS at the most, and how many there are."""
    return trip.ask("SRANDMEMBER", WORKERS, MAX_WORKERS), trip.ask("SCARD", WORKERS)


def names(answer: Answer) -> tuple[bytes, ...]:
    """The workers' names, sorted."""
    prefix = WORKER.encode()
    return tuple(sorted({member.removeprefix(prefix) for member in answer.rows()}))


def ask(trip: Trip, workers: Sequence[bytes]) -> AskedWorkers:
    """Ask everything about these workers: two commands for each, and one for all."""
    asked = ask_hashes(trip, workers)
    return replace(asked, executions=tuple(_ask_execution(trip, name) for name in workers))


def ask_hashes(trip: Trip, workers: Sequence[bytes]) -> AskedWorkers:
    """Ask everything about these workers but what they run: one command for each, and one for all."""
    return AskedWorkers(
        names=tuple(workers),
        hashes=tuple(trip.ask("HMGET", WORKER.encode() + name, *FIELDS) for name in workers),
        executions=tuple(Answer(name) for name in workers),
        subscribers=trip.ask("PUBSUB NUMSUB", *(CHANNEL.encode() + name for name in workers)) if workers else None,
    )


def ask_executions(trip: Trip, asked: AskedWorkers) -> AskedWorkers:
    """Ask what those of the workers run that say they are busy."""
    return replace(
        asked,
        executions=tuple(
            _ask_execution(trip, name) if fields.rows()[_STATE : _STATE + 1] == [b"busy"] else execution
            for name, fields, execution in zip(asked.names, asked.hashes, asked.executions, strict=True)
        ),
    )


def queues_of(asked: AskedWorkers) -> set[bytes]:
    """The names of the queues that these workers listen on."""
    return {queue for fields in asked.hashes for queue in _named((fields.value or _UNKNOWN)[_QUEUES])}


def restore(asked: AskedWorkers, now: float, replica: bool) -> tuple[Worker, ...]:
    """The workers as they are at `now`. A replica knows nothing of subscriptions, so there heartbeats alone decide."""
    known = asked.subscribers.rows() if asked.subscribers is not None and not replica else []
    subscribers: list[int | None] = [count for _, count in known] or [None] * len(asked.names)
    return tuple(
        _restore(name, fields.value or _UNKNOWN, execution.rows(), count, now)
        for name, fields, execution, count in zip(asked.names, asked.hashes, asked.executions, subscribers, strict=True)
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


def _ask_execution(trip: Trip, worker: bytes) -> Answer:
    return trip.ask("SRANDMEMBER", WORKER.encode() + worker + b":executions", 1)


def _named(queues: bytes | None) -> tuple[bytes, ...]:
    return tuple(queue for queue in (queues or b"").split(b",")[:MAX_QUEUES_OF_ONE] if queue)


def _restore(name: bytes, fields: list[Any], executions: list[Any], subscribers: int | None, now: float) -> Worker:
    born, beat, queues, host, state, done, failed, death, current = fields
    named = _named(queues)
    seen = instant(beat)
    running = executions[0].partition(b":")[0] if executions else current
    judged = verdict(
        born=instant(born), beat=seen, died=death is not None, busy=state == b"busy", subscribers=subscribers, now=now
    )
    status = WorkerStatus(
        name=text(name),
        host=text_or_none(host),
        queues=tuple(text(queue) for queue in named),
        state=text_or_none(state),
        verdict=judged,
        job=text_or_none(running) if state == b"busy" else None,
        heartbeat_s=age(seen, now),
        # RQ writes a count when there is something to count.
        done=0 if done is None and seen is not None else whole(done),
        failed=0 if failed is None and seen is not None else whole(failed),
    )
    return Worker(status, named, name)
