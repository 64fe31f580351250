"""The lists and sorted sets in which RQ keeps jobs by state: how many each holds, and its members at any ranks.

What RQ would drop when it cleans up is passed over without dropping it: members of `finished` and `failed` whose score lies
between 0 and now have expired. Every count and every page costs the same, however long the lists are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis

from console.model.queries import MAX_PAGE, JobState
from console.model.status import Refused
from console.store import queues, rate_limits, rq_keys
from console.store.seen import Seen
from console.store.trip import Answer, Trip
from jobs import keys

RATE_LIMITED: Final[JobState] = "rate limited"


@dataclass(frozen=True, slots=True)
class Registry:
    """Where jobs of one state are, and in which order: those of `newest_first` from the highest score down, the rest as they
    come. `expires`: scores are when a job expires, negative for those that are kept for good. `scored`: it is a sorted set of
    the ids of one queue's jobs."""

    prefix: str
    newest_first: bool = False
    expires: bool = False
    scored: bool = True


REGISTRIES: Final[Mapping[JobState, Registry]] = {
    "queued": Registry(keys.RQ_QUEUE, scored=False),
    "running": Registry(keys.RQ_WIP, scored=False),
    "scheduled": Registry(keys.RQ_SCHEDULED),
    "deferred": Registry(keys.RQ_DEFERRED),
    "finished": Registry(keys.RQ_FINISHED, newest_first=True, expires=True),
    "failed": Registry(keys.RQ_FAILED, newest_first=True, expires=True),
    "canceled": Registry(rq_keys.CANCELED, newest_first=True),
    "ready": Registry(rq_keys.READY),
    RATE_LIMITED: Registry(rq_keys.RATE_LIMIT, scored=False),
}
"""Of a queue the next one to run comes first; of the scheduled ones the first due; of those that run the one whose worker must
beat first; of deferred, ready and rate limited ones who waits longest; of finished, failed and canceled ones the latest."""

AMONG: Final[Mapping[JobState, JobState]] = {"retrying": "scheduled", "stopped": "failed"}
"""States without a registry, and in whose their jobs are: only each job's hash tells them apart."""


@dataclass(frozen=True, slots=True)
class Held:
    """One list or sorted set, and how many it holds: of those that expire some have `expired`, and some are `kept` for good.
    `owner` is the queue's name, or the rate limit's.

    How many will expire is what is left of the `whole`: to count these themselves is a way through the depth of a sorted set,
    and the longer, the larger it is; there is seldom one that has expired or is kept, and of none that is known at once.
    """

    state: JobState
    owner: bytes
    key: bytes
    whole: Answer
    expired: Answer | None = None
    kept: Answer | None = None

    @property
    def known(self) -> bool:
        """Whether the server told how many."""
        return all(one.count() is not None for one in (self.whole, self.expired, self.kept) if one is not None)

    @property
    def parts(self) -> tuple[int, int]:
        """How many will expire, or are there at all where none expires; and how many are kept. 0 for what was refused."""
        if not self.known:
            return 0, 0
        whole, expired, kept = ((one.count() or 0) if one is not None else 0 for one in (self.whole, self.expired, self.kept))
        return max(0, whole - expired - kept), kept

    @property
    def total(self) -> int:
        """How many can be reached by rank."""
        return sum(self.parts)


@dataclass(frozen=True, slots=True)
class Member:
    """A job's id in a list. `state` and `queue` are the list's, None where the job's own hash must tell."""

    job: bytes
    state: JobState | None = None
    queue: bytes | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Ranks:
    """A stretch of the lists of one state, one after the other, from the rank `start` on.

    Whatever is asked for, `start` is 0 at least and `size` from 1 to MAX_PAGE: to Redis less than nothing is the end of a list.
    """

    state: JobState
    start: int
    size: int
    reverse: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", max(0, self.start))
        object.__setattr__(self, "size", min(max(1, self.size), MAX_PAGE))


