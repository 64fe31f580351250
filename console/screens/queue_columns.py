"""The columns of lanes and queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from console.model import drain, words
from console.model.status import QueueStatus
from console.widgets.columns import Column
from console.widgets.pieces import Cell


@lru_cache(maxsize=2)
def columns(most: int) -> Sequence[Column[QueueStatus]]:
    """The same ones for the same `most`, the number of jobs that fills a bar, so that a table knows them again."""
    return (
        Column("LANE", 12, _name, grow=2, most=40, sort="name"),
        Column("", 8, lambda row, now: (words.bar(row.waiting or 0, most, 8), "accent"), drop=4),
        Column("WAITING", 9, _count("waiting"), right=True, sort="waiting"),
        Column("OLDEST", 9, _oldest, right=True, sort="oldest"),
        Column("PROMISE", 9, _promise, right=True, drop=3),
        Column("IN/min", 6, _rate("in_per_min"), right=True, drop=5),
        Column("OUT/min", 7, _rate("out_per_min"), right=True, drop=5),
        Column("DRAINS", 9, _drains, right=True, drop=2),
        Column("RUNNING", 7, _count("running", "accent"), right=True, drop=1),
        Column("RETRYING", 8, _count("retrying", "warn"), right=True, drop=6),
        Column("SCHEDULED", 9, _count("scheduled"), right=True, drop=7),
        Column("FAILED", 7, _count("failed", "bad"), right=True, sort="failed"),
        Column("WORKERS", 12, _workers, right=True, drop=1),
    )


def _count(field: str, tone: str = "") -> Callable[[QueueStatus, float], Cell]:
    def cell(row: QueueStatus, now: float) -> Cell:
        value: int | None = getattr(row, field)
        return (words.count(value), tone if value else "dim")

    return cell


def _rate(field: str) -> Callable[[QueueStatus, float], Cell]:
    def cell(row: QueueStatus, now: float) -> Cell:
        value: float | None = getattr(row, field)
        return (words.rate(value), "" if value else "dim")

    return cell


def _name(row: QueueStatus, now: float) -> Cell:
    return (row.name, "strong") if row.lane else row.name or ("(no name)", "dim")


def _oldest(row: QueueStatus, now: float) -> Cell:
    late = row.promise_s is not None and row.oldest_s is not None and row.oldest_s > row.promise_s
    return (words.age(row.oldest_s), "bad" if late else "" if row.oldest_s is not None else "dim")


def _promise(row: QueueStatus, now: float) -> Cell:
    if row.promise_s is None:
        return (words.DASH, "dim")
    kept = row.oldest_s is None or row.oldest_s <= row.promise_s
    return ((words.age(row.promise_s), ""), (" ✓", "good") if kept else (" ✗", "bad"))


def _drains(row: QueueStatus, now: float) -> Cell:
    if not row.waiting:
        return (words.DASH, "dim")
    if row.drain_s is not None:
        return "now" if row.drain_s < 1 else words.age(row.drain_s)
    never = drain.never(row)
    return (never, "bad") if never else (words.DASH, "dim")


def _workers(row: QueueStatus, now: float) -> Cell:
    if not row.workers:
        return ("none", "bad" if row.waiting else "dim")
    return f"{row.workers} ({row.busy} busy)" if row.busy else f"{row.workers}"
