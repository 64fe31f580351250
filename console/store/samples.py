"""The recorded samples of a queue (keys.SAMPLES): the newest, and the one of an hour ago with what was counted since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from console.model.drain import Sample
from console.model.status import Ended
from console.store.trip import Answer, Trip
from console.store.values import age, whole
from jobs import keys

NEWEST = 12
"""Samples that are read of a queue: those of the last six minutes."""

HOUR = 3_600
"""Seconds over which it is told how runs ended."""


@dataclass(frozen=True, slots=True)
class AskedEnds:
    """The questions about how a lane's runs ended: the counts now, and the newest sample that is an hour old."""

    counts: Answer
    before: Answer


def ask(trip: Trip, queue: bytes) -> Answer:
    """Ask for the newest samples of a queue."""
    return trip.ask("XREVRANGE", keys.SAMPLES.encode() + queue, "+", "-", "COUNT", NEWEST)


def ask_ends(trip: Trip, lane: bytes, now: float) -> AskedEnds:
    """Ask how the runs of a lane ended in the last hour: two commands."""
    return AskedEnds(
        counts=trip.ask("HMGET", keys.LANE.encode() + lane, "done", "failed", "retried"),
        before=trip.ask("XREVRANGE", keys.SAMPLES.encode() + lane, int((now - HOUR) * 1000), "-", "COUNT", 1),
    )


def ends(asked: AskedEnds, now: float) -> Ended | None:
    """How the runs ended; None where the counts cannot be read, or began anew within the hour."""
    counts = [whole(count) or 0 for count in asked.counts.rows()]
    if not counts or asked.before.value is None:
        return None
    entry, fields = next(((entry, fields) for entry, fields in asked.before.rows() if isinstance(fields, dict)), (None, {}))
    before = [whole(fields.get(name)) or 0 for name in (b"done", b"failed_runs", b"retried")]
    done, failed, retried = (count - earlier for count, earlier in zip(counts, before, strict=True))
    if min(done, failed, retried) < 0:
        return None
    milliseconds = whole(entry.partition(b"-")[0]) if entry else None
    return Ended(age(milliseconds / 1000, now) if milliseconds is not None else None, done, failed, retried)


def restore(answer: Answer) -> tuple[Sample, ...]:
    """The samples of the answer, newest first, without those that are none."""
    found = (_sample(entry, fields) for entry, fields in answer.rows() if isinstance(fields, dict))
    return tuple(sample for sample in found if sample is not None)


def _sample(entry: bytes, fields: dict[bytes, Any]) -> Sample | None:
    milliseconds = whole(entry.partition(b"-")[0])
    numbers = [whole(fields.get(name)) for name in (b"waiting", b"in", b"done", b"failed_runs")]
    waiting, came, done, failed = (max(0, value) if value is not None else None for value in numbers)
    if milliseconds is None or waiting is None:
        return None
    return Sample(milliseconds / 1000, waiting, came or 0, (done or 0) + (failed or 0))
