"""Attempts: one record for each execution of a run, also for those that RQ forgets because they will be retried.

The work-horse writes that an attempt starts and how it ends. When it cannot, because it was killed, the next one to look
does: the next attempt, RQ's failure callback for a lost worker, or the heartbeat (lua/settle.lua).
"""

from __future__ import annotations

import json
import logging
import math
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import AbandonedJobError
from rq.job import Job
from rq.timeouts import JobTimeoutException

from jobs import delays, keys, scripts, usage
from jobs.errors import PermanentError, RetryAfter
from jobs.running import CurrentRun, current

logger = logging.getLogger("jobs.attempts")

MAX_ATTEMPTS = 20
MAX_ERROR = 500
MAX_TRACEBACK = 8_000
MAX_RETRY_AFTER = 86_400
LOOK_AGAIN = 30
"""Seconds after its start at which the heartbeat first looks at a run that goes on."""
DEFAULT_KEEP = 7 * 86_400
"""Seconds that attempts are kept of a job that names no lifetimes."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a run. Times are epoch seconds, `ended_at` None while it runs. `outcome` is running, finished, failed,
    retrying (failed, and tried again), timeout, killed (the work-horse), lost (the worker) or stopped (by an operator);
    `will_retry` says whether the run goes on after it."""

    n: int
    started_at: float
    ended_at: float | None
    worker: str
    outcome: str
    error: str
    traceback: str
    will_retry: bool


def recorded(job: Job, call: Callable[[], R]) -> R:
    """Call a task's function as one attempt of `job`, noting its start and its end. Raises what the function raises."""
    started = time.time()
    run = CurrentRun(
        id=job.id,
        schedule=str(_meta(job, "schedule")),
        user=str(_meta(job, "user")),
        tier=str(_meta(job, "tier")),
        slot=int(_meta(job, "slot")) if str(_meta(job, "slot")).isdigit() else None,
        connection=job.connection,
        attempt=_note_start(job, started),
        keep=_keep(job),
    )
    token = current.set(run)
    try:
        result = call()
    except BaseException as error:
        _adjust_retries(job, error)
        _note_end(job, started, _outcome(job, error), error)
        # The failure callback sees this exception too, and has nothing to add.
        error.__tq_noted__ = True  # type: ignore[attr-defined]
        raise
    else:
        _note_end(job, started, "finished", None)
        return result
    finally:
        current.reset(token)


def read(connection: Redis, run_ids: list[str]) -> list[list[Attempt]]:
    """The attempts of each run, first to last, the newest MAX_ATTEMPTS of them, in one round trip."""
    with connection.pipeline(transaction=False) as pipe:
        for run_id in run_ids:
            pipe.hgetall(keys.ATTEMPTS + run_id)
        return [_restore(raw) if isinstance(raw, dict) else [] for raw in pipe.execute(raise_on_error=False)]


def note_failure(
    job: Job,
    connection: Redis,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
) -> None:
    """RQ's failure callback of every run: notes the failures that `recorded` cannot see, a lost worker's above all."""
    if getattr(error, "__tq_noted__", False):
        return
    if issubclass(kind, AbandonedJobError):
        _note_end(job, _started(job), "lost", error, text="the worker was lost: no heartbeat from it any more")
    else:
        _note_end(job, _started(job), _outcome(job, error), error.with_traceback(trace))


def note_stopped(job: Job, connection: Redis) -> None:
    """RQ's stopped callback of every run: an operator ended the attempt."""
    _note_end(job, _started(job), "stopped", None, text="stopped by an operator")


def _outcome(job: Job, error: BaseException) -> str:
    if isinstance(error, JobTimeoutException):
        return "timeout"
    return "retrying" if job.should_retry else "failed"


def _adjust_retries(job: Job, error: BaseException) -> None:
    """What the error says about the next attempt, in the very job object from which RQ will read it (Job.retry)."""
    if not job.retries_left:
        return
    if isinstance(error, PermanentError):
        job.retries_left = 0
    elif isinstance(error, RetryAfter) and job.retry_intervals:
        seconds = error.seconds if math.isfinite(error.seconds) else MAX_RETRY_AFTER
        at = max(len(job.retry_intervals) - job.retries_left, 0)
        job.retry_intervals[at] = max(1, math.ceil(min(seconds, MAX_RETRY_AFTER)))


def _note_start(job: Job, started: float) -> int:
    record = _record(started, None, job.worker_name or "", "running", "", "", False)
    before = job.ended_at.timestamp() if isinstance(job.ended_at, datetime) else ""
    try:
        n = scripts.ATTEMPT_START.run(
            job.connection,
            [
                keys.ATTEMPTS + job.id,
                keys.RUNS + str(_meta(job, "schedule")),
                keys.LANE + job.origin,
                keys.WAITING + job.origin,
                keys.ONGOING + job.origin,
                keys.MISSING,
                delays.record(started),
                *usage.records(started),
            ],
            [
                f"{started:.3f}",
                record,
                MAX_ATTEMPTS,
                _keep(job),
                _suffix(job),
                before,
                job.id,
                started + LOOK_AGAIN,
                delays.group(job.origin, str(_meta(job, "tier"))),
                delays.KEPT,
                *_delay(job.enqueued_at.timestamp() if isinstance(job.enqueued_at, datetime) else None, started),
                *_delay(float(slot) if (slot := str(_meta(job, "slot"))).isdigit() else None, started),
                str(_meta(job, "user")),
                usage.MOST_USERS,
                usage.KEPT,
            ],
        )
        return int(n)
    except RedisError:
        logger.exception("%s: the start of an attempt could not be noted", job.id)
        return 0


