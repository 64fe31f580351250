"""What keys do that change what is looked at, or how: another place, a filter, the zone of times, what is copied."""

from __future__ import annotations

from datetime import UTC

from console.actions import SCREENS
from console.copying import Clipboard, Copying
from console.files import Files
from console.model.filters import Filter, FilterError
from console.model.queries import UserQuery
from console.places import Places
from console.reading import Reading
from console.screens.filter_bar import FilterBar
from console.screens.place import Place
from console.surround import Surround


class Looking:
    """Its methods that begin with `do_` are actions of the table."""

    def __init__(self, places: Places, reading: Reading, around: Surround, clipboard: Clipboard, files: Files) -> None:
        self._places, self._reading, self._around = places, reading, around
        self._say, self._files, self._copying = clipboard.say, files, Copying(clipboard, files.save)

    async def go(self, place: Place) -> None:
        """Show another place, and remember this one."""
        await self._places.go(place)
        self._around.draw()

    async def to_screen(self, number: int) -> None:
        """A screen, by its number, as it was left, under the filter that one has at present where it makes sense there."""
        screen = SCREENS[number - 1]
        if screen == self._places.screen:
            return
        place = self._places.newest(screen)
        carried = str(self._places.view.said)
        await self.go(place)
        if carried and not place.filter:
            self.filter_with(carried, quietly=True)

    async def do_back(self) -> None:
        """Go back to where one was."""
        if not await self._places.back():
            self._say("this is where you began; q leaves")
        self._around.draw()

    async def do_forward(self) -> None:
        """Go forward again."""
        if not await self._places.forward():
            self._say("there is nothing to go forward to")
        self._around.draw()

    async def do_owner(self) -> None:
        """Everything of the user to whom this belongs."""
        user = self._places.view.owner()
        if user is None:
            self._say("this belongs to no user")
        else:
            await self.go(Place("user", UserQuery(user)))

    async def do_problems(self) -> None:
        """List what is wrong, and go where the evidence of the chosen problem is seen."""
        status = self._reading.watch.status
        if status is None:
            self._say("what is wrong is not known yet")
        elif not status.problems:
            self._say("no problem was found")
        else:
            from console.screens.dialogs.problems import Problems

            main = self._around.main
            await main.app.push_screen(Problems(status.problems, self._reading.watch.target), self._opened)

    async def do_failing(self) -> None:
        """List what fails at present, and go where the chosen group is seen."""
        groups = self._places.view.failing()
        if groups is None:
            self._around.main.tell_hint("what fails is being read, and opens then")
        elif not groups.groups:
            self._say("nothing has failed")
        else:
            from console.screens.dialogs.failing import Failing

            await self._around.main.app.push_screen(Failing(groups, self._reading.watch.target), self._opened)

    async def _opened(self, place: Place | None) -> None:
        if place is not None:
            await self.go(place)

    # --- filters --------------------------------------------------------------------------------

    async def do_filter(self) -> None:
        """Edit the filter."""
        view = self._places.view
        bar = self._around.main.query_one(FilterBar)
        await bar.open(f"{view.said} " if view.said else "", view.FIELDS, view.parsed)

    def do_unfilter(self) -> None:
        """Show everything again; within a group first all of it."""
        self._places.view.widen()
        self.show_only(Filter())

    def filter_with(self, expression: str, quietly: bool = False) -> None:
        """Show only what matches an expression; say what is wrong with it, unless `quietly`."""
        try:
            found = self._places.view.parsed(expression)
        except FilterError as error:
            if not quietly:
                self._say(f"filter, column {error.column + 1}: {error.message}")
            return
        self.show_only(found)

    def show_only(self, found: Filter) -> None:
        """Show only what matches."""
        self._places.view.filter_with(found)
        self._around.tabs()

    # --- how it is looked at ----------------------------------------------------------------------

    def do_refresh(self) -> None:
        """Read again at once, and search again."""
        self._places.view.do("refresh")
        self._reading.watch.poller.again()

    def do_freeze(self) -> None:
        """Stop refreshing, or go on."""
        self._reading.watch.freeze()
        self._around.header()

    def do_zone(self) -> None:
        """Times in UTC, or in this machine's zone."""
        zone = self._places.zone = UTC if self._places.zone is None else None
        self._places.view.zone = zone
        self._places.view.draw()
        self._around.header()
        self._say("times are in UTC" if zone is UTC else "times are in this machine's zone")

    def do_copy(self) -> None:
        """Copy what the cursor is on."""
        self._copying.copy(self._places.view)

    def do_bundle(self) -> None:
        """Write an incident bundle of what the page is about, or of the group under the cursor."""
        if (found := self._places.view.subject()) is not None:
            self._files.bundle(self._reading.watch.target, found)

    def do_write(self) -> None:
        """Write what was copied last to a file."""
        self._copying.write(self._places.view)
