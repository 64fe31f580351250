"""Undoing: what an operation took into the trash is put back as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from redis import Redis

from console.model.commands import JobSeen, Outcome, TrashSeen, Undo
from console.store import scripts
from console.store.acts import job_scripts
from jobs import defining, planning, registering, schedules, tiers, users
from jobs.planning import Plan
from jobs.schedules import Schedule
from jobs.scripts import REGISTER
from jobs.users import User

_SCHEDULE: Final = re.compile(rb"tq-\w+-[0-9a-f]{20}")
"""The id of a user's schedule (jobs.schedules.schedule_id)."""


def undo(
    connection: Redis,
    operation: str,
    command: Undo,
    taken: Sequence[TrashSeen],
    clock: Callable[[], float],
    more: Callable[[], bool],
) -> Iterator[list[Outcome]]:
    """Put back each of these, in the order given: what was taken last first, so that queues get back their order. Call by call,
    as job_scripts.each_call has it; two round trips more for a call with schedules that are back, three where their users have
    changed. Raises redis' errors, JobsError."""
    script = scripts.load("jobs", "rate_limits", "entry_of", "trash", "dependencies", "undo")
    ids = [JobSeen(one.key, b"", "") for one in taken]
    calls = job_scripts.each_call(
        connection, script, operation, (command.operation,), ids, clock, more,
        when_full=True, most_us=job_scripts.WITH_TRASH_US,
    )  # fmt: skip
    for came in calls:
        yield came
        back = [one.key.decode() for one in came if one.result == "done" and _SCHEDULE.fullmatch(one.key)]
        if back:
            _follow(connection, back)


def _follow(connection: Redis, ids: Sequence[str]) -> None:
    """Let schedules that are back follow what has become of their users meanwhile: tier, zone, and whether they are active."""
    known, of_tiers = defining.registered(), tiers.current()
    found = [one for one in schedules.get_many(connection, list(ids)) if one is not None and one.task in known]
    owners = users.get_many(connection, [one.user for one in found])
    wanted: list[tuple[User, Plan]] = []
    for one, user in zip(found, owners, strict=True):
        if user is not None and user.tier in of_tiers:
            plan = planning.plan(one.task, user.tier)
            if not _follows(one, user, plan):
                wanted.append((user, plan))
    if wanted:
        REGISTER.run(connection, *registering.registration(wanted, mode="follow"))


def _follows(one: Schedule, user: User, plan: Plan) -> bool:
    """Whether a schedule is as its user's own plan has it, as far as nothing of it was chosen by hand."""
    if one.active != user.active:
        return False
    chosen = one.own or plan.cadence(one.id, user.zone).spec() == one.cadence.spec()
    return one.own_tier or (one.tier == user.tier and chosen)
