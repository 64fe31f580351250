"""Overview: is everybody getting what was promised?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from console.model import words
from console.model.counting import counted
from console.model.filters import Kind
from console.model.history import SPANS
from console.model.queries import PAGE, HistoryQuery, JobsQuery, OverviewQuery
from console.model.status import QueueStatus, Status
from console.screens import throughput_lines
from console.screens.place import Place
from console.screens.view import Asks, Tells
from console.screens.whole import Whole
from console.widgets.columns import Column
from console.widgets.lines import Line, Page, Row
from console.widgets.pieces import Cell, Piece
from console.widgets.table import Table

if TYPE_CHECKING:
    from console.model.meant import Meant

FIELDS: Mapping[str, Kind] = {
    "queue": "text",
    "lane": "text",
    "waiting": "number",
    "failed": "number",
    "running": "number",
    "oldest": "duration",
    "workers": "number",
}

ORDERS = ("name", "waiting", "oldest", "failed")

ROOMY = 30
TALL = 45
"""Lines of the screen from on which more is told beneath the problems."""

MOST = 5_000
"""Queues that are known at the most."""


class OverviewView(Whole):
    """Every lane and queue, and what is wrong."""

    ONE = "queue"
    FIELDS = FIELDS
    ORDERS = ORDERS

    DEFAULT_CSS = """
    OverviewView #rows { height: auto; max-height: 60%; min-height: 4; }
    OverviewView #strip { background: $background; }
    OverviewView #problems { height: 1fr; }
    OverviewView #throughput { height: auto; background: $surface; }
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.asked = OverviewQuery()

    def compose(self) -> ComposeResult:
        yield Table(self.key, id="rows")
        yield Line(id="strip")
        yield Page(id="problems", cursor=False)
        yield Page(id="throughput", cursor=False)

    def columns(self) -> Sequence[Column[QueueStatus]]:
        """As many as fit."""
        # A few jobs that wait draw no bar that is full.
        most = max([10, *(row.waiting or 0 for row in self.snapshot.queues)]) if self.snapshot else 10
        return _columns(most)

    def empty(self) -> Sequence[tuple[Piece, ...]]:
        """What would fill it."""
        if self.said:
            return ((("No queue matches.", ""),), (("backspace takes the filter off, / changes it", "dim"),))
        return (
            (("No queue yet.", ""),),
            (("A queue appears when something is enqueued, or when a worker listens on it.", "dim"),),
        )

    def place_of(self, row: QueueStatus) -> Place:
        """Enter opens the queue's jobs."""
        return Place("jobs", JobsQuery(queue=row.key))

    def rows(self, snapshot: Status) -> Sequence[QueueStatus]:
        """The queues that match, in order."""
        found = [row for row in snapshot.queues if _is_there(row)]
        if self.said:
            found = [row for row in found if self.said.matches(*_terms(row))]
        if self.order != "name":
            field = "oldest_s" if self.order == "oldest" else self.order
            found.sort(key=lambda row: -(getattr(row, field) or 0))
        return found

    def meant(self, action: str) -> Meant | None:
        """What waits in the queue under the cursor. Pausing a queue is asking what there is for that, and where all workers are
        suspended it is to let them go on."""
        # The first screen waits for no command.
        from console.screens import meaning

        row: QueueStatus | None = self.table.row()
        if action == "pause_queue" and self.snapshot is not None and (self.snapshot.suspended or row is None):
            return meaning.all_workers(self.snapshot.suspended)
        if row is None:
            return None
        return meaning.pausing(row.key) if action == "pause_queue" else meaning.queue(row.key) if action == "empty" else None

    def on_table_cursor_moved(self, message: Table.CursorMoved) -> None:
        """Read those queues whole that are in sight, or can be."""
        super().on_table_cursor_moved(message)
        # In another order than that of the names, any queue can come in sight.
        named = self.order == "name" and not self.said
        start, size = self.table.wanted() if named else (0, MOST)
        query = replace(self.asked, start=start, size=max(size, PAGE))
        if query != self.asked and self.snapshot is not None:
            self.asked = query
            self.post_message(Asks(query, fresh=False))

    def do_span(self) -> bool:
        """The curves of the next span."""
        self.asked = replace(self.asked, span=SPANS[(SPANS.index(self.asked.span) + 1) % len(SPANS)])
        self.post_message(Asks(self.asked, fresh=False))
        return True

    def do_history(self) -> Place:
        """The curves of the lanes, or of the queue under the cursor where it is none."""
        row: QueueStatus | None = self.table.row()
        queue = row.key if row is not None and not row.lane else None
        return Place("timeline", HistoryQuery(self.asked.span, queue))

    def tell(self) -> None:
        """The line above the table is that of the problems: it is drawn with them."""
        self.post_message(Tells())

    def draw_beside(self, status: Status) -> None:
        """What is wrong, and how many schedules there are."""
        schedules = status.schedules
        known: list[Piece] = [
            (f"{words.count(schedules.armed)} schedules armed", ""),
            (f"{words.count(schedules.due_next_hour)} due within the hour", "dim"),
        ]
        if schedules.paused:
            known.append((f"{schedules.paused:,} paused", "warn"))
        if schedules.late:
            known.append((f"{schedules.late:,} late", "bad"))
        right = [piece for one in known for piece in (one, (" · ", "dim"))][:-1] if schedules.entries or schedules.armed else []
        if status.problems:
            title: list[Piece] = [(f" {counted(len(status.problems), 'problem')}", "head"), ("  ! opens them", "dim")]
        else:
            title = [(" ✓ no problem found", "good")]
        self.query_one("#strip", Line).say(title, [*right, (" ", "")], dict.fromkeys(range(len(title)), "problems"))
        rows: list[Row] = []
        for problem in status.problems:
            glyph: Piece = ("✗ ", "bad") if problem.severity == "error" else ("▲ ", "warn")
            rows.append(Row((glyph, (f"{problem.subject}: ", "strong"), (problem.message, ""))))
            rows.append(Row(((f"  → {problem.remedy}", "dim"),)))
        self.query_one("#problems", Page).show(rows)
        self.query_one("#throughput", Page).show(self._beneath(status))

    def _beneath(self, status: Status) -> list[Row]:
        """The curves, and what there is room for of the outlook."""
        cells, lines, found = self.size.width, self.size.height, status.outlook
        if found is None:
            return throughput_lines.lines(status.throughput, cells)
        from console.screens import outlook_lines

        if found.span is None or found.span == "1h":
            rows = throughput_lines.lines(status.throughput, cells)
        else:
            rows = throughput_lines.of_span(found.curves, found.span, cells)
        if lines < ROOMY:
            return [*rows, *outlook_lines.due_in_a_line(found.due, cells, self.zone)]
        rows += outlook_lines.due(found.due, cells, self.zone)
        rows += outlook_lines.promises(found.promises, cells)
        return [*rows, *outlook_lines.busiest(found.busiest, cells)] if lines >= TALL else rows


