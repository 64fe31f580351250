"""Everything of one user: the directory's record, schedules with their runs, and what is on its way or has failed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from redis import Redis

from console.model.job_states import state
from console.model.masking import mask_url, mask_webhook
from console.model.pages import JobRow
from console.model.queries import UserQuery
from console.model.schedules import RunRow, ScheduleRow, UserPage
from console.model.secrets import Secrets
from console.model.why import users as why
from console.store import activity, bounded, quarantined, run_errors, usage, user_schedules
from console.store.facts import around
from console.store.facts import schedule as facts_of
from console.store.facts import user as user_facts
from console.store.run_errors import FAILED, RunErrors
from console.store.run_records import ONGOING, newest_failure
from console.store.steps import Line, Reading, Steps, beside, together
from console.store.trip import Answer
from console.store.values import instant, number, text, text_or_none, whole
from jobs import keys, tiers

MAX_SCHEDULES: Final = 100
MAX_JOBS: Final = 500
MAX_SOURCES: Final = 100
MAX_OPERATIONS: Final = 5
SLOTS: Final = 5
"""Next slots that are told of each schedule."""

FIELDS: Final = (
    "status", "origin", "created_at", "enqueued_at", "started_at", "ended_at", "worker_name", "retries_left",
)  # fmt: skip

SHOWN: Final = ("queued", "running", "retrying", "failed")


def read(connection: Redis, query: UserQuery, now: float, secrets: Secrets, errors: RunErrors | None = None) -> UserPage:
    """The user of `query` at `now` (epoch seconds), in four round trips at the most.

    With `errors`, the second read that finds a run failed tells why. Of a user who is not in the directory whatever schedules
    are left are told. Writes nothing, and executes nothing that it finds. Raises redis' ConnectionError and TimeoutError,
    and InvalidTiers.
    """
    line = Line(connection)
    user = query.id.encode("utf-8", "replace")
    listed = line.ask("ZSCORE", keys.USERS, user)
    changes = line.ask("HLEN", keys.CHANGES.encode() + user)
    delivered = line.ask("ZCARD", keys.DELIVERED.encode() + user)
    record = Reading(bounded.hashes(line, [keys.USER.encode() + user]))
    found = Reading(_schedules(line, user, now, secrets, errors or RunErrors()))
    used = Reading(usage.of_user(line, user, now))
    workers = Reading(around.registered(line))
    surroundings = Reading(around.read(line, workers, now))
    aside, lanes = Reading(quarantined.read(line, secrets)), Reading(facts_of.lanes(line, workers, now))
    facts = Reading(user_facts.read(line, user, aside, lanes, now, secrets))
    done = Reading(activity.of_user(line, query.id, MAX_OPERATIONS, secrets))
    together(line, record, found, used, workers, surroundings, aside, lanes, facts, done)
    worked_s, failed_attempts = used.result
    told = record.result[0] or {}
    schedules, jobs = found.result
    active = told.get(b"active")
    return UserPage(
        as_of=now,
        id=query.id,
        found=bool(told) or listed.value is not None,
        tier=text_or_none(told.get(b"tier")),
        zone=text_or_none(told.get(b"zone")),
        active=None if active is None else active == b"1",
        sources=tuple(mask_url(source) for source in _sources(told.get(b"sources"))),
        webhook=mask_webhook(text(told[b"webhook"])) if told.get(b"webhook") else None,
        created_at=number(told.get(b"created_at")),
        updated_at=number(told.get(b"updated_at")),
        schedules=tuple(schedules),
        jobs=tuple(jobs),
        changes=changes.count(),
        delivered=delivered.count(),
        refused=around.beside(line.refused),
        worked_s=worked_s,
        failed_attempts=failed_attempts,
        promise_s=_promise(text_or_none(told.get(b"tier"))),
        why=why.why(facts.result, surroundings.result),
        operations=tuple(done.result),
    )


def _promise(tier: str | None) -> float | None:
    found = tiers.current().get(tier) if tier is not None else None
    return None if found is None else float(found.promise)


def _schedules(
    line: Line, user: bytes, now: float, secrets: Secrets, errors: RunErrors
) -> Steps[tuple[list[ScheduleRow], list[JobRow]]]:
    start = b"[" + user + b"\x00"
    asked = line.ask("ZRANGEBYLEX", keys.SCHEDULES, start, start + b"\xff", "LIMIT", 0, MAX_SCHEDULES)
    yield
    names = [user_schedules.named(member) for member in asked.rows()]
    found = yield from user_schedules.read(line, names, now, secrets, slots=SLOTS)
    runs = [(one.row, run) for one in found for run in one.runs if run.state in (*ONGOING, *FAILED)]
    runs.sort(key=lambda pair: (pair[1].slot or 0.0, pair[1].id), reverse=True)
    del runs[MAX_JOBS:]
    failures = [run for _, run in runs if run.state in (*FAILED, "retrying")]
    jobs = Reading(_jobs(line, [run for _, run in runs]))
    yield from beside(jobs, Reading(run_errors.read(line, failures, errors, secrets)))
    schedules = [replace(one.row, last_error=errors.of(newest_failure(one.runs)) or None) for one in found]
    rows = [_job(schedule, run, answer, errors) for (schedule, run), answer in zip(runs, jobs.result, strict=True)]
    # RQ forgets a failed job in its time; that it failed is told by its schedule.
    return schedules, [row for row in rows if row.state in SHOWN and not (row.missing and row.state == "failed")]


def _jobs(line: Line, runs: Sequence[RunRow]) -> Steps[list[Answer]]:
    """FIELDS of the jobs of these runs, whatever their size: which jobs they are is known before the last trip only."""
    asked = [line.ask("HMGET", (keys.RQ_JOB + run.id).encode("utf-8", "replace"), *FIELDS) for run in runs]
    if asked:
        yield
    return asked


def _job(schedule: ScheduleRow, run: RunRow, answer: Answer, errors: RunErrors) -> JobRow:
    job = {name: value for name, value in zip(FIELDS, answer.rows(), strict=False) if isinstance(value, bytes)}
    return JobRow(
        key=run.id.encode("utf-8", "replace"),
        id=run.id,
        queue=text(job.get("origin", b"")) or schedule.lane or "",
        state=_state(run, job),
        call=schedule.call,
        user=schedule.user,
        tier=schedule.tier,
        task=schedule.task,
        created_at=instant(job.get("created_at")),
        enqueued_at=instant(job.get("enqueued_at")),
        started_at=instant(job.get("started_at")) or run.started_at,
        ended_at=instant(job.get("ended_at")),
        worker=text_or_none(job.get("worker_name")),
        error=errors.of(run) or None,
        retries_left=whole(job.get("retries_left")),
        missing=not job and answer.value is not None,
    )


def _state(run: RunRow, job: Mapping[str, bytes]) -> str:
    """The state of a run's job: what RQ says goes before what the schedule remembers, which a killed run could not tell."""
    status = text(job.get("status", b""))
    told = status or ("failed" if run.state in FAILED else run.state)
    return state(told, tried=True)


def _sources(raw: bytes | None) -> list[str]:
    try:
        found: Any = json.loads(raw or b"[]")
    except (ValueError, RecursionError):
        return []
    return [text(one) for one in found[:MAX_SOURCES] if isinstance(one, str)] if isinstance(found, list) else []
