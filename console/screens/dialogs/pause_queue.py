"""What there is for pausing one queue, which RQ cannot do."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from console.model.ports import Target
from console.screens.dialogs.frame import Dialog
from console.widgets.lines import Line

Instead = Literal["pause", "resume", "suspend", "move"]

WHY: Final = (
    "RQ cannot pause one queue: its workers wait for all of their queues at",
    "once, and obey only what suspends every one of them. What there is:",
)

OFFERS: Final[tuple[tuple[str, Instead, str, str], ...]] = (
    ("p", "pause", "pause the schedules of {}", "no new runs; what waits there is still worked off"),
    ("r", "resume", "resume the schedules of {}", "those that are paused fire again, from their next slots on"),
    ("s", "suspend", "suspend all workers", "no queue is worked, for a time or until they are resumed"),
    ("m", "move", "move what waits there away", "to a queue that no worker serves; m on its jobs moves them back"),
)
"""By key: what is done instead, what that is called, and what it means."""


class PauseQueue(Dialog[Instead | None]):
    """Says so of the queue `name`, and ends with what is to be done instead."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", show=False),
        *(Binding(key, f"choose('{instead}')", instead, show=False) for key, instead, _, _ in OFFERS),
        Binding("ctrl+c", "app.leave", "quit", show=False),
    ]

    def __init__(self, name: str, target: Target) -> None:
        super().__init__()
        self._name, self._target = name, target

    def compose(self) -> ComposeResult:
        with Vertical(id="frame"):
            yield Line(id="title")
            yield Line(id="gap")
            for at in range(len(WHY)):
                yield Line(id=f"why-{at}")
            for _, instead, _, _ in OFFERS:
                yield Line()
                yield Line(id=instead)
                yield Line(id=f"{instead}-means")
            yield Line(id="gap-below")
            yield Line(id="keys")

    def on_mount(self) -> None:
        """Say it."""
        self.tell_title(f"Pause {self._name}", self._target)
        for at, line in enumerate(WHY):
            self.query_one(f"#why-{at}", Line).say([(f"  {line}", "")])
        for key, instead, called, means in OFFERS:
            spots = dict.fromkeys(range(3), instead)
            self.query_one(f"#{instead}", Line).say(
                [("  ", ""), (key, "accent"), (f"  {called.format(self._name)}", "strong")], spots=spots
            )
            self.query_one(f"#{instead}-means", Line).say([(f"     {means}", "dim")])
        self.tell_keys([("esc", "leaves all as it is")])

    def action_choose(self, instead: Instead) -> None:
        """Do that instead."""
        self.dismiss(instead)

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)

    def on_line_clicked(self, message: Line.Clicked) -> None:
        """Do what was clicked instead."""
        message.stop()
        for _, instead, _, _ in OFFERS:
            if message.action == instead:
                self.dismiss(instead)
