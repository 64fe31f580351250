"""What is due in the next 24 hours, counted in rq-scheduler's set: no entry is read."""

from __future__ import annotations

from typing import Final

from console.model.due import MINUTE, QUARTER, QUARTERS, Due, first_quarter, peak, to_refine
from console.store.steps import Line, Steps
from console.store.trip import Answer
from jobs import keys

FULLEST: Final = 8
"""Quarters in which the peak is looked for first. Only where they leave a doubt, all others are looked at that may have it."""


def read(line: Line, now: float) -> Steps[Due]:
    """Each quarter of an hour, and the fullest minute of all, in three trips. The heartbeat's own entry is never due."""
    start = first_quarter(now)
    late = line.ask("ZCOUNT", keys.ENTRIES, "(0", f"({now}")
    asked = [_between(line, max(now, start + n * QUARTER), start + (n + 1) * QUARTER) for n in range(QUARTERS)]
    yield
    quarters = tuple(answer.count() for answer in asked)
    looked_at: dict[int, object] = {}
    minutes: dict[float, int] = {}
    best = 0
    for most in (FULLEST, QUARTERS):
        some = to_refine(quarters, looked_at, best, most)
        counted: list[tuple[float, Answer]] = []
        for at in some:
            looked_at[at] = None
            begins = [float(start + at * QUARTER + minute * MINUTE) for minute in range(QUARTER // MINUTE)]
            counted += [(one, _between(line, max(now, one), one + MINUTE)) for one in begins if one + MINUTE > now]
        if counted:
            yield
        minutes |= {one: answer.count() or 0 for one, answer in counted}
        best = max(minutes.values(), default=0)
    return Due(now, start, quarters, peak(minutes), late.count())


def _between(line: Line, start: float, end: float) -> Answer:
    return line.ask("ZCOUNT", keys.ENTRIES, start, f"({end}")
