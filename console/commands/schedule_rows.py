"""Schedules as the commands show them: the record with its state, its next slot and its last run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from console.commands import output, run_rows
from console.commands.table import Column
from console.store.cadence_words import cadence_in_words
from jobs import keys, schedules
from jobs.schedules import RunRecord, Schedule

STATES = ("armed", "paused", "inactive", "late", "orphaned")

LATE_AFTER = 120.0
"""Seconds past its slot from which a schedule is late: two passes of an rqscheduler that looks once a minute, its default."""

COLUMNS = (
    Column("USER", "clip"),
    Column("TIER", spare=True),
    Column("TASK"),
    Column("LANE", spare=True),
    Column("CADENCE", "flow"),
    Column("STATE"),
    Column("NEXT", "flow"),
    Column("LAST RUN", "flow"),
    Column("SKIPPED", "flow"),
    Column("NOTE", "flow"),
)


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A schedule with what its entry says: `state` is one of STATES, `next_at` (epoch seconds) is None for an orphan."""

    schedule: Schedule
    state: str
    next_at: int | None


def with_state(connection: Redis, found: Sequence[Schedule], now: float) -> list[ScheduleRow]:
    """Those schedules with their states at `now`, in one round trip."""
    if not found:
        return []
    scores = connection.zmscore(keys.ENTRIES, [schedule.id for schedule in found])
    return [_row(schedule, score, now) for schedule, score in zip(found, scores, strict=True)]


def last_runs(connection: Redis, rows: Sequence[ScheduleRow]) -> list[RunRecord | None]:
    """The newest run of each, in one round trip."""
    found = schedules.last_runs(connection, [row.schedule.id for row in rows], n=1) if rows else []
    return [runs[0] if runs else None for runs in found]


def cells(row: ScheduleRow, last: RunRecord | None, now: float) -> tuple[str, ...]:
    """The row for people, a cell for each of COLUMNS."""
    schedule = row.schedule
    note = f"{schedule.note} ({schedule.noted_by})" if schedule.note and schedule.noted_by else schedule.note
    return (
        schedule.user,
        schedule.tier,
        schedule.task,
        schedule.lane,
        cadence_in_words(schedule),
        row.state,
        _next_in_words(row, now),
        "" if last is None else _last_in_words(last, now),
        ", ".join(f"{reason} × {times:,}" for reason, times in sorted(schedule.skipped.items()) if times),
        note,
    )


def fields(row: ScheduleRow, last: RunRecord | None) -> dict[str, Any]:
    """The row for programs: the fields that COMMANDS.md promises."""
    schedule = row.schedule
    return {
        "id": schedule.id,
        "user": schedule.user,
        "tier": schedule.tier,
        "task": schedule.task,
        "lane": schedule.lane,
        "cadence": schedule.cadence.spec(),
        "cadence_in_words": cadence_in_words(schedule),
        "tz": schedule.zone,
        "state": row.state,
        "next_at": output.utc(row.next_at),
        "last": None if last is None else run_rows.run_fields(last),
        "fired": schedule.fired,
        "skipped": dict(schedule.skipped),
        "note": schedule.note,
        "noted_by": schedule.noted_by,
    }


def _next_in_words(row: ScheduleRow, now: float) -> str:
    """When it fires next, which a schedule that is stopped does not."""
    if row.next_at is None or row.state in ("paused", "inactive"):
        return "—"
    return output.due(row.next_at, now)


def _last_in_words(run: RunRecord, now: float) -> str:
    """How a run went and when: "finished 4.1 s, 48 minutes ago"."""
    how = f"{run.state} {output.duration(run.duration_s)}".rstrip()
    return how if run.started_at is None else f"{how}, {output.relative(run.started_at, now)}"


def _row(schedule: Schedule, score: float | None, now: float) -> ScheduleRow:
    if schedule.paused:
        state = "paused"
    elif not schedule.active:
        state = "inactive"
    elif score is None:
        state = "orphaned"
    else:
        state = "late" if score < now - LATE_AFTER else "armed"
    return ScheduleRow(schedule, state, None if score is None else int(score))
