"""Curves as lines of a page: a column of the time for each cell, the time cursor, and what the curves say there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from console.model import words
from console.model.forecast import Forecast
from console.model.history import GRIDS, Curves, HistoryPage, Span
from console.screens.facts import LABEL, MARGIN
from console.widgets.lines import Row
from console.widgets.pieces import Piece

SAID: Final = {"1h": "1 h", "24h": "24 h", "7d": "7 d"}
"""Spans as they are said."""

VALUE: Final = 10
"""Cells of the value at the time cursor."""


@dataclass(frozen=True, slots=True)
class Chart:
    """How columns become cells: the first one shown, and how many cells each has."""

    first: int
    columns: int
    wide: int

    def cells(self, values: Sequence[float | None], most: float) -> list[str]:
        """A sign for each column that is shown."""
        return [words.spark((value,), most) * self.wide for value in values[self.first :]]


def chart(span: Span, cells: int) -> Chart:
    """As many of the newest columns as there is room for, each twice as wide where there is room for that."""
    columns = GRIDS[span].columns
    room = max(10, cells - MARGIN - LABEL - VALUE)
    shown = min(columns, room)
    return Chart(columns - shown, shown, max(1, min(3, room // columns)))


def lines(page: HistoryPage, cells: int, zone: tzinfo | None) -> list[Row]:
    """Every queue with its curves, and the axis of the time beneath."""
    drawn = chart(page.span, cells)
    rows = [row for one in page.curves for row in _queue(one, drawn, page)]
    return [*rows, _axis(page, drawn, zone)] if rows else []


def foretold(found: Forecast | None) -> tuple[Piece, ...]:
    """What becomes of a backlog."""
    if found is None or found.verdict == "unknown":
        return ()
    if found.verdict == "empty":
        return (("nothing waits", "dim"),)
    if found.verdict == "drains":
        return ((f"drains in {words.age(found.drain_s)}", "good"),)
    if found.verdict == "never":
        return (("never drains: no run ends", "bad"),)
    pace = (found.arrivals_per_min, found.services_per_min)
    said = f": {words.rate(pace[0])} a minute come, {words.rate(pace[1])} end" if None not in pace else ""
    return ((f"steady{said}", "warn"),) if found.verdict == "steady" else ((f"grows{said}", "bad"),)


def _queue(one: Curves, drawn: Chart, page: HistoryPage) -> list[Row]:
    column, live = page.column, page.at is None
    head: list[Piece] = [(f"{one.queue or '(no name)':<{LABEL}}", "strong"), *foretold(one.forecast)]
    if one.own:
        head.append(("  as this console has seen it, where no heartbeat records", "dim"))
    ended = tuple(_sum(done, failed) for done, failed in zip(one.done, one.failed_runs, strict=True))
    rows = [Row(tuple(head))]
    if any(value is not None for value in (*one.came, *ended)):
        most = max(value for value in (*one.came, *ended) if value is not None)
        rows.append(_line("  in/min", one.came, most, drawn, column, live, words.rate))
        rows.append(_line("  ended/min", ended, most, drawn, column, live, words.rate, _failing(one)))
    else:
        rows.append(_curve("  failed", one.failed, drawn, column, live, _whole))
    rows.append(_curve("  waiting", one.waiting, drawn, column, live, _whole))
    rows.append(_curve("  oldest", one.oldest_s, drawn, column, live, words.age))
    return rows


def _curve(
    label: str, values: Sequence[float | None], drawn: Chart, column: int, live: bool, said: Callable[[float | None], str]
) -> Row:
    return _line(label, values, max((value for value in values if value is not None), default=0), drawn, column, live, said)


def _line(
    label: str,
    values: Sequence[float | None],
    most: float,
    drawn: Chart,
    column: int,
    live: bool,
    said: Callable[[float | None], str],
    tones: Sequence[str] = (),
) -> Row:
    line: list[Piece] = [(f"{label:<{LABEL}}", "dim")]
    for at, sign in enumerate(drawn.cells(values, most), drawn.first):
        tone = "strong" if at == column else (tones[at] if tones else "accent")
        line.append((sign, tone if values[at] else "strong" if at == column else "dim"))
    value = values[column]
    if value is None and live and column:
        # A column that has just begun says nothing yet.
        value = values[column - 1]
    line.append((f"{said(value):>{VALUE}}", "" if value is not None else "dim"))
    return Row(tuple(line))


def _axis(page: HistoryPage, drawn: Chart, zone: tzinfo | None) -> Row:
    """The instants of the first column and of the cursor, under it."""
    grid = GRIDS[page.span]
    start = page.curves[0].start
    cells = drawn.columns * drawn.wide
    at = max(0, min(cells - 1, (page.column - drawn.first) * drawn.wide))
    here = "now" if page.at is None else words.absolute(start + page.column * grid.step_s, zone, page.as_of)
    first = words.absolute(start + drawn.first * grid.step_s, zone, page.as_of)
    label = f"▲ {here}"
    if at + len(label) > cells:
        at, label = max(0, at + 1 - len(label)), f"{here} ▲"
    first = first if len(first) < at else ""
    return Row(((" " * LABEL, ""), (first.ljust(at), "dim"), (label, "accent")))


def _failing(one: Curves) -> list[str]:
    return [
        "bad" if failed and failed > (done or 0) else "warn" if failed else "accent"
        for done, failed in zip(one.done, one.failed_runs, strict=True)
    ]


def _sum(done: float | None, failed: float | None) -> float | None:
    return None if done is None else done + (failed or 0)


def _whole(value: float | None) -> str:
    return words.count(None if value is None else int(value))
