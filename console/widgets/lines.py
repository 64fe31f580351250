"""Lines of pieces without columns: a single line of chrome, and a page to scroll through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from textual import events
from textual.message import Message

from console.widgets.drawn import Drawing, Drawn
from console.widgets.pieces import Piece, fit, width


class Line(Drawn):
    """One line: what is at the left, and what is at the right as far as there is room for it.

    A piece of the left that stands in `spots` does that action when it is clicked.
    """

    DEFAULT_CSS = """
    Line { height: 1; overflow-y: hidden; background: $surface; }
    """

    class Clicked(Message):
        """A piece that stands for an action was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: tuple[Piece, ...] = ()
        self._right: tuple[Piece, ...] = ()
        self._spots: Mapping[int, str] = {}

    def say(self, left: Sequence[Piece], right: Sequence[Piece] = (), spots: Mapping[int, str] | None = None) -> None:
        """Show this from here on; nothing is drawn anew when it is what is shown already. `spots`: actions by the place of a
        piece in `left`."""
        self._spots = spots or {}
        if (tuple(left), tuple(right)) != (self._left, self._right):
            self._left, self._right = tuple(left), tuple(right)
            self.redraw()

    def on_click(self, event: events.Click) -> None:
        """Do what the piece under the mouse stands for."""
        x = 0
        for at, piece in enumerate(self._left):
            x += width((piece,))
            if event.x < x:
                if at in self._spots:
                    self.post_message(self.Clicked(self._spots[at]))
                return

    def draw(self, y: int, cells: int) -> Drawing:
        """The line."""
        needed = width(self._right) if self._right else 0
        # The right has half of the line, and what the left leaves free.
        taken = min(needed, max(cells // 2, cells - width(self._left) - 2))
        if not taken:
            return Drawing(fit(self._left, cells))
        gap: Piece = ("  ", "")
        return Drawing(fit((*fit(self._left, cells - taken - 2), gap, *fit(self._right, taken, right=True)), cells))


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a page. `target` is what it stands for, if it can be opened or copied: a kind and a text."""

    line: tuple[Piece, ...]
    target: tuple[str, bytes] | None = None
    indent: int = 0


CURSOR: Final = "▸ "


class Page(Drawn):
    """Lines to scroll through, with a cursor on one of them."""

    DEFAULT_CSS = """
    Page { height: 1fr; }
    """

    class Opened(Message):
        """A line was opened with the mouse."""

        def __init__(self, page: Page) -> None:
            super().__init__()
            self.page = page

    class Picked(Message):
        """A line that stands for something was opened with the mouse, on a page without a cursor."""

        def __init__(self, target: tuple[str, bytes]) -> None:
            super().__init__()
            self.target = target

    def __init__(self, id: str | None = None, cursor: bool = True) -> None:
        super().__init__(id=id)
        self._rows: tuple[Row, ...] = ()
        self._has_cursor = cursor
        self.cursor = 0

    def show(self, rows: Sequence[Row]) -> None:
        """Show these lines. The cursor stays on the line with its target, else on the same line where that is still there, else
        at its place; and its line stays where it is on screen."""
        if tuple(rows) == self._rows:
            return
        before = self._rows[self.cursor] if self.cursor < len(self._rows) else None
        self._rows = tuple(rows)
        at = self.cursor if before is None or not self._has_cursor else self._found(before)
        at = max(0, min(at, len(self._rows) - 1))
        top, moved = self.scroll_offset.y, at - self.cursor
        self.cursor = at
        self.scroll_over(len(self._rows))
        if moved and top:
            self.scroll_to(y=max(0, top + moved), animate=False, force=True)
        if self._has_cursor:
            self._in_sight()
        self.redraw()

    def _found(self, row: Row) -> int:
        """Where a row of before is, the nearest one that is the same."""
        if row.target is not None:
            same = [at for at, other in enumerate(self._rows) if other.target == row.target]
        else:
            same = [at for at, other in enumerate(self._rows) if other.line == row.line] if row.line else []
        return min(same, key=lambda at: abs(at - self.cursor), default=self.cursor)

    def target(self) -> tuple[str, bytes] | None:
        """What the line under the cursor stands for."""
        return self._rows[self.cursor].target if self._has_cursor and self.cursor < len(self._rows) else None

    def text(self) -> str:
        """The line under the cursor, as text."""
        return "".join(text for text, _ in self._rows[self.cursor].line).strip() if self.cursor < len(self._rows) else ""

    def move(self, lines: int) -> None:
        """Move the cursor by that many lines."""
        self.move_to(self.cursor + lines)

    def move_pages(self, pages: int) -> None:
        """Move the cursor by that many screens."""
        self.move(pages * max(1, self.size.height - 1))

    def move_to(self, line: int) -> None:
        """Put the cursor on that line, or the nearest, and bring it in sight."""
        self.cursor = max(0, min(line, len(self._rows) - 1))
        self._in_sight()
        self.redraw()

    @property
    def length(self) -> int:
        """How many lines there are."""
        return len(self._rows)

    def draw(self, y: int, cells: int) -> Drawing:
        """Line `y` of what is on screen."""
        at = self.scroll_offset.y + y
        if at >= len(self._rows):
            return Drawing(fit("", cells))
        row = self._rows[at]
        on = self._has_cursor and at == self.cursor
        return Drawing(fit(((CURSOR if on else "  ", "accent"), (" " * row.indent, ""), *row.line), cells), on)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; a second click opens."""
        at = self.scroll_offset.y + event.y
        if at >= len(self._rows):
            return
        if self._has_cursor:
            self.move_to(at)
        target = self._rows[at].target
        if event.chain == 2 and self._has_cursor:
            self.post_message(self.Opened(self))
        elif event.chain == 2 and target is not None:
            self.post_message(self.Picked(target))

    def on_resize(self) -> None:
        """Keep the scroll bar true to the width, and the cursor in sight."""
        self.scroll_over(len(self._rows))
        if self._has_cursor:
            self._in_sight()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Where the wheel or the scroll bar has moved the lines, keep the cursor among those in sight."""
        super().watch_scroll_y(old_value, new_value)
        top = self.scroll_offset.y
        within = max(top, min(self.cursor, top + self.size.height - 1, len(self._rows) - 1))
        if self._has_cursor and self._rows and within != self.cursor:
            self.cursor = within
            self.refresh()

    def _in_sight(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, force=True)
