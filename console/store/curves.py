"""Curves of queues, from the samples that the heartbeat recorded (keys.SAMPLES) and from what this console has read itself.

Of a span no more is read than its grid has looks: one sample for each, the first recorded within a moment after it; and the
newest. What is past is remembered, so that it is read once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from console.model.forecast import Forecast, forecast
from console.model.history import GRIDS, Curves, Point, Span, curves, window
from console.store import samples
from console.store.own_readings import OwnReadings
from console.store.steps import Line, Steps
from console.store.trip import Answer
from console.store.values import text
from jobs import keys

MOMENT: Final = 90.0
"""Seconds after the instant of a look within which its sample must have been recorded: else there is a gap."""

SETTLED: Final = 120.0
"""Seconds after which nothing is added any more to what was recorded: a sample's id is its instant, and ids only grow."""

MAX_PROBES: Final = 6_000
"""Looks that a reader remembers: four queues over every span take 3,000."""

NEWEST: Final = 61
"""Samples that are read besides: those of the last half hour, from which the future is told."""

FAR: Final = 4_000_000_000
"""Epoch seconds from on which no instant is looked at."""


@dataclass(slots=True)
class Probes:
    """Looks into the past that a reader remembers: by queue, instant and moment, None where there was a gap."""

    found: dict[tuple[bytes, float, float], Point | None] = field(default_factory=dict)


def of_queues(
    line: Line,
    names: Sequence[bytes],
    span: Span,
    now: float,
    probes: Probes,
    own: OwnReadings,
    at: float | None = None,
) -> Steps[list[Curves]]:
    """The curves of each of these queues over `span`, with the time cursor `at`, in one trip."""
    start, end = window(span, now, at)
    grid = GRIDS[span]
    apart = grid.apart_s
    looks = [start + n * apart for n in range(int((end - start) / apart)) if start + n * apart <= min(now, FAR)]
    moment = min(apart, MOMENT)
    asked: list[tuple[bytes, list[Point], dict[float, Answer], Answer]] = []
    for name in names:
        known: list[Point] = []
        fresh: dict[float, Answer] = {}
        key = keys.SAMPLES.encode() + name
        for look in looks:
            if (name, look, moment) in probes.found:
                found = probes.found[name, look, moment]
                known += [found] if found is not None else []
            else:
                fresh[look] = line.ask("XRANGE", key, _id(look), _id(look + moment - 0.001), "COUNT", 1)
        newest = line.ask("XREVRANGE", key, _id(min(now, FAR)), _id(max(0.0, start)), "COUNT", NEWEST)
        asked.append((name, known, fresh, newest))
    yield
    drawn: list[Curves] = []
    for name, known, fresh, newest in asked:
        last = samples.points(newest)
        points = [*known, *_fresh(probes, name, fresh, moment, now), *last, *own.of(name)]
        one = curves(text(name), points, span, now, at, name)
        drawn.append(one if at is not None else replace(one, forecast=_forecast(last or list(own.of(name)), now)))
    return drawn


def _forecast(points: Sequence[Point], now: float) -> Forecast:
    waiting = max(points, key=lambda point: point.at).waiting if points else None
    return forecast(points, waiting, now)


def _fresh(probes: Probes, name: bytes, fresh: Mapping[float, Answer], moment: float, now: float) -> list[Point]:
    """What was looked at anew; it is remembered where it is settled."""
    found: list[Point] = []
    if len(probes.found) + len(fresh) > MAX_PROBES:
        probes.found.clear()
    for look, answer in fresh.items():
        point = next(iter(samples.points(answer)), None)
        if point is not None:
            found.append(point)
        if answer.value is not None and look + moment + SETTLED < now:
            probes.found[name, look, moment] = point
    return found


def _id(at: float) -> int:
    return int(at * 1_000)
