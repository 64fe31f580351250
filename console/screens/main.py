"""The one screen of the console: what is always there, around the view that is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import tzinfo
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.screen import Screen

from console.actions import ACTIONS, Action
from console.model.filters import Filter
from console.model.ports import Target
from console.model.status import Status
from console.screens import chrome
from console.screens.chrome import Freshness
from console.screens.filter_bar import FilterBar
from console.screens.place import Place
from console.screens.view import View
from console.widgets.lines import Line
from console.widgets.pieces import Piece

HINT_S: Final = 6.0
"""Seconds for which a hint is said."""


class Views(Container):
    """Where the view is that is shown."""

    BLANK = True


class Main(Screen[None], inherit_bindings=False):
    """Header, tabs, a view, and the footer. Every key of the table is bound here, so no widget needs one of its own."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            ",".join(action.keys),
            f"app.act('{action.id}')",
            action.label,
            show=False,
            # Then a key is done with before the next one is looked at, however fast they are typed.
            priority=True,
            id=action.id,
            tooltip=action.help,
        )
        for action in ACTIONS
    ]
    AUTO_FOCUS = ""
    BLANK = True

    DEFAULT_CSS = """
    Main { layout: vertical; overflow: hidden; }
    Main #views { height: 1fr; }
    Main #trouble { display: none; background: $error-muted; }
    Main #done { display: none; background: $panel; }
    Main #trouble.shown, Main #done.shown { display: block; }
    Main ToastRack { margin-bottom: 2; }
    Main Toast { width: auto; max-width: 96%; }
    """

    class Started(Message):
        """All of it is there, and can be drawn on."""

    class Idle(Message):
        """A key was pressed that does nothing here."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, first: View) -> None:
        super().__init__()
        self._first = first
        self._hint = ""
        self._keys: tuple[Sequence[Action], Sequence[Piece]] = (), ()

    def compose(self) -> ComposeResult:
        yield Line(id="header")
        yield Line(id="tabs")
        yield Line(id="trouble")
        yield Views(self._first, id="views")
        yield Line(id="done")
        yield FilterBar()
        yield Line(id="footer")

    def on_mount(self) -> None:
        """Tell the app."""
        self.post_message(self.Started())

    def on_key(self, event: events.Key) -> None:
        """A key that no binding has taken."""
        self.post_message(self.Idle(event.key))

    async def turn_to(self, view: View) -> None:
        """Show this view, in place of the one before, and nothing of what was said of that."""
        views = self.query_one(Views)
        with self.app.batch_update():
            for other in views.query_children(View):
                other.display = other is view
            if not view.is_attached:
                # A size that is news to it would have all laid out once more, and so would mount() if it were awaited.
                view.set_reactive(View.virtual_size, views.size)
                views.mount(view)
                mounted = asyncio.Event()
                views.call_next(mounted.set)
                await mounted.wait()
        self.query_one(FilterBar).close()
        self.tell_done(())

    def tell_state(
        self, target: Target, status: Status | None, fresh: Freshness, zone: tzinfo | None, running: str = ""
    ) -> None:
        """Say in the header which server is looked at, how fresh that is, whether something is wrong, and what is `running`."""
        left, right = chrome.header(target, status, fresh, zone, self.size.width, running)
        self.query_one("#header", Line).say(left, right)

    def tell_trouble(self, reason: str, again_s: float = 0.0) -> None:
        """Say why what is shown is old, and that it is tried again within `again_s`; nothing, where that is empty."""
        line = self.query_one("#trouble", Line)
        line.set_class(bool(reason), "shown")
        line.say([(f" ✗ {reason}", "bad")], [(f"again within {again_s:.0f} s ", "dim")] if self.size.width >= 120 else ())

    def tell_place(self, place: Place, said: Filter) -> None:
        """Say in the tabs where one is, and under which filter."""
        left, right, spots = chrome.tabs(place, said)
        self.query_one("#tabs", Line).say(left, right, spots)

    def tell_done(self, said: Sequence[Piece], then: Sequence[Piece] = ()) -> None:
        """Say above the footer what came of the last operation, and what can be done then; nothing, where that is empty."""
        line = self.query_one("#done", Line)
        line.set_class(bool(said), "shown")
        line.say(said, then)

    def tell_keys(self, actions: Sequence[Action], summary: Sequence[Piece]) -> None:
        """Say in the footer what the keys of `actions` do, and what the view counts."""
        self._keys = actions, summary
        left, right, spots = chrome.footer(actions, summary, self.size.width)
        if self._hint:
            self.query_one("#footer", Line).say([(f" {self._hint}", "warn")])
        else:
            self.query_one("#footer", Line).say(left, right, spots)

    def tell_hint(self, said: str) -> None:
        """Say this for a while in place of what keys do; what they do, where it is empty."""
        if said == self._hint:
            return
        self._hint = said
        self.tell_keys(*self._keys)
        if said:
            self.set_timer(HINT_S, lambda: self.tell_hint("") if self._hint == said else None)
