"""Workers: who works, who schedules, and whether they are alive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from textual.app import ComposeResult

from console.actions import Action
from console.model import words
from console.model.commands import WorkerSeen
from console.model.filters import Filter, Kind, Term
from console.model.meant import Meant
from console.model.queries import JobQuery, WorkersQuery
from console.model.text import decoded, visible
from console.model.workers import WorkerRow, WorkersPage
from console.screens import meaning, worker_columns
from console.screens.place import Place
from console.screens.whole import Whole
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


class WorkersView(Whole):
    """Every worker, the worst first, and every scheduler."""

    ONE = "worker"
    FIELDS = FIELDS
    ORDERS = ORDERS

    DEFAULT_CSS = """
    WorkersView #rows { height: 1fr; min-height: 4; }
    WorkersView #schedulers { height: auto; min-height: 3; max-height: 40%; background: $surface; }
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.asked = WorkersQuery()

    def compose(self) -> ComposeResult:
        yield Line(id="strip")
        yield Table(self.key, id="rows")
        yield Table(
            lambda row: row.name.encode("utf-8", "surrogateescape"), worker_columns.OF_SCHEDULERS, id="schedulers", cursor=False
        )

    def columns(self) -> Sequence[Column[WorkerRow]]:
        """As many as fit."""
        return worker_columns.COLUMNS

    def strip(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """How many are well, how many work, and what was not read."""
        page: WorkersPage | None = self.snapshot
        if page is None:
            return (), ()
        until = (
            "" if page.suspended_s is None else f"until {words.absolute(page.as_of + page.suspended_s, self.zone, page.as_of)} "
        )
        told: list[Piece] = [(f" ■ all workers are suspended {until}", "warn")] if page.suspended else [(" ", "")]
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
        if self.snapshot is not None and self.snapshot.refused:
            return tuple((("▲ ", "warn"), (f"{one.what}: {one.reason}", "")) for one in self.snapshot.refused)
        if self.said:
            return ((("No worker matches.", ""),), (("backspace takes the filter off, / changes it", "dim"),))
        return ((("No worker.", ""),), (("A worker appears when it starts: rq worker high default low", "dim"),))

    def place_of(self, row: WorkerRow) -> Place | None:
        """Enter opens the job that it runs."""
        return None if row.job_key is None else Place("job", JobQuery(row.job_key))

    def rows(self, snapshot: WorkersPage) -> Sequence[WorkerRow]:
        """The workers that match, in order."""
        found = [row for row in snapshot.workers if _matches(self.said, row)]
        found.sort(key=lambda row: (_rank(row, self.order), row.status.name, row.key))
        return found

    def called(self, action: Action) -> Action:
        """Where all are suspended, suspending is resuming."""
        suspended = action.id == "suspend" and self.snapshot is not None and self.snapshot.suspended
        return replace(action, label="resume all") if suspended else action

    def meant(self, action: str) -> Meant | None:
        """The marked workers, the one under the cursor, or all that are listed: as they were read last. Suspending is done
        to all there are."""
        page: WorkersPage | None = self.snapshot
        if action == "suspend":
            return meaning.all_workers(page.suspended) if page is not None else None
        if page is None:
            return None
        named = None if self.table.all_marked else self.named()
        rows = [row for row in self.rows(page) if named is None or row.key in named]
        if action in ("stop_job", "kill_horse"):
            rows = [row for row in rows if row.job_key is not None]
        keys = tuple(row.key for row in rows)
        seen = tuple(WorkerSeen(row.key, row.job_key) for row in rows)
        jobs = [visible(row.status.job or decoded(row.job_key)) for row in rows if row.job_key is not None]
        scope = meaning.names(keys, "worker") + (f", with {meaning.some(jobs, 'job')}" if jobs else "")
        return Meant("worker", scope, seen=seen, count=len(seen)) if seen else None

    def draw_beside(self, snapshot: WorkersPage) -> None:
        """The schedulers."""
        schedulers = self.query_one("#schedulers", Table)
        schedulers.notice = NO_SCHEDULER
        schedulers.show(snapshot.schedulers, 0, len(snapshot.schedulers), snapshot.as_of)


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
