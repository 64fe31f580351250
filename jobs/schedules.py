"""Schedules as they stand: the record, how it is stored, and reading it. registering.py and controls.py change them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import cast

from redis import Redis

from jobs import keys
from jobs.cadence import MAX_JITTER, Cadence, Cron, Jittered, Slots, parse, slots_between
from jobs.errors import InvalidSchedule, JobsError, UnknownSchedule
from jobs.tiers import RetryPolicy

OVERLAPS = ("skip", "allow", "queue")
"""What happens when a slot is due while a run has not ended: skip it, run both, or let one run wait."""

MAX_RUNS = 50
"""How many runs of a schedule are remembered."""

MAX_SECONDS = 253_402_300_800
"""Seconds from the epoch to the end of the year 9999: what a date can tell."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How the runs of a schedule are run. Durations are seconds."""

    retry: RetryPolicy
    timeout: int
    result_ttl: int
    failure_ttl: int

    def text(self) -> str:
        """The text that `policy_of` reads back; short, so that the schedule's hash stays a compact one."""
        retry = self.retry
        return f"{retry.max} {retry.base} {retry.cap} {retry.jitter:g} {self.timeout} {self.result_ttl} {self.failure_ttl}"


def policy_of(text: str) -> Policy:
    """The policy that `Policy.text` wrote. Raises ValueError, and InvalidTiers for retries beyond the limits."""
    most, base, cap, jitter, timeout, result_ttl, failure_ttl = text.split()
    return Policy(RetryPolicy(int(most), int(base), int(cap), float(jitter)), int(timeout), int(result_ttl), int(failure_ttl))


@dataclass(frozen=True, slots=True)
class Schedule:
    """One user's standing order for one task. `next_at` is the next slot (epoch seconds), also while paused;
    `catch_up` None means: until the next slot; `own` means that the cadence was chosen by hand and does not follow the tier,
    `own_tier` that the tier was, and does not follow the user's."""

    id: str
    user: str
    task: str
    tier: str
    lane: str
    cadence: Cadence
    own: bool
    own_tier: bool
    policy: Policy
    overlap: str
    catch_up: int | None
    jitter: int
    paused: bool
    active: bool
    note: str
    noted_by: str
    next_at: int | None
    fired: int
    path: str
    rev: str
    skipped: Mapping[str, int] = field(default_factory=dict)

    @property
    def slots(self) -> Slots:
        """The instants at which it is due, jitter included."""
        return jittered(self.cadence, self.jitter, self.id)

    @property
    def zone(self) -> str:
        """The zone in which its cadence is meant."""
        return self.cadence.zone if isinstance(self.cadence, Cron) else "UTC"


