"""Commands on jobs: which script carries out which, and with what options."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, assert_never

from redis import Redis

from console.model import queue_names
from console.model.commands import (
    STATES,
    Cancel,
    Delete,
    JobCommand,
    JobSeen,
    Move,
    Outcome,
    Requeue,
    Reschedule,
    RetryNow,
    RunAgain,
    Stop,
    ToFront,
    outcome,
)
from console.model.text import visible
from console.store import scripts
from console.store.acts import job_scripts
from console.store.values import text
from jobs import keys
from jobs.scripts import Argument, Script

DEFAULT_TIMEOUT_S: Final = 180
"""What RQ gives a job that names no timeout (rq.Queue.DEFAULT_TIMEOUT): in the time in which RQ is imported a thousand jobs are
acted on."""

_ENQUEUEING: Final = ("jobs", "rate_limits", "runs", "enqueueing")
_LEAVING: Final = ("jobs", "rate_limits", "entry_of", "ranks", "places", "runs", "leaving")


def act(
    connection: Redis,
    operation: str,
    command: JobCommand,
    jobs: Sequence[JobSeen],
    clock: Callable[[], float],
    more: Callable[[], bool],
    trash_s: float,
) -> Iterator[list[Outcome]]:
    """Do it to each of these jobs that is still what was seen, call by call as job_scripts.each_call has it. What is deleted is
    in the trash for `trash_s` seconds. Raises redis' errors."""
    if wrong := _wrong(command):
        yield [outcome(job.key, "invalid", wrong) for job in jobs]
        return
    script, options = _script(command, operation, trash_s)
    apt = STATES[type(command)]
    yield from job_scripts.each_call(
        connection, script, operation, options, jobs, clock, more,
        inapt=lambda job: None if job.state in apt else _inapt(command, job),
        # The others would take more memory.
        when_full=isinstance(command, Cancel | Stop | Delete),
        most_us=job_scripts.WITH_TRASH_US if isinstance(command, Delete) else job_scripts.MOST_US,
    )  # fmt: skip


def check(connection: Redis, jobs: Sequence[JobSeen]) -> list[Outcome]:
    """What is seen of a stop that was sent: `sent` again while a job runs on. One round trip. Raises redis' errors."""
    with connection.pipeline(transaction=False) as pipe:
        for job in jobs:
            pipe.hget(keys.RQ_JOB.encode() + job.key, "status")
        statuses = pipe.execute(raise_on_error=False)
    return [_seen_of_stop(job, status) for job, status in zip(jobs, statuses, strict=True)]


def _script(command: JobCommand, operation: str, trash_s: float) -> tuple[Script, Sequence[Argument]]:
    match command:
        case Requeue():
            options = (int(command.at_front), int(command.fresh_retries), DEFAULT_TIMEOUT_S)
            return scripts.load(*_ENQUEUEING, "requeue"), options
        case RetryNow():
            return scripts.load(*_ENQUEUEING, "retry_now"), (int(command.at_front), DEFAULT_TIMEOUT_S)
        case RunAgain():
            return scripts.load(*_ENQUEUEING, "run_again"), (int(command.at_front), DEFAULT_TIMEOUT_S)
        case Move():
            return scripts.load("jobs", "entry_of", "runs", "waiting", "move"), (command.to,)
        case ToFront():
            return scripts.load("jobs", "waiting", "to_front"), ()
        case Reschedule():
            return scripts.load("jobs", "reschedule"), (repr(command.due),)
        case Stop():
            return scripts.load("jobs", "stop"), ()
        case Cancel():
            return scripts.load(*_LEAVING, "cancel"), (int(command.with_entry),)
        case Delete():
            asked = (operation, trash_s, int(command.with_entry), int(command.with_dependents))
            return scripts.load(*_LEAVING, "trash", "dependencies", "delete"), asked
        case _:
            assert_never(command)


def _wrong(command: JobCommand) -> str:
    """What is wrong with what is asked for, empty for nothing."""
    match command:
        case Reschedule() if not (math.isfinite(command.due) and command.due > 0):
            return "that is no instant"
        case Move():
            return queue_names.wrong(command.to)
        case _:
            return ""


def _inapt(command: JobCommand, job: JobSeen) -> Outcome:
    return outcome(job.key, "running" if job.state == "running" and isinstance(command, Cancel | Delete) else "state")


def _seen_of_stop(job: JobSeen, status: object) -> Outcome:
    if status == b"stopped":
        return outcome(job.key, "done")
    if status == b"started":
        return outcome(job.key, "sent")
    if isinstance(status, bytes):
        return outcome(job.key, "changed", f"it was not stopped: by now it is {visible(text(status))[:40]}")
    return outcome(job.key, "gone" if status is None else "unreadable")
