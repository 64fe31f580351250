"""`tq-console worker stop-job`, `shutdown` and `kill-horse`, and `suspend` and `resume`, which are for all workers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import click

from console.commands.acting import How, act, acts
from console.commands.choosing import Chosen
from console.commands.parameters import duration, name
from console.commands.server import reader
from console.model.commands import Everything, KillHorse, ResumeAll, Shutdown, StopJob, Suspend, WorkerCommand, WorkerSeen
from console.model.queries import WorkersQuery
from console.model.workers import WorkersPage

ALL: Final = Chosen("all workers", "all workers", seen=(Everything(),))

_names = click.argument("names", metavar="NAME...", type=name, nargs=-1, required=True)


def _span(value: str) -> int:
    """Seconds, bare or with a unit."""
    found = int(value) if value.isdecimal() and len(value) <= 9 else duration(value)
    if not found:
        raise click.BadParameter("a second at least; without --for it is until they are resumed")
    return found


@click.group()
def worker() -> None:
    """Tell workers, by their names, what to do, and see them do it."""


@worker.command("stop-job")
@_names
@acts
def stop_job(how: How, names: tuple[bytes, ...]) -> int:
    """Let workers stop the jobs that they run; these are not tried again."""
    return _act(StopJob(), names, how)


@worker.command()
@_names
@acts
def shutdown(how: How, names: tuple[bytes, ...]) -> int:
    """Let workers end, each after the job that it runs."""
    return _act(Shutdown(), names, how)


@worker.command("kill-horse")
@_names
@acts
def kill_horse(how: How, names: tuple[bytes, ...]) -> int:
    """Let workers kill the processes in which they run their jobs; these fail, or are tried again."""
    return _act(KillHorse(), names, how)


@click.command()
@click.option("--for", "for_s", type=_span, metavar="SECONDS", help="Like 90 or 10m; without it, until they are resumed.")
@acts
def suspend(how: How, for_s: int | None) -> int:
    """Let all workers take no more jobs; what they run goes on."""
    return act(Suspend(for_s), ALL, how)


@click.command()
@acts
def resume(how: How) -> int:
    """Let all workers take jobs again."""
    return act(ResumeAll(), ALL, how)


def _act(command: WorkerCommand, names: Sequence[bytes], how: How) -> int:
    named = tuple(dict.fromkeys(names))
    with reader() as server:
        page = server.read(WorkersQuery(), time.time())
    assert isinstance(page, WorkersPage), "a reader answers what it is asked"
    known = {row.key: row.job_key for row in page.workers}
    seen = tuple(WorkerSeen(one, known[one]) for one in named if one in known)
    return act(command, Chosen("worker", "workers", seen=seen, named=named), how)