def jittered(cadence: Cadence, spread: int, seed: str) -> Slots:
    """The slots of `cadence` with as much of the jitter as its period has room for, because a tier's change may have shortened
    it, and MAX_JITTER at the most."""
    room = min(spread, MAX_JITTER, cadence.shortest_gap(time.time()) - 1) if spread else 0
    return Jittered(cadence, room, seed) if room > 0 else cadence


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One line of a schedule's history. `kind` is slot, now, backfill, all or called; `state` is queued, started, retrying,
    finished, failed, timeout, killed, lost, stopped, canceled or gone; `slot` and `started_at` are epoch seconds."""

    id: str
    kind: str
    state: str
    slot: float | None
    started_at: float | None
    duration_s: float | None
    attempts: int


def schedule_id(user_id: str, task: str) -> str:
    """The id of the schedule and of its entry: the same for one user and task always, and one that RQ accepts."""
    digest = hashlib.sha1(user_id.encode(), usedforsecurity=False).hexdigest()
    return f"tq-{task}-{digest[:20]}"


def get(connection: Redis, user_id: str, task: str) -> Schedule:
    """The schedule of that user and task. Raises UnknownSchedule, InvalidSchedule when it is there and cannot be read."""
    one = schedule_id(user_id, task)
    found = get_many(connection, [one])[0]
    if found is None:
        if connection.exists(keys.SCHEDULE + one):
            raise InvalidSchedule(
                f"the schedule of user {ascii(user_id)[:70]} for {task!r} cannot be read; "
                "`tq-console schedules repair` makes it anew"
            )
        raise UnknownSchedule(f"user {ascii(user_id)[:70]} has no schedule for {task!r}; `tq-console schedules set` makes one")
    return found


def get_many(connection: Redis, ids: list[str]) -> list[Schedule | None]:
    """The schedules of those ids in one round trip, None for each that is not there or cannot be read."""
    with connection.pipeline(transaction=False) as pipe:
        for one in ids:
            pipe.hgetall(keys.SCHEDULE + one)
        return [restore(one, raw) for one, raw in zip(ids, pipe.execute(raise_on_error=False), strict=True)]


def count(connection: Redis) -> int:
    """How many schedules there are."""
    return int(connection.zcard(keys.SCHEDULES))


def page(connection: Redis, offset: int = 0, limit: int = 50, user_prefix: str = "") -> list[Schedule]:
    """Schedules in the order of their users, in two round trips. With `user_prefix`, those of the users that begin so."""
    low, high = b"-", b"+"
    if user_prefix:
        low, high = b"[" + user_prefix.encode(), b"[" + user_prefix.encode() + b"\xff"
    members = cast(list[bytes], connection.zrangebylex(keys.SCHEDULES, low, high, start=offset, num=limit))
    found = get_many(connection, [schedule_id(*member_parts(member)) for member in members])
    return [schedule for schedule in found if schedule is not None]


def members(connection: Redis, after: bytes = b"", limit: int = 50) -> list[bytes]:
    """Members of keys.SCHEDULES past `after`, in the order of users."""
    return cast(list[bytes], connection.zrangebylex(keys.SCHEDULES, b"(" + after if after else b"-", b"+", start=0, num=limit))


def of_user(connection: Redis, user_id: str) -> list[Schedule]:
    """Every schedule of one user, in two round trips."""
    start = b"[" + user_id.encode() + b"\x00"
    members = cast(list[bytes], connection.zrangebylex(keys.SCHEDULES, start, start + b"\xff"))
    found = get_many(connection, [schedule_id(*member_parts(member)) for member in members])
    return [schedule for schedule in found if schedule is not None]


def member_parts(member: bytes) -> tuple[str, str]:
    """User id and task of a member of keys.SCHEDULES."""
    user_id, _, task = member.decode("utf-8", "replace").rpartition("\x00")
    return user_id, task


def next_slots(schedule: Schedule, n: int, after: float | None = None) -> list[int]:
    """The next `n` slots (epoch seconds): first the one that the entry waits for, then those that firing gives it."""
    now = time.time() if after is None else after
    first = schedule.next_at
    if first is not None and first > now:
        return slots_from(first, schedule.slots, n, now)
    return list(islice(slots_between(schedule.slots, now, float("inf")), n))


def slots_from(first: int, slots: Slots, n: int, now: float) -> list[int]:
    """The slot that an entry waits for, and those that firing gives it after that: `n` in all. Raises InvalidCadence."""
    found = [first]
    while len(found) < n:
        following = slots.next_after(max(now, found[-1]))
        if isinstance(slots, Jittered) and slots.base_of(following) <= found[-1]:
            following = slots.next_after(following)
        found.append(following)
    return found[:n]


def last_runs(connection: Redis, ids: list[str], n: int = MAX_RUNS) -> list[list[RunRecord]]:
    """The last `n` runs of each schedule, newest slot first, in one round trip."""
    with connection.pipeline(transaction=False) as pipe:
        for one in ids:
            pipe.hgetall(keys.RUNS + one)
        replies = pipe.execute(raise_on_error=False)
    return [_runs(one, raw)[:n] if isinstance(raw, dict) else [] for one, raw in zip(ids, replies, strict=True)]


def restore(one: str, raw: object) -> Schedule | None:
    """The schedule of a raw hash, None when it is empty or not one of ours."""
    if not isinstance(raw, dict) or not raw:
        return None
    text = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in raw.items()}
    try:
        return Schedule(
            id=one,
            user=text["user"],
            task=text["task"],
            tier=text["tier"],
            lane=text["lane"],
            cadence=parse(text["cadence"]),
            own=text.get("own") == "1",
            own_tier=text.get("owntier") == "1",
            policy=policy_of(text["policy"]),
            overlap=text.get("overlap", "skip"),
            catch_up=int(text["catchup"]) if text.get("catchup") else None,
            jitter=int(text.get("jitter") or 0),
            paused=text.get("paused") == "1",
            active=text.get("active", "1") == "1",
            note=text.get("note", ""),
            noted_by=text.get("by", ""),
            next_at=int(float(text["next"])) if text.get("next") else None,
            fired=_count(text.get("fired", "")),
            path=text["path"],
            rev=text.get("rev", ""),
            skipped={name[5:]: _count(value) for name, value in text.items() if name.startswith("skip:")},
        )
    except (KeyError, ValueError, OverflowError, JobsError):
        return None


def _runs(one: str, raw: Mapping[bytes, bytes]) -> list[RunRecord]:
    text = {suffix.decode("utf-8", "replace"): line.decode("utf-8", "replace") for suffix, line in raw.items()}
    records = [_run(f"{one}-{suffix}", line) for suffix, line in text.items()]
    return sorted(records, key=lambda record: (record.slot or 0, record.id), reverse=True)


def _run(run_id: str, line: str) -> RunRecord:
    kind, state, slot, started, duration, attempts = [*line.split(";"), "", "", "", "", "", ""][:6]
    return RunRecord(run_id, kind, state, _number(slot), _number(started), _number(duration), _count(attempts))


def _count(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def _number(text: str) -> float | None:
    """A number of seconds below MAX_SECONDS; None of anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < MAX_SECONDS else None
