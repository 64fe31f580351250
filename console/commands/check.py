"""`tq-console check`: one line and an exit status for monitors."""

from __future__ import annotations

import os
import time

import click

from console.commands import output, parameters
from console.commands.exits import DONE, NOT_HELD
from console.commands.server import one_line_errors, reader
from console.model import words
from console.model.counting import counted
from console.model.queries import OverviewQuery
from console.model.status import Status
from console.model.text import visible
from console.store.seen import MAX_QUEUES
from jobs import durations, keys

Age = tuple[str, int]
"""The name of a queue, and the seconds that its next job may have waited."""


def age(value: str) -> Age:
    """A queue and a duration, written like high=60s."""
    queue, equals, duration = value.rpartition("=")
    if not equals or not queue:
        raise click.BadParameter(f"{visible(value)} is no threshold; write a queue and a duration, like high=60s")
    try:
        return queue, durations.seconds(duration)
    except ValueError as error:
        raise click.BadParameter(f"{visible(value)}: {visible(duration)} {error}") from None


@click.command()
@click.option("--max-age", "ages", metavar="Q=AGE", multiple=True, type=age, help="The next job of Q has not waited longer.")
@click.option("--max-failed", metavar="N", type=parameters.whole(0), help="No more failed jobs are kept, of all queues.")
@click.option("--min-workers", metavar="N", type=parameters.whole(1), help="So many workers at least are not gone.")
@one_line_errors
def check(ages: tuple[Age, ...], max_failed: int | None, min_workers: int | None) -> int:
    """One line for a monitor: exit status 0 if all thresholds hold, 1 if not, 3 if the server cannot be reached.

    Without thresholds it holds if there is no problem that is an error.
    """
    with reader() as server:
        found = server.read(OverviewQuery(size=MAX_QUEUES), time.time())
    assert isinstance(found, Status), "a reader answers what it is asked"
    if not ages and max_failed is None and min_workers is None:
        errors = [problem for problem in found.problems if problem.severity == "error"]
        failed = [f"{problem.code}: {problem.subject}: {problem.message}" for problem in errors]
    else:
        failed = [*_too_old(found, ages), *_too_many(found, max_failed), *_too_few(found, min_workers)]
    unused = [f"RQ knows no queue {visible(os.fsdecode(name))} yet" for name in _unknown(found, ages)]
    output.say(f"failed: {'; '.join(failed)}" if failed else f"ok: {', '.join([_told(found), *unused])}")
    return NOT_HELD if failed else DONE


def _unknown(status: Status, ages: tuple[Age, ...]) -> list[bytes]:
    """The queues with a threshold that have had no job yet, or are of a wrong name."""
    known = {queue.key for queue in status.queues}
    return [name for name in (os.fsencode(queue) for queue, _ in ages) if name not in known]


def _too_old(status: Status, ages: tuple[Age, ...]) -> list[str]:
    queues = {queue.key: queue for queue in status.queues}
    unread = any(one.what == "queues" for one in status.unread) or any(one.what == keys.RQ_QUEUES for one in status.refused)
    failed = []
    for name, most in ages:
        queue = queues.get(os.fsencode(name))
        if queue is None:
            # RQ lists a queue from its first job on, so in one that it does not list nothing waits.
            if unread:
                failed.append(f"{name}: it is not among the queues that could be read")
        elif queue.waiting is None or (queue.waiting and queue.oldest_s is None):
            failed.append(f"{queue.name}: how long its next job has waited cannot be read")
        elif queue.oldest_s is not None and queue.oldest_s > most:
            failed.append(f"{queue.name}: its next job has waited {words.age(queue.oldest_s)}, {words.age(most)} at the most")
    return failed


def _too_many(status: Status, most: int | None) -> list[str]:
    if most is None:
        return []
    if any(queue.failed is None for queue in status.queues):
        return ["how many jobs have failed cannot be read"]
    total = sum(queue.failed or 0 for queue in status.queues)
    return [f"{counted(total, 'failed job')}, {most:,} at the most"] if total > most else []


def _too_few(status: Status, least: int | None) -> list[str]:
    present = _present(status)
    return [f"{counted(present, 'worker')}, {least:,} at the least"] if least is not None and present < least else []


def _present(status: Status) -> int:
    return sum(worker.verdict != "gone" for worker in status.workers)


def _told(status: Status) -> str:
    waiting = sum(queue.waiting or 0 for queue in status.queues)
    failed = sum(queue.failed or 0 for queue in status.queues)
    return f"{counted(waiting, 'job waits', 'jobs wait')}, {failed:,} failed, {counted(_present(status), 'worker')}"
