"""A page of the jobs in one state, by rank: as fast at any depth as at the top."""

from __future__ import annotations

from typing import Final

from redis import Redis

from console.model.job_terms import FAILED
from console.model.pages import JobsPage
from console.model.queries import JobsQuery
from console.model.secrets import Secrets
from console.store import job_lists, rows
from console.store.job_lists import AMONG, RATE_LIMITED, REGISTRIES, Ranks
from console.store.seen import Seen

NO_QUEUE: Final = "rate limits know no queue: those of all queues are shown"


def read(connection: Redis, query: JobsQuery, now: float, seen: Seen, secrets: Secrets) -> JobsPage:
    """The page that `query` asks for, at `now` (epoch seconds), with the counts of all states.

    Order: job_lists.REGISTRIES; the lanes' jobs first, in the order in which they are served, then by the queues' names; rate
    limited jobs by the names of the limits. Jobs that retry or were stopped are in no list of their own: a page of these has no
    rows but those that `query.only` names.
    Three trips for one queue, four for all. One more where a queue turns up that `seen` did not know, and of one queue where
    the page comes to jobs that are kept for good, or turns round a list of jobs that expire, or where rows.read needs one.
    Raises redis' errors of the connection.
    """
    if query.only is not None:
        return _found(connection, query, now, seen, secrets)
    ranks = Ranks(query.state, query.start, query.size, query.reverse)
    lists = job_lists.count(connection, query.queue, REGISTRIES, now, seen, ranks)
    counts = lists.counts()
    if query.state in AMONG:
        return JobsPage(now, ranks.start, None, (), counts, rows.told(lists.refused))
    members, refused = job_lists.members(connection, lists, ranks)
    found = rows.read(connection, members, secrets, errors=query.state in FAILED)
    seen.meet_queues(found.origins)
    return JobsPage(
        as_of=now,
        start=ranks.start,
        total=counts.get(query.state, 0),
        rows=found.rows,
        counts=counts,
        refused=rows.told((*lists.refused, *refused, *found.refused)),
        note=NO_QUEUE if query.state == RATE_LIMITED and query.queue is not None else "",
    )


def _found(connection: Redis, query: JobsQuery, now: float, seen: Seen, secrets: Secrets) -> JobsPage:
    """The jobs that a search has found, as their hashes are now."""
    lists = job_lists.count(connection, query.queue, REGISTRIES, now, seen)
    found = rows.named(connection, query.only or (), secrets, errors=query.state in FAILED)
    seen.meet_queues(found.origins)
    refused = rows.told((*lists.refused, *found.refused))
    return JobsPage(now, query.start, len(found.rows), found.rows, lists.counts(), refused)
