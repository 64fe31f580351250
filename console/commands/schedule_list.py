"""`tq-console schedules list`: schedules of one source, and those among them that are wanted."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import click

from console.commands import output, schedule_rows
from console.commands.parameters import filter_option, text, whole
from console.commands.server import connection, one_line_errors, reader
from console.model import schedule_terms
from console.model.filters import Filter, Term
from console.model.ports import Reader
from console.model.queries import MAX_PAGE, SOURCES, SchedulesQuery, Source
from console.model.schedules import ScheduleRow
from console.model.status import Refused
from jobs import tiers, users

MAX_SCANNED: Final = 10_000
"""How many schedules a filter looks at."""


@click.command("list")
@click.option("--user", "user_id", type=text, help="Only this user's.")
@click.option("--tier", type=text, help="Only schedules of this tier.")
@click.option("--state", type=click.Choice(schedule_rows.STATES), help="Only schedules in this state.")
@filter_option(schedule_terms.FIELDS, "Only schedules for which it holds, such as 'tier:pro late>5m'.")
@click.option(
    "--source",
    type=click.Choice(SOURCES),
    default="user",
    show_default=True,
    help="Users' schedules, all entries of rq-scheduler, RQ's own scheduled jobs, or the jobs of `rq cron`.",
)
@click.option("--limit", type=whole(1, MAX_SCANNED), metavar="N", default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@one_line_errors
def list_(
    user_id: str | None, tier: str | None, state: str | None, wanted: Filter, source: Source, limit: int, as_json: bool
) -> None:
    """Schedules in the order of their users, or others by when they are due. With a filter, the first 10,000 are looked at."""
    now = time.time()
    if user_id is not None:
        with connection() as redis:
            users.get(redis, user_id)
    given = {"user": user_id, "tier": tier, "state": state}
    wanted = Filter((*(Term(name, "=", value) for name, value in given.items() if value is not None), *wanted.terms))
    with reader() as server:
        found = _found(server, source, wanted, limit, now)
    if tier is not None and not found.total and tier not in tiers.current():
        raise click.UsageError(f"tier {ascii(tier)[:40]} is unknown; use one of {', '.join(tiers.current())}")
    if as_json:
        output.document(
            {
                "total": found.total,
                "schedules": [schedule_rows.fields(row) for row in found.shown],
                "unreadable": found.unreadable,
                "not_looked_at": found.not_looked_at,
            }
        )
    elif found.shown:
        schedule_rows.show(found.shown, source, now)
    elif wanted or found.unreadable:
        output.warn("no schedule is so; without --user, --tier, --state and --filter, `schedules list` shows all")
    else:
        output.warn(_EMPTY[source])
    _warn(found)


_EMPTY: Final[dict[Source, str]] = {
    "user": "no schedules yet; `users set`, `users import` or `schedules set` makes them",
    "entries": "rq-scheduler has no entries; its `schedule`, `cron` and `enqueue_at` make them",
    "rq": "no job is scheduled; RQ's `enqueue_at` and `enqueue_in` and retries with an interval make them",
    "cron": "no `rq cron` has told its jobs",
}


@dataclass(frozen=True, slots=True)
class _Found:
    """Schedules to show. `total` is how many match, as far as was looked, and `more` how many of these are not shown;
    `unreadable` counts those whose definition is gone."""

    total: int
    shown: list[ScheduleRow]
    more: int
    unreadable: int
    not_looked_at: int
    refused: tuple[Refused, ...]


def _found(server: Reader, source: Source, wanted: Filter, limit: int, now: float) -> _Found:
    # Users have an index: of one user's schedules no others need be looked at.
    indexed = [term for term in wanted.terms if term.field == "user" and term.operator == "=" and not term.negated][:1]
    index = Filter(tuple(indexed)) if source == "user" else Filter()
    filtered = wanted != index
    bound = MAX_SCANNED if filtered else limit
    looked_at = matched = unreadable = 0
    shown: list[ScheduleRow] = []
    while True:
        query = SchedulesQuery(source, looked_at, min(MAX_PAGE, bound - looked_at), index)
        page = schedule_rows.page(server, query, now)
        if schedule_terms.needs_errors(wanted) or any(row.failed for row in page.rows):
            # Why runs failed is told by the second reading of those that did.
            page = schedule_rows.page(server, query, now)
        looked_at += len(page.rows)
        readable = [row for row in page.rows if schedule_rows.readable(row)]
        unreadable += len(page.rows) - len(readable)
        matching = [row for row in readable if schedule_terms.matches(wanted, row, now)]
        matched += len(matching)
        shown += matching[: limit - len(shown)]
        total = page.total or 0
        if not page.rows or looked_at >= min(bound, total):
            break
    if filtered:
        return _Found(matched, shown, matched - len(shown), unreadable, max(0, total - looked_at), page.refused)
    return _Found(total, shown, max(0, total - looked_at), unreadable, 0, page.refused)


def _warn(found: _Found) -> None:
    """Tell on standard error what is not shown, and why."""
    if found.unreadable:
        output.warn(f"schedules that cannot be read: {found.unreadable:,}; `tq-console schedules repair` makes them anew")
    if found.not_looked_at:
        output.warn(
            f"the filter looked at the first {MAX_SCANNED:,} schedules; {found.not_looked_at:,} more were not looked at"
        )
    for one in found.refused:
        output.warn(f"{one.what} could not be read: {one.reason}")
    if found.more:
        output.warn(f"{len(found.shown):,} of {found.total:,} schedules; --limit shows more")
