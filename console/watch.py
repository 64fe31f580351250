"""One server that is looked at: its poller, what is known of it, and how fresh that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from textual.message import Message

from console.messages import ReadFailed, SnapshotReady
from console.model.ports import Target
from console.model.queries import ViewQuery, same_list
from console.model.status import Status
from console.poller import Poller
from console.screens.chrome import Freshness

STALE_AFTER: Final = 5.0
"""Seconds without an answer after which what is shown counts as stale, though nothing has failed yet."""


class Watch:
    """`target` as it is read: `status` is its newest overview, `failure` why it does not answer, if it does not. `refuses` is
    why the server lets nothing be changed, as it was heard last, empty where it does not say so."""

    def __init__(
        self,
        target: Target,
        post: Callable[[Message], object],
        refresh_s: float,
        clock: Callable[[], float],
        before: Watch | None = None,
    ) -> None:
        """`before` is the watch of another server that this one takes the place of: what still comes from there is told by its
        number."""
        self.target = target
        self.status: Status | None = None
        self.refuses = ""
        self.failure: ReadFailed | None = None
        self.frozen = False
        self._answered_at: float | None = None
        self._refresh_s, self._clock = refresh_s, clock
        self._first = 0 if before is None else before.poller.last + 1
        self.poller: Poller = Poller(target.connect, post, refresh_s, clock, self._first)

    def answered(self) -> None:
        """Note that the server answers."""
        self._answered_at = self._clock()

    def learn(self, status: Status) -> bool:
        """Take in an overview; whether something may be changed now that could not be before, or the reverse."""
        before, self.refuses = self.refuses, status.server.refuses_writes
        self.status = status
        return bool(before) is not bool(self.refuses)

    def belongs(self, message: SnapshotReady | ReadFailed) -> bool:
        """Whether a message comes from this server."""
        return message.seq >= self._first

    def answers(self, message: SnapshotReady | ReadFailed, asked: ViewQuery) -> bool:
        """Whether a message is about what is `asked`, and not about what was asked before."""
        return message.seq == self.poller.seq and same_list(message.query, asked)

    def fresh(self, as_of: float | None) -> Freshness:
        """How fresh a screen is that was read at `as_of` (epoch seconds); of one that was not read yet, how long ago the server
        answered at all."""
        known = self._answered_at if as_of is None else as_of
        age = None if known is None else max(0.0, self._clock() - known)
        overdue = age is not None and not self.frozen and age > max(STALE_AFTER, 3 * self._refresh_s)
        return Freshness(as_of, self._refresh_s, age if self.failure is not None or overdue else None, self.frozen)

    def freeze(self) -> None:
        """Stop refreshing, or go on."""
        self.frozen = not self.frozen
        self.poller.freeze(self.frozen)
