"""What the operator does to the server: one thing at a time, asked for, looked at, confirmed, carried out, and told.

Handlers of the app come here; threads (carrier.py) do what takes time. While one operation is prepared or carried out there is
no second one, however often a key is pressed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from textual.message import Message
from textual.screen import Screen

from console import orders
from console.carrier import Carrier
from console.done import Done, rest, same, summary, undoing
from console.messages import OperationEnded, OperationProgressed, OperationSettled, PreviewGrew
from console.model import command_words, commands
from console.model.bulk import Control, Report
from console.model.commands import Command
from console.model.meant import Meant
from console.model.ports import Target
from console.model.queries import JobQuery, JobsQuery
from console.model.text import decoded, visible
from console.running import Running, operation_of
from console.screens import meaning
from console.screens.dialogs.ask import Ask
from console.screens.dialogs.carrying import Carrying
from console.screens.dialogs.confirm import Confirm
from console.screens.dialogs.confirmed import Confirmed
from console.screens.dialogs.outcomes import Chosen, Outcomes, text
from console.screens.dialogs.pause_queue import Instead, PauseQueue
from console.screens.place import Place
from console.screens.view import Goes, View
from console.stage import Stage
from console.widgets.pieces import Piece

SHOW_AFTER_S: Final = 0.4
"""Seconds after which an operation that has not ended is shown: a dialog that comes and goes at once tells nothing."""

NOTHING: Final = {
    "undo": "there is nothing to undo of what was done here; Activity (6) shows what else can be",
    "empty": "choose a queue first: enter on the overview, or the filter queue:NAME",
    "stop_job": "no job runs there",
    "kill_horse": "no job runs there",
    "put_back": "the cursor is on no entry that was set aside",
}
"""What is said where there is nothing that an action could be done to."""

AWAITED: Final = "what can be undone is known once the server answers again"

REMEMBERED: Final = 20
"""Operations of which the outcomes are kept."""


class Acting:
    """The one operation that is prepared or under way, and those that have ended."""

    def __init__(self, stage: Stage, save: Callable[[str, str], object], clock: Callable[[], float]) -> None:
        self._stage, self._save = stage, save
        self._carrier = Carrier(stage.post_message, clock)
        self._dialog: Screen[Any] | None = None
        self._gathered = 0
        self._warned = 0
        self.running: Running | None = None
        self.done: list[Done] = []
        self.told: tuple[Sequence[Piece], Sequence[Piece]] = (), ()

    # --- a key ----------------------------------------------------------------------------------

    def begin(self, action: str) -> None:
        """Prepare what an action asks for: say what it would do, and wait for a yes."""
        if self._busy():
            return
        stage, view = self._stage, self._stage.view
        meant = self._undone(view) if action == "undo" else view.meant(action)
        if meant is None:
            here = [done.report for done in self.done if same(done.target, self._stage.target)]
            awaited = action == "undo" and bool(here) and not here[-1].noted
            stage.say(AWAITED if awaited else NOTHING.get(action, "there is nothing here that this can be done to"))
            return
        action = meant.action or action
        if action == "undo":
            self._confirm(commands.Undo(meant.operation), meant, view)
        elif action == "pause_queue":
            self._ask_instead(meant, view)
        elif (command := orders.AT_ONCE.get(action)) is not None:
            self._confirm(command, meant, view)
        else:
            self._ask(action, meant, view)

    def _busy(self) -> bool:
        if self.running is not None:
            self._stage.say(f"one at a time: {self.running.title} is under way; v shows it")
        return self.running is not None or self._dialog is not None

    def _ask(self, action: str, meant: Meant, view: View) -> None:
        stage = self._stage
        wants = orders.missing(action, stage.now(), stage.shown_zone, stage.status, meant.due)
        title = f"{action.replace('_', ' ').capitalize()}: {meant.scope}"
        self._open(
            Ask(title, wants.label, wants.hint, stage.target, wants.parsed, wants.told, wants.present),
            lambda command: None if command is None else self._confirm(command, meant, view),
        )

    def _ask_instead(self, meant: Meant, view: View) -> None:
        """Ask what is to be done instead of pausing a queue."""
        name = next(query.queue for query in meant.queries if isinstance(query, JobsQuery) and query.queue is not None)

        def chosen(instead: Instead | None) -> None:
            match instead:
                case "pause":
                    self._confirm(commands.Pause(), meaning.of_lane(name), view)
                case "resume":
                    self._confirm(commands.Resume(), meaning.of_lane(name), view)
                case "suspend":
                    self._ask("suspend", meaning.all_workers(suspended=False), view)
                case "move":
                    self._ask("move", meant, view)

        self._open(PauseQueue(visible(decoded(name)), self._stage.target), chosen)

    def _confirm(self, command: Command, meant: Meant, view: View) -> None:
        target = self._stage.target
        dialog = Confirm(command, meant, target, self._stage.shown_zone, self._stage.status)
        self._open(dialog, lambda confirmed: self._confirmed(confirmed, meant, view, target))
        self._gathered = self._carrier.gather(target, meant, command)

    def _open(self, dialog: Screen[Any], then: Callable[[Any], object]) -> None:
        def closed(result: Any) -> None:
            self._dialog = None
            then(result)

        self._dialog = dialog
        self._stage.push_screen(dialog, closed)

    # --- messages -------------------------------------------------------------------------------

    def previewed(self, message: PreviewGrew) -> None:
        """Let the dialog say how much was gathered, unless it is closed."""
        if message.seq == self._gathered and isinstance(dialog := self._dialog, Confirm):
            if message.glance is None:
                dialog.fail(message.reason)
            else:
                dialog.show(message.glance, message.slots)

    def _confirmed(self, confirmed: Confirmed | None, meant: Meant, view: View, target: Target) -> None:
        self._carrier.stop()
        if confirmed is None:
            return
        operation = operation_of(confirmed, meant, target, self._stage.now())
        control = Control()
        seq = self._carrier.carry(target, operation, confirmed.command, confirmed.seen, control, confirmed.canary)
        self.running = Running(seq, target, view, meant, confirmed.command, confirmed.title, control)
        self.told = (), ()
        self._stage.tell_operation()
        self._stage.set_timer(SHOW_AFTER_S, lambda: self._show_running(seq))

    def progressed(self, message: OperationProgressed) -> None:
        """Say how far it is."""
        if self.running is None or message.seq != self.running.seq:
            return
        self.running.progress = message.progress
        if isinstance(self._dialog, Carrying):
            self._dialog.show(message.progress)
        self._stage.tell_operation()

    def ended(self, message: OperationEnded) -> None:
        """Say what came of it, and read what is shown again."""
        running = self.running
        if running is None or message.seq != running.seq:
            return
        self.running = None
        if isinstance(self._dialog, Carrying):
            self._dialog.dismiss(None)
        refused = message.refused
        if (report := message.report) is None:
            self.told = ((" ✗ ", "bad"), (message.reason, "bad")), ()
        else:
            refused |= "refused" in report.ended.counts.failed
            self._keep(Done(running.target, running.view, running.meant, running.command, running.title, report))
            if running.view.is_attached:
                self._tell_view(running.view, running.command, report)
            self.told = summary(self.done[-1], self._stage.now(), self._stage.shown_zone)
            if not report.noted and not refused:
                self._carrier.settle(running.target, running.command, report)
        if refused:
            self._stage.lock(running.target)
        self._stage.tell_operation()
        self._stage.read_again()

    def _tell_view(self, view: View, command: Command, report: Report) -> None:
        done = [one.key for one in report.outcomes if one.result in ("done", "sent")]
        view.acted(done)
        if isinstance(command, commands.Undo) and done:
            # What was taken first is put back last.
            view.came_back(done[-1])

    def settled(self, message: OperationSettled) -> None:
        """Say what the server has counted of an operation in the middle of which it went away, and that it can be undone."""
        for at, done in enumerate(self.done):
            if done.report.operation.id == message.report.operation.id:
                self.done[at] = replace(done, report=message.report)
                if done.view.is_attached:
                    self._tell_view(done.view, done.command, message.report)
                if at == len(self.done) - 1 and self.running is None:
                    self.told = summary(self.done[at], self._stage.now(), self._stage.shown_zone)
                    self._stage.tell_operation()
                self._stage.read_again()

    def _keep(self, done: Done) -> None:
        if isinstance(done.command, commands.Undo):
            self.done = [one for one in self.done if one.report.operation.id != done.command.operation]
        self.done = [*self.done, done][-REMEMBERED:]

    # --- while it is under way -------------------------------------------------------------------

    def show(self) -> None:
        """Show the operation that is under way, else the outcomes of the last one."""
        if self._dialog is not None:
            return
        if self.running is not None:
            self._show_running(self.running.seq)
        elif self.done:
            self._show_outcomes(self.done[-1])
        else:
            self._stage.say("nothing was done from this console yet")

    def asked(self, message: Message) -> None:
        """Pause, go on, or cancel."""
        if self.running is None or not isinstance(message, Carrying.Asked):
            return
        control = self.running.control
        if message.cancel:
            control.cancel()
        elif control.paused:
            control.resume()
        else:
            control.pause()

    def keeps(self) -> bool:
        """Whether one should not leave yet: an operation is under way, and that was not said before."""
        running = self.running
        if running is None or self._warned == running.seq:
            return False
        self._warned = running.seq
        self._stage.say(f"{running.title} is under way; leave once more, and it ends after its batch")
        return True

    def leave(self) -> None:
        """Begin no further batch: the program ends."""
        self._carrier.leave()
        if self.running is not None:
            self.running.control.cancel()

    def _show_running(self, seq: int) -> None:
        running = self.running
        if running is not None and running.seq == seq and self._dialog is None:
            did = command_words.done(running.command)
            self._open(Carrying(running.title, running.target, running.progress, did), lambda nothing: self._hidden())

    def _hidden(self) -> None:
        """Say how what goes on is shown again."""
        if self.running is not None:
            does, key = ("is paused", "lets it go on") if self.running.control.paused else ("goes on", "pauses it")
            then = (("v", "accent"), (f" shows it, and there p {key}, c ends it early ", "dim"))
            self.told = ((" ⟳ ", "caution"), (f" {self.running.title} {does}", "strong")), then
            self._stage.tell_operation()

    @property
    def said(self) -> str:
        """What is under way and how far it is, for the header; empty where nothing is."""
        return "" if self.running is None else self.running.said

    # --- afterwards -----------------------------------------------------------------------------

    def _show_outcomes(self, done: Done) -> None:
        jobs = isinstance(done.command, commands.JobCommand)
        dialog = Outcomes(done.report, done.command, done.title, done.target, self._stage.shown_zone, jobs)
        self._open(dialog, lambda chosen: self._chosen(chosen, done))

    def _chosen(self, chosen: Chosen | None, done: Done) -> None:
        if chosen is None:
            return
        if chosen.what == "write":
            self._save("outcomes", text(done.report, done.title))
        elif not same(done.target, self._stage.target):
            self._stage.say(f"that was done on another server: {done.target.name or done.target.url}")
        elif chosen.what == "open":
            self._stage.post_message(Goes(Place("job", JobQuery(chosen.key))))
        elif not self._busy():
            self._confirm(done.command, rest(done), done.view)

    def _undone(self, view: View) -> Meant | None:
        """What `u` is meant for: where operations are listed the one that the cursor is on, else the last one of this console
        that can be undone."""
        if view.name in ("activity", "operation"):
            return view.meant("undo")
        return undoing(self.done, self._stage.target, self._stage.now())
