"""`tq-console jobs`: the jobs in one state, of one queue or of all, and those among them that a filter wants."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Final

import click

from console.commands import job_rows, output, queues_named
from console.commands.exits import DONE, NOT_HELD
from console.commands.parameters import filter_option, name, state, whole
from console.commands.server import one_line_errors, reader
from console.model import job_terms
from console.model.filters import Filter
from console.model.pages import Found, JobRow, JobsPage
from console.model.ports import Reader
from console.model.queries import JOB_STATES, MAX_PAGE, JobsQuery, JobState
from console.model.text import decoded

MAX_SHOWN: Final = 10_000

UNLISTED: Final = ("retrying", "stopped")
"""States that no list of RQ's has: their jobs are looked for among the scheduled and the failed ones."""


@click.command()
@click.option("--queue", type=name, metavar="Q", help="Only this queue's.")
@click.option(
    "--state", "of_state", type=state, metavar="S", default="queued", show_default=True, help=f"{', '.join(JOB_STATES)}."
)
@filter_option(
    job_terms.FIELDS, "Only jobs for which it holds, such as 'user:42 age>1h'; `state:` and `queue:` choose the list."
)
@click.option("--limit", type=whole(1, MAX_SHOWN), metavar="N", default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@one_line_errors
def jobs(queue: bytes | None, of_state: JobState, wanted: Filter, limit: int, as_json: bool) -> int:
    """Jobs of one state, queue by queue: the next to run or the latest to end first. A filter looks at the first 100,000."""
    now = time.time()
    query = job_terms.filtered(JobsQuery(state=of_state, queue=queue), wanted)
    with reader() as server:
        found = (
            _searched(server, query, limit, now)
            if query.filter or query.state in UNLISTED
            else _listed(server, query, limit, now)
        )
        nowhere = "" if found.rows else queues_named.nowhere(server, query.queue, now)
    if as_json:
        output.document(
            {"total": found.total, "jobs": [job_rows.fields(row) for row in found.rows], "looked_at": _looked_at(found.search)}
        )
    elif found.rows:
        job_rows.show(found.rows, query.state, now, with_queue=query.queue is None)
    elif not nowhere:
        output.warn(_nothing(query, found.last))
    if nowhere:
        output.warn(nowhere)
    _warn(found)
    return NOT_HELD if nowhere else DONE


@dataclass(frozen=True, slots=True)
class _Jobs:
    """The jobs to show, and how many there are (None: that could not be counted; of a search: as far as it looked). `last` is
    the page that was read last."""

    total: int | None
    rows: list[JobRow]
    last: JobsPage
    search: Found | None = None


def _listed(server: Reader, query: JobsQuery, limit: int, now: float) -> _Jobs:
    rows: list[JobRow] = []
    while True:
        page = _page(server, replace(query, start=len(rows), size=min(MAX_PAGE, limit - len(rows))), now)
        rows += page.rows
        if not page.rows or len(rows) >= min(limit, page.total or 0):
            return _Jobs(page.total, rows, page)


def _searched(server: Reader, query: JobsQuery, limit: int, now: float) -> _Jobs:
    keys: list[bytes] = []
    told = Found(0, 0, ())
    for told in server.search(query, now, lambda: False):
        keys += told.keys
    rows: list[JobRow] = []
    while True:
        page = _page(server, replace(query, only=tuple(keys[len(rows) : min(limit, len(rows) + MAX_PAGE)])), now)
        rows += page.rows
        if not page.rows or len(rows) >= min(limit, len(keys)):
            return _Jobs(len(keys), rows, page, told)


def _page(server: Reader, query: JobsQuery, now: float) -> JobsPage:
    page = server.read(query, now)
    assert isinstance(page, JobsPage), "a reader answers what it is asked"
    return page


def _looked_at(search: Found | None) -> dict[str, Any] | None:
    return None if search is None else {"read": search.read, "of": search.of, "ended_early": search.more or None}


def _nothing(query: JobsQuery, page: JobsPage) -> str:
    """That there is nothing, and where there is something."""
    what = f"{query.state} job{' for which that holds' if query.filter else ''}"
    where = "" if query.queue is None else f" in the queue {decoded(query.queue)}"
    others = [f"{count:,} {state}" for state, count in page.counts.items() if count and (query.filter or state != query.state)]
    if others:
        return f"no {what}{where}; --state shows others: {', '.join(others)}"
    return f"no {what}{where}; {'no list of that queue has any job' if query.queue else 'there are no jobs at all'}"


def _warn(found: _Jobs) -> None:
    """Tell on standard error what is not shown, and why."""
    search, page = found.search, found.last
    if search is not None and search.more:
        output.warn(f"looked at {search.read:,} of {search.of:,} jobs: {search.more}")
    if page.note:
        output.warn(page.note)
    for one in page.refused:
        output.warn(f"{one.what} could not be read: {one.reason}")
    if found.rows and found.total is not None and len(found.rows) < found.total:
        output.warn(f"{len(found.rows):,} of {found.total:,} jobs; --limit shows more")
