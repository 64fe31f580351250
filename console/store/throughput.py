"""The last hour of the lanes' samples (keys.SAMPLES): read once, and then only what was recorded since."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from console.model.drain import STALE
from console.model.history import Point
from console.model.throughput import Throughput, throughput
from console.store import samples
from console.store.trip import Answer, Trip
from console.store.values import text
from jobs import keys
from jobs.lanes import LANES

HOUR = 3_700
"""Seconds of samples that are kept: an hour, and the sample before."""

MOST = 400
"""Samples that are read at once and kept at the most; a heartbeat records one every 30 s."""


@dataclass(slots=True)
class Recorded:
    """The samples that one reader remembers of a lane, the oldest first, and the id of the newest."""

    newest: bytes = b""
    points: deque[Point] = field(default_factory=lambda: deque(maxlen=MOST))


def ask(trip: Trip, remembered: dict[str, Recorded], now: float) -> dict[str, Answer]:
    """Ask for what was recorded of each lane since the last time: one command a lane. Where a clock was set back, what is
    remembered lies in the future; then all of the hour is read anew."""
    found = {}
    for lane in LANES:
        one = remembered.setdefault(lane, Recorded())
        if one.points and one.points[-1].at > now + STALE:
            remembered[lane] = one = Recorded()
        start = b"(" + one.newest if one.newest else str(int(max(0.0, now - HOUR) * 1000))
        found[lane] = trip.ask("XRANGE", keys.SAMPLES + lane, start, int((now + STALE) * 1000), "COUNT", MOST)
    return found


def restore(asked: dict[str, Answer], remembered: dict[str, Recorded], now: float) -> tuple[Throughput, ...]:
    """The last hour of each lane of which something was recorded in it."""
    for lane, answer in asked.items():
        one, points = remembered[lane], remembered[lane].points
        for entry, fields in answer.rows():
            one.newest = entry
            point = samples.point_of(entry, fields)
            if point is not None and (not points or point.at > points[-1].at):
                points.append(point)
        while points and points[0].at < now - HOUR:
            points.popleft()
    return tuple(throughput(text(lane), one.points, now) for lane, one in remembered.items() if one.points)
