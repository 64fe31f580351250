"""What is known of a job as lines of its page: what it calls, whose it is, how it went, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from console.model import job_states, shown
from console.model.counting import counted
from console.model.job import JobDetail
from console.model.payload import Call, Undecodable, Value
from console.screens.attempt_lines import attempts
from console.screens.facts import BLANK, LABEL, fact, head, labelled, prose, refused, state
from console.screens.job_place_lines import places, related
from console.screens.job_time_lines import log, progress, slot, times
from console.screens.why_lines import Keys, why
from console.widgets.lines import Row
from console.widgets.pieces import Piece

MOST: Final = 6
"""Lines of a folded value."""

FIELD: Final = 20
"""Cells of the names of other fields."""


def title(job: JobDetail) -> list[Piece]:
    """The state, and what the job calls, on one line."""
    if not job.found:
        return [(" no such job  ", "bad"), (job.id, "strong")]
    called = shown.one_line(job.call) if isinstance(job.call, Call) else job.description or job.id
    glyph, tone = state(job.status)
    return [(f" {glyph}  ", tone), (called, "strong")]


def standing(job: JobDetail) -> str:
    """The job's state, by the names that lists have for states; empty where it is not known."""
    if not job.found or job.status is None:
        return ""
    return job_states.state(job.status, tried=job_states.was_tried(job.started_at, job.retries_left, job.retries))


def lines(job: JobDetail, cells: int, folded: bool, zone: tzinfo | None, *, read_only: bool = False) -> list[Row]:
    """The page of a job, `cells` wide."""
    reasons = why(job.why, Keys("job", standing(job), read_only=read_only), cells)
    if not job.found:
        return _gone(job, reasons, cells, folded, zone)
    now_running = job.status == "started"
    return [
        *reasons,
        *_call(job, cells, folded),
        BLANK,
        *_owner(job, zone),
        *(progress(job) if now_running else []),
        *attempts(job, cells, folded, zone),
        *times(job, zone),
        *([] if now_running else progress(job)),
        *log(job, cells, folded, zone),
        *related("WAITS FOR", job.depends_on, len(job.depends_on)),
        *related("WAITED FOR BY", job.dependents, job.dependents_total),
        *_meta(job.meta, cells, folded),
        *places(job, zone),
        *_fields(job, cells, folded),
        *refused(job.refused),
    ]


def _gone(job: JobDetail, reasons: Sequence[Row], cells: int, folded: bool, zone: tzinfo | None) -> list[Row]:
    left = [
        *places(job, zone),
        *attempts(job, cells, folded, zone),
        *log(job, cells, folded, zone),
        *related("WAITED FOR BY", job.dependents, job.dependents_total),
    ]
    return [
        Row((("There is no job of this id: it has expired, was deleted, or never was.", ""),)),
        fact("id", (job.id, "strong"), target=("id", job.key)),
        *([BLANK, *reasons] if reasons else []),
        BLANK,
        Row((("This is left of it:" if left else "Nothing is left of it: no list names it, and it has no results.", "dim"),)),
        *left,
        *refused(job.refused),
    ]


def _call(job: JobDetail, cells: int, folded: bool) -> list[Row]:
    called = job.call
    rows: list[Row] = []
    if called is not None:
        tone = "strong" if isinstance(called, Call) else "warn"
        told = shown.lines(called, max(20, cells - LABEL - 4))
        pieces = [(line, tone if at == 0 or tone == "warn" else "") for at, line in enumerate(told)]
        rows += labelled("calls", prose(pieces, cells, LABEL, MOST if folded else None))
    if job.description and not (isinstance(called, Call) and job.description == shown.one_line(called)):
        rows += labelled("described", prose([(job.description, "dim" if rows else "")], cells, LABEL, 2 if folded else None))
    return rows or [fact("calls", ("nothing is known of what it calls", "dim"))]


def _owner(job: JobDetail, zone: tzinfo | None) -> list[Row]:
    rows = [fact("state", state(job.status), *_retries(job))]
    if job.user is not None:
        target = ("user", job.user.encode("utf-8", "surrogateescape"))
        rows.append(fact("user", (job.user, ""), (f"  {job.tier}" if job.tier else "", "dim"), target=target))
    if job.schedule or job.task:
        named = job.task or job.schedule or ""
        rows.append(fact("schedule", (named, ""), (f"  {job.schedule}" if job.task and job.schedule else "", "dim")))
    rows += slot(job, zone)
    # A name that is no text is shown with escapes, by which no queue is found.
    queue = ("queue", job.queue.encode("utf-8", "surrogateescape")) if "\\" not in job.queue else None
    rows.append(fact("queue", (job.queue, "") if job.queue else ("none", "warn"), target=queue))
    if job.worker and not job.attempts:
        rows.append(fact("worker", (job.worker, "")))
    rows.append(fact("id", (job.id, "dim"), target=("id", job.key)))
    return rows


def _retries(job: JobDetail) -> list[Piece]:
    if job.retries_left is None:
        return []
    if job.retries is None:
        return [(f"  {counted(job.retries_left, 'retry', 'retries')} left", "dim")]
    return [(f"  {job.retries_left:,} of {counted(job.retries, 'retry', 'retries')} left", "dim")]


def _meta(value: Value | Undecodable, cells: int, folded: bool) -> list[Row]:
    if value is None:
        return []
    tone = "warn" if isinstance(value, Undecodable) else ""
    told = [(line, tone) for line in shown.lines(value, max(20, cells - 4))]
    return [*head("META"), *prose(told, cells, 0, MOST if folded else None)]


def _fields(job: JobDetail, cells: int, folded: bool) -> list[Row]:
    if not job.fields:
        return []
    rows = head("OTHER FIELDS")
    for name, value in job.fields.items():
        label = name if len(name) < FIELD else name[: FIELD - 3] + "…"
        told = prose([(value, "")], cells, FIELD, 1 if folded else None)
        rows += [Row(((f"{label if at == 0 else '':<{FIELD}}", "dim"), *row.line)) for at, row in enumerate(told)]
    return rows
