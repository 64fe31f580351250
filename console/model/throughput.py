"""How many runs of a lane ended in each minute of the last hour, from its recorded samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

MINUTES: Final = 60

GAP: Final = 90.0
"""Seconds between two samples from which on nobody knows in which minute the runs between them ended."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a sample at `at` (epoch seconds) has counted since the installation began: runs that were `done`, that `failed`."""

    at: float
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class Throughput:
    """Runs of `lane` that ended in each of the last MINUTES minutes, the oldest first; None where nothing was recorded."""

    lane: str
    done: tuple[int | None, ...]
    failed: tuple[int | None, ...]


def throughput(lane: str, samples: Sequence[Counted], now: float) -> Throughput:
    """The last hour of `lane`; `samples` in the order of their instants.

    What two samples lie apart belongs to the minute of the later one. Across a gap, and where a count began anew, nothing is
    told, so that no minute is invented or doubled.
    """
    done: list[int | None] = [None] * MINUTES
    failed: list[int | None] = [None] * MINUTES
    for before, after in pairwise(samples):
        minute = MINUTES - 1 - int((now - after.at) // 60)
        more_done, more_failed = after.done - before.done, after.failed - before.failed
        if 0 <= minute < MINUTES and 0 < after.at - before.at < GAP and min(more_done, more_failed) >= 0:
            done[minute] = (done[minute] or 0) + more_done
            failed[minute] = (failed[minute] or 0) + more_failed
    return Throughput(lane, tuple(done), tuple(failed))
