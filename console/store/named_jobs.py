"""Jobs that somebody names by their ids: each as it is seen in whatever state it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from redis import Redis

from console.model.commands import JobSeen
from console.model.queries import NamedQuery
from console.model.secrets import Secrets
from console.model.selection import Selected
from console.store import rows
from console.store.ties import Ties

CHUNK: Final = 500


def select(
    connection: Redis, query: NamedQuery, stopped: Callable[[], bool], secrets: Secrets, *, details: bool
) -> Iterator[Selected]:
    """These jobs, chunk by chunk and in order; those that are gone are counted in `in_way`.

    A chunk costs what a page of rows does, in either case: where a job is, only its hash tells. Raises redis' errors of the
    connection.
    """
    ids, read = query.only, 0
    ties = Ties()
    while read < len(ids) and not stopped():
        found = rows.named(connection, ids[read : read + CHUNK], secrets, errors=details, beside=ties.ask if details else None)
        here = [pair for pair in zip(found.members, found.rows, strict=True) if not pair[1].missing]
        read = min(len(ids), read + CHUNK)
        yield Selected(
            read=read,
            of=len(ids),
            seen=tuple(JobSeen(member.job, member.queue or b"", row.state, member.score) for member, row in here),
            rows=tuple(row for _, row in here) if details else (),
            ties=ties.of([row for _, row in here]) if details else {},
            waiting=ties.waiting([row for _, row in here]) if details else {},
            in_way=Counter({"gone": len(found.rows) - len(here)} if len(here) < len(found.rows) else {}),
        )
    yield Selected(read, len(ids), (), done=True, more="it was stopped" if read < len(ids) else "")
