"""What all dialogs look like: a title with the server's name, what is said, and a last line about the keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Generic, TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

from console.model.ports import Target
from console.screens.chrome import GROUNDS
from console.widgets.lines import Line
from console.widgets.pieces import Piece

Result = TypeVar("Result")

ROOM: Final = 72
"""Cells of a line in a dialog, on any screen."""


class Over(ModalScreen[Result], Generic[Result]):
    """Something over the screen that is left once: a second press that was on its way finds it left."""

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Leave it with a result, unless it is left already: textual would leave what is beneath. One that is not there yet is
        left once it is: textual would tell it that it is mounted, and mount nothing of what it is made of."""
        if not self.is_current:
            return AwaitComplete()
        if not self.is_mounted:
            self.call_next(self._leave, result)
            return AwaitComplete()
        return super().dismiss(result)

    def _leave(self, result: Result | None) -> None:
        # What a callback returns textual awaits, and a screen must not wait for its own end.
        self.dismiss(result)


class Dialog(Over[Result], Generic[Result]):
    """Something over the screen, about one server. It is `ready_to_draw` once it is mounted: what it is told before, it says
    then."""

    ready_to_draw = False

    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog #frame { width: 76; max-width: 96%; height: auto; max-height: 96%; background: $surface; }
    Dialog #title { background: $primary-muted; }
    Dialog .written { height: 1; background: $surface; }
    Dialog .written Line { width: 14; }
    Dialog Input { margin-right: 2; width: 1fr; border: none; padding: 0; height: 1; background: $panel; }
    Dialog Input:focus { border: none; background: $panel-lighten-1; }
    """

    def tell_title(self, text: str, target: Target) -> None:
        """Say at the top what it is about, and on which server."""
        name: list[Piece] = [(f" {target.name} ", GROUNDS.get(target.colour, "badge")), (" ", "")] if target.name else []
        self.query_one("#title", Line).say([(f" {text}", "strong")], name)

    def tell_keys(self, keys: Sequence[tuple[str, str]]) -> None:
        """Say at the bottom what keys do."""
        line: list[Piece] = [(" ", "")]
        for key, does in keys:
            line += [(key, "accent"), (f" {does}  ", "dim")]
        self.query_one("#keys", Line).say(line)
