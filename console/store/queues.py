"""Queues: how many jobs are in which state, and since when the next one has been waiting. Counts only: no job is decoded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from console.model.drain import flow
from console.model.job_states import was_tried
from console.model.queries import OverviewQuery
from console.model.status import QueueStatus, WorkerStatus
from console.store import rq_keys, samples
from console.store.own_readings import OwnReadings
from console.store.samples import AskedEnds
from console.store.seen import MAX_QUEUES
from console.store.trip import Answer, Answers, Trip
from console.store.values import age, instant, text, whole
from jobs import keys
from jobs.lanes import LANES

OVERDUE = 60
"""Seconds past due after which nobody seems to move a scheduled job: RQ's scheduler and ours look every second or minute."""

SAMPLED_LANE = 100
SAMPLED_OTHERS = 300
"""How many of the first due scheduled jobs are looked at, to tell retries: of each lane, and of all other queues together."""

MAX_LOCK = 200
"""Bytes of a lock's value that are read: the name of the scheduler that holds it."""

_LANES = tuple(lane.encode() for lane in LANES)
_QUEUE, _WIP, _SCHEDULED, _FAILED, _LOCK, _JOB = (
    key.encode() for key in (keys.RQ_QUEUE, keys.RQ_WIP, keys.RQ_SCHEDULED, keys.RQ_FAILED, keys.RQ_SCHEDULER_LOCK, keys.RQ_JOB)
)


class Counts(NamedTuple):
    """How many jobs any queue has in which state. None where the server refused."""

    waiting: int | None
    running: int | None
    overdue: int | None
    failed: int | None
    failed_expired: int | None


@dataclass(frozen=True, slots=True)
class AskedCounts:
    """The questions of one trip about any queues: their counts, in the order of Counts, and who schedules them."""

    names: tuple[bytes, ...]
    counts: tuple[Answers, ...]
    locks: Answers


@dataclass(frozen=True, slots=True)
class AskedMore:
    """What else is asked about a lane, or a queue on screen."""

    head: Answer
    scheduled: Answer
    first_due: Answer
    deferred: Answer
    finished: Answer
    finished_expired: Answer
    canceled: Answer
    samples: Answer
    ends: AskedEnds | None


@dataclass(frozen=True, slots=True)
class AskedJobs:
    """The questions about jobs that were found in a queue: the next one, and the first due of the scheduled ones."""

    head: Answer | None
    first_due: Answers


