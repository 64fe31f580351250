"""Failures: what failed, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from console.model import job_terms
from console.model.filters import Filter, Kind
from console.model.incident import Subject
from console.model.job_terms import FIELDS
from console.model.meant import Meant
from console.model.pages import JobRow, JobsPage
from console.model.queries import FailuresQuery, JobQuery, same_list
from console.model.text import decoded, visible
from console.screens import job_columns, meaning
from console.screens.listing import Listing
from console.screens.place import Place
from console.widgets.columns import Column
from console.widgets.pieces import Piece


class FailuresView(Listing):
    """Failed and stopped jobs by time."""

    ONE = "failure"
    FIELDS: ClassVar[Mapping[str, Kind]] = FIELDS

    asked: FailuresQuery
    _owned = True

    def columns(self) -> Sequence[Column[JobRow]]:
        """When, what, and why."""
        return job_columns.of_failures(self.asked.queue is not None, self._owned)

    def parsed(self, expression: str) -> Filter:
        """The filter of an expression, whose `state:` is the name of one."""
        return job_terms.parsed(expression)

    def noticed(self, snapshot: JobsPage) -> None:
        """Keep whether any failure is of a user's run."""
        self._owned = any(row.user for row in snapshot.rows) or not snapshot.rows

    def filter_with(self, filter: Filter) -> None:
        """`queue:` chooses the queue; the rest is searched for."""
        named, _ = job_terms.queue_of(self.said)
        queue, rest = job_terms.queue_of(filter)
        kept = self.asked.queue if named is None else None
        self.said = filter
        query = replace(self.asked, queue=queue or kept, filter=rest, start=0, only=None)
        if not same_list(query, self.asked):
            self.change(query)

    def needs_search(self, query: FailuresQuery) -> bool:
        """Neither for a filter nor for a group has the server an index."""
        return bool(query.filter or query.group)

    def widen(self) -> None:
        """The failures of every queue, and of every group; of a group under a filter, all of it."""
        if self.asked.group and self.said:
            return
        if self.asked.queue is not None or self.asked.group:
            self.change(replace(self.asked, queue=None, start=0, only=None, group=""))

    def strip(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """Both ways to see failures, of which group, and of which queue."""
        queue, group = self.asked.queue, self.asked.group
        where = "every queue" if queue is None else queue.decode("utf-8", "backslashreplace")
        of: list[Piece] = [("  of the group ", "dim"), (group, "strong")] if group else []
        return [(" failed and stopped: ", "dim"), ("[newest first]", "accent"), ("  in groups", ""), *of], [
            (where + " ", "strong")
        ]

    def empty(self) -> Sequence[tuple[Piece, ...]]:
        """Good news."""
        if self.asked.group:
            return (
                (("No failure of this group is left.", "good"),),
                (("backspace lists all failures, tab the groups", "dim"),),
            )
        if self.asked.queue is not None:
            return (
                ((f"Nothing has failed in {visible(decoded(self.asked.queue))}.", "good"),),
                (("backspace lists the failures of every queue", "dim"),),
            )
        return (
            (("Nothing has failed.", "good"),),
            (("A job comes here when it fails for good, or is stopped; it stays as long as its failure_ttl says.", "dim"),),
        )

    def place_of(self, row: JobRow) -> Place:
        """Enter opens the job, with its traceback."""
        return Place("job", JobQuery(row.key))

    def owner_of(self, row: JobRow) -> str | None:
        """The user whose run it was."""
        return row.user

    def do_next_list(self) -> Place:
        """The same failures in groups."""
        return Place("groups", FailuresQuery(self.asked.queue, filter=self.asked.filter), filter=self.said)

    def do_previous_list(self) -> Place:
        """The same failures in groups."""
        return self.do_next_list()

    def do_sample(self) -> Place | None:
        """The failure that came last."""
        row: JobRow | None = next(iter(self.table.known()), None) if not self.table.known_from else None
        return Place("job", JobQuery(row.key)) if row is not None else None

    def subject(self) -> Subject | None:
        """The group whose failures are listed, else the job under the cursor."""
        row: JobRow | None = self.table.row()
        if self.asked.group:
            return Subject("group", self.asked.group.encode())
        return None if row is None else Subject("job", row.key)

    @property
    def standing(self) -> str:
        """Failed; a stopped job may be done the same to."""
        return "failed"

    def meant(self, action: str) -> Meant | None:
        """The marked failures, the one under the cursor, or all that are listed; a file has all of them in any case."""
        whole = self.table.all_marked or action == "export"
        return meaning.jobs(self.asked, None if whole else self.named(), self.said)
