"""What is to be said of the queues that a command names, before it is done: nobody knows them, or nobody works them."""

from __future__ import annotations

from collections.abc import Iterable

from console.model.ports import Reader
from console.model.queries import WhyQuery, WorkersQuery
from console.model.text import decoded
from console.model.why.page import WhyPage
from console.model.workers import WorkersPage

NAMED = 3


def unknown(server: Reader, queue: bytes, now: float) -> bool:
    """Whether nothing names a queue: RQ lists it not, no worker listens on it, and nothing is in it. Raises ReadError."""
    found = server.read(WhyQuery("queue", queue), now)
    assert isinstance(found, WhyPage), "a reader answers what it is asked"
    return any(reason.code == "no_such_queue" for reason in found.reasons)


def unserved(server: Reader, queues: Iterable[bytes], now: float) -> list[str]:
    """A line for each of the first few queues on which no living worker listens. Raises ReadError."""
    page = server.read(WorkersQuery(), now)
    assert isinstance(page, WorkersPage), "a reader answers what it is asked"
    served = {queue for row in page.workers if row.status.verdict != "gone" for queue in row.status.queues}
    waits = "what is put there waits until one does"
    # What could not be read may be a worker of it.
    left = [] if page.refused else [one for one in queues if decoded(one) not in served]
    return [
        f"there is no queue {decoded(one)} yet, and no worker listens on it: {waits}"
        if unknown(server, one, now)
        else f"no worker listens on {decoded(one)}: {waits}"
        for one in left[:NAMED]
    ] + ([f"nor on {len(left) - NAMED:,} others"] if len(left) > NAMED else [])
