"""Tables for people, fitted to the terminal: no id, slot or state ever breaks in the middle.

What does not fit is shortened in this order: long ids are clipped, cells take their short form, words flow over several
lines, columns that can be spared go. Where a column has so many `lines` at the most, columns go before a cell of it needs more
of them, and what is still too long is cut. On a terminal that is too narrow even then, each row becomes lines of `NAME: value`.
Anywhere but on a terminal, lines are as long as they need to be and nothing is left out.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.model.text import visible

GAP = 2
CLIP, TIGHT_CLIP = 32, 20
COMFORTABLE, NARROW = 32, 24
"""Cells of the terminal that flowing text should have before ids are shortened, and at the least for a word of any length."""

MIN_WIDTH = 60
"""A terminal of fewer columns gets `NAME: value`."""

_UNBOUNDED = 100_000
_MEASURE: Final = Console(file=io.StringIO(), color_system=None)

Cell = str | tuple[str, str]
"""What a cell says, or the same in full and shortened."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column. Its cells stay `whole`, are `clip`ped at their end, or `flow` over lines at spaces, `lines` at the most, 0 for
    as many as it takes; it may be `spare`."""

    name: str
    kind: Literal["whole", "clip", "flow"] = "whole"
    right: bool = False
    spare: bool = False
    lines: int = 0


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One way to make a table fit: where ids are clipped (None: nowhere), short cells or full ones, how many cells flowing text
    has at the least (None: all it wants; 0: its longest word, within NARROW), how many columns to spare go."""

    clip: int | None
    short: bool
    flow: int | None
    without: int = 0


@dataclass(frozen=True, slots=True)
class _Made:
    """A table that fits: its columns, the texts of each row, the widths, and the names of columns with a text that is cut."""

    columns: Sequence[Column]
    texts: Sequence[Sequence[str]]
    widths: Sequence[int | None]
    cut: Sequence[str]


