"""What a screen asks for: one frozen query for each, and nothing that is not shown.

Names of queues, jobs and workers are bytes, exactly as Redis has them; users and tasks are text. A page begins at the rank
`start` and has `size` rows at the most.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from console.model.filters import Filter

if TYPE_CHECKING:
    # A start waits for no command.
    from console.model.commands import Backfill, Change, Spread
    from console.model.history import Span

PAGE: Final = 50
MAX_PAGE: Final = 500

JobState = Literal[
    "queued",
    "running",
    "retrying",
    "scheduled",
    "deferred",
    "finished",
    "failed",
    "canceled",
    "stopped",
    "rate limited",
    "ready",
]
JOB_STATES: Final[tuple[JobState, ...]] = (
    "queued", "running", "retrying", "scheduled", "deferred", "finished", "failed", "canceled", "stopped", "rate limited",
    "ready",
)  # fmt: skip

Source = Literal["user", "entries", "rq", "cron"]
SOURCES: Final[tuple[Source, ...]] = ("user", "entries", "rq", "cron")
"""Where schedules come from: users' schedules in the order of users; every entry of rq-scheduler's set, ours and plain ones, by
its next slot; RQ's own scheduled jobs by due time; the jobs of `rq cron`."""


@dataclass(frozen=True, slots=True)
class OverviewQuery:
    """Every queue with its counts, workers, schedulers and problems. `start` and `size` are the queues on screen, in the order
    of their names after the lanes: of these, and of the lanes, the pace and the oldest job are read as well. `span` is that of
    the curves."""

    start: int = 0
    size: int = PAGE
    span: Span = "1h"


@dataclass(frozen=True, slots=True)
class JobsQuery:
    """A page of the jobs in one state, of one queue, or of all (`queue` is None): the lanes' first, then by name.

    In a queue and in each registry jobs are in RQ's order, reversed by `reverse`. `only` names the jobs of the page where a
    search has found them; then state and queue are what each job's hash says. `filter` is what a search looks for; a read
    takes no notice of it.
    """

    state: JobState = "queued"
    queue: bytes | None = None
    start: int = 0
    size: int = PAGE
    reverse: bool = False
    filter: Filter = field(default_factory=Filter)
    only: tuple[bytes, ...] | None = None


EACH_GROUP: Final = "each"


@dataclass(frozen=True, slots=True)
class FailuresQuery:
    """A page of failed and stopped jobs of one queue or of all, those that failed last first. `filter` and `only`: as above.
    `group` is the fingerprint of the group whose jobs are looked for, as `filter` is; empty for all. EACH_GROUP: all again, and
    of each job its group (commands.JobSeen)."""

    queue: bytes | None = None
    start: int = 0
    size: int = PAGE
    filter: Filter = field(default_factory=Filter)
    only: tuple[bytes, ...] | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class GroupsQuery:
    """The failures of one queue or of all, those that `filter` wants, in groups of one kind."""

    queue: bytes | None = None
    filter: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True)
class FailingQuery:
    """What fails at present: the newest failures of all queues, `newest` of them, in groups of one kind."""

    newest: int = 500


@dataclass(frozen=True, slots=True)
class SchedulesQuery:
    """A page of schedules of one source. `only` names schedules (their ids, or job ids) that a search has found."""

    source: Source = "user"
    start: int = 0
    size: int = PAGE
    filter: Filter = field(default_factory=Filter)
    only: tuple[bytes, ...] | None = None


@dataclass(frozen=True, slots=True)
class WorkersQuery:
    """Every worker with what it does, and every scheduler."""


@dataclass(frozen=True, slots=True)
class JobQuery:
    """One job, whole."""

    id: bytes


@dataclass(frozen=True, slots=True)
class UserQuery:
    """Everything of one user."""

    id: str


@dataclass(frozen=True, slots=True)
class TrashQuery:
    """What an operation took that is still in the trash, what was taken last first: for undoing it. `only`: as above."""

    operation: str
    only: tuple[bytes, ...] | None = None


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """Jobs by their ids, in whatever state each of them is."""

    only: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ActivityQuery:
    """The newest operations of the audit, from the rank `start` on, and what happened on its own."""

    start: int = 0
    size: int = MAX_PAGE


@dataclass(frozen=True, slots=True)
class OperationQuery:
    """One operation, by its first entry in the audit (activity.OperationRow.key)."""

    key: bytes


@dataclass(frozen=True, slots=True)
class SlotsQuery:
    """The next slots of one user's schedule (its id) as it is, and as a command would make it, or how many slots of the past
    it would make runs for: for a preview of that."""

    key: bytes
    command: Change | Spread | Backfill


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Curves over `span` of the lanes, or of one queue. `at` is the time cursor (epoch seconds), None for now: what was done
    around that instant is told too."""

    span: Span = "1h"
    queue: bytes | None = None
    at: float | None = None


@dataclass(frozen=True, slots=True)
class WhyQuery:
    """Why a job, a queue, a schedule or a user is where it is. `name` is the job's id, the queue's name, or the user's id;
    `task` is that of the schedule."""

    subject: Literal["job", "queue", "schedule", "user"]
    name: bytes
    task: str = ""


@dataclass(frozen=True, slots=True)
class DoctorQuery:
    """Every problem of the installation: those of the overview, and those that it would cost too much to look for."""


ViewQuery = (
    OverviewQuery
    | JobsQuery
    | FailuresQuery
    | SchedulesQuery
    | WorkersQuery
    | ActivityQuery
    | JobQuery
    | UserQuery
    | OperationQuery
    | SlotsQuery
    | HistoryQuery
    | WhyQuery
    | DoctorQuery
)
SearchQuery = JobsQuery | FailuresQuery | SchedulesQuery
SelectQuery = SearchQuery | TrashQuery | NamedQuery


def same_list(one: ViewQuery, other: ViewQuery) -> bool:
    """Whether both ask for pages of the same list, or for the same thing."""
    return _whole(one) == _whole(other)


def _whole(query: ViewQuery) -> ViewQuery:
    if isinstance(query, OverviewQuery):
        return OverviewQuery()
    if isinstance(query, HistoryQuery):
        return replace(query, at=None)
    if isinstance(query, JobsQuery | FailuresQuery | SchedulesQuery):
        return replace(query, start=0, size=PAGE, only=None)
    return query
