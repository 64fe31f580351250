"""What is known of a job, a queue, an entry, a schedule or a user, and of what surrounds it, to tell why it does not run.

Instants are epoch seconds, durations seconds. None is what nobody knows: of that no reason is given. Text is as Redis has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.model.schedules import RunRow
from console.model.status import PassLock, SchedulerStatus, WorkerStatus

if TYPE_CHECKING:
    # What takes tracebacks apart is imported by whoever has one: a start has none.
    from console.model.raised import Raised


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds everything at `now`. `rqschedulers` are those that left word of themselves; `told`: they do, because the
    heartbeat is installed, so that whoever left none is not at work. `evicted` counts keys that the server has dropped, because
    its memory was full, since it was started. `promise_s` is the shortest promise of the tiers."""

    now: float
    suspended: bool | None = None
    workers: tuple[WorkerStatus, ...] = ()
    rqschedulers: tuple[SchedulerStatus, ...] = ()
    told: bool = False
    pass_lock: PassLock | None = None
    used_memory: int | None = None
    maxmemory: int | None = None
    policy: str = ""
    evicted: int | None = None
    promise_s: float | None = None


@dataclass(frozen=True, slots=True)
class Before:
    """A queue that workers serve before another one, how many jobs wait in it, and since when the next of them."""

    name: str
    waiting: int | None
    oldest_at: float | None


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """A queue. `known`: RQ has it on its list. `oldest_at`: when its next job was enqueued. `running` counts what was begun
    and has not ended. `overdue` counts what is in its registry of scheduled jobs and more than a minute past due.
    `lock_beat_s`: how long ago the scheduler of RQ's that holds its lock has renewed that, None where nobody holds it.
    `beaten`: the heartbeat of the job layer moves its retries. `before` are the queues that a worker of it serves first.
    `held_back` counts what waits for a rate limit, of whatever queue: rate limits know none."""

    name: str
    known: bool | None = None
    waiting: int | None = None
    oldest_at: float | None = None
    overdue: int | None = None
    lock_beat_s: float | None = None
    beaten: bool | None = None
    before: tuple[Before, ...] = ()
    running: int | None = None
    held_back: int | None = None


@dataclass(frozen=True, slots=True)
class Dependency:
    """A job that another one waits for. `status` is RQ's word, None where its hash is gone."""

    id: str
    status: str | None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A rate limit: how many may be queued or running under it, how many are, and who some of these are."""

    name: str
    concurrency: int | None
    held: int | None
    holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetAside:
    """An entry in quarantine: its number, and why it is there."""

    number: str
    why: str


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """An entry of rq-scheduler. `due` is None where the set has none of that id; `found`: its job has a hash, which is kept for
    `expires_s` more, for good where that is None."""

    id: str
    due: float | None = None
    found: bool | None = None
    expires_s: float | None = None
    set_aside: SetAside | None = None


@dataclass(frozen=True, slots=True)
class ScheduleFacts:
    """A user's schedule. `found`: it has a definition; `readable`: that is one; `listed`: it is on the list of schedules.
    `slot` is the newest one that has passed by its cadence. `runs` are those that it remembers, newest first. `queue` is that
    of its lane, None where no run of it waits there."""

    id: str
    user: str
    task: str
    found: bool | None = None
    listed: bool | None = None
    readable: bool = False
    paused: bool = False
    note: str = ""
    noted_by: str = ""
    active: bool = True
    overlap: str = "skip"
    catch_up: int | None = None
    slot: float | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)
    runs: tuple[RunRow, ...] = ()
    entry: EntryFacts | None = None
    queue: QueueFacts | None = None


@dataclass(frozen=True, slots=True)
class UserFacts:
    """A user of the directory, and the schedules that the list of schedules has of it."""

    id: str
    found: bool | None = None
    active: bool | None = None
    schedules: tuple[ScheduleFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that names a job. `kind` is queued, popped, running, deferred, ready, scheduled, finished, failed, canceled,
    allowed, rate limited, group or entry; `name` is the list's key. `rank` and `score` as in console.model.job.Place."""

    kind: str
    name: str
    rank: int | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class JobFacts:
    """A job. `found` is None when nobody knows; `refused` is why its hash cannot be read. `searched`: the lists where it
    may be were searched to their ends. `executed`: an execution of it is trusted to be alive. `tried`: it has been started
    before. `repeats`: RQ enqueues it again and again. `error` is the last line of its newest failure, `failure` what that
    was, as far as it is known; `unimportable`: what it calls could not be imported. `queue` and `schedule` are None where
    they say nothing about it; `entry` where it is none."""

    id: str
    found: bool | None
    refused: str = ""
    status: str | None = None
    lists: tuple[Listed, ...] = ()
    searched: bool = True
    enqueued_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    worker: str | None = None
    executed: bool | None = None
    tried: bool = False
    retries: int | None = None
    retries_left: int | None = None
    repeats: bool = False
    expires_s: float | None = None
    error: str = ""
    failure: Raised | None = None
    unimportable: bool = False
    attempts: int = 0
    dependencies: tuple[Dependency, ...] = ()
    allows_failures: bool = False
    limit: RateLimit | None = None
    queue: QueueFacts | None = None
    entry: EntryFacts | None = None
    schedule: ScheduleFacts | None = None
