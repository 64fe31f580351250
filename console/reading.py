"""What is read of the server that is looked at: which answers are shown, and what they tell of the server itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from textual.message import Message

from console.messages import GroupsProgressed, ReadFailed, SearchProgressed, SnapshotReady
from console.model.ports import Target
from console.model.queries import FailingQuery, FailuresQuery, GroupsQuery, OverviewQuery, SearchQuery, ViewQuery, same_list
from console.model.status import Status
from console.places import Places
from console.screens.view import Asks, Searches
from console.watch import Watch


class Reading:
    """Gives the view that is shown the answers to what it asks. `watch` is the server as it is read."""

    def __init__(
        self, places: Places, target: Target, post: Callable[[Message], object], refresh_s: float, clock: Callable[[], float]
    ) -> None:
        """Messages go to `post`; what is shown is read every `refresh_s` seconds, once it was begun."""
        self._places, self._post, self._refresh_s, self._clock = places, post, refresh_s, clock
        self.watch = Watch(target, post, refresh_s, clock)

    def begin(self) -> None:
        """Read from here on."""
        self.watch.poller.start()

    def end(self) -> None:
        """Read no more."""
        self.watch.poller.stop()

    def look_at(self, target: Target) -> None:
        """Read another server in place of this one."""
        self.end()
        self._places.forget()
        self.watch = Watch(target, self._post, self._refresh_s, self._clock, self.watch)
        self.begin()

    @property
    def read_only(self) -> bool:
        """Whether nothing may be changed there."""
        target = self.watch.target
        return target.read_only or target.write is None or bool(self.watch.refuses)

    def lock(self, target: Target) -> bool:
        """Change nothing any more on `target`; whether that is what is looked at."""
        here = self.watch.target is target
        if here:
            self.watch.target = replace(target, read_only=True, write=None)
        return here

    def queues(self) -> Sequence[tuple[str, bytes]]:
        """The queues that were read last."""
        return [(queue.name, queue.key) for queue in status.queues] if (status := self.watch.status) is not None else []

    # --- messages -------------------------------------------------------------------------------

    def ready(self, message: SnapshotReady) -> bool:
        """Show an answer, unless it is one to what is no longer asked; whether something may be changed now that could not be
        before, or the reverse."""
        self.watch.answered()
        turned = isinstance(message.snapshot, Status) and self.watch.learn(message.snapshot)
        if self._wanted(message):
            self.watch.failure = None
            self._places.view.read_only = self.read_only
            self._places.view.show(message.query, message.snapshot)
        return turned

    def failed(self, message: ReadFailed) -> None:
        """Keep what is shown, and say why it is old. What failed for the screen before is of no account here."""
        if self._wanted(message):
            self.watch.failure = message
            self._places.view.fail(message.reason)
        elif isinstance(message.query, OverviewQuery):
            # Nobody knows what is wrong with the installation any more.
            self.watch.status = None

    def searched(self, message: SearchProgressed) -> None:
        """Let the view that searches know, unless it has begun another search."""
        if self._places.open and message.seq == self.watch.poller.search_seq:
            self._places.view.progress(message.found, message.reason)

    def grouped(self, message: GroupsProgressed) -> None:
        """Let the view that groups know, unless it has begun another grouping, or another view has taken its place."""
        if self._shows(message.query) and message.seq == self.watch.poller.search_seq:
            self._places.view.grouped(message.groups, message.reason)

    def asked(self, message: Asks) -> None:
        """Read what the view wants to show."""
        if self._places.open and same_list(message.query, self._places.view.asked):
            self.watch.poller.ask(message.query, message.fresh)

    def searches(self, message: Searches) -> None:
        """Search for what the view wants to list."""
        query = message.query
        if query is None:
            self.watch.poller.cancel_search()
            return
        if self._shows(query):
            self.watch.poller.search(query)

    def _shows(self, query: SearchQuery | GroupsQuery | FailingQuery) -> bool:
        """Whether the view that is shown wants what is found by that."""
        asked: ViewQuery
        match query:
            case GroupsQuery():
                asked = FailuresQuery(query.queue, filter=query.filter)
            case FailingQuery():
                asked = OverviewQuery()
            case _:
                asked = query
        return self._places.open and same_list(asked, self._places.view.asked)

    def _wanted(self, message: SnapshotReady | ReadFailed) -> bool:
        return self._places.open and self.watch.answers(message, self._places.view.asked)
