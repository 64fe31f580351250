"""What is to be said of the queues that a command is about, before it is done: nothing names them, or nobody works them."""

from __future__ import annotations

from collections.abc import Sequence

from console.commands import output
from console.model import listening
from console.model.commands import Command, JobSeen, Seen
from console.model.ports import Reader
from console.model.queries import OverviewQuery, WhyQuery
from console.model.status import Status
from console.model.text import decoded
from console.model.why.page import WhyPage


def nowhere(server: Reader, queue: bytes | None, now: float) -> str:
    """That nothing names this queue: RQ does not list it, no worker listens on it, and nothing is in it; empty where something
    does, or none is asked for. Raises ReadError."""
    if queue is None:
        return ""
    found = server.read(WhyQuery("queue", queue), now)
    assert isinstance(found, WhyPage), "a reader answers what it is asked"
    if all(reason.code != "no_such_queue" for reason in found.reasons):
        return ""
    return f"there is no queue {decoded(queue)}; see the names: {output.hint('status')}"


def warnings(server: Reader, command: Command, seen: Sequence[Seen], now: float) -> tuple[str, ...]:
    """What becomes of these jobs where nobody would run them. Raises ReadError."""
    queues = sorted({decoded(one.queue) for one in seen if isinstance(one, JobSeen)})
    status = server.read(OverviewQuery(size=0), now)
    assert isinstance(status, Status), "a reader answers what it is asked"
    return tuple(listening.warnings(command, queues, status))
