"""The columns of a table, and which of them fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from console.widgets.pieces import Cell

R = TypeVar("R")

GAP = 2
"""Cells between two columns."""


@dataclass(frozen=True)
class Column(Generic[R]):
    """A column: `cell` draws a row as seen at an instant (epoch seconds).

    It is `width` cells wide at least, and takes `grow` shares of what is left over, `most` cells at the most. Where there is no
    room, the column with the highest `drop` goes first; those with 0 stay. `sort` names the order that its title asks for.
    `middle`: what is too long loses its middle, since its end tells as much as its beginning.
    """

    title: str
    width: int
    cell: Callable[[R, float], Cell]
    grow: int = 0
    most: int | None = None
    right: bool = False
    drop: int = 0
    sort: str | None = None
    middle: bool = False


@dataclass(frozen=True)
class Placed(Generic[R]):
    """A column, the cells that it has, and those between it and the next one."""

    column: Column[R]
    x: int
    width: int
    gap: int


def place(columns: Sequence[Column[R]], cells: int) -> list[Placed[R]]:
    """The columns that fit into `cells` cells, and where they are."""
    kept = list(columns)
    while kept and _needed(kept) > cells and (droppable := max(kept, key=lambda column: column.drop)).drop:
        kept.remove(droppable)
    widths = [column.width for column in kept]
    left = cells - _needed(kept)
    while left > 0:
        growing = [at for at, column in enumerate(kept) if column.grow and (column.most is None or widths[at] < column.most)]
        if not growing:
            break
        shares = sum(kept[at].grow for at in growing)
        given = 0
        for at in growing:
            most = kept[at].most
            more = max(1, left * kept[at].grow // shares)
            more = min(more, left - given, more if most is None else most - widths[at])
            widths[at] += more
            given += more
        if not given:
            break
        left -= given
    placed, x = [], 0
    for column, width in zip(kept, widths, strict=True):
        width = max(0, min(width, cells - x))
        if width:
            follows = column is not kept[-1] and x + width + GAP < cells
            placed.append(Placed(column, x, width, GAP if follows else 0))
        x += width + GAP
    return placed


def _needed(columns: Sequence[Column[R]]) -> int:
    return sum(column.width for column in columns) + GAP * max(0, len(columns) - 1)
