"""A screen whose middle is a page of lines to read, some of which can be opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from textual.app import ComposeResult

from console.model.ports import Snapshot
from console.model.queries import ViewQuery
from console.model.text import visible
from console.screens.place import Place
from console.screens.view import Asks, Goes, Tells, View
from console.widgets.lines import Line, Page, Row
from console.widgets.pieces import Piece

TRACEBACK: Final = "traceback"
"""What a line stands for whose copy may have several lines: in an id, a line break is a sign."""


class Paged(View):
    """A line that says what it is about, and a page of lines. What they say, its subclasses say; `asked` is the query."""

    asked: Any

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self._snapshot: Any = None
        self.folded = True
        self._awaited: tuple[tuple[str, bytes] | None, int] | None = None

    def compose(self) -> ComposeResult:
        yield Line(id="strip")
        yield Page(id="page")

    # --- what a subclass says -------------------------------------------------------------------

    def lines(self, snapshot: Any) -> Sequence[Row]:
        """The lines of a snapshot."""
        raise NotImplementedError

    def strip(self, snapshot: Any) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The line above them, left and right."""
        return (), ()

    def place_of(self, target: tuple[str, bytes]) -> Place | None:
        """Where enter leads from a line with that target."""
        return None

    # --- a view ---------------------------------------------------------------------------------

    @property
    def page(self) -> Page:
        """The lines."""
        return self.query_one("#page", Page)

    def open(self, place: Place) -> None:
        """Ask for what the place names; the cursor goes back to the line where it was."""
        self.asked, self._snapshot, self.folded = place.query, None, True
        self._awaited = (None, place.cursor)
        self.page.show([Row((("Reading …", "dim"),))])
        self.page.move_to(0)
        self.query_one("#strip", Line).say(())
        self.post_message(Asks(place.query))
        self.post_message(Tells())

    def place(self) -> Place:
        """What is shown, and the line of the cursor."""
        return Place(self.name or "", self.asked, None, self.page.cursor)

    @property
    def as_of(self) -> float | None:
        """When the page was read."""
        return None if self._snapshot is None else float(self._snapshot.as_of)

    def show(self, query: ViewQuery, snapshot: Snapshot) -> None:
        """Show what was read; the cursor stays on its line."""
        self._snapshot = snapshot
        self.draw()
        if self._awaited is not None:
            self.page.move_to(self._awaited[1])
            self._awaited = None

    def draw(self) -> None:
        """Draw what was read last anew."""
        if self._snapshot is not None:
            self.page.show(self.lines(self._snapshot))
            left, right = self.strip(self._snapshot)
            self.query_one("#strip", Line).say(left, right)
            self.post_message(Tells())

    def fail(self, reason: str) -> None:
        """Say why, where nothing is shown yet."""
        if self._snapshot is None:
            said: list[Piece] = [("The server did not answer.", "bad"), (reason, ""), ("It is tried again.", "dim")]
            self.page.show([Row((piece,)) for piece in said])

    def summary(self) -> Sequence[Piece]:
        """Which line of how many."""
        return [(f"line {self.page.cursor + 1:,} of {self.page.length:,}", "dim")]

    def copied(self) -> tuple[str, str] | None:
        """What the line under the cursor stands for, else the line itself."""
        target = self.page.target()
        if target is not None:
            lines = target[1].decode("utf-8", "backslashreplace").split("\n")
            return target[0], "\n".join(map(visible, lines)) if target[0] == TRACEBACK else visible("\n".join(lines))
        text = self.page.text()
        return ("line", visible(text)) if text else None

    def do_open(self) -> Place | None:
        """Where what the cursor is on leads."""
        target = self.page.target()
        return self.place_of(target) if target is not None else None

    def do_fold(self) -> bool:
        """Fold or unfold what is long."""
        self.folded = not self.folded
        self.draw()
        return True

    def do_up(self) -> bool:
        """One line up."""
        return self._moved(-1)

    def do_down(self) -> bool:
        """One line down."""
        return self._moved(1)

    def do_page_up(self) -> bool:
        """One screen up."""
        self.page.move_pages(-1)
        return self._moved(0)

    def do_page_down(self) -> bool:
        """One screen down."""
        self.page.move_pages(1)
        return self._moved(0)

    def do_first(self) -> bool:
        """The first line."""
        return self._moved(-self.page.length)

    def do_last(self) -> bool:
        """The last line."""
        return self._moved(self.page.length)

    def on_page_opened(self, message: Page.Opened) -> None:
        """Open with the mouse."""
        message.stop()
        if (place := self.do_open()) is not None:
            self.post_message(Goes(place))

    def _moved(self, lines: int) -> bool:
        self.page.move(lines)
        self.post_message(Tells())
        return True
