"""Registering users and their schedules: what an application calls on sign-up, on upgrade, and when somebody leaves.

    from jobs import User, set_user
    set_user(redis, User("ada@example.com", tier="pro", sources=("https://example.com/news",)))

A change of tier moves the user's lane, cadence and policy at once; a run that is due sooner than the new, more frequent
cadence says is not put off.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from redis import Redis
from redis.client import Pipeline

from jobs import defining, heartbeat_entry, keys, runs, schedules, scripts, tiers, users
from jobs.cadence import Cadence, Cron, Jittered, zone_of
from jobs.defining import RegisteredTask
from jobs.errors import InvalidSchedule, InvalidUser, UnknownSchedule
from jobs.prototype import ENTRY_META, description, entry_data, rq_time
from jobs.schedules import OVERLAPS, Schedule, schedule_id
from jobs.tiers import Tier
from jobs.users import User

STANDING_TASKS = ("scrape",)
"""The tasks for which every user gets a schedule."""


def set_user(connection: Redis, user: User, tasks: Sequence[str] = STANDING_TASKS) -> None:
    """Put one user into the directory, or change it, with a schedule for each of `tasks`. Doing it again changes nothing.

    Raises InvalidUser or UnknownTask, and then nothing has been written.
    """
    set_users(connection, [users.validate(user)], tasks)


def set_users(connection: Redis, batch: Sequence[User], tasks: Sequence[str] = STANDING_TASKS) -> None:
    """The same for a batch of valid users, a few hundred at the most, in two round trips; more only when a user who changes
    has schedules besides those of `tasks`. Raises UnknownTask."""
    if not batch:
        return
    registered = [defining.lookup(name) for name in tasks]
    now = time.time()
    with connection.pipeline(transaction=False) as pipe:
        for user in batch:
            pipe.hmget(keys.USER + user.id, "tasks", "tier", "zone", "active")
        before = pipe.execute()
    with connection.pipeline() as pipe:
        for user, (old_tasks, *_) in zip(batch, before, strict=True):
            first = {"tasks": ",".join(tasks), "created_at": f"{now:.0f}"} if old_tasks is None else {}
            mapping: Mapping[Any, Any] = users.fields_of(user, now) | first
            pipe.hset(keys.USER + user.id, mapping=mapping)
        pipe.zadd(keys.USERS, {user.id: 0 for user in batch})
        _queue_register(pipe, [_standing(user, of) for user in batch for of in registered], now)
        pipe.execute()
    for user, (old_tasks, *old) in zip(batch, before, strict=True):
        others = set((old_tasks or b"").decode().split(",")) - {"", *tasks}
        if others and old != [user.tier.encode(), user.zone.encode(), b"1" if user.active else b"0"]:
            _follow(connection, user, others)


def remove_user(connection: Redis, user_id: str) -> None:
    """Take a user out of the directory, with schedules, snapshots and undelivered changes. Raises UnknownUser."""
    users.get(connection, user_id)
    remove_users(connection, [user_id])


def remove_users(connection: Redis, ids: Sequence[str]) -> None:
    """Take users out of the directory with all that is kept of them, in two round trips. Unknown ids are passed over."""
    if not ids:
        return
    with connection.pipeline(transaction=False) as pipe:
        for user_id in ids:
            pipe.hget(keys.USER + user_id, "tasks")
        found = pipe.execute()
    names = [(user_id, name) for user_id, raw in zip(ids, found, strict=True) for name in (raw or b"").decode().split(",")]
    with connection.pipeline() as pipe:
        _queue_remove(pipe, [(user_id, name) for user_id, name in names if name])
        pipe.zrem(keys.USERS, *ids)
        for prefix in (keys.USER, keys.SNAPSHOT, keys.CHANGES, keys.DELIVERED):
            pipe.delete(*(prefix + user_id for user_id in ids))
        pipe.execute()


def set_schedule(
    connection: Redis,
    user_id: str,
    task_name: str,
    *,
    cadence: Cadence | None = None,
    zone: str | None = None,
    tier: str | None = None,
    overlap: str | None = None,
    catch_up: int | None = None,
    jitter: int | None = None,
) -> Schedule:
    """Make or change one schedule of a user and return it.

    Without `cadence` a new schedule follows the user's tier, and an existing one keeps its own. `zone` is where a cron
    cadence is meant (default: the user's). `tier` gives this schedule another tier's lane and policy than the user's.
    Raises UnknownUser, UnknownTask, InvalidCadence, InvalidSchedule.
    """
    user = users.get(connection, user_id)
    of = defining.lookup(task_name)
    old = schedules.get_many(connection, [schedule_id(user_id, task_name)])[0]
    plan = _tier(tier or (old.tier if old else user.tier))
    if cadence is None and zone is not None:
        raise InvalidSchedule("a time zone says where a cron cadence is meant; give --cron too")
    chosen = cadence.bound_to(schedule_id(user_id, task_name), zone or user.zone) if cadence else None
    if chosen is None and old is not None and old.own:
        chosen = old.cadence
    wanted = _definition(
        user,
        of,
        plan,
        own=chosen,
        overlap=overlap or (old.overlap if old else "skip"),
        catch_up=catch_up if catch_up is not None else (old.catch_up if old else None),
        jitter=jitter if jitter is not None else (old.jitter if old else 0),
    )
    with connection.pipeline() as pipe:
        _queue_register(pipe, [wanted], time.time(), replace_chosen=True)
        pipe.execute()
    return schedules.get(connection, user_id, task_name)


def remove_schedule(connection: Redis, user_id: str, task_name: str) -> None:
    """Remove one schedule; runs that exist already go on. Raises UnknownSchedule."""
    with connection.pipeline() as pipe:
        _queue_remove(pipe, [(user_id, task_name)])
        removed = pipe.execute()[0]
    if not removed:
        raise UnknownSchedule(f"user {ascii(user_id)[:70]} has no schedule for {task_name!r}")


def _follow(connection: Redis, user: User, names: Iterable[str]) -> None:
    """Let the user's other schedules follow a change of tier, zone or activity."""
    known = defining.registered()
    wanted = [_standing(user, known[name]) for name in names if name in known]
    with connection.pipeline() as pipe:
        _queue_register(pipe, wanted, time.time())
        pipe.execute()


def _standing(user: User, of: RegisteredTask) -> Schedule:
    return _definition(user, of, _tier(user.tier), own=None, overlap="skip", catch_up=None, jitter=0)


def _tier(name: str) -> Tier:
    found = tiers.current().get(name)
    if found is None:
        raise InvalidUser(f"tier {name[:40]!r} is unknown; use one of {', '.join(tiers.current())}")
    return found


def _definition(
    user: User, of: RegisteredTask, tier: Tier, *, own: Cadence | None, overlap: str, catch_up: int | None, jitter: int
) -> Schedule:
    if overlap not in OVERLAPS:
        raise InvalidSchedule(f"overlap {overlap!r}: use one of {', '.join(OVERLAPS)}")
    if catch_up is not None and catch_up < 1:
        raise InvalidSchedule(f"catch-up window {catch_up} s: it must be 1 s at least")
    one = schedule_id(user.id, of.name)
    cadence = own or tier.cadence.bound_to(one, user.zone)
    if isinstance(cadence, Cron):
        zone_of(cadence.zone)
    if jitter:
        Jittered(cadence, jitter, one)
    return Schedule(
        id=one,
        user=user.id,
        task=of.name,
        tier=tier.name,
        lane=tier.lane,
        cadence=cadence,
        own=own is not None,
        policy=runs.policy(tier, of),
        overlap=overlap,
        catch_up=catch_up,
        jitter=jitter,
        paused=False,
        active=user.active,
        note="",
        noted_by="",
        next_at=None,
        fired=0,
        path=of.path,
        rev="",
    )


def _queue_register(pipe: Pipeline, wanted: Sequence[Schedule], now: float, *, replace_chosen: bool = False) -> None:
    """Add the registration of schedules to a pipeline (lua/register.lua), and of the heartbeat."""
    heartbeat_entry.queue_install(pipe)
    at = rq_time(now)
    arguments: list[scripts.Argument] = []
    for schedule in wanted:
        slots = schedule.slots
        due = slots.next_after(now)
        arguments += (
            schedule.id,
            schedule.user,
            schedule.task,
            due,
            slots.next_after(due) - due,
            schedule.cadence.spec(),
            int(schedule.own),
            schedule.tier,
            schedule.lane,
            schedule.policy.text(),
            schedule.overlap,
            "" if schedule.catch_up is None else schedule.catch_up,
            schedule.jitter,
            int(schedule.active),
            schedule.path,
            entry_data(schedule.path, schedule.user),
            description(schedule.path, schedule.user),
            ENTRY_META,
            at,
        )
    scripts.REGISTER.queue(
        pipe,
        [keys.ENTRIES, keys.SCHEDULES, keys.LANES],
        [keys.SCHEDULE, keys.USER, keys.RQ_JOB, int(replace_chosen), now, *arguments],
    )


def _queue_remove(pipe: Pipeline, names: Sequence[tuple[str, str]]) -> None:
    arguments = [word for user_id, name in names for word in (schedule_id(user_id, name), user_id, name)]
    scripts.REMOVE.queue(
        pipe, [keys.ENTRIES, keys.SCHEDULES, keys.PAUSED], [keys.SCHEDULE, keys.RUNS, keys.USER, keys.RQ_JOB, *arguments]
    )
