"""Curves of a queue over the last hour, day or week, from what was recorded of it now and then.

What was not recorded is None: a gap is a gap. What two records lie apart counts once, for the time between them, and not at all
where nobody knows when it was: across a gap, where a count began anew, where the clock was set back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from console.model.activity import OperationRow
    from console.model.forecast import Forecast
    from console.model.outlook import Outlook
    from console.model.status import Refused

Span = Literal["1h", "24h", "7d"]
SPANS: Final[tuple[Span, ...]] = ("1h", "24h", "7d")


@dataclass(frozen=True, slots=True)
class Grid:
    """A span as columns of `step_s` seconds, each looked at `probes` times."""

    columns: int
    step_s: int
    probes: int

    @property
    def apart_s(self) -> float:
        """Seconds between two looks."""
        return self.step_s / self.probes

    @property
    def gap_s(self) -> float:
        """Seconds between two records from on which there is a gap between them."""
        return 1.5 * self.apart_s + 60


GRIDS: Final[dict[Span, Grid]] = {"1h": Grid(60, 60, 2), "24h": Grid(48, 1_800, 6), "7d": Grid(56, 10_800, 6)}


@dataclass(frozen=True, slots=True)
class Point:
    """A queue at `at` (epoch seconds): jobs `waiting`, for how long the next one, jobs that `failed` and are kept; runs that
    `came`, were `done` and `failed_runs` since the installation began. None is what nobody knows.

    `anew`: how often recording had begun anew by then, because a clock was set back: what was counted between two records that
    differ in it does not belong between their instants. `own`: this console read it, by its own clock."""

    at: float
    waiting: int | None = None
    oldest_s: float | None = None
    failed: int | None = None
    came: int | None = None
    done: int | None = None
    failed_runs: int | None = None
    anew: int = 0
    own: bool = False


@dataclass(frozen=True, slots=True)
class Curves:
    """A queue from `start` (epoch seconds) on, a value for each `step_s` seconds, None where nothing is known.

    `came`, `done` and `failed_runs` are runs a minute, over as much of the column as is known, and the last two also how many
    were counted in it; `waiting`, `oldest_s` and `failed` the most that was seen in it."""

    queue: str
    start: float
    step_s: float
    waiting: tuple[int | None, ...]
    oldest_s: tuple[float | None, ...]
    failed: tuple[int | None, ...]
    came: tuple[float | None, ...]
    done: tuple[float | None, ...]
    failed_runs: tuple[float | None, ...]
    done_counted: tuple[int, ...]
    failed_runs_counted: tuple[int, ...]
    key: bytes = b""
    own: bool = False
    """Something of it is what this console has read itself."""
    forecast: Forecast | None = None
    """What becomes of what waits; None where it is not told of the present."""

    @property
    def known(self) -> bool:
        """Whether there is anything to tell. That a queue was empty whenever this console looked is nothing."""
        if any(value is not None for value in self.done):
            return True
        values = (*self.waiting, *self.failed)
        return any(values) if self.own else any(value is not None for value in values)


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Curves of the lanes, or of one queue, as they were read at `as_of`; `at` is the time cursor, None for now.

    `near` are the last operations of the audit that were begun by the end of the cursor's column, the newest first. `outlook`
    is told of the present only."""

    as_of: float
    span: Span
    curves: tuple[Curves, ...]
    at: float | None = None
    near: tuple[OperationRow, ...] = ()
    outlook: Outlook | None = None
    refused: tuple[Refused, ...] = ()

    @property
    def column(self) -> int:
        """The column of the time cursor."""
        return _column(self.span, self.as_of, self.as_of if self.at is None else self.at)


def of_column(span: Span, now: float, at: float) -> tuple[float, float]:
    """From when to when the column goes (epoch seconds) that the time cursor `at` is in."""
    step_s = GRIDS[span].step_s
    begin = window(span, now, at)[0] + _column(span, now, at) * step_s
    return begin, begin + step_s


