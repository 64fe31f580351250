"""What a reading asks of the server: its round trips, and the commands in each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from console.store.trip import Trip


@dataclass
class Trips:
    """The trips that were made: of each, every command with its first words."""

    commands: list[list[str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.commands)


@contextmanager
def counted_trips() -> Iterator[Trips]:
    """Count the trips that are made meanwhile."""
    trips, go = Trips(), Trip.go

    def counted(trip: Trip) -> None:
        if trip._asked:
            trips.commands.append([command for command, _ in trip._asked])
        go(trip)

    Trip.go = counted  # type: ignore[method-assign]
    try:
        yield trips
    finally:
        Trip.go = go  # type: ignore[method-assign]
