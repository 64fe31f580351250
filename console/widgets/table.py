"""The one table of the console: any number of rows, of which only a page is known and only what is on screen is drawn.

The cursor and the marks belong to keys. A new page that has the cursor's key moves the cursor with it; one that does not leaves
it at its rank. The cursor is always in sight. Rows that are not known yet are drawn as waiting, and asked for with RowsWanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from textual import events
from textual.message import Message

from console.widgets.columns import Column, Placed, place
from console.widgets.drawn import Drawing, Drawn
from console.widgets.known import Known, rank_of
from console.widgets.pieces import Line, Piece, fit

GUTTER: Final = 2
"""Cells before the first column: the cursor and the mark. After the last one there is one cell."""

MARGIN: Final = 1
"""Screens of rows that are asked for beside what is seen, above and below, so that moving shows rows at once."""

SORTED: Final = "▾"

CURSOR, MARK, BOTH = "▸ ", "• ", "▸•"


class Table(Drawn):
    """Rows of any kind, drawn by columns. Give it `columns`, and a page with show()."""

    DEFAULT_CSS = """
    Table { height: 1fr; }
    """

    class RowsWanted(Message):
        """Rows that are on screen, or near, are not known: `size` of them from the rank `start` on."""

        def __init__(self, table: Table, start: int, size: int) -> None:
            super().__init__()
            self.table, self.start, self.size = table, start, size

    class Opened(Message):
        """A row was opened with the mouse."""

        def __init__(self, table: Table) -> None:
            super().__init__()
            self.table = table

    class SortAsked(Message):
        """The title of a column was clicked."""

        def __init__(self, table: Table, order: str) -> None:
            super().__init__()
            self.table, self.order = table, order

    class CursorMoved(Message):
        """The cursor is on another row, or the marks have changed."""

        def __init__(self, table: Table) -> None:
            super().__init__()
            self.table = table

    def __init__(
        self, key: Callable[[Any], bytes], columns: Sequence[Column[Any]] = (), id: str | None = None, cursor: bool = True
    ) -> None:
        super().__init__(id=id)
        self._key = key
        self._has_cursor = cursor
        self._columns: tuple[Column[Any], ...] = tuple(columns)
        self._placed: list[Placed[Any]] = []
        self._placed_for = -1
        self._known = Known(key)
        self._now = 0.0
        self.cursor = 0
        self.cursor_key: bytes | None = None
        self.marks: dict[bytes, None] = {}
        self.all_marked = False
        self.sorted_by = ""
        self.notice: Sequence[tuple[Piece, ...]] = ()

    # --- what is known --------------------------------------------------------------------------

    def set_columns(self, columns: Sequence[Column[Any]]) -> None:
        """Draw other columns from now on."""
        if tuple(columns) != self._columns:
            self._columns = tuple(columns)
            self._place()

    def clear(
        self, cursor_key: bytes | None = None, cursor: int = 0, marks: Iterable[bytes] = (), all_marked: bool = False
    ) -> None:
        """Forget rows: another list begins, with these marks. The cursor will be on `cursor_key`, or at the rank `cursor`."""
        self.marks, self.all_marked = dict.fromkeys(marks), all_marked
        self._known.clear()
        self.cursor, self.cursor_key = cursor, cursor_key
        self._resize()
        self.scroll_to(y=0, animate=False)
        self.refresh()

    def show(self, rows: Sequence[Any], start: int, total: int, now: float) -> None:
        """Draw this page: `rows` from the rank `start` on, of `total`, as seen at `now` (epoch seconds)."""
        seen = self.cursor - self.scroll_offset.y
        self._known.put(rows, start, total)
        self._now = now
        moved = self._known.rank_of(self.cursor_key)
        self._resize()
        if moved is not None and moved != self.cursor:
            # The row keeps its place on screen, where that is possible; at the very top, what is new comes in sight instead.
            if self.scroll_offset.y or moved >= self._height:
                self.scroll_to(y=max(0, moved - seen), animate=False, force=True)
            self.cursor = moved
        self._settle()
        self.redraw()

    def lost_cursor(self, rows: Sequence[Any], start: int) -> bool:
        """Whether the row under the cursor was known, and is not in this page."""
        return self.cursor_key is not None and rank_of(self.cursor_key, rows, start, self._key) is None

    def row(self) -> Any | None:
        """The row under the cursor, None where there is none or it is not known yet."""
        return self._known.at(self.cursor)

    def known(self) -> Sequence[Any]:
        """The rows of the page."""
        return self._known.rows

    @property
    def known_from(self) -> int:
        """The rank of the page's first row."""
        return self._known.start

    @property
    def total(self) -> int:
        """How long the list is."""
        return self._known.total

    @property
    def now(self) -> float:
        """When the page was read (epoch seconds)."""
        return self._now

    # --- moving ---------------------------------------------------------------------------------

    def move(self, rows: int) -> None:
        """Move the cursor by that many rows, not beyond the ends."""
        self.move_to(self.cursor + rows)

    def move_pages(self, pages: int) -> None:
        """Move the cursor by that many screens."""
        self.move(pages * max(1, self._height - 1))

    def move_to(self, rank: int) -> None:
        """Put the cursor on the row of that rank, or the nearest, and bring it in sight."""
        left = self._line_of(self.cursor)
        self.cursor = max(0, min(rank, self.total - 1))
        self.cursor_key = self._known.key_at(self.cursor)
        self._in_sight()
        self._want()
        # Where the rows have moved too, all are drawn anew.
        self.redraw((left, self._line_of(self.cursor)))
        self.post_message(self.CursorMoved(self))

    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or take its mark off, and go on to the next. Where all are marked, all stay marked."""
        row = self.row()
        if row is not None and not self.all_marked:
            key = self._key(row)
            if key in self.marks:
                del self.marks[key]
            else:
                self.marks[key] = None
            self.move(1)

    def mark_all(self) -> None:
        """Mark every row of the list, also those that nobody has seen yet."""
        self.all_marked = self.total > 0
        self.marks.clear()
        self.refresh()
        self.post_message(self.CursorMoved(self))

    def unmark(self, keys: Iterable[bytes]) -> None:
        """Take the marks of these off."""
        self.all_marked = False
        for key in keys:
            self.marks.pop(key, None)
        self.refresh()
        self.post_message(self.CursorMoved(self))

    def clear_marks(self) -> None:
        """Take all marks off."""
        self.marks.clear()
        self.all_marked = False
        self.refresh()
        self.post_message(self.CursorMoved(self))

    # --- drawing --------------------------------------------------------------------------------

    def draw(self, y: int, width: int) -> Drawing:
        """Line `y` of what is on screen; the first has the titles."""
        if width != self._placed_for:
            # A scroll bar has come or gone, which is no resize.
            self._place()
        if y == 0:
            return Drawing(fit(tuple(self._titles()), width))
        if not self.total:
            return Drawing(self._notice_line(y - 2, width))
        rank = self.scroll_offset.y + y - 1
        if rank >= self.total:
            return Drawing(fit("", width))
        row = self._known.at(rank)
        if row is None:
            return Drawing(fit(("  ·", "dim"), width))
        key = self._key(row)
        at_cursor, marked = self._has_cursor and rank == self.cursor, self.all_marked or key in self.marks
        gutter = BOTH if at_cursor and marked else CURSOR if at_cursor else MARK if marked else "  "
        line: list[Piece] = list(fit((gutter, "accent"), min(GUTTER, width)))
        end = GUTTER
        for placed in self._placed:
            column = placed.column
            line += fit(column.cell(row, self._now), placed.width, column.right, column.middle)
            line.append((" " * placed.gap, ""))
            end += placed.width + placed.gap
        line.append((" " * (width - end), ""))
        return Drawing(tuple(line), at_cursor)

    def _notice_line(self, at: int, width: int) -> Line:
        """A line of what is said in place of rows."""
        return fit((("  ", ""), *(self.notice[at] if 0 <= at < len(self.notice) else ())), width)

    def _titles(self) -> list[Piece]:
        line: list[Piece] = [("  ", "")]
        for placed in self._placed:
            column, gap = placed.column, placed.gap
            title, sign = column.title, ""
            if column.sort and column.sort == self.sorted_by:
                # The sign stands in the gap where the title has no room for it, or has to stand above its numbers.
                beside = column.right or len(title) + 2 > placed.width
                title, sign = (title, SORTED) if beside and gap else (f"{title} {SORTED}", "")
            line += fit((title, "head"), placed.width, column.right)
            line.append((sign.ljust(gap), "head"))
        return line

    # --- the mouse ------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; a second click opens; a title sorts."""
        if event.y == 0:
            for placed in self._placed:
                if placed.x <= event.x - GUTTER < placed.x + placed.width and placed.column.sort:
                    self.post_message(self.SortAsked(self, placed.column.sort))
            return
        rank = self.scroll_offset.y + event.y - 1
        if rank < self.total:
            self.move_to(rank)
            if event.chain == 2:
                self.post_message(self.Opened(self))

    def on_resize(self) -> None:
        """Choose the columns anew, and keep the cursor in sight."""
        self._place()
        self._resize()
        self._in_sight()
        self._want()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Take the cursor along, and ask for what came in sight."""
        super().watch_scroll_y(old_value, new_value)
        if self.total:
            self._follow()
            self._want()

    # --- inside ---------------------------------------------------------------------------------

    def _line_of(self, rank: int) -> int:
        """The line on screen of the row of that rank."""
        return 1 + rank - self.scroll_offset.y

    @property
    def _height(self) -> int:
        """Rows on screen."""
        return max(1, self.size.height - 1)

    def wanted(self) -> tuple[int, int]:
        """The rows to read for what is on screen now: the rank of the first, and how many."""
        first = max(0, self.scroll_offset.y - MARGIN * self._height)
        return first, self.scroll_offset.y + self._height * (1 + MARGIN) - first

    def _want(self) -> None:
        """Ask for rows, once, when some on screen are not known."""
        near = self._height // 2
        first = max(0, self.scroll_offset.y - near)
        last = min(self.total, self.scroll_offset.y + self._height + near)
        wanted = self.wanted()
        if self._known.asks(first, last, wanted):
            self.post_message(self.RowsWanted(self, *wanted))

    def _place(self) -> None:
        self._placed_for = self.cells
        self._placed = place(self._columns, max(0, self._placed_for - GUTTER - 1))
        self.refresh()

    def _resize(self) -> None:
        # One line more than there are rows: the titles.
        self.scroll_over(self.total + 1)

    def _settle(self) -> None:
        """Let the cursor be on a row: where its own has gone, on the one that took its rank."""
        self.cursor = max(0, min(self.cursor, self.total - 1))
        key = self._known.key_at(self.cursor)
        if key is not None or not self.total:
            self.cursor_key = key
        self._in_sight()
        self._want()
        self.post_message(self.CursorMoved(self))

    def _in_sight(self) -> None:
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + self._height:
            self.scroll_to(y=self.cursor - self._height + 1, animate=False, force=True)

    def _follow(self) -> None:
        """Where the wheel or the scroll bar has moved the rows, keep the cursor among those in sight."""
        top = self.scroll_offset.y
        rank = max(top, min(self.cursor, top + self._height - 1, self.total - 1))
        if rank != self.cursor:
            self.cursor = rank
            self.cursor_key = self._known.key_at(rank)
            self.post_message(self.CursorMoved(self))
