"""The sweep: finding schedules whose entry somebody deleted, or its job, a stretch at a time, and putting the entry back.

A schedule whose user is gone must not fire: its entry is dropped instead. The sweep puts it back if the user comes back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from redis import Redis
from redis.client import Pipeline

from jobs import heartbeat_entry, keys, schedules, scripts, users
from jobs.prototype import entry_fields, job_key
from jobs.schedules import Schedule, member_parts, schedule_id

logger = logging.getLogger("jobs.sweep")

STRETCH = 1_000
"""Schedules looked at by one script: about 4 ms of the server's time."""


@dataclass(frozen=True, slots=True)
class Mended:
    """Schedules whose entry was put back, and orphans: members of the index whose schedule cannot be read any more, or whose
    user is gone."""

    rearmed: int
    orphans: int


def all_schedules(connection: Redis) -> tuple[Mended, int]:
    """Sweep from end to end, and put the heartbeat's entry in its place. Returns what was mended, and of how many."""
    heartbeat_entry.install(connection)
    total = schedules.count(connection)
    cursor, rearmed, orphans = b"", 0, 0
    while True:
        cursor, *found = scripts.SWEEP.run(connection, [keys.SCHEDULES, keys.ENTRIES], arguments(cursor, STRETCH))
        mended = mend(connection, found)
        rearmed, orphans = rearmed + mended.rearmed, orphans + mended.orphans
        if not cursor:
            return Mended(rearmed, orphans), total


def arguments(cursor: bytes, stretch: int) -> list[scripts.Argument]:
    """The arguments of a sweep of `stretch` schedules that go on after the member `cursor` (lua/sweep.lua)."""
    return [cursor, stretch, keys.RQ_JOB, keys.USER]


def mend(connection: Redis, members: Sequence[bytes]) -> Mended:
    """Put back the entries of those members of keys.SCHEDULES, and drop those of members whose user is gone, in three round
    trips."""
    if not members:
        return Mended(0, 0)
    names = [member_parts(member) for member in members]
    there = users.known(connection, [user_id for user_id, _ in names])
    found = schedules.get_many(connection, [schedule_id(*name) for name in names])
    lost = [schedule for schedule, known in zip(found, there, strict=True) if schedule is not None and known]
    gone = [name for name, known in zip(names, there, strict=True) if not known]
    now = time.time()
    with connection.pipeline(transaction=False) as pipe:
        for schedule in lost:
            _queue_arm(pipe, schedule, now)
        for user_id, task in gone:
            one = schedule_id(user_id, task)
            scripts.DROP_ORPHAN.queue(pipe, [keys.ENTRIES, keys.USER + user_id, job_key(one)], [one])
        replies = pipe.execute()
    if dropped := sum(replies[len(lost) :]):
        logger.warning("%d entries are dropped: their users are gone; `tq-console schedules repair` drops the rest", dropped)
    return Mended(sum(replies[: len(lost)]), len(found) - len(lost))


def _queue_arm(pipe: Pipeline, schedule: Schedule, now: float) -> None:
    fields = entry_fields(schedule.path, schedule.user, schedule.lane)
    scripts.ARM.queue(
        pipe,
        [keys.ENTRIES, keys.SCHEDULE + schedule.id, job_key(schedule.id)],
        [schedule.id, schedule.slots.next_after(now), *(word for pair in fields.items() for word in pair)],
    )
