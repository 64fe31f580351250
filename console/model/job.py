"""One job, whole: what the job's own screen and `tq-console job` show. Units and text: as in pages.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.model.payload import Call, Undecodable, Value
from console.model.status import Refused
from console.model.why.reasons import Reason


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a job: of a run, as our task wrapper noted it; of any other job, as an entry of RQ's results says.

    `outcome` is finished, failed, retried, timeout, killed, lost, stopped or running.
    """

    n: int | None
    started_at: float | None
    ended_at: float | None
    worker: str | None
    outcome: str
    error: str | None = None
    traceback: str | Undecodable | None = None
    result: Value | Undecodable = None
    has_result: bool = False


@dataclass(frozen=True, slots=True)
class Related:
    """A job that this one waits for, or that waits for it. `state` is None when its hash is gone."""

    key: bytes
    id: str
    state: str | None
    call: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A list that names the job: its key, the rank where that is known cheaply, and the score where it has one."""

    name: str
    rank: int | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class JobDetail:
    """A job as it was read at `as_of`. `found` is False when there is no hash of that id; then only what is left is told.

    `fields` are the other fields of the hash, as text (timeout, ttl, retry_intervals, callbacks, group, rate limit, webhooks).
    `expires_s` is how long its hash is kept, None when for good. `places` are the lists it is in, none for a lost one.
    `log` is the newest lines, oldest first: (instant, text). `unsearched` are the lists that are too long to be searched to
    their ends, so that a job which is in no place may be in one of these. `why`: the reasons that it does not run.
    """

    as_of: float
    key: bytes
    id: str
    found: bool
    queue: str = ""
    status: str | None = None
    description: str | None = None
    call: Call | Undecodable | None = None
    meta: Value | Undecodable = None
    user: str | None = None
    tier: str | None = None
    task: str | None = None
    schedule: str | None = None
    slot: float | None = None
    created_at: float | None = None
    enqueued_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    heartbeat_at: float | None = None
    worker: str | None = None
    expires_s: float | None = None
    retries_left: int | None = None
    retries: int | None = None
    attempts: tuple[Attempt, ...] = ()
    attempts_total: int = 0
    depends_on: tuple[Related, ...] = ()
    dependents: tuple[Related, ...] = ()
    dependents_total: int = 0
    places: tuple[Place, ...] = ()
    unsearched: tuple[str, ...] = ()
    progress: tuple[float | None, str] | None = None
    log: tuple[tuple[float | None, str], ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    why: tuple[Reason, ...] = ()
    refused: tuple[Refused, ...] = ()
