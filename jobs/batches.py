"""What controls.py and registering.py do to one schedule, done to many: a few round trips for each batch of them.

Schedules are named by their ids. For each there is an answer, in order; one that cannot be served keeps no other one back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis
from redis.exceptions import ResponseError

from jobs import heartbeat_entry, keys, planning, registering, runs, schedules, scripts, users
from jobs.cadence import Cadence
from jobs.controls import MAX_NOTE
from jobs.errors import InvalidSchedule, JobsError
from jobs.planning import Plan
from jobs.registering import TRIES
from jobs.runs import Enqueueing
from jobs.schedules import Schedule, schedule_id
from jobs.users import User

BATCH: Final = 500
"""Schedules that are handled in the same round trips."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it for one schedule.

    `code` is done; same (it was so already); gone (no such schedule, or no such user); unreadable (its hash is something else,
    or cannot be understood); overlap (a run has not ended); exists (there is a run of that id); or invalid, as `said` says.
    `run` is the id of a run that was made.
    """

    code: str
    said: str = ""
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a schedule is to become; what is None stays, as registering.set_schedule has it. `jitter` is seconds."""

    cadence: Cadence | None = None
    zone: str | None = None
    tier: str | None = None
    jitter: int | None = None

    def plan(self, user: User, old: Schedule) -> Plan:
        """The plan for one schedule. Raises UnknownTask, InvalidUser (no such tier), InvalidCadence, InvalidSchedule."""
        return planning.changed(user, old.task, old, self.cadence, self.zone, self.tier, None, None, self.jitter)


def set_paused(connection: Redis, ids: Sequence[str], paused: bool, note: str = "", by: str = "") -> list[Answer]:
    """Pause or resume schedules, as controls.pause and controls.resume do: one round trip for a batch.

    Raises InvalidSchedule for a note that is too long."""
    if len(note) > MAX_NOTE:
        raise InvalidSchedule(f"the note has {len(note)} characters; at most {MAX_NOTE}")
    words = {b"done": Answer("done"), b"already": Answer("same"), b"unknown": Answer("gone")}
    found: list[Answer] = []
    for some in _batches(ids):
        with connection.pipeline(transaction=False) as pipe:
            scripts.PAUSE.queue_each(
                pipe, (([keys.SCHEDULE + one, keys.PAUSED, keys.FAILING], [one, int(paused), note, by]) for one in some)
            )
            found += [_answer(reply, words.__getitem__) for reply in _replies(pipe)]
    return found


def run_now(connection: Redis, ids: Sequence[str]) -> list[Answer]:
    """One run of each schedule at once, beside its slots, as controls.run_now makes it: two round trips for a batch."""
    found: list[Answer] = []
    for some in _batches(ids):
        key = f"now_{time.time_ns() // 1_000_000}"
        known = [_run(connection, one, key) if isinstance(one, Schedule) else one for one in _read(connection, some)]
        with connection.pipeline(transaction=False) as pipe:
            scripts.ENQUEUE.queue_each(pipe, ((run.keys, run.arguments) for run in known if isinstance(run, Enqueueing)))
            replies = iter(_replies(pipe))
        found += [_started(one.id, next(replies)) if isinstance(one, Enqueueing) else one for one in known]
    return found


def change(connection: Redis, ids: Sequence[str], wish: Wish) -> list[Answer]:
    """Change schedules, as registering.set_schedule does: three round trips for a batch, and as many for those of them that
    somebody else changed meanwhile."""
    found: dict[str, Answer] = {}
    left = list(dict.fromkeys(ids))
    for _ in range(TRIES):
        for some in _batches(left):
            found |= _change(connection, some, wish)
        left = [one for one in left if one not in found]
        if not left:
            return [found[one] for one in ids]
    said = "it is changed by others all the time; try again"
    return [found.get(one, Answer("invalid", said)) for one in ids]


