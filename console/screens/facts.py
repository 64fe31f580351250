"""The lines of which pages are made: a heading, a fact with its label, a text that is as long as it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from console.model import words
from console.model.status import Refused
from console.widgets.lines import Row
from console.widgets.pieces import Piece, wrapped

LABEL: Final = 12
"""Cells of the labels, so that what they say stands in one column."""

MARGIN: Final = 4
"""Cells of a line that no text fills: the cursor's, the scroll bar's, and one for the eye."""

BLANK: Final = Row(())

NAMES: Final = {"rate_limited": "rate limited", "ready_to_enqueue": "ready"}
"""States that RQ calls by another word than the console."""


def head(title: str, note: str = "") -> list[Row]:
    """A section begins."""
    return [BLANK, Row(((title, "head"), (f"  {note}", "dim")) if note else ((title, "head"),))]


def fact(label: str, *said: Piece, target: tuple[str, bytes] | None = None) -> Row:
    """A label, and what is to be said of it."""
    return Row(((label.ljust(LABEL), "dim"), *said), target)


def instant(label: str, at: float, now: float, zone: tzinfo | None) -> Row:
    """An instant, as seen from `now` and as the clock showed it in `zone`."""
    return fact(label, (f"{words.relative(at, now):<12}", ""), (words.absolute(at, zone, now), "dim"))


def state(name: str | None, cells: int = 0) -> Piece:
    """A state as its glyph and its word, filled up to so many cells."""
    if name is None:
        return ("? unknown".ljust(cells), "warn")
    name = NAMES.get(name, name)
    return (f"{words.GLYPHS.get(name, '·')} {name}".ljust(cells), words.TONES.get(name, ""))


def prose(said: Sequence[Piece], cells: int, indent: int = 0, most: int | None = None) -> list[Row]:
    """Texts on a page of `cells` cells, each in as many lines as it needs; of all lines no more than `most`, and then how many
    more there are."""
    room = max(16, cells - indent - MARGIN)
    rows = [Row(((part, tone),), indent=indent) for text, tone in said for part in wrapped(text, room)]
    # One line more takes no more room than to say that there is one.
    if most is None or len(rows) <= most + 1:
        return rows
    return [*rows[:most], Row(((f"… {len(rows) - most:,} more lines, f unfolds", "dim"),), indent=indent)]


def labelled(label: str, rows: Sequence[Row]) -> list[Row]:
    """Lines of prose that were indented by LABEL, with a label before the first of them."""
    return [fact(label if at == 0 else "", *row.line) for at, row in enumerate(rows)]


def refused(what: Sequence[Refused]) -> list[Row]:
    """What the server would not tell."""
    if not what:
        return []
    return [*head("NOT READ"), *(Row((("▲ ", "warn"), (f"{one.what}: ", ""), (one.reason, "dim"))) for one in what)]
