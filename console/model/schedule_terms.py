"""What the filter language knows of a schedule: its fields, and what a row says for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from console.model.filters import Filter, Kind
from console.model.schedules import STOPPED, ScheduleRow

FIELDS: Final[Mapping[str, Kind]] = {
    "user": "text", "tier": "text", "task": "text", "lane": "text", "state": "text", "source": "text", "id": "text",
    "call": "text", "note": "text", "error": "text", "late": "duration", "fired": "number", "failed": "number",
}  # fmt: skip
"""`lane` is the queue of what is no user's schedule. `late` is how long ago it was due, 0 of one that is not due yet; nothing
is known of one that is paused, or whose user is inactive, since it is not meant to fire. `error` is why its last run failed,
`failed` how often its runs have failed since one was done."""

FREE: Final = ("user", "task", "call", "note", "id", "lane")
"""Where a bare word is looked for: not in errors, for which the runs of every schedule would have to be read."""


def needs_definition(filter: Filter) -> bool:
    """Whether more than its user, its task and its id must be known of a schedule to tell if `filter` holds for it."""
    return any(term.field not in ("user", "task", "id") for term in filter.terms)


def needs_runs(filter: Filter) -> bool:
    """Whether its runs must be: they tell one that is armed from one that is running or failing."""
    states = [term for term in filter.terms if term.field == "state"]
    told = [len({term.matches({"state": state}, {}) for state in ("armed", "running", "failing")}) > 1 for term in states]
    return any(told) or needs_errors(filter)


def needs_errors(filter: Filter) -> bool:
    """Whether the attempts of its runs must be."""
    return any(term.field == "error" for term in filter.terms)


def matches(filter: Filter, row: ScheduleRow, now: float) -> bool:
    """Whether every term holds for the schedule of `row` at `now`; a bare word holds where one of FREE has it."""
    return filter.matches(*terms(row, now), FREE)


def terms(row: ScheduleRow, now: float) -> tuple[dict[str, str | None], dict[str, float | None]]:
    """The texts and the numbers of a row by field, for Filter.matches; None where nothing is known."""
    text = {
        "user": row.user,
        "tier": row.tier,
        "task": row.task,
        "lane": row.lane,
        "state": row.state,
        "source": row.source,
        "id": row.id,
        "call": row.call or None,
        "note": row.note or None,
        "error": row.last_error,
    }
    late = None if row.next_at is None or row.state in STOPPED else max(0.0, now - row.next_at)
    numbers = {
        "late": late,
        "fired": None if row.fired is None else float(row.fired),
        "failed": None if row.failed is None else float(row.failed),
    }
    return text, numbers
