"""Looking for jobs that a filter asks for, where the server has no index: chunk by chunk, in the order of the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from redis import Redis

from console.model.filters import ANY, Filter
from console.model.job_terms import FAILED, matches
from console.model.pages import Found, JobRow
from console.model.queries import FailuresQuery, JobsQuery, JobState
from console.model.secrets import Secrets
from console.model.status import Refused
from console.store import job_lists, rows
from console.store.job_lists import AMONG, Ranks
from console.store.seen import Seen

CHUNK: Final = 500
MAX_READ: Final = 100_000
MAX_FOUND: Final = 10_000


def jobs(
    connection: Redis, query: JobsQuery | FailuresQuery, now: float, stopped: Callable[[], bool], seen: Seen, secrets: Secrets
) -> Iterator[Found]:
    """Look at the jobs of the list that `query` names for those that its filter asks for, and tell after each chunk.

    Three trips for CHUNK members. Failures are looked at queue by queue, the latest of each first. A job that moves in the list
    meanwhile may be met twice, and is told once; one that moves across the border of two chunks can be missed. It ends after
    MAX_READ members or MAX_FOUND finds, or when `stopped()` says so, and then says why in `more`.
    Raises redis' errors of the connection.
    """
    state: JobState = query.state if isinstance(query, JobsQuery) else "failed"
    reverse = isinstance(query, JobsQuery) and query.reverse
    lists = job_lists.count(connection, query.queue, (AMONG.get(state, state),), now, seen)
    of = sum(one.total for one in lists.of(state))
    errors = state in FAILED and _asks_for(query.filter, "error", "age", "ran")
    owners = _asks_for(query.filter, "user", "tier", "task")
    refused = [*lists.refused]
    met: set[bytes] = set()
    read = found = 0
    while True:
        more = _ended(read, of, found, stopped)
        if more is not None:
            break
        size = min(CHUNK, MAX_READ - read)
        members, untold = job_lists.members(connection, lists, Ranks(state, read, size, reverse))
        chunk = rows.read(connection, members, secrets, errors=errors, owners=owners)
        refused += [*untold, *chunk.refused]
        fresh = {row.key: row for row in chunk.rows if row.key not in met}
        met.update(fresh)
        keys = tuple(key for key, row in fresh.items() if _wanted(row, state, query.filter, now))
        read, found = min(of, read + size), found + len(keys)
        yield Found(read, of, keys[: MAX_FOUND - found + len(keys)])
    yield Found(read, of, (), done=True, more=more or _untold(refused))


def _ended(read: int, of: int, found: int, stopped: Callable[[], bool]) -> str | None:
    """Why a search ends here, empty when all was looked at; None when it goes on."""
    if read >= of:
        return ""
    if found >= MAX_FOUND:
        return f"{MAX_FOUND:,} were found: ask for less to see the others"
    if read >= MAX_READ:
        return f"{MAX_READ:,} were looked at: choose one queue to look at others"
    return "it was stopped" if stopped() else None


def _wanted(row: JobRow, state: JobState, filter: Filter, now: float) -> bool:
    return (state not in AMONG or row.state == state) and matches(filter, row, now)


def _asks_for(filter: Filter, *fields: str) -> bool:
    """Whether it takes one of these fields, of which FREE has one, to tell what matches."""
    return any(term.field in (*fields, ANY) for term in filter.terms)


def _untold(refused: list[Refused]) -> str:
    """What could not be looked at."""
    told = {one.what: one for one in refused}
    return "" if not told else f"{len(told):,} could not be read: {refused[0].what}: {refused[0].reason}"[:300]
