"""Where one is: the views of one server, of which one is shown, and the way by which one came there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Final

from console.model.queries import (
    ActivityQuery,
    FailuresQuery,
    JobsQuery,
    OverviewQuery,
    SchedulesQuery,
    ViewQuery,
    WorkersQuery,
)
from console.screens import views
from console.screens.history import History
from console.screens.main import Main
from console.screens.place import Place
from console.screens.view import View

FIRST: Final[Mapping[str, ViewQuery]] = {
    "overview": OverviewQuery(),
    "jobs": JobsQuery(),
    "failures": FailuresQuery(),
    "schedules": SchedulesQuery(),
    "workers": WorkersQuery(),
    "activity": ActivityQuery(),
}
"""What a screen asks for when it is opened for the first time."""


class Places:
    """`zone` is that of absolute times, None for this machine's. While it is not `open`, no view is there to be shown anything:
    answers that come then are for none."""

    def __init__(self, main: Callable[[], Main], screen: str) -> None:
        """`main` is the screen on which views are shown, once there is one; `screen` is opened first."""
        self._main = main
        self._history = History(Place(screen, FIRST[screen]))
        self._views: dict[str, View] = {}
        self.zone: tzinfo | None = None
        self.open = False

    @property
    def present(self) -> Place:
        """The place that is shown, as it was gone to."""
        return self._history.present

    @property
    def screen(self) -> str:
        """Its screen: a name of actions.py."""
        return self._history.present.screen

    @property
    def view(self) -> View:
        """Its view."""
        return self._views[self.screen]

    @property
    def known(self) -> View | None:
        """Its view, None while there is none yet."""
        return self._views.get(self.screen)

    def first(self) -> View:
        """The view that is opened first, for the screen to begin with."""
        return self._made(self.screen)

    def newest(self, screen: str) -> Place:
        """A screen as it was left, else as it is opened for the first time."""
        return self._history.newest(screen) or Place(screen, FIRST[screen])

    async def begin(self) -> None:
        """Show where one is first."""
        await self._show(self.present)

    async def go(self, place: Place) -> None:
        """Show another place, and remember this one."""
        self._leave()
        self._history.go(place)
        await self._show(place)

    async def back(self) -> bool:
        """Go back to where one was, if one was anywhere."""
        self._leave()
        return await self._to(self._history.back())

    async def forward(self) -> bool:
        """Go forward again, if one went back."""
        self._leave()
        return await self._to(self._history.forward())

    async def begin_anew(self, screen: str) -> None:
        """Forget all views, for another server, and show that screen first."""
        self._history = History(Place(screen, FIRST[screen]))
        await self._main().query("View").remove()
        await self._show(self.present)

    def forget(self) -> None:
        """Show nothing any more: what comes is of another server."""
        self.open = False
        self._views = {}

    # --- inside ---------------------------------------------------------------------------------

    def _leave(self) -> None:
        """Remember this place as it is when it is left."""
        self._history.leave(self.view.place())

    async def _to(self, place: Place | None) -> bool:
        if place is not None:
            await self._show(place)
        return place is not None

    async def _show(self, place: Place) -> None:
        # Answers that come while this waits for a view are for none that is there.
        self.open = False
        view = self._views.get(place.screen) or self._made(place.screen)
        await self._main().turn_to(view)
        view.zone = self.zone
        view.open(place)
        self.open = True

    def _made(self, screen: str) -> View:
        view = self._views[screen] = views.made(screen)
        return view
