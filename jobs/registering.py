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
from typing import Literal

from redis import Redis
from redis.client import Pipeline

from jobs import defining, heartbeat_entry, keys, planning, schedules, scripts, users
from jobs.cadence import Cadence
from jobs.errors import InvalidSchedule, UnknownSchedule
from jobs.planning import Moves, Plan
from jobs.prototype import ENTRY_META, description, entry_data, rq_time
from jobs.schedules import Schedule, schedule_id
from jobs.users import User

TRIES = 20
SCRIPT_BATCH = 100
"""Users that one script registers: a few milliseconds of the server's time."""

STANDING_TASKS = ("scrape",)
"""The tasks for which every user gets a schedule."""


Mode = Literal["keep", "replace", "follow"]
_NO_MOVES: Moves = {}


@dataclass(frozen=True, slots=True)
class Saved:
    """What a batch of users was to the directory."""

    added: int
    changed: int
    unchanged: int


def set_user(connection: Redis, user: User, tasks: Sequence[str] = STANDING_TASKS) -> None:
    """Put one user into the directory, or change it, with a schedule for each of `tasks`. Doing it again changes nothing.

    Raises InvalidUser or UnknownTask, and then nothing has been written.
    """
    set_users(connection, [users.validate(user)], tasks)


def set_users(connection: Redis, batch: Sequence[User], tasks: Sequence[str] = STANDING_TASKS) -> Saved:
    """The same for a batch of valid users, a thousand at the most, in one round trip; two when a user who changes has
    schedules besides those of `tasks`. Raises UnknownTask."""
    plans = {(name, tier): planning.plan(name, tier) for name in tasks for tier in {user.tier for user in batch}}
    if not batch:
        return Saved(0, 0, 0)
    with connection.pipeline(transaction=False) as pipe:
        heartbeat_entry.queue_install(pipe)
        for start in range(0, len(batch), SCRIPT_BATCH):
            some = batch[start : start + SCRIPT_BATCH]
            wanted = [(user, plans[name, user.tier]) for user in some for name in tasks]
            queue_register(pipe, wanted, users=some, tasks=tasks)
        told: list[bytes] = [word for reply in pipe.execute() if isinstance(reply, list) for word in reply]
    words = [reply.decode() for reply in told]
    # Also those of users who are the same: an earlier call may have ended before they followed.
    others = [
        (user, name)
        for user, word in zip(batch, words, strict=True)
        for name in word.removeprefix("changed").removeprefix("same").split(",")
        if word != "new" and name and name not in tasks
    ]
    _follow(connection, others)
    added, changed = words.count("new"), sum(word.startswith("changed") for word in words)
    return Saved(added, changed, len(words) - added - changed)


def remove_user(connection: Redis, user_id: str) -> None:
    """Take a user out of the directory, with schedules, snapshots and undelivered changes. Raises UnknownUser."""
    users.get(connection, user_id)
    remove_users(connection, [user_id])


