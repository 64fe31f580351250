"""What is due in the next 24 hours: the slots that entries wait for, counted in rq-scheduler's set, and those that follow them,
as some of the schedules tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from console.model.due import MINUTE, MINUTES, OF_QUARTER, Due, Recurring, due, first_quarter, present_minute, skips
from console.store.plain_entries import OURS
from console.store.recurring import again
from console.store.steps import Line, Steps
from console.store.trip import Answer
from console.store.values import scored, text, whole
from jobs import keys

LOOKED_AT: Final = ((4, 48), (24, 12), (96, 4))
"""Until which stretch of the day how many schedules of each are looked at: what comes often is due soon."""

FIELDS: Final = ("cadence", "jitter", "tier", "paused", "active")
LONGEST: Final = 200
"""Characters of the longest cadence, and of a tier's name, that are told."""


def read(line: Line, now: float) -> Steps[Due]:
    """The day from `now` on, in three trips. The heartbeat's own entry is never due. What follows the next slot is told of
    users' schedules only: whether a plain entry comes again, its job says, which is not read."""
    start = first_quarter(now)
    late = line.ask("ZCOUNT", keys.ENTRIES, "(0", f"({now}")
    earlier = line.ask("ZCOUNT", keys.ENTRIES, "-inf", f"({now}")
    begins = [float(start + minute * MINUTE) for minute in range(MINUTES)]
    asked = [
        line.ask("ZCOUNT", keys.ENTRIES, max(now, one), f"({one + MINUTE}") if one + MINUTE > now else None for one in begins
    ]
    yield
    first = [0 if answer is None else answer.count() for answer in asked]
    drawn = _draw(line, first, late.count() or 0, earlier.count() or 0, now)
    if drawn:
        yield
    looked_at = [(one, at, weight) for answer, weight in drawn for one, at in scored(answer.rows()) if at is not None]
    ours = [(one, at, weight) for one, at, weight in looked_at if one.startswith(OURS)]
    told = line.trip.ask_each("HMGET", [keys.SCHEDULE.encode() + one for one, _, _ in ours], *FIELDS)
    if ours:
        yield
    others = [Recurring(at, weight) for one, at, weight in looked_at if not one.startswith(OURS)]
    return due(
        now,
        late.count(),
        first,
        [*others, *(_recurring(*one, fields, now, start) for one, fields in zip(ours, told.values, strict=True))],
    )


def _draw(line: Line, first: Sequence[int | None], late: int, earlier: int, now: float) -> list[tuple[Answer, float]]:
    """Entries at even distances among those that are late, and in each stretch of the day from `now` on, and for how many each
    of them stands. `earlier` of all are due before now."""
    drawn: list[tuple[Answer, float]] = []
    counts = [sum(one or 0 for one in first[at : at + OF_QUARTER]) for at in range(present_minute(now), MINUTES, OF_QUARTER)]
    before = earlier - late
    for ordinal, count in enumerate((late, *counts), -1):
        most = next(number for until, number in LOOKED_AT if ordinal < until)
        if 0 < count <= most:
            drawn.append((line.ask("ZRANGE", keys.ENTRIES, before, before + count - 1, "WITHSCORES"), 1.0))
        elif count:
            for nth in range(most):
                # Of those that are late the first is one of them: it is for the longest.
                rank = before + (2 * nth + (ordinal >= 0)) * count // (2 * most)
                drawn.append((line.ask("ZRANGE", keys.ENTRIES, rank, rank, "WITHSCORES"), count / most))
        before += count
    return drawn


def _recurring(one: bytes, at: float, weight: float, fields: object, now: float, start: int) -> Recurring:
    known = isinstance(fields, list) and len(fields) == len(FIELDS)
    spec, jitter, tier, paused, active = fields if known and isinstance(fields, list) else [None] * len(FIELDS)
    named = text(tier[:LONGEST]) if isinstance(tier, bytes) else None
    if skips(paused, active):
        return Recurring(at, weight, tier=named, skips=True)
    if not isinstance(spec, bytes) or len(spec) > LONGEST:
        return Recurring(at, weight, tier=named)
    seconds = whole(jitter) if isinstance(jitter, bytes) else None
    return Recurring(at, weight, again(text(one), spec.decode("utf-8", "replace"), seconds or 0, at, now, start), named)
