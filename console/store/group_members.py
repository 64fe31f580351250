"""The failures of one group, the latest first: what a command is done to, and what a list of them shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from redis import Redis

from console.model.commands import JobSeen
from console.model.failure_groups import Failure, Groups
from console.model.pages import Found
from console.model.queries import EACH_GROUP, MAX_PAGE, FailuresQuery, GroupsQuery
from console.model.secrets import Secrets
from console.model.selection import Selected
from console.store import failure_groups, selection
from console.store.failure_groups import Grouping, Kept
from console.store.seen import Seen


def members(
    connection: Redis,
    query: FailuresQuery,
    now: float,
    stopped: Callable[[], bool],
    seen: Seen,
    secrets: Secrets,
    kept: Kept,
    *,
    details: bool,
) -> Iterator[Selected]:
    """The failures of the group `query.group`, chunk by chunk, as what a command is done to; `details`: with their rows.

    Raises redis' errors of the connection.
    """
    told = Groups(now, 0, 0, ())
    with kept.of(query.queue) as grouping:
        if query.filter:
            grouping = Grouping(query.queue)
            asked = GroupsQuery(query.queue, query.filter)
            reading = failure_groups.wanted(connection, asked, now, stopped, seen, secrets, grouping)
        else:
            reading = failure_groups.every(connection, grouping, now, stopped, seen, secrets, draw=False)
        for told in reading:
            if not told.done:
                yield Selected(told.read, told.of, ())
        newest_first = sorted(grouping.failures(), key=lambda one: one.at or 0.0, reverse=True)
        if query.group == EACH_GROUP:
            found = [_seen(one)._replace(group=one.members.kind.fingerprint) for one in newest_first]
        else:
            found = [_seen(one) for one in newest_first if one.members.kind.fingerprint == query.group]
    if details:
        named = replace(query, only=tuple(one.key for one in found), group="")
        for chunk in selection.jobs(connection, named, now, stopped, seen, secrets, details=True):
            yield replace(chunk, more=chunk.more or told.more)
        return
    for start in range(0, len(found), MAX_PAGE):
        part = found[start : start + MAX_PAGE]
        yield Selected(start + len(part), len(found), tuple(part))
    yield Selected(len(found), len(found), (), done=True, more=told.more)


def found(
    connection: Redis, query: FailuresQuery, now: float, stopped: Callable[[], bool], seen: Seen, secrets: Secrets, kept: Kept
) -> Iterator[Found]:
    """The same as a search tells it. Raises redis' errors of the connection."""
    for chunk in members(connection, query, now, stopped, seen, secrets, kept, details=False):
        yield Found(chunk.read, chunk.of, tuple(one.key for one in chunk.seen), chunk.done, chunk.more)


def _seen(failure: Failure) -> JobSeen:
    return JobSeen(failure.job, failure.queue, "stopped" if failure.stopped else "failed", float(failure.score))
