"""The last hour of the lanes' samples (keys.SAMPLES): read once, and then only what was recorded since."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from console.model.throughput import Counted, Throughput, throughput
from console.store.trip import Answer, Trip
from console.store.values import text, whole
from jobs import keys
from jobs.tiers import LANES

HOUR = 3_700
"""Seconds of samples that are kept: an hour, and the sample before."""

MOST = 400
"""Samples that are read at once and kept at the most; a heartbeat records one every 30 s."""


@dataclass(slots=True)
class Recorded:
    """The samples that one reader remembers of a lane, and the id of the newest."""

    newest: bytes = b""
    samples: deque[Counted] = field(default_factory=lambda: deque(maxlen=MOST))


def ask(trip: Trip, remembered: dict[str, Recorded], now: float) -> dict[str, Answer]:
    """Ask for what was recorded of each lane since the last time: one command a lane."""
    found = {}
    for lane in LANES:
        one = remembered.setdefault(lane, Recorded())
        start: str | bytes = b"(" + one.newest if one.newest else str(max(0, int((now - HOUR) * 1000)))
        found[lane] = trip.ask("XRANGE", keys.SAMPLES + lane, start, "+", "COUNT", MOST)
    return found


def restore(asked: dict[str, Answer], remembered: dict[str, Recorded], now: float) -> tuple[Throughput, ...]:
    """The last hour of each lane that was ever sampled."""
    for lane, answer in asked.items():
        one = remembered[lane]
        for entry, fields in answer.rows():
            one.newest = entry
            counted = _counted(entry, fields)
            if counted is not None and (not one.samples or counted.at > one.samples[-1].at):
                one.samples.append(counted)
        while one.samples and one.samples[0].at < now - HOUR:
            one.samples.popleft()
    return tuple(throughput(text(lane), one.samples, now) for lane, one in remembered.items() if one.samples)


def _counted(entry: bytes, fields: object) -> Counted | None:
    milliseconds = whole(entry.partition(b"-")[0])
    if milliseconds is None or not isinstance(fields, dict):
        return None
    done, failed = whole(fields.get(b"done")), whole(fields.get(b"failed_runs"))
    return None if done is None else Counted(milliseconds / 1000, done, failed or 0)
