"""Failed and stopped jobs, the latest first: of one queue at any depth, of all queues merged by time.

RQ's index is when a failed job expires, which is the order of time among jobs that are kept equally long (`failure_ttl`). That
order is kept here. Jobs that are kept for good have no time in the index, and come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from redis import Redis

from console.model.pages import JobsPage
from console.model.queries import FailuresQuery
from console.model.secrets import Secrets
from console.model.status import Refused
from console.store import job_lists, queues, rows
from console.store.job_lists import Asked, Held, Member, Ranks
from console.store.seen import Seen
from console.store.trip import Answer, Trip

REACH: Final = 2_000
"""Of all queues' failures so many are in reach; more are found queue by queue, or by a search."""

STEP: Final = 4
"""Each queue's scores are looked at at the ranks 0, 3, 15, 63 …: STEP times as many before the next one as up to the last."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """The failures of one queue: how many, and the members at a few ranks of those that expire."""

    held: Held
    ranks: tuple[int, ...]
    samples: tuple[Answer, ...]

    def scores(self) -> list[tuple[int, float]]:
        """The ranks that there are, with their scores, from the latest on."""
        expiring, _ = self.held.parts
        found = [
            (rank, job_lists.scored(one.rows())) for rank, one in zip(self.ranks, self.samples, strict=True) if rank < expiring
        ]
        return [(rank, pairs[0][1]) for rank, pairs in found if pairs]


def read(connection: Redis, query: FailuresQuery, now: float, seen: Seen, secrets: Secrets) -> JobsPage:
    """The page that `query` asks for, at `now` (epoch seconds).

    Three trips for one queue, four for all, and one more when a queue turns up that `seen` did not know. Of all queues the
    latest REACH can be reached: `total` is at most that, and `of` how many there are. Raises redis' errors of the connection.
    """
    if query.only is not None:
        found = rows.named(connection, query.only, secrets, errors=True)
        seen.meet_queues(found.origins)
        return JobsPage(now, query.start, len(found.rows), found.rows, refused=rows.told(found.refused))
    ranks = Ranks("failed", query.start, query.size)
    if query.queue is not None:
        lists = job_lists.count(connection, query.queue, ("failed",), now, seen, ranks)
        members, refused = job_lists.members(connection, lists, ranks)
        total, refused = lists.counts().get("failed"), (*lists.refused, *refused)
        within = total
    else:
        members, total, refused = latest(connection, ranks.start, min(ranks.start + ranks.size, REACH), now, seen)
        within = None if total is None else min(total, REACH)
    found = rows.read(connection, members, secrets, errors=True)
    seen.meet_queues(found.origins)
    return JobsPage(
        as_of=now,
        start=ranks.start,
        total=within,
        rows=found.rows,
        counts={"failed": total},
        refused=rows.told((*refused, *found.refused)),
        of=total if query.queue is None else None,
    )


def latest(
    connection: Redis, start: int, end: int, now: float, seen: Seen
) -> tuple[list[Member], int | None, tuple[Refused, ...]]:
    """The failures of all queues at the ranks from `start` to `end` (excluded), how many there are, and what was refused; in
    two trips, and one more when a queue turns up that `seen` did not know. Raises redis' errors of the connection."""
    wanted = max(0, end) if start < end else 0
    first = Trip(connection)
    names, _ = queues.ask_names(first)
    known = queues.ordered(seen.queues)
    sampled = [_ask(first, name, end, now) for name in known]
    first.go()
    seen.meet_registered(queues.registered(names))
    second = Trip(connection)
    sampled += [_ask(second, name, end, now) for name in sorted(seen.queues.difference(known))]
    second.go()

    third = Trip(connection)
    stops = _stops(sampled, wanted)
    latest = [job_lists.ask_ranks(third, one.held, 0, stop) for one, stop in zip(sampled, stops, strict=True) if stop]
    expiring = sum(one.held.parts[0] for one in sampled)
    kept = _ask_kept(third, sampled, start - expiring, wanted - expiring)
    third.go()
    merged = sorted(
        (
            (member, at, rank)
            for at, asked in enumerate(latest)
            for rank, member in enumerate(member for one in asked for member in one.members())
        ),
        key=lambda one: (-(one[0].score or 0.0), one[1], one[2]),
    )
    members = [member for member, _, _ in merged[start:wanted]] + [member for one in kept for member in one.members()]
    counted = [one.held.total for one in sampled if one.held.known]
    return members, sum(counted) if counted else None, (*first.refused, *second.refused, *third.refused)


def _ask(trip: Trip, queue: bytes, end: int, now: float) -> Sampled:
    (held,) = job_lists.ask(trip, queue, ("failed",), now)
    ranks = [0]
    while (rank := (ranks[-1] + 1) * STEP - 1) < end:
        ranks.append(rank)
    samples = [trip.ask("ZREVRANGE", held.key, rank, rank, "WITHSCORES") for rank in ranks]
    return Sampled(held, tuple(ranks), tuple(samples))


def _stops(sampled: Sequence[Sampled], wanted: int) -> list[int]:
    """How many of each queue's latest suffice to have the `wanted` latest of all among them.

    From the latest sample on, of whichever queue, each stands for as many members as there are up to it from the one before. As
    soon as they stand for `wanted`, whatever comes later than the next sample of a queue is none of these. So little more than
    STEP times as many are read as are wanted, whether they are in one queue or in a thousand.
    """
    points = sorted((-score, at, rank) for at, one in enumerate(sampled) for rank, score in one.scores())
    reached = [0] * len(sampled)
    stood = 0
    for _, at, rank in points:
        if stood >= wanted:
            break
        stood += rank + 1 - reached[at]
        reached[at] = rank + 1
    return [
        min(reach * STEP - 1 if reach else 0, one.held.parts[0], wanted) for reach, one in zip(reached, sampled, strict=True)
    ]


def _ask_kept(trip: Trip, sampled: Sequence[Sampled], start: int, end: int) -> list[Asked]:
    """Ask for those that are kept for good, queue by queue, at the ranks from `start` to `end` (excluded) among these."""
    asked: list[Asked] = []
    for one in sampled:
        expiring, kept = one.held.parts
        if start < kept and end > 0:
            asked += job_lists.ask_ranks(trip, one.held, expiring + max(0, start), expiring + min(end, kept))
        start, end = start - kept, end - kept
    return asked
