"""Runs: independent RQ jobs, each with its own id, retries and lifetimes, made from a schedule's policy."""

from __future__ import annotations

import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from redis import Redis
from redis.client import Pipeline
from rq.job import Job, JobStatus
from rq.scripts import _build_hset_args

from jobs import defining, keys, scripts, tiers
from jobs.errors import InvalidUser
from jobs.prototype import description, job_key
from jobs.schedules import MAX_RUNS, Policy, Schedule, schedule_id
from jobs.users import User

FAILURE_CALLBACK: Final = "jobs.attempts.note_failure"
STOPPED_CALLBACK: Final = "jobs.attempts.note_stopped"


def policy(tier: tiers.Tier, of: defining.RegisteredTask) -> Policy:
    """The policy of a tier's runs of a task: the task's own choices over the tier's."""
    return Policy(of.retry or tier.retry, of.timeout or tier.timeout, tier.result_ttl, tier.failure_ttl)


def fields(
    job: Job, *, run_id: str, lane: str, policy: Policy, meta: dict[str, str | int], description: str, now: float
) -> Sequence[scripts.Argument]:
    """Fields and values of a run's job hash, flat: written by RQ's own Job, so that it is what any worker expects.

    `job` supplies the call (`data`) and is changed.
    """
    job.id = run_id
    job.origin = lane
    job.description = description
    job.created_at = job.enqueued_at = datetime.fromtimestamp(now, UTC)
    job.timeout = policy.timeout
    job.result_ttl = policy.result_ttl
    job.failure_ttl = policy.failure_ttl
    if policy.retry.max:
        job.retries_left = policy.retry.max
        job.retry_intervals = policy.retry.intervals(run_id)
    else:
        job.retries_left = job.retry_intervals = None
    job.meta = meta
    job._failure_callback_name = FAILURE_CALLBACK
    job._stopped_callback_name = STOPPED_CALLBACK
    job._status = JobStatus.QUEUED
    built: list[scripts.Argument] = _build_hset_args(job)
    return built


def enqueue(connection: Redis, task_name: str, user: User, *, key: str, args: tuple[object, ...] | None = None) -> str | None:
    """Enqueue one run of a task for a user, now, on the lane and with the policy of the user's tier.

    `key` ([A-Za-z0-9_]+) makes the run's id; while a run of that id exists, nothing is enqueued and None is returned.
    """
    with connection.pipeline(transaction=False) as pipe:
        run_id = queue_run(pipe, connection, task_name, user, key=key, args=args, kind="called")
        return run_id if pipe.execute()[0] == b"enqueued" else None


def queue_run(
    pipe: Pipeline,
    connection: Redis,
    task_name: str,
    user: User,
    *,
    key: str,
    kind: str,
    args: tuple[object, ...] | None = None,
    slot: float | None = None,
    schedule: Schedule | None = None,
    lane: str | None = None,
    overlap: str = "allow",
) -> str:
    """Add the enqueueing of one run to a pipeline; its reply is b"enqueued", b"exists" or b"overlap". Returns the run's id.

    Lane, policy and function are those of `schedule`, or without one, of the user's tier and of the task that this process
    knows. Raises InvalidUser when there is no such tier, UnknownTask.
    """
    run = enqueueing(
        connection,
        task_name,
        user,
        key=key,
        kind=kind,
        args=args,
        slot=slot,
        schedule=schedule,
        lane=lane,
        overlap=overlap,
    )
    scripts.ENQUEUE.queue(pipe, run.keys, run.arguments)
    return run.id


@dataclass(frozen=True, slots=True)
class Enqueueing:
    """A run's id, and the keys and arguments of the script that enqueues it (lua/enqueue.lua)."""

    id: str
    keys: Sequence[str]
    arguments: Sequence[scripts.Argument]


def enqueueing(
    connection: Redis,
    task_name: str,
    user: User,
    *,
    key: str,
    kind: str,
    args: tuple[object, ...] | None = None,
    slot: float | None = None,
    schedule: Schedule | None = None,
    lane: str | None = None,
    overlap: str = "allow",
) -> Enqueueing:
    """What enqueues one run, as `queue_run` says. Asks the server nothing."""
    terms = _terms(task_name, user, schedule)
    one = schedule_id(user.id, task_name)
    run_id = f"{one}-{key}"
    now = time.time()
    due = int(now if slot is None else slot)
    where = lane or terms.lane
    job = Job(run_id, connection=connection)
    job.data = pickle.dumps((terms.path, None, (user.id,) if args is None else args, {}))
    values = fields(
        job,
        run_id=run_id,
        lane=where,
        policy=terms.policy,
        meta={"schedule": one, "user": user.id, "tier": terms.tier, "task": task_name, "slot": due},
        description=description(terms.path, user.id),
        now=now,
    )
    return Enqueueing(
        run_id,
        [
            keys.SCHEDULE + one,
            keys.RUNS + one,
            job_key(run_id),
            keys.RQ_QUEUE + where,
            keys.RQ_QUEUES,
            keys.WAITING + where,
            keys.LANE + where,
            keys.LANES,
        ],
        [one, run_id, key, kind, due, overlap, now, where, keys.RQ_JOB, MAX_RUNS, *values],
    )


@dataclass(frozen=True, slots=True)
class _Terms:
    """The tier, the lane and the policy of a run, and how a worker imports its function."""

    tier: str
    lane: str
    policy: Policy
    path: str


def _terms(task_name: str, user: User, schedule: Schedule | None) -> _Terms:
    if schedule is not None:
        return _Terms(schedule.tier, schedule.lane, schedule.policy, schedule.path)
    of = defining.lookup(task_name)
    tier = tiers.current().get(user.tier)
    if tier is None:
        raise InvalidUser(f"user {ascii(user.id)[:70]} has the tier {user.tier[:40]!r}, which no tiers file names")
    return _Terms(tier.name, tier.lane, policy(tier, of), of.path)
