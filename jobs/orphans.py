"""Orphans: schedules whose definition is gone or cannot be read, and those whose user is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import WatchError

from jobs import keys, planning, registering, schedules, users
from jobs.errors import InvalidCadence, InvalidUser, UnknownTask
from jobs.planning import Plan
from jobs.registering import TRIES
from jobs.schedules import member_parts, schedule_id
from jobs.users import User

PAGE = 500


@dataclass(frozen=True, slots=True)
class Remade:
    """Schedules made anew from the directory, dropped because their user is gone, and left because this process knows no such
    tier, task or zone."""

    remade: int
    dropped: int
    unknown: int


def remake(connection: Redis) -> Remade:
    """Make schedules anew whose definition is gone or unreadable, as their users' tiers have them; drop those without a user.

    Whether they are paused, and their counters, stay as far as they are there. Walks every schedule, a page at a time.
    """
    remade = dropped = unknown = 0
    after = b""
    while members := schedules.members(connection, after, PAGE):
        page = _remake_page(connection, members)
        remade, dropped, unknown = remade + page.remade, dropped + page.dropped, unknown + page.unknown
        after = members[-1]
    return Remade(remade, dropped, unknown)


def _remake_page(connection: Redis, members: Sequence[bytes]) -> Remade:
    names = [member_parts(member) for member in members]
    there = users.known(connection, [user_id for user_id, _ in names])
    found = schedules.get_many(connection, [schedule_id(*name) for name in names])
    gone = [member for member, known in zip(members, there, strict=True) if not known]
    orphans = [name for name, known, one in zip(names, there, found, strict=True) if known and one is None]
    owners = users.get_many(connection, [user_id for user_id, _ in orphans])
    wanted = [made for user, (_, task) in zip(owners, orphans, strict=True) if (made := _as_tier_has_it(user, task))]
    _delete_what_is_no_hash(connection, [schedule_id(user.id, plan.task.name) for user, plan in wanted])
    if wanted:
        with connection.pipeline() as pipe:
            registering.queue_register(pipe, wanted, mode="replace")
            pipe.execute()
    return Remade(len(wanted), _drop(connection, gone), len(orphans) - len(wanted))


def _as_tier_has_it(user: User | None, task_name: str) -> tuple[User, Plan] | None:
    """A schedule as the user's tier has it, None when this process cannot tell how that is."""
    if user is None:
        return None
    try:
        plan = planning.plan(task_name, user.tier)
        plan.cadence(schedule_id(user.id, task_name), user.zone)
    except (UnknownTask, InvalidUser, InvalidCadence):
        return None
    return user, plan


def _drop(connection: Redis, members: Sequence[bytes]) -> int:
    """Remove schedules without a user, but for those whose users come back meanwhile. Returns how many."""
    for _ in range(TRIES if members else 0):
        names = [member_parts(member) for member in members]
        with connection.pipeline() as pipe:
            pipe.watch(*(keys.USER + user_id for user_id, _ in names))  # type: ignore[no-untyped-call]
            there = users.known(connection, [user_id for user_id, _ in names])
            gone = [(member, name) for member, name, known in zip(members, names, there, strict=True) if not known]
            if not gone:
                return 0
            pipe.multi()
            registering.queue_remove(pipe, [name for _, name in gone])
            # A member that is no user and task, or no UTF-8, has no other name than its bytes.
            pipe.zrem(keys.SCHEDULES, *(member for member, _ in gone))
            try:
                pipe.execute()
            except WatchError:
                continue
            return len(gone)
    return 0


def _delete_what_is_no_hash(connection: Redis, ids: Sequence[str]) -> None:
    with connection.pipeline(transaction=False) as pipe:
        for one in ids:
            pipe.type(keys.SCHEDULE + one)
        wrong = [one for one, kind in zip(ids, pipe.execute(), strict=True) if kind not in (b"hash", b"none")]
    if wrong:
        connection.delete(*(keys.SCHEDULE + one for one in wrong))
