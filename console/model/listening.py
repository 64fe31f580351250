"""Whether anybody works a queue into which a command puts jobs, as the newest overview tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from console.model.commands import Backfill, Command, Move, Requeue, RetryNow, RunAgain, RunNow, ToFront
from console.model.counting import named
from console.model.status import Status
from console.model.text import decoded

ENQUEUES: Final = (Requeue, RetryNow, RunAgain, ToFront, RunNow, Backfill)
"""What puts jobs into the queues that they are of."""


def warnings(command: Command, queues: Sequence[str], status: Status | None) -> Iterator[str]:
    """What becomes of jobs where nobody would run them. `queues` are those of the jobs, `status` is the newest overview, None
    where there is none."""
    if isinstance(command, Move):
        to = decoded(command.to)
        if _unlisted(to, status):
            yield f"there is no queue {to} yet, and no worker listens on it: what is moved there waits for one"
        elif unworked([to], status):
            yield f"no worker listens on {to}: what is moved there waits until one does"
    elif isinstance(command, ENQUEUES) and (idle := unworked(queues, status)):
        yield f"no worker listens on {named(idle, 'other queue')}: what comes there waits until one does"


def unworked(queues: Iterable[str], status: Status | None) -> Sequence[str]:
    """Those of `queues` on which no living worker listens; none where not all workers were read."""
    if status is None or _unsure(status, "workers"):
        return ()
    listened = {name for worker in status.workers if worker.verdict != "gone" for name in worker.queues}
    listened |= {queue.name for queue in status.queues if queue.workers}
    return [name for name in queues if name not in listened]


def _unlisted(queue: str, status: Status | None) -> bool:
    """Whether no list of queues has it, and no worker listens on it, as far as all were read."""
    if status is None or _unsure(status, "queues"):
        return False
    return bool(unworked([queue], status)) and all(one.name != queue for one in status.queues)


def _unsure(status: Status, what: str) -> bool:
    return what in {one.what for one in status.unread} | {one.what for one in status.refused}
