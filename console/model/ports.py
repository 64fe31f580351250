"""What the console needs from outside of it. The composition root (cli.py) plugs the store in; tests plug in what they like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    # Each view imports the rows that it shows: a start waits for those of the first one only.
    from console.model.job import JobDetail
    from console.model.pages import Found, JobsPage
    from console.model.queries import SearchQuery, ViewQuery
    from console.model.schedules import SchedulesPage, UserPage
    from console.model.status import Status
    from console.model.workers import WorkersPage

Snapshot: TypeAlias = "Status | JobsPage | JobDetail | SchedulesPage | UserPage | WorkersPage"


class ReadError(Exception):
    """The server cannot be reached, or refuses: one line that says what, where and what to do, without a secret."""


class Reader(Protocol):
    """Reads one server. Used by one thread at a time; a search has a connection of its own, and may run beside a read."""

    def read(self, query: ViewQuery, now: float) -> Snapshot:
        """What `query` asks for, at `now` (epoch seconds). Raises ReadError."""

    def search(self, query: SearchQuery, now: float, stopped: Callable[[], bool]) -> Iterator[Found]:
        """Look for what matches the query's filter, chunk by chunk, until all or a bound is read or `stopped()` says so.
        Raises ReadError."""

    def close(self) -> None:
        """Let go of the server."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server that the console can look at. `name` is that of its context, empty for the one that RQ_REDIS_URL names; `url`
    has no secret; `colour` is blue, green, yellow or red. `elsewhere`: it needs a process of its own, since its keys have
    another prefix, which RQ reads once."""

    name: str
    url: str
    connect: Callable[[], Reader] = field(compare=False)
    colour: str = "blue"
    read_only: bool = False
    elsewhere: bool = False
