"""The state of an installation at one instant, as `tq-console status` shows it.

Durations are seconds, instants epoch seconds. Text that came out of Redis is kept as it is: whoever draws it makes it visible
(text.py). None stands for what could not be read, or for what nothing is known about.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from console.model.throughput import Throughput

if TYPE_CHECKING:
    from console.model.outlook import Outlook
    from console.model.queries import ViewQuery

Verdict = Literal["live", "late", "gone"]
Severity = Literal["error", "warning"]

FAILING_RUNS: Final = 2
"""How many runs in a row a schedule fails until that is a problem: one may have met what passes by itself."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """The server. `url` bears no secret; `latency_ms` is how long it took until the reading's first reply;
    `maxmemory` is 0 when there is no limit; both memory sizes are bytes. `refuses_writes` is why nothing can be changed on it,
    empty where something can, as far as it tells. `changed_s` is how many seconds ago another process was met at this address
    than answered there before: it was restarted, or another one took over."""

    url: str
    kind: str
    version: str | None
    latency_ms: float
    used_memory: int | None
    maxmemory: int | None
    maxmemory_policy: str | None
    refuses_writes: str = ""
    changed_s: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How users' runs ended in the last `since_s` seconds, about an hour; None: since the first of them. `done` and `failed`
    are runs, `retried` is attempts that failed and were not the last."""

    since_s: float | None
    done: int
    failed: int
    retried: int


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """One queue. `lane`: whether it is one of the lanes, which alone have a `promise_s` and tell how runs `ended`.

    `retrying` counts the retries among the first due of RQ's registry of scheduled jobs, a bounded number, so it is a lower
    bound on a long registry; `scheduled` counts all others in there. `overdue` counts what is more than a minute past due
    in there. What waits for a rate limit is in no queue, and is counted in Status.held_back. `workers` listen and are not
    gone, `busy` are those of them that run a job, of whichever queue. `drain_s` is the time to empty at the present pace,
    None when the queue grows, by `grows_per_min` jobs a minute (less than nothing when it gets shorter); where nothing is
    recorded, that is as this console has seen it, None at first.

    `key` is the name as Redis has it. Of a queue that is neither a lane nor on screen, only `waiting`, `running`, `overdue`,
    `failed`, `workers` and `busy` are read.
    """

    name: str
    lane: bool
    waiting: int | None
    oldest_s: float | None
    promise_s: int | None
    in_per_min: float | None
    out_per_min: float | None
    drain_s: float | None
    running: int | None
    retrying: int | None
    scheduled: int | None
    overdue: int | None
    deferred: int | None
    finished: int | None
    failed: int | None
    canceled: int | None
    workers: int
    busy: int
    ended: Ended | None = None
    key: bytes = b""
    grows_per_min: float | None = None


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """One registered worker. `job` is the id of what it runs; `done` and `failed` count attempts since it was born."""

    name: str
    host: str | None
    queues: tuple[str, ...]
    state: str | None
    verdict: Verdict
    job: str | None
    heartbeat_s: float | None
    done: int | None
    failed: int | None


@dataclass(frozen=True, slots=True)
class SchedulerStatus:
    """One scheduler: `kind` is rqscheduler, rq (inside `rq worker --with-scheduler` and `rq worker-pool`) or rq-cron.

    `lag_s` is how long the entry that is longest due has been waiting for an rqscheduler: of those that are live, and where
    none is, of all of them; `seen_s` is since when it is silent.
    """

    kind: str
    name: str
    host: str | None
    poll_s: float | None
    lag_s: float | None
    seen_s: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ScheduleCounts:
    """Users' schedules. `armed` are those that are not paused, the schedules of inactive users among them: they have their
    entries, and skip. `orphaned` are on the list of schedules and cannot be read any more; `failing` are those of which
    FAILING_RUNS runs have failed since one was done, or more.

    `late`, `due_next_hour` and `entries` count entries of rq-scheduler, whoever made them, `due_next_hour` without those of
    paused schedules, which skip; `heartbeat` is whether the job layer's own entry, which is none of these, is there: it
    serves every prefix.
    """

    armed: int | None
    paused: int | None
    late: int | None
    orphaned: int | None
    quarantined: int | None
    due_next_hour: int | None
    entries: int | None
    heartbeat: bool | None
    failing: int | None


@dataclass(frozen=True, slots=True)
class PassLock:
    """rq-scheduler's lock for one pass: taken `age_s` ago, freed by itself in `ends_s` (None: never)."""

    age_s: float
    ends_s: float | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that the server would not tell, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unread:
    """Of `total` queues or workers, `read` are shown."""

    what: str
    read: int
    total: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, why, and what to do. `code` is stable; the rest is for people. `touches` counts the runs or schedules
    that it keeps from what was promised, as far as they are counted; `opens` is where its evidence is seen, None where that is
    nowhere, and `evidence` are names of a few that it is about."""

    code: str
    severity: Severity
    subject: str
    message: str
    remedy: str
    touches: int = 0
    opens: ViewQuery | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """An installation as it was read at `as_of`. `held_back` counts the jobs that wait for a rate limit, of whatever queue: RQ
    knows them by no queue."""

    as_of: float
    server: ServerInfo
    queues: tuple[QueueStatus, ...]
    workers: tuple[WorkerStatus, ...]
    schedulers: tuple[SchedulerStatus, ...]
    schedules: ScheduleCounts
    suspended: bool | None
    pass_lock: PassLock | None
    refused: tuple[Refused, ...] = ()
    unread: tuple[Unread, ...] = ()
    throughput: tuple[Throughput, ...] = ()
    problems: tuple[Problem, ...] = ()
    outlook: Outlook | None = None
    held_back: int | None = None


def as_json(status: Status) -> dict[str, Any]:
    """`status` as the JSON document of COMMANDS.md: `as_of` in ISO 8601, UTC; every number finite."""
    as_of = datetime.fromtimestamp(status.as_of, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    document = {**asdict(status), "as_of": as_of}
    del document["outlook"]
    for queue in document["queues"]:
        del queue["key"]
    document["problems"] = [problem_as_json(problem) for problem in status.problems]
    return document


def problem_as_json(problem: Problem) -> dict[str, Any]:
    """A problem for programs, to whom it is nothing which screen shows it."""
    return {field.name: getattr(problem, field.name) for field in fields(problem) if field.name != "opens"}
