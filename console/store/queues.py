"""Queues: how many jobs are in which state, and since when the next one has been waiting. Counts only: no job is decoded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rq.defaults import RQ_KEY_PREFIX

from console.model.drain import flow
from console.model.status import QueueStatus, WorkerStatus
from console.store import samples
from console.store.samples import AskedEnds
from console.store.trip import Answer, Trip
from console.store.values import age, instant, text, whole
from jobs import keys
from jobs.tiers import LANES

RQ_CANCELED = f"{RQ_KEY_PREFIX}:canceled:"

MAX_QUEUES = 5_000
OVERDUE = 60
"""Seconds past due after which nobody seems to move a scheduled job: RQ's scheduler and ours look every second or minute."""

SAMPLED_LANE = 100
SAMPLED_OTHERS = 1_000
"""How many of the first due scheduled jobs are looked at, to tell retries: of each lane, and of all other queues together."""


@dataclass(frozen=True, slots=True)
class AskedQueue:
    """The questions about the queue `name`, and their answers after the trip."""

    name: bytes
    waiting: Answer
    head: Answer
    running: Answer
    scheduled: Answer
    overdue: Answer
    first_due: Answer
    deferred: Answer
    finished: Answer
    finished_expired: Answer
    failed: Answer
    failed_expired: Answer
    canceled: Answer
    lock: Answer
    samples: Answer
    ends: AskedEnds | None


@dataclass(frozen=True, slots=True)
class AskedJobs:
    """The questions about jobs that were found in a queue: the next one, and the first due of the scheduled ones."""

    head: Answer | None
    first_due: tuple[Answer, ...]


def ask_names(trip: Trip) -> tuple[Answer, Answer]:
    """Ask which queues there are, MAX_QUEUES at the most, and how many."""
    return trip.ask("SRANDMEMBER", keys.RQ_QUEUES, MAX_QUEUES), trip.ask("SCARD", keys.RQ_QUEUES)


def names(answer: Answer) -> tuple[bytes, ...]:
    """The lanes, in the order in which they are served, then the other queues' names, sorted."""
    prefix = keys.RQ_QUEUE.encode()
    lanes = tuple(lane.encode() for lane in LANES)
    return lanes + tuple(sorted({key.removeprefix(prefix) for key in answer.rows()} - set(lanes)))


def ask(trip: Trip, queues: Iterable[bytes], now: float) -> tuple[AskedQueue, ...]:
    """Ask for the counts of these queues: fourteen commands for each and two more for a lane, whatever they hold."""
    queues = tuple(queues)
    others = max(1, SAMPLED_OTHERS // max(1, len(queues)))
    return tuple(_ask(trip, name, now, SAMPLED_LANE if is_lane(name) else min(SAMPLED_LANE, others)) for name in queues)


def ask_jobs(trip: Trip, queue: AskedQueue) -> AskedJobs:
    """Ask about the jobs that `queue` named: a few plain fields of each."""
    head = queue.head.value
    return AskedJobs(
        head=trip.ask("HMGET", keys.RQ_JOB.encode() + head, "enqueued_at", "created_at") if isinstance(head, bytes) else None,
        first_due=tuple(
            trip.ask("HMGET", keys.RQ_JOB.encode() + job, "started_at", "retries_left", "number_of_retries")
            for job in queue.first_due.rows()
        ),
    )


def restore(
    queue: AskedQueue, jobs: AskedJobs | None, workers: Iterable[WorkerStatus], promises: Mapping[str, int], now: float
) -> QueueStatus:
    """The queue at `now`; `workers` are those that listen on it. Without `jobs`, nothing is known of the jobs in it."""
    waiting, scheduled = queue.waiting.count(), queue.scheduled.count()
    pace = flow(samples.restore(queue.samples), waiting, now)
    present = [worker for worker in workers if worker.verdict != "gone"]
    return QueueStatus(
        name=text(queue.name),
        lane=is_lane(queue.name),
        waiting=waiting,
        oldest_s=_waited(jobs.head, now) if jobs and jobs.head else None,
        promise_s=promises.get(text(queue.name)),
        in_per_min=pace.in_per_min,
        out_per_min=pace.out_per_min,
        drain_s=pace.drain_s,
        running=queue.running.count(),
        retrying=_retrying(scheduled, jobs),
        scheduled=scheduled,
        overdue=queue.overdue.count(),
        deferred=queue.deferred.count(),
        finished=_less(queue.finished, queue.finished_expired),
        failed=_less(queue.failed, queue.failed_expired),
        canceled=queue.canceled.count(),
        workers=len(present),
        busy=sum(worker.state == "busy" for worker in present),
        ended=samples.ends(queue.ends, now) if queue.ends else None,
    )


def is_lane(name: bytes) -> bool:
    """Whether the queue of that name is one of the lanes."""
    return name in {lane.encode() for lane in LANES}


def _ask(trip: Trip, name: bytes, now: float, sampled: int) -> AskedQueue:
    def key(prefix: str) -> bytes:
        return prefix.encode() + name

    # RQ drops from these two what expired, scores from 0 to now; -1 and +inf mean that a job is kept for good.
    expired = (0, int(now))
    return AskedQueue(
        name=name,
        waiting=trip.ask("LLEN", key(keys.RQ_QUEUE)),
        head=trip.ask("LINDEX", key(keys.RQ_QUEUE), 0),
        running=trip.ask("ZCARD", key(keys.RQ_WIP)),
        scheduled=trip.ask("ZCARD", key(keys.RQ_SCHEDULED)),
        overdue=trip.ask("ZCOUNT", key(keys.RQ_SCHEDULED), "-inf", now - OVERDUE),
        first_due=trip.ask("ZRANGE", key(keys.RQ_SCHEDULED), 0, sampled - 1),
        deferred=trip.ask("ZCARD", key(keys.RQ_DEFERRED)),
        finished=trip.ask("ZCARD", key(keys.RQ_FINISHED)),
        finished_expired=trip.ask("ZCOUNT", key(keys.RQ_FINISHED), *expired),
        failed=trip.ask("ZCARD", key(keys.RQ_FAILED)),
        failed_expired=trip.ask("ZCOUNT", key(keys.RQ_FAILED), *expired),
        canceled=trip.ask("ZCARD", key(RQ_CANCELED)),
        lock=trip.ask("GET", key(keys.RQ_SCHEDULER_LOCK)),
        samples=samples.ask(trip, name),
        ends=samples.ask_ends(trip, name, now) if is_lane(name) else None,
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
