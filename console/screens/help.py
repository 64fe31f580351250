"""Help: every key of the table that applies where one is, and how filters are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from console.actions import CALLED, Action, shown
from console.model.filters import Kind
from console.screens.dialogs.frame import Over
from console.widgets.lines import Line, Page, Row
from console.widgets.pieces import Piece

GROUPS = ("Screens", "Look", "Act", "Go", "Move", "Console")


class Help(Over[None]):
    """A page over the screen; any of the keys that close it do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "dismiss", "close", show=False),
        Binding("up,k", "scroll(-1)", "up", show=False),
        Binding("down,j", "scroll(1)", "down", show=False),
        Binding("pageup,ctrl+b", "scroll(-10)", "page up", show=False),
        Binding("pagedown,ctrl+f,space", "scroll(10)", "page down", show=False),
        Binding("home,g", "scroll(-1000)", "first", show=False),
        Binding("end,G", "scroll(1000)", "last", show=False),
        Binding("ctrl+c", "app.leave", "quit", show=False),
    ]

    DEFAULT_CSS = """
    Help { align: center middle; background: $background 60%; }
    Help Page { width: 108; max-width: 96%; height: auto; max-height: 90%; background: $surface; padding: 0 1; }
    Help #title { width: 108; max-width: 96%; background: $primary-muted; }
    """

    def __init__(self, screen: str, actions: Sequence[Action], fields: Mapping[str, Kind]) -> None:
        super().__init__()
        self._screen, self._actions, self._fields = screen, actions, fields

    def compose(self) -> ComposeResult:
        yield Line(id="title")
        yield Page(id="keys", cursor=False)

    def on_mount(self) -> None:
        """Say it."""
        name = CALLED.get(self._screen, self._screen)
        self.query_one("#title", Line).say([(f" Keys on {name}", "strong")], [("esc closes ", "dim")])
        self.query_one("#keys", Page).show(self._rows())

    def action_scroll(self, lines: int) -> None:
        """Scroll by that many lines."""
        page = self.query_one("#keys", Page)
        page.scroll_to(y=page.scroll_offset.y + lines, animate=False)

    def _rows(self) -> list[Row]:
        rows: list[Row] = []
        for group, members in groupby(
            sorted(self._actions, key=lambda action: GROUPS.index(action.group)), lambda action: action.group
        ):
            rows.append(Row(((group, "head"),)))
            for action in members:
                keys = " ".join(shown(key) for key in action.keys)
                rows.append(Row(((f"  {keys:<18}", "bad" if action.danger else "accent"), (action.help, ""))))
        rows.append(Row(((" ", ""),)))
        rows.append(Row((("Filters", "head"),)))
        if self._fields:
            kinds = {"text": "texts", "duration": "durations", "number": "numbers"}
            for kind, said in kinds.items():
                names = " ".join(name for name, its in self._fields.items() if its == kind)
                if names:
                    rows.append(Row(((f"  {said:<18}", "dim"), (names, ""))))
        rows += [Row(((f"  {form:<18}", "accent"), (said, ""))) for form, said in _FORMS]
        return rows


_FORMS: tuple[Piece, ...] = (
    ("func:scrape", "a text that has this in it, whatever the case"),
    ("func:scrape*page", "* is any characters, ? is one; then the whole text is meant"),
    ("queue=low", "the whole text, to the letter"),
    ("age>1h30m", "durations (s m h d w) and numbers: > < >= <="),
    ("-error:Timeout", "not this; ! does the same"),
    ('"any text"', "in any of the texts; a bare word works too"),
)
