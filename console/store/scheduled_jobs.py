"""RQ's own scheduled jobs as rows: one queue's after the other's, each queue's in the order in which they come due."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from console.model import starting
from console.model.commands import JobSeen
from console.model.due import LATE
from console.model.job_states import was_tried
from console.model.schedules import ScheduleRow
from console.model.secrets import Secrets, masked_text
from console.model.why.reasons import Reason
from console.store import bounded, queues
from console.store.cadence_words import period_in_words
from console.store.seen import Seen
from console.store.steps import Line, Steps
from console.store.values import number, scored, text, whole
from jobs import keys

SHORT: Final = (
    "origin", "started_at", "retries_left", "number_of_retries", "repeats_left", "repeat_intervals",
)  # fmt: skip
LONG: Final = ("description",)

Due = tuple[bytes, bytes, float | None]
"""A queue, the id of a job that is scheduled on it, and when that is due."""


def counts(line: Line, seen: Seen) -> Steps[dict[bytes, int | None]]:
    """How many jobs are scheduled on each queue, the lanes first, then by name: in one trip, and another for queues that were
    not met before."""
    names, _ = queues.ask_names(line.trip)
    known = queues.ordered(seen.queues)
    asked = [line.trip.ask_each("ZCARD", [_key(name) for name in known])]
    yield
    seen.meet_registered(queues.registered(names))
    fresh = tuple(sorted(seen.queues.difference(known)))
    if fresh:
        asked.append(line.trip.ask_each("ZCARD", [_key(name) for name in fresh]))
        yield
    counted = [count if isinstance(count, int) else None for answers in asked for count in answers.values]
    found = dict(zip((*known, *fresh), counted, strict=True))
    return {name: found[name] for name in queues.ordered(found)}


def page(line: Line, of: Mapping[bytes, int | None], start: int, size: int) -> Steps[list[Due]]:
    """The jobs from the rank `start` on, of queues with those counts, in one trip."""
    asked = []
    for queue, count in of.items():
        here = count or 0
        if size > 0 and start < here:
            asked.append((queue, line.ask("ZRANGE", _key(queue), start, start + min(size, here - start) - 1, "WITHSCORES")))
            size -= min(size, here - start)
        start = max(0, start - here)
    if asked:
        yield
    return [(queue, one, due) for queue, answer in asked for one, due in scored(answer.rows())]


def read(line: Line, due: Sequence[Due], now: float, secrets: Secrets) -> Steps[list[ScheduleRow]]:
    """The rows of these jobs, in two trips."""
    return [row for _, row in (yield from seen(line, due, now, secrets))]


def seen(line: Line, due: Sequence[Due], now: float, secrets: Secrets) -> Steps[list[tuple[JobSeen, ScheduleRow]]]:
    """The same, each with what a command on jobs is done to."""
    jobs = yield from bounded.fields(line, [keys.RQ_JOB.encode() + one for _, one, _ in due], SHORT, LONG)
    return [_seen(queue, one, at, job, now, secrets) for (queue, one, at), job in zip(due, jobs, strict=True)]


def read_only(line: Line, ids: Sequence[bytes], now: float, secrets: Secrets) -> Steps[list[ScheduleRow]]:
    """The rows of the jobs of these ids, as far as they are scheduled on the queue that each says it is of, in three trips."""
    return [row for _, row in (yield from seen_only(line, ids, now, secrets))]


def seen_only(line: Line, ids: Sequence[bytes], now: float, secrets: Secrets) -> Steps[list[tuple[JobSeen, ScheduleRow]]]:
    """The same, each with what a command on jobs is done to."""
    jobs = yield from bounded.fields(line, [keys.RQ_JOB.encode() + one for one in ids], SHORT, LONG)
    origins = [(job or {}).get("origin", b"") for job in jobs]
    asked = [line.ask("ZSCORE", _key(origin), one) for origin, one in zip(origins, ids, strict=True)]
    if asked:
        yield
    return [
        _seen(origin, one, number(answer.value), job, now, secrets)
        for origin, one, job, answer in zip(origins, ids, jobs, asked, strict=True)
        if answer.value is not None
    ]


def _key(queue: bytes) -> bytes:
    return keys.RQ_SCHEDULED.encode() + queue


def _seen(
    queue: bytes, one: bytes, due: float | None, job: Mapping[str, bytes] | None, now: float, secrets: Secrets
) -> tuple[JobSeen, ScheduleRow]:
    state = "retrying" if job and _is_retry(job) else "scheduled"
    return JobSeen(one, queue, state, due), _row(queue, one, due, job, now, secrets)


def _row(
    queue: bytes, one: bytes, due: float | None, job: Mapping[str, bytes] | None, now: float, secrets: Secrets
) -> ScheduleRow:
    known = job or {}
    late = due is not None and due < now - LATE
    return ScheduleRow(
        key=one,
        id=text(one),
        source="rq",
        state="orphaned" if not job else "late" if late else "retrying" if _is_retry(known) else "foreign",
        lane=text(queue),
        cadence=_cadence(known) if job else "",
        call=masked_text(text(known.get("description", b"")), secrets),
        next_at=due,
        note="" if job else "its job is gone" if job is not None else "its job is no hash",
        why=_why(late, job, text(queue)),
    )


def _why(late: bool, job: Mapping[str, bytes] | None, queue: str) -> Reason | None:
    if job is None:
        return Reason("unreadable", "its job is no hash", "see who writes another type to that key")
    if not job:
        return Reason("expired", "its job is gone")
    if late:
        remedy = f"start a worker that does: {starting.worker([queue], with_scheduler=True)}"
        return Reason("unmoved", "nobody moves it", remedy, "retry_now")
    return None


def _is_retry(job: Mapping[str, bytes]) -> bool:
    return was_tried(job.get("started_at"), job.get("retries_left"), whole(job.get("number_of_retries")))


def _cadence(job: Mapping[str, bytes]) -> str:
    if _is_retry(job):
        left = whole(job.get("retries_left"))
        return "a retry" if left is None else f"a retry, {left:,} more"
    repeats = whole(job.get("repeats_left"))
    if repeats is None:
        return "once"
    period = _first_interval(job.get("repeat_intervals"))
    return f"{period_in_words(period) or 'again'}, {repeats:,} more"


def _first_interval(raw: bytes | None) -> int:
    """Seconds between this run and the next (rq.repeat.Repeat), 0 where it does not say."""
    try:
        found: Any = json.loads(raw or b"[]")
    except (ValueError, RecursionError):
        return 0
    return found[0] if isinstance(found, list) and found and isinstance(found[0], int) else 0
