"""The jobs of `rq cron` as rows: what each of its schedulers says that it has, and the newest jobs that came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from console.model.due import LATE
from console.model.schedules import RunRow, ScheduleRow
from console.model.secrets import Secrets, masked_text
from console.model.why import in_short
from console.model.why.in_short import Beside
from console.store import big_ints, rq_keys
from console.store.cadence_words import cron_in_words, period_in_words
from console.store.seen import Seen
from console.store.steps import Line, Steps
from console.store.trip import Answer
from console.store.values import instant, number, pairs, text
from jobs import keys

MAX_SCHEDULERS: Final = 50
"""Schedulers that are read, those that were seen last."""

MAX_BYTES: Final = 262_144
"""Bytes that one scheduler may say about its jobs, to be read."""

MAX_JOBS: Final = 1_000
MAX_HISTORIES: Final = 200
"""Names, those enqueued last, of which the newest jobs are read."""

SHOWN_RUNS: Final = 10

STATES: Final = {"started": "started", "deferred": "queued", "scheduled": "retrying"}
"""What a job's status says of it as a run, where it is another word."""


@dataclass(frozen=True, slots=True)
class CronJob:
    """One job of one scheduler's. `key` is its name, and where several have it, what tells them apart."""

    key: bytes
    name: bytes
    scheduler: str
    told: Mapping[str, Any]


def registered(line: Line, seen: Seen) -> Steps[list[CronJob]]:
    """Every job of every scheduler that RQ remembers, in three trips; `seen` meets the queues that they name."""
    asked = line.ask("ZREVRANGE", rq_keys.CRON_SCHEDULERS, 0, MAX_SCHEDULERS - 1)
    yield
    schedulers = sorted(one for one in asked.rows() if isinstance(one, bytes))
    names = [rq_keys.CRON_SCHEDULER.encode() + one for one in schedulers]
    sizes = [line.ask("HSTRLEN", name, "cron_jobs") for name in names]
    if sizes:
        yield
    told = [
        line.ask("HGET", name, "cron_jobs") if 0 < (size.count() or 0) <= MAX_BYTES else None
        for name, size in zip(names, sizes, strict=True)
    ]
    if any(told):
        yield
    found = _jobs(zip(schedulers, told, strict=True))
    seen.meet_queues(queue.encode("utf-8", "replace") for job in found if (queue := _text(job.told.get("queue_name"))))
    return found


def histories(line: Line) -> Steps[dict[bytes, list[tuple[bytes, float]]]]:
    """The newest jobs that came of each name, with when they were enqueued, in two trips."""
    asked = line.ask("ZREVRANGE", rq_keys.CRON_JOBS, 0, MAX_HISTORIES - 1)
    yield
    names = [name for name in asked.rows() if isinstance(name, bytes)]
    found = [line.ask("ZREVRANGE", _history(name), 0, SHOWN_RUNS - 1, "WITHSCORES") for name in names]
    if found:
        yield
    return {name: pairs(answer.rows()) for name, answer in zip(names, found, strict=True)}


def read(
    line: Line,
    jobs: Sequence[CronJob],
    enqueued: Mapping[bytes, list[tuple[bytes, float]]],
    now: float,
    secrets: Secrets,
    known: Beside | None = None,
) -> Steps[list[ScheduleRow]]:
    """The rows of these jobs with what became of the jobs that came of them, in one trip."""
    ids = [one for job in jobs for one, _ in enqueued.get(job.name, ())]
    asked = {one: line.ask("HMGET", keys.RQ_JOB.encode() + one, "status", "started_at", "ended_at") for one in ids}
    if asked:
        yield
    runs = {name: tuple(_run(one, at, asked[one]) for one, at in found if one in asked) for name, found in enqueued.items()}
    return [_row(job, runs.get(job.name, ()), now, secrets, known) for job in jobs]


def _history(name: bytes) -> bytes:
    return rq_keys.CRON_JOB.encode() + name + rq_keys.CRON_JOB_END.encode()


def _jobs(told: Any) -> list[CronJob]:
    found: list[CronJob] = []
    met: dict[bytes, int] = {}
    for scheduler, answer in told:
        for one in _told(answer.value if answer else None)[: MAX_JOBS - len(found)]:
            name = str(one.get("name") or one.get("func_name") or "").encode("utf-8", "replace")
            times = met[name] = met.get(name, 0) + 1
            key = name if times == 1 else name + b"\x00" + str(times).encode()
            found.append(CronJob(key, name, text(scheduler), one))
    return found


def _told(raw: object) -> list[dict[str, Any]]:
    try:
        found: Any = json.loads(raw, parse_int=big_ints.written) if isinstance(raw, bytes) else []
    except (ValueError, RecursionError):
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _row(job: CronJob, runs: tuple[RunRow, ...], now: float, secrets: Secrets, known: Beside | None) -> ScheduleRow:
    due = _instant(job.told.get("next_enqueue_time"))
    late = due is not None and due < now - LATE
    return ScheduleRow(
        key=job.key,
        id=text(job.name),
        source="rq-cron",
        state="late" if late else "foreign",
        lane=_text(job.told.get("queue_name")),
        cadence=_cadence(job.told),
        call=masked_text(text(_call(job.told)), secrets),
        next_at=due,
        runs=runs,
        note=f"of {job.scheduler}",
        why=in_short.of_cron(job.scheduler, known) if late and known is not None else None,
    )


def _cadence(told: Mapping[str, Any]) -> str:
    cron, interval = told.get("cron"), told.get("interval")
    if isinstance(cron, str) and cron:
        return cron_in_words(text(cron))
    return period_in_words(interval) if isinstance(interval, int | float) else ""


def _call(told: Mapping[str, Any]) -> str:
    """The call as RQ's description of a job has it; RQ writes the arguments as JSON, or that they are none."""
    args, kwargs = _json(told.get("args")), _json(told.get("kwargs"))
    positional = [repr(one) for one in args] if isinstance(args, list) else ["…"] if args else []
    named = [f"{name}={one!r}" for name, one in kwargs.items()] if isinstance(kwargs, dict) else ["…"] if kwargs else []
    return f"{told.get('func_name') or ''}({', '.join([*positional, *named])})"


def _json(raw: Any) -> Any:
    try:
        return json.loads(raw) if isinstance(raw, str) else None
    except (ValueError, RecursionError):
        return raw


def _run(one: bytes, enqueued_at: float, answer: Answer) -> RunRow:
    """A job that came of a cron job. RQ keeps a finished one for minutes; what was enqueued is all that is known after that."""
    status, started, ended = (answer.rows() or [None] * 3)[:3]
    began, end = instant(started), instant(ended)
    state = text(status) if status else "enqueued"
    return RunRow(
        id=text(one),
        kind="cron",
        state=STATES.get(state, state),
        slot=enqueued_at,
        started_at=began,
        duration_s=None if began is None or end is None or end < began else number(end - began),
        attempts=None,
    )


def _instant(raw: Any) -> float | None:
    return instant(raw.encode("utf-8", "replace")) if isinstance(raw, str) else None


def _text(raw: Any) -> str | None:
    return text(raw) if isinstance(raw, str) and raw else None
