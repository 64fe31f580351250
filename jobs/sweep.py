"""The sweep: finding schedules whose entry somebody deleted, or its job, a stretch at a time, and putting the entry back."""

from __future__ import annotations

import time
from dataclasses import dataclass

from redis import Redis

from jobs import heartbeat_entry, keys, schedules, scripts
from jobs.prototype import entry_fields, job_key
from jobs.schedules import member_parts, schedule_id

STRETCH = 1_000
"""Schedules looked at by one script: about 3 ms of the server's time."""


@dataclass(frozen=True, slots=True)
class Mended:
    """Schedules whose entry was put back, and orphans: members of the index whose schedule cannot be read any more."""

    rearmed: int
    orphans: int


def all_schedules(connection: Redis) -> tuple[Mended, int]:
    """Sweep from end to end, and put the heartbeat's entry in its place. Returns what was mended, and of how many."""
    heartbeat_entry.install(connection)
    total = schedules.count(connection)
    cursor, rearmed, orphans = b"", 0, 0
    while True:
        cursor, *missing = scripts.SWEEP.run(connection, [keys.SCHEDULES, keys.ENTRIES], [cursor, STRETCH, keys.RQ_JOB])
        mended = rearm(connection, missing)
        rearmed, orphans = rearmed + mended.rearmed, orphans + mended.orphans
        if not cursor:
            return Mended(rearmed, orphans), total


def rearm(connection: Redis, members: list[bytes]) -> Mended:
    """Put back the entries of those members of keys.SCHEDULES, in two round trips."""
    if not members:
        return Mended(0, 0)
    found = schedules.get_many(connection, [schedule_id(*member_parts(member)) for member in members])
    lost = [schedule for schedule in found if schedule is not None]
    now = time.time()
    with connection.pipeline(transaction=False) as pipe:
        for schedule in lost:
            fields = entry_fields(schedule.path, schedule.user, schedule.lane)
            scripts.ARM.queue(
                pipe,
                [keys.ENTRIES, keys.SCHEDULE + schedule.id, job_key(schedule.id)],
                [schedule.id, schedule.slots.next_after(now), *(word for pair in fields.items() for word in pair)],
            )
        return Mended(sum(pipe.execute()), len(found) - len(lost))
