"""What an operator or an application asks of schedules that exist: pause, run now, backfill, dispatch, repair."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from redis import Redis

from jobs import defining, keys, orphans, runs, schedules, scripts, sweep, tiers, users
from jobs.cadence import slots_between
from jobs.errors import InvalidSchedule, UnknownSchedule
from jobs.prototype import job_key
from jobs.schedules import Schedule, schedule_id

BATCH = 200
MAX_BACKFILL = 10_000
BACKFILL_LANE = "low"
MAX_NOTE = 500


@dataclass(frozen=True, slots=True)
class Started:
    """What came of `run_now`: the run, or why there is none (`overlap`: one has not ended yet; `exists`: somebody asked in the
    same millisecond)."""

    run: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Backfilled:
    """How many slots got a run, and how many had one that is still kept. `left` is the slot in the range (epoch seconds) that
    is due and that the schedule's entry has still to run, in its own lane; None where there is no such slot."""

    enqueued: int
    existing: int
    left: int | None = None


@dataclass(frozen=True, slots=True)
class Dispatched:
    """How many users got a run, and how many did not because this process knows no tier of that name."""

    enqueued: int
    without_tier: int


@dataclass(frozen=True, slots=True)
class Repaired:
    """What `repair` mended: entries put back, schedules made anew from the directory, schedules without a user that were
    dropped; those left because this process knows no such tier, task or zone; and how many it looked at."""

    rearmed: int
    remade: int
    dropped: int
    unknown: int
    looked_at: int


def pause(connection: Redis, user_id: str, task_name: str, note: str = "", by: str = "") -> bool:
    """Pause a schedule, with a note for whoever finds it so. Its slots are skipped and counted.

    Returns False when it was paused already; then its note is replaced only by a new one. Raises UnknownSchedule.
    """
    return _set_paused(connection, user_id, task_name, paused=True, note=note, by=by)


def resume(connection: Redis, user_id: str, task_name: str, note: str = "", by: str = "") -> bool:
    """Let a paused schedule fire again, from its next slot on, with `note` in place of the one of its pause.

    Returns False when it was not paused; then nothing is changed, its note neither. Raises UnknownSchedule.
    """
    return _set_paused(connection, user_id, task_name, paused=False, note=note, by=by)


def run_now(connection: Redis, user_id: str, task_name: str) -> Started:
    """One run at once, beside the slots. A schedule that lets no runs overlap refuses while one has not ended.

    Raises UnknownUser, UnknownSchedule.
    """
    user = users.get(connection, user_id)
    schedule = schedules.get(connection, user_id, task_name)
    with connection.pipeline(transaction=False) as pipe:
        run_id = runs.queue_run(
            pipe,
            connection,
            task_name,
            user,
            key=f"now_{time.time_ns() // 1_000_000}",
            kind="now",
            schedule=schedule,
            overlap=schedule.overlap,
        )
        outcome = pipe.execute()[0].decode()
    return Started(run_id, "") if outcome == "enqueued" else Started(None, outcome)


def backfill(connection: Redis, user_id: str, task_name: str, start: float, end: float) -> Backfilled:
    """One run on the lane `low` for each slot in [start, end] (epoch seconds) that has none that is still kept, but for the one
    that the schedule's entry is to run.

    Raises UnknownUser, UnknownSchedule, InvalidSchedule (an empty range, one in the future, more than MAX_BACKFILL slots).
    """
    user = users.get(connection, user_id)
    schedule = schedules.get(connection, user_id, task_name)
    replies: list[bytes] = []
    for batch in _batches(slots_to_backfill(schedule, start, end)):
        with connection.pipeline(transaction=False) as pipe:
            for slot in batch:
                runs.queue_run(
                    pipe,
                    connection,
                    task_name,
                    user,
                    key=str(slot),
                    kind="backfill",
                    slot=slot,
                    schedule=schedule,
                    lane=BACKFILL_LANE,
                )
            replies += pipe.execute()
    enqueued = replies.count(b"enqueued")
    return Backfilled(enqueued, len(replies) - enqueued, left_to_entry(schedule, start, end))


