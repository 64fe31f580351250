"""How many runs of a lane ended in each minute of the last hour, from its recorded samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from console.model.history import Point, between, grown

MINUTES: Final = 60

GAP: Final = 75.0
"""Seconds between two samples from on which nobody knows in which minute the runs between them ended: two were missed."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """Runs of `lane` that ended in each of the last MINUTES minutes, the oldest first; None where nothing was recorded."""

    lane: str
    done: tuple[int | None, ...]
    failed: tuple[int | None, ...]


def throughput(lane: str, points: Sequence[Point], now: float) -> Throughput:
    """The last hour of `lane`; `points` in the order of their instants.

    What two of them lie apart belongs to the minute of the later one. Across a gap, and where recording or a count began anew,
    nothing is told, so that no minute is invented or doubled.
    """
    done: list[int | None] = [None] * MINUTES
    failed: list[int | None] = [None] * MINUTES
    for before, after in between(points, GAP):
        minute = MINUTES - 1 - int((now - after.at) // 60)
        more = grown(before, after, "done"), grown(before, after, "failed_runs")
        if 0 <= minute < MINUTES and more[0] is not None and more[1] is not None:
            done[minute] = (done[minute] or 0) + more[0]
            failed[minute] = (failed[minute] or 0) + more[1]
    return Throughput(lane, tuple(done), tuple(failed))
