"""Workers: who works, who schedules, and whether they are alive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from textual.app import ComposeResult

from console.model import words
from console.model.filters import Filter, Kind, Term
from console.model.ports import Snapshot
from console.model.queries import JobQuery, ViewQuery, WorkersQuery
from console.model.workers import WorkerRow, WorkersPage
from console.screens import worker_columns
from console.screens.place import Place
from console.screens.tabled import Tabled
from console.screens.view import Asks
from console.widgets.columns import Column
from console.widgets.lines import Line
from console.widgets.pieces import Piece
from console.widgets.table import Table

FIELDS: Final[Mapping[str, Kind]] = {
    "name": "text", "host": "text", "queue": "text", "lane": "text", "state": "text", "verdict": "text", "job": "text",
    "heartbeat": "duration", "running": "duration", "done": "number", "failed": "number",
}  # fmt: skip

ORDERS: Final = ("verdict", "name", "running", "done", "failed", "busy", "heartbeat")

WORST: Final = ("gone", "late", "live")

NO_SCHEDULER: Final = (
    (("No scheduler. rqscheduler fires entries; rq worker --with-scheduler fires RQ's scheduled jobs.", "dim"),),
)


class WorkersView(Tabled):
    """Every worker, the worst first, and every scheduler."""

    ONE = "worker"
    FIELDS = FIELDS

    DEFAULT_CSS = """
    WorkersView #rows { height: 1fr; min-height: 4; }
    WorkersView #schedulers { height: auto; min-height: 3; max-height: 40%; background: $surface; }
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.asked = WorkersQuery()
        self._filter = Filter()
        self._order = "verdict"
        self._page: WorkersPage | None = None

    def compose(self) -> ComposeResult:
        yield Line(id="strip")
        yield Table(self.key, id="rows")
        yield Table(
            lambda row: row.name.encode("utf-8", "surrogateescape"), worker_columns.OF_SCHEDULERS, id="schedulers", cursor=False
        )

    def open(self, place: Place) -> None:
        """Show what was read last, until it is read anew."""
        assert isinstance(place.query, WorkersQuery)
        self.asked = place.query
        self.table.clear(place.cursor_key, place.cursor)
        self.table.notice = ((("Reading …", "dim"),),)
        self._draw()
        self.post_message(Asks(self.asked))

    def place(self) -> Place:
        """The workers, with the cursor."""
        return Place(self.name or "", self.asked, self.table.cursor_key, self.table.cursor)

    def filter_with(self, filter: Filter) -> None:
        """Show only the workers that match."""
        self._filter = filter
        self._draw()

    def show(self, query: ViewQuery, snapshot: Snapshot) -> None:
        """Show all workers and schedulers."""
        assert isinstance(snapshot, WorkersPage)
        self._page = snapshot
        self._draw()

    def fail(self, reason: str) -> None:
        """Say why, where nothing is shown yet."""
        if self._page is None:
            self.table.notice = ((("The server did not answer.", "bad"),), ((reason, ""),), (("It is tried again.", "dim"),))
            self.table.refresh()

    def columns(self) -> Sequence[Column[WorkerRow]]:
        """As many as fit."""
        return worker_columns.COLUMNS

    def strip(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """How many are well, how many work, and what was not read."""
        page = self._page
        if page is None:
            return (), ()
        told: list[Piece] = [(" ■ all workers are suspended ", "warn")] if page.suspended else [(" ", "")]
        verdicts = Counter(row.status.verdict for row in page.workers)
        known = [(f"{words.GLYPHS[name]} {verdicts[name]:,} {name}", words.TONES[name]) for name in WORST if verdicts[name]]
        busy = sum(row.job_key is not None for row in page.workers)
        for piece in [*known, (f"{busy:,} busy", "dim")] if page.workers else []:
            told += [piece, (" · ", "dim")]
        right: list[Piece] = [(f"{one.read:,} of {one.total:,} {one.what} read ", "warn") for one in page.unread]
        right += [(f"▲ not read: {one.what} ", "warn") for one in page.refused[:1]]
        return told[:-1], right

    def empty(self) -> Sequence[tuple[Piece, ...]]:
        """What would fill it."""
        if self._page is not None and self._page.refused:
            return tuple((("▲ ", "warn"), (f"{one.what}: {one.reason}", "")) for one in self._page.refused)
        if self._filter:
            return ((("No worker matches.", ""),), (("backspace takes the filter off, / changes it", "dim"),))
        return ((("No worker.", ""),), (("A worker appears when it starts: rq worker high default low", "dim"),))

    def place_of(self, row: WorkerRow) -> Place | None:
        """Enter opens the job that it runs."""
        return None if row.job_key is None else Place("job", JobQuery(row.job_key))

    def do_sort(self) -> bool:
        """The next order."""
        self._sort_by(ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)])
        return True

    def on_table_sort_asked(self, message: Table.SortAsked) -> None:
        """The title of a column was clicked."""
        message.stop()
        self._sort_by(message.order)

    def on_table_rows_wanted(self, message: Table.RowsWanted) -> None:
        """All are known."""
        message.stop()

    def _sort_by(self, order: str) -> None:
        self._order = order
        self._draw()

    def _draw(self) -> None:
        page, table = self._page, self.table
        if page is None:
            return
        rows = [row for row in page.workers if _matches(self._filter, row)]
        rows.sort(key=lambda row: (_rank(row, self._order), row.status.name, row.key))
        table.set_columns(self.columns())
        table.sorted_by = self._order
        table.notice = () if rows else self.empty()
        table.show(rows, 0, len(rows), page.as_of)
        schedulers = self.query_one("#schedulers", Table)
        schedulers.notice = NO_SCHEDULER
        schedulers.show(page.schedulers, 0, len(page.schedulers), page.as_of)
        self.tell()


def _matches(filter: Filter, row: WorkerRow) -> bool:
    text, numbers = _terms(row)
    queues = row.status.queues
    return all(
        _any_queue(term, queues) if term.field in ("queue", "lane") else term.matches(text, numbers) for term in filter.terms
    )


def _any_queue(term: Term, queues: Sequence[str]) -> bool:
    held = [term.matches({term.field: queue}, {}) for queue in queues]
    return all(held) if term.negated else any(held)


def _rank(row: WorkerRow, order: str) -> float:
    status = row.status
    match order:
        case "verdict":
            return WORST.index(status.verdict) if status.verdict in WORST else -1
        case "running":
            return -(row.running_s or 0.0)
        case "done" | "failed":
            return -(getattr(status, order) or 0)
        case "busy":
            return -(row.busy_share or 0.0)
        case "heartbeat":
            return -(status.heartbeat_s or 0.0)
        case _:
            return 0.0


def _terms(row: WorkerRow) -> tuple[dict[str, str | None], dict[str, float | None]]:
    status = row.status
    return (
        {
            "name": status.name,
            "host": status.host,
            "queue": " ".join(status.queues),
            "state": status.state,
            "verdict": status.verdict,
            "job": f"{row.call} {status.job or ''}".strip() or None,
        },
        {"heartbeat": status.heartbeat_s, "running": row.running_s, "done": status.done, "failed": status.failed},
    )
