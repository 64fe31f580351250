"""A word that can be chosen: with enter or the space bar while it has the focus, or with the mouse."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from console.widgets.lines import Line


class Choice(Line, can_focus=True):
    """One of several words beside each other. `tone` is that of its ground while it has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "choose", "choose", show=False)]

    DEFAULT_CSS = """
    Choice { width: auto; }
    """

    class Chosen(Message):
        """It was chosen."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    def __init__(self, label: str, id: str, tone: str = "badge") -> None:
        super().__init__(id=id)
        self._label, self._tone, self._there = label, tone, True
        self._tell()

    def name_it(self, label: str, there: bool = True) -> None:
        """Say something else; `there`: whether it can be chosen at present."""
        self._label, self._there = label, there
        self._tell()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Stand out, or back: when it is so, which the events tell before."""
        super().watch_has_focus(has_focus)
        self._tell()

    def action_choose(self) -> None:
        """Choose it."""
        if self._there:
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        """Choose it."""
        event.stop()
        self.action_choose()

    def _tell(self) -> None:
        tone = "dim" if not self._there else self._tone if self.has_focus else "strong"
        mark = "▸" if self.has_focus else " "
        label = f" {mark} {self._label}  "
        self.styles.width = len(label)
        self.say([(label, tone)])
