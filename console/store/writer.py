"""The writer of one server: every change that the console makes goes through here, to the module that makes it.

Where everything is only looked at, nothing imports this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, get_args

from redis import Redis
from redis.exceptions import RedisError

from console.model.bulk import BATCH
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
    outcome,
)
from console.model.operations import Ended, Operation
from console.model.ports import WriteError
from console.model.secrets import Secrets
from console.model.text import visible
from console.store.acts import audit
from console.store.server import connect, explained, is_refusal
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

    def act(
        self,
        operation: Operation,
        command: Command,
        seen: Sequence[Seen],
        clock: Callable[[], float],
        more: Callable[[], bool] = lambda: True,
    ) -> Iterator[Sequence[Outcome]]:
        """Do `command` to what was seen, at what `clock` tells (epoch seconds): one outcome for each, in order, a batch at a
        time. No further batch is begun when `more()` is false.

        Raises WriteError when the server does not answer, or refuses, after the outcomes of that batch: they are not known.
        """
        schedules = isinstance(command, _OF_SCHEDULES) or any(isinstance(one, ScheduleSeen) for one in seen)
        with self._one_line_errors():
            if isinstance(command, _OF_JOBS) and not schedules:
                from console.store.acts import jobs

                asked = [one for one in seen if isinstance(one, JobSeen)]
                yield from jobs.act(self._connection, operation.id, command, asked, clock, more, self._trash_s)
            elif isinstance(command, Undo):
                from console.store.acts import trash

                taken = [one for one in seen if isinstance(one, TrashSeen)]
                yield from trash.undo(self._connection, operation.id, command, taken, clock, more)
            else:
                yield from self._batches(operation, command, seen, clock, more)

    def _batches(
        self,
        operation: Operation,
        command: Command,
        seen: Sequence[Seen],
        clock: Callable[[], float],
        more: Callable[[], bool],
    ) -> Iterator[Sequence[Outcome]]:
        for start in range(0, len(seen), BATCH):
            if start and not more():
                return
            batch = seen[start : start + BATCH]
            try:
                came = self._batch(operation, command, batch, clock())
            except (RedisError, JobsError) as error:
                refused = isinstance(error, RedisError) and is_refusal(error)
                yield [outcome(one.key, "refused" if refused else "unknown") for one in batch]
                raise
            yield came

    def _batch(self, operation: Operation, command: Command, seen: Sequence[Seen], now: float) -> Sequence[Outcome]:
        if isinstance(command, _OF_WORKERS):
            from console.store.acts import workers

            return workers.act(self._connection, operation.id, command, seen, self._watched)
        from console.store.acts import schedules

        return schedules.act(self._connection, operation, command, seen, now, self._trash_s)

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

    def settle(self, operation: Operation, command: Command, ended: Ended) -> Ended:
        """Note in the audit the end of an operation whose server went away in the middle, and return it with what the server
        has counted. Raises WriteError."""
        with self._one_line_errors():
            return audit.settle(self._connection, operation, command, ended, self._secrets)

    def close(self) -> None:
        """Let go of the server."""
        self._connection.close()

    @contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        try:
            yield
        except RedisError as error:
            raise WriteError(explained(error, self._url), is_refusal(error)) from None
        except JobsError as error:
            raise WriteError(visible(str(error))) from None
