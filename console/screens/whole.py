"""A table of everything that one read brings: what is filtered and sorted is what is there already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from console.model.filters import Filter
from console.model.ports import Snapshot
from console.model.queries import ViewQuery
from console.screens.place import Place
from console.screens.tabled import Tabled
from console.screens.view import Asks
from console.widgets.table import Table


class Whole(Tabled):
    """A table of all rows of a snapshot. Which they are, and what is drawn beside them, its subclasses say."""

    ORDERS: ClassVar[tuple[str, ...]] = ("name",)
    """The orders of the rows, the first one to begin with."""

    asked: Any

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.order = self.ORDERS[0]
        self.snapshot: Any = None

    # --- what a subclass says -------------------------------------------------------------------

    def rows(self, snapshot: Any) -> Sequence[Any]:
        """The rows of a snapshot that match `said`, in `order`."""
        raise NotImplementedError

    def draw_beside(self, snapshot: Any) -> None:
        """Draw what there is beside the table."""

    # --- a view ---------------------------------------------------------------------------------

    def open(self, place: Place) -> None:
        """Show what was read last, until it is read anew."""
        self.asked, self.said = place.query, place.filter
        self.table.clear(place.cursor_key, place.cursor, place.marks, place.all_marked)
        self.table.notice = ((("Reading …", "dim"),),)
        self.draw()
        self.post_message(Asks(place.query))

    @property
    def as_of(self) -> float | None:
        """When the rows were read."""
        return None if self.snapshot is None else float(self.snapshot.as_of)

    def filter_with(self, filter: Filter) -> None:
        """Show only the rows that match."""
        self.said = filter
        self.draw()

    def show(self, query: ViewQuery, snapshot: Snapshot) -> None:
        """Show all of it."""
        self.snapshot = snapshot
        self.draw()

    def fail(self, reason: str) -> None:
        """Say why, where nothing is shown yet."""
        if self.snapshot is None:
            self.table.notice = ((("The server did not answer.", "bad"),), ((reason, ""),), (("It is tried again.", "dim"),))
            self.table.refresh()

    def draw(self) -> None:
        """Draw what was read last."""
        if self.snapshot is None:
            return
        rows = self.rows(self.snapshot)
        self.table.set_columns(self.columns())
        self.table.sorted_by = self.order
        self.table.notice = () if rows else self.empty()
        self.table.show(rows, 0, len(rows), self.snapshot.as_of)
        self.draw_beside(self.snapshot)
        self.tell()

    def do_sort(self) -> bool:
        """The next order."""
        self._sort_by(self.ORDERS[(self.ORDERS.index(self.order) + 1) % len(self.ORDERS)])
        return True

    def on_table_sort_asked(self, message: Table.SortAsked) -> None:
        """The title of a column was clicked."""
        message.stop()
        self._sort_by(message.order)

    def on_table_rows_wanted(self, message: Table.RowsWanted) -> None:
        """All are known."""
        message.stop()

    def _sort_by(self, order: str) -> None:
        self.order = order
        self.draw()