@dataclass(frozen=True, slots=True)
class Asked:
    """Ranks of one list that were asked for, and their members after the trip."""

    held: Held
    answer: Answer
    turned: bool = False

    def members(self) -> list[Member]:
        """They who are at these ranks, in order."""
        found = _members(self.held, self.answer.rows())
        return found[::-1] if self.turned else found


@dataclass(frozen=True, slots=True)
class Lists:
    """All lists of some states, of one queue or of all, in the order in which they are shown. `ahead` is what was asked for
    before anything was counted."""

    held: tuple[Held, ...]
    refused: tuple[Refused, ...]
    ahead: Asked | None = None

    def of(self, state: JobState) -> list[Held]:
        """Those of one state; of a state without a registry, those that have its jobs among theirs."""
        return [one for one in self.held if one.state == AMONG.get(state, state)]

    def counts(self) -> dict[str, int | None]:
        """How many jobs there are by state; None where no list of it could be counted."""
        found: dict[str, int | None] = {}
        for one in self.held:
            before = found.get(one.state)
            found[one.state] = (before or 0) + one.total if one.known else before
        return found


def count(
    connection: Redis, queue: bytes | None, states: Iterable[JobState], now: float, seen: Seen, ahead: Ranks | None = None
) -> Lists:
    """Count the lists of these states, of one queue or of all; rate limits know no queue, so these are counted always.

    One trip, and a second one where queues or rate limits turn up that `seen` did not know. Of one queue the members at the
    ranks `ahead` are asked for in the first trip, if no count is needed for that.
    """
    of_queues = tuple(state for state in states if state != RATE_LIMITED)
    limited = (RATE_LIMITED,) if RATE_LIMITED in states else ()
    first = Trip(connection)
    names = queues.ask_names(first)[0] if queue is None else None
    limits = rate_limits.ask_names(first) if limited else None
    owners = queues.ordered(seen.queues) if queue is None else (queue,)
    held = [one for name in owners for one in ask(first, name, of_queues, now)]
    held_back = [one for name in sorted(seen.limits) for one in ask(first, name, limited, now)]
    guess = _ask_ahead(first, held, ahead) if queue is not None and ahead else None
    first.go()

    seen.meet_registered(queues.registered(names) if names else ())
    seen.meet_limits(limits.rows() if limits else ())
    second = Trip(connection)
    if queue is None:
        held += [one for name in sorted(seen.queues.difference(owners)) for one in ask(second, name, of_queues, now)]
    known = {one.owner for one in held_back}
    held_back += [one for name in sorted(seen.limits - known) for one in ask(second, name, limited, now)]
    second.go()
    rank = {name: at for at, name in enumerate(queues.ordered(one.owner for one in held))}
    held.sort(key=lambda one: rank[one.owner])
    return Lists((*held, *held_back), (*first.refused, *second.refused), guess)


def ask(trip: Trip, owner: bytes, states: Iterable[JobState], now: float) -> list[Held]:
    """Ask how many the lists of one queue, or of one rate limit, hold: a command for each, three where jobs expire."""
    return [_ask(trip, state, owner, now) for state in states]


def members(connection: Redis, lists: Lists, ranks: Ranks) -> tuple[list[Member], tuple[Refused, ...]]:
    """The members at these ranks: one trip, none when they were asked for before."""
    held = lists.of(ranks.state)
    ahead = lists.ahead
    if ahead is not None:
        expiring, kept = ahead.held.parts
        end = min(ranks.start + ranks.size, expiring + kept)
        if end <= expiring:
            return ahead.members()[: max(0, end - ranks.start)], ()
    trip = Trip(connection)
    asked = [
        one
        for held_one, first, end in spread(held, ranks.start, ranks.size)
        for one in ask_ranks(trip, held_one, first, end, ranks.reverse)
    ]
    trip.go()
    return [member for one in asked for member in one.members()], tuple(trip.refused)


