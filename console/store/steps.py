"""Several readings that share their round trips: each asks, waits for the trip, and asks what it could not ask before.

A reading is a generator. What it asks of its Line goes into one trip with what the others ask; `yield` is where the trip is
made, after which the answers have their values.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Generic, TypeVar

from redis import Redis

from console.model.status import Refused
from console.store.trip import Answer, Trip

T = TypeVar("T")
Steps = Generator[None, None, T]


class Line:
    """The way to one server. `trip` is the round trip that is made next; `refused` is what the server would not tell so far."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection
        self._refused: dict[str, Refused] = {}
        self.trip = Trip(connection)

    @property
    def refused(self) -> tuple[Refused, ...]:
        """What the server would not tell, each thing once."""
        return tuple(self._refused.values())

    def ask(self, command: str, *arguments: str | bytes | float) -> Answer:
        """Add a command to the next trip."""
        return self.trip.ask(command, *arguments)

    def refuse(self, refused: Refused) -> None:
        """Name something that is not read, though the server would tell it."""
        self._refused[refused.what] = refused

    def go(self) -> None:
        """Make the trip. Raises redis' errors of the connection."""
        trip, self.trip = self.trip, Trip(self._connection)
        trip.go()
        self._refused.update({refused.what: refused for refused in trip.refused})


class Reading(Generic[T]):
    """One reading: `result` is there once it is `done`, at the latest when `together` has returned."""

    result: T

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps
        self.done = False

    def advance(self) -> bool:
        """Ask what comes next; False when it has all that it wants."""
        try:
            next(self._steps)
        except StopIteration as end:
            self.result, self.done = end.value, True
            return False
        return True


def together(line: Line, *readings: Reading[Any]) -> None:
    """Do these readings, in as many round trips as the longest of them takes, each in its turn of every trip.

    Raises redis' errors of the connection.
    """
    going = [reading for reading in readings if reading.advance()]
    while going:
        line.go()
        going = [reading for reading in going if reading.advance()]


def alone(line: Line, steps: Steps[T]) -> T:
    """Do one reading. Raises redis' errors of the connection."""
    reading = Reading(steps)
    together(line, reading)
    return reading.result


def beside(*readings: Reading[Any]) -> Steps[None]:
    """The same readings as steps of a longer one."""
    going = [reading for reading in readings if reading.advance()]
    while going:
        yield
        going = [reading for reading in going if reading.advance()]


def after(reading: Reading[T]) -> Steps[T]:
    """Wait for another reading of the same `together`, one that is named before the one that waits."""
    while not reading.done:
        yield
    return reading.result
