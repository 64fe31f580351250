"""The console: it wires screens, history, the poller and the table of actions together, and reads nothing itself.

Threads read (poller.py) and post messages; only handlers here and in the views touch what is drawn.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from console import themes
from console.actions import ACTIONS, BY_ID, SCREENS, Action, applies
from console.files import Files
from console.looking import Looking
from console.messages import (
    ExportTold,
    GroupsProgressed,
    OperationEnded,
    OperationProgressed,
    OperationSettled,
    PreviewGrew,
    ReadFailed,
    SearchProgressed,
    SnapshotReady,
)
from console.model.ports import ReadError, Target
from console.model.text import visible
from console.places import Places
from console.reading import Reading
from console.screens.filter_bar import FilterBar
from console.screens.main import Main
from console.screens.place import Place
from console.screens.view import Asks, Goes, Searches, Tells, View
from console.surround import Surround
from console.widgets.lines import Line

if TYPE_CHECKING:
    from console.acting import Acting
    from console.model.status import Status


class Console(App[Target], inherit_bindings=False):
    """The console over one of `targets`. It returns the target that needs a process of its own, when one was asked for."""

    TITLE = "tq-console"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "leave", "quit", show=False, priority=True)]

    def __init__(
        self,
        targets: Sequence[Target],
        target: Target,
        refresh_s: float = 1.0,
        screen: str = "overview",
        expression: str = "",
        theme: str = "dark",
        clock: Callable[[], float] = time.time,
        crashed: Callable[[BaseException], str] | None = None,
        answered: Callable[[], object] | None = None,
    ) -> None:
        super().__init__()
        self.targets = targets
        self.fault = self.left = ""
        self._clock, self._crashed = clock, crashed
        self._answered = answered
        self._expression = expression
        self._places = Places(lambda: self._main, screen)
        self._reading = Reading(self._places, target, self.post_message, refresh_s, clock)
        self._around = Surround(lambda: self._main, self._places, self._reading, self.offered, self._under_way)
        self._files = Files(self, clock)
        self._looking = Looking(self._places, self._reading, self._around, self, self._files)
        self._begun = self._leaving = False
        self._typed_ahead: list[str] = []
        for one in themes.THEMES:
            self.register_theme(one)
        self.theme = themes.NAMES.get(theme, themes.DARK.name)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What a theme that is none of ours leaves unsaid."""
        return themes.DEFAULTS

    def get_default_screen(self) -> Screen[Any]:
        """The one screen, with the view that is opened first."""
        return Main(self._places.first())

    async def on_main_started(self, message: Main.Started) -> None:
        """Begin to read, once there is something to show it on."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.exit)
        self._reading.begin()
        await self._places.begin()
        self._around.draw()
        if self._expression:
            self._looking.filter_with(self._expression)
        self._begun = True
        for action in self._typed_ahead:
            await self.action_act(action)
        if self._leaving:
            return
        self.set_interval(1.0, self._around.header)

    def exit(self, result: Target | None = None, return_code: int = 0, message: Any = None) -> None:
        """Read no more, and leave. What was read is for views that are being taken down."""
        self._places.open, self._leaving = False, True
        if self._acted:
            if self.acting.running is not None:
                self.left = f"{self.acting.running.title} ends after its batch; what was done: tq-console activity"
            self.acting.leave()
        self._files.leave()
        self._reading.end()
        super().exit(result, return_code, message)

    # --- where one is ---------------------------------------------------------------------------

    @property
    def screen_name(self) -> str:
        """The screen that is shown: a name of actions.py."""
        return self._places.screen

    @property
    def read_only(self) -> bool:
        """Whether nothing may be changed here."""
        return self._reading.read_only

    def offered(self) -> Sequence[Action]:
        """The actions that are there for what is shown."""
        return [self.view.called(action) for action in ACTIONS if self._offers(action)]

    @property
    def view(self) -> View:
        """The view that is shown."""
        return self._places.view

    def queues(self) -> Sequence[tuple[str, bytes]]:
        """The queues that were read last."""
        return self._reading.queues()

    async def go(self, place: Place) -> None:
        """Show another place, and remember this one."""
        await self._looking.go(place)

    def find(self, name: str) -> None:
        """Show the job, the user or the queue of that name."""
        self._find(self._reading.watch.target, name)

    async def switch(self, target: Target) -> None:
        """Look at another server, from the same screen on."""
        if target.elsewhere:
            self.exit(target)
            return
        screen = self.screen_name if self.screen_name in SCREENS else "overview"
        self._reading.look_at(target)
        await self._places.begin_anew(screen)
        self._around.draw()

    # --- what was read --------------------------------------------------------------------------

    def on_snapshot_ready(self, message: SnapshotReady) -> None:
        """Show an answer."""
        if not self._awaits(message):
            return
        if self._reading.ready(message) and self._places.open:
            self._around.footer()
        self._tell_answered()
        self._around.header()

    def on_read_failed(self, message: ReadFailed) -> None:
        """Say how old what is shown is, and why."""
        if not self._awaits(message):
            return
        self._reading.failed(message)
        self._tell_answered()
        self._around.header()

    def _awaits(self, message: SnapshotReady | ReadFailed) -> bool:
        """Whether it is of the server that is looked at, and there is a screen still: one that ends takes its screens down
        first."""
        return bool(self.screen_stack) and self._reading.watch.belongs(message)

    def _tell_answered(self) -> None:
        """Once, when the first answer is on screen: the program has started."""
        if self._answered is not None:
            self.call_after_refresh(self._answered)
            self._answered = None

    def on_search_progressed(self, message: SearchProgressed) -> None:
        """A search has come further."""
        self._reading.searched(message)

    def on_groups_progressed(self, message: GroupsProgressed) -> None:
        """A grouping has come further."""
        self._reading.grouped(message)
        if self._places.open:
            # The footer tells their number: if the view asked for it, it would be drawn a frame later.
            self._around.draw()

    def on_asks(self, message: Asks) -> None:
        """Read what the view wants to show."""
        self._reading.asked(message)

    def on_searches(self, message: Searches) -> None:
        """Search for what the view wants to list."""
        self._reading.searches(message)

    async def on_goes(self, message: Goes) -> None:
        """Go where a row leads."""
        await self.go(message.place)

    def on_tells(self, message: Tells) -> None:
        """Draw the tabs and the footer anew."""
        if self._places.open:
            self._around.tabs()
            self._around.footer()

    # --- what keys do ---------------------------------------------------------------------------

    async def on_line_clicked(self, message: Line.Clicked) -> None:
        """Do what was clicked in the tabs or the footer."""
        await self.act(message.action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a filter is being written, its keys are letters. A key that stands for several actions does the one that is
        there."""
        if action != "act":
            return True
        named = BY_ID[str(parameters[0])]
        if not self._begun:
            return not named.danger
        return not self._main.query_one(FilterBar).is_open and self._offers(named)

    async def action_act(self, action: str) -> None:
        """What every binding calls. What is typed before there is a screen is done as soon as there is one; what is typed after
        one has left is done no more."""
        if self._leaving:
            return
        if self._begun:
            await self.act(action)
        else:
            self._typed_ahead.append(action)

    def action_leave(self) -> None:
        """Leave, whatever is open."""
        self.exit()

    async def act(self, action: str) -> None:
        """Do an action of the table, where it applies: the app's own, else the view's."""
        if not self._offers(named := BY_ID[action]):
            return
        self._main.tell_hint("")
        if named.danger:
            self.acting.begin(action)
        elif action.startswith("screen_"):
            await self._looking.to_screen(int(action[-1]))
        elif (own := getattr(self, f"do_{action}", None) or getattr(self._looking, f"do_{action}", None)) is not None:
            result = own()
            if result is not None:
                await result
        elif isinstance(came := self.view.do(action), Place):
            await self.go(came)
        elif isinstance(came, str):
            self._main.tell_hint(came)

    def on_main_idle(self, message: Main.Idle) -> None:
        """Say why a key does nothing here."""
        from console import why_not

        if self._begun and self._places.open and not self._main.query_one(FilterBar).is_open:
            self._main.tell_hint(why_not.said(message.key, self.screen_name, self.view.standing, self.read_only))

    def _offers(self, action: Action) -> bool:
        return applies(action, self.screen_name, self.view.standing, self.read_only)

    def on_filter_bar_applied(self, message: FilterBar.Applied) -> None:
        """Show only what matches."""
        self._looking.show_only(message.filter)

    async def do_palette(self) -> None:
        """Ask where to go, or what to do."""
        from console.screens.palette import Palette

        await self.push_screen(Palette())

    async def do_help(self) -> None:
        """Say what the keys do here."""
        from console.screens.help import Help

        await self.push_screen(Help(self.screen_name, self.offered(), self.view.FIELDS))

    def do_theme(self) -> None:
        """The next theme."""
        names = [one.name for one in themes.THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)]

    def do_outcomes(self) -> None:
        """How far the operation is, or what came of the last one."""
        self.acting.show()

    def do_quit(self) -> None:
        """Leave; not without a word while an operation is under way."""
        if not (self._acted and self.acting.keeps()):
            self.exit()

    @work(thread=True, exit_on_error=False, exclusive=True, group="find")
    def _find(self, target: Target, name: str) -> None:
        from console import naming

        try:
            place = naming.place(target, name, [key for _, key in self.queues()], self._clock())
        except ReadError as error:
            self.call_from_thread(self.say, str(error))
            return
        if place is None:
            self.call_from_thread(self.say, f"no job, user or queue has the name {name}")
        elif target is self._reading.watch.target:
            self.post_message(Goes(place))

    def do_export(self) -> None:
        """Write the failures of a group to a file."""
        self._files.export()
        self._around.header()

    def on_export_told(self, message: ExportTold) -> None:
        """A file has grown, or is there."""
        self._files.told(message)
        if self._places.open:
            self._around.header()

    # --- what is done to the server ---------------------------------------------------------------

    @cached_property
    def acting(self) -> Acting:
        """What is done to the server; who only looks need not wait for it."""
        from console.acting import Acting

        return Acting(self, self._files.save, self._clock)

    @property
    def _acted(self) -> bool:
        return "acting" in self.__dict__

    def _under_way(self) -> str:
        return (self.acting.said if self._acted else "") or self._files.under_way

    @property
    def target(self) -> Target:
        """The server that is looked at."""
        return self._reading.watch.target

    @property
    def status(self) -> Status | None:
        """The newest overview of it, None while there is none."""
        return self._reading.watch.status

    @property
    def shown_zone(self) -> tzinfo | None:
        """The zone of absolute times, None for this machine's."""
        return self._places.zone

    def now(self) -> float:
        """Epoch seconds."""
        return self._clock()

    def read_again(self) -> None:
        """Read at once what is shown."""
        self._reading.watch.poller.again()

    def tell_operation(self) -> None:
        """Say how far an operation is, and what came of it."""
        self._main.tell_done(*self.acting.told)
        self._around.header()

    def lock(self, target: Target) -> None:
        """Change nothing any more on that server, since it does not let this console."""
        self.targets = [replace(one, read_only=True, write=None) if one is target else one for one in self.targets]
        if self._reading.lock(target):
            self.say("the server lets this console change nothing: from here on it only looks")
            self._around.draw()

    def on_preview_grew(self, message: PreviewGrew) -> None:
        """More is known of what would be done."""
        self.acting.previewed(message)

    def on_operation_progressed(self, message: OperationProgressed) -> None:
        """An operation has come further."""
        self.acting.progressed(message)

    def on_operation_ended(self, message: OperationEnded) -> None:
        """An operation has ended."""
        self.acting.ended(message)

    def on_operation_settled(self, message: OperationSettled) -> None:
        """The server has told what it did of an operation in the middle of which it went away."""
        self.acting.settled(message)

    def on_carrying_asked(self, message: Message) -> None:
        """Pause an operation, or cancel it."""
        self.acting.asked(message)

    # --- what is always there -------------------------------------------------------------------

    @property
    def _main(self) -> Main:
        """The screen under whatever lies over it."""
        main = self.screen_stack[0]
        assert isinstance(main, Main)
        return main

    def say(self, text: str) -> None:
        """Say a line, for a while."""
        self.notify(visible(text), markup=False)

    async def on_event(self, event: events.Event) -> None:
        """Take of what is pasted, which anybody may have written, one line, and nothing that would act on the terminal."""
        if isinstance(event, events.Paste):
            event.text = visible(next(iter(event.text.splitlines()), ""))
        await super().on_event(event)

    def on_resize(self) -> None:
        """What is always there depends on the width."""
        if self._places.open:
            self._around.draw()

    def _fatal_error(self) -> None:
        """End with one line in place of a traceback, whose locals could show a secret."""
        error = self._exception
        self.fault = self._crashed(error) if self._crashed is not None and error is not None else "it failed unexpectedly"
        if self._acted:
            # What nobody sees any more, and nobody could end, is not to go on.
            if self.acting.running is not None:
                self.fault += f"; {self.acting.running.title} was under way, and ends after its batch"
            self.acting.leave()
        self.bell()
        self._close_messages_no_wait()
