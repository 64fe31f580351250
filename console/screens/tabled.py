"""A screen whose middle is a table: moving, marking, opening and copying are the same on all of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Final

from textual.app import ComposeResult

from console.model.text import visible
from console.screens.place import Place
from console.screens.view import Goes, Tells, View
from console.widgets.columns import Column
from console.widgets.lines import Line
from console.widgets.pieces import Piece
from console.widgets.table import Table

ALL_MARKED: Final = "all are marked, also what comes yet; minus takes the marks off"


class Tabled(View):
    """A line that says what is listed, and a table."""

    ONE: ClassVar[str] = "row"
    """What a row is, for "3 rows"."""

    def compose(self) -> ComposeResult:
        yield Line(id="strip")
        yield Table(self.key, id="rows")

    # --- what a subclass says -------------------------------------------------------------------

    def key(self, row: Any) -> bytes:
        """What a row is known by."""
        return bytes(row.key)

    def columns(self) -> Sequence[Column[Any]]:
        """The columns for what is asked."""
        raise NotImplementedError

    def strip(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The line above the table, left and right."""
        return (), ()

    def empty(self) -> Sequence[tuple[Piece, ...]]:
        """What is said where nothing is listed: what would fill it."""
        raise NotImplementedError

    def place_of(self, row: Any) -> Place | None:
        """Where enter leads from a row."""
        return None

    def owner_of(self, row: Any) -> str | None:
        """The user to whom a row belongs."""
        return None

    # --- a view ---------------------------------------------------------------------------------

    @property
    def table(self) -> Table:
        """The rows."""
        return self.query_one("#rows", Table)

    def place(self) -> Place:
        """What is listed, with the cursor and the marks."""
        table = self.table
        marks, every = tuple(table.marks), table.all_marked
        return Place(self.name or "", self.asked, table.cursor_key, table.cursor, self.said, marks, every)

    def summary(self) -> Sequence[Piece]:
        """How many rows there are, and how many of them are marked; nothing before they were read."""
        table = self.table
        if self.as_of is None and not table.total:
            return ()
        said: list[Piece] = [(f"{table.total:,} {self.ONE}{'' if table.total == 1 else 's'}", "")]
        if table.all_marked:
            return [(f"all {self.listed():,} marked", "accent")]
        if table.marks:
            said.append((f" · {len(table.marks):,} marked", "accent"))
        return said

    def listed(self) -> int:
        """How many there are in the whole list, also where not all of them can be reached by rank."""
        return self.table.total

    def named(self) -> tuple[bytes, ...]:
        """What an action is meant for: the marked rows, else the one under the cursor. Not for where all are marked."""
        row = self.table.row()
        return tuple(self.table.marks) or (() if row is None else (self.key(row),))

    def acted(self, keys: Collection[bytes]) -> None:
        """Take the marks off of those that something was done to."""
        self.table.unmark(keys)

    def came_back(self, key: bytes) -> None:
        """Put the cursor there as soon as the row is listed."""
        self.table.cursor_key = key

    def copied(self) -> tuple[str, str] | None:
        """The names of the marked rows, else of the one under the cursor."""
        keys = list(self.table.marks) or ([self.table.cursor_key] if self.table.cursor_key is not None else [])
        if not keys:
            return None
        what = f"{len(keys):,} {self.ONE}s" if len(keys) > 1 else self.ONE
        return what, "\n".join(visible(key.decode("utf-8", "backslashreplace")) for key in keys)

    def owner(self) -> str | None:
        """The user of the row under the cursor."""
        row = self.table.row()
        return None if row is None else self.owner_of(row)

    def do_open(self) -> Place | None:
        """Where what the cursor is on leads."""
        row = self.table.row()
        return self.place_of(row) if row is not None else None

    def do_mark(self) -> bool | str:
        """Mark the row, or take its mark off."""
        if self.table.all_marked:
            return ALL_MARKED
        self.table.toggle_mark()
        return True

    def do_unmark(self) -> bool:
        """Take all marks off."""
        self.table.clear_marks()
        return True

    def do_mark_all(self) -> bool:
        """Mark all that is listed, whatever that will be when something is done to it."""
        self.table.mark_all()
        return True

    def do_up(self) -> bool:
        """One row up."""
        self.table.move(-1)
        return True

    def do_down(self) -> bool:
        """One row down."""
        self.table.move(1)
        return True

    def do_page_up(self) -> bool:
        """One screen up."""
        self.table.move_pages(-1)
        return True

    def do_page_down(self) -> bool:
        """One screen down."""
        self.table.move_pages(1)
        return True

    def do_first(self) -> bool:
        """The first row."""
        self.table.move_to(0)
        return True

    def do_last(self) -> bool:
        """The last row."""
        self.table.move_to(self.table.total - 1)
        return True

    def on_table_opened(self, message: Table.Opened) -> None:
        """Open with the mouse."""
        message.stop()
        if (place := self.do_open()) is not None:
            self.post_message(Goes(place))

    def on_table_cursor_moved(self, message: Table.CursorMoved) -> None:
        """Say how many are marked."""
        message.stop()
        self.tell()

    def draw(self) -> None:
        """Draw the rows anew."""
        self.table.refresh()

    def tell(self) -> None:
        """Draw the line above the table anew, and let the footer be drawn."""
        left, right = self.strip()
        self.query_one("#strip", Line).say(left, right)
        self.post_message(Tells())
