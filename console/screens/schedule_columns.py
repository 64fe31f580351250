"""The columns of schedules, for each source those that tell something of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from console.model import words
from console.model.queries import Source
from console.model.schedules import STOPPED, RunRow, ScheduleRow
from console.widgets.columns import Column
from console.widgets.pieces import Cell, Piece

RUNS = 10
"""How many of the last runs are drawn as dots."""

LABELS = {"user": "user schedule", "rq-scheduler": "rq-scheduler", "rq": "RQ scheduled", "rq-cron": "rq cron"}
"""What each source is called."""

BAD = ("failed", "timeout", "killed", "lost")
"""How a run ends that did not do its work."""

_NONE: Piece = (words.DASH, "dim")

MEANT: Final = ("paused", "user_inactive")
"""Reasons that somebody wants."""


def dot(run: RunRow) -> Piece:
    """A run as one sign."""
    if run.state == "finished":
        return ("●", "good")
    if run.state in BAD:
        return ("✗", "bad")
    return (words.GLYPHS.get(run.state, "·"), words.TONES.get(run.state, "dim"))


def dots(runs: Sequence[RunRow]) -> tuple[Piece, ...]:
    """The last runs, the newest at the right; `runs` has the newest first."""
    return tuple(dot(run) for run in reversed(runs[:RUNS]))


def state(row: ScheduleRow, now: float) -> Cell:
    """The state: where all is well, the sign alone has its colour."""
    glyph, tone = words.GLYPHS.get(row.state, "·"), words.TONES.get(row.state, "")
    return ((f"{glyph} ", tone), (row.state, "" if tone == "good" else tone))


def next_slot(row: ScheduleRow, now: float) -> Cell:
    """When it is due."""
    if row.next_at is None or row.state in STOPPED:
        return _NONE
    return (words.relative(row.next_at, now), "warn" if row.state == "late" else "")


def outcome(row: ScheduleRow, now: float) -> Cell:
    """How the newest run went."""
    if not row.runs:
        return ("never", "dim")
    run = row.runs[0]
    glyph, tone = words.GLYPHS.get(run.state, "·"), words.TONES.get(run.state, "")
    return ((f"{glyph} ", tone), (run.state, "" if tone == "good" else tone))


def took(row: ScheduleRow, now: float) -> Cell:
    """How long the newest run took."""
    return (words.age(row.runs[0].duration_s if row.runs else None), "dim")


def when(row: ScheduleRow, now: float) -> Cell:
    """When the newest run began, or should have."""
    if not row.runs:
        return _NONE
    at = row.runs[0].started_at
    return (words.relative(at if at is not None else row.runs[0].slot, now), "dim")


def note(row: ScheduleRow, now: float) -> Cell:
    """Why it is not as it should be; else what somebody noted, the last error, or how often it was skipped."""
    if row.why is not None and row.why.code not in MEANT:
        return (row.why.message, "bad" if row.why.weight == "bad" else "warn")
    if row.why is not None and not row.note:
        return (row.why.message, "")
    if row.note:
        return ((row.note, ""), (f", {row.noted_by}" if row.noted_by else "", "dim"))
    if row.last_error and (row.state == "failing" or (row.runs and row.runs[0].state in BAD)):
        return (row.last_error, "bad")
    skipped = sum(row.skipped.values())
    return (f"skipped {skipped:,}: {', '.join(row.skipped)}", "dim") if skipped else ""


def _last(row: ScheduleRow, now: float) -> Cell:
    return dots(row.runs) if row.runs else _NONE


def _user(row: ScheduleRow, now: float) -> Cell:
    return row.user if row.user is not None else _NONE


def _task(row: ScheduleRow, now: float) -> Cell:
    return row.task or _NONE


def _tier(row: ScheduleRow, now: float) -> Cell:
    return row.tier or _NONE


def _lane(row: ScheduleRow, now: float) -> Cell:
    return row.lane or _NONE


def _cadence(row: ScheduleRow, now: float) -> Cell:
    return row.cadence or _NONE


def _call(row: ScheduleRow, now: float) -> Cell:
    return row.call or ("no description", "dim")


def _source(row: ScheduleRow, now: float) -> Cell:
    ours = row.source == "rq-scheduler" and row.user is not None
    return (LABELS["user"] if ours else LABELS.get(row.source, row.source), "dim")


def _id(row: ScheduleRow, now: float) -> Cell:
    return (row.id, "dim")


STATE: Column[ScheduleRow] = Column("STATE", 10, state)
NEXT: Column[ScheduleRow] = Column("NEXT", 10, next_slot)
USER: Column[ScheduleRow] = Column("USER", 14, _user, grow=2, most=36)
CALL: Column[ScheduleRow] = Column("CALL", 24, _call, grow=3, most=70)
CADENCE: Column[ScheduleRow] = Column("CADENCE", 18, _cadence, grow=1, most=38, drop=5)
NOTE: Column[ScheduleRow] = Column("NOTE", 14, note, grow=3, drop=1)

_OF_USERS: Sequence[Column[ScheduleRow]] = (
    STATE,
    USER,
    Column("TIER", 8, _tier, drop=8),
    Column("TASK", 7, _task, grow=1, most=14, drop=3),
    Column("LANE", 7, _lane, drop=9),
    CADENCE,
    NEXT,
    Column("LAST RUN", 10, outcome, drop=4),
    Column("TOOK", 7, took, right=True, drop=7),
    Column("WHEN", 11, when, drop=6),
    Column("LAST 10", RUNS, _last, right=True, drop=2),
    NOTE,
)
_OF_ENTRIES: Sequence[Column[ScheduleRow]] = (
    STATE,
    CALL,
    CADENCE,
    NEXT,
    Column("QUEUE", 9, _lane, grow=1, most=24, drop=2),
    Column("USER", 12, _user, grow=1, most=30, drop=7),
    Column("SOURCE", 13, _source, drop=6),
    Column("ID", 12, _id, grow=1, most=40, drop=8),
    NOTE,
)
_OF_CRON: Sequence[Column[ScheduleRow]] = (
    STATE,
    CALL,
    CADENCE,
    NEXT,
    Column("QUEUE", 9, _lane, grow=1, most=24, drop=5),
    Column("LAST RUN", 10, outcome, drop=4),
    Column("TOOK", 7, took, right=True, drop=8),
    Column("WHEN", 11, when, drop=6),
    Column("LAST 10", RUNS, _last, right=True, drop=2),
    Column("SOURCE", 13, _source, drop=9),
    NOTE,
)


def of_source(source: Source) -> Sequence[Column[ScheduleRow]]:
    """The columns for a list of one source."""
    return _OF_USERS if source == "user" else _OF_CRON if source == "cron" else _OF_ENTRIES
