"""Registering users and their schedules: what an application calls on sign-up, on upgrade, and when somebody leaves.

    from jobs import User, set_user
    set_user(redis, User("ada@example.com", tier="pro", sources=("https://example.com/news",)))

A change of tier moves the user's lane, cadence and policy at once; a run that is due sooner than the new, more frequent
cadence says is not put off.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from redis import Redis
from redis.client import Pipeline

from jobs import defining, heartbeat_entry, keys, runs, schedules, scripts, tiers, users
from jobs.cadence import Cadence, Jittered, Slots
from jobs.defining import RegisteredTask
from jobs.errors import InvalidSchedule, InvalidUser, UnknownSchedule
from jobs.prototype import ENTRY_META, description, entry_data, rq_time
from jobs.schedules import OVERLAPS, Policy, Schedule, schedule_id
from jobs.tiers import Tier
from jobs.users import User

PAGE = 500
SCRIPT_BATCH = 100
"""Users that one script registers: a few milliseconds of the server's time."""

STANDING_TASKS = ("scrape",)
"""The tasks for which every user gets a schedule."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a batch of users was to the directory."""

    added: int
    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What many schedules have in common: the task, the tier's policy, and how runs meet. `own` is a cadence chosen by hand."""

    task: RegisteredTask
    tier: Tier
    policy: Policy
    own: Cadence | None = None
    overlap: str = "skip"
    catch_up: int | None = None
    jitter: int = 0

    def slots(self, one: str, zone: str) -> tuple[Cadence, Slots]:
        """The cadence of the schedule `one` of a user in `zone`, and its slots with the jitter."""
        cadence = self.own or self.tier.cadence.bound_to(one, zone)
        return cadence, Jittered(cadence, self.jitter, one) if self.jitter else cadence


def set_user(connection: Redis, user: User, tasks: Sequence[str] = STANDING_TASKS) -> None:
    """Put one user into the directory, or change it, with a schedule for each of `tasks`. Doing it again changes nothing.

    Raises InvalidUser or UnknownTask, and then nothing has been written.
    """
    set_users(connection, [users.validate(user)], tasks)


def set_users(connection: Redis, batch: Sequence[User], tasks: Sequence[str] = STANDING_TASKS) -> Saved:
    """The same for a batch of valid users, a thousand at the most, in one round trip; two when a user who changes has
    schedules besides those of `tasks`. Raises UnknownTask."""
    plans = {(name, tier): _plan(name, tier) for name in tasks for tier in {user.tier for user in batch}}
    if not batch:
        return Saved(0, 0, 0)
    with connection.pipeline(transaction=False) as pipe:
        heartbeat_entry.queue_install(pipe)
        for start in range(0, len(batch), SCRIPT_BATCH):
            some = batch[start : start + SCRIPT_BATCH]
            _queue_save(pipe, some, tasks)
            _queue_register(pipe, [(user, plans[name, user.tier]) for user in some for name in tasks])
        told: list[bytes] = [word for reply in pipe.execute() if isinstance(reply, list) for word in reply]
    changed = {
        user: set(reply[len(b"changed") :].decode().split(",")) - {"", *tasks}
        for user, reply in zip(batch, told, strict=True)
        if reply.startswith(b"changed")
    }
    _follow(connection, [(user, name) for user, names in changed.items() for name in names])
    added = told.count(b"new")
    return Saved(added, len(changed), len(told) - added - len(changed))


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
    one = schedule_id(user_id, task_name)
    old = schedules.get_many(connection, [one])[0]
    if cadence is None and zone is not None:
        raise InvalidSchedule("a time zone says where a cron cadence is meant; give --cron too")
    own = cadence.bound_to(one, zone or user.zone) if cadence else old.cadence if old and old.own else None
    plan = _plan(
        task_name,
        tier or (old.tier if old else user.tier),
        own=own,
        overlap=overlap or (old.overlap if old else "skip"),
        catch_up=catch_up if catch_up is not None else (old.catch_up if old else None),
        jitter=jitter if jitter is not None else (old.jitter if old else 0),
    )
    with connection.pipeline() as pipe:
        heartbeat_entry.queue_install(pipe)
        _queue_register(pipe, [(user, plan)], replace_chosen=True)
        pipe.execute()
    return schedules.get(connection, user_id, task_name)


def remove_schedule(connection: Redis, user_id: str, task_name: str) -> None:
    """Remove one schedule; runs that exist already go on. Raises UnknownSchedule."""
    with connection.pipeline() as pipe:
        _queue_remove(pipe, [(user_id, task_name)])
        removed = pipe.execute()[0]
    if not removed:
        raise UnknownSchedule(f"user {ascii(user_id)[:70]} has no schedule for {task_name!r}")


