"""Job: one job, whole."""

from __future__ import annotations

from collections.abc import Sequence

from console.model.filters import Filter
from console.model.job import JobDetail
from console.model.meant import Meant
from console.model.queries import JOB_STATES, JobQuery, JobsQuery, UserQuery
from console.model.text import visible
from console.screens import job_lines, meaning
from console.screens.paged import Paged
from console.screens.place import Place
from console.widgets.lines import Row
from console.widgets.pieces import Piece


class JobView(Paged):
    """Everything that is known of one job."""

    asked: JobQuery

    def lines(self, snapshot: JobDetail) -> Sequence[Row]:
        """The page, as wide as the screen."""
        return job_lines.lines(snapshot, self.size.width, self.folded, self.zone, read_only=self.read_only)

    def strip(self, snapshot: JobDetail) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The state, the call, and the queue."""
        return job_lines.title(snapshot), [(f"  {snapshot.queue} ", "dim")] if snapshot.queue else []

    def place_of(self, target: tuple[str, bytes]) -> Place | None:
        """Enter opens a job, a user or a queue."""
        kind, name = target
        match kind:
            case "job":
                return Place("job", JobQuery(name))
            case "user":
                return Place("user", UserQuery(name.decode("utf-8", "surrogateescape")))
            case "queue":
                return Place("jobs", JobsQuery(queue=name))
        return None

    def owner(self) -> str | None:
        """The user whose run it is."""
        return None if self._snapshot is None else self._snapshot.user

    @property
    def standing(self) -> str:
        """The job's state, empty while it is not known."""
        return "" if self._snapshot is None else job_lines.standing(self._snapshot)

    def meant(self, action: str) -> Meant | None:
        """The job, in the state in which it is shown."""
        state = next((state for state in JOB_STATES if state == self.standing), None)
        return None if state is None else meaning.jobs(JobsQuery(state), (self.asked.id,), Filter())

    def copied(self) -> tuple[str, str] | None:
        """What the line under the cursor stands for, else the id of the job where the line says nothing."""
        return super().copied() or ("job", visible(self.asked.id.decode("utf-8", "backslashreplace")))

    def on_resize(self) -> None:
        """Break long lines anew."""
        self.draw()
