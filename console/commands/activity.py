"""`tq-console activity`: what was done from consoles and commands, and what happened on its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import click

from console.commands import output
from console.commands.parameters import whole
from console.commands.server import one_line_errors, reader
from console.commands.table import Column, table
from console.model import words
from console.model.activity import ActivityPage, Happened, OperationRow, told
from console.model.outcomes import outcome
from console.model.queries import ActivityQuery

MOST: Final = 5_000
"""Operations that the audit keeps, about."""


@click.command()
@click.option("--limit", type=whole(1, MOST), metavar="N", default=50, show_default=True, help="Operations at the most.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@one_line_errors
def activity(limit: int, as_json: bool) -> None:
    """What was done from consoles and commands, newest first; and what happened on its own."""
    now = time.time()
    with reader() as server:
        page = server.read(ActivityQuery(0, limit), now)
    assert isinstance(page, ActivityPage), "the answer to another question than it was asked"
    if as_json:
        output.document(
            {
                "operations": [fields(row) for row in page.rows],
                "happened": [_happened(one, now) for one in page.happened],
                "more": page.more,
            }
        )
    else:
        _show(page, now)
    for refused in page.refused:
        output.warn(f"{refused.what} could not be read: {refused.reason}")


def fields(row: OperationRow) -> dict[str, Any]:
    """An operation for programs: those fields that COMMANDS.md promises of a command, and more."""
    counts = row.counts
    return {
        "operation": row.id or None,
        "begun_at": output.utc(row.at),
        "ended_at": output.utc(row.ended_at),
        "who": row.who or None,
        "host": row.host or None,
        "target": row.target or None,
        "command": row.command or None,
        "options": row.options or None,
        "scope": row.scope or None,
        "reason": row.why or None,
        "matched": row.matched,
        "done": None if counts is None else counts.done,
        "sent": None if counts is None else counts.sent,
        "skipped": None if counts is None else dict(counts.skipped),
        "failed": None if counts is None else dict(counts.failed),
        "outcome": outcome(row),
        "said": row.said or None,
        "undo_until": output.utc(row.undo_until),
        "in_trash": row.in_trash,
    }


def _happened(one: Happened, now: float) -> dict[str, Any]:
    what, why = told(one, now)
    subject = one.subject or None
    return {"kind": one.kind, "subject": subject, "at": output.utc(one.at), "count": one.count, "what": what, "why": why}


def _show(page: ActivityPage, now: float) -> None:
    if page.rows:
        columns = [
            Column("OPERATION"),
            Column("WHEN"),
            Column("WHO", "clip"),
            Column("COMMAND"),
            Column("SCOPE", "flow"),
            Column("DONE", right=True),
            Column("SKIPPED", "flow", spare=True),
            Column("FAILED", "flow", spare=True),
            Column("OUTCOME"),
            Column("UNDO", spare=True),
        ]
        table(columns, [_row(row, now) for row in page.rows])
        if page.more:
            output.warn(f"the newest {len(page.rows):,}; --limit shows more")
    elif not page.refused:
        output.warn("nothing was done from a console yet; what one changes is listed here")
    if page.happened:
        output.blank()
        columns = [Column("WHEN"), Column("HAPPENED ON ITS OWN", "flow"), Column("WHY", "flow")]
        table(columns, [(words.relative(one.at, now) if one.at else "so far", *told(one, now)) for one in page.happened])


def _row(row: OperationRow, now: float) -> list[str]:
    counts = row.counts
    done, skipped, failed = (counts.done + counts.sent, counts.skipped, counts.failed) if counts is not None else (None, {}, {})
    return [
        row.id or words.DASH,
        words.relative(row.at if row.at is not None else row.ended_at, now),
        row.who,
        " ".join(filter(None, (row.command, row.options))),
        row.said if row.foreign else " · ".join(filter(None, (row.scope, row.why))),
        "" if row.foreign else words.count(done),
        _reasons(skipped),
        _reasons(failed),
        outcome(row),
        "" if row.undo_until is None else words.rough(row.undo_until - now),
    ]


def _reasons(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items(), key=lambda pair: -pair[1]))
