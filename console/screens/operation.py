"""Operation: one operation of the audit, whole."""

from __future__ import annotations

from collections.abc import Sequence

from console.model.activity import OperationPage, OperationRow
from console.model.meant import Meant
from console.model.queries import OperationQuery
from console.screens import operation_lines
from console.screens.activity import undoing
from console.screens.paged import Paged
from console.widgets.lines import Row
from console.widgets.pieces import Piece


class OperationView(Paged):
    """Who asked for what, where and why, what came of it, and until when it can be undone."""

    asked: OperationQuery

    def lines(self, snapshot: OperationPage) -> Sequence[Row]:
        """The page, as wide as the screen."""
        return operation_lines.lines(snapshot, self.size.width, self.zone)

    def strip(self, snapshot: OperationPage) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """How it ended, and what it was."""
        return operation_lines.title(snapshot), []

    def meant(self, action: str) -> Meant | None:
        """This operation, where it can be undone."""
        row: OperationRow | None = self._snapshot.row if self._snapshot is not None else None
        return None if row is None else undoing(row)

    def on_resize(self) -> None:
        """Break long lines anew."""
        self.draw()