@lru_cache(maxsize=2)
def _columns(most: int) -> Sequence[Column[QueueStatus]]:
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


def _is_there(row: QueueStatus) -> bool:
    """Whether a lane is one here: without the job layer nothing is promised, and only what holds something is a queue."""
    counts = (row.waiting, row.running, row.scheduled, row.deferred, row.finished, row.failed, row.canceled)
    return not row.lane or row.promise_s is not None or bool(row.workers) or any(counts)


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
    if not row.waiting or (row.drain_s is None and row.in_per_min is None and row.out_per_min is None):
        return (words.DASH, "dim")
    if row.drain_s is None:
        return ("grows" if (row.in_per_min or 0) > (row.out_per_min or 0) > 0 else "never", "bad")
    return "now" if row.drain_s < 1 else words.age(row.drain_s)


def _workers(row: QueueStatus, now: float) -> Cell:
    if not row.workers:
        return ("none", "bad" if row.waiting else "dim")
    return f"{row.workers} ({row.busy} busy)" if row.busy else f"{row.workers}"


def _terms(row: QueueStatus) -> tuple[dict[str, str | None], dict[str, float | None]]:
    return (
        {"queue": row.name, "lane": row.name if row.lane else None},
        {
            "waiting": row.waiting,
            "failed": row.failed,
            "running": row.running,
            "oldest": row.oldest_s,
            "workers": row.workers,
        },
    )
