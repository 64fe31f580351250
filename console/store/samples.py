"""The recorded samples of a queue (keys.SAMPLES): the newest, and the one of an hour ago with what was counted since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.model.drain import STALE
from console.model.history import Point
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


def ends(asked: AskedEnds, newest: Sequence[Point], now: float) -> Ended | None:
    """How the runs ended; None where the counts cannot be read, or where they or recording began anew within the hour: the
    `newest` samples tell that, by what they bear, or by lying in the future."""
    counts = [whole(count) or 0 for count in asked.counts.rows()]
    if not counts or asked.before.value is None:
        return None
    entry, fields = next(((entry, fields) for entry, fields in asked.before.rows() if isinstance(fields, dict)), (b"", {}))
    then = point_of(entry, fields)
    last = max(newest, key=lambda point: point.at, default=None)
    if last is not None and (last.at > now + STALE or (then is not None and last.anew != then.anew)):
        return None
    before = [whole(fields.get(name)) or 0 for name in (b"done", b"failed_runs", b"retried")]
    done, failed, retried = (count - earlier for count, earlier in zip(counts, before, strict=True))
    if min(done, failed, retried) < 0:
        return None
    return Ended(None if then is None else age(then.at, now), done, failed, retried)


def points(answer: Answer) -> list[Point]:
    """The samples of the answer, in its order, without those that are none."""
    rows = [row for row in answer.rows() if isinstance(row, list | tuple) and len(row) == 2]
    return [point for entry, fields in rows if (point := point_of(entry, fields)) is not None]


def point_of(entry: object, fields: object) -> Point | None:
    """A sample as it was recorded; None where it is none. What is no count is not known."""
    if not isinstance(entry, bytes) or not isinstance(fields, Mapping):
        return None
    milliseconds = whole(entry.partition(b"-")[0])
    if milliseconds is None:
        return None
    waiting, oldest, failed, came, done, failed_runs, anew = (
        None if (value := whole(fields.get(name))) is None or value < 0 else value
        for name in (b"waiting", b"oldest_s", b"failed", b"in", b"done", b"failed_runs", b"anew")
    )
    oldest = None if waiting == 0 else oldest
    return Point(milliseconds / 1_000, waiting, oldest, failed, came, done, failed_runs, anew or 0)
