"""A list over the screen, of which each entry leads to a place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from console.model.ports import Target
from console.screens.dialogs.frame import Dialog
from console.screens.place import Place
from console.widgets.lines import Line, Page, Row


class Choosing(Dialog[Place | None]):
    """Entries of some lines each, with a cursor. It ends with the place that the chosen one leads to.

    `said_first` says what it is a list of. `entries` makes the lines of each entry, on so many cells; `places` are where each
    leads, None where that is nowhere."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "close", show=False),
        Binding("enter", "choose", "open", show=False),
        Binding("up,k", "step(-1)", "up", show=False),
        Binding("down,j", "step(1)", "down", show=False),
        Binding("pageup,ctrl+b", "pages(-1)", "page up", show=False),
        Binding("pagedown,ctrl+f", "pages(1)", "page down", show=False),
        Binding("home,g", "step(-1000)", "first", show=False),
        Binding("end,G", "step(1000)", "last", show=False),
        Binding("ctrl+c", "app.leave", "quit", show=False),
    ]

    DEFAULT_CSS = """
    Choosing #frame { width: 96%; max-width: 120; }
    Choosing #entries { height: auto; max-height: 30; background: $surface; }
    """

    OPENS: ClassVar[str] = "opens it"
    """What enter does."""

    NOWHERE: ClassVar[str] = "no screen shows more of this"
    """What is said of an entry that leads nowhere."""

    def __init__(
        self, target: Target, said_first: str, entries: Callable[[int], Sequence[Sequence[Row]]], places: Sequence[Place | None]
    ) -> None:
        super().__init__()
        self._target, self._said_first = target, said_first
        self._entries, self._places = entries, places
        self._starts: list[int] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="frame"):
            yield Line(id="title")
            yield Page(id="entries")
            yield Line(id="keys")

    def on_mount(self) -> None:
        """Say it."""
        self.tell_title(self._said_first, self._target)
        self.tell_keys([("enter", self.OPENS), ("esc", "closes")])
        self._draw()

    def on_resize(self) -> None:
        """Break long lines anew."""
        self.call_after_refresh(self._draw)

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_choose(self) -> None:
        """Go where the chosen one leads, or say that this is nowhere."""
        place = self._places[self._chosen]
        if place is not None:
            self.dismiss(place)
        else:
            self.tell_keys([("—", self.NOWHERE), ("esc", "closes")])

    def action_step(self, entries: int) -> None:
        """Move by that many entries."""
        self._page.move_to(self._starts[max(0, min(self._chosen + entries, len(self._starts) - 1))])

    def action_pages(self, pages: int) -> None:
        """Move by that many screens."""
        self._page.move_pages(pages)

    def on_page_opened(self, message: Page.Opened) -> None:
        """Open with the mouse."""
        message.stop()
        self.action_choose()

    @property
    def _page(self) -> Page:
        return self.query_one("#entries", Page)

    @property
    def _chosen(self) -> int:
        return sum(start <= self._page.cursor for start in self._starts) - 1

    def _draw(self) -> None:
        rows: list[Row] = []
        self._starts = []
        for entry in self._entries(max(40, self._page.size.width)):
            self._starts.append(len(rows))
            rows += entry
        self._page.show(rows)
