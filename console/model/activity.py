"""What operators did, and what happened on its own: what the screen Activity shows. Units and text: as in pages.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from console.model import words
from console.model.commands import Undo
from console.model.counting import counted
from console.model.operations import Counts
from console.model.status import Refused


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One operation as the audit has it, newest first. `key` names its first entry in the audit, `id` the operation.

    `at` and `ended_at` are the server's time. `how` is how it ended (operations.Ended.how), empty while no end is recorded:
    then it is under way, or its console died, and `counts` are those that the server keeps, None where it keeps none any more.
    `undo_until` is until when it can be undone, None where it cannot, and `in_trash` how many things that would put back.
    `undone_by` is the operation that has undone it last, as far as that was read, and `undone_at` when.
    `foreign`: the entry was not written by a console, and `said` is what it says. What nobody knows any more is None or empty.
    """

    key: bytes
    id: str
    at: float | None = None
    who: str = ""
    host: str = ""
    command: str = ""
    options: str = ""
    scope: str = ""
    target: str = ""
    why: str = ""
    matched: int | None = None
    ended_at: float | None = None
    how: str = ""
    counts: Counts | None = None
    said: str = ""
    undo_until: float | None = None
    in_trash: int | None = None
    undone_by: str = ""
    undone_at: float | None = None
    foreign: bool = False

    @property
    def left(self) -> int | None:
        """Of how many it is not told what came of them."""
        if self.counts is None or self.matched is None:
            return None
        return max(0, self.matched - self.counts.told)


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened on its own. `kind` is one of KINDS; `subject` names it: a worker, an entry, the reason of a skip.

    `at` is when it happened, None of what was only counted; `count` is how often, or how many there are. `job` is the job of a
    worker that is gone; `why` is the reason for which an entry was set aside, `number` its number in the quarantine.
    """

    key: bytes
    kind: str
    subject: str = ""
    count: int = 1
    at: float | None = None
    why: str = ""
    job: bytes | None = None
    number: bytes = b""


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """Operations from the rank `start` on, of `total` that were read; `more`: the audit has older ones. `happened` is what
    happened on its own, what wants to be looked at first."""

    as_of: float
    start: int
    total: int
    rows: tuple[OperationRow, ...]
    happened: tuple[Happened, ...] = ()
    more: bool = False
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class OperationPage:
    """One operation, None where the audit has it no longer."""

    as_of: float
    row: OperationRow | None
    refused: tuple[Refused, ...] = ()


UNDOES: Final = "operation="
"""What stands before the id of an operation in the options of one that undoes it."""


def undone(rows: Sequence[OperationRow]) -> list[OperationRow]:
    """The same, the oldest first, and which of them were undone by which of the others."""
    by = {row.options.removeprefix(UNDOES): row for row in rows if row.command == Undo.WORD and row.counts and row.counts.done}
    return [replace(row, undone_by=by[row.id].id, undone_at=by[row.id].at) if row.id in by else row for row in rows]


KINDS: Final = ("suspended", "gone", "late", "set aside", "orphaned", "overdue", "recovered", "rearmed", "skipped", "moved")
"""What happens on its own, what wants to be looked at first: all workers are told to wait; a worker is registered and silent;
an entry would have ended rqscheduler; a schedule cannot be read any more; entries are due and were not fired; runs that no list
had were enqueued again; entries that somebody deleted were put back; slots got no run; retries were due."""

_SKIPPED: Final[Mapping[str, str]] = {
    "overlap": "the run before had not ended",
    "missed": "no scheduler was there in time",
    "paused": "their schedules are paused",
    "inactive": "their users are inactive",
}


def told(one: Happened, now: float) -> tuple[str, str]:
    """What happened, and why or what follows from it, as seen at `now` (epoch seconds)."""
    count = one.count
    match one.kind:
        case "suspended":
            return "all workers are suspended", "they take no job until they are resumed"
        case "gone" | "late":
            silent = f"silent for {words.age(None if one.at is None else now - one.at)}" if one.at is not None else "silent"
            return f"worker {one.subject} {one.kind}", f"{silent}, with job {one.why}" if one.why else silent
        case "set aside" if one.subject:
            return f"entry {one.subject} set aside", one.why
        case "set aside":
            what = counted(count, "older entry set aside", "older entries set aside")
            return what, "`tq-console schedules quarantined` lists all"
        case "orphaned":
            return f"{counted(count, 'schedule')} orphaned", "listed without definition or user; `schedules repair` mends it"
        case "overdue":
            return f"{counted(count, 'entry', 'entries')} late", "due, and not fired yet"
        case "recovered":
            return f"{counted(count, 'lost run')} enqueued again", "their workers died before they began them"
        case "rearmed":
            return f"{counted(count, 'entry', 'entries')} put back", "somebody had deleted them"
        case "skipped":
            return f"{counted(count, 'slot')} skipped", _SKIPPED.get(one.subject, one.subject)
        case "moved":
            return f"{counted(count, 'due retry', 'due retries')} enqueued", "by the heartbeat: no worker did"
        case _:
            return f"{one.kind} {one.subject}".strip(), one.why
