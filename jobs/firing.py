"""Firing: what becomes of one due entry. At most two round trips; every decision is on the definition as it stands now."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from redis import Redis
from rq.job import Job

from jobs import heartbeat_entry, keys, quarantine, reading, runs, schedules, scripts
from jobs.cadence import Jittered
from jobs.prototype import job_key
from jobs.schedules import MAX_RUNS, Schedule

logger = logging.getLogger("jobs.firing")

TRIES = 5
"""How often a definition that changes while it is being fired is read again before the entry is left for the next pass."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about a due entry: run `slot`, or skip for `reason`; `missed` earlier slots get no run; then `next_slot`."""

    slot: int
    next_slot: int
    reason: str
    missed: int


def decide(schedule: Schedule, due: float, now: float) -> Decision:
    """The decision for an entry that was due at `due` and is looked at at `now` (both epoch seconds, due <= now).

    After an outage the newest missed slot gets the one run, when it still lies inside the catch-up window.
    """
    slots = schedule.slots
    first = int(due)
    newest = max(first, slots.latest(now))
    next_slot = slots.next_after(max(now, newest))
    if isinstance(slots, Jittered) and slots.base_of(next_slot) <= newest:
        # The slot that was due came from another cadence, and this one only moves it: it has had its run.
        next_slot = slots.next_after(next_slot)
    missed = slots.count_between(first, newest) if newest > first else 0
    if schedule.paused:
        return Decision(newest, next_slot, "paused", 0)
    if not schedule.active:
        return Decision(newest, next_slot, "inactive", 0)
    late = schedule.catch_up is not None and now - newest > schedule.catch_up
    return Decision(newest, next_slot, "missed" if late else "", missed)


def fire(connection: Redis, entry_id: str, job: Job) -> str:
    """Fire the entry `entry_id`, whose job is `job`, and return what came of it (lua/fire.lua), or `orphan` or `unreadable`.

    `job` becomes the run. Raises what redis raises.
    """
    data = job.data
    for _ in range(TRIES):
        outcome = _fire_once(connection, entry_id, job, data)
        if outcome != "changed":
            return outcome
    return "changed"


def _fire_once(connection: Redis, entry_id: str, job: Job, data: bytes) -> str:
    key = keys.SCHEDULE + entry_id
    score, raw, read_at = reading.due(connection, entry_id)
    # A pass works from a list that may be old: by now, the entry may have been fired by another pass, or given another slot.
    # Its own clock told the scheduler that it was due, so the later of the two clocks counts.
    now = max(read_at, time.time())
    if score is None or score > now:
        return "moved"
    if raw == {}:
        scripts.DROP_ORPHAN.run(connection, [keys.ENTRIES, key, job_key(entry_id)], [entry_id])
        logger.warning("%s: its schedule is gone; the entry is dropped", entry_id)
        return "orphan"
    schedule = schedules.restore(entry_id, raw)
    if schedule is None:
        quarantine.set_aside(connection, entry_id.encode(), "the definition of its schedule cannot be read", "firing")
        logger.error("%s: the definition of its schedule cannot be read; `tq-console schedules repair` makes it anew", entry_id)
        return "unreadable"
    decision = decide(schedule, score, now)
    return _carry_out(connection, schedule, decision, score=score, now=now, job=job, data=data)


def _carry_out(
    connection: Redis, schedule: Schedule, decision: Decision, *, score: float, now: float, job: Job, data: bytes
) -> str:
    suffix = str(decision.slot)
    run_id = f"{schedule.id}-{suffix}"
    values: Any = ()
    if not decision.reason:
        job.data = data
        values = runs.fields(
            job,
            run_id=run_id,
            lane=schedule.lane,
            policy=schedule.policy,
            meta={
                "schedule": schedule.id,
                "user": schedule.user,
                "tier": schedule.tier,
                "task": schedule.task,
                "slot": decision.slot,
            },
            description=job.description or "",
            now=now,
        )
    outcome, heartbeat = scripts.FIRE.run(
        connection,
        [
            keys.ENTRIES,
            keys.SCHEDULE + schedule.id,
            keys.RUNS + schedule.id,
            job_key(run_id),
            keys.RQ_QUEUE + schedule.lane,
            keys.RQ_QUEUES,
            keys.WAITING + schedule.lane,
            keys.LANE + schedule.lane,
            keys.LANES,
        ],
        [
            schedule.id,
            repr(score),
            schedule.rev,
            decision.next_slot,
            run_id,
            suffix,
            decision.slot,
            schedule.overlap,
            now,
            decision.reason,
            decision.missed,
            schedule.lane,
            keys.RQ_JOB,
            MAX_RUNS,
            keys.HEARTBEAT_ENTRY,
            *values,
        ],
    )
    if not heartbeat:
        heartbeat_entry.install(connection)
    text: str = outcome.decode()
    return text
