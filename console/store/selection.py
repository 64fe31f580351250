"""Everything that a command is about to be done to, chunk by chunk: jobs as they were seen, with state and score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from redis import Redis

from console.model.commands import JobSeen
from console.model.job_terms import FAILED
from console.model.pages import JobRow
from console.model.queries import FailuresQuery, JobsQuery, JobState
from console.model.secrets import Secrets
from console.model.selection import MAX_SELECTED, Selected
from console.model.status import Refused
from console.store import job_lists, rows, search
from console.store.job_lists import AMONG, Asked, Member
from console.store.search import Bounds
from console.store.seen import Seen
from console.store.ties import Ties
from console.store.trip import Trip

BARE: Final = 5_000
"""So many bare ids are read at once."""

MOST_TOLD: Final = f"{MAX_SELECTED:,} are acted on at once at the most: do it again for the others"

TOLD_APART: Final = {"failed": FAILED, "scheduled": ("scheduled", "retrying")}
"""The lists whose rows are told apart by their hashes: what is seen in one of them may be in either state."""


def jobs(
    connection: Redis,
    query: JobsQuery | FailuresQuery,
    now: float,
    stopped: Callable[[], bool],
    seen: Seen,
    secrets: Secrets,
    *,
    details: bool,
) -> Iterator[Selected]:
    """The jobs of the list that `query` names, or those of `query.only` that are still in the state that it names.

    A chunk costs what a page of rows does; without `details` and filter one trip. Jobs whose hash is gone, and named ones that
    are in another state by now, are counted in `in_way`; `ties` with `details` only. Raises redis' errors of the connection.
    """
    if query.only is not None:
        yield from _named(connection, query, query.only, stopped, secrets, Ties() if details else None)
    elif details or query.filter or (isinstance(query, JobsQuery) and query.state in (*AMONG, job_lists.RATE_LIMITED)):
        yield from _looked_at(connection, query, now, stopped, seen, secrets, Ties() if details else None)
    else:
        yield from _listed(connection, query, now, stopped, seen)


def _named(
    connection: Redis,
    query: JobsQuery | FailuresQuery,
    ids: Sequence[bytes],
    stopped: Callable[[], bool],
    secrets: Secrets,
    ties: Ties | None,
) -> Iterator[Selected]:
    states = FAILED if isinstance(query, FailuresQuery) else TOLD_APART.get(query.state, (query.state,))
    for start in range(0, len(ids), search.CHUNK):
        if stopped():
            break
        part = ids[start : start + search.CHUNK]
        beside = None if ties is None else ties.ask
        named = rows.named(connection, part, secrets, errors=any(state in FAILED for state in states), beside=beside)
        in_way = Counter("gone" if row.missing else "changed" for row in named.rows if row.missing or row.state not in states)
        kept = [
            (member, row)
            for member, row in zip(named.members, named.rows, strict=True)
            if not row.missing and row.state in states
        ]
        found = tuple(row for _, row in kept)
        yield Selected(
            read=min(len(ids), start + len(part)),
            of=len(ids),
            seen=tuple(_seen(member, row) for member, row in kept),
            rows=found,
            in_way=in_way,
            ties={} if ties is None else ties.of(found),
            waiting={} if ties is None else ties.waiting(found),
        )
    yield Selected(len(ids), len(ids), (), done=True, more="it was stopped" if stopped() else "")


def _looked_at(
    connection: Redis,
    query: JobsQuery | FailuresQuery,
    now: float,
    stopped: Callable[[], bool],
    seen: Seen,
    secrets: Secrets,
    ties: Ties | None,
) -> Iterator[Selected]:
    bounds, beside = Bounds(MAX_SELECTED, MAX_SELECTED), None if ties is None else ties.ask
    refused: list[Refused] = []
    for chunk in search.chunks(connection, query, now, stopped, seen, secrets, bounds, beside, whole=ties is not None):
        refused += chunk.refused
        here = [(member, row) for member, row in chunk.wanted if not row.missing]
        missing = len(chunk.wanted) - len(here)
        yield Selected(
            read=chunk.read,
            of=chunk.of,
            seen=tuple(_seen(member, row) for member, row in here),
            rows=tuple(row for _, row in here),
            in_way=Counter({"gone": missing} if missing else {}),
            ties={} if ties is None else ties.of([row for _, row in here]),
            waiting={} if ties is None else ties.waiting([row for _, row in here]),
            done=chunk.more is not None,
            more=chunk.more or search.untold(refused),
        )


def _seen(member: Member, row: JobRow) -> JobSeen:
    scored = row.state != job_lists.RATE_LIMITED
    return JobSeen(member.job, member.queue or b"", row.state, member.score if scored else None)


def _listed(
    connection: Redis, query: JobsQuery | FailuresQuery, now: float, stopped: Callable[[], bool], seen: Seen
) -> Iterator[Selected]:
    state: JobState = query.state if isinstance(query, JobsQuery) else "failed"
    lists = job_lists.count(connection, query.queue, (state,), now, seen)
    held = lists.of(state)
    of = sum(one.total for one in held)
    met: set[bytes] = set()
    refused = list(lists.refused)
    read = 0
    while read < min(of, MAX_SELECTED) and not stopped():
        trip = Trip(connection)
        asked = [one for ranks in job_lists.spread(held, read, BARE) for one in job_lists.ask_ranks(trip, *ranks)]
        trip.go()
        found = [one for answer in asked for one in _members(answer, state) if one.key not in met]
        # The same id may be twice in a list, too.
        fresh = {one.key: one for one in found}
        met.update(fresh)
        read = min(of, read + BARE)
        refused += trip.refused
        yield Selected(read, of, tuple(fresh.values()), more=search.untold(refused))
    more = "it was stopped" if stopped() else MOST_TOLD if read < of else search.untold(refused)
    yield Selected(read, of, (), done=True, more=more)


def _members(asked: Asked, state: JobState) -> list[JobSeen]:
    """They who are at the ranks that were asked for: as Asked.members() tells them, and in a third of the time where they are
    what most are, members of a set by score."""
    rows, queue = asked.answer.rows(), asked.held.owner
    if state in ("queued", "running"):
        return [JobSeen(one.job, queue, state, one.score) for one in asked.members()]
    found = [JobSeen(job, queue, state, score) for job, score in job_lists.scored(rows)]
    return found[::-1] if asked.turned else found
