"""What is always there around the view: drawn as things stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.actions import Action
from console.places import Places
from console.reading import Reading
from console.screens.main import Main


class Surround:
    """The header, the tabs and the footer."""

    def __init__(
        self,
        main: Callable[[], Main],
        places: Places,
        reading: Reading,
        offered: Callable[[], Sequence[Action]],
        running: Callable[[], str],
    ) -> None:
        """`offered` are the actions that the footer names, `running` is what the header says of an operation."""
        self._main, self._places, self._reading = main, places, reading
        self._offered, self._running = offered, running

    @property
    def main(self) -> Main:
        """The screen that it is on."""
        return self._main()

    def draw(self) -> None:
        """All of it."""
        self.header()
        self.tabs()
        self.footer()

    def header(self) -> None:
        """Which server it is, how fresh what is shown is, and what is wrong."""
        view, watch, main = self._places.known, self._reading.watch, self.main
        as_of = None if view is None else view.as_of
        main.tell_state(watch.target, watch.status, watch.fresh(as_of), self._places.zone, self._running())
        if watch.failure is not None and as_of is not None:
            main.tell_trouble(watch.failure.reason, watch.failure.again_s)
        else:
            main.tell_trouble("")

    def tabs(self) -> None:
        """Where one is, and under which filter."""
        self.main.tell_place(self._places.present, self._places.view.said)

    def footer(self) -> None:
        """What keys do here, and what the view counts."""
        screen = self._places.screen
        footed = [action for action in self._offered() if not action.footed or screen in action.footed]
        self.main.tell_keys(footed, self._places.view.summary())
