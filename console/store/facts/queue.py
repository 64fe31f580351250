"""The facts of one queue, and of those that its workers serve before it, in one trip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from console.model.why.facts import Before, QueueFacts
from console.store import rate_limits, workers
from console.store.queues import MAX_LOCK, OVERDUE
from console.store.schedulers import RQ_LOCK
from console.store.steps import Line, Steps
from console.store.trip import Answer
from console.store.values import instant, text
from console.store.workers import AskedWorkers
from jobs import keys

MAX_BEFORE: Final = 50
"""Queues that are looked at of those that are served before one."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """How many jobs wait in a queue, and when the next one of them was enqueued."""

    length: Answer
    head: Answer

    @property
    def oldest_at(self) -> float | None:
        told = self.head.rows()
        return instant(told[0]) if told and isinstance(told[0], bytes) else None


def read(line: Line, name: bytes, registered: AskedWorkers, now: float, limits: Answer | None = None) -> Steps[QueueFacts]:
    """The facts of the queue `name`, in one trip; `registered` are the workers, as around.registered has found them. What rate
    limits hold back is counted where `limits` names them."""
    known = line.ask("SISMEMBER", keys.RQ_QUEUES, keys.RQ_QUEUE.encode() + name)
    waiting = _ask(line, name)
    overdue = line.ask("ZCOUNT", keys.RQ_SCHEDULED.encode() + name, "-inf", now - OVERDUE)
    running = line.ask("ZCARD", keys.RQ_WIP.encode() + name)
    held_back = rate_limits.ask(line.trip, set(limits.rows())) if limits is not None else None
    lock_key = keys.RQ_SCHEDULER_LOCK.encode() + name
    lock, ttl = line.ask("GETRANGE", lock_key, 0, MAX_LOCK - 1), line.ask("PTTL", lock_key)
    beaten = line.ask("SISMEMBER", keys.LANES, name)
    before = [(queue, _ask(line, queue)) for queue in workers.served_before(registered, name)[:MAX_BEFORE]]
    yield
    return QueueFacts(
        name=text(name),
        known=_yes(known),
        waiting=waiting.length.count(),
        oldest_at=waiting.oldest_at,
        overdue=overdue.count(),
        lock_beat_s=_beat(lock, ttl),
        beaten=_yes(beaten),
        running=running.count(),
        held_back=rate_limits.held_back(limits, held_back) if limits is not None and held_back is not None else None,
        before=tuple(Before(text(queue), asked.length.count(), asked.oldest_at) for queue, asked in before),
    )


def _ask(line: Line, name: bytes) -> _Waiting:
    key = keys.RQ_QUEUE.encode() + name
    # What the head's hash says, without a trip to learn first who is at the head; nothing is sorted.
    head = line.ask("SORT_RO", key, "BY", "nosort", "LIMIT", 0, 1, "GET", f"{keys.RQ_JOB}*->enqueued_at")
    return _Waiting(line.ask("LLEN", key), head)


def _yes(answer: Answer) -> bool | None:
    return None if answer.value is None else bool(answer.value)


def _beat(lock: Answer, ttl: Answer) -> float | None:
    """How long ago a lock was renewed, which its holder does every second, to RQ_LOCK."""
    left = ttl.count()
    if not lock.value or left is None or left == -2:
        return None
    return RQ_LOCK if left == -1 else round(max(0.0, RQ_LOCK - left / 1000), 3)
