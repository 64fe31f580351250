"""`tq-console requeue`, `retry-now`, `run-again`, `cancel`, `stop`, `delete`, `move`, `to-front`, `reschedule` and `empty`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from console.commands.acting import How, act, acts
from console.commands.choosing import Chosen, chosen, of_jobs
from console.commands.parameters import due, name, queue_to_come, rate, share, whole
from console.model.canary import Canary
from console.model.commands import (
    Cancel,
    Delete,
    Move,
    Requeue,
    Reschedule,
    RetryNow,
    RunAgain,
    Stop,
    ToFront,
)
from console.model.queries import JobsQuery
from console.model.text import decoded

_to_front = click.option("--to-front", "at_front", is_flag=True, help="To the front of their queues.")
_with_entry = click.option(
    "--with-entry", is_flag=True, help="Also jobs of rq-scheduler entries, whose schedules end with them."
)


def _tries(command: Callable[..., int]) -> Callable[..., int]:
    """A command after which jobs run, and of which a few may be tried first: its options, which it is given as one `canary`."""

    @wraps(command)
    def trying(first: int | None, pace: float | None, stop_above: float | None, **given: Any) -> int:
        if first is None and (pace is not None or stop_above is not None):
            raise click.UsageError("--rate and --stop-above say how --canary goes on; give --canary too")
        canary = None if first is None else Canary(first, pace or 50.0, 0.2 if stop_above is None else stop_above)
        return command(canary=canary, **given)

    found: Callable[..., int] = trying
    for option in (
        click.option("--stop-above", type=share, metavar="PCT", help="With --canary: while no more fail again.  [default: 20]"),
        click.option("--rate", "pace", type=rate, metavar="R", help="With --canary: then R a second.  [default: 50]"),
        click.option(
            "--canary", "first", type=whole(1, 10_000), metavar="N", help="N first; the others when these have ended well."
        ),
    ):
        found = option(found)
    return found


@click.command()
@of_jobs
@click.option("--fresh-retries", is_flag=True, help="With as many retries as they began with, where that is known.")
@_to_front
@_tries
@acts
def requeue(how: How, fresh_retries: bool, at_front: bool, canary: Canary | None, **jobs: Any) -> int:
    """Put failed and stopped jobs back into their queues: without --state, those of both."""
    return act(Requeue(fresh_retries, at_front), chosen(Requeue, **jobs), how, canary)


@click.command("retry-now")
@of_jobs
@_to_front
@_tries
@acts
def retry_now(how: How, at_front: bool, canary: Canary | None, **jobs: Any) -> int:
    """Put jobs that wait for a retry, or for their time, into their queues at once: without --state, those that wait for a
    retry."""
    return act(RetryNow(at_front), chosen(RetryNow, **jobs), how, canary)


@click.command("run-again")
@of_jobs
@_to_front
@_tries
@acts
def run_again(how: How, at_front: bool, canary: Canary | None, **jobs: Any) -> int:
    """Enqueue copies, under new ids, of jobs that have ended; they themselves stay as they are."""
    return act(RunAgain(at_front), chosen(RunAgain, **jobs), how, canary)


@click.command()
@of_jobs
@_with_entry
@acts
def cancel(how: How, with_entry: bool, **jobs: Any) -> int:
    """Cancel jobs that have not begun."""
    return act(Cancel(with_entry), chosen(Cancel, **jobs), how)


@click.command()
@of_jobs
@acts
def stop(how: How, **jobs: Any) -> int:
    """Let the workers stop running jobs, and see them stopped."""
    return act(Stop(), chosen(Stop, **jobs), how)


@click.command()
@of_jobs
@_with_entry
@click.option("--with-dependents", is_flag=True, help="Also jobs that others wait for; these then wait for ever.")
@acts
def delete(how: How, with_entry: bool, with_dependents: bool, **jobs: Any) -> int:
    """Take jobs into the trash, from which `undo` puts them back for an hour."""
    return act(Delete(with_entry, with_dependents), chosen(Delete, **jobs), how)


@click.command()
@of_jobs
@click.option("--to", type=queue_to_come, metavar="Q", required=True, help="The queue that they are moved to, at its end.")
@acts
def move(how: How, to: bytes, **jobs: Any) -> int:
    """Move waiting jobs to another queue: without --state, those that are queued."""
    return act(Move(to), chosen(Move, **jobs), how)


@click.command("to-front")
@of_jobs
@acts
def to_front(how: How, **jobs: Any) -> int:
    """Move queued jobs to the front of their queue, in the order given."""
    return act(ToFront(), chosen(ToFront, **jobs), how)


@click.command()
@of_jobs
@click.option("--due", "at", type=due, metavar="WHEN", required=True, help="Like now, 'in 10m', 15:04 or '2026-03-01 09:00'.")
@acts
def reschedule(how: How, at: float, **jobs: Any) -> int:
    """Change when scheduled jobs and retries are due."""
    return act(Reschedule(at), chosen(Reschedule, **jobs), how)


@click.command()
@click.argument("queue", metavar="QUEUE", type=name)
@_with_entry
@click.option("--with-dependents", is_flag=True, help="Also jobs that others wait for; these then wait for ever.")
@acts
def empty(how: How, queue: bytes, with_entry: bool, with_dependents: bool) -> int:
    """Take all jobs that wait in QUEUE into the trash, from which `undo` puts them back for an hour."""
    where = f"of the queue {decoded(queue)}"
    meant = Chosen(f"queued job {where}", f"queued jobs {where}", JobsQuery("queued", queue))
    return act(Delete(with_entry, with_dependents), meant, how, word="empty")
