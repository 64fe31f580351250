"""A screen of the console: it asks with a query, shows snapshots that answer it, and does what actions say.

It reads nothing itself. The app gives it snapshots, and asks for what it wants through Asks and Goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message
from textual.widget import Widget

from console.model.filters import Filter, Kind, parse
from console.model.ports import Snapshot
from console.model.queries import FailingQuery, GroupsQuery, SearchQuery, ViewQuery
from console.screens.place import Place
from console.widgets.pieces import Piece

if TYPE_CHECKING:
    from console.actions import Action
    from console.model.failure_groups import Groups
    from console.model.incident import Subject
    from console.model.meant import Meant
    from console.model.pages import Found


class Asks(Message):
    """A view wants this to be read, again and again. `fresh`: it is another list, so that answers to what was asked before are
    stale; else it is another page of the same."""

    def __init__(self, query: ViewQuery, fresh: bool = True) -> None:
        super().__init__()
        self.query, self.fresh = query, fresh


class Searches(Message):
    """A view wants a search, or failures in groups, in place of the search before; None ends it."""

    def __init__(self, query: SearchQuery | GroupsQuery | FailingQuery | None) -> None:
        super().__init__()
        self.query = query


class Goes(Message):
    """A view wants to be left for another place."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place


class Tells(Message):
    """What the footer says at its right has changed."""


class View(Widget):
    """One screen. Its `name` is that of actions.py; `FIELDS` are those that a filter may name, none where it has no filter."""

    FIELDS: ClassVar[Mapping[str, Kind]] = {}

    BLANK = True

    DEFAULT_CSS = """
    View { height: 1fr; layout: vertical; }
    """

    asked: ViewQuery
    """What it shows, or waits for."""

    said: Filter = Filter()
    """The filter as it was asked for."""

    zone: tzinfo | None = None
    """The zone of absolute times; None is this machine's."""

    read_only: bool = False
    """Whether nothing may be changed on the server."""

    def open(self, place: Place) -> None:
        """Begin to show another place: forget what was shown, and say what is awaited."""
        raise NotImplementedError

    def place(self) -> Place:
        """Where one is, for the history."""
        raise NotImplementedError

    @property
    def as_of(self) -> float | None:
        """When what is shown was read; None while nothing is."""
        return None

    def parsed(self, expression: str) -> Filter:
        """The filter that `expression` says here. Raises FilterError."""
        return parse(expression, self.FIELDS)

    def filter_with(self, filter: Filter) -> None:
        """Show only what matches."""

    def widen(self) -> None:
        """Show more than one queue again, where one was chosen."""

    def draw(self) -> None:
        """Draw what was read last anew, as after a change of the zone."""

    def show(self, query: ViewQuery, snapshot: Snapshot) -> None:
        """Show the answer to `query`, one of those that this view asked."""
        raise NotImplementedError

    def fail(self, reason: str) -> None:
        """The server did not answer. What is shown stays; where nothing is yet, say why."""

    def progress(self, found: Found | None, reason: str) -> None:
        """The search that this view asked for has come further, or failed."""

    def grouped(self, groups: Groups | None, reason: str) -> None:
        """The grouping that this view asked for has come further, or failed."""

    def failing(self) -> Groups | None:
        """The groups of what fails at present, None where that is not known or not shown."""
        return None

    def do(self, action: str) -> Place | str | bool | None:
        """Do an action of actions.py. A place is where it leads, a text says why nothing is done; False and None mean that
        there is nothing to do it to."""
        method: Callable[[], Place | str | bool | None] | None = getattr(self, f"do_{action}", None)
        return method() if method is not None else False

    @property
    def standing(self) -> str:
        """The state of what is shown, or its source, by which actions are there or not; empty where that is of no account."""
        return ""

    def called(self, action: Action) -> Action:
        """An action under the name that it has for what is shown: of what is paused, pausing is resuming."""
        return action

    def meant(self, action: str) -> Meant | None:
        """What an action that changes something would be done to, as it is shown now; None where there is nothing."""
        return None

    def acted(self, keys: Collection[bytes]) -> None:
        """Something was done to these: take their marks off."""

    def came_back(self, key: bytes) -> None:
        """This is there again that had been taken: the cursor goes there."""

    def subject(self) -> Subject | None:
        """What an incident bundle would be about here, None where there is no such thing."""
        from console.model.incident import subject

        return subject(self.asked)

    def copied(self) -> tuple[str, str] | None:
        """What `y` copies: a word for it, and the text, visible, so that nothing in it acts where it is pasted."""
        return None

    def owner(self) -> str | None:
        """The user to whom what is under the cursor belongs."""
        return None

    def summary(self) -> Sequence[Piece]:
        """What the footer says at its right."""
        return ()
