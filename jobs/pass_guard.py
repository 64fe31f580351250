"""Keeping rqscheduler alive through a pass that meets a poisoned entry.

A pass works from one list of due entries, fetched at its start. Nothing in Redis can change that list, so what protects the
pass has to stand where it stands: the heartbeat, which comes first in every pass, puts it there. On that one Scheduler object
(its class, and RQ, stay as they are) the fetching and the enqueueing of an entry are wrapped: an entry that cannot be fetched,
or that would fail or be lost when it is enqueued, is set aside, and the pass goes on (field guide, section 4 e).
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.utils import import_attribute
from rq_scheduler import Scheduler
from rq_scheduler.utils import get_next_scheduled_time

from jobs import quarantine
from jobs.utf8 import is_utf8

logger = logging.getLogger("jobs.pass_guard")

MOST = 10**11
"""The largest interval (seconds) and number of repeats that an entry may have: a time that far off is in no date's reach, and a
longer number is no score."""


def calling_scheduler() -> Scheduler | None:
    """The Scheduler on whose behalf this thread runs: `self` of its enqueue_job, which called us; None elsewhere."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code is Scheduler.enqueue_job.__code__:
            return frame.f_locals.get("self")
        frame = frame.f_back  # type: ignore[assignment]
    return None


def protect(scheduler: Scheduler) -> None:
    """Wrap the fetching and enqueueing of entries on this Scheduler object, once."""
    if not hasattr(scheduler, "tq_protected"):
        scheduler.tq_protected = True
        scheduler.job_class = _guarded_job_class(scheduler)
        scheduler.enqueue_job = _guarded_enqueue(scheduler, scheduler.enqueue_job)


def set_aside_unreadable(scheduler: Scheduler, due: list[bytes]) -> int:
    """Set aside those of the `due` ids that are not UTF-8, and end this pass if there were any. Returns how many.

    rq-scheduler decodes ids outside of anything that can be wrapped, so the pass, whose list still names them, must not go on;
    the next one does, an interval later.
    """
    unreadable = [entry for entry in due if not is_utf8(entry)]
    for entry in unreadable:
        quarantine.set_aside(scheduler.connection, entry, "the id is not UTF-8", scheduler.name)
    if unreadable:
        logger.error(
            "%d entries are set aside: their ids are not UTF-8; the rest of this pass waits for the next", len(unreadable)
        )
        _end_pass()
    return len(unreadable)


def _end_pass() -> None:
    """Close the generator from which the pass takes its jobs: it ends as if it had given all of them."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code is Scheduler.enqueue_jobs.__code__:
            frame.f_locals["jobs"].close()
            return
        frame = frame.f_back  # type: ignore[assignment]


def _guarded_job_class(scheduler: Scheduler) -> type[Job]:
    plain: type[Job] = scheduler.job_class

    class GuardedJob(plain):  # type: ignore[misc]
        @classmethod
        def fetch(cls, id: str, *args: Any, **kwargs: Any) -> Job:
            try:
                return plain.fetch(id, *args, **kwargs)
            except NoSuchJobError:
                raise
            except Exception as error:
                if not _is_poison(error):
                    raise
                if not _set_aside(scheduler, id, f"cannot be fetched: {_words(error)}"):
                    raise
                # What rq-scheduler takes in its stride: it goes on to the next entry.
                raise NoSuchJobError(id) from error

    return GuardedJob


def _guarded_enqueue(scheduler: Scheduler, plain: Any) -> Any:
    def enqueue_job(job: Job) -> None:
        entry_id = job.id
        if reason := _why_not(job):
            _set_aside(scheduler, entry_id, reason)
            return
        try:
            plain(job)
        except Exception as error:
            if not _is_poison(error):
                raise
            _set_aside(scheduler, entry_id, f"its queue class failed: {_words(error)}")

    return enqueue_job


def _why_not(job: Job) -> str:
    """Why rq-scheduler must not be given this entry, or ''. What it would evaluate is evaluated here first."""
    try:
        job.func_name  # noqa: B018 - rq-scheduler evaluates it for a debug line
    except Exception as error:
        return f"its call cannot be decoded: {_words(error)}"
    if not isinstance(job.meta, dict):
        return f"its meta is a {type(job.meta).__name__}, not a dict"
    if job._unreadable_meta is not None:
        return "its meta cannot be decoded: it would fire once and never again"
    if not job.origin:
        return "it names no queue"
    try:
        if job.meta.get("queue_class_name"):
            import_attribute(job.meta["queue_class_name"])
    except Exception as error:
        return f"its queue class cannot be imported: {_words(error)}"
    return _why_not_again(job)


def _why_not_again(job: Job) -> str:
    """Why a plain entry that repeats could not be given its next time, which rq-scheduler computes after it fired, or ''."""
    for name in ("interval", "repeat"):
        try:
            if job.meta.get(name) and abs(int(job.meta[name])) > MOST:
                return f"its {name} is out of reach"
        except Exception:
            # The value is whatever was pickled, and so is what its conversion raises.
            return f"its {name} is no number"
    try:
        if job.meta.get("cron_string"):
            get_next_scheduled_time(job.meta["cron_string"], use_local_timezone=job.meta.get("use_local_timezone"))
    except Exception as error:
        return f"its cron expression has no next time: {_words(error)}"
    return ""


def _is_poison(error: Exception) -> bool:
    """Whether the entry is to blame, and not the server or the way to it."""
    if isinstance(error, RedisConnectionError | RedisTimeoutError):
        return False
    return not isinstance(error, RedisError) or (isinstance(error, ResponseError) and "WRONGTYPE" in str(error))


def _set_aside(scheduler: Scheduler, entry_id: str, reason: str) -> bool:
    """Set the entry aside; False when there is no such entry, because another pass was faster, or because it is none."""
    number = quarantine.set_aside(scheduler.connection, entry_id.encode("utf-8", "surrogateescape"), reason, scheduler.name)
    if number:
        logger.error("entry %s is set aside as number %d: %s", ascii(entry_id)[:80], number, reason)
    return bool(number)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
