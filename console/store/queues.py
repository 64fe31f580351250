"""Queues: how many jobs are in which state, and since when the next one has been waiting. Counts only: no job is decoded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from console.model.drain import flow
from console.model.queries import OverviewQuery
from console.model.status import QueueStatus, WorkerStatus
from console.store import rq_keys, samples
from console.store.samples import AskedEnds
from console.store.trip import Answer, Trip
from console.store.values import age, instant, text, whole
from jobs import keys
from jobs.tiers import LANES

MAX_QUEUES = 5_000
OVERDUE = 60
"""Seconds past due after which nobody seems to move a scheduled job: RQ's scheduler and ours look every second or minute."""

SAMPLED_LANE = 100
SAMPLED_OTHERS = 1_000
"""How many of the first due scheduled jobs are looked at, to tell retries: of each lane, and of all other queues together."""

MAX_LOCK = 200
"""Bytes of a lock's value that are read: the name of the scheduler that holds it."""

_LANES = tuple(lane.encode() for lane in LANES)
_QUEUE, _WIP, _SCHEDULED, _FAILED, _LOCK, _JOB = (
    key.encode() for key in (keys.RQ_QUEUE, keys.RQ_WIP, keys.RQ_SCHEDULED, keys.RQ_FAILED, keys.RQ_SCHEDULER_LOCK, keys.RQ_JOB)
)


@dataclass(frozen=True, slots=True)
class AskedCounts:
    """The questions about any queue, and their answers after the trip."""

    waiting: Answer
    running: Answer
    scheduled: Answer
    overdue: Answer
    failed: Answer
    failed_expired: Answer
    lock: Answer


@dataclass(frozen=True, slots=True)
class AskedMore:
    """What else is asked about a lane, or a queue on screen."""

    head: Answer
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
    first_due: tuple[Answer, ...]


