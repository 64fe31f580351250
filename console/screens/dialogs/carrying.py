"""An operation that is under way: how far it is, and how it is paused and canceled."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from console.model import command_words, words
from console.model.bulk import Progress
from console.model.ports import Target
from console.screens.dialogs.frame import Dialog
from console.widgets.lines import Line
from console.widgets.pieces import Piece

BAR: Final = 52


class Carrying(Dialog[None]):
    """Says what show() is told. It may be hidden: what it is about goes on."""

    class Asked(Message):
        """Pause it or go on; or `cancel` it."""

        def __init__(self, cancel: bool) -> None:
            super().__init__()
            self.cancel = cancel

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,v", "leave", "hide", show=False),
        Binding("p", "ask(False)", "pause", show=False),
        Binding("c", "ask(True)", "cancel", show=False),
        Binding("ctrl+c", "app.leave", "quit", show=False),
    ]

    def __init__(self, title: str, target: Target, progress: Progress | None, did: str = "done") -> None:
        """`did` is what is done to each: what is requeued is not done yet."""
        super().__init__()
        self._did = did
        self._title, self._target, self._progress = title, target, progress
        self._canceled = False
        self._paused = progress is not None and progress.doing == "paused"

    def compose(self) -> ComposeResult:
        with Vertical(id="frame"):
            yield Line(id="title")
            yield Line(id="gap")
            yield Line(id="bar")
            yield Line(id="counts")
            yield Line(id="why")
            yield Line(id="pace")
            yield Line(id="gap-below")
            yield Line(id="keys")

    def on_mount(self) -> None:
        """Say what is known so far."""
        self.ready_to_draw = True
        self.tell_title(self._title, self._target)
        self._tell()

    def show(self, progress: Progress) -> None:
        """It is so far."""
        self._progress = progress
        self._tell()

    def action_leave(self) -> None:
        """Hide this; the operation goes on."""
        self.dismiss(None)

    def action_ask(self, cancel: bool) -> None:
        """Pause or cancel."""
        self._canceled |= cancel
        self._paused = not cancel and not self._paused
        self.post_message(self.Asked(cancel))
        self._tell()

    def _tell(self) -> None:
        if not self.ready_to_draw:
            return
        progress = self._progress
        if progress is None:
            self.query_one("#bar", Line).say([("  beginning …", "dim")])
            return
        counts = progress.counts
        share = f"{counts.told / progress.of:.0%}" if progress.of else ""
        bar = words.bar(counts.told, progress.of, BAR)
        self.query_one("#bar", Line).say([("  ", ""), (f"{bar:<{BAR}}", "accent"), (f"  {share}", "strong")])
        did = self._did if progress.tried else "done"
        told: list[Piece] = [(f"  {counts.told:,} of {progress.of:,}: ", ""), (f"{counts.done:,} {did}", "good")]
        if counts.sent:
            told.append((f" · {counts.sent:,} told", ""))
        why: list[Piece] = []
        for word, tone, reasons in (("skipped", "warn", counts.skipped), ("failed", "bad", counts.failed)):
            if n := sum(reasons.values()):
                told.append((f" · {n:,} {word}", tone))
                why.append((f"{' ·' if why else ' '} {word}: {command_words.by_reason(reasons)}", "dim"))
        if progress.tried:
            told.append((f" · {progress.tried}", "accent"))
        self.query_one("#counts", Line).say(told)
        self.query_one("#why", Line).say(why)
        doing = self._doing(progress)
        pace = f" · {progress.rate:,.0f} a second" if progress.rate or not progress.tried else ""
        left = "" if progress.left_s is None else f" · {words.age(float(round(progress.left_s)))} left"
        self.query_one("#pace", Line).say([(f"  {doing}", "warn" if self._paused or self._canceled else ""),
                                           (f"{pace}{left}", "dim")])  # fmt: skip
        pause = ("p", "goes on" if self._paused else "pauses")
        self.tell_keys([pause, ("c", "ends it early"), ("esc", "hides this, and it goes on")])

    def _doing(self, progress: Progress) -> str:
        """What the operation is doing, or will do as soon as its batch is done."""
        if self._canceled:
            return "ending after this batch"
        if self._paused != (progress.doing == "paused"):
            return "pausing after this batch" if self._paused else "going on"
        return command_words.DOING.get(progress.doing, progress.doing)
