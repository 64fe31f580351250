"""Undoing: what an operation took into the trash is put back as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from redis import Redis

from console.model.commands import JobSeen, Outcome, TrashSeen, Undo
from console.store import scripts
from console.store.acts import job_scripts


def undo(
    connection: Redis,
    operation: str,
    command: Undo,
    taken: Sequence[TrashSeen],
    clock: Callable[[], float],
    more: Callable[[], bool],
) -> Iterator[list[Outcome]]:
    """Put back each of these, in the order given: what was taken last first, so that queues get back their order. Call by call,
    as job_scripts.each_call has it. Raises redis' errors."""
    script = scripts.load("jobs", "rate_limits", "entry_of", "trash", "dependencies", "undo")
    ids = [JobSeen(one.key, b"", "") for one in taken]
    return job_scripts.each_call(connection, script, operation, (command.operation,), ids, clock, more, when_full=True)
