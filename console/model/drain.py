"""How fast a queue fills and empties, from what was recorded of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from console.model.history import Point, between, per_minute
from console.model.status import QueueStatus

WINDOW: Final = 330.0
"""Seconds that rates are taken over: points that are older than this before the newest one are left out."""

STALE: Final = 150.0
"""Seconds after which the newest point says nothing about now: five samples were missed."""

GAP: Final = 105.0
"""Seconds between two points from on which nobody knows what happened between them: three samples were missed."""

TURNOVER: Final = 5.0
"""A backlog that the queue's workers get through in this many seconds counts as no backlog, though it never reads as empty."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Runs a minute in and out; seconds until the queue is empty at this pace, None when it grows or nothing is known; and by
    how many jobs it grows a minute, None when that is not known."""

    in_per_min: float | None = None
    out_per_min: float | None = None
    drain_s: float | None = None
    grows_per_min: float | None = None


def flow(points: Sequence[Point], waiting: int | None, now: float) -> Flow:
    """The flow of a queue with `waiting` jobs now; `points` are in any order.

    In and out count runs of users, the only ones that are counted at all: on a queue that never had one they are None. A
    retried run counts once, when it comes and when it ends for good. The time to empty follows the number of waiting jobs, so
    it holds for whatever jobs these are. What lies across a gap, or where recording or a count began anew, counts for nothing.
    """
    empty = 0.0 if waiting == 0 else None
    recent = sorted((point for point in points if point.at <= now + STALE), key=lambda point: point.at)
    if not recent or now - recent[-1].at > STALE:
        return Flow(drain_s=empty)
    newest = recent[-1]
    pairs = list(between([point for point in recent if newest.at - point.at <= WINDOW], GAP))
    if not pairs:
        return Flow(drain_s=empty)
    came, ended = _rate(pairs, newest, "came"), _rate(pairs, newest, "done", "failed_runs")
    shrunk, over_s = shrinks(pairs)
    per_s = sum(shrunk) / over_s if over_s else None
    return Flow(came, ended, _drain(waiting, per_s, ended), None if per_s is None else round(-60 * per_s, 2))


def shrinks(pairs: Iterable[tuple[Point, Point]]) -> tuple[list[int], float]:
    """By how many jobs the queue got shorter from one point to the next, less than nothing where it got longer, and over how
    many seconds in all: as far as both points tell what waited."""
    known = [
        (one.waiting - other.waiting, other.at - one.at)
        for one, other in pairs
        if one.waiting is not None and other.waiting is not None
    ]
    return [jobs for jobs, _ in known], sum(seconds for _, seconds in known)


def _rate(pairs: Sequence[tuple[Point, Point]], newest: Point, *names: str) -> float | None:
    """None where nothing was ever counted."""
    found = per_minute(pairs, names) if any(getattr(newest, name) for name in names) else None
    return None if found is None else round(found, 2)


def _drain(waiting: int | None, shrinks_per_s: float | None, ended: float | None) -> float | None:
    if waiting is None:
        return None
    if waiting == 0 or (ended and waiting / ended * 60 <= TURNOVER):
        return 0.0
    return round(waiting / shrinks_per_s, 1) if shrinks_per_s is not None and shrinks_per_s > 0 else None


def never(queue: QueueStatus) -> str:
    """What is said in place of a time to empty of a queue that has none: "grows", "never", or nothing where nobody knows."""
    came, ended, grows = queue.in_per_min or 0, queue.out_per_min or 0, queue.grows_per_min
    if queue.in_per_min is None and queue.out_per_min is None:
        return "" if grows is None else "grows" if grows > 0 else "never"
    return "grows" if came > ended > 0 else "never"
