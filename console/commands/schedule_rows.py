"""Schedules as the commands show them: a row's columns for people, and its fields for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from console.commands import output, run_rows
from console.commands.table import Column, table
from console.model import words
from console.model.filters import Filter, Term
from console.model.ports import Reader
from console.model.queries import MAX_PAGE, SchedulesQuery, Source
from console.model.schedules import STOPPED, RunRow, ScheduleRow, SchedulesPage

STATES: Final = ("armed", "paused", "inactive", "late", "running", "failing", "retrying", "orphaned", "foreign")

Drawn = Callable[[ScheduleRow, float], str]


def page(server: Reader, query: SchedulesQuery, now: float) -> SchedulesPage:
    """A page of schedules. Raises ReadError."""
    found = server.read(query, now)
    assert isinstance(found, SchedulesPage), "a reader answers what it is asked"
    return found


def of_user(server: Reader, user_id: str, now: float) -> list[ScheduleRow]:
    """One user's schedules, as far as they can be read. Raises ReadError."""
    query = SchedulesQuery(size=MAX_PAGE, filter=Filter((Term("user", "=", user_id),)))
    return [row for row in page(server, query, now).rows if readable(row)]


def readable(row: ScheduleRow) -> bool:
    """Whether more is known of a user's schedule than that there is one."""
    return row.source != "user" or row.fired is not None


def show(rows: Sequence[ScheduleRow], source: Source, now: float) -> None:
    """Print a line for each of these schedules of one source."""
    columns = _OF_USERS if source == "user" else _OF_OTHERS
    table([column for column, _ in columns], [[drawn(row, now) for _, drawn in columns] for row in rows])


def fields(row: ScheduleRow) -> dict[str, Any]:
    """The row for programs: the fields that COMMANDS.md promises, and more."""
    return {
        "id": row.id,
        "user": row.user,
        "tier": row.tier,
        "task": row.task,
        "lane": row.lane,
        "cadence": row.spec or row.cadence,
        "cadence_in_words": row.cadence,
        "tz": row.zone,
        "state": row.state,
        "next_at": output.utc(row.next_at),
        "last": run_rows.run_fields(row.runs[0]) if row.runs else None,
        "fired": row.fired,
        "failed": row.failed,
        "last_error": row.last_error,
        "skipped": dict(row.skipped),
        "note": row.note,
        "noted_by": row.noted_by,
        "source": row.source,
        "call": row.call,
        "why": None if row.why is None else {"code": row.why.code, "message": row.why.message},
    }


def _next_in_words(row: ScheduleRow, now: float) -> str:
    """When it fires next, which a schedule that is stopped does not."""
    if row.next_at is None or row.state in STOPPED:
        return words.DASH
    return output.due(row.next_at, now)


def _last_in_words(row: ScheduleRow, now: float) -> str:
    """How the last run went and when: "finished 4.1 s, 48 minutes ago"."""
    if not row.runs:
        return ""
    run: RunRow = row.runs[0]
    how = f"{run.state} {output.duration(run.duration_s)}".rstrip()
    return how if run.started_at is None else f"{how}, {output.relative(run.started_at, now)}"


def _skipped(row: ScheduleRow, now: float) -> str:
    return ", ".join(f"{reason} × {times:,}" for reason, times in sorted(row.skipped.items()) if times)


def _note(row: ScheduleRow, now: float) -> str:
    """What somebody noted; else how often its runs have failed since one was done, and why the last did."""
    if row.note:
        return f"{row.note} ({row.noted_by})" if row.noted_by else row.note
    if not row.failed:
        return ""
    error = f": {row.last_error}" if row.last_error else ""
    return f"failed {'once' if row.failed == 1 else f'{row.failed:,} times in a row'}{error}"


_LANE: Final = (Column("LANE", spare=True), lambda row, now: row.lane or "")
_CADENCE: Final = (Column("CADENCE", "flow"), lambda row, now: row.cadence)
_STATE: Final = (Column("STATE"), lambda row, now: row.state)
_NEXT: Final = (Column("NEXT", "flow"), _next_in_words)
_LAST: Final = (Column("LAST RUN", "flow"), _last_in_words)

_OF_USERS: Final[tuple[tuple[Column, Drawn], ...]] = (
    (Column("USER", "clip"), lambda row, now: row.user or ""),
    (Column("TIER", spare=True), lambda row, now: row.tier or ""),
    (Column("TASK"), lambda row, now: row.task or ""),
    _LANE,
    _CADENCE,
    _STATE,
    _NEXT,
    _LAST,
    (Column("SKIPPED", "flow"), _skipped),
    (Column("NOTE", "flow"), _note),
)
_OF_OTHERS: Final[tuple[tuple[Column, Drawn], ...]] = (
    (Column("ID", "clip"), lambda row, now: row.id),
    (Column("CALL", "flow"), lambda row, now: row.call),
    (Column("QUEUE", "clip", spare=True), lambda row, now: row.lane or ""),
    _CADENCE,
    _STATE,
    _NEXT,
    _LAST,
    (Column("NOTE", "flow"), _note),
)
