"""What an operator can ask for, what it is asked of, and what came of each.

A command is frozen, and names what it is done to exactly as it was seen: whoever carries it out compares, and leaves alone what
is another one by now. Keys are bytes, as Redis has them; instants are epoch seconds, durations seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, NamedTuple

# --- what commands are done to ----------------------------------------------------------------------


class JobSeen(NamedTuple):
    """A job in the list where it was seen: `state` is that of queries.JobState, `queue` the one whose list it is, or the job's
    own where lists know no queue. `score` is its score there, None in a list without scores: with the state it tells whether
    this is still what was seen. `group` is the fingerprint of its group, where that was asked for. A dataclass would take four
    times as long to make, of each of a hundred thousand."""

    key: bytes
    queue: bytes
    state: str
    score: float | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class ScheduleSeen:
    """A schedule: `source` is user (key: the schedule's id) or entries (key: the id of a plain entry's job). `score` is its
    entry's score, None where it has no entry."""

    key: bytes
    source: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker by its name, and the id of the job that it ran."""

    key: bytes
    job: bytes | None = None


@dataclass(frozen=True, slots=True)
class QuarantineSeen:
    """An entry that was set aside, by its number in the quarantine."""

    key: bytes


@dataclass(frozen=True, slots=True)
class TrashSeen:
    """Something in the trash: the id of a job, or of an entry, that an operation took."""

    key: bytes


@dataclass(frozen=True, slots=True)
class Everything:
    """The whole installation: what suspending and repairing are done to."""

    key: bytes = b"everything"


Seen = JobSeen | ScheduleSeen | WorkerSeen | QuarantineSeen | TrashSeen | Everything

# --- commands on jobs -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Requeue:
    """Put failed and stopped jobs back into their queues. `fresh_retries`: with one retry for each wait between retries that a
    job names, where it has fewer left; a job does not say with how many it began, but for runs of ours that is the same. Else
    with what is left, which may be none."""

    WORD: ClassVar[str] = "requeue"
    fresh_retries: bool = False
    at_front: bool = False


@dataclass(frozen=True, slots=True)
class RetryNow:
    """Put jobs that wait for a retry, or for their time, into their queues at once."""

    WORD: ClassVar[str] = "retry-now"
    at_front: bool = False


@dataclass(frozen=True, slots=True)
class RunAgain:
    """Enqueue a copy, under a new id, of jobs that have ended: they themselves stay as they are. It has their call, lifetimes,
    group and rate limit, and fresh retries; it waits for no other job, and runs once where they repeat."""

    WORD: ClassVar[str] = "run-again"
    at_front: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel jobs that have not begun. `with_entry`: also those that are the job of a plain rq-scheduler entry, whose schedule
    then ends."""

    WORD: ClassVar[str] = "cancel"
    with_entry: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """Let the workers stop running jobs: seen to be done when the job is stopped."""

    WORD: ClassVar[str] = "stop"


@dataclass(frozen=True, slots=True)
class Delete:
    """Take jobs into the trash, with their results and all that belongs to them. `with_entry`: as for Cancel.
    `with_dependents`: also those that other jobs wait for; these then wait for ever."""

    WORD: ClassVar[str] = "delete"
    with_entry: bool = False
    with_dependents: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """Move waiting jobs to another queue, at its end."""

    WORD: ClassVar[str] = "move"
    to: bytes


@dataclass(frozen=True, slots=True)
class ToFront:
    """Move queued jobs to the front of their queue, in the order given."""

    WORD: ClassVar[str] = "to-front"


@dataclass(frozen=True, slots=True)
class Reschedule:
    """Change when a scheduled job, a retry, or a plain entry is due."""

    WORD: ClassVar[str] = "reschedule"
    due: float


JobCommand = Requeue | RetryNow | RunAgain | Cancel | Stop | Delete | Move | ToFront | Reschedule

STATES: Final[Mapping[type[JobCommand], frozenset[str]]] = {
    Requeue: frozenset({"failed", "stopped"}),
    RetryNow: frozenset({"retrying", "scheduled"}),
    RunAgain: frozenset({"finished", "failed", "stopped", "canceled"}),
    Cancel: frozenset({"queued", "scheduled", "retrying", "deferred", "ready", "rate limited"}),
    Stop: frozenset({"running"}),
    Delete: frozenset(
        {"queued", "scheduled", "retrying", "deferred", "ready", "rate limited", "finished", "failed", "stopped", "canceled"}
    ),
    Move: frozenset({"queued", "scheduled", "retrying", "deferred"}),
    ToFront: frozenset({"queued"}),
    Reschedule: frozenset({"scheduled", "retrying"}),
}
"""In which states a job may be for a command to be done to it."""

# --- commands on schedules --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunNow:
    """One run at once, beside the slots; of a plain entry, its fire brought forward."""

    WORD: ClassVar[str] = "run-now"


