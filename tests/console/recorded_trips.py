"""What a reading asks of the server: its round trips, the commands in each, and how much each of these brings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from console.store.trip import Answer, Trip

RANGES: Final = {
    "ZRANGE", "ZREVRANGE", "ZRANGEBYSCORE", "ZRANGEBYLEX", "LRANGE", "SRANDMEMBER", "XRANGE", "XREVRANGE", "SORT_RO",
}  # fmt: skip
"""Commands that bring members of a container."""


@dataclass
class Trips:
    """The trips that were made: of each, every command; and the most members that one command has brought."""

    commands: list[list[str]] = field(default_factory=list)
    members: int = 0

    @property
    def count(self) -> int:
        return len(self.commands)


@contextmanager
def counted_trips() -> Iterator[Trips]:
    """Count the trips that are made meanwhile."""
    trips, go = Trips(), Trip.go

    def counted(trip: Trip) -> None:
        go(trip)
        if not trip._asked:
            return
        commands = []
        for command, answer in trip._asked:
            replies = [answer.value] if isinstance(answer, Answer) else answer.values
            commands += [command] * len(replies)
            if command in RANGES:
                trips.members = max(trips.members, *map(_members, replies))
        trips.commands.append(commands)

    Trip.go = counted  # type: ignore[method-assign]
    try:
        yield trips
    finally:
        Trip.go = go  # type: ignore[method-assign]


def _members(reply: Any) -> int:
    """Members of a reply, which may have their scores after them."""
    if not isinstance(reply, list):
        return 0
    scored = len(reply) > 1 and isinstance(reply[1], float)
    return len(reply) // 2 if scored else len(reply)
