"""What the console needs from outside of it. The composition root (cli.py) plugs the store in; tests plug in what they like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from console.model.activity import ActivityPage, OperationPage
    from console.model.commands import Command, Outcome, Seen
    from console.model.failure_groups import Groups
    from console.model.history import HistoryPage

    # Each view imports the rows that it shows: a start waits for those of the first one only.
    from console.model.job import JobDetail
    from console.model.operations import Ended, Operation
    from console.model.pages import Found, JobsPage
    from console.model.queries import FailingQuery, GroupsQuery, SearchQuery, SelectQuery, ViewQuery
    from console.model.schedules import SchedulesPage, SlotsPage, UserPage
    from console.model.selection import Selected
    from console.model.status import Status
    from console.model.why.page import Checkup, WhyPage
    from console.model.workers import WorkersPage

Snapshot: TypeAlias = (
    "Status | JobsPage | JobDetail | SchedulesPage | SlotsPage | UserPage | WorkersPage | ActivityPage | OperationPage"
    " | WhyPage | Checkup | HistoryPage"
)


class ReadError(Exception):
    """The server cannot be reached, or refuses: one line that says what, where and what to do, without a secret."""


class WriteError(Exception):
    """The server cannot be reached, or refuses to change something: one line that says what, where and what to do, without a
    secret. `refused`: it is not for this user, or not on this server, so that trying again is of no use."""

    def __init__(self, said: str, refused: bool = False) -> None:
        super().__init__(said)
        self.refused = refused


class Reader(Protocol):
    """Reads one server. Used by one thread at a time; a search has a connection of its own, and may run beside a read."""

    def read(self, query: ViewQuery, now: float) -> Snapshot:
        """What `query` asks for, at `now` (epoch seconds). Raises ReadError."""

    def search(self, query: SearchQuery, now: float, stopped: Callable[[], bool]) -> Iterator[Found]:
        """Look for what matches the query's filter, chunk by chunk, until all or a bound is read or `stopped()` says so.
        Raises ReadError."""

    def select(self, query: SelectQuery, now: float, stopped: Callable[[], bool], *, details: bool) -> Iterator[Selected]:
        """Everything that the query lists, or names in `only`, or finds by its filter, chunk by chunk, as what a command is
        done to. `details`: with a row for each, for the preview. Raises ReadError."""

    def groups(self, query: GroupsQuery | FailingQuery, now: float, stopped: Callable[[], bool]) -> Iterator[Groups]:
        """The failures in groups: an estimate first where there are many, then ever more of them, until all or a bound is read
        or `stopped()` says so; the last one is `done`. What was read is kept, and the next call reads what has changed.
        Runs beside a read, as a search does. Raises ReadError."""

    def close(self) -> None:
        """Let go of the server."""


class Writer(Protocol):
    """Changes one server. Used by one thread at a time. It does not exist where everything is only looked at."""

    def begin(self, operation: Operation) -> None:
        """Note in the audit what is about to be done. Raises WriteError: then nothing may be done."""

    def act(
        self,
        operation: Operation,
        command: Command,
        seen: Sequence[Seen],
        clock: Callable[[], float],
        more: Callable[[], bool],
    ) -> Iterator[Sequence[Outcome]]:
        """Do `command` to what was seen, at what `clock` tells (epoch seconds): one outcome for each, in order, batch by batch.
        While one batch is acted on, the outcomes of the one before it are told. No further one is begun when `more()` is false.

        Raises WriteError after the outcomes of the batch that failed: what was done of it is not known."""

    def check(self, command: Command, seen: Sequence[Seen]) -> Sequence[Outcome]:
        """What is seen by now of a command whose outcome was `sent`, for each, in order. Raises WriteError."""

    def end(self, operation: Operation, ended: Ended) -> float | None:
        """Note in the audit what came of it, and return until when it can be undone (epoch seconds), None where it cannot.
        Raises WriteError."""

    def settle(self, operation: Operation, command: Command, ended: Ended) -> Ended:
        """Note in the audit the end of an operation whose server went away in the middle, and return it with the counts that
        the server has of it, and until when it can be undone. Raises WriteError."""

    def close(self) -> None:
        """Let go of the server."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server that the console can look at. `name` is that of its context, empty for the one that RQ_REDIS_URL names; `url`
    has no secret; `colour` is blue, green, yellow or red. `elsewhere`: it needs a process of its own, since its keys have
    another prefix, which RQ reads once. `write` makes its writer, None where nothing may be changed. `production`: a command is
    confirmed by its name, typed. `trash_s`: for so many seconds what is taken there can be put back. `mask`: patterns of what
    is a secret there besides the usual, for what is written to files."""

    name: str
    url: str
    connect: Callable[[], Reader] = field(compare=False)
    colour: str = "blue"
    read_only: bool = False
    elsewhere: bool = False
    write: Callable[[], Writer] | None = field(default=None, compare=False)
    production: bool = False
    trash_s: float = 3_600.0
    mask: tuple[str, ...] = ()