class AskedQueues:
    """The questions of one reading about queues, over as many trips as it takes to learn who is there.

    Each queue is counted once. The lanes and those that `query` has on screen are asked about in full.
    """

    def __init__(self, query: OverviewQuery, now: float) -> None:
        self._query, self._now = query, now
        self._counts: dict[bytes, AskedCounts] = {}
        self._more: dict[bytes, AskedMore] = {}
        self._jobs: dict[bytes, AskedJobs] = {}

    def ask(self, trip: Trip, names: Iterable[bytes]) -> None:
        """Ask about those of the queues `names`, all that are known so far, that were not asked about yet."""
        known = ordered(names)
        start = len(_LANES) + self._query.start
        shown = {*_LANES, *known[start : start + self._query.size]}
        sampled = min(SAMPLED_LANE, SAMPLED_OTHERS // max(1, len(shown)))
        for name in known:
            if name not in self._counts:
                self._counts[name] = _ask_counts(trip, name, self._now)
            if name in shown and name not in self._more:
                self._more[name] = _ask_more(trip, name, self._now, SAMPLED_LANE if is_lane(name) else max(1, sampled))

    def ask_jobs(self, trip: Trip) -> None:
        """Ask about the jobs that the trips before have named."""
        for name, more in self._more.items():
            if name not in self._jobs:
                self._jobs[name] = _ask_jobs(trip, more)

    def locks(self) -> dict[bytes, Answer]:
        """Who schedules each queue."""
        return {name: counts.lock for name, counts in self._counts.items()}

    def is_empty(self, name: bytes) -> bool:
        """Whether nothing was counted in a queue."""
        counts = self._counts.get(name)
        return counts is not None and not any(
            answer.count() != 0 for answer in (counts.waiting, counts.running, counts.scheduled, counts.failed)
        )

    def restore(self, name: bytes, workers: Iterable[WorkerStatus], promises: Mapping[str, int]) -> QueueStatus:
        """A queue that was counted; `workers` are those that listen on it. What was not asked about it is None."""
        counts, more, jobs = self._counts[name], self._more.get(name), self._jobs.get(name)
        waiting, scheduled = counts.waiting.count(), counts.scheduled.count()
        pace = flow(samples.restore(more.samples) if more else (), waiting, self._now)
        present = [worker for worker in workers if worker.verdict != "gone"]
        shown = text(name)
        return QueueStatus(
            name=shown,
            lane=is_lane(name),
            waiting=waiting,
            oldest_s=_waited(jobs.head, self._now) if jobs and jobs.head else None,
            promise_s=promises.get(shown),
            in_per_min=pace.in_per_min,
            out_per_min=pace.out_per_min,
            drain_s=pace.drain_s,
            running=counts.running.count(),
            retrying=_retrying(scheduled, jobs),
            scheduled=scheduled,
            overdue=counts.overdue.count(),
            deferred=more.deferred.count() if more else None,
            finished=_less(more.finished, more.finished_expired) if more else None,
            failed=_less(counts.failed, counts.failed_expired),
            canceled=more.canceled.count() if more else None,
            workers=len(present),
            busy=sum(worker.state == "busy" for worker in present),
            ended=samples.ends(more.ends, self._now) if more and more.ends else None,
            key=name,
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


def _ask_counts(trip: Trip, name: bytes, now: float) -> AskedCounts:
    scheduled, failed = _SCHEDULED + name, _FAILED + name
    return AskedCounts(
        waiting=trip.ask("LLEN", _QUEUE + name),
        running=trip.ask("ZCARD", _WIP + name),
        scheduled=trip.ask("ZCARD", scheduled),
        overdue=trip.ask("ZCOUNT", scheduled, "-inf", now - OVERDUE),
        failed=trip.ask("ZCARD", failed),
        # RQ drops from registries what expired, scores from 0 to now; -1 and +inf mean that a job is kept for good.
        failed_expired=trip.ask("ZCOUNT", failed, 0, int(now)),
        lock=trip.ask("GETRANGE", _LOCK + name, 0, MAX_LOCK - 1),
    )


def _ask_more(trip: Trip, name: bytes, now: float, sampled: int) -> AskedMore:
    finished = keys.RQ_FINISHED.encode() + name
    return AskedMore(
        head=trip.ask("LINDEX", _QUEUE + name, 0),
        first_due=trip.ask("ZRANGE", _SCHEDULED + name, 0, sampled - 1),
        deferred=trip.ask("ZCARD", keys.RQ_DEFERRED.encode() + name),
        finished=trip.ask("ZCARD", finished),
        finished_expired=trip.ask("ZCOUNT", finished, 0, int(now)),
        canceled=trip.ask("ZCARD", rq_keys.CANCELED.encode() + name),
        samples=samples.ask(trip, name),
        ends=samples.ask_ends(trip, name, now) if is_lane(name) else None,
    )


def _ask_jobs(trip: Trip, more: AskedMore) -> AskedJobs:
    head = more.head.value
    return AskedJobs(
        head=trip.ask("HMGET", _JOB + head, "enqueued_at", "created_at") if isinstance(head, bytes) else None,
        first_due=tuple(
            trip.ask("HMGET", _JOB + job, "started_at", "retries_left", "number_of_retries") for job in more.first_due.rows()
        ),
    )


def _waited(head: Answer, now: float) -> float | None:
    enqueued, created = head.value or (None, None)
    return age(instant(enqueued) or instant(created), now)


def _retrying(scheduled: int | None, jobs: AskedJobs | None) -> int | None:
    if scheduled is None or (scheduled and jobs is None):
        return None
    return sum(map(_tried, jobs.first_due)) if jobs else 0


def _tried(job: Answer) -> bool:
    """Whether a scheduled job has been tried before. One that repeats can look the same when it may be retried too."""
    started, left, tried = job.value or (None, None, None)
    return bool(started) and (left is not None or bool(whole(tried)))


def _less(all_of_it: Answer, expired: Answer) -> int | None:
    total, gone = all_of_it.count(), expired.count()
    return None if total is None or gone is None else max(0, total - gone)
