"""The palette: go to a job, a user, a queue, a screen or a context by its name, or do any action of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import ClassVar, Final, Protocol, cast

from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.command import Command, CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher
from textual.markup import escape
from textual.widgets import Input

from console.actions import Action, shown
from console.model.ports import Target
from console.model.queries import JobQuery, JobsQuery, UserQuery
from console.model.text import visible
from console.screens.place import Place

IN_TURN: Final = {
    "enter": "submit",
    "down": "cursor_down",
    "up": "command_list('cursor_up')",
    "pagedown": "command_list('page_down')",
    "pageup": "command_list('page_up')",
}
"""Actions of the keys that are about what was typed before them."""

QUEUES: Final = 8
"""Queues that one search offers at the most."""


class Guide(Protocol):
    """What the palette needs of the app."""

    targets: Sequence[Target]

    def offered(self) -> Sequence[Action]:
        """The actions that are there at present."""

    async def go(self, place: Place) -> None:
        """Show another place."""

    def find(self, name: str) -> None:
        """Show the job, the user or the queue of that name, whichever there is."""

    async def act(self, action: str) -> None:
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
    do: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Answer:
    """An offer as the list has it: called when it is chosen."""

    typed: str
    offer: Offer

    def __call__(self) -> object:
        return self.offer.do()


class Palette(CommandPalette):
    """Does what is chosen of what matches what is typed.

    The list is made behind the keys, and keys come faster than they are dealt with. So Enter is about the text that was there
    when it was pressed, and what the list says of another one is not chosen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding(key, f"in_turn('{key}')", show=False, priority=True) for key in IN_TURN]

    def __init__(self) -> None:
        super().__init__([Offers], placeholder="job ID, user NAME, queue NAME, a screen, a context, an action …")

    def action_in_turn(self, key: str) -> None:
        """Take a key in its turn among those that write. Without a priority it went round by all that is around them."""
        line = self.query_one(Input)
        line.call_later(line.run_action if key == "enter" else self.run_action, IN_TURN[key])

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Leave it, unless it is left already: textual would leave what is beneath."""
        return super().dismiss(result) if self.is_current else AwaitComplete()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do the first that matches, unless the list is about just this text: then what is highlighted there."""
        typed = event.value.strip()
        if self._highlighted() == typed:
            return
        event.stop()
        event.prevent_default()
        offers = _best(cast(Guide, self.app), typed)
        if offers:
            self.app.post_message(CommandPalette.Closed(option_selected=True))
            self.dismiss()
            self.app.call_later(offers[0].do)

    def _highlighted(self) -> str | None:
        """The text of which the highlighted offer is one, None where there is none."""
        options = self.query_one(CommandList)
        option = None if options.highlighted is None else options.get_option_at_index(options.highlighted)
        answer = option.hit.command if isinstance(option, Command) else None
        return answer.typed if isinstance(answer, Answer) else None


class Offers(Provider):
    """Offers what matches what is typed, and to take it as the name of a job, a user or a queue."""

    async def discover(self) -> Hits:
        """Everything that needs no name."""
        for offer in _standing(self._guide):
            yield DiscoveryHit(Content(offer.text), Answer("", offer), text=offer.text, help=escape(offer.help))

    async def search(self, query: str) -> Hits:
        """What matches `query`, the best first, then what it could be the name of."""
        for score, offer in _matching(self._guide, query):
            yield Hit(score, Content(offer.text), Answer(query, offer), text=offer.text, help=escape(offer.help))

    @property
    def _guide(self) -> Guide:
        return cast(Guide, self.app)


def _best(guide: Guide, typed: str) -> list[Offer]:
    """The offers for a text, in the order of the list."""
    if not typed:
        return list(_standing(guide))
    return [offer for _, offer in sorted(_matching(guide, typed), key=itemgetter(0), reverse=True)]


def _matching(guide: Guide, typed: str) -> Iterator[tuple[float, Offer]]:
    matcher = Matcher(typed)
    found = 0
    for offer in [*_standing(guide), *_queues(guide)]:
        score = matcher.match(offer.text)
        found += score > 0 and offer.help == "queue"
        if score > 0 and (offer.help != "queue" or found <= QUEUES):
            yield 0.4 + score / 2, offer
    yield from _named(guide, typed)


def _standing(guide: Guide) -> Iterator[Offer]:
    for action in guide.offered():
        if action.id != "palette":
            keys = " ".join(shown(key) for key in action.keys[:2])
            yield Offer(f"{action.label}  ({keys})", action.help, _doing(guide, action.id))
    for target in guide.targets if len(guide.targets) > 1 else ():
        yield Offer(f"context {visible(target.name) or 'of RQ_REDIS_URL'}", target.url, _switching(guide, target))


def _queues(guide: Guide) -> Iterator[Offer]:
    for name, key in guide.queues():
        yield Offer(f"queue {visible(name)}", "queue", _going(guide, Place("jobs", JobsQuery(queue=key))))


def _named(guide: Guide, typed: str) -> Iterator[tuple[float, Offer]]:
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
        yield 0.31, Offer(f"go to {visible(name)}", help, _finding(guide, name))
    for at, (kind, place) in enumerate(places.items()):
        if name and (not sure or kind == word):
            offer = Offer(f"go to {kind} {visible(name)}, if there is one", "by its exact name", _going(guide, place))
            yield (1.0 if sure else 0.3 - at / 100), offer


def _doing(guide: Guide, action: str) -> Callable[[], object]:
    return lambda: guide.act(action)


def _going(guide: Guide, place: Place) -> Callable[[], object]:
    return lambda: guide.go(place)


def _finding(guide: Guide, name: str) -> Callable[[], object]:
    return lambda: guide.find(name)


def _switching(guide: Guide, target: Target) -> Callable[[], object]:
    return lambda: guide.switch(target)
