"""Commands on schedules: those of users through the job layer, plain entries through entries.py, and what was set aside.

A user's schedule is named by its id, which is that of its user and task for ever; its score changes with each slot, and is not
compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from redis import Redis

from console.model.commands import (
    Backfill,
    Change,
    Command,
    Everything,
    JobSeen,
    Outcome,
    Pause,
    PutBack,
    QuarantineSeen,
    Remove,
    Repair,
    Reschedule,
    Resume,
    RunNow,
    ScheduleSeen,
    Seen,
    Spread,
    outcome,
)
from console.model.operations import Operation
from console.model.text import visible
from console.store import scripts
from console.store.acts import audit, entries, job_scripts
from console.store.slots import wish
from jobs import batches, controls, quarantine, schedules
from jobs.batches import Answer
from jobs.errors import JobsError
from jobs.schedules import Schedule

MOST_BACKFILLED: Final = 10_000
"""Runs that one batch of a backfill may make: what a cancel lets pass."""

OfUsers = RunNow | Pause | Resume | Change | Backfill | Spread | Remove
"""What can be done to users' schedules."""


def act(
    connection: Redis, operation: Operation, command: Command, seen: Sequence[Seen], now: float, trash_s: float
) -> list[Outcome]:
    """Do it to each of these; `source` for what it cannot be done to. What is removed is in the trash for `trash_s` seconds.

    A few round trips for all of them; a backfill takes three for each, and one more for each 200 runs. Raises redis' errors.
    """
    users = [one for one in seen if isinstance(one, ScheduleSeen) and one.source == "user"]
    plain = [one for one in seen if isinstance(one, ScheduleSeen) and one.source == "entries"]
    found: dict[tuple[type[Seen], str, bytes], Outcome] = {}
    if users and isinstance(command, OfUsers):
        came = _of_users(connection, operation, command, [one.key for one in users], now, trash_s)
        found |= dict(zip(map(_name, users), came, strict=True))
    if plain and isinstance(command, RunNow | Reschedule | Remove):
        came = entries.act(connection, operation.id, command, plain, now, trash_s)
        found |= dict(zip(map(_name, plain), came, strict=True))
    if isinstance(command, PutBack):
        aside = [one for one in seen if isinstance(one, QuarantineSeen)]
        found |= dict(zip(map(_name, aside), _put_back(connection, aside), strict=True))
    if isinstance(command, Repair):
        found |= {_name(one): _repair(connection, one) for one in seen if isinstance(one, Everything)}
    outcomes = [found.get(_name(one)) or outcome(one.key, "source") for one in seen]
    # What the console's own scripts did, they have counted.
    own = {_name(one) for one in (*(users if isinstance(command, Remove) else ()), *plain) if _name(one) in found}
    audit.count(connection, operation.id, [came for one, came in zip(seen, outcomes, strict=True) if _name(one) not in own])
    return outcomes


def _of_users(
    connection: Redis,
    operation: Operation,
    command: OfUsers,
    names: Sequence[bytes],
    now: float,
    trash_s: float,
) -> list[Outcome]:
    if isinstance(command, Remove):
        script = scripts.load("jobs", "entry_of", "trash", "remove_schedules")
        seen = [JobSeen(one, b"", "") for one in names]
        return job_scripts.run(
            connection, script, operation.id, (operation.id, trash_s), seen, now,
            when_full=True, most_us=job_scripts.WITH_TRASH_US,
        )  # fmt: skip
    # An id of ours is ASCII; what is not names nothing.
    ids = [one.decode("ascii", "replace") for one in names]
    try:
        answers = _asked(connection, operation, command, ids)
    except JobsError as error:
        answers = [Answer("invalid", str(error))] * len(ids)
    return [_outcome(one, answer) for one, answer in zip(names, answers, strict=True)]


def _asked(
    connection: Redis,
    operation: Operation,
    command: RunNow | Pause | Resume | Change | Backfill | Spread,
    ids: Sequence[str],
) -> list[Answer]:
    match command:
        case RunNow():
            return batches.run_now(connection, ids)
        case Pause():
            return batches.set_paused(connection, ids, True, command.note, operation.who)
        case Resume():
            return batches.set_paused(connection, ids, False, command.note, operation.who)
        case Change() | Spread():
            return batches.change(connection, ids, wish(command))
        case Backfill():
            return _backfill(connection, command, ids)


def _backfill(connection: Redis, command: Backfill, ids: Sequence[str]) -> list[Answer]:
    made = 0
    found = []
    for one, schedule in zip(ids, schedules.get_many(connection, list(ids)), strict=True):
        if schedule is None or schedules.schedule_id(schedule.user, schedule.task) != one:
            found.append(Answer("gone" if schedule is None else "unreadable"))
        elif made >= MOST_BACKFILLED:
            found.append(Answer("invalid", f"{made:,} runs were made for others of this batch; give it again for this one"))
        else:
            answer, runs = _backfilled(connection, command, schedule)
            found.append(answer)
            made += runs
    return found


def _backfilled(connection: Redis, command: Backfill, schedule: Schedule) -> tuple[Answer, int]:
    try:
        came = controls.backfill(connection, schedule.user, schedule.task, command.start, command.end)
    except JobsError as error:
        return Answer("invalid", str(error)), 0
    left = "" if came.left is None else "; the newest slot is due and left to rqscheduler"
    if not came.enqueued:
        said = (
            f"{came.existing:,} slots have their runs"
            if came.existing
            else f"there is no {'other ' * bool(left)}slot in that time"
        )
        return Answer("same", f"{said}{left}"), 0
    already = f", {came.existing:,} were there" if came.existing else ""
    return Answer("done", f"{came.enqueued:,} runs on {controls.BACKFILL_LANE}{already}{left}"), came.enqueued


def _put_back(connection: Redis, seen: Sequence[QuarantineSeen]) -> list[Outcome]:
    codes = {"taken": "exists"}
    # A number of ours is one; what is not names nothing.
    numbers = [one.key.decode() if one.key.isdigit() else "0" for one in seen]
    words = quarantine.put_back_all(connection, numbers)
    return [outcome(one.key, codes.get(word, word)) for one, word in zip(seen, words, strict=True)]


def _repair(connection: Redis, one: Everything) -> Outcome:
    mended = controls.repair(connection)
    told = [
        f"{count:,} {one_of_it if count == 1 else many}"
        for count, one_of_it, many in (
            (mended.rearmed, "entry put back", "entries put back"),
            (mended.remade, "schedule made anew", "schedules made anew"),
            (mended.dropped, "schedule without a user dropped", "schedules without a user dropped"),
            (mended.unknown, "left, whose tier or task is unknown here", "left, whose tier or task is unknown here"),
        )
        if count
    ]
    return outcome(one.key, "done", f"{', '.join(told) or 'nothing was amiss'}; {mended.looked_at:,} looked at")


def _name(one: Seen) -> tuple[type[Seen], str, bytes]:
    return type(one), one.source if isinstance(one, ScheduleSeen) else "", one.key


def _outcome(key: bytes, answer: Answer) -> Outcome:
    return outcome(key, answer.code, visible(answer.said), answer.run.encode() if answer.run else None)
