"""Commands on jobs: which script carries out which, and with what options."""

from __future__ import annotations

from collections.abc import Sequence

from redis import Redis
from rq import Queue

from console.model.commands import Cancel, Delete, JobCommand, JobSeen, Outcome, Requeue
from console.store import scripts
from console.store.acts import job_scripts


def act(
    connection: Redis, operation: str, command: JobCommand, jobs: Sequence[JobSeen], now: float, trash_s: float
) -> list[Outcome]:
    """Do it to each of these jobs that is still what was seen. What is deleted is in the trash for `trash_s` seconds. Raises
    redis' errors."""
    match command:
        case Requeue():
            options = (int(command.at_front), int(command.fresh_retries), Queue.DEFAULT_TIMEOUT)
            return job_scripts.run(
                connection, scripts.load("jobs", "rate_limits", "runs", "enqueueing", "requeue"), operation, options, jobs, now
            )
        case Cancel():
            script = scripts.load("jobs", "rate_limits", "places", "runs", "leaving", "cancel")
            return job_scripts.run(connection, script, operation, (int(command.with_entry),), jobs, now)
        case Delete():
            script = scripts.load("jobs", "rate_limits", "places", "runs", "leaving", "trash", "delete")
            asked = (operation, trash_s, int(command.with_entry), int(command.with_dependents))
            return job_scripts.run(connection, script, operation, asked, jobs, now)
        case _:
            raise NotImplementedError(command.WORD)