class AskedQueues:
    """The questions of one reading about queues, over as many trips as it takes to learn who is there.

    Each queue is counted once. The lanes and those that `query` has on screen are asked about in full.
    """

    def __init__(self, query: OverviewQuery, now: float) -> None:
        self._query, self._now = query, now
        self._asked: list[AskedCounts] = []
        self._known: set[bytes] = set()
        self._more: dict[bytes, AskedMore] = {}
        self._jobs: dict[bytes, AskedJobs] = {}

    def ask(self, trip: Trip, names: Iterable[bytes], in_full: Iterable[bytes] = ()) -> None:
        """Ask about those of the queues `names`, all that are known so far, that were not asked about yet; besides those on
        screen `in_full` about these of them."""
        known = ordered(names)
        new = tuple(name for name in known if name not in self._known)
        self._known.update(new)
        if new:
            self._asked.append(_ask_counts(trip, new, self._now))
        start = len(_LANES) + self._query.start
        shown = (*_LANES, *known[start : start + self._query.size])
        sampled = min(SAMPLED_LANE, max(1, SAMPLED_OTHERS // len(shown)))
        for name in (*shown, *in_full):
            if name not in self._more:
                self._more[name] = _ask_more(trip, name, self._now, SAMPLED_LANE if is_lane(name) else sampled)

    def ask_jobs(self, trip: Trip) -> None:
        """Ask about the jobs that the trips before have named."""
        for name, more in self._more.items():
            if name not in self._jobs:
                self._jobs[name] = _ask_jobs(trip, more)

    def locks(self) -> dict[bytes, bytes]:
        """Who holds the lock of each queue that somebody schedules, as far as the trips were made."""
        return {
            name: lock for asked in self._asked for name, lock in zip(asked.names, asked.locks.values, strict=False) if lock
        }

    def counts(self) -> dict[bytes, Counts]:
        """What was counted, once the trips were made."""
        return {
            name: Counts(*values)
            for asked in self._asked
            for name, *values in zip(asked.names, *(answers.values for answers in asked.counts), strict=True)
        }

    def in_full(self, name: bytes) -> bool:
        """Whether a queue was asked about in full."""
        return name in self._more

    def restore(
        self,
        workers: Mapping[bytes, Sequence[WorkerStatus]],
        promises: Mapping[str, int],
        before: dict[bytes, QueueStatus],
        own: OwnReadings,
    ) -> dict[bytes, QueueStatus]:
        """The queues by name, once the trips were made; `workers` has those that listen on each, `own` what was read of those
        of which nothing is recorded. What was not asked is None.

        `before` is what the last reading has made of those off screen: of a thousand most are the same a second later, and are
        not made again.
        """
        return {
            name: self._in_full(name, counts, workers.get(name, ()), promises, own)
            if name in self._more
            else _in_short(name, counts, workers.get(name, ()), before.get(name))
            for name, counts in self.counts().items()
        }

    def _in_full(
        self,
        name: bytes,
        counts: Counts,
        workers: Iterable[WorkerStatus],
        promises: Mapping[str, int],
        own: OwnReadings,
    ) -> QueueStatus:
        more, jobs = self._more[name], self._jobs.get(name)
        retrying = _retrying(more.scheduled.count(), jobs)
        sampled = samples.points(more.samples)
        pace = flow(sampled, counts.waiting, self._now) if sampled else own.flow(name, counts.waiting, self._now)
        listening, busy = _present(workers)
        shown = text(name)
        return QueueStatus(
            name=shown,
            lane=is_lane(name),
            waiting=counts.waiting,
            oldest_s=_waited(jobs.head, self._now) if jobs and jobs.head else None,
            promise_s=promises.get(shown),
            in_per_min=pace.in_per_min,
            out_per_min=pace.out_per_min,
            drain_s=pace.drain_s,
            running=counts.running,
            retrying=retrying,
            scheduled=_less(more.scheduled.count(), retrying),
            overdue=counts.overdue,
            deferred=more.deferred.count(),
            finished=_less(more.finished.count(), more.finished_expired.count()),
            failed=_less(counts.failed, counts.failed_expired),
            canceled=more.canceled.count(),
            workers=listening,
            busy=busy,
            ended=samples.ends(more.ends, sampled, self._now) if more.ends else None,
            key=name,
            grows_per_min=pace.grows_per_min,
        )


def ask_names(trip: Trip) -> tuple[Answer, Answer]:
    """Ask which queues there are, MAX_QUEUES at the most, and how many."""
    return trip.ask("SRANDMEMBER", keys.RQ_QUEUES, MAX_QUEUES), trip.ask("SCARD", keys.RQ_QUEUES)


def registered(answer: Answer) -> frozenset[bytes]:
    """The names of the queues that RQ has on its list."""
    prefix = keys.RQ_QUEUE.encode()
    return frozenset(key.removeprefix(prefix) for key in answer.rows())


def names(answer: Answer) -> tuple[bytes, ...]:
    """The lanes, and the queues that RQ has on its list, in order."""
    return ordered(registered(answer))


def ordered(names: Iterable[bytes]) -> tuple[bytes, ...]:
    """The lanes, in the order in which they are served, then these queues, sorted by name."""
    return _LANES + tuple(sorted(set(names).difference(_LANES)))


def is_lane(name: bytes) -> bool:
    """Whether the queue of that name is one of the lanes."""
    return name in _LANES


def _in_short(name: bytes, counts: Counts, workers: Iterable[WorkerStatus], before: QueueStatus | None) -> QueueStatus:
    """A queue off screen; `before`, if it is the same."""
    failed, (listening, busy) = _less(counts.failed, counts.failed_expired), _present(workers)
    known = (counts.waiting, counts.running, counts.overdue, failed, listening, busy)
    if before and known == (before.waiting, before.running, before.overdue, before.failed, before.workers, before.busy):
        return before
    return QueueStatus(
        name=text(name),
        lane=False,
        waiting=counts.waiting,
        oldest_s=None,
        promise_s=None,
        in_per_min=None,
        out_per_min=None,
        drain_s=None,
        running=counts.running,
        retrying=None,
        scheduled=None,
        overdue=counts.overdue,
        deferred=None,
        finished=None,
        failed=failed,
        canceled=None,
        workers=listening,
        busy=busy,
        key=name,
    )


def _present(workers: Iterable[WorkerStatus]) -> tuple[int, int]:
    """How many of the workers are not gone, and how many of these are busy."""
    states = [worker.state for worker in workers if worker.verdict != "gone"]
    return len(states), states.count("busy")


def _ask_counts(trip: Trip, names: tuple[bytes, ...], now: float) -> AskedCounts:
    def each(command: str, prefix: str, *arguments: str | float) -> Answers:
        return trip.ask_each(command, [prefix.encode() + name for name in names], *arguments)

    return AskedCounts(
        names,
        (
            each("LLEN", keys.RQ_QUEUE),
            each("ZCARD", keys.RQ_WIP),
            each("ZCOUNT", keys.RQ_SCHEDULED, "-inf", now - OVERDUE),
            each("ZCARD", keys.RQ_FAILED),
            each("ZCOUNT", keys.RQ_FAILED, *_expired(now)),
        ),
        each("GETRANGE", keys.RQ_SCHEDULER_LOCK, 0, MAX_LOCK - 1),
    )


def _expired(now: float) -> tuple[int, int]:
    """The scores of what RQ drops from a registry, since it expired; -1 and +inf mean that a job is kept for good."""
    return 0, int(now)


def _ask_more(trip: Trip, name: bytes, now: float, sampled: int) -> AskedMore:
    finished = keys.RQ_FINISHED.encode() + name
    return AskedMore(
        head=trip.ask("LINDEX", keys.RQ_QUEUE.encode() + name, 0),
        scheduled=trip.ask("ZCARD", keys.RQ_SCHEDULED.encode() + name),
        first_due=trip.ask("ZRANGE", keys.RQ_SCHEDULED.encode() + name, 0, sampled - 1),
        deferred=trip.ask("ZCARD", keys.RQ_DEFERRED.encode() + name),
        finished=trip.ask("ZCARD", finished),
        finished_expired=trip.ask("ZCOUNT", finished, *_expired(now)),
        canceled=trip.ask("ZCARD", rq_keys.CANCELED.encode() + name),
        samples=samples.ask(trip, name),
        ends=samples.ask_ends(trip, name, now) if is_lane(name) else None,
    )


def _ask_jobs(trip: Trip, more: AskedMore) -> AskedJobs:
    head = more.head.value
    return AskedJobs(
        head=trip.ask("HMGET", keys.RQ_JOB.encode() + head, "enqueued_at", "created_at") if isinstance(head, bytes) else None,
        first_due=trip.ask_each(
            "HMGET",
            [keys.RQ_JOB.encode() + job for job in more.first_due.rows()],
            "started_at",
            "retries_left",
            "number_of_retries",
        ),
    )


def _waited(head: Answer, now: float) -> float | None:
    enqueued, created = head.value or (None, None)
    return age(instant(enqueued) or instant(created), now)


def _retrying(scheduled: int | None, jobs: AskedJobs | None) -> int | None:
    if scheduled is None or (scheduled and jobs is None):
        return None
    known = [job for job in jobs.first_due.values if job] if jobs else []
    return sum(was_tried(started, left, whole(retries)) for started, left, retries in known)


def _less(total: int | None, expired: int | None) -> int | None:
    return None if total is None or expired is None else max(0, total - expired)
