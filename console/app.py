"""The console: it wires screens, history, the poller and the table of actions together, and reads nothing itself.

Threads read (poller.py) and post messages; only handlers here and in the views touch what is drawn.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import events, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from console import private_file, themes
from console.actions import ACTIONS, BY_ID, SCREENS, Action, applies
from console.copying import Copying
from console.messages import (
    OperationEnded,
    OperationProgressed,
    PreviewGrew,
    ReadFailed,
    SearchProgressed,
    SnapshotReady,
)
from console.model.filters import Filter, FilterError
from console.model.ports import Target
from console.model.queries import (
    ActivityQuery,
    FailuresQuery,
    JobsQuery,
    OverviewQuery,
    SchedulesQuery,
    UserQuery,
    ViewQuery,
    WorkersQuery,
    same_list,
)
from console.model.status import Status
from console.model.text import visible
from console.screens import views
from console.screens.filter_bar import FilterBar
from console.screens.history import History
from console.screens.main import Main
from console.screens.place import Place
from console.screens.view import Asks, Goes, Searches, Tells, View
from console.watch import Watch
from console.widgets.lines import Line

if TYPE_CHECKING:
    from console.acting import Acting

FIRST: Final[Mapping[str, ViewQuery]] = {
    "overview": OverviewQuery(),
    "jobs": JobsQuery(),
    "failures": FailuresQuery(),
    "schedules": SchedulesQuery(),
    "workers": WorkersQuery(),
    "activity": ActivityQuery(),
}
"""What a screen asks for when it is opened for the first time."""


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
        self.fault = ""
        self._refresh_s, self._clock, self._crashed = refresh_s, clock, crashed
        self._answered = answered
        self._expression = expression
        self._history = History(Place(screen, FIRST[screen]))
        self._zone: tzinfo | None = None
        self._copying = Copying(self)
        self._begun = False
        self._typed_ahead: list[str] = []
        for one in themes.THEMES:
            self.register_theme(one)
        self.theme = themes.NAMES.get(theme, themes.DARK.name)
        self._look_at(target)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What a theme that is none of ours leaves unsaid."""
        return themes.DEFAULTS

    def get_default_screen(self) -> Screen[Any]:
        """The one screen, with the view that is opened first."""
        return Main(self._made(self._history.present.screen))

    async def on_main_started(self, message: Main.Started) -> None:
        """Begin to read, once there is something to show it on."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.exit)
        self._watch.poller.start()
        await self._show(self._history.present)
        if self._expression:
            self._filter_with(self._expression)
        self._begun = True
        for action in self._typed_ahead:
            await self.act(action)
        self.set_interval(1.0, self._draw_header)

    def exit(self, result: Target | None = None, return_code: int = 0, message: Any = None) -> None:
        """Read no more, and leave. What was read is for views that are being taken down."""
        self._open = False
        if self._acted:
            self.acting.leave()
        self._watch.poller.stop()
        super().exit(result, return_code, message)

    # --- where one is ---------------------------------------------------------------------------

    @property
    def screen_name(self) -> str:
        """The screen that is shown: a name of actions.py."""
        return self._history.present.screen

    @property
    def read_only(self) -> bool:
        """Whether nothing may be changed here."""
        return self.target.read_only or self.target.write is None or bool(self._watch.refuses)

    def offered(self) -> Sequence[Action]:
        """The actions that are there for what is shown."""
        screen, state = self.screen_name, self.view.standing
        return [action for action in ACTIONS if applies(action, screen, state, self.read_only)]

    @property
    def view(self) -> View:
        """The view that is shown."""
        return self._views[self.screen_name]

    def queues(self) -> Sequence[tuple[str, bytes]]:
        """The queues that were read last."""
        return [(queue.name, queue.key) for queue in status.queues] if (status := self._watch.status) is not None else []

    async def go(self, place: Place) -> None:
        """Show another place, and remember this one."""
        self._leave()
        self._history.go(place)
        await self._show(place)

    async def switch(self, target: Target) -> None:
        """Look at another server, from the same screen on."""
        if target.elsewhere:
            self.exit(target)
            return
        screen = self.screen_name if self.screen_name in SCREENS else "overview"
        self._watch.poller.stop()
        self._look_at(target, self._watch)
        self._watch.poller.start()
        self._history = History(Place(screen, FIRST[screen]))
        await self._main.query("View").remove()
        await self._show(self._history.present)

    def _leave(self) -> None:
        """Remember this place as it is when it is left."""
        self._history.leave(self.view.place())

    async def _show(self, place: Place) -> None:
        name = place.screen
        # Answers that come while this waits for a view are for none that is there.
        self._open = False
        if name not in self._views:
            self._made(name)
        view = self._views[name]
        if not view.is_attached:
            await self._main.query_one("#views").mount(view)
        for other in self._views.values():
            other.display = other is view
        view.zone = self._zone
        self._main.query_one(FilterBar).close()
        view.open(place)
        self._main.tell_done(())
        self._open = True
        self._draw_chrome()

    def _made(self, name: str) -> View:
        view = self._views[name] = views.made(name)
        return view

    def _look_at(self, target: Target, before: Watch | None = None) -> None:
        """Forget the server before, and get ready to read this one."""
        self._open = False
        self._views: dict[str, View] = {}
        self._watch = Watch(target, self.post_message, self._refresh_s, self._clock, before)

    # --- what was read --------------------------------------------------------------------------

    def on_snapshot_ready(self, message: SnapshotReady) -> None:
        """Show an answer, unless it is one to what is no longer asked."""
        if not self._watch.belongs(message):
            return
        if isinstance(message.snapshot, Status):
            turned = self._watch.learn(message.snapshot)
            if turned and self._open:
                self._draw_footer()
        self._tell_answered()
        if self._open and self._watch.answers(message, self.view.asked):
            self._watch.failure = None
            self.view.show(message.query, message.snapshot)
        self._draw_header()

    def on_read_failed(self, message: ReadFailed) -> None:
        """Keep what is shown, and say how old it is and why. What failed for the screen before is of no account here."""
        if not self._watch.belongs(message):
            return
        self._tell_answered()
        if self._open and self._watch.answers(message, self.view.asked):
            self._watch.failure = message
            self.view.fail(message.reason)
        elif isinstance(message.query, OverviewQuery):
            # Nobody knows what is wrong with the installation any more.
            self._watch.status = None
        self._draw_header()

    def _tell_answered(self) -> None:
        """Once, when the first answer is on screen: the program has started."""
        if self._answered is not None:
            self.call_after_refresh(self._answered)
            self._answered = None

    def on_search_progressed(self, message: SearchProgressed) -> None:
        """Let the view that searches know, unless it has begun another search."""
        if self._open and message.seq == self._watch.poller.search_seq:
            self.view.progress(message.found, message.reason)

    def on_asks(self, message: Asks) -> None:
        """Read what the view wants to show."""
        if self._open and same_list(message.query, self.view.asked):
            self._watch.poller.ask(message.query, message.fresh)

    def on_searches(self, message: Searches) -> None:
        """Search for what the view wants to list."""
        if message.query is None:
            self._watch.poller.cancel_search()
        elif self._open and same_list(message.query, self.view.asked):
            self._watch.poller.search(message.query)

    async def on_goes(self, message: Goes) -> None:
        """Go where a row leads."""
        await self.go(message.place)

    def on_tells(self, message: Tells) -> None:
        """Draw the tabs and the footer anew."""
        if self._open:
            self._draw_tabs()
            self._draw_footer()

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
        """What every binding calls. What is typed before there is a screen is done as soon as there is one."""
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
        if named.danger:
            self.acting.begin(action)
        elif action.startswith("screen_"):
            await self._to_screen(SCREENS[int(action[-1]) - 1])
        elif (own := getattr(self, f"do_{action}", None)) is not None:
            result = own()
            if result is not None:
                await result
        elif isinstance(place := self.view.do(action), Place):
            await self.go(place)

    def _offers(self, action: Action) -> bool:
        return applies(action, self.screen_name, self.view.standing, self.read_only)

    async def _to_screen(self, screen: str) -> None:
        """A screen as it was left, under the filter that one has at present where it makes sense there."""
        if screen == self.screen_name:
            return
        place = self._history.newest(screen) or Place(screen, FIRST[screen])
        carried = str(self.view.said)
        await self.go(place)
        if carried and not place.filter:
            self._filter_with(carried, quietly=True)

    async def do_back(self) -> None:
        """Go back to where one was."""
        self._leave()
        if (place := self._history.back()) is not None:
            await self._show(place)
        else:
            self.say("this is where you began; q leaves")

    async def do_forward(self) -> None:
        """Go forward again."""
        self._leave()
        if (place := self._history.forward()) is not None:
            await self._show(place)
        else:
            self.say("there is nothing to go forward to")

    async def do_owner(self) -> None:
        """Everything of the user to whom this belongs."""
        user = self.view.owner()
        if user is None:
            self.say("this belongs to no user")
        else:
            await self.go(Place("user", UserQuery(user)))

    async def do_filter(self) -> None:
        """Edit the filter."""
        view = self.view
        await self._main.query_one(FilterBar).open(f"{view.said} " if view.said else "", view.FIELDS, view.parsed)

    def do_unfilter(self) -> None:
        """Show everything again."""
        self.view.widen()
        self._apply(Filter())

    def on_filter_bar_applied(self, message: FilterBar.Applied) -> None:
        """Show only what matches."""
        self._apply(message.filter)

    def do_refresh(self) -> None:
        """Read again at once, and search again."""
        self.view.do("refresh")
        self._watch.poller.again()

    def do_freeze(self) -> None:
        """Stop refreshing, or go on."""
        self._watch.freeze()
        self._draw_header()

    async def do_palette(self) -> None:
        """Ask where to go, or what to do."""
        from textual.command import CommandPalette

        from console.screens.palette import Palette

        await self.push_screen(
            CommandPalette([Palette], placeholder="job ID, user NAME, queue NAME, a screen, a context, an action …")
        )

    async def do_help(self) -> None:
        """Say what the keys do here."""
        from console.screens.help import Help

        await self.push_screen(Help(self.screen_name, self.offered(), self.view.FIELDS))

    def do_theme(self) -> None:
        """The next theme."""
        names = [one.name for one in themes.THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)]

    def do_zone(self) -> None:
        """Times in UTC, or in this machine's zone."""
        self._zone = UTC if self._zone is None else None
        self.view.zone = self._zone
        self.view.draw()
        self._draw_header()
        self.say("times are in UTC" if self._zone is UTC else "times are in this machine's zone")

    def do_copy(self) -> None:
        """Copy what the cursor is on."""
        self._copying.copy(self.view)

    def do_write(self) -> None:
        """Write what was copied last to a file."""
        self._copying.write(self.view)

    def do_outcomes(self) -> None:
        """How far the operation is, or what came of the last one."""
        self.acting.show()

    def do_quit(self) -> None:
        """Leave; not without a word while an operation is under way."""
        if not (self._acted and self.acting.keeps()):
            self.exit()

    @work(thread=True, exit_on_error=False)
    def save(self, what: str, text: str) -> None:
        """Write a text to a file in the working directory, and say where."""
        try:
            file = private_file.write(Path.cwd(), text)
        except OSError as error:
            reason = f"{error.filename}: {error.strerror}; start tq-console where you may write"
            self.call_from_thread(self.say, reason)
        else:
            self.call_from_thread(self.say, f"{what} written to {file}")

    # --- what is done to the server ---------------------------------------------------------------

    @cached_property
    def acting(self) -> Acting:
        """What is done to the server; who only looks need not wait for it."""
        from console.acting import Acting

        return Acting(self, self._clock)

    @property
    def _acted(self) -> bool:
        return "acting" in self.__dict__

    @property
    def target(self) -> Target:
        """The server that is looked at."""
        return self._watch.target

    @property
    def shown_zone(self) -> tzinfo | None:
        """The zone of absolute times, None for this machine's."""
        return self._zone

    def now(self) -> float:
        """Epoch seconds."""
        return self._clock()

    def read_again(self) -> None:
        """Read at once what is shown."""
        self._watch.poller.again()

    def tell_operation(self) -> None:
        """Say how far an operation is, and what came of it."""
        self._main.tell_done(*self.acting.told)
        self._draw_header()

    def lock(self, target: Target) -> None:
        """Change nothing any more on that server, since it does not let this console."""
        self.targets = [replace(one, read_only=True, write=None) if one is target else one for one in self.targets]
        if self._watch.target is target:
            self._watch.target = replace(target, read_only=True, write=None)
            self.say("the server lets this console change nothing: from here on it only looks")
            self._draw_chrome()

    def on_preview_grew(self, message: PreviewGrew) -> None:
        """More is known of what would be done."""
        self.acting.previewed(message)

    def on_operation_progressed(self, message: OperationProgressed) -> None:
        """An operation has come further."""
        self.acting.progressed(message)

    def on_operation_ended(self, message: OperationEnded) -> None:
        """An operation has ended."""
        self.acting.ended(message)

    def on_carrying_asked(self, message: Message) -> None:
        """Pause an operation, or cancel it."""
        self.acting.asked(message)

    # --- filters --------------------------------------------------------------------------------

    def _filter_with(self, expression: str, quietly: bool = False) -> None:
        try:
            found = self.view.parsed(expression)
        except FilterError as error:
            if not quietly:
                self.say(f"filter, column {error.column + 1}: {error.message}")
            return
        self._apply(found)

    def _apply(self, found: Filter) -> None:
        self.view.filter_with(found)
        self._draw_tabs()

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

    def _draw_chrome(self) -> None:
        self._draw_header()
        self._draw_tabs()
        self._draw_footer()

    def _draw_header(self) -> None:
        view, watch = self._views.get(self.screen_name), self._watch
        as_of = None if view is None else view.as_of
        running = self.acting.said if self._acted else ""
        self._main.tell_state(watch.target, watch.status, watch.fresh(as_of), self._zone, running)
        if watch.failure is not None and as_of is not None:
            self._main.tell_trouble(watch.failure.reason, watch.failure.again_s)
        else:
            self._main.tell_trouble("")

    def _draw_tabs(self) -> None:
        self._main.tell_place(self._history.present, self.view.said)

    def _draw_footer(self) -> None:
        self._main.tell_keys(self.offered(), self.view.summary())

    async def on_event(self, event: events.Event) -> None:
        """Take of what is pasted, which anybody may have written, one line, and nothing that would act on the terminal."""
        if isinstance(event, events.Paste):
            event.text = visible(next(iter(event.text.splitlines()), ""))
        await super().on_event(event)

    def on_resize(self) -> None:
        """What is always there depends on the width."""
        if self._open:
            self._draw_chrome()

    def _fatal_error(self) -> None:
        """End with one line in place of a traceback, whose locals could show a secret."""
        error = self._exception
        self.fault = self._crashed(error) if self._crashed is not None and error is not None else "it failed unexpectedly"
        self.bell()
        self._close_messages_no_wait()