def remake_orphans(connection: Redis) -> tuple[int, int]:
    """Make schedules anew whose definition is gone or unreadable, and drop those whose user or task is gone too.

    Returns how many of each. Walks every schedule, a page at a time.
    """
    remade = dropped = offset = 0
    known = defining.registered()
    while members := schedules.names(connection, offset, PAGE):
        found = schedules.get_many(connection, [schedule_id(*name) for name in members])
        orphans = [name for name, schedule in zip(members, found, strict=True) if schedule is None]
        owners = users.get_many(connection, [user_id for user_id, _ in orphans])
        wanted = [
            (user, _plan(name, user.tier))
            for user, (_, name) in zip(owners, orphans, strict=True)
            if user is not None and name in known and user.tier in tiers.current()
        ]
        kept = {(user.id, plan.task.name) for user, plan in wanted}
        gone = [name for name in orphans if name not in kept]
        with connection.pipeline() as pipe:
            pipe.delete(keys.SCHEDULE, *(keys.SCHEDULE + schedule_id(*name) for name in kept))
            _queue_register(pipe, wanted)
            _queue_remove(pipe, gone)
            pipe.execute()
        remade, dropped = remade + len(wanted), dropped + len(gone)
        offset += len(members) - len(gone)
    return remade, dropped


def _plan(
    name: str,
    tier_name: str,
    *,
    own: Cadence | None = None,
    overlap: str = "skip",
    catch_up: int | None = None,
    jitter: int = 0,
) -> Plan:
    of = defining.lookup(name)
    tier = tiers.current().get(tier_name)
    if tier is None:
        raise InvalidUser(f"tier {tier_name[:40]!r} is unknown; use one of {', '.join(tiers.current())}")
    if overlap not in OVERLAPS:
        raise InvalidSchedule(f"overlap {overlap!r}: use one of {', '.join(OVERLAPS)}")
    if catch_up is not None and catch_up < 1:
        raise InvalidSchedule(f"catch-up window {catch_up} s: it must be 1 s at least")
    return Plan(of, tier, runs.policy(tier, of), own, overlap, catch_up, jitter)


def _follow(connection: Redis, names: Iterable[tuple[User, str]]) -> None:
    """Let schedules beside the standing ones follow a change of their user's tier, zone or activity."""
    known = defining.registered()
    wanted = [(user, _plan(name, user.tier)) for user, name in names if name in known]
    if wanted:
        with connection.pipeline() as pipe:
            _queue_register(pipe, wanted)
            pipe.execute()


def _queue_save(pipe: Pipeline, batch: Sequence[User], tasks: Sequence[str]) -> None:
    arguments: list[scripts.Argument] = [keys.USER, int(time.time()), ",".join(tasks)]
    for user in batch:
        arguments += (user.id, user.tier, user.zone, json.dumps(user.sources), user.webhook, int(user.active))
    scripts.SAVE_USERS.queue(pipe, [keys.USERS], arguments)


def _queue_register(pipe: Pipeline, wanted: Sequence[tuple[User, Plan]], *, replace_chosen: bool = False) -> None:
    """Add the registration of schedules to a pipeline (lua/register.lua)."""
    now = time.time()
    numbers: dict[int, int] = {}
    plans: list[scripts.Argument] = []
    rows: list[scripts.Argument] = []
    for user, plan in wanted:
        n = numbers.get(id(plan))
        if n is None:
            n = numbers[id(plan)] = len(numbers) + 1
            plans += _plan_arguments(plan)
        one = schedule_id(user.id, plan.task.name)
        cadence, slots = plan.slots(one, user.zone)
        due = slots.next_after(now)
        path = plan.task.path
        rows += (one, user.id, n, int(user.active), due, slots.next_after(due) - due, cadence.spec())
        rows += (entry_data(path, user.id), description(path, user.id))
    scripts.REGISTER.queue(
        pipe,
        [keys.ENTRIES, keys.SCHEDULES, keys.LANES],
        [
            keys.SCHEDULE,
            keys.USER,
            keys.RQ_JOB,
            int(replace_chosen),
            int(now),
            rq_time(now),
            ENTRY_META,
            len(numbers),
            *plans,
            *rows,
        ],
    )


def _plan_arguments(plan: Plan) -> tuple[scripts.Argument, ...]:
    return (
        plan.task.name,
        plan.task.path,
        plan.tier.name,
        plan.tier.lane,
        plan.policy.text(),
        plan.overlap,
        "" if plan.catch_up is None else plan.catch_up,
        plan.jitter,
        int(plan.own is not None),
    )


def _queue_remove(pipe: Pipeline, names: Sequence[tuple[str, str]]) -> None:
    arguments = [word for user_id, name in names for word in (schedule_id(user_id, name), user_id, name)]
    scripts.REMOVE.queue(
        pipe, [keys.ENTRIES, keys.SCHEDULES, keys.PAUSED], [keys.SCHEDULE, keys.RUNS, keys.USER, keys.RQ_JOB, *arguments]
    )
