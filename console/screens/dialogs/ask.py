"""Ask: one line that a command needs: a queue, an instant, a cadence."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from console.model.ports import Target
from console.screens.dialogs.frame import ROOM, Dialog
from console.widgets.lines import Line, Page, Row
from console.widgets.pieces import Piece, wrapped
from console.widgets.prompt import Prompt

Answer = TypeVar("Answer")


class Ask(Dialog[Answer | None], Generic[Answer]):
    """Asks for what `parsed` makes of a line; ValueErrors of that say what is wrong with it. `hint` says how to write it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", show=False),
        Binding("ctrl+c", "app.leave", "quit", show=False),
    ]
    AUTO_FOCUS = "Input"

    DEFAULT_CSS = """
    Ask #about { height: auto; min-height: 2; max-height: 8; background: $surface; }
    """

    def __init__(
        self,
        title: str,
        label: str,
        hint: str,
        target: Target,
        parsed: Callable[[str], Answer],
        told: Callable[[Answer], str] | None = None,
        present: str = "",
    ) -> None:
        """`told` says what a line means, while it is written; `present` is what is so until then."""
        super().__init__()
        self._title, self._label, self._hint, self._target = title, label, hint, target
        self._parsed, self._told, self._present = parsed, told, present

    def compose(self) -> ComposeResult:
        with Vertical(id="frame"):
            yield Line(id="title")
            yield Line(id="gap")
            with Horizontal(classes="written"):
                yield Line(id="label")
                yield Prompt(id="line", compact=True, max_length=500)
            yield Page(id="about", cursor=False)
            yield Line(id="keys")

    def on_mount(self) -> None:
        """Say what is asked."""
        self.tell_title(self._title, self._target)
        self.query_one("#label", Line).say([(f"  {self._label}", "dim")])
        self.query_one("#gap", Line).say([(f"  {self._present}", "dim")])
        self.tell_keys([("enter", "goes on"), ("esc", "leaves all as it is")])
        self._about((self._hint, "dim"))

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what it means so far, or how to write it."""
        event.stop()
        try:
            answer = self._parsed(event.value)
        except ValueError:
            self._about((self._hint, "dim"))
        else:
            self._about((self._told(answer) if self._told is not None else self._hint, "" if self._told is not None else "dim"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on, or say what is wrong."""
        event.stop()
        try:
            answer = self._parsed(event.value)
        except ValueError as error:
            hint = () if self._hint in str(error) else ((self._hint, "dim"),)
            self._about((f"✗ {error}", "bad"), *hint)
            return
        self.dismiss(answer)

    def _about(self, *said: Piece) -> None:
        self.query_one("#about", Page).show([Row(((line, tone),)) for text, tone in said for line in wrapped(text, ROOM)])
