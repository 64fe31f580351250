"""User: everything of one user on one page."""

from __future__ import annotations

from collections.abc import Sequence

from console.model.queries import JobQuery, UserQuery
from console.model.schedules import UserPage
from console.screens import user_lines
from console.screens.paged import Paged
from console.screens.place import Place
from console.widgets.lines import Row
from console.widgets.pieces import Piece


class UserView(Paged):
    """Who it is, the schedules with their slots and runs, and the jobs."""

    asked: UserQuery

    def lines(self, snapshot: UserPage) -> Sequence[Row]:
        """The page, as wide as the screen."""
        return user_lines.lines(snapshot, self.size.width, self.folded, self.zone)

    def strip(self, snapshot: UserPage) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """Who it is."""
        return user_lines.title(snapshot), [(f"{snapshot.zone} ", "dim")] if snapshot.zone else []

    def place_of(self, target: tuple[str, bytes]) -> Place | None:
        """Enter opens a job, or the job of a run."""
        return Place("job", JobQuery(target[1])) if target[0] == "job" else None

    def on_resize(self) -> None:
        """Break long lines anew."""
        self.draw()