@dataclass(frozen=True, slots=True)
class Pause:
    """Skip the slots of users' schedules until they are resumed."""

    WORD: ClassVar[str] = "pause"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Resume:
    """Let paused schedules fire again, from their next slots on."""

    WORD: ClassVar[str] = "resume"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """Give users' schedules another cadence, zone or tier; what is None stays. `every` is seconds, `cron` five fields."""

    WORD: ClassVar[str] = "change"
    every: int | None = None
    cron: str | None = None
    zone: str | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class Backfill:
    """A run for each slot between two instants that has none."""

    WORD: ClassVar[str] = "backfill"
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Move each slot of users' schedules later by up to `over_s`, each by its own, so that they are not all due at once."""

    WORD: ClassVar[str] = "spread"
    over_s: int


@dataclass(frozen=True, slots=True)
class Remove:
    """Take schedules, or plain entries with their jobs, into the trash."""

    WORD: ClassVar[str] = "remove"


@dataclass(frozen=True, slots=True)
class PutBack:
    """Put entries that were set aside back into the schedule."""

    WORD: ClassVar[str] = "put-back"


@dataclass(frozen=True, slots=True)
class Repair:
    """Put back entries of schedules that lost them, and mend what else `schedules repair` does."""

    WORD: ClassVar[str] = "repair"


ScheduleCommand = RunNow | Pause | Resume | Change | Backfill | Spread | Remove | PutBack | Repair

# --- commands on workers ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StopJob:
    """Let a worker stop the job that it was seen to run."""

    WORD: ClassVar[str] = "stop-job"


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Let a worker end after the job that it runs."""

    WORD: ClassVar[str] = "shutdown"


@dataclass(frozen=True, slots=True)
class KillHorse:
    """Let a worker kill the process in which it runs its job."""

    WORD: ClassVar[str] = "kill-horse"


@dataclass(frozen=True, slots=True)
class Suspend:
    """Let all workers take no more jobs, for `for_s` seconds, or until they are resumed."""

    WORD: ClassVar[str] = "suspend"
    for_s: int | None = None


@dataclass(frozen=True, slots=True)
class ResumeAll:
    """Let all workers take jobs again."""

    WORD: ClassVar[str] = "resume"


WorkerCommand = StopJob | Shutdown | KillHorse | Suspend | ResumeAll

# --- the trash --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Undo:
    """Put back what an operation took into the trash, as it was."""

    WORD: ClassVar[str] = "undo"
    operation: str


Command = JobCommand | ScheduleCommand | WorkerCommand | Undo

# --- what came of it --------------------------------------------------------------------------------

Result = Literal["done", "sent", "skipped", "failed"]


class Outcome(NamedTuple):
    """What came of a command for one key. `sent`: a worker was told, and nothing is seen of it yet. `reason` is a code of
    REASONS, empty for done; `said` tells more of it, and `new` is the id of what was made. No dataclass, as JobSeen is none."""

    key: bytes
    result: Result
    reason: str = ""
    said: str = ""
    new: bytes | None = None


REASONS: Final[Mapping[str, tuple[Result, str]]] = {
    "changed": ("skipped", "it is in another state, or another place, than it was seen in"),
    "gone": ("skipped", "it is no longer there"),
    "state": ("skipped", "this is not done to one in its state"),
    "running": ("skipped", "it runs; stop it first"),
    "entry": ("skipped", "it is the job of an rq-scheduler entry, whose schedule would go with it"),
    "dependents": ("skipped", "other jobs wait for it, and would wait for ever"),
    "exists": ("skipped", "there is one of that id again"),
    "overlap": ("skipped", "a run of this schedule has not ended"),
    "firing": ("skipped", "rqscheduler fires it at this moment; try again"),
    "abandoned": ("skipped", "no worker that lives runs it; RQ's maintenance will retry it, or let it fail"),
    "same": ("skipped", "it is so already"),
    "source": ("skipped", "this cannot be done to a schedule of that kind"),
    "unreadable": ("failed", "what should be its hash or its list is something else"),
    "unknown": ("failed", "nobody knows whether it was done: the server did not say"),
    "refused": ("failed", "the server refused"),
    "invalid": ("failed", "it cannot be done"),
    "ignored": ("failed", "nothing was seen of it in time"),
}
"""Every reason by its code: what it makes of an outcome, and what it means."""


def outcome(key: bytes, code: str, said: str = "", new: bytes | None = None) -> Outcome:
    """The outcome that a code stands for: `done`, `sent`, or one of REASONS."""
    if code == "done":
        return Outcome(key, "done", said=said, new=new)
    if code == "sent":
        return Outcome(key, "sent", said=said)
    return Outcome(key, REASONS[code][0], code, said)