def _note_end(job: Job, started: float, outcome: str, error: BaseException | None, *, text: str = "") -> None:
    ended = time.time()
    run = current.get()
    retries = outcome not in ("finished", "stopped") and bool(job.should_retry)
    message = text or (f"{type(error).__name__}: {error}" if error else "")
    trace = "" if error is None or text else "".join(traceback.format_exception(error))
    record = _record(started, ended, job.worker_name or "", outcome, message, trace, retries)
    state = "retrying" if retries else outcome
    try:
        scripts.ATTEMPT_END.run(
            job.connection,
            [
                keys.ATTEMPTS + job.id,
                keys.RUNS + str(_meta(job, "schedule")),
                keys.LANE + job.origin,
                keys.LOG + job.id,
                keys.ONGOING + job.origin,
                keys.WAITING + job.origin,
                *usage.records(ended),
                keys.FAILING,
                keys.SCHEDULE + str(_meta(job, "schedule")),
            ],
            [
                run.attempt if run else "",
                record,
                _keep(job) if retries else _lifetime(job, outcome),
                _suffix(job),
                state,
                f"{ended - started:.3f}",
                "done" if outcome == "finished" else "retried" if retries else "failed",
                job.id,
                MAX_ATTEMPTS,
                str(_meta(job, "user")),
                int(outcome not in ("finished", "stopped")),
                usage.MOST_USERS,
                usage.KEPT,
            ],
        )
    except RedisError:
        logger.exception("%s: the end of an attempt could not be noted", job.id)


def _delay(since: float | None, started: float) -> tuple[int | str, str]:
    """The bin and the seconds of what lies between, empty where nobody knows since when."""
    return ("", "") if since is None else (delays.bin_of(started - since), f"{max(0.0, started - since):.3f}")


def _record(started: float, ended: float | None, worker: str, outcome: str, error: str, trace: str, will_retry: bool) -> str:
    return json.dumps(
        {
            "started": round(started, 3),
            "ended": "" if ended is None else round(ended, 3),
            "worker": worker,
            "outcome": outcome,
            "error": error[:MAX_ERROR],
            "traceback": trace[-MAX_TRACEBACK:],
            "retry": will_retry,
        }
    )


def _restore(raw: Mapping[bytes, bytes]) -> list[Attempt]:
    numbers = sorted(int(field) for field in raw if field.isdigit())
    return [attempt for n in numbers if (attempt := _attempt(n, raw[str(n).encode()])) is not None]


def _attempt(n: int, text: bytes) -> Attempt | None:
    try:
        record: dict[str, Any] = json.loads(text)
        return Attempt(
            n=n,
            started_at=float(record["started"]),
            ended_at=_instant(record.get("ended")),
            worker=str(record.get("worker", "")),
            outcome=str(record["outcome"]),
            error=str(record.get("error", "")),
            traceback=str(record.get("traceback", "")),
            will_retry=bool(record.get("retry")),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _instant(value: object) -> float | None:
    """An instant as the work-horse writes it (a number), or as RQ writes it into the job (ISO 8601)."""
    if value in ("", None):
        return None
    if isinstance(value, int | float):
        return float(value)
    text = str(value)
    return float(text) if text.replace(".", "", 1).isdigit() else datetime.fromisoformat(text).timestamp()


def _started(job: Job) -> float:
    return float(job.started_at.timestamp()) if job.started_at else time.time()


def _meta(job: Job, name: str) -> str | int:
    value = job.meta.get(name, "") if isinstance(job.meta, dict) else ""
    return value if isinstance(value, str | int) else ""


def _suffix(job: Job) -> str:
    """The part of the run's id that names it in its schedule's history, empty for a job that no schedule made."""
    prefix = f"{_meta(job, 'schedule')}-"
    return job.id[len(prefix) :] if len(prefix) > 1 and job.id.startswith(prefix) else ""


def _keep(job: Job) -> int:
    """Seconds for which the attempts of a run that goes on are kept: past its longest interval, its timeout and its failure."""
    longest = max(job.retry_intervals or [0])
    return int(longest + (job.timeout or 0) + _lifetime(job, "failed"))


def _lifetime(job: Job, outcome: str) -> int:
    ttl = job.result_ttl if outcome == "finished" else job.failure_ttl
    return ttl if ttl is not None and ttl > 0 else DEFAULT_KEEP
