"""Whether a backlog drains, and when: from what came in and what was got through with, over the last half hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from console.model.drain import GAP, STALE, shrinks
from console.model.history import Point, between, per_minute

WINDOW: Final = 1_800.0
"""Seconds that rates are taken over. What arrives by chance needs that long: by how much 720 runs a minute are more than 600 is
known to a twentieth after half an hour, and to a seventh after five minutes."""

STEADY: Final = 0.05
"""By what share of what ends a queue may grow and still count as steady: so much is chance in half an hour."""

Verdict = Literal["empty", "drains", "steady", "grows", "never", "unknown"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What becomes of a backlog at the pace of `over_s` seconds. `drains` has its `drain_s`; it `grows` when more comes
    than is got through with, and is `steady` when hardly more does; `never`: nothing at all is got through with. Rates are
    runs a minute, None where nobody counts."""

    verdict: Verdict
    arrivals_per_min: float | None = None
    services_per_min: float | None = None
    drain_s: float | None = None
    over_s: float = 0.0


def forecast(points: Sequence[Point], waiting: int | None, now: float, window_s: float = WINDOW) -> Forecast:
    """The forecast for a queue with `waiting` jobs; `points` are in any order, of any age.

    The time to drain follows the number of waiting jobs, so it holds for jobs that nobody counts, too. What is retried counts
    once, when it ends for good. `unknown` where the newest point is too old to say anything about now, or is the only one.
    """
    recent = sorted((point for point in points if now - window_s <= point.at <= now + STALE), key=lambda point: point.at)
    if waiting is None or not recent or now - recent[-1].at > STALE:
        return Forecast("empty" if waiting == 0 else "unknown")
    pairs = list(between(recent, GAP))
    arrivals = per_minute(pairs, ("came",))
    services = per_minute(pairs, ("done", "failed_runs"))
    shrunk, over_s = shrinks(pairs)
    if waiting == 0:
        return Forecast("empty", arrivals, services, 0.0, over_s)
    if not shrunk:
        return Forecast("unknown", arrivals, services)
    pace = sum(shrunk) / over_s
    if pace > 0:
        return Forecast("drains", arrivals, services, waiting / pace, over_s)
    # Without counts, whether anything is got through with is told by whether the queue ever gets shorter.
    served = services > 0 if services is not None else any(jobs > 0 for jobs in shrunk)
    if services and -pace * 60 <= STEADY * services:
        return Forecast("steady", arrivals, services, None, over_s)
    return Forecast("grows" if served else "never", arrivals, services, None, over_s)
