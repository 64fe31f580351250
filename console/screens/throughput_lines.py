"""The last hour, day or week of the lanes, a line each: how many runs ended when, and when some failed."""

from __future__ import annotations

from collections.abc import Sequence

from console.model import words
from console.model.history import GRIDS, Curves, Span
from console.model.throughput import MINUTES, Throughput
from console.widgets.lines import Row
from console.widgets.pieces import Piece

LABEL = 12
TOTALS = 26
TOTALS_OF_DAYS = 30
"""Cells for the lane's name, and for its totals."""


def lines(lanes: Sequence[Throughput], cells: int) -> list[Row]:
    """A head and a line for each lane, of as many of the last minutes as there is room for; none where nothing is recorded."""
    if not lanes:
        return []
    shown = max(10, min(MINUTES, cells - LABEL - TOTALS - 4))
    most = max((_ended(done, failed) or 0 for lane in lanes for done, failed in _minutes(lane, shown)), default=0)
    scale = f"  the highest is {most:,} a minute" if most else ""
    title: tuple[Piece, ...] = (("RUNS ENDED", "head"), (f"  each minute of the last {shown}{scale}", "dim"))
    return [Row(title), *(_line(lane, shown, most) for lane in lanes)]


def _line(lane: Throughput, shown: int, most: int) -> Row:
    line: list[Piece] = [(f"{lane.lane:<{LABEL}}", "strong")]
    for done, failed in _minutes(lane, shown):
        tone = "bad" if failed and failed > (done or 0) else "warn" if failed else "accent"
        ended = _ended(done, failed)
        line.append((words.spark((ended,), most), tone if ended else "dim"))
    if all(done is None for done in lane.done[-shown:]):
        return Row((*line, ("  not known yet", "dim")))
    done_all, failed_all = (sum(filter(None, values[-shown:])) for values in (lane.done, lane.failed))
    line += [(f"{done_all:>9,} done", ""), (f"{failed_all:>6,} failed", "bad" if failed_all else "dim")]
    return Row(tuple(line))


def _minutes(lane: Throughput, shown: int) -> list[tuple[int | None, int | None]]:
    return list(zip(lane.done[-shown:], lane.failed[-shown:], strict=True))


def _ended(done: int | None, failed: int | None) -> int | None:
    return None if done is None else done + (failed or 0)


def of_span(lanes: Sequence[Curves], span: Span, cells: int) -> list[Row]:
    """The same over a day or a week, in runs a minute; none where nothing is recorded."""
    known = [lane for lane in lanes if any(value is not None for value in lane.done)]
    if not known:
        return []
    grid = GRIDS[span]
    shown = max(10, min(grid.columns, cells - LABEL - TOTALS_OF_DAYS - 4))
    most = max((_together(*pair) or 0.0 for lane in known for pair in _columns(lane, shown)), default=0.0)
    step = "30 min" if grid.step_s < 3_600 else f"{grid.step_s // 3_600} h"
    scale = f"  the highest is {words.rate(round(most, 1))} a minute" if most else ""
    rows = [Row((("RUNS ENDED", "head"), (f"  each {step} of the last {shown * grid.step_s // 3_600} h{scale}", "dim")))]
    for lane in known:
        line: list[Piece] = [(f"{lane.queue:<{LABEL}}", "strong")]
        for done, failed in _columns(lane, shown):
            tone = "bad" if failed and failed > (done or 0) else "warn" if failed else "accent"
            ended = _together(done, failed)
            line.append((words.spark((ended,), most), tone if ended else "dim"))
        done_all, failed_all = sum(lane.done_counted[-shown:]), sum(lane.failed_runs_counted[-shown:])
        line += [(f"{done_all:>10,} done", ""), (f"{failed_all:>8,} failed", "bad" if failed_all else "dim")]
        rows.append(Row(tuple(line)))
    return rows


def _columns(lane: Curves, shown: int) -> list[tuple[float | None, float | None]]:
    return list(zip(lane.done[-shown:], lane.failed_runs[-shown:], strict=True))


def _together(done: float | None, failed: float | None) -> float | None:
    return None if done is None else done + (failed or 0)