def window(span: Span, now: float, at: float | None = None) -> tuple[float, float]:
    """From when to when the columns go (epoch seconds). They begin at whole steps, so that they stay the same from one reading
    to the next; the last one goes on. Where `at` is older than all of them, they lie around it."""
    grid = GRIDS[span]
    end = (now // grid.step_s + 1) * grid.step_s
    if at is not None and at < end - grid.columns * grid.step_s:
        end = min(end, (at // grid.step_s + grid.columns // 2 + 1) * grid.step_s)
    return end - grid.columns * grid.step_s, end


def _column(span: Span, now: float, at: float) -> int:
    grid = GRIDS[span]
    return max(0, min(grid.columns - 1, int((at - window(span, now, at)[0]) // grid.step_s)))


def curves(queue: str, points: Sequence[Point], span: Span, now: float, at: float | None = None, key: bytes = b"") -> Curves:
    """The curves of `queue`; `points` are in any order. Those that this console read itself fill what nobody recorded."""
    grid = GRIDS[span]
    start, end = window(span, now, at)
    known = _one_each([point for point in points if start <= point.at < end and point.at <= now], grid.gap_s)
    columns: list[list[Point]] = [[] for _ in range(grid.columns)]
    for point in known:
        columns[int((point.at - start) // grid.step_s)].append(point)
    pairs = list(between(known, grid.gap_s))

    def grew(name: str) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
        """How many there were, and how many a minute."""
        counted, covered = [0] * grid.columns, [0.0] * grid.columns
        for before, after in pairs:
            if (more := grown(before, after, name)) is not None:
                # A look may come a little late: what lies between two belongs where most of it does.
                column = int(((before.at + after.at) / 2 - start) // grid.step_s)
                counted[column] += more
                covered[column] += after.at - before.at
        rates = (count / seconds * 60 if seconds else None for count, seconds in zip(counted, covered, strict=True))
        return tuple(counted), tuple(rates)

    done_counted, done = grew("done")
    failed_runs_counted, failed_runs = grew("failed_runs")
    return Curves(
        queue,
        start,
        grid.step_s,
        waiting=tuple(_most(point.waiting for point in column) for column in columns),
        oldest_s=tuple(_most(point.oldest_s for point in column) for column in columns),
        failed=tuple(_most(point.failed for point in column) for column in columns),
        came=grew("came")[1],
        done=done,
        failed_runs=failed_runs,
        done_counted=done_counted,
        failed_runs_counted=failed_runs_counted,
        key=key,
        own=any(point.own for point in known),
    )


def between(points: Sequence[Point], gap_s: float) -> Iterator[tuple[Point, Point]]:
    """Points that follow each other, the oldest first, without a gap, by one clock."""
    for before, after in pairwise(points):
        if 0 < after.at - before.at <= gap_s and before.own == after.own and before.anew == after.anew:
            yield before, after


def grown(before: Point, after: Point, name: str) -> int | None:
    """How much a count has grown; None where it is not known, or began anew. Counts begin anew together."""
    if any(_shrunk(before, after, one) for one in ("came", "done", "failed_runs")):
        return None
    first, last = getattr(before, name), getattr(after, name)
    return None if first is None or last is None else last - first


def per_minute(pairs: Sequence[tuple[Point, Point]], names: Sequence[str]) -> float | None:
    """How much these counts grew a minute, all together, over as much of `pairs` as is known; None where nothing is."""
    counted, covered = 0, 0.0
    for before, after in pairs:
        more = [grown(before, after, name) for name in names]
        if all(one is not None for one in more):
            counted += sum(one or 0 for one in more)
            covered += after.at - before.at
    return counted / covered * 60 if covered else None


def _shrunk(before: Point, after: Point, name: str) -> bool:
    first, last = getattr(before, name), getattr(after, name)
    return first is not None and last is not None and last < first


def _one_each(points: Iterable[Point], gap_s: float) -> list[Point]:
    """The oldest first, one of each instant; our own ones where no other is near."""
    recorded = {point.at: point for point in points if not point.own}
    instants = sorted(recorded)
    found = dict(recorded)
    at = 0
    for point in sorted((point for point in points if point.own), key=lambda point: point.at):
        while at < len(instants) and instants[at] < point.at - gap_s:
            at += 1
        if at == len(instants) or instants[at] > point.at + gap_s:
            found[point.at] = point
    return sorted(found.values(), key=lambda point: point.at)


def _most(values: Iterable[float | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)  # type: ignore[return-value]