def slots_to_backfill(schedule: Schedule, start: float, end: float) -> list[int]:
    """The slots in [start, end] (epoch seconds) for which `backfill` looks. Raises InvalidSchedule, as that does."""
    if not start <= end <= time.time():
        raise InvalidSchedule("a backfill goes from a time to a later one, neither in the future")
    wanted: list[int] = []
    own = _slot_of_entry(schedule, time.time())
    last = end if own is None else min(end, own - 1)
    for slot in slots_between(schedule.slots, start - 1, last):
        wanted.append(slot)
        if len(wanted) > MAX_BACKFILL:
            raise InvalidSchedule(f"the range holds more than {MAX_BACKFILL} slots; ask for a shorter one")
    return wanted


def kept_runs(schedule: Schedule, slots: Sequence[int]) -> list[list[str]]:
    """The keys by whose existence `backfill` knows that slots have a run, BATCH at the most in each list."""
    return [[job_key(f"{schedule.id}-{slot}") for slot in batch] for batch in _batches(slots)]


def slots_without_run(connection: Redis, schedule: Schedule, slots: Sequence[int]) -> int:
    """How many of these slots have no run that is still kept: so many runs a backfill makes of them. One round trip."""
    with connection.pipeline(transaction=False) as pipe:
        for batch in kept_runs(schedule, slots):
            pipe.exists(*batch)
        kept: list[int] = pipe.execute()
    return len(slots) - sum(kept)


def left_to_entry(schedule: Schedule, start: float, end: float) -> int | None:
    """The slot in [start, end] (epoch seconds) that `backfill` leaves to the schedule's entry, if there is one."""
    own = _slot_of_entry(schedule, time.time())
    return own if own is not None and start <= own <= end else None


def _slot_of_entry(schedule: Schedule, now: float) -> int | None:
    """The slot that the entry is to run next, in its own lane: the one that it waits for, or, once that is due, what
    firing.decide makes of it. The slots before it are not run by the entry any more, whenever rqscheduler looks."""
    due = schedule.next_at
    if due is None or due > now:
        return due
    newest = max(due, schedule.slots.latest(now))
    if schedule.catch_up is not None and now - newest > schedule.catch_up:
        return schedule.slots.next_after(now)
    return newest


def dispatch_all(connection: Redis, task_name: str) -> Dispatched:
    """One run of the task at once for every active user, each on the lane of the user's tier. Raises UnknownTask."""
    defining.lookup(task_name)
    known = tiers.current()
    key = f"all_{time.time_ns() // 1_000_000}"
    enqueued = without_tier = 0
    after: str | None = None
    while ids := users.search(connection, "", BATCH, after):
        after = ids[-1]
        active = [user for user in users.get_many(connection, ids) if user is not None and user.active]
        served = [user for user in active if user.tier in known]
        without_tier += len(active) - len(served)
        with connection.pipeline(transaction=False) as pipe:
            for user in served:
                runs.queue_run(pipe, connection, task_name, user, key=key, kind="all")
            enqueued += pipe.execute().count(b"enqueued")
    return Dispatched(enqueued, without_tier)


def repair(connection: Redis) -> Repaired:
    """Look at every schedule, in pages, put back each entry that is missing, and the heartbeat's.

    A schedule whose definition is gone or cannot be read, also one that has its entry, is made anew as its user's tier has it;
    one whose user is gone is dropped.
    """
    mended, looked_at = sweep.all_schedules(connection)
    anew = orphans.remake(connection)
    return Repaired(mended.rearmed, anew.remade, anew.dropped, anew.unknown, looked_at)


def _set_paused(connection: Redis, user_id: str, task_name: str, *, paused: bool, note: str, by: str) -> bool:
    if len(note) > MAX_NOTE:
        raise InvalidSchedule(f"the note has {len(note)} characters; at most {MAX_NOTE}")
    one = schedule_id(user_id, task_name)
    outcome = scripts.PAUSE.run(connection, [keys.SCHEDULE + one, keys.PAUSED, keys.FAILING], [one, int(paused), note, by])
    if outcome == b"unknown":
        raise UnknownSchedule(f"user {ascii(user_id)[:70]} has no schedule for {task_name!r}")
    return bool(outcome == b"done")


def _batches(slots: Sequence[int]) -> list[Sequence[int]]:
    return [slots[at : at + BATCH] for at in range(0, len(slots), BATCH)]
