"""The columns of operations, and of what happened on its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from console.model import words
from console.model.activity import Happened, OperationRow, told
from console.model.operations import Counts
from console.model.outcomes import SIGNS, outcome, word
from console.widgets.columns import Column
from console.widgets.pieces import Cell, Piece

_NONE: Piece = (words.DASH, "dim")

TONES = {"suspended": "warn", "gone": "bad", "late": "warn", "set aside": "warn", "orphaned": "warn", "overdue": "warn"}
"""The tone of what wants to be looked at; the rest was mended already."""

GLYPHS = {"suspended": "■", "gone": "✗", "late": "◐", "set aside": "▲", "orphaned": "!", "overdue": "◷", "skipped": "–"}


def ended(row: OperationRow) -> tuple[Piece, Piece]:
    """How it ended, as its sign and its word: where all is well, the sign alone has its colour."""
    code = outcome(row)
    sign, tone = SIGNS.get(code, ("?", "warn"))
    return (f"{sign} ", tone), (word(code), "" if tone == "good" else tone)


def undo(row: OperationRow, now: float) -> Cell:
    """For how long it can be undone, or that it was."""
    if row.undo_until is None or row.undo_until <= now:
        return ("undone", "dim") if row.undone_by else ""
    return (words.rough(row.undo_until - now), "accent")


def _when(row: OperationRow, now: float) -> Cell:
    return (words.relative(row.at if row.at is not None else row.ended_at, now), "dim")


def _text(field: str) -> Callable[[OperationRow, float], Cell]:
    def cell(row: OperationRow, now: float) -> Cell:
        return str(getattr(row, field)) or _NONE

    return cell


def _scope(row: OperationRow, now: float) -> Cell:
    if row.foreign:
        return (row.said, "dim")
    return ((row.scope or words.DASH, "" if row.scope else "dim"), (f"  {row.why}" if row.why else "", "dim"))


def _count(number: Callable[[Counts], int], tone: str = "") -> Callable[[OperationRow, float], Cell]:
    def cell(row: OperationRow, now: float) -> Cell:
        if row.counts is None:
            return "" if row.foreign else _NONE
        found = number(row.counts)
        return (words.count(found), tone if found else "dim")

    return cell


def _matched(row: OperationRow, now: float) -> Cell:
    return "" if row.foreign else (words.count(row.matched), "dim")


WIDE = 100
"""Cells of a screen from which on what was acted on has more room, and goes before the machine from which."""


def of_operations(cells: int) -> Sequence[Column[OperationRow]]:
    """The columns of operations on a screen of `cells` cells, as many as fit."""
    return _WIDE if cells >= WIDE else _NARROW


_NARROW: Sequence[Column[OperationRow]] = (
    Column("WHEN", 10, _when),
    Column("WHO", 7, _text("who"), grow=1, most=12),
    Column("HOST", 8, _text("host"), grow=1, most=14, drop=8),
    Column("COMMAND", 9, _text("command"), most=12),
    Column("OPTIONS", 15, _text("options"), drop=9),
    Column("SCOPE", 12, _scope, grow=6, most=110),
    Column("OF", 7, _matched, right=True, drop=7),
    Column("DONE", 7, _count(lambda counts: counts.done + counts.sent), right=True),
    Column("SKIPPED", 7, _count(lambda counts: sum(counts.skipped.values()), "warn"), right=True, drop=5),
    Column("FAILED", 6, _count(lambda counts: sum(counts.failed.values()), "bad"), right=True, drop=6),
    Column("OUTCOME", 13, lambda row, now: ended(row)),
    Column("UNDO", 6, undo, right=True, drop=1),
)

_WIDE = tuple(replace(column, width=30) if column.title == "SCOPE" else column for column in _NARROW)


def _at(row: Happened, now: float) -> Cell:
    return (words.relative(row.at, now), "dim") if row.at is not None else ("so far", "dim")


def _what(row: Happened, now: float) -> Cell:
    tone = TONES.get(row.kind, "")
    return ((f"{GLYPHS.get(row.kind, '·')} ", tone or "dim"), (told(row, now)[0], tone if row.kind == "gone" else ""))


def _why(row: Happened, now: float) -> Cell:
    return (told(row, now)[1], "dim")


OF_HAPPENED: Sequence[Column[Happened]] = (
    Column("WHEN", 10, _at),
    Column("HAPPENED ON ITS OWN", 24, _what, grow=1, most=60),
    Column("WHY", 20, _why, grow=2, most=120),
)
