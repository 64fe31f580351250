"""The writer of one server: every change that the console makes goes through here, to the module that makes it.

Where everything is only looked at, nothing imports this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, get_args

from redis import Redis
from redis.exceptions import NoPermissionError, ReadOnlyError, RedisError

from console.model.commands import (
    Command,
    JobCommand,
    JobSeen,
    Outcome,
    ScheduleCommand,
    ScheduleSeen,
    Seen,
    Stop,
    TrashSeen,
    Undo,
    WorkerCommand,
)
from console.model.operations import Ended, Operation
from console.model.ports import WriteError
from console.model.secrets import Secrets
from console.model.text import visible
from console.store.acts import audit
from console.store.server import connect, explained
from jobs.errors import JobsError

if TYPE_CHECKING:
    from console.store.acts.workers import Watched

_OF_JOBS: Final = get_args(JobCommand)
_OF_SCHEDULES: Final = get_args(ScheduleCommand)
_OF_WORKERS: Final = get_args(WorkerCommand)


TRASH_S: Final = 3_600.0
"""Seconds for which the trash keeps what was taken, unless it is said otherwise."""


def open_writer(url: str, mask: Sequence[str] = (), trash_s: float = TRASH_S) -> StoreWriter:
    """The writer of the server at `url`, which is reached when something is written. `mask`: as for open_reader, for what goes
    into the audit. `trash_s`: seconds for which the trash keeps what is taken. Raises WriteError when it is no URL."""
    try:
        return StoreWriter(connect(url), url, mask, trash_s)
    except ValueError as error:
        raise WriteError(str(error)) from None


class StoreWriter:
    """Changes the server of `connection`: console.model.ports.Writer."""

    def __init__(self, connection: Redis, url: str, mask: Sequence[str] = (), trash_s: float = TRASH_S) -> None:
        self._connection, self._url, self._secrets = connection, url, Secrets(tuple(mask))
        self._trash_s = trash_s
        self._watched: Watched = {}

    def begin(self, operation: Operation) -> None:
        """Note in the audit what is about to be done. Raises WriteError: then nothing may be done."""
        with self._one_line_errors():
            audit.begin(self._connection, operation, self._secrets)

    def act(self, operation: Operation, command: Command, seen: Sequence[Seen], now: float) -> Sequence[Outcome]:
        """Do `command` to a batch of what was seen, at `now` (epoch seconds); one outcome for each, in order.

        Raises WriteError when the server does not answer, or refuses: then what was done of the batch is not known.
        """
        with self._one_line_errors():
            if isinstance(command, _OF_SCHEDULES) or any(isinstance(one, ScheduleSeen) for one in seen):
                from console.store.acts import schedules

                return schedules.act(self._connection, operation, command, seen, now, self._trash_s)
            if isinstance(command, _OF_JOBS):
                from console.store.acts import jobs

                asked = [one for one in seen if isinstance(one, JobSeen)]
                return jobs.act(self._connection, operation.id, command, asked, now, self._trash_s)
            if isinstance(command, _OF_WORKERS):
                from console.store.acts import workers

                return workers.act(self._connection, operation.id, command, seen, self._watched)
            if isinstance(command, Undo):
                from console.store.acts import trash

                taken = [one for one in seen if isinstance(one, TrashSeen)]
                return trash.undo(self._connection, operation.id, command, taken, now)
            raise NotImplementedError(command.WORD)

    def check(self, command: Command, seen: Sequence[Seen]) -> Sequence[Outcome]:
        """What is seen of a command whose outcome was `sent`: the outcomes now, `sent` again where nothing is seen yet.
        Raises WriteError."""
        with self._one_line_errors():
            if isinstance(command, _OF_WORKERS):
                from console.store.acts import workers

                return workers.check(self._connection, command, seen, self._watched)
            if isinstance(command, Stop):
                from console.store.acts import jobs

                return jobs.check(self._connection, [one for one in seen if isinstance(one, JobSeen)])
        return [Outcome(one.key, "sent") for one in seen]

    def end(self, operation: Operation, ended: Ended) -> float | None:
        """Note in the audit what came of it, and return until when it can be undone. Raises WriteError."""
        with self._one_line_errors():
            return audit.end(self._connection, operation, ended, self._secrets)

    def close(self) -> None:
        """Let go of the server."""
        self._connection.close()

    @contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        try:
            yield
        except RedisError as error:
            refused = isinstance(error, NoPermissionError | ReadOnlyError)
            raise WriteError(explained(error, self._url), refused) from None
        except JobsError as error:
            raise WriteError(visible(str(error))) from None
