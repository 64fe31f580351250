"""From text and tone to what the terminal is sent: the one gate that every text of ours passes.

Text may have been written by anybody. Here it is made visible (model/text.py), measured in cells and cut; nothing in it is
markup. A tone says what a piece means, and the theme says how that looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.model.text import visible

Piece = tuple[str, str]
"""A text and its tone: one of LOOKS (drawn.py), or empty."""

Cell = str | Piece | tuple[Piece, ...]
"""What a column shows of a row."""

Line = tuple[Piece, ...]
"""Pieces that are visible, and fill their cells exactly."""

ELLIPSIS: Final = "…"


def pieces(cell: Cell) -> tuple[Piece, ...]:
    """A cell as its pieces."""
    if isinstance(cell, str):
        return ((cell, ""),)
    if len(cell) == 2 and isinstance(cell[0], str):
        return ((cell[0], cell[1]),)
    return cell


def width(cell: Cell) -> int:
    """How many cells of the terminal a cell needs."""
    return sum(_width(visible(text)) for text, _ in pieces(cell))


def fit(cell: Cell, cells: int, right: bool = False, middle: bool = False) -> Line:
    """The pieces of a cell, visible, filled up or cut (with an ellipsis) to exactly `cells` cells: at its end, or, of a single
    piece, in its `middle`. Of what was fitted lately nothing is measured again."""
    return _fit(cell, cells, right, middle)


@lru_cache(maxsize=2_048)
def _fit(cell: Cell, cells: int, right: bool, middle: bool) -> Line:
    shown = [(visible(text), tone) for text, tone in pieces(cell)]
    needed = sum(_width(text) for text, _ in shown)
    if needed <= cells:
        fill = (" " * (cells - needed), "")
        return (fill, *shown) if right else (*shown, fill)
    if middle and len(shown) == 1 and cells > 8:
        text, tone = shown[0]
        tail = _tail(text, cells // 2)
        head = set_cell_size(text, cells - 1 - _width(tail))
        cut = head.rstrip(ELLIPSIS) + ELLIPSIS + tail.lstrip(ELLIPSIS)
        return ((cut + " " * (cells - _width(cut)), tone),)
    found: list[Piece] = []
    left = cells - 1
    for text, tone in shown:
        length = _width(text)
        if length >= left:
            # A wide character that would be halved becomes a space, so that the columns stay where they are.
            found.append((set_cell_size(text, max(0, left)) + (ELLIPSIS if cells > 0 else ""), tone))
            break
        found.append((text, tone))
        left -= length
    return tuple(found)


def _tail(text: str, cells: int) -> str:
    """The end of a text, in `cells` cells at the most."""
    at = len(text)
    while at > 0 and cells >= (needed := _width(text[at - 1])):
        cells -= needed
        at -= 1
    return text[at:]


def wrapped(text: str, cells: int) -> list[str]:
    """A text in lines of at most `cells` cells, broken where it breaks itself, after a blank, or else anywhere."""
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        lines += _broken(visible(line.expandtabs(4)), max(2, cells))
    return lines


def _broken(line: str, cells: int) -> list[str]:
    parts: list[str] = []
    start = 0
    while start < len(line):
        end = _end(line, start, cells)
        if end < len(line) and line[end] != " ":
            blank = line.rfind(" ", start + (end - start) // 2, end)
            end = blank + 1 if blank > 0 else end
        parts.append(line[start:end].rstrip())
        start = end
        if parts[-1] and start < len(line):
            start += line[start] == " "
    return parts or [""]


def _end(line: str, start: int, cells: int) -> int:
    """Where the longest part of `line` ends that begins at `start` and fits."""
    end = min(len(line), start + cells)
    while end > start + 1 and _width(line[start:end]) > cells:
        end -= 1
    return end


def strip(line: Line, cells: int, styles: Mapping[str, Style], over: Style | None = None) -> Strip:
    """A line, which fills `cells` cells, for the terminal; `over` is laid over every piece's own style."""
    # Textual's work is by the segment: what stands side by side in one tone is one.
    joined: list[Piece] = []
    for text, tone in line:
        if joined and joined[-1][1] == tone:
            joined[-1] = (joined[-1][0] + text, tone)
        else:
            joined.append((text, tone))
    laid = styles if over is None else {tone: style + over for tone, style in styles.items()}
    return Strip([Segment(text, laid[tone]) for text, tone in joined if text], cells)


def _width(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)
