"""The columns of workers and of schedulers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.model import words
from console.model.status import SchedulerStatus, Verdict
from console.model.workers import WorkerRow
from console.widgets.columns import Column
from console.widgets.pieces import Cell, Piece

BAR = 6
"""Cells of the bar of progress."""

LATE_S = 60
"""Seconds that an entry may be due before a scheduler is said to lag."""

_NONE: Piece = (words.DASH, "dim")


def state(row: WorkerRow, now: float) -> Cell:
    """What it says that it does."""
    name = row.status.state
    return (name or words.DASH, "accent" if name == "busy" else "warn" if name == "suspended" else "dim")


def verdict(name: Verdict) -> Cell:
    """Whether something is there: where all is well, the sign alone has its colour."""
    tone = words.TONES.get(name, "")
    return ((f"{words.GLYPHS.get(name, '?')} ", tone), (name, "" if tone == "good" else tone))


def job(row: WorkerRow, now: float) -> Cell:
    """What it runs: the call, or else the job's id."""
    return row.call or row.status.job or _NONE


def progress(row: WorkerRow, now: float) -> Cell:
    """How far its job has come."""
    if row.progress is None:
        return ""
    share, text = row.progress
    if share is None:
        return (text, "dim")
    filled = words.bar(round(share * 1_000), 1_000, BAR)
    return ((filled, "accent"), ("·" * (BAR - len(filled)), "dim"), (f" {share:4.0%}", ""), (f" {text}" if text else "", "dim"))


def heartbeat(row: WorkerRow, now: float) -> Cell:
    """How long ago it gave a sign of life."""
    silent = {"live": "dim", "late": "warn"}.get(row.status.verdict, "bad")
    return (words.age(row.status.heartbeat_s), silent)


def _name(row: WorkerRow, now: float) -> Cell:
    return row.status.name or ("(no name)", "dim")


def _host(row: WorkerRow, now: float) -> Cell:
    return row.status.host or _NONE


def _queues(row: WorkerRow, now: float) -> Cell:
    return " ".join(row.status.queues) or ("none", "warn")


def _running(row: WorkerRow, now: float) -> Cell:
    return words.age(row.running_s) if row.running_s is not None else _NONE


def _count(field: str, tone: str = "") -> Callable[[WorkerRow, float], Cell]:
    def cell(row: WorkerRow, now: float) -> Cell:
        value: int | None = getattr(row.status, field)
        return (words.count(value), tone if value else "dim")

    return cell


def _busy(row: WorkerRow, now: float) -> Cell:
    return _NONE if row.busy_share is None else f"{row.busy_share:.0%}"


def _version(row: WorkerRow, now: float) -> Cell:
    return (row.version or words.DASH, "dim")


COLUMNS: Sequence[Column[WorkerRow]] = (
    Column("VERDICT", 7, lambda row, now: verdict(row.status.verdict), sort="verdict"),
    Column("NAME", 14, _name, grow=2, most=44, sort="name"),
    Column("HOST", 10, _host, grow=1, most=28, drop=7),
    Column("QUEUES", 16, _queues, grow=2, most=28, drop=1),
    Column("STATE", 9, state, drop=5),
    Column("JOB", 20, job, grow=4, most=70),
    Column("RUNNING", 9, _running, right=True, sort="running"),
    Column("PROGRESS", 12, progress, grow=1, most=30, drop=8),
    Column("DONE", 7, _count("done"), right=True, drop=6, sort="done"),
    Column("FAILED", 6, _count("failed", "bad"), right=True, drop=4, sort="failed"),
    Column("BUSY", 5, _busy, right=True, drop=9, sort="busy"),
    Column("HEARTBEAT", 9, heartbeat, right=True, drop=3, sort="heartbeat"),
    Column("VERSION", 7, _version, drop=10),
)


def _lag(row: SchedulerStatus, now: float) -> Cell:
    return (words.age(row.lag_s), "warn" if (row.lag_s or 0) > LATE_S else "" if row.lag_s else "dim")


def _text(field: str) -> Callable[[SchedulerStatus, float], Cell]:
    def cell(row: SchedulerStatus, now: float) -> Cell:
        return str(getattr(row, field) or "") or _NONE

    return cell


def _age(field: str) -> Callable[[SchedulerStatus, float], Cell]:
    def cell(row: SchedulerStatus, now: float) -> Cell:
        return (words.age(getattr(row, field)), "dim")

    return cell


OF_SCHEDULERS: Sequence[Column[SchedulerStatus]] = (
    Column("VERDICT", 7, lambda row, now: verdict(row.verdict)),
    Column("SCHEDULER", 14, _text("kind")),
    Column("NAME", 14, _text("name"), grow=2, most=44),
    Column("HOST", 8, _text("host"), grow=1, most=28, drop=1),
    Column("POLL", 7, _age("poll_s"), right=True),
    Column("LAG", 7, _lag, right=True),
    Column("SILENT", 8, _age("seen_s"), right=True),
)
