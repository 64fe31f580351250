"""The palette: go to a job, a user, a queue, a screen or a context by its name, or do any action of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.markup import escape

from console.actions import Action, shown
from console.model.ports import Target
from console.model.queries import JobQuery, JobsQuery, UserQuery
from console.model.text import visible
from console.screens.place import Place

QUEUES = 8
"""Queues that one search offers at the most."""


class Guide(Protocol):
    """What the palette needs of the app."""

    targets: Sequence[Target]

    def offered(self) -> Sequence[Action]:
        """The actions that are there at present."""

    def go(self, place: Place) -> None:
        """Show another place."""

    def find(self, name: str) -> None:
        """Show the job, the user or the queue of that name, whichever there is."""

    def act(self, action: str) -> None:
        """Do an action."""

    def switch(self, target: Target) -> None:
        """Look at another server."""

    def queues(self) -> Sequence[tuple[str, bytes]]:
        """The queues that were read last, each as text and as Redis has it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be chosen: what is said of it, and what it does."""

    text: str
    help: str
    do: Callable[[], None]


class Palette(Provider):
    """Offers what matches what is typed, and to take it as the name of a job, a user or a queue."""

    async def discover(self) -> Hits:
        """Everything that needs no name."""
        for offer in self._standing():
            yield DiscoveryHit(Content(offer.text), offer.do, text=offer.text, help=escape(offer.help))

    async def search(self, query: str) -> Hits:
        """What matches `query`, the best first, then what it could be the name of."""
        matcher = self.matcher(query)
        found = 0
        for offer in [*self._standing(), *self._queues()]:
            score = matcher.match(offer.text)
            found += score > 0 and offer.help == "queue"
            if score > 0 and (offer.help != "queue" or found <= QUEUES):
                yield Hit(0.4 + score / 2, Content(offer.text), offer.do, text=offer.text, help=escape(offer.help))
        for score, offer in self._named(query.strip()):
            yield Hit(score, Content(offer.text), offer.do, text=offer.text, help=escape(offer.help))

    @property
    def _guide(self) -> Guide:
        return cast(Guide, self.app)

    def _standing(self) -> Iterator[Offer]:
        guide = self._guide
        for action in guide.offered():
            if action.id != "palette":
                keys = " ".join(shown(key) for key in action.keys[:2])
                yield Offer(f"{action.label}  ({keys})", action.help, _doing(guide, action.id))
        for target in guide.targets if len(guide.targets) > 1 else ():
            yield Offer(f"context {visible(target.name) or 'of RQ_REDIS_URL'}", target.url, _switching(guide, target))

    def _queues(self) -> Iterator[Offer]:
        for name, key in self._guide.queues():
            yield Offer(f"queue {visible(name)}", "queue", _going(self._guide, Place("jobs", JobsQuery(queue=key))))

    def _named(self, typed: str) -> Iterator[tuple[float, Offer]]:
        """What `typed` could name: after the word job, user or queue surely, else whatever there is of that name first."""
        word, _, name = typed.partition(" ")
        sure = word in ("job", "user", "queue") and bool(name.strip())
        name = name.strip() if sure else typed
        key = name.encode("utf-8", "surrogateescape")
        places = {
            "job": Place("job", JobQuery(key)),
            "user": Place("user", UserQuery(name)),
            "queue": Place("jobs", JobsQuery(queue=key)),
        }
        if name and not sure:
            help = "the job, the user or the queue that has exactly this name"
            yield 0.31, Offer(f"go to {visible(name)}", help, _finding(self._guide, name))
        for at, (kind, place) in enumerate(places.items()):
            if name and (not sure or kind == word):
                offer = Offer(f"go to {kind} {visible(name)}, if there is one", "by its exact name", _going(self._guide, place))
                yield (1.0 if sure else 0.3 - at / 100), offer


def _doing(guide: Guide, action: str) -> Callable[[], None]:
    return lambda: guide.act(action)


def _going(guide: Guide, place: Place) -> Callable[[], None]:
    return lambda: guide.go(place)


def _finding(guide: Guide, name: str) -> Callable[[], None]:
    return lambda: guide.find(name)


def _switching(guide: Guide, target: Target) -> Callable[[], None]:
    return lambda: guide.switch(target)
