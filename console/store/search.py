"""Looking for jobs that a filter asks for, where the server has no index: chunk by chunk, in the order of the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from redis import Redis

from console.model.filters import ANY, Filter
from console.model.job_terms import FAILED, matches
from console.model.pages import Found, JobRow
from console.model.queries import FailuresQuery, JobsQuery, JobState
from console.model.secrets import Secrets
from console.model.status import Refused
from console.store import job_lists, rows
from console.store.job_lists import AMONG, Member, Ranks
from console.store.rows import Beside
from console.store.seen import Seen

CHUNK: Final = 500
MAX_READ: Final = 100_000
MAX_FOUND: Final = 10_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that are wanted, each with the member that names it. So far `read` of `of` were looked at, and `found` were wanted.
    `more` is why it ended, empty where all was looked at, None where it goes on."""

    read: int
    of: int
    found: int
    wanted: tuple[tuple[Member, JobRow], ...]
    refused: tuple[Refused, ...]
    more: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many are looked at, and how many are found, at the most."""

    read: int
    found: int


def jobs(
    connection: Redis, query: JobsQuery | FailuresQuery, now: float, stopped: Callable[[], bool], seen: Seen, secrets: Secrets
) -> Iterator[Found]:
    """Look at the jobs of the list that `query` names for those that its filter asks for, and tell after each chunk.

    It ends after MAX_READ members or MAX_FOUND finds, or when `stopped()` says so, and then says why in `more`.
    Raises redis' errors of the connection.
    """
    refused: list[Refused] = []
    for chunk in chunks(connection, query, now, stopped, seen, secrets, Bounds(MAX_READ, MAX_FOUND)):
        refused += chunk.refused
        if chunk.more is None:
            yield Found(chunk.read, chunk.of, tuple(row.key for _, row in chunk.wanted))
        else:
            yield Found(chunk.read, chunk.of, (), done=True, more=chunk.more or untold(refused))


def chunks(
    connection: Redis,
    query: JobsQuery | FailuresQuery,
    now: float,
    stopped: Callable[[], bool],
    seen: Seen,
    secrets: Secrets,
    bounds: Bounds,
    beside: Beside | None = None,
    *,
    whole: bool = False,
) -> Iterator[Chunk]:
    """The jobs of the list that `query` names, chunk by chunk, those that its filter asks for; with all that a row tells where
    they are to be `whole`, else with what the filter takes.

    Three trips for CHUNK members, and as many for those of them that match if more is to be told of these than the filter
    takes; in the first `beside` may ask more of each. Failures are looked at queue by queue, the latest
    of each first. A job that moves in the list meanwhile may be met twice, and is told once; one that moves across the border
    of two chunks can be missed. The last chunk is empty, and says why it is the last. Raises redis' errors of the connection.
    """
    state: JobState = query.state if isinstance(query, JobsQuery) else "failed"
    reverse = isinstance(query, JobsQuery) and query.reverse
    lists = job_lists.count(connection, query.queue, (AMONG.get(state, state),), now, seen)
    of = sum(one.total for one in lists.of(state))
    errors = state in FAILED and (_asks_for(query.filter, "error", "age", "ran") or not query.filter)
    owners = _asks_for(query.filter, "user", "tier", "task") or not query.filter
    refused = lists.refused
    met: set[bytes] = set()
    read = found = 0
    while (more := _ended(read, of, found, stopped, bounds)) is None:
        size = min(CHUNK, bounds.read - read)
        members, unlisted = job_lists.members(connection, lists, Ranks(state, read, size, reverse))
        chunk = rows.read(connection, members, secrets, errors=errors, owners=owners, beside=beside)
        fresh = {row.key: (member, row) for member, row in zip(chunk.members, chunk.rows, strict=True) if row.key not in met}
        met.update(fresh)
        wanted = [pair for pair in fresh.values() if _wanted(pair[1], state, query.filter, now)][: bounds.found - found]
        of_wanted: tuple[Refused, ...] = ()
        if whole and wanted and not (owners and (errors or state not in FAILED)):
            told = rows.read(connection, [member for member, _ in wanted], secrets, errors=state in FAILED, owners=True)
            known = {row.key: row for row in told.rows if not row.missing}
            wanted = [(member, known.get(row.key, row)) for member, row in wanted]
            of_wanted = told.refused
        read, found = min(of, read + size), found + len(wanted)
        yield Chunk(read, of, found, tuple(wanted), (*refused, *unlisted, *chunk.refused, *of_wanted))
        refused = ()
    yield Chunk(read, of, found, (), refused, more)


def _ended(read: int, of: int, found: int, stopped: Callable[[], bool], bounds: Bounds) -> str | None:
    """Why a search ends here, empty when all was looked at; None when it goes on."""
    if read >= of:
        return ""
    if found >= bounds.found:
        return f"{bounds.found:,} were found: ask for less to see the others"
    if read >= bounds.read:
        return f"{bounds.read:,} were looked at: choose one queue to look at others"
    return "it was stopped" if stopped() else None


def _wanted(row: JobRow, state: JobState, filter: Filter, now: float) -> bool:
    return (state not in AMONG or row.state == state) and matches(filter, row, now)


def _asks_for(filter: Filter, *fields: str) -> bool:
    """Whether it takes one of these fields, of which FREE has one, to tell what matches."""
    return any(term.field in (*fields, ANY) for term in filter.terms)


def untold(refused: Sequence[Refused]) -> str:
    """What could not be looked at."""
    told = {one.what: one for one in refused}
    return "" if not told else f"{len(told):,} could not be read: {refused[0].what}: {refused[0].reason}"[:300]
