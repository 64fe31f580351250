"""The times of a job as lines of its page: when what happened, how long it took, how far it is, and what it logged."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from console.model import words
from console.model.job import JobDetail
from console.screens.facts import LABEL, fact, head, instant, labelled, prose
from console.widgets.lines import Row
from console.widgets.pieces import Piece

MOST_LOG: Final = 8
"""Lines of a folded log."""

BAR: Final = 20
"""Cells of the bar of progress."""


def slot(job: JobDetail, zone: tzinfo | None) -> list[Row]:
    """The slot that a run is for."""
    return [] if job.slot is None else [instant("slot", job.slot, job.as_of, zone)]


def times(job: JobDetail, zone: tzinfo | None) -> list[Row]:
    """When it was created, enqueued, started and ended; how long it waited and ran; and how long it is kept."""
    created = job.created_at
    if created is not None and job.enqueued_at is not None and abs(created - job.enqueued_at) < 1:
        created = None
    moments = (
        ("created", created),
        ("enqueued", job.enqueued_at),
        ("started", job.started_at),
        ("ended", job.ended_at),
        ("heartbeat", job.heartbeat_at if job.ended_at is None else None),
    )
    rows = head("TIMES")
    rows += [instant(label, at, job.as_of, zone) for label, at in moments if at is not None]
    spans: list[Piece] = []
    for word, seconds in (("waited", _waited(job)), ("ran", _ran(job))):
        if seconds is not None:
            spans += [(f"{word} ", "dim"), (words.age(seconds), ""), ("  ", "")]
    spans.append(("kept for good", "") if job.expires_s is None else (f"kept {words.age(job.expires_s)} more", ""))
    return [*rows, fact("", *spans)]


def _waited(job: JobDetail) -> float | None:
    return _span(job.enqueued_at, job.as_of if job.status == "queued" else job.started_at)


def _ran(job: JobDetail) -> float | None:
    return _span(job.started_at, job.as_of if job.status == "started" else job.ended_at)


def _span(start: float | None, end: float | None) -> float | None:
    # A job that is tried again has the times of two attempts: those tell nothing together.
    return None if start is None or end is None or end < start else end - start


def progress(job: JobDetail) -> list[Row]:
    """How far it has come, as it says itself."""
    if job.progress is None:
        return []
    share, said = job.progress
    line: list[Piece] = []
    if share is not None:
        filled = words.bar(round(share * 1_000), 1_000, BAR)
        line = [(filled, "accent"), ("·" * (BAR - len(filled)), "dim"), (f" {share:4.0%}  ", "")]
    return [*head("PROGRESS"), Row((*line, (said, "")))]


def log(job: JobDetail, cells: int, folded: bool, zone: tzinfo | None) -> list[Row]:
    """Its log, the newest line last."""
    if not job.log:
        return []
    told = job.log[-MOST_LOG:] if folded else job.log
    rows = head("LOG", f"the newest {len(told):,} of {len(job.log):,}, f unfolds" if len(told) < len(job.log) else "")
    for at, said in told:
        when = words.DASH if at is None else words.absolute(at, zone, job.as_of)
        day, _, clock = when.rpartition(" ")
        rows += [Row(((day, "dim"),))] if day and not any(row.line == ((day, "dim"),) for row in rows) else []
        rows += labelled(clock, prose([(said, "")], cells, LABEL, 2 if folded else None))
    return rows
