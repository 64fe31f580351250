"""The lines of one operation: who asked for what, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Final

from console.model import words
from console.model.activity import OperationPage, OperationRow
from console.model.counting import counted
from console.model.outcomes import MEANS, outcome, reason
from console.screens.activity_columns import ended
from console.screens.facts import BLANK, LABEL, fact, head, instant, labelled, prose, refused
from console.widgets.lines import Row
from console.widgets.pieces import Piece

MEANING: Final = 10
"""Cells before what a reason means: those of how many it is."""


def lines(page: OperationPage, cells: int, zone: tzinfo | None) -> list[Row]:
    """All of it, on a page of `cells` cells."""
    row = page.row
    if row is None:
        return [*_gone(page), *refused(page.refused)]
    if row.foreign:
        return [*_foreign(row, page.as_of, cells, zone), *refused(page.refused)]
    return [
        *_asked(row, page.as_of, cells, zone),
        *_came(row, cells),
        *_undo(row, page.as_of, zone),
        *refused(page.refused),
    ]


def title(page: OperationPage) -> Sequence[Piece]:
    """How it ended, and what it was."""
    row = page.row
    if row is None:
        return [(" operation", "dim")]
    return [(" ", ""), *ended(row), ("  ", ""), (row.command, "strong"), (f"  {row.scope}" if row.scope else "", "")]


def _gone(page: OperationPage) -> list[Row]:
    if page.refused:
        return []
    return [
        Row((("The audit has this operation no longer.", ""),)),
        Row((("It keeps about the last 5,000.", "dim"),)),
    ]


def _foreign(row: OperationRow, now: float, cells: int, zone: tzinfo | None) -> list[Row]:
    said = labelled("says", prose([(row.said, "")], cells, LABEL))
    return [Row(((MEANS["foreign"].capitalize() + ".", "warn"),)), BLANK, instant("when", row.at or 0.0, now, zone), *said]


def _asked(row: OperationRow, now: float, cells: int, zone: tzinfo | None) -> list[Row]:
    rows = [fact("operation", (row.id, "strong"), target=("operation", row.id.encode("utf-8", "replace")))]
    who = [(row.who, ""), (f" on {row.host}" if row.host else "", "dim")] if row.who else [("nobody knows any more", "dim")]
    rows.append(fact("by", *who))
    if row.at is not None:
        rows.append(instant("begun", row.at, now, zone))
    if row.ended_at is not None:
        rows.append(instant("ended", row.ended_at, now, zone))
    options = (f"  {row.options}" if row.options else "", "dim")
    rows.append(fact("command", (row.command or words.DASH, ""), options))
    for label, text in (("of", row.scope), ("on", row.target), ("why", row.why)):
        if text:
            rows += labelled(label, prose([(text, "")], cells, LABEL))
    return rows


def _came(row: OperationRow, cells: int) -> list[Row]:
    word = outcome(row)
    rows = [*head("WHAT CAME OF IT"), fact("outcome", *ended(row))]
    if word in MEANS:
        rows += prose([(MEANS[word], "dim")], cells, LABEL)
    if row.said:
        rows += labelled("said", prose([(row.said, "")], cells, LABEL))
    rows.append(fact("matched", (words.count(row.matched), "")))
    if row.counts is None:
        return [*rows, fact("counts", ("the server keeps them for a week; it has them no longer", "dim"))]
    rows.append(fact("done", (words.count(row.counts.done), "good" if row.counts.done else "dim")))
    if row.counts.sent:
        rows.append(fact("told", (words.count(row.counts.sent), ""), ("  workers were told; nothing was seen of it", "dim")))
    rows += _reasons("skipped", row.counts.skipped, "warn", cells)
    rows += _reasons("failed", row.counts.failed, "bad", cells)
    if row.left:
        rows.append(fact("left", (words.count(row.left), ""), ("  nothing was done to them", "dim")))
    return rows


def _reasons(label: str, reasons: Mapping[str, int], tone: str, cells: int) -> list[Row]:
    rows: list[Row] = []
    for code, count in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])):
        rows.append(fact("" if rows else label, (f"{count:<9,}", tone), (f" {code}", "")))
        if (meaning := reason(code)) != code:
            rows += prose([(meaning, "dim")], cells, LABEL + MEANING)
    return rows


def _undo(row: OperationRow, now: float, zone: tzinfo | None) -> list[Row]:
    rows = head("UNDO")
    if row.undone_by:
        when = f"{words.relative(row.undone_at, now)}, at {words.absolute(row.undone_at, zone, now)}"
        rows.append(Row(((f"It was undone {when}, by operation {row.undone_by}.", ""),)))
    if row.undo_until is None or row.undo_until <= now:
        nothing = "Nothing of it is in the trash, so it cannot be undone."
        return rows if row.undone_by else [*rows, Row(((nothing, "dim"),))]
    held = "" if row.in_trash is None else counted(row.in_trash, "thing is", "things are")
    left = f"for {words.age(int(row.undo_until - now))}, until {words.absolute(row.undo_until, zone, now)}"
    rows.append(Row(((f"{held} in the trash ".lstrip(), ""), (left, "accent"))))
    command = f"tq-console undo {row.id}"
    rows.append(Row(((command, ""), (" puts back what is there, as it was", "dim")), ("command", command.encode())))
    return rows
