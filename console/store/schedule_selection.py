"""Every schedule that a command is about to be done to, chunk by chunk, as it was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from redis import Redis

from console.model import schedule_terms
from console.model.commands import ScheduleSeen
from console.model.commands import Seen as Acted
from console.model.queries import SchedulesQuery
from console.model.schedules import ScheduleRow
from console.model.secrets import Secrets
from console.model.selection import MAX_SELECTED, Selected
from console.store import plain_entries, schedule_search, scheduled_jobs, user_schedules
from console.store.schedule_search import CHUNK
from console.store.seen import Seen
from console.store.selection import MOST_TOLD
from console.store.steps import Line, alone
from console.store.user_schedules import Name
from console.store.values import number
from jobs import keys

Pair = tuple[Acted, ScheduleRow]


def schedules(
    connection: Redis,
    query: SchedulesQuery,
    now: float,
    stopped: Callable[[], bool],
    seen: Seen,
    secrets: Secrets,
    *,
    details: bool,
) -> Iterator[Selected]:
    """The schedules of the query's source that its filter wants, or those of `query.only` that are there.

    Entries of users' schedules are selected as these, wherever they are listed, RQ's scheduled jobs as jobs. The heartbeat's
    entry and the jobs of `rq cron` are counted in `in_way`: nothing can be done to them. A few round trips for a chunk; without
    `details` and filter one for users' schedules. Raises redis' ConnectionError and TimeoutError.
    """
    if query.only is not None:
        yield from _named(connection, query, query.only, now, stopped, seen, secrets)
    else:
        yield from _looked_at(connection, query, now, stopped, seen, secrets, details)


def _looked_at(
    connection: Redis,
    query: SchedulesQuery,
    now: float,
    stopped: Callable[[], bool],
    seen: Seen,
    secrets: Secrets,
    details: bool,
) -> Iterator[Selected]:
    read = of = 0
    met: set[bytes] = set()
    more = ""
    for looked in schedule_search.looked_at(connection, query, now, seen, secrets, details=details):
        read, of = read + looked.read, looked.of
        acted: Sequence[Acted | None] = looked.jobs or [_acted(row) for row in looked.rows]
        wanted = [
            (one, row)
            for one, row in zip(acted, looked.rows, strict=True)
            if row.key not in met and schedule_terms.matches(query.filter, row, now)
        ]
        met.update(row.key for _, row in wanted)
        chunk = _selected(read, max(of, read), wanted)
        # What was not asked for is known of some of them only.
        yield chunk if details else replace(chunk, rows=())
        if read >= MAX_SELECTED and read < of:
            more = MOST_TOLD
        elif stopped():
            more = "it was stopped"
        if more:
            break
    yield Selected(read, max(of, read), (), done=True, more=more)


def _named(
    connection: Redis,
    query: SchedulesQuery,
    ids: Sequence[bytes],
    now: float,
    stopped: Callable[[], bool],
    seen: Seen,
    secrets: Secrets,
) -> Iterator[Selected]:
    line = Line(connection)
    for start in range(0, len(ids), CHUNK):
        if stopped():
            break
        part = ids[start : start + CHUNK]
        found = _found(line, query, part, now, seen, secrets)
        gone = len(part) - len(found) if query.source != "cron" else 0
        chunk = _selected(min(len(ids), start + len(part)), len(ids), found)
        if query.source == "cron":
            chunk.in_way["source"] += len(part)
        if gone:
            chunk.in_way["gone"] += gone
        yield chunk
    yield Selected(len(ids), len(ids), (), done=True, more="it was stopped" if stopped() else "")


def _found(
    line: Line, query: SchedulesQuery, part: Sequence[bytes], now: float, seen: Seen, secrets: Secrets
) -> list[tuple[Acted | None, ScheduleRow]]:
    match query.source:
        case "user":
            schedules = alone(line, user_schedules.read(line, [Name(one) for one in part], now, secrets, with_runs=False))
            return [(_acted(one.row), one.row) for one in schedules if one.found]
        case "entries":
            scores = line.ask("ZMSCORE", keys.ENTRIES, *part)
            line.go()
            entries = [(one, number(score)) for one, score in zip(part, scores.rows(), strict=False) if score is not None]
            rows = alone(line, plain_entries.read(line, entries, now, seen, secrets, with_runs=False, with_meta=False))
            return [(_acted(row), row) for row in rows]
        case "rq":
            return list(alone(line, scheduled_jobs.seen_only(line, part, now, secrets)))
        case "cron":
            return []


def _selected(read: int, of: int, found: Sequence[tuple[Acted | None, ScheduleRow]]) -> Selected:
    acted: list[Pair] = [(one, row) for one, row in found if one is not None]
    refused = len(found) - len(acted)
    return Selected(
        read=read,
        of=of,
        seen=tuple(one for one, _ in acted),
        rows=tuple(row for _, row in acted),
        in_way=Counter({"source": refused} if refused else {}),
    )


def _acted(row: ScheduleRow) -> ScheduleSeen | None:
    """What a command is done to, None of what none can be done to."""
    if row.source == "user":
        return ScheduleSeen(row.key, "user", row.next_at)
    if row.source == "rq-scheduler" and row.key != keys.HEARTBEAT_ENTRY.encode():
        return ScheduleSeen(row.key, "entries", row.next_at)
    return None
