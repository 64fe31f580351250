"""Where one has been: back and forward, as in a browser."""

from __future__ import annotations

from console.screens.place import Place

MOST = 100
"""Places that are remembered."""


class History:
    """Places, of which one is the present one."""

    def __init__(self, first: Place) -> None:
        self._places = [first]
        self._at = 0

    @property
    def present(self) -> Place:
        """Where one is."""
        return self._places[self._at]

    def leave(self, as_it_is: Place) -> None:
        """Remember the present place as it looks when it is left, with its cursor."""
        self._places[self._at] = as_it_is

    def go(self, place: Place) -> None:
        """Go on to another place; what lay ahead is forgotten."""
        self._places = [*self._places[: self._at + 1], place][-MOST:]
        self._at = len(self._places) - 1

    def back(self) -> Place | None:
        """The place before, None where there is none."""
        return self._move(-1)

    def forward(self) -> Place | None:
        """The place that was left with back."""
        return self._move(1)

    def newest(self, screen: str) -> Place | None:
        """The place on that screen where one was last."""
        for place in [*reversed(self._places[: self._at + 1]), *self._places[self._at + 1 :]]:
            if place.screen == screen:
                return place
        return None

    def _move(self, by: int) -> Place | None:
        if not 0 <= self._at + by < len(self._places):
            return None
        self._at += by
        return self.present
