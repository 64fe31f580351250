"""One schedule of a user, as the commands on it name it, look for it and show it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, TypeVar

import click
from redis import Redis

from console.commands import output
from console.commands.parameters import text
from console.commands.table import Column, table
from console.store.cadence_words import cadence_in_words
from jobs import schedules, users
from jobs.cadence import Cron, zone_of
from jobs.errors import UnknownSchedule
from jobs.schedules import Schedule

SLOTS_SHOWN: Final = 5

F = TypeVar("F", bound=Callable[..., Any])


def of_schedule(command: F) -> F:
    """The arguments USER and TASK."""
    return click.argument("user_id", metavar="USER", type=text)(click.argument("task", metavar="TASK", type=text)(command))


def scope(user_id: str, task: str) -> str:
    """A schedule in words: "schedule of scrape for ada"."""
    return f"schedule of {task} for {user_id}"


@contextmanager
def unknown_user_first(redis: Redis, user_id: str) -> Iterator[None]:
    """Say that the user is unknown rather than that an unknown user has no such schedule."""
    try:
        yield
    except UnknownSchedule:
        users.get(redis, user_id)
        raise


def found(redis: Redis, user_id: str, task: str) -> Schedule:
    """The schedule. Raises UnknownUser, UnknownSchedule."""
    with unknown_user_first(redis, user_id):
        return schedules.get(redis, user_id, task)


def definition(schedule: Schedule) -> str:
    """What it is in one line: "ada scrape: every hour, at :17; tier pro, lane high"."""
    stopped = ", paused" if schedule.paused else "" if schedule.active else ", inactive"
    words = cadence_in_words(schedule)
    return f"{schedule.user} {schedule.task}: {words}; tier {schedule.tier}, lane {schedule.lane}{stopped}"


def say_slots(schedule: Schedule, slots: Sequence[int], user_zone: str) -> None:
    """The slots in UTC and, where that is another, in the zone of the cron cadence or the user."""
    now = time.time()
    zone = schedule.zone if isinstance(schedule.cadence, Cron) else user_zone
    local = [datetime.fromtimestamp(slot, zone_of(zone)).isoformat(" ") for slot in slots]
    columns = [Column(name) for name in (("NEXT", "UTC") if zone == "UTC" else ("NEXT", "UTC", zone))]
    rows = [(output.relative(slot, now), output.utc(slot) or "", there) for slot, there in zip(slots, local, strict=True)]
    table(columns, [row[: len(columns)] for row in rows])