def table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a table, a cell for each column in each row, made visible (text.py)."""
    cells = [[_visible(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        full = [[cell[0] for cell in row] for row in cells]
        _print(_grid(columns, full, [None] * len(columns)), _UNBOUNDED)
        return
    width = shutil.get_terminal_size().columns
    used = [n for n in range(len(columns)) if not cells or any(row[n][0] for row in cells)]
    columns, cells = [columns[n] for n in used], [[row[n] for n in used] for row in cells]
    fitting = [made for attempt in _attempts(columns) if (made := _made(columns, cells, attempt, width)) is not None]
    if width < MIN_WIDTH or not fitting:
        _print(_named(columns, cells, width), width)
        return
    chosen = next((made for made in fitting if not made.cut), fitting[0])
    _print(_grid(chosen.columns, chosen.texts, chosen.widths), width)
    lacking = [column.name for column in columns if column not in chosen.columns] + [f"all of {name}" for name in chosen.cut]
    if lacking:
        click.echo(f"no room for {', '.join(lacking)}; a wider terminal or --json shows all", err=True)


def _made(columns: Sequence[Column], cells: Sequence[Sequence[tuple[str, str]]], attempt: _Attempt, width: int) -> _Made | None:
    """The table as an attempt makes it, None where it does not fit."""
    kept = _kept(columns, attempt.without)
    shown = [columns[n] for n in kept]
    texts = [[row[n][attempt.short] for n in kept] for row in cells]
    widths = _widths(shown, texts, attempt, width)
    if widths is None:
        return None
    cut = []
    for n, (column, room) in enumerate(zip(shown, widths, strict=True)):
        if column.lines and room is not None:
            short = [_cut(row[n], room, column.lines) for row in texts]
            if any(text != row[n] for text, row in zip(short, texts, strict=True)):
                cut.append(column.name)
            for text, row in zip(short, texts, strict=True):
                row[n] = text
    return _Made(shown, texts, widths, cut)


def _cut(text: str, width: int, lines: int) -> str:
    """As much of a text as so many lines have room for."""
    broken = Text(text).wrap(_MEASURE, width, overflow="fold")
    if len(broken) <= lines:
        return text
    last = Text(broken[lines - 1].plain + "…")
    last.truncate(width, overflow="ellipsis")
    return "\n".join([*(line.plain.rstrip() for line in broken[: lines - 1]), last.plain])


def _attempts(columns: Sequence[Column]) -> Iterator[_Attempt]:
    yield _Attempt(None, False, None)
    yield _Attempt(CLIP, False, COMFORTABLE)
    yield _Attempt(CLIP, True, COMFORTABLE)
    yield _Attempt(CLIP, True, 0)
    for without in range(sum(column.spare for column in columns) + 1):
        yield _Attempt(TIGHT_CLIP, True, 0, without)


def _kept(columns: Sequence[Column], without: int) -> list[int]:
    """The numbers of the columns that stay: of those to spare, the last go first."""
    spare = [n for n, column in enumerate(columns) if column.spare]
    return [n for n in range(len(columns)) if n not in spare[len(spare) - without :]]


def _widths(
    columns: Sequence[Column], texts: Sequence[Sequence[str]], attempt: _Attempt, width: int
) -> list[int | None] | None:
    """The width of each column, None when they do not fit."""
    least: list[int] = []
    most: list[int] = []
    for n, column in enumerate(columns):
        found = [column.name, *(row[n] for row in texts)]
        wanted = max(map(cell_len, found))
        if column.kind == "clip" and attempt.clip is not None:
            wanted = min(wanted, attempt.clip)
        need = wanted
        if column.kind == "flow" and attempt.flow is not None:
            longest = max(cell_len(word) for text in found for word in text.split() or [""])
            need = min(wanted, attempt.flow or max(min(longest, NARROW), cell_len(column.name)))
        least.append(need)
        most.append(wanted)
    room = width - sum(least) - GAP * (len(columns) - 1)
    if room < 0:
        return None
    flowing = sorted((n for n in range(len(columns)) if most[n] > least[n]), key=lambda n: most[n] - least[n])
    for left, n in zip(range(len(flowing), 0, -1), flowing, strict=True):
        share = min(most[n] - least[n], room // left)
        least[n] += share
        room -= share
    return list(least)


def _grid(columns: Sequence[Column], texts: Sequence[Sequence[str]], widths: Sequence[int | None]) -> Table:
    drawn = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for column, width in zip(columns, widths, strict=True):
        # Rich counts the gap after a column, which the last one lacks, as part of it unless a width is set.
        drawn.add_column(
            column.name,
            width=width,
            overflow="ellipsis" if column.kind == "clip" else "fold",
            no_wrap=width is None or column.kind != "flow",
            justify="right" if column.right else "left",
        )
    for row in texts:
        drawn.add_row(*map(Text, row))
    return drawn


def _named(columns: Sequence[Column], cells: Sequence[Sequence[tuple[str, str]]], width: int) -> Table:
    """Lines of `NAME: value`; a value is in full, over several lines if need be, unless it has a short form that is needed."""
    room = width - max(cell_len(column.name) for column in columns) - len(": ")
    drawn = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=False)
    drawn.add_column(no_wrap=True)
    drawn.add_column(overflow="fold")
    for number, row in enumerate(cells):
        if number:
            drawn.add_row("", "")
        for column, cell in zip(columns, row, strict=True):
            if cell[0]:
                drawn.add_row(Text(f"{column.name}:"), Text(cell[cell_len(cell[0]) > room]))
    return drawn


def _print(drawn: Table, width: int) -> None:
    page = io.StringIO()
    Console(file=page, width=width, color_system=None, markup=False, highlight=False).print(drawn)
    click.echo("\n".join(line.rstrip() for line in page.getvalue().splitlines()))


def _visible(cell: Cell) -> tuple[str, str]:
    full, short = (cell, cell) if isinstance(cell, str) else cell
    return visible(full), visible(short)
