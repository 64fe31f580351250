"""How problems are made, and worded: how many of what there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from console.model import schedule_terms
from console.model.counting import counted
from console.model.filters import parse
from console.model.queries import SchedulesQuery, ViewQuery, WorkersQuery
from console.model.status import FAILING_RUNS, Problem, QueueStatus, Status

EVIDENCE: Final = 10
"""How many names of what it is about a problem bears at the most."""

WORKERS: Final = WorkersQuery()
ENTRIES: Final = SchedulesQuery("entries")
FAILING: Final = SchedulesQuery(filter=parse(f"failed>={FAILING_RUNS}", schedule_terms.FIELDS))
"""Screens on which evidence is seen."""


def error(
    code: str,
    subject: str,
    message: str,
    remedy: str,
    touches: int = 0,
    opens: ViewQuery | None = None,
    evidence: Sequence[str] = (),
) -> Problem:
    """A problem that keeps users from what they were promised."""
    return Problem(code, "error", subject, message, remedy, touches, opens, tuple(evidence[:EVIDENCE]))


def warning(
    code: str,
    subject: str,
    message: str,
    remedy: str,
    touches: int = 0,
    opens: ViewQuery | None = None,
    evidence: Sequence[str] = (),
) -> Problem:
    """A problem that may become an error, or that costs something else."""
    return Problem(code, "warning", subject, message, remedy, touches, opens, tuple(evidence[:EVIDENCE]))


def jobs(queue: QueueStatus) -> str:
    """How many jobs wait in a queue."""
    return counted(queue.waiting or 0, "job waits", "jobs wait")


def entries(count: int, what: str) -> str:
    """How many entries are something."""
    return f"{counted(count, 'entry is', 'entries are')} {what}"


def subject(names: Sequence[str], noun: str) -> str:
    """The name of the only one, or how many there are."""
    return names[0] if len(names) == 1 else f"{len(names):,} {noun}"


def everything(status: Status) -> int:
    """What waits, and what is armed: what is kept from running when nothing runs."""
    return sum(queue.waiting or 0 for queue in status.queues) + (status.schedules.armed or 0)
