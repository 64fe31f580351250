"""Searching schedules for what a filter wants and no index has: chunk by chunk, within bounds, until told to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from redis import Redis

from console.model import schedule_terms
from console.model.commands import JobSeen
from console.model.pages import Found
from console.model.queries import SchedulesQuery
from console.model.schedules import ScheduleRow
from console.model.secrets import Secrets
from console.store import cron_jobs, plain_entries, scheduled_jobs, user_schedules
from console.store.run_errors import RunErrors
from console.store.seen import Seen
from console.store.steps import Line, Steps, alone
from console.store.user_schedules import Name
from console.store.values import scored, text
from jobs import keys

CHUNK: Final = 500
MAX_READ: Final = 100_000
MAX_FOUND: Final = 10_000


@dataclass(frozen=True, slots=True)
class Looked:
    """The next `read` schedules of about `of`, those of them that may match as rows; of RQ's scheduled jobs, `jobs` are what
    each of the rows stands for."""

    read: int
    of: int
    rows: list[ScheduleRow]
    jobs: Sequence[JobSeen] = ()


def search(
    connection: Redis,
    query: SchedulesQuery,
    now: float,
    stopped: Callable[[], bool],
    seen: Seen,
    secrets: Secrets,
) -> Iterator[Found]:
    """The keys of the schedules of the query's source for which its filter holds at `now`, as they are found.

    CHUNK are looked at in a few round trips, MAX_READ at the most, and MAX_FOUND found; the last Found is `done`, and says in
    `more` why not all were looked at. Runs and definitions are read where the filter asks for what they tell. `user=…` reads
    that user's alone, `user:…` looks at users whose ids begin so first. Raises redis' ConnectionError and TimeoutError.
    """
    chunks = looked_at(connection, query, now, seen, secrets, details=False)
    read, of, found = 0, 0, 0
    more = ""
    while not more:
        if stopped():
            more = "it was stopped"
            break
        looked = next(chunks, None)
        if looked is None:
            break
        read, of = read + looked.read, looked.of
        matching = [row.key for row in looked.rows if schedule_terms.matches(query.filter, row, now)]
        matching = list(dict.fromkeys(matching))[: MAX_FOUND - found]
        found += len(matching)
        if found >= MAX_FOUND:
            more = f"{MAX_FOUND:,} were found"
        elif read >= MAX_READ and read < of:
            more = f"{MAX_READ:,} were looked at"
        yield Found(read, max(of, read), tuple(matching))
    yield Found(read, max(of, read), (), done=True, more=more)


def looked_at(
    connection: Redis, query: SchedulesQuery, now: float, seen: Seen, secrets: Secrets, *, details: bool
) -> Iterator[Looked]:
    """All schedules of the query's source that its filter may want, CHUNK after CHUNK, in a few round trips each.

    `details`: with rows that tell everything, whatever the filter asks for. Raises redis' ConnectionError and TimeoutError.
    """
    line = Line(connection)
    match query.source:
        case "user":
            yield from _users(line, query, now, secrets, details)
        case "entries":
            yield from _entries(line, query, now, seen, secrets)
        case "rq":
            yield from _scheduled(line, now, seen, secrets)
        case "cron":
            yield from _cron(line, now, seen, secrets)


def _users(line: Line, query: SchedulesQuery, now: float, secrets: Secrets, details: bool) -> Iterator[Looked]:
    first = user_schedules.bounds(query.filter)
    if first is not None:
        yield from _between(line, *first, b"", query, now, secrets, details)
        if first[0].endswith(b"\x00"):
            return
    yield from _between(line, b"-", b"+", first[0][1:] if first else b"", query, now, secrets, details)


def _between(
    line: Line,
    low: bytes,
    high: bytes,
    known: bytes,
    query: SchedulesQuery,
    now: float,
    secrets: Secrets,
    details: bool,
) -> Iterator[Looked]:
    """The schedules from `low` to `high`, without those that begin with `known` unless it is empty."""
    while True:
        page = line.ask("ZRANGEBYLEX", keys.SCHEDULES, low, high, "LIMIT", 0, CHUNK)
        whole = high == b"+"
        total = line.ask("ZCARD", keys.SCHEDULES) if whole else line.ask("ZLEXCOUNT", keys.SCHEDULES, low, high)
        line.go()
        members = page.rows()
        if not members:
            return
        low = b"(" + members[-1]
        left = [member for member in members if not (known and member.startswith(known))]
        names = [user_schedules.named(member) for member in left]
        yield Looked(len(names), total.count() or 0, _rows(line, names, query, now, secrets, details))


def _rows(
    line: Line, names: list[Name], query: SchedulesQuery, now: float, secrets: Secrets, details: bool
) -> list[ScheduleRow]:
    if not details and not schedule_terms.needs_definition(query.filter):
        return [ScheduleRow(name.id, text(name.id), "user", "", name.user, task=name.task) for name in names]
    with_runs, errors = schedule_terms.needs_runs(query.filter), RunErrors()
    with_errors = schedule_terms.needs_errors(query.filter)

    def steps() -> Steps[list[ScheduleRow]]:
        found = yield from user_schedules.read(
            line, names, now, secrets, with_runs=with_runs, errors=errors if with_errors else None
        )
        return [one.row for one in found]

    rows = alone(line, steps())
    # The errors that the first reading found to be short are read by the second.
    return alone(line, steps()) if errors.short else rows


def _entries(line: Line, query: SchedulesQuery, now: float, seen: Seen, secrets: Secrets) -> Iterator[Looked]:
    with_runs = schedule_terms.needs_runs(query.filter)
    start = 0
    while True:
        page = line.ask("ZRANGE", keys.ENTRIES, start, start + CHUNK - 1, "WITHSCORES")
        total = line.ask("ZCARD", keys.ENTRIES)
        line.go()
        entries = scored(page.rows())
        if not entries:
            return
        start += len(entries)
        rows = plain_entries.read(line, entries, now, seen, secrets, with_runs=with_runs, with_meta=False)
        yield Looked(len(entries), total.count() or 0, alone(line, rows))


def _scheduled(line: Line, now: float, seen: Seen, secrets: Secrets) -> Iterator[Looked]:
    counts = alone(line, scheduled_jobs.counts(line, seen))
    of = sum(count or 0 for count in counts.values())
    for start in range(0, of, CHUNK):
        due = alone(line, scheduled_jobs.page(line, counts, start, CHUNK))
        found = alone(line, scheduled_jobs.seen(line, due, now, secrets))
        yield Looked(min(CHUNK, of - start), of, [row for _, row in found], [job for job, _ in found])


def _cron(line: Line, now: float, seen: Seen, secrets: Secrets) -> Iterator[Looked]:
    jobs = alone(line, cron_jobs.registered(line, seen))
    rows = alone(line, cron_jobs.read(line, jobs, {}, now, secrets))
    yield Looked(len(rows), len(rows), rows)
