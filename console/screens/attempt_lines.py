"""The attempts of a job as lines of its page: who tried, when, how it went, and the traceback."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from functools import lru_cache
from typing import Final

from console.model import frames, shown, words
from console.model.counting import counted
from console.model.job import Attempt, JobDetail
from console.model.payload import Undecodable
from console.screens.facts import BLANK, head, labelled, prose, state
from console.screens.paged import TRACEBACK
from console.widgets.lines import Row
from console.widgets.pieces import Piece

MOST_RESULT: Final = 4
"""Lines of a folded result."""

MOST_ERROR: Final = 3
"""Lines of a folded error."""

INDENT: Final = 4
"""Cells before what belongs to an attempt."""

TONES: Final = {"title": "dim", "file": "dim", "code": "", "error": "bad", "more": ""}


def attempts(job: JobDetail, cells: int, folded: bool, zone: tzinfo | None) -> list[Row]:
    """Every attempt that is known, the newest first; a folded page tells the error alone of those before it."""
    if not job.attempts:
        return []
    known = sorted(job.attempts, key=_order, reverse=True)
    total = max(job.attempts_total, len(known))
    note = "newest first" if total > 1 else ""
    if len(known) < total:
        note = f"the newest {len(known):,} of {total:,}"
    rows = head("ATTEMPTS", note)
    for at, attempt in enumerate(known):
        if at and not folded:
            rows.append(BLANK)
        rows.append(_line(attempt, job.as_of, zone))
        if folded and at:
            rows += prose([(attempt.error, "bad")], cells, INDENT)[:1] if attempt.error else []
        else:
            rows += [*_failure(attempt, cells, folded), *_result(attempt, cells, folded)]
    return rows


def _order(attempt: Attempt) -> tuple[float, float]:
    return (attempt.n or 0, attempt.started_at or attempt.ended_at or 0.0)


def _line(attempt: Attempt, now: float, zone: tzinfo | None) -> Row:
    began = attempt.started_at if attempt.started_at is not None else attempt.ended_at
    ended = now if attempt.outcome == "running" else attempt.ended_at
    took = None if attempt.started_at is None or ended is None else max(0.0, ended - attempt.started_at)
    line: list[Piece] = [
        (f"{'' if attempt.n is None else attempt.n:>2}  ", "dim"),
        state(attempt.outcome, 12),
        (f"{words.age(took):>8}", "" if took is not None else "dim"),
        (f"  {words.relative(began, now):<10}  {words.absolute(began, zone, now)}", "dim"),
        (f"  {attempt.worker}" if attempt.worker else "", "dim"),
    ]
    # Copying the line of an attempt copies what one wants in a ticket: its traceback.
    trace = attempt.traceback
    return Row(tuple(line), (TRACEBACK, trace.encode("utf-8", "replace")) if isinstance(trace, str) and trace else None)


def _failure(attempt: Attempt, cells: int, folded: bool) -> list[Row]:
    traceback = attempt.traceback
    if isinstance(traceback, Undecodable):
        return prose([(line, "warn") for line in shown.lines(traceback)], cells, INDENT, MOST_ERROR if folded else None)
    if not traceback:
        return prose([(attempt.error, "bad")], cells, INDENT) if attempt.error else []
    return [*_told(traceback, cells, folded)]


@lru_cache(maxsize=32)
def _told(traceback: str, cells: int, folded: bool) -> tuple[Row, ...]:
    """A traceback, taken apart and wrapped once, however often its page is drawn."""
    if not folded:
        return tuple(_traceback(frames.lines(traceback), cells))
    told, left_out = frames.application(traceback)
    rows = _traceback([line for line in told if line.part != "more" and not _points(line)], cells, MOST_ERROR)
    if left_out:
        rows += prose([(f"… {counted(left_out, 'frame')} of libraries, f unfolds", "dim")], cells, INDENT)
    return tuple(rows)


def _traceback(told: Sequence[frames.Line], cells: int, most: int | None = None) -> list[Row]:
    rows: list[Row] = []
    for line in told:
        tone = "dim" if line.library else TONES[line.part]
        rows += prose([(line.text, tone)], cells, INDENT, most)
    return rows


def _points(line: frames.Line) -> bool:
    """Whether a line only points at a part of the code above it."""
    return line.part == "code" and set(line.text.strip()) <= {"^", "~"}


def _result(attempt: Attempt, cells: int, folded: bool) -> list[Row]:
    if not attempt.has_result:
        return []
    tone = "warn" if isinstance(attempt.result, Undecodable) else ""
    told = [(line, tone) for line in shown.lines(attempt.result, max(20, cells - 20))]
    rows = labelled("returned", prose(told, cells, 16, MOST_RESULT if folded else None))
    return [Row(row.line, indent=INDENT) for row in rows]
