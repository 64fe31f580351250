"""The failed registries, listed beside the reading of what has come to them since they were listed last.

A long one that was listed before is not listed whole again, but for the stretches where it has changed, and some in turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import hiredis

from console.model.status import Refused
from console.store import registry_stretches
from console.store.ahead import Ahead, packed
from console.store.failure_batches import CHUNK, Listed
from console.store.job_lists import Held
from console.store.registry_changes import Comparison, Flat, Scored
from console.store.registry_stretches import MEMBERS, Stretch
from console.store.values import text

AHEAD: Final = 4
"""Commands that are sent before the first is answered."""

BETWEEN: Final = 3
"""Stretches that are taken in before each chunk that is to be read: what the buffer of a socket holds. The server lists on
meanwhile, and has listed all long before all is read: members of a registry that moves while it is listed may slip through, and
are told the next time, or when it is the turn of their stretch."""

LONG: Final = 8
"""Stretches of a registry for which it is worth to ask which have changed."""

IN_TURN: Final = 8
"""Stretches that are listed at each reading though they seem to be as they were; so is the uppermost of each registry."""


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of the registries by the name of their queue: their `members`, and, of those that were `listed` whole, the
    order in which they were told. `turn`: how often they were looked at."""

    members: Mapping[bytes, Mapping[bytes, Scored]]
    listed: Mapping[bytes, Flat]
    turn: int


class Listing:
    """Lists the members of `held` at `now` (epoch seconds), on a connection of its own, `most` in all."""

    def __init__(
        self, ahead: Ahead, held: Sequence[Held], before: Before, now: float, most: int, stopped: Callable[[], bool]
    ) -> None:
        self._ahead, self._held, self._before, self._now = ahead, held, before, now
        self._most, self._stopped = most, stopped
        self._compared = {queue: Comparison(known, before.listed.get(queue)) for queue, known in before.members.items()}
        self.given = 0
        """Members in the chunks so far."""
        self.ended = False
        """Whether all were listed, and all chunks asked for."""
        self.refused: dict[str, Refused] = {}
        self._untold: set[bytes] = set()

    def chunks(self) -> Iterator[Sequence[Listed]]:
        """The members that have come, or have another score than before, the newest of each queue first, until `stopped()` says
        so; a chunk may be empty. Raises redis' errors of the connection."""
        waiting: deque[Listed] = deque()
        for n, come in enumerate(self._come(), 1):
            waiting.extend(come)
            if n % BETWEEN == 0:
                yield self._chunk(waiting)
        while waiting and not self._stopped():
            yield self._chunk(waiting)
        self.ended = not self._stopped()

    def now(self) -> dict[bytes, Flat]:
        """The registries as they were listed, but for those of which something was refused."""
        return {queue: compared.now() for queue, compared in self._compared.items() if queue not in self._untold}

    def gone(self) -> Iterator[tuple[bytes, bytes]]:
        """The queues and ids of members that were known, and are no more, once it has `ended`. Of a registry of which something
        was refused nobody knows."""
        told = [(queue, compared) for queue, compared in self._compared.items() if queue not in self._untold]
        return ((queue, job) for queue, compared in told for job in compared.gone())

    def _chunk(self, waiting: deque[Listed]) -> list[Listed]:
        chunk = [waiting.popleft() for _ in range(min(CHUNK, len(waiting)))]
        self.given += len(chunk)
        return chunk

    def _come(self) -> Iterator[list[Listed]]:
        """Those that have come, of each stretch."""
        for queue, reply in self._replies():
            if isinstance(reply, hiredis.ReplyError):
                self._untold.add(queue)
                self.refused.setdefault(text(queue), Refused(text(queue), str(reply)))
                continue
            compared = self._compared.get(queue) or self._compared.setdefault(queue, Comparison({}))
            if isinstance(reply, Stretch):
                compared.remember(reply.start, reply.end)
                yield []
                continue
            stretch = list(chain.from_iterable(reply)) if reply and isinstance(reply[0], list) else reply
            yield [(job, queue, score) for job, score in compared.take(stretch)]

    def _replies(self) -> Iterator[tuple[bytes, Any]]:
        """What each command brings, with the queue that it is about, AHEAD commands sent before the first is awaited; and in
        their places the stretches that are as they were."""
        waiting: deque[tuple[bytes, Stretch | None]] = deque()
        for queue, part in self._parts():
            if self._stopped():
                return
            if isinstance(part, bytes):
                self._ahead.send(part, 1)
            waiting.append((queue, None if isinstance(part, bytes) else part))
            if len(waiting) > AHEAD:
                yield self._told(*waiting.popleft())
        while waiting:
            yield self._told(*waiting.popleft())

    def _told(self, queue: bytes, remembered: Stretch | None) -> tuple[bytes, Any]:
        return queue, self._ahead.replies(1)[0] if remembered is None else remembered

    def _parts(self) -> Iterator[tuple[bytes, Stretch | bytes]]:
        """The registries with the queue of each, those that expire from the latest on, then those that are kept for good: a
        stretch that is as it was, or a command that lists some."""
        most = self._most
        again = self._again() if sum(one.total for one in self._held) <= most else {}
        for one in self._held:
            expiring, kept = one.parts
            if one.owner in again:
                yield from ((one.owner, part) for part in again[one.owner])
                expiring = 0
            for command, count in (("ZREVRANGE", expiring), ("ZRANGE", kept)):
                wanted = min(count, most)
                most -= wanted
                for start in range(0, wanted, MEMBERS):
                    end = min(start + MEMBERS, wanted) - 1
                    yield one.owner, packed((command, one.key, str(start), str(end), "WITHSCORES"))

    def _again(self) -> dict[bytes, list[Stretch | bytes]]:
        """Of those registries that are known and long, how those parts of them that expire are told."""
        known: list[tuple[Held, Stretch]] = []
        upper: set[int] = set()
        for one in self._held:
            found = registry_stretches.stretches(self._before.listed.get(one.owner, []), int(self._now))
            if len(found) >= LONG:
                upper.add(len(known))
                known += [(one, stretch) for stretch in found]
        if not known:
            return {}
        due = upper | {(self._before.turn * IN_TURN + n) % len(known) for n in range(IN_TURN)}
        self._ahead.send(b"".join([packed(("ZCOUNT", one.key, each.above, each.up_to)) for one, each in known]), len(known))
        told: dict[bytes, list[Stretch | bytes]] = {}
        for at, ((one, stretch), count) in enumerate(zip(known, self._ahead.replies(len(known)), strict=True)):
            as_it_was = count == stretch.count and at not in due
            told.setdefault(one.owner, []).extend([stretch] if as_it_was else registry_stretches.again(one.key, stretch, count))
        return told
