"""The newest recorded samples of a queue (keys.SAMPLES)."""

from __future__ import annotations

from typing import Any

from console.model.drain import Sample
from console.store.trip import Answer, Trip
from console.store.values import whole
from jobs import keys

NEWEST = 12
"""Samples that are read of a queue: those of the last six minutes."""


def ask(trip: Trip, queue: bytes) -> Answer:
    """Ask for the newest samples of a queue."""
    return trip.ask("XREVRANGE", keys.SAMPLES.encode() + queue, "+", "-", "COUNT", NEWEST)


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
