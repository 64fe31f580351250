"""How fast a queue fills and empties, from its recorded samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WINDOW = 330.0
"""Seconds that rates are taken over: samples that are older than this before the newest one are left out."""

STALE = 150.0
"""Seconds after which the newest sample says nothing about now: five were missed."""

TURNOVER = 5.0
"""A backlog that the queue's workers get through in this many seconds counts as no backlog, though it never reads as empty."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A queue at `at` (epoch seconds): jobs `waiting`; runs that `came` in and that `ended` since the installation began."""

    at: float
    waiting: int
    came: int
    ended: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Runs a minute in and out; seconds until the queue is empty at this pace, None when it grows or nothing is known."""

    in_per_min: float | None = None
    out_per_min: float | None = None
    drain_s: float | None = None


def flow(samples: Sequence[Sample], waiting: int | None, now: float) -> Flow:
    """The flow of a queue with `waiting` jobs now; `samples` are in any order.

    In and out count runs of users, the only ones that are counted at all: on a queue that never had one they are None. A
    retried run counts once, when it comes and when it ends for good. The time to empty follows the number of waiting jobs, so
    it holds for whatever jobs these are.
    """
    empty = 0.0 if waiting == 0 else None
    recent = sorted((sample for sample in samples if sample.at <= now + STALE), key=lambda sample: sample.at)
    if not recent or now - recent[-1].at > STALE:
        return Flow(drain_s=empty)
    newest = recent[-1]
    oldest = next(sample for sample in recent if newest.at - sample.at <= WINDOW)
    minutes = (newest.at - oldest.at) / 60
    if minutes <= 0:
        return Flow(drain_s=empty)
    came = _rate(oldest.came, newest.came, minutes)
    ended = _rate(oldest.ended, newest.ended, minutes)
    return Flow(came, ended, _drain(waiting, (oldest.waiting - newest.waiting) / minutes, ended))


def _rate(before: int, after: int, minutes: float) -> float | None:
    """None where nothing was ever counted, or where the count began anew."""
    return round((after - before) / minutes, 2) if after > 0 and after >= before else None


def _drain(waiting: int | None, shrinks_per_min: float, ended: float | None) -> float | None:
    if waiting is None:
        return None
    if waiting == 0 or (ended and waiting / ended * 60 <= TURNOVER):
        return 0.0
    return round(waiting / shrinks_per_min * 60, 1) if shrinks_per_min > 0 else None