def _change(connection: Redis, ids: Sequence[str], wish: Wish) -> dict[str, Answer]:
    """The answers for those that nobody else changed between the reading and the writing."""
    found: dict[str, Answer] = {}
    wanted: dict[str, tuple[User, Plan, Schedule]] = {}
    known = _read(connection, ids)
    owners = iter(users.get_many(connection, [one.user for one in known if isinstance(one, Schedule)]))
    for one, old in zip(ids, known, strict=True):
        if not isinstance(old, Schedule):
            found[one] = old
            continue
        user = next(owners)
        if user is None:
            found[one] = Answer("gone", "its user is not in the directory")
            continue
        try:
            plan = wish.plan(user, old)
        except JobsError as error:
            found[one] = Answer("invalid", str(error))
            continue
        if _is_as(old, plan, user):
            found[one] = Answer("same")
        else:
            wanted[one] = user, plan, old
    if wanted:
        now = time.time()
        with connection.pipeline(transaction=False) as pipe:
            heartbeat_entry.queue_install(pipe)
            scripts.REGISTER.queue_each(
                pipe,
                (
                    registering.registration(
                        [(user, plan)], mode="replace", rev=old.rev, moves=planning.moved_slots(old, plan, user, now)
                    )
                    for user, plan, old in wanted.values()
                ),
            )
            replies = _replies(pipe, before=3)
        found |= {
            one: _answer(reply, lambda _: Answer("done"))
            for one, reply in zip(wanted, replies, strict=True)
            if reply != b"conflict"
        }
    return found


def _is_as(old: Schedule, plan: Plan, user: User) -> bool:
    return (
        plan.cadence(old.id, user.zone) == old.cadence
        and (plan.tier.name, plan.tier.lane, plan.policy) == (old.tier, old.lane, old.policy)
        and (plan.own is not None, plan.own_tier) == (old.own, old.own_tier)
        and (plan.overlap, plan.catch_up, plan.jitter) == (old.overlap, old.catch_up, old.jitter)
    )


def _read(connection: Redis, ids: Sequence[str]) -> list[Schedule | Answer]:
    """The schedules, in one round trip, or what stands in place of each."""
    with connection.pipeline(transaction=False) as pipe:
        for one in ids:
            pipe.hgetall(keys.SCHEDULE + one)
        return [_restored(one, raw) for one, raw in zip(ids, _replies(pipe, before=0), strict=True)]


def _restored(one: str, raw: Any) -> Schedule | Answer:
    if raw == {}:
        return Answer("gone")
    found = schedules.restore(one, raw)
    # What names another one in its hash would be changed as that other one.
    return found if found is not None and schedule_id(found.user, found.task) == one else Answer("unreadable")


def _run(connection: Redis, schedule: Schedule, key: str) -> Enqueueing | Answer:
    user = User(schedule.user, schedule.tier)
    try:
        return runs.enqueueing(
            connection, schedule.task, user, key=key, kind="now", schedule=schedule, overlap=schedule.overlap
        )
    except ValueError:
        # What the hash names makes no id that RQ accepts.
        return Answer("unreadable")


def _started(run: str, reply: Any) -> Answer:
    words = {b"enqueued": Answer("done", run=run), b"overlap": Answer("overlap"), b"exists": Answer("exists")}
    return _answer(reply, words.__getitem__)


def _replies(pipe: Any, before: int = 1) -> list[Any]:
    """The replies of a pipeline but the first ones. Raises what a server says that refuses, other than that of one key."""
    replies: list[Any] = pipe.execute(raise_on_error=False)
    for reply in replies:
        if isinstance(reply, Exception) and not _is_of_one_key(reply):
            raise reply
    return replies[before:]


def _answer(reply: Any, of: Callable[[Any], Answer]) -> Answer:
    return Answer("unreadable") if isinstance(reply, Exception) else of(reply)


def _is_of_one_key(error: Exception) -> bool:
    return isinstance(error, ResponseError) and "WRONGTYPE" in str(error)


def _batches(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[at : at + BATCH] for at in range(0, len(ids), BATCH)]
