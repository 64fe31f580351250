"""What the demonstration does: it sets the stage, imports the sample users, lets stock processes do their work, and watches."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from console.demo import processes, sample, stage
from console.demo.processes import Interruption
from console.demo.reading import Reading, lost_runs, read, since
from console.demo.stage import Spoiled, Stage
from console.model.counting import counted
from jobs.imports import import_users

REFRESH = 1.0
"""Seconds between two readings."""

TICK = 0.1
"""Seconds between two looks at the processes."""

SILENCE = 10.0
"""Seconds without an answer after which the server counts as lost, although its process is there."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for. `users` None means: the shipped ones; `seconds` None: until interrupted; `keep` is a folder."""

    users: int | None = None
    workers: int = 3
    seconds: float | None = None
    keep: Path | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that should not have happened, in one line; `code` is its kind."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened in `seconds`. `site` is what the sample site was asked for, empty when it could not be asked. `kept` is the
    folder that stays, and `continued` says that it held the data of an earlier demonstration."""

    seconds: float
    reading: Reading
    problems: tuple[Problem, ...] = ()
    site: Mapping[str, Any] = field(default_factory=dict)
    interrupted: bool = False
    kept: Path | None = None
    continued: bool = False


Show = Callable[[Reading, float, Stage], None]


def play(plan: Plan, asked: Interruption, show: Show, over: Callable[[], bool] = lambda: False) -> Outcome:
    """Run the demonstration until its time is up or it is `over`, calling `show` with each reading, the seconds since the
    start, and the stage.

    Raises Spoiled when it could not begin and KeyboardInterrupt when it was interrupted before. No process that it started is
    left when it returns or raises.
    """
    with stage.opened(plan.keep, asked) as on:
        stage.start_server(on, keep=plan.keep is not None)
        site = stage.start_site(on)
        with stage.connected(on) as connection:
            bad = _import(connection, on, site, plan.users)
            first = read(connection)
            stage.start_workers(on, plan.workers)
            stage.start_scheduler(on)
            started = time.monotonic()
            reading, problem = _watch(connection, on, first, plan.seconds, show, over)
            seconds = time.monotonic() - started
            if problem:
                outcome = Outcome(seconds, since(reading, first), (*bad, problem))
            else:
                outcome = _conclude(connection, on, site, first, seconds, bad)
            return replace(outcome, kept=on.folder if on.kept else None, continued=on.continued)


def _import(connection: Redis, on: Stage, site: str, count: int | None) -> tuple[Problem, ...]:
    """Write the sample users into a file and import it as `tq-console users import` does."""
    file = on.folder / "sample-users.csv"
    try:
        sample.write_users(file, site, count)
    except OSError as error:
        raise Spoiled(f"{file}: cannot be written ({error.strerror})") from None
    with file.open("rb") as stream:
        # Users of an earlier demonstration in this folder have sources on a site that is no more.
        imported = import_users(connection, stream, name=file.name, format="csv", prune=True, on_progress=lambda _: on.check())
    return tuple(Problem("bad_user", f"{file.name}, line {row.line}: {row.reason}") for row in imported.bad)


def _watch(
    connection: Redis, on: Stage, first: Reading, limit: float | None, show: Show, over: Callable[[], bool]
) -> tuple[Reading, Problem | None]:
    """Read and show until time is up, it is over, somebody interrupts, or something goes wrong. Returns the last reading."""
    started = heard = shown = time.monotonic()
    reading = first
    show(since(reading, first), 0.0, on)
    while not on.asked.times and not over() and (limit is None or time.monotonic() - started < limit):
        if ended := processes.first_ended(on.children):
            return reading, Problem("process_died", processes.obituary(ended))
        now = time.monotonic()
        if now - shown >= REFRESH:
            # A server that is gone is a process that has ended, and the next look says so.
            with suppress(RedisError):
                reading, heard = read(connection), time.monotonic()
                show(since(reading, first), now - started, on)
            shown = now
        if now - heard > SILENCE:
            return reading, Problem("server_silent", f"valkey has not answered for {SILENCE:.0f} s")
        time.sleep(TICK)
    return reading, None


def _conclude(connection: Redis, on: Stage, site: str, first: Reading, seconds: float, bad: tuple[Problem, ...]) -> Outcome:
    """End the work, let the runs that go on come to their end, and count when nothing moves any more. Whoever interrupts
    meanwhile does not wait for these runs, and then nobody can say whether one was lost."""
    times = on.asked.times
    on.end("scheduler", "worker")
    on.check_processes()
    reading = read(connection)
    hurried = on.asked.times > times
    problems = (*bad, *_problems(reading, [] if hurried else lost_runs(connection)))
    return Outcome(seconds, since(reading, first), problems, _seen(site), interrupted=on.asked.times > 0)


def _problems(reading: Reading, lost: list[str]) -> list[Problem]:
    found = [Problem("run_lost", f"run {run_id} is neither waiting nor ended") for run_id in lost]
    if reading.set_aside:
        count = counted(reading.set_aside, "entry was", "entries were")
        found.append(Problem("set_aside", f"{count} set aside, because rqscheduler would have died of it"))
    if missing := max(0, reading.schedules - reading.armed):
        count = counted(missing, "schedule has", "schedules have")
        found.append(Problem("unarmed", f"{count} no entry and will not come due"))
    return found


def _seen(site: str) -> Mapping[str, Any]:
    """What the site says it was asked for."""
    try:
        with urllib.request.urlopen(f"{site}/seen", timeout=5) as answer:  # noqa: S310 - the demonstration's own site
            found = json.load(answer)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
