"""The sweep: finding schedules whose entry somebody deleted, a stretch at a time, and putting the entry back."""

from __future__ import annotations

import time

from redis import Redis

from jobs import heartbeat_entry, keys, schedules, scripts
from jobs.prototype import entry_fields, job_key
from jobs.schedules import member_parts, schedule_id

STRETCH = 1_000
"""Schedules looked at by one script: under a millisecond of the server's time."""


def all_schedules(connection: Redis) -> tuple[int, int]:
    """Sweep from end to end, and put the heartbeat's entry in its place. Returns how many were put back and looked at."""
    heartbeat_entry.install(connection)
    total = schedules.count(connection)
    cursor, rearmed = b"", 0
    while True:
        cursor, *missing = scripts.SWEEP.run(connection, [keys.SCHEDULES, keys.ENTRIES], [cursor, STRETCH])
        rearmed += rearm(connection, missing)
        if not cursor:
            return rearmed, total


def rearm(connection: Redis, members: list[bytes]) -> int:
    """Put back the entries of those members of keys.SCHEDULES, in two round trips. Returns how many were missing still."""
    found = schedules.get_many(connection, [schedule_id(*member_parts(member)) for member in members]) if members else []
    lost = [schedule for schedule in found if schedule is not None]
    if not lost:
        return 0
    now = time.time()
    with connection.pipeline(transaction=False) as pipe:
        for schedule in lost:
            fields = entry_fields(schedule.path, schedule.user, schedule.lane)
            scripts.ARM.queue(
                pipe,
                [keys.ENTRIES, keys.SCHEDULE + schedule.id, job_key(schedule.id)],
                [schedule.id, schedule.slots.next_after(now), *(word for pair in fields.items() for word in pair)],
            )
        return sum(pipe.execute())
