"""What a name is the name of, which only the server knows."""

from __future__ import annotations

from collections.abc import Sequence

from console.model.job import JobDetail
from console.model.ports import Target
from console.model.queries import JobQuery, JobsQuery, UserQuery
from console.model.schedules import UserPage
from console.screens.place import Place


def place(target: Target, name: str, queues: Sequence[bytes], now: float) -> Place | None:
    """The job, the user or the queue that has exactly this name, the first of these that there is. `queues` are known to be
    there. Reads the server on a connection of its own. Raises ReadError."""
    key = name.encode("utf-8", "surrogateescape")
    reader = target.connect()
    try:
        job, user = JobQuery(key), UserQuery(name)
        detail = reader.read(job, now)
        if isinstance(detail, JobDetail) and detail.found:
            return Place("job", job)
        page = reader.read(user, now)
        if isinstance(page, UserPage) and page.found:
            return Place("user", user)
    finally:
        reader.close()
    return Place("jobs", JobsQuery(queue=key)) if key in queues else None
