"""A page of schedules of one source, and how many there are of every source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from redis import Redis

from console.model.queries import MAX_PAGE, SchedulesQuery, Source
from console.model.schedules import ScheduleRow, SchedulesPage
from console.model.secrets import Secrets
from console.model.why import in_short
from console.model.why.in_short import Beside
from console.store import cron_jobs, plain_entries, scheduled_jobs, user_schedules
from console.store.cron_jobs import CronJob
from console.store.seen import Seen
from console.store.steps import Line, Reading, Steps, after, beside, together
from console.store.user_schedules import Name
from console.store.values import number, scored, text
from jobs import keys

SLOTS = 5
"""Next slots that are told of a schedule that is alone on its page."""

NAMED: Final[Mapping[Source, str]] = {"user": "user", "entries": "rq-scheduler", "rq": "rq", "cron": "rq-cron"}
"""What a row of each source calls it."""

Found = tuple[int | None, Sequence[ScheduleRow]]
"""How many schedules of the source there are, and the rows of the page."""


def read(connection: Redis, query: SchedulesQuery, now: float, seen: Seen, secrets: Secrets) -> SchedulesPage:
    """The page of `query` at `now` (epoch seconds), in four round trips at the most; one more where a queue is met first.

    Of the filter only the user of users' schedules counts, which is looked up in an index (user_schedules.bounds): the rest is
    for a search. Why one is not as it should be is told as far as its row and the last overview tell it; why its last run
    failed, by the second read that finds it so. Writes nothing, and executes nothing that it finds. What cannot be read becomes
    a row of what is known. Raises redis' ConnectionError and TimeoutError.
    """
    line = Line(connection)
    users, entries = line.ask("ZCARD", keys.SCHEDULES), line.ask("ZCARD", keys.ENTRIES)
    scheduled = Reading(scheduled_jobs.counts(line, seen))
    cron = Reading(cron_jobs.registered(line, seen))
    start, size = max(0, query.start), min(max(1, query.size), MAX_PAGE)
    match query.source:
        case "user":
            page = Reading(_users(line, query, start, size, now, seen, secrets))
        case "entries":
            page = Reading(_entries(line, query, start, size, now, seen, secrets))
        case "rq":
            page = Reading(_scheduled(line, query, start, size, now, secrets, scheduled))
        case "cron":
            page = Reading(_cron(line, query, start, size, in_short.beside(seen.status, now), secrets, cron))
    together(line, scheduled, cron, page)
    total, rows = page.result
    known = [count for count in scheduled.result.values() if count is not None]
    return SchedulesPage(
        as_of=now,
        start=start,
        total=len(query.only) if query.only is not None else total,
        rows=tuple(rows),
        counts={
            "user": users.count(),
            "entries": entries.count(),
            "rq": sum(known) if known else None,
            "cron": len(cron.result),
        },
        refused=line.refused,
    )


def _users(line: Line, query: SchedulesQuery, start: int, size: int, now: float, seen: Seen, secrets: Secrets) -> Steps[Found]:
    if query.only is not None:
        total: int | None = len(query.only)
        names = [Name(one) for one in query.only[:MAX_PAGE]]
    else:
        bounds = user_schedules.bounds(query.filter)
        if bounds is None:
            asked, count = line.ask("ZRANGE", keys.SCHEDULES, start, start + size - 1), line.ask("ZCARD", keys.SCHEDULES)
        else:
            asked = line.ask("ZRANGEBYLEX", keys.SCHEDULES, *bounds, "LIMIT", start, size)
            count = line.ask("ZLEXCOUNT", keys.SCHEDULES, *bounds)
        yield
        total, names = count.count(), [user_schedules.named(member) for member in asked.rows()[:size]]
    known = in_short.beside(seen.status, now)
    slots = SLOTS if len(names) == 1 else 0
    found = yield from user_schedules.read(line, names, now, secrets, errors=seen.errors, slots=slots, known=known)
    return total, [one.row for one in found]


def _entries(
    line: Line, query: SchedulesQuery, start: int, size: int, now: float, seen: Seen, secrets: Secrets
) -> Steps[Found]:
    count = line.ask("ZCARD", keys.ENTRIES)
    if query.only is not None:
        only = query.only[:MAX_PAGE]
        scores = line.ask("ZMSCORE", keys.ENTRIES, *only) if only else None
        yield
        found = dict(zip(only, scores.rows() if scores else (), strict=False))
        entries = [(one, number(score)) for one, score in found.items() if score is not None]
    else:
        asked = line.ask("ZRANGE", keys.ENTRIES, start, start + size - 1, "WITHSCORES")
        yield
        entries = scored(asked.rows())[:size]
    known = in_short.beside(seen.status, now)
    rows = yield from plain_entries.read(line, entries, now, seen, secrets, errors=seen.errors, known=known)
    return count.count(), _in_order(query, rows)


def _scheduled(
    line: Line,
    query: SchedulesQuery,
    start: int,
    size: int,
    now: float,
    secrets: Secrets,
    counts: Reading[dict[bytes, int | None]],
) -> Steps[Found]:
    if query.only is not None:
        rows = yield from scheduled_jobs.read_only(line, query.only[:MAX_PAGE], now, secrets)
        return len(query.only), _in_order(query, rows)
    of = yield from after(counts)
    due = yield from scheduled_jobs.page(line, of, start, size)
    known = [count for count in of.values() if count is not None]
    return sum(known) if known else None, (yield from scheduled_jobs.read(line, due, now, secrets))


def _cron(
    line: Line,
    query: SchedulesQuery,
    start: int,
    size: int,
    known: Beside,
    secrets: Secrets,
    registered: Reading[list[CronJob]],
) -> Steps[Found]:
    history = Reading(cron_jobs.histories(line))
    yield from beside(history)
    jobs = yield from after(registered)
    only = None if query.only is None else set(query.only[:MAX_PAGE])
    shown = jobs[start : start + size] if only is None else [job for job in jobs if job.key in only]
    rows = yield from cron_jobs.read(line, shown, history.result, known.around.now, secrets, known)
    return len(jobs), _in_order(query, rows)


def _in_order(query: SchedulesQuery, rows: Sequence[ScheduleRow]) -> Sequence[ScheduleRow]:
    """`rows`, or where the query names schedules a row for each of them, in its order: of what is no more, one to say so."""
    if query.only is None:
        return rows
    found = {row.key: row for row in rows}
    return [found.get(key) or _gone(key, query.source) for key in query.only[:MAX_PAGE]]


def _gone(key: bytes, source: Source) -> ScheduleRow:
    return ScheduleRow(key, text(key), NAMED[source], "gone", note="it is no more")
