"""One job for programs: the fields that COMMANDS.md promises, and more."""

from __future__ import annotations

import math
from typing import Any

from console.commands import output
from console.commands.why import reason_fields
from console.model import job_states, shown
from console.model.job import Attempt, JobDetail, Place, Related
from console.model.payload import Call, Undecodable
from console.model.plain import plain


def fields(job: JobDetail) -> dict[str, Any]:
    """All that is known of `job`; `function`, `args` and `kwargs` are None where its call cannot be read."""
    called = job.call if isinstance(job.call, Call) else None
    return {
        "id": job.id,
        "queue": job.queue,
        "state": state(job),
        "function": called and called.function,
        "instance": called and plain(called.instance),
        "args": called and [plain(value) for value in called.args],
        "kwargs": called and {_name(key): plain(value) for key, value in called.kwargs},
        "undecodable": _undecodable(job.call) if isinstance(job.call, Undecodable) else None,
        "description": job.description,
        "user": job.user,
        "tier": job.tier,
        "task": job.task,
        "schedule": job.schedule,
        "slot": output.utc(job.slot),
        "created_at": output.utc(job.created_at),
        "enqueued_at": output.utc(job.enqueued_at),
        "started_at": output.utc(job.started_at),
        "ended_at": output.utc(job.ended_at),
        "heartbeat_at": output.utc(job.heartbeat_at),
        "expires_s": job.expires_s,
        "worker": job.worker,
        "retries": job.retries,
        "retries_left": job.retries_left,
        "attempts": [_attempt(attempt) for attempt in job.attempts],
        "attempts_total": job.attempts_total,
        "progress": job.progress and {"fraction": job.progress[0], "message": job.progress[1]},
        "log": [{"at": output.utc(at), "message": message} for at, message in job.log],
        "depends_on": [_related(other) for other in job.depends_on],
        "dependents": [_related(other) for other in job.dependents],
        "dependents_total": job.dependents_total,
        "meta": plain(job.meta),
        "places": [_place(place) for place in job.places],
        "unsearched": list(job.unsearched),
        "fields": dict(job.fields),
        "unread": [{"what": one.what, "reason": one.reason} for one in job.refused],
        "why": [reason_fields(reason) for reason in job.why],
    }


def state(job: JobDetail) -> str | None:
    """The state by the name that lists have for it; RQ's own word for what is in none."""
    tried = job_states.was_tried(job.started_at is not None, job.retries_left, job.retries)
    return None if job.status is None else job_states.state(job.status, tried=tried)


def _attempt(attempt: Attempt) -> dict[str, Any]:
    unreadable = isinstance(attempt.traceback, Undecodable)
    return {
        "n": attempt.n,
        "started_at": output.utc(attempt.started_at),
        "ended_at": output.utc(attempt.ended_at),
        "worker": attempt.worker,
        "outcome": attempt.outcome,
        "error": attempt.error,
        "traceback": shown.one_line(attempt.traceback) if unreadable else attempt.traceback,
        "result": plain(attempt.result),
        "has_result": attempt.has_result,
    }


def _related(other: Related) -> dict[str, Any]:
    return {"id": other.id, "state": other.state, "call": other.call}


def _place(place: Place) -> dict[str, Any]:
    kept = place.score is not None and math.isfinite(place.score)
    return {"name": place.name, "rank": place.rank, "score": place.score if kept else None}


def _undecodable(value: Undecodable) -> dict[str, Any]:
    return {"reason": value.reason, "length": value.length, "head": value.head}


def _name(key: Any) -> str:
    return key if isinstance(key, str) else shown.one_line(key)
