"""The failed registries, listed beside the reading of what has come to them since they were listed last."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

import hiredis

from console.model.status import Refused
from console.store.ahead import Ahead, packed
from console.store.failure_batches import CHUNK, Listed
from console.store.job_lists import Held
from console.store.registry_changes import Comparison, Flat, Scored
from console.store.values import text

RANKS: Final = 1_000
"""Members that one command reads."""

AHEAD: Final = 4
"""Such commands that are sent before the first is answered."""

BETWEEN: Final = 3
"""Such stretches that are taken in before each chunk that is to be read: what the buffer of a socket holds. The server lists on
meanwhile, and has listed all long before all is read: members of a registry that moves while it is listed may slip through, and
are told the next time."""


class Listing:
    """Lists the members of `held`, on a connection of its own, `most` in all."""

    def __init__(
        self,
        ahead: Ahead,
        held: Sequence[Held],
        known: Mapping[bytes, Mapping[bytes, Scored]],
        before: Mapping[bytes, Flat],
        most: int,
        stopped: Callable[[], bool],
    ) -> None:
        """`known` are the members of each queue's registry, which were told in the order of `before`, where there is one."""
        self._ahead, self._held, self._most, self._stopped = ahead, held, most, stopped
        self._compared = {queue: Comparison(members, before.get(queue)) for queue, members in known.items()}
        self.given = 0
        """Members in the chunks so far."""
        self.ended = False
        """Whether all were listed, and all chunks asked for."""
        self.refused: dict[str, Refused] = {}

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
        """The registries as they were listed."""
        return {queue: compared.now() for queue, compared in self._compared.items()}

    def gone(self) -> Iterator[tuple[bytes, bytes]]:
        """The queues and ids of members that were known, and are no more, once it has `ended`."""
        return ((queue, job) for queue, compared in self._compared.items() for job in compared.gone())

    def _chunk(self, waiting: deque[Listed]) -> list[Listed]:
        chunk = [waiting.popleft() for _ in range(min(CHUNK, len(waiting)))]
        self.given += len(chunk)
        return chunk

    def _come(self) -> Iterator[list[Listed]]:
        """Those that have come, of each stretch."""
        for queue, reply in self._replies():
            if isinstance(reply, hiredis.ReplyError):
                self.refused.setdefault(text(queue), Refused(text(queue), str(reply)))
                continue
            stretch = list(chain.from_iterable(reply)) if reply and isinstance(reply[0], list) else reply
            compared = self._compared.get(queue) or self._compared.setdefault(queue, Comparison({}))
            yield [(job, queue, score) for job, score in compared.take(stretch)]

    def _replies(self) -> Iterator[tuple[bytes, Any]]:
        """What each command brings, with the queue that it is about, AHEAD commands sent before the first is awaited."""
        waiting: deque[bytes] = deque()
        for queue, command in self._stretches():
            if self._stopped():
                return
            self._ahead.send(command, 1)
            waiting.append(queue)
            if len(waiting) > AHEAD:
                yield waiting.popleft(), self._ahead.replies(1)[0]
        for queue in waiting:
            yield queue, self._ahead.replies(1)[0]

    def _stretches(self) -> Iterator[tuple[bytes, bytes]]:
        """The commands that list the registries, RANKS members each, with the queue of each: those that expire from the latest
        on, then those that are kept for good."""
        most = self._most
        for one in self._held:
            expiring, kept = one.parts
            for command, count in (("ZREVRANGE", expiring), ("ZRANGE", kept)):
                wanted = min(count, most)
                most -= wanted
                for start in range(0, wanted, RANKS):
                    end = min(start + RANKS, wanted) - 1
                    yield one.owner, packed((command, one.key, str(start), str(end), "WITHSCORES"))
