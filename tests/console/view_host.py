"""A tiny app around one view: it answers nothing itself, keeps what the view asks for, and tells what is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC

from textual.app import App, ComposeResult
from textual.widget import Widget

from console.screens.place import Place
from console.screens.view import Asks, Goes, Searches, Tells, View
from console.themes import DARK, DEFAULTS
from console.widgets.drawn import Drawn

SIZES = ((80, 24), (120, 40), (200, 60))


class Host(App[None]):
    """Mounts one widget. `asked`, `searched` and `gone` are what its messages said, in their order."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name
        self.widget = widget
        self.asked: list[Asks] = []
        self.searched: list[Searches] = []
        self.gone: list[Place] = []
        self.told = 0

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DEFAULTS

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_asks(self, message: Asks) -> None:
        self.asked.append(message)

    def on_searches(self, message: Searches) -> None:
        self.searched.append(message)

    def on_goes(self, message: Goes) -> None:
        self.gone.append(message.place)

    def on_tells(self, message: Tells) -> None:
        self.told += 1


def drawn(widget: Widget) -> list[str]:
    """The lines of a widget as they go to the terminal, without their styles."""
    widgets: Iterable[Drawn] = [widget] if isinstance(widget, Drawn) else widget.query(Drawn)
    lines: list[str] = []
    for one in widgets:
        for y in range(one.size.height):
            strip = one.render_line(y)
            assert strip.cell_length == one.cells, f"{one.id}: line {y} is {strip.cell_length} cells wide, not {one.cells}"
            lines.append(strip.text.rstrip())
    return lines


def text(widget: Widget) -> str:
    """All lines of a widget."""
    return "\n".join(drawn(widget))


def in_utc(view: View) -> View:
    """A view with its times in UTC, so that it draws the same everywhere."""
    view.zone = UTC
    return view
