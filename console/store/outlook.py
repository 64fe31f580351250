"""What lies beside the present state, for the overview and for the history: read in three trips, and not each second."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from redis import Redis

from console.model.history import Span
from console.model.outlook import Outlook
from console.store import curves, due, promises, usage
from console.store.seen import Seen
from console.store.steps import Line, Reading, Steps, together
from console.store.steps import beside as side_by_side
from jobs.lanes import LANES

EVERY: Final = 10.0
"""Seconds for which it is told again as it was read."""


def read(connection: Redis, span: Span, now: float, seen: Seen) -> Outlook:
    """The outlook at `now` (epoch seconds) with the curves of the lanes over `span`, in three round trips; none while what was
    read last is no older than EVERY. Writes nothing. Raises redis' ConnectionError and TimeoutError, and InvalidTiers."""
    last = kept(seen, now)
    if last is not None and last.span == span:
        return last
    line = Line(connection)
    past = Reading(curves.of_queues(line, [lane.encode() for lane in LANES], span, now, seen.probes, seen.own))
    rest = Reading(beside(line, now, seen))
    together(line, past, rest)
    seen.outlook = replace(rest.result, span=span, curves=tuple(one for one in past.result if one.known))
    return seen.outlook


def beside(line: Line, now: float, seen: Seen) -> Steps[Outlook]:
    """What is due, whether promises are kept, and who takes the most, with no curves or with older ones; it is kept."""
    last = kept(seen, now)
    if last is not None:
        return last
    coming, promised, busiest = Reading(due.read(line, now)), Reading(promises.read(line, now)), Reading(usage.read(line, now))
    yield from side_by_side(coming, promised, busiest)
    seen.outlook = Outlook(now, None, (), coming.result, promised.result, busiest.result)
    return seen.outlook


def kept(seen: Seen, now: float) -> Outlook | None:
    """What was read last, as long as it is told again."""
    last = seen.outlook
    return last if last is not None and 0 <= now - last.as_of < EVERY else None