def spread(held: Iterable[Held], start: int, size: int) -> list[tuple[Held, int, int]]:
    """Which of these lists, one after the other, have the ranks from `start` on, and at which of their own (end excluded)."""
    found, end = [], start + size
    for one in held:
        if start < one.total and end > 0:
            found.append((one, max(0, start), min(end, one.total)))
        start, end = start - one.total, end - one.total
    return found


def ask_ranks(trip: Trip, held: Held, first: int, end: int, reverse: bool = False) -> list[Asked]:
    """Ask for the members of a list that was counted, at the ranks from `first` to `end` (excluded).

    In a sorted set with jobs that expire, those kept for good (scores below 0) come before the expired ones, and those that
    will expire after them. They are shown from the last to expire on, then the kept; so each part is counted from its own end.
    """
    registry = REGISTRIES[held.state]
    if not registry.expires:
        return [_ask_plain(trip, held, first, end, reverse)]
    expiring, kept = held.parts
    asked = []
    if reverse:
        if first < kept:
            asked.append(_range(trip, held, "ZRANGE", first, min(end, kept)))
        if end > kept:
            asked.append(
                _range(trip, held, "ZREVRANGE", expiring + kept - end, expiring + kept - max(first, kept), turned=True)
            )
    else:
        if first < expiring:
            asked.append(_range(trip, held, "ZREVRANGE", first, min(end, expiring)))
        if end > expiring:
            asked.append(
                _range(trip, held, "ZRANGE", expiring + kept - end, expiring + kept - max(first, expiring), turned=True)
            )
    return asked


def scored(rows: Sequence[Any]) -> list[tuple[bytes, float]]:
    """Members with their scores, infinite ones too, whichever of redis' protocols they came by."""
    pairs = rows if rows and isinstance(rows[0], list | tuple) else zip(rows[::2], rows[1::2], strict=False)
    return [(member, float(score)) for member, score in pairs]


def _ask(trip: Trip, state: JobState, owner: bytes, now: float) -> Held:
    registry = REGISTRIES[state]
    key = registry.prefix.encode() + owner + (rq_keys.RATE_LIMITED.encode() if state == RATE_LIMITED else b"")
    whole = trip.ask("LLEN" if state == "queued" else "ZCARD", key)
    if not registry.expires:
        return Held(state, owner, key, whole)
    return Held(state, owner, key, whole, trip.ask("ZCOUNT", key, 0, int(now)), trip.ask("ZCOUNT", key, "-inf", "(0"))


def _ask_ahead(trip: Trip, held: Iterable[Held], ranks: Ranks) -> Asked | None:
    one = next((one for one in held if one.state == ranks.state), None)
    if one is None:
        return None
    end = ranks.start + ranks.size
    if not REGISTRIES[ranks.state].expires:
        return _ask_plain(trip, one, ranks.start, end, ranks.reverse)
    return None if ranks.reverse else _range(trip, one, "ZREVRANGE", ranks.start, end)


def _ask_plain(trip: Trip, held: Held, first: int, end: int, reverse: bool) -> Asked:
    if held.state != "queued":
        down = REGISTRIES[held.state].newest_first is not reverse
        return _range(trip, held, "ZREVRANGE" if down else "ZRANGE", first, end)
    ranks = (-end, -first - 1) if reverse else (first, end - 1)
    return Asked(held, trip.ask("LRANGE", held.key, *ranks), turned=reverse)


def _range(trip: Trip, held: Held, command: str, first: int, end: int, *, turned: bool = False) -> Asked:
    return Asked(held, trip.ask(command, held.key, first, end - 1, "WITHSCORES"), turned)


def _members(held: Held, rows: Sequence[Any]) -> list[Member]:
    queue = None if held.state == RATE_LIMITED else held.owner
    if held.state == "queued":
        return [Member(job, held.state, queue) for job in rows]
    # Whatever runs is listed as `<job>:<execution>`, by RQ before version 2 as the job alone.
    runs = held.state == "running"
    return [Member(job.partition(b":")[0] if runs else job, held.state, queue, score) for job, score in scored(rows)]
