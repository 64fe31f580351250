"""Schedules of every source, and one user: what the screens Schedules and User show. Units and text: as in pages.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from console.model.pages import JobRow
from console.model.promises import unfired_after
from console.model.status import Refused
from console.model.why.reasons import Reason

if TYPE_CHECKING:
    # It brings commands along, for which no start waits.
    from console.model.activity import OperationRow


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of a schedule. `state` is queued, started, finished, failed, retrying … as jobs.schedules.RunRecord has it, or
    enqueued for what came of a cron job and is not kept any more."""

    id: str
    kind: str
    state: str
    slot: float | None
    started_at: float | None
    duration_s: float | None
    attempts: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One schedule. `key` names it to its source: a schedule's id, an entry's job id, a scheduled job's id, a cron job's name.

    `source` is user, rq-scheduler, rq or rq-cron. `state` is armed, paused, inactive, late, running, failing, orphaned,
    retrying for a job that RQ will try again, `foreign` for what is not ours and has nothing wrong with it, or `gone` for one
    that a search has found and that is no more. `runs` are the newest ten, newest first. `failed` is how often
    they have failed since one was done, as far as that is counted. `skipped` counts by reason.
    `next_slots` are filled in for a user's own page and one schedule only. `spec` is a user's cadence as jobs.cadence reads it.
    `why` is the most decisive reason that it is not as it should be, in short, as far as a list tells it.
    """

    key: bytes
    id: str
    source: str
    state: str
    user: str | None = None
    tier: str | None = None
    task: str | None = None
    lane: str | None = None
    cadence: str = ""
    zone: str | None = None
    call: str = ""
    next_at: float | None = None
    runs: tuple[RunRow, ...] = ()
    last_error: str | None = None
    fired: int | None = None
    failed: int | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)
    note: str = ""
    noted_by: str = ""
    next_slots: tuple[float, ...] = ()
    spec: str = ""
    why: Reason | None = None


@dataclass(frozen=True, slots=True)
class SchedulesPage:
    """Rows from the rank `start` on, of `total` of the query's source; `counts` has the totals of every source."""

    as_of: float
    start: int
    total: int | None
    rows: tuple[ScheduleRow, ...]
    counts: Mapping[str, int | None] = field(default_factory=dict)
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotsPage:
    """The next slots of a schedule, that of the user `user` for `task`, and the queue of its runs: `before` and `lane_before`
    as it is, `after` and `lane` as a change would make it. `said` is why there are none. Of a backfill, `runs` is the slots
    that `counted` schedules have in its time, and `lane` the queue of their runs."""

    as_of: float
    key: bytes
    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()
    said: str = ""
    runs: int = 0
    counted: int = 0
    lane: str = ""
    lane_before: str = ""
    user: str = ""
    task: str = ""


STOPPED: Final = ("paused", "inactive")
"""States of schedules that are not meant to run."""

SKIPPING: Final = (*STOPPED, "orphaned")
"""States of schedules whose slots get no run."""


@dataclass(frozen=True, slots=True)
class UserPage:
    """Everything of one user as it was read at `as_of`; `found` is False when there is no such user.

    `schedules` have their runs and next slots; `jobs` are the runs that are queued, running, retrying or failed, newest first.
    `changes` counts what was seen and not yet delivered. `worked_s` is worker time of the attempts that ended in the last day,
    and `failed_attempts` those of them that failed; `promise_s` is the longest wait that the tier promises. `why`: the reasons
    that something does not run for the user. `operations` are what was done last to this user from consoles, the newest first.
    """

    as_of: float
    id: str
    found: bool
    tier: str | None = None
    zone: str | None = None
    active: bool | None = None
    sources: tuple[str, ...] = ()
    webhook: str | None = None
    created_at: float | None = None
    updated_at: float | None = None
    schedules: tuple[ScheduleRow, ...] = ()
    jobs: tuple[JobRow, ...] = ()
    changes: int | None = None
    delivered: int | None = None
    refused: tuple[Refused, ...] = ()
    worked_s: float | None = None
    failed_attempts: int | None = None
    promise_s: float | None = None
    why: tuple[Reason, ...] = ()
    operations: tuple[OperationRow, ...] = ()

    def begun_in_time(self) -> tuple[int, int] | None:
        """Of the last runs that had a slot, and whose first start is on record, how many began as soon after it as is promised,
        and how many there are. None where nothing is promised, or there is none."""
        if self.promise_s is None:
            return None
        known = [run for one in self.schedules for run in one.runs if run.kind == "slot" and run.attempts == 1]
        late = [run.started_at - run.slot for run in known if run.started_at is not None and run.slot is not None]
        return (sum(seconds <= self.promise_s for seconds in late), len(late)) if late else None

    def unfired_s(self) -> float | None:
        """How long the slot has been due that is longest due, of those that nobody has fired within what is promised; None
        where there is none."""
        waits = [self.as_of - one.next_at for one in self.schedules if one.next_at and one.state not in SKIPPING]
        most = max(waits, default=0.0)
        return most if self.promise_s is not None and most > unfired_after(self.promise_s) else None
