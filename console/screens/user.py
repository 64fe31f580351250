"""User: everything of one user on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from console.actions import WHOLE, Action
from console.model.filters import Filter
from console.model.meant import Meant
from console.model.pages import JobRow
from console.model.queries import JOB_STATES, JobQuery, JobsQuery, OperationQuery, UserQuery
from console.model.schedules import ScheduleRow, UserPage
from console.screens import meaning, user_lines
from console.screens.paged import Paged
from console.screens.place import Place
from console.widgets.lines import Row
from console.widgets.pieces import Piece


class UserView(Paged):
    """Who it is, the schedules with their slots and runs, and the jobs."""

    asked: UserQuery

    def lines(self, snapshot: UserPage) -> Sequence[Row]:
        """The page, as wide as the screen."""
        return user_lines.lines(snapshot, self.size.width, self.folded, self.zone, read_only=self.read_only)

    def strip(self, snapshot: UserPage) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """Who it is."""
        return user_lines.title(snapshot), [(f"{snapshot.zone} ", "dim")] if snapshot.zone else []

    def place_of(self, target: tuple[str, bytes]) -> Place | None:
        """Enter opens a job, the job of a run, or an operation."""
        if target[0] == "operation":
            return Place("operation", OperationQuery(target[1]))
        return Place("job", JobQuery(target[1])) if target[0] == "job" else None

    @property
    def standing(self) -> str:
        """The state of the job under the cursor; the source of the schedule there; else that all of it is meant."""
        user: UserPage | None = self._snapshot
        if user is None:
            return ""
        job = self._job(user)
        return job.state if job is not None else "user" if self._schedule(user) is not None else WHOLE[0]

    def called(self, action: Action) -> Action:
        """Of what is paused, pausing is resuming."""
        meant = self.meant("pause") if action.id == "pause" else None
        return replace(action, label="resume") if meant is not None and meant.action == "resume" else action

    def meant(self, action: str) -> Meant | None:
        """The job or the schedule under the cursor; elsewhere all schedules of the user, or all failed jobs. Where a
        schedule, or each of them, is paused, pausing means to resume."""
        user: UserPage | None = self._snapshot
        if user is None:
            return None
        job, schedule = self._job(user), self._schedule(user)
        if job is not None:
            state = next((state for state in JOB_STATES if state == job.state), None)
            return None if state is None else meaning.jobs(JobsQuery(state), (job.key,), Filter())
        if schedule is not None:
            meant = meaning.schedule(schedule)
            return replace(meant, action="resume") if action == "pause" and _paused(schedule) else meant
        if action == "requeue":
            return meaning.failed_of_user(user.id)
        return meaning.of_user(user.id, bool(user.schedules) and all(map(_paused, user.schedules)))

    def _job(self, user: UserPage) -> JobRow | None:
        target = self.page.target()
        return next((job for job in user.jobs if target == ("job", job.key)), None)

    def _schedule(self, user: UserPage) -> ScheduleRow | None:
        key = user_lines.schedule_at(self.lines(user), self.page.cursor)
        return next((one for one in user.schedules if one.key == key), None)

    def on_resize(self) -> None:
        """Break long lines anew."""
        self.draw()


def _paused(schedule: ScheduleRow) -> bool:
    return schedule.state == "paused"