def remove_users(connection: Redis, ids: Sequence[str]) -> None:
    """Take users out of the directory with all that is kept of them, in one step. Unknown ids are passed over."""
    if not ids:
        return
    with connection.pipeline() as pipe:
        scripts.REMOVE_USERS.queue(
            pipe,
            [keys.ENTRIES, keys.SCHEDULES, keys.PAUSED, keys.FAILING],
            [keys.SCHEDULE, keys.RUNS, keys.RQ_JOB, keys.USER, *ids],
        )
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
    cadence is meant, also one that is kept (default: where one that was chosen before is, else the user's). `tier` gives this
    schedule another tier's lane and policy than the user's.
    Raises UnknownUser, UnknownTask, InvalidCadence, InvalidSchedule.
    """
    for _ in range(TRIES):
        user = users.get(connection, user_id)
        old = schedules.get_many(connection, [schedule_id(user_id, task_name)])[0]
        plan = planning.changed(user, task_name, old, cadence, zone, tier, overlap, catch_up, jitter)
        with connection.pipeline() as pipe:
            heartbeat_entry.queue_install(pipe)
            moves = planning.moved_slots(old, plan, user, time.time()) if old else {}
            queue_register(pipe, [(user, plan)], mode="replace", rev=old.rev if old else "0", moves=moves)
            if pipe.execute()[-1] != b"conflict":
                return schedules.get(connection, user_id, task_name)
    raise InvalidSchedule("the schedule cannot be changed: `tq-console schedules repair` mends one that cannot be read")


def remove_schedule(connection: Redis, user_id: str, task_name: str) -> None:
    """Remove one schedule; runs that exist already go on. Raises UnknownSchedule."""
    with connection.pipeline() as pipe:
        queue_remove(pipe, [(user_id, task_name)])
        removed = pipe.execute()[0]
    if not removed:
        raise UnknownSchedule(f"user {ascii(user_id)[:70]} has no schedule for {task_name!r}")


def _follow(connection: Redis, names: Iterable[tuple[User, str]]) -> None:
    """Let schedules beside the standing ones follow a change of their user's tier, zone or activity."""
    known = defining.registered()
    wanted = [(user, planning.plan(name, user.tier)) for user, name in names if name in known]
    if wanted:
        with connection.pipeline() as pipe:
            queue_register(pipe, wanted, mode="follow")
            pipe.execute()


def queue_register(
    pipe: Pipeline,
    wanted: Sequence[tuple[User, Plan]],
    *,
    users: Sequence[User] = (),
    tasks: Sequence[str] = (),
    mode: Mode = "keep",
    rev: str = "",
    moves: Moves = _NO_MOVES,
) -> None:
    """Add to a pipeline the saving of `users`, whose standing tasks are `tasks`, and the registration of schedules."""
    scripts.REGISTER.queue(pipe, *registration(wanted, users=users, tasks=tasks, mode=mode, rev=rev, moves=moves))


def registration(
    wanted: Sequence[tuple[User, Plan]],
    *,
    users: Sequence[User] = (),
    tasks: Sequence[str] = (),
    mode: Mode = "keep",
    rev: str = "",
    moves: Moves = _NO_MOVES,
) -> tuple[Sequence[str], Sequence[scripts.Argument]]:
    """The keys and arguments of the script that does it (lua/register.lua). `moves`: as planning.moved_slots tells."""
    now = time.time()
    numbers: dict[int, int] = {}
    plans: list[scripts.Argument] = []
    rows: list[scripts.Argument] = []
    for user in users:
        rows += (user.id, user.tier, user.zone, json.dumps(user.sources), user.webhook, int(user.active))
    of_users = len(rows)
    for user, plan in wanted:
        n = numbers.get(id(plan))
        if n is None:
            n = numbers[id(plan)] = len(numbers) + 1
            plans += _plan_arguments(plan)
        one = schedule_id(user.id, plan.task.name)
        cadence = plan.cadence(one, user.zone)
        due, gap = plan.first_slot(one, cadence, now), cadence.shortest_gap(now)
        path = plan.task.path
        instead_of, due = moves.get(one, ("", due))
        rows += (one, user.id, n, int(user.active), due, gap, cadence.spec(), instead_of)
        rows += (entry_data(path, user.id), description(path, user.id))
    return [keys.USERS, keys.ENTRIES, keys.SCHEDULES, keys.LANES, keys.PAUSED, keys.FAILING], [
        keys.USER,
        keys.SCHEDULE,
        keys.RQ_JOB,
        int(now),
        rq_time(now),
        ENTRY_META,
        ",".join(tasks),
        mode,
        rev,
        len(users),
        len(numbers),
        *rows[:of_users],
        *plans,
        *rows[of_users:],
    ]


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
        int(plan.own_tier),
    )


def queue_remove(pipe: Pipeline, names: Sequence[tuple[str, str]]) -> None:
    """Add to a pipeline the removal of schedules, each named by its user and task."""
    arguments = [word for user_id, name in names for word in (schedule_id(user_id, name), user_id, name)]
    scripts.REMOVE.queue(
        pipe,
        [keys.ENTRIES, keys.SCHEDULES, keys.PAUSED, keys.FAILING],
        [keys.SCHEDULE, keys.RUNS, keys.USER, keys.RQ_JOB, *arguments],
    )
