"""Overview: is everybody getting what was promised?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from console.model import words
from console.model.counting import counted
from console.model.filters import Kind
from console.model.history import SPANS
from console.model.ports import Snapshot
from console.model.queries import (
    PAGE,
    FailingQuery,
    FailuresQuery,
    HistoryQuery,
    JobsQuery,
    OverviewQuery,
    UserQuery,
    ViewQuery,
)
from console.model.status import QueueStatus, Status
from console.screens import queue_columns, throughput_lines
from console.screens.place import Place
from console.screens.view import Asks, Goes, Searches, Tells
from console.screens.whole import Whole
from console.widgets.columns import Column
from console.widgets.lines import Line, Page, Row
from console.widgets.pieces import Piece
from console.widgets.table import Table

if TYPE_CHECKING:
    from console.actions import Action
    from console.model.failure_groups import Groups
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

GROUP_EVERY_S = 10.0
"""Seconds from one grouping of the newest failures to the next: with a thousand queues it costs what two readings do."""

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
        self._failing: Groups | None = None
        self._not_grouped = ""
        self._grouping = self._awaited = False
        self._group_at: float | None = None

    def compose(self) -> ComposeResult:
        yield Table(self.key, id="rows")
        yield Line(id="strip")
        yield Page(id="problems", cursor=False)
        yield Page(id="throughput", cursor=False)

    def columns(self) -> Sequence[Column[QueueStatus]]:
        """As many as fit."""
        # A few jobs that wait draw no bar that is full.
        most = max([10, *(row.waiting or 0 for row in self.snapshot.queues)]) if self.snapshot else 10
        return queue_columns.columns(most)

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

    def called(self, action: Action) -> Action:
        """Where all workers are suspended, pausing is resuming them."""
        suspended = action.id == "pause_queue" and self.snapshot is not None and self.snapshot.suspended
        return replace(action, label="resume all") if suspended else action

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

    def open(self, place: Place) -> None:
        """Show what was read last. A grouping that was under way is none any more: another screen may have ended it;
        and nobody waits here for it."""
        self._grouping = self._awaited = False
        super().open(place)

    def show(self, query: ViewQuery, snapshot: Snapshot) -> None:
        """Show all of it; group what fails at present now and then, and not with the first answer, which waits for nothing."""
        super().show(query, snapshot)
        assert isinstance(snapshot, Status)
        if self._group_at is None:
            self._group_at = snapshot.as_of
        elif not self._grouping and snapshot.as_of >= self._group_at:
            self._grouping, self._group_at = True, snapshot.as_of + GROUP_EVERY_S
            self.post_message(Searches(FailingQuery()))

    def grouped(self, groups: Groups | None, reason: str) -> None:
        """Show what fails; what was known of it stays where the grouping fails."""
        self._grouping, self._not_grouped = False, reason
        self._failing = groups or self._failing
        self.draw()
        awaited, self._awaited = self._awaited, False
        if awaited and groups is not None and self.display and self.app.screen is self.screen:
            self.post_message(Line.Clicked("failing"))

    def failing(self) -> Groups | None:
        """What fails at present. Who asks before it is known is shown it as soon as it is, if nothing else is open then."""
        self._awaited = self._failing is None
        return self._failing

    def on_resize(self) -> None:
        """Show as much beside the table as there is room for."""
        self.draw()

    def on_page_picked(self, message: Page.Picked) -> None:
        """Open a group, or a user, with the mouse."""
        message.stop()
        kind, name = message.target
        if kind == "group":
            self.post_message(Goes(Place("groups", FailuresQuery(), name)))
        elif kind == "user":
            self.post_message(Goes(Place("user", UserQuery(name.decode("utf-8", "surrogateescape")))))

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
            (f"{words.count(schedules.armed)} schedule{'' if schedules.armed == 1 else 's'} armed", ""),
            (f"{words.count(schedules.due_next_hour)} due within the hour", "dim"),
        ]
        if schedules.paused:
            known.append((f"{schedules.paused:,} paused", "warn"))
        if schedules.late:
            known.append((f"{schedules.late:,} late", "bad"))
        if not schedules.entries and not schedules.armed:
            known = []
        if status.held_back:
            # In no queue, so in no row of the table.
            known.append((f"{counted(status.held_back, 'job waits', 'jobs wait')} for a rate limit", "warn"))
        right = [piece for one in known for piece in (one, (" · ", "dim"))][:-1]
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
        beneath = self._beneath(status)
        # The table has as many lines as rows, and no more than its style lets it have.
        table = max(4, min(self.table.total + 1, self.size.height * 6 // 10))
        room = self.size.height - table - 1 - len(beneath)
        self.query_one("#problems", Page).show(self._with_failing(rows, room))
        self.query_one("#throughput", Page).show(beneath)

    def _with_failing(self, problems: list[Row], room: int) -> list[Row]:
        """The problems, and beneath them what fails at present, in `room` lines."""
        if self._failing is None or not self._failing.groups:
            return problems
        from console.screens import failing_lines

        apart = bool(problems) and self.size.height >= ROOMY
        return failing_lines.beneath(problems, self._failing, self.size.width, room, apart, self._not_grouped)

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


def _is_there(row: QueueStatus) -> bool:
    """Whether a lane is one here: without the job layer nothing is promised, and only what holds something is a queue."""
    counts = (row.waiting, row.running, row.retrying, row.scheduled, row.deferred, row.finished, row.failed, row.canceled)
    return not row.lane or row.promise_s is not None or bool(row.workers) or any(counts)


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
