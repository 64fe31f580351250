"""Jobs: one queue or all, one state at a time, a page by rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from console.model import job_terms, words
from console.model.filters import Filter, Kind
from console.model.job_terms import FIELDS
from console.model.meant import Meant
from console.model.pages import JobRow, JobsPage
from console.model.queries import JOB_STATES, JobQuery, JobsQuery, JobState, same_list
from console.screens import job_columns, meaning
from console.screens.listing import Listing
from console.screens.place import Place
from console.widgets.columns import Column
from console.widgets.pieces import Piece

UNINDEXED = ("retrying", "stopped")
"""States that are no registry of RQ's: its jobs are searched for, among the scheduled and the failed ones."""

FILLED_BY = {
    "queued": "Jobs wait here until a worker takes them.",
    "running": "A job is here while a worker runs it.",
    "retrying": "Jobs that failed and will be tried again wait here.",
    "scheduled": "Jobs wait here for their time: enqueue_at and enqueue_in bring them.",
    "deferred": "Jobs wait here for the jobs that they depend on.",
    "finished": "Jobs stay here after they succeeded, as long as their result_ttl says.",
    "failed": "Jobs come here when they failed and have no retries left.",
    "canceled": "Jobs come here when somebody cancels them.",
    "stopped": "Jobs come here when somebody stops them while they run.",
    "rate limited": "Jobs wait here for a free slot of their rate limit.",
    "ready": "Jobs pass here between the end of what they depend on and their queue.",
}


class JobsView(Listing):
    """Any queue, any state."""

    ONE = "job"
    FIELDS: ClassVar[Mapping[str, Kind]] = FIELDS

    asked: JobsQuery
    _counts: Mapping[str, int | None] = {}
    _owned = True

    def columns(self) -> Sequence[Column[JobRow]]:
        """The columns that suit the state."""
        columns = job_columns.of_state(self.asked.state, self.asked.queue is not None, self._owned)
        return [job_columns.STATE, *columns] if self.needs_search(self.asked) else columns

    def needs_search(self, query: JobsQuery) -> bool:
        """Whether something is asked for that is no list of RQ's."""
        return bool(query.filter) or query.state in UNINDEXED

    def noticed(self, snapshot: JobsPage) -> None:
        """Keep the counts of the states, and whether any job is a user's."""
        self._counts = {**self._counts, **snapshot.counts}
        self._owned = any(row.user for row in snapshot.rows) or not snapshot.rows

    def parsed(self, expression: str) -> Filter:
        """The filter of an expression, whose `state:` is the name of one."""
        return job_terms.parsed(expression)

    def filter_with(self, filter: Filter) -> None:
        """`state:` and `queue:` choose the list; the rest is searched for in it."""
        named, _ = job_terms.queue_of(self.said)
        before = self.asked if named is None else replace(self.asked, queue=None)
        self.said = filter
        query = job_terms.filtered(before, filter)
        if not same_list(query, self.asked):
            self.change(query)

    def change(self, query: JobsQuery) -> None:
        """List something else; the counts of another queue are no counts of this one."""
        self._forget_counts(query)
        super().change(query)

    def open(self, place: Place) -> None:
        """List what the place names."""
        assert isinstance(place.query, JobsQuery)
        self._forget_counts(place.query)
        super().open(place)

    def _forget_counts(self, query: JobsQuery) -> None:
        if getattr(self, "asked", query).queue != query.queue:
            self._counts = {}

    def widen(self) -> None:
        """The jobs of every queue."""
        if self.asked.queue is not None:
            self.change(replace(self.asked, queue=None, start=0, only=None))

    def strip(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The states with their counts, as many as fit, the chosen one always; and the queue."""
        queue = self.asked.queue
        order = "reversed · " if self.asked.reverse else ""
        if queue is None:
            return self._states(), [(f"{order}every queue in turn ", "dim")]
        widened = "backspace: every queue " if self.size.width >= 120 else ""
        name = queue.decode("utf-8", "backslashreplace")
        return self._states(), [(order, "dim"), (f"{name} ", "strong"), (widened, "dim")]

    def empty(self) -> Sequence[tuple[Piece, ...]]:
        """What would fill this list."""
        where = "in any queue" if self.asked.queue is None else "in this queue"
        return (((f"No {self.asked.state} jobs {where}.", ""),), ((FILLED_BY[self.asked.state], "dim"),))

    def place_of(self, row: JobRow) -> Place:
        """Enter opens the job."""
        return Place("job", JobQuery(row.key))

    def owner_of(self, row: JobRow) -> str | None:
        """The user whose run it is."""
        return row.user

    @property
    def standing(self) -> str:
        """The state of the list."""
        return self.asked.state

    def meant(self, action: str) -> Meant | None:
        """The marked jobs, the one under the cursor, or all that are listed; for `empty` the queue."""
        if action == "empty":
            return None if self.asked.queue is None else meaning.queue(self.asked.queue)
        meant = meaning.jobs(self.asked, None if self.table.all_marked else self.named(), self.said)
        row: JobRow | None = self.table.row()
        return meaning.due(meant, row, action)

    def do_next_list(self) -> bool:
        """The next state."""
        return self._step(1)

    def do_previous_list(self) -> bool:
        """The state before."""
        return self._step(-1)

    def do_sort(self) -> bool:
        """Turn the list round."""
        self.turn(replace(self.asked, reverse=not self.asked.reverse, start=0, only=None))
        return True

    def _step(self, by: int) -> bool:
        at = (JOB_STATES.index(self.asked.state) + by) % len(JOB_STATES)
        state: JobState = JOB_STATES[at]
        # Another state than the filter says was asked for.
        self.said = self.said.without("state")
        self.change(replace(self.asked, state=state, start=0, only=None))
        return True

    def _states(self) -> list[Piece]:
        told: list[list[Piece]] = [self._state(state) for state in JOB_STATES]
        room = self.size.width - 26
        chosen = JOB_STATES.index(self.asked.state)
        first = 0
        while first < chosen and sum(map(_length, told[first : chosen + 1])) > room:
            first += 1
        return [("‹ " if first else " ", "dim"), *(piece for state in told[first:] for piece in state)]

    def _state(self, state: str) -> list[Piece]:
        count: Any = self._counts.get(state)
        number = "" if count is None else f" {words.count(count)}"
        if state == self.asked.state:
            return [(f"[{state}{number}]", "accent"), (" ", "")]
        return [(f" {state}", "" if count else "dim"), (f"{number}  ", "dim")]


def _length(state: list[Piece]) -> int:
    return sum(len(text) for text, _ in state)
