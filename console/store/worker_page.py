"""Every worker with what it does, and every scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from redis import Redis

from console.model.queries import WorkersQuery
from console.model.secrets import Secrets, masked_text
from console.model.status import SchedulerStatus, Unread
from console.model.workers import WorkerRow, WorkersPage
from console.store import bounded, queues, rq_keys, schedulers, workers
from console.store.progress import progress
from console.store.schedulers import AskedScheduler
from console.store.seen import Seen
from console.store.steps import Line, Reading, Steps, beside, together
from console.store.trip import Answer, Answers
from console.store.values import instant, number, text, text_or_none, whole
from console.store.workers import AskedWorkers
from jobs import keys

FIELDS: Final = ("birth", "total_working_time", "version")


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions about some workers: those of workers.py, and FIELDS of each."""

    workers: AskedWorkers
    more: Answers


@dataclass(frozen=True, slots=True)
class Job:
    """What is known of a job that runs: fields of its hash, and what it said of its progress."""

    fields: dict[str, bytes]
    progress: bytes | None


def read(connection: Redis, query: WorkersQuery, now: float, seen: Seen, secrets: Secrets) -> WorkersPage:
    """Workers and schedulers at `now` (epoch seconds), in four round trips at the most.

    The busy share counts the job that runs. Writes nothing, and decodes no job. Raises redis' ConnectionError and TimeoutError.
    """
    line = Line(connection)
    # Milliseconds that it lasts: -1 has no end, -2 is not there.
    suspended = line.ask("PTTL", rq_keys.SUSPENDED)
    replication = line.ask("INFO", "replication")
    names, total = workers.ask_names(line.trip)
    about_workers = Reading(_workers(line, names, total, seen))
    about_schedulers = Reading(_schedulers(line, now, seen))
    together(line, about_workers, about_schedulers)
    asked, jobs = about_workers.result
    replica = isinstance(replication.value, dict) and replication.value.get("role") == "slave"
    rows = [row for part in asked for row in _rows(part, jobs, now, replica, secrets) if row.key in seen.workers]
    unread = (total.count() or 0) > len(names.rows())
    lasts = whole(suspended.value)
    return WorkersPage(
        as_of=now,
        workers=tuple(sorted(rows, key=lambda row: row.key)),
        schedulers=about_schedulers.result,
        suspended=None if lasts is None else lasts >= -1,
        refused=line.refused,
        unread=(Unread("workers", len(names.rows()), total.count() or 0),) if unread else (),
        suspended_s=lasts / 1_000 if lasts is not None and lasts >= 0 else None,
    )


def _workers(line: Line, names: Answer, total: Answer, seen: Seen) -> Steps[tuple[list[Asked], dict[bytes, Job]]]:
    """All workers, those that are remembered in the first trip and the others in the second, and what they run."""
    asked = [_ask(line, sorted(seen.workers))]
    yield
    present = frozenset(workers.names(names))
    if names.value is not None and (total.count() or 0) <= len(names.rows()):
        seen.forget_workers(seen.workers - present)
    seen.meet_workers(present)
    seen.meet_queues(workers.queues_of(asked[0].workers))
    fresh = sorted(seen.workers.difference(asked[0].workers.names))
    if fresh:
        asked.append(_ask(line, fresh))
        yield
        seen.meet_queues(workers.queues_of(asked[1].workers))
    running = sorted({job for part in asked for job in workers.running(part.workers) if job})
    about = Reading(bounded.fields(line, [keys.RQ_JOB.encode() + job for job in running], ("started_at",), ("description",)))
    progress = Reading(bounded.fields(line, [keys.ATTEMPTS.encode() + job for job in running], (), ("progress",)))
    yield from beside(about, progress)
    return asked, {
        job: Job(fields or {}, (said or {}).get("progress"))
        for job, fields, said in zip(running, about.result, progress.result, strict=True)
    }


def _ask(line: Line, names: Sequence[bytes]) -> Asked:
    prefix = rq_keys.WORKER.encode()
    return Asked(workers.ask(line.trip, names), line.trip.ask_each("HMGET", [prefix + name for name in names], *FIELDS))


def _schedulers(line: Line, now: float, seen: Seen) -> Steps[tuple[SchedulerStatus, ...]]:
    """All schedulers; those of RQ's own by the locks of the queues that they serve."""
    asked = schedulers.ask_names(line.trip, now)
    names, _ = queues.ask_names(line.trip)
    asked_locks = [_ask_locks(line, queues.ordered(seen.queues))]
    yield
    seen.meet_registered(queues.registered(names))
    of_rqscheduler = schedulers.ask_rqschedulers(line.trip, asked)
    of_rq: tuple[AskedScheduler, ...] = ()
    for turn in count():
        holders = schedulers.ask_rq(line.trip, _held(asked_locks), of_rq)
        known = {key for locks in asked_locks for key in locks.keys}
        fresh = [name for name in queues.ordered(seen.queues) if _lock(name) not in known]
        # A worker that is met in the second trip may name queues that nobody else knows of.
        if turn and not holders and not fresh:
            break
        of_rq += holders
        if fresh:
            asked_locks.append(_ask_locks(line, fresh))
        yield
    return (
        *schedulers.rqschedulers(asked, of_rqscheduler, now),
        *schedulers.rq(of_rq, now),
        *schedulers.cron(asked, now),
    )


def _ask_locks(line: Line, names: Sequence[bytes]) -> Answers:
    return line.trip.ask_each("GETRANGE", [_lock(name) for name in names], 0, queues.MAX_LOCK - 1)


def _lock(queue: bytes) -> bytes:
    return keys.RQ_SCHEDULER_LOCK.encode() + queue


def _held(asked: Sequence[Answers]) -> dict[bytes, bytes]:
    """Who holds the lock of each queue that somebody schedules."""
    prefix = keys.RQ_SCHEDULER_LOCK.encode()
    return {
        key.removeprefix(prefix): holder
        for locks in asked
        for key, holder in zip(locks.keys, locks.values, strict=False)
        if holder
    }


def _rows(asked: Asked, jobs: dict[bytes, Job], now: float, replica: bool, secrets: Secrets) -> list[WorkerRow]:
    found = workers.restore(asked.workers, now, replica)
    rows = []
    for worker, running, more in zip(found, workers.running(asked.workers), asked.more.values, strict=True):
        birth, worked, version = more or [None] * len(FIELDS)
        job = jobs.get(running) if running else None
        started = instant(job.fields.get("started_at")) if job else None
        runs_for = None if started is None else max(0.0, now - started)
        born = instant(birth)
        rows.append(
            WorkerRow(
                key=worker.name,
                status=worker.status,
                job_key=running,
                call=masked_text(text(job.fields.get("description", b"")), secrets) if job else "",
                running_s=runs_for,
                progress=progress(job.progress, secrets) if job else None,
                born_at=born,
                busy_share=_share(born, number(worked), runs_for, now),
                version=text_or_none(version),
            )
        )
    return rows


def _share(born: float | None, worked: float | None, running: float | None, now: float) -> float | None:
    """`worked` is in seconds, and leaves out the job that runs (rq.worker.BaseWorker.increment_total_working_time)."""
    if born is None or now <= born:
        return None
    return round(min(1.0, max(0.0, (worked or 0.0) + (running or 0.0)) / (now - born)), 4)
