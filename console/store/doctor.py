"""Every problem of an installation: those that its status shows, and those that cost too much to be looked for each second."""

from __future__ import annotations

from redis import Redis

from console.model.queries import DoctorQuery, OverviewQuery
from console.model.why.page import Checkup
from console.store import status
from console.store.seen import MAX_QUEUES, Seen


def read(connection: Redis, query: DoctorQuery, now: float, seen: Seen, url: str | None = None) -> Checkup:
    """The installation's problems at `now` (epoch seconds). Writes nothing, and decodes no job.

    Raises redis' errors of the connection, and InvalidTiers.
    """
    found = status.read(connection, OverviewQuery(size=MAX_QUEUES), now, seen, url)
    return Checkup(now, found.problems)
