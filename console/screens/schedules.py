"""Schedules: every user's standing orders, and all other schedules, labelled by source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from console.actions import Action
from console.model import words
from console.model.filters import Kind
from console.model.meant import Meant
from console.model.queries import SOURCES, JobQuery, SchedulesQuery, Source, UserQuery
from console.model.schedule_terms import FIELDS
from console.model.schedules import ScheduleRow, SchedulesPage
from console.model.status import Refused
from console.screens import meaning, schedule_columns
from console.screens.listing import Listing
from console.screens.place import Place
from console.widgets.columns import Column
from console.widgets.pieces import Piece

TITLES: Mapping[Source, str] = {
    "user": "user schedules",
    "entries": "rq-scheduler entries",
    "rq": "RQ scheduled jobs",
    "cron": "rq cron jobs",
}
SHORT: Mapping[Source, str] = {"user": "users", "entries": "entries", "rq": "RQ", "cron": "cron"}
"""The same for a narrow screen."""

ONE: Mapping[Source, str] = {"user": "schedule", "entries": "entry", "rq": "scheduled job", "cron": "cron job"}

FILLED_BY: Mapping[Source, tuple[str, ...]] = {
    "user": ("Each task of a user has one: tq-console users import brings them.",),
    "entries": ("rq-scheduler's entries: Scheduler.schedule() and .cron() bring them,", "and .enqueue_at() and .enqueue_in()."),
    "rq": (
        "Jobs wait here for their time: Queue.enqueue_at() and enqueue_in() bring them,",
        "and a failed job waits here for its next try.",
    ),
    "cron": ("The jobs of the file that rq cron was given, while rq cron runs.",),
}


class SchedulesView(Listing):
    """The schedules of one source at a time."""

    ONE = "schedule"
    FIELDS: ClassVar[Mapping[str, Kind]] = FIELDS

    asked: SchedulesQuery
    _counts: Mapping[str, int | None] = {}
    _refused: tuple[Refused, ...] = ()

    def columns(self) -> Sequence[Column[ScheduleRow]]:
        """The columns that suit the source."""
        return schedule_columns.of_source(self.asked.source)

    def needs_search(self, query: SchedulesQuery) -> bool:
        """Schedules of users are indexed by their user; for anything else they are looked through."""
        by_user = query.source == "user" and len(query.filter.terms) == 1 and query.filter.exact("user") is not None
        return bool(query.filter) and not by_user

    def noticed(self, snapshot: SchedulesPage) -> None:
        """Keep the counts of the sources, and what was refused."""
        self._counts = {**self._counts, **snapshot.counts}
        self._refused = snapshot.refused

    def strip(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The sources with their counts; and what the server would not tell."""
        narrow = self.size.width < 100
        told: list[Piece] = [(" ", "")]
        for source in SOURCES:
            count = self._counts.get(source)
            name, number = (SHORT if narrow else TITLES)[source], "" if count is None else f" {words.count(count)}"
            if source == self.asked.source:
                told += [(f"[{name}{number}]", "accent"), (" ", "")]
            else:
                told += [(f" {name}", "" if count else "dim"), (f"{number}  ", "dim")]
        right: list[Piece] = [(f"▲ not read: {self._refused[0].what} ", "warn")] if self._refused else []
        return told, right

    def empty(self) -> Sequence[tuple[Piece, ...]]:
        """What would fill this list, or why it could not be read."""
        if self._refused:
            return tuple((("▲ ", "warn"), (f"{one.what}: {one.reason}", "")) for one in self._refused)
        user = self.asked.filter.exact("user")
        if user is not None:
            return (
                ((f"No user has a schedule whose name begins with {user}.", ""),),
                (("user:*part* looks for a part of it, user=name for the whole.", "dim"),),
            )
        return (((f"No {TITLES[self.asked.source]}.", ""),), *(((line, "dim"),) for line in FILLED_BY[self.asked.source]))

    def place_of(self, row: ScheduleRow) -> Place | None:
        """Enter opens the user of a user's schedule, else the job. What rq cron has is no job."""
        if row.user is not None and row.source != "rq":
            return Place("user", UserQuery(row.user))
        return None if row.source == "rq-cron" else Place("job", JobQuery(row.key))

    def owner_of(self, row: ScheduleRow) -> str | None:
        """The user whose schedule it is."""
        return row.user

    @property
    def standing(self) -> str:
        """The source."""
        return self.asked.source

    def called(self, action: Action) -> Action:
        """Of what is paused already, pausing is resuming."""
        return replace(action, label="resume") if action.id == "pause" and self._is_paused() else action

    def meant(self, action: str) -> Meant | None:
        """The marked schedules, the one under the cursor, or all that are listed; repairing is done to all there are. Of what
        is paused already, pausing means to resume."""
        if action == "repair":
            return meaning.all_schedules()
        row: ScheduleRow | None = self.table.row()
        named = None if self.table.all_marked else self.named()
        if self.asked.source == "rq" and named is not None:
            return meaning.due(meaning.scheduled(named), row, action)
        if self.asked.source == "user" and row is not None and named == (row.key,):
            meant: Meant | None = meaning.schedule(row)
        else:
            meant = meaning.schedules(self.asked, named, self.said, ONE[self.asked.source])
        resumes = action == "pause" and self._is_paused()
        return replace(meant, action="resume") if meant is not None and resumes else meaning.due(meant, row, action)

    def _is_paused(self) -> bool:
        """Whether what an action is meant for is paused, as far as it is on the page: the marked ones, else that under the
        cursor."""
        table = self.table
        rows = [row for row in table.known() if table.all_marked or self.key(row) in table.marks]
        rows = rows or [row for row in (table.row(),) if row is not None]
        return bool(rows) and all(row.state == "paused" for row in rows)

    def do_next_list(self) -> bool:
        """The next source."""
        return self._step(1)

    def do_previous_list(self) -> bool:
        """The source before."""
        return self._step(-1)

    def _step(self, by: int) -> bool:
        source = SOURCES[(SOURCES.index(self.asked.source) + by) % len(SOURCES)]
        self._refused = ()
        self.change(replace(self.asked, source=source, start=0, only=None))
        return True
