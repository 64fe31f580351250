"""A reader that answers from memory, and small true-to-life snapshots: for what keys do and what is drawn."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from console.model.activity import ActivityPage, OperationPage
from console.model.bulk import BATCH
from console.model.commands import Command, JobSeen, Outcome, Seen, TrashSeen, Undo, outcome
from console.model.failure_groups import Groups
from console.model.job import Attempt, JobDetail
from console.model.operations import Counts, Ended, Operation
from console.model.pages import Found, JobRow, JobsPage
from console.model.payload import Call
from console.model.ports import ReadError, Snapshot, Target, WriteError
from console.model.queries import (
    ActivityQuery,
    FailingQuery,
    FailuresQuery,
    GroupsQuery,
    JobQuery,
    JobsQuery,
    OperationQuery,
    OverviewQuery,
    SchedulesQuery,
    SearchQuery,
    SelectQuery,
    TrashQuery,
    UserQuery,
    ViewQuery,
    WorkersQuery,
)
from console.model.schedules import RunRow, ScheduleRow, SchedulesPage, UserPage
from console.model.selection import Selected
from console.model.status import Problem, QueueStatus, ScheduleCounts, SchedulerStatus, ServerInfo, Status, WorkerStatus
from console.model.workers import WorkerRow, WorkersPage

NOW = 1_764_079_331.0
"""2025-11-25 14:02:11 UTC."""


def queue(name: str, lane: bool = False, **given: Any) -> QueueStatus:
    plain = QueueStatus(
        name=name, key=name.encode(), lane=lane, waiting=0, oldest_s=None, promise_s=None, in_per_min=None, out_per_min=None,
        drain_s=None, running=0, retrying=0, scheduled=0, overdue=0, deferred=0, finished=0, failed=0, canceled=0, workers=1,
        busy=0,
    )  # fmt: skip
    return replace(plain, **given)


LANES = (
    queue("high", True, waiting=3, oldest_s=2.0, promise_s=5, in_per_min=61.0, out_per_min=61.0, drain_s=0.5, running=4,
          retrying=2, failed=12, workers=8, busy=3),
    queue("default", True, waiting=412, oldest_s=41.0, promise_s=60, in_per_min=300.0, out_per_min=280.0, running=4,
          retrying=4, failed=31, workers=8, busy=4),
    queue("low", True, waiting=18_240, oldest_s=11_520.0, promise_s=3_600, in_per_min=12.0, out_per_min=0.0, failed=2,
          workers=8),
)  # fmt: skip

PROBLEMS = (
    Problem(
        "promise_broken", "error", "low", "the next job has waited 11,520 s, and 3,600 s are promised", "start more workers"
    ),
    Problem("failing", "error", "default", "212 of 300 runs failed in the last 60 min", "see what they raise"),
)

WORKER = WorkerStatus("w-1", "host-1", ("high", "default", "low"), "busy", "live", "job-1", 12.0, 1_204, 12)


def status(**given: Any) -> Status:
    plain = Status(
        as_of=NOW,
        server=ServerInfo("rediss://…@cache-1/0", "valkey", "9.1.0", 0.4, 18_240_000, 0, "noeviction"),
        queues=LANES,
        workers=(WORKER,),
        schedulers=(SchedulerStatus("rqscheduler", "s-1", "host-1", 5.0, 0.2, 1.0, "live"),),
        schedules=ScheduleCounts(1_200, 3, 0, 0, 0, 840, 1_203, True, 0),
        suspended=False,
        pass_lock=None,
        problems=PROBLEMS,
    )
    return replace(plain, **given)


def job(number: int, state: str = "queued", **given: Any) -> JobRow:
    name = f"job-{number}"
    plain = JobRow(
        key=name.encode(), id=name, queue="high", state=state, call=f"jobs.tasks.scrape.scrape_for_user('user-{number}')",
        user=f"user-{number}", tier="pro", task="scrape", created_at=NOW - 90, enqueued_at=NOW - 60 - number,
        started_at=NOW - 30 if state != "queued" else None, ended_at=NOW - 20 if state in ("failed", "finished") else None,
        at=NOW + 600, error="ReadTimeout: shop.example" if state == "failed" else None,
    )  # fmt: skip
    return replace(plain, **given)


SCHEDULE = ScheduleRow(
    key=b"tq-scrape-1", id="tq-scrape-1", source="user", state="armed", user="ada@example.com", tier="pro", task="scrape",
    lane="high", cadence="every hour, at :17", next_at=NOW + 720, fired=48,
    runs=(RunRow("r-1", "slot", "finished", NOW - 2_880, NOW - 2_880, 4.1, 1),),
)  # fmt: skip


TRACEBACK = (
    'Traceback (most recent call last):\n  File "/app/scrape.py", line 3, in scrape_for_user\n    fetch()\nValueError: no\n'
)


@dataclass
class FakeReader:
    """Answers every query from what it holds. `failing` is what reading raises; `gate`, when closed, holds answers."""

    status: Status = field(default_factory=status)
    jobs: list[JobRow] = field(default_factory=lambda: [job(n) for n in range(200)])
    failures: list[JobRow] = field(default_factory=lambda: [job(n, "failed") for n in range(40)])
    details: dict[bytes, JobDetail] = field(default_factory=dict)
    failing: str = ""
    asked: list[ViewQuery] = field(default_factory=list)
    searched: list[SearchQuery] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    closed: int = 0
    refuse_before: int | None = None
    """How many of the questions are refused with `failing`; None for all."""

    of: int | None = None
    """How long a list is of which only the rows here can be reached."""
    selected: list[SelectQuery] = field(default_factory=list)
    taken: list[JobRow] = field(default_factory=list)
    select_gate: threading.Event = field(default_factory=threading.Event)
    grouped: list[Groups] = field(default_factory=list)
    groups_asked: list[GroupsQuery] = field(default_factory=list)
    group_gate: threading.Event = field(default_factory=threading.Event)
    failing_now: list[Groups] = field(default_factory=list)
    failing_asked: list[FailingQuery] = field(default_factory=list)
    unknown_users: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.gate.set()
        self.select_gate.set()
        self.group_gate.set()

    def read(self, query: ViewQuery, now: float) -> Snapshot:
        self.asked.append(query)
        number = len(self.asked)
        answer = self._answer(query, now)
        self.gate.wait(10)
        if self.failing and (self.refuse_before is None or number <= self.refuse_before):
            raise ReadError(self.failing)
        return answer

    def search(self, query: SearchQuery, now: float, stopped: Callable[[], bool]) -> Iterator[Found]:
        self.searched.append(query)
        rows = self.failures if isinstance(query, FailuresQuery) else self.jobs
        found = [row.key for row in rows if query.filter.matches({"user": row.user, "call": row.call}, {})]
        yield Found(len(rows) // 2, len(rows), tuple(found[: len(found) // 2]))
        if not stopped():
            yield Found(len(rows), len(rows), tuple(found[len(found) // 2 :]), done=True)

    def groups(self, query: GroupsQuery | FailingQuery, now: float, stopped: Callable[[], bool]) -> Iterator[Groups]:
        """What is held in `grouped`, one answer after another, each when `group_gate` is open. Of what fails at present, what
        is held in `failing_now`, or that there is nothing."""
        if isinstance(query, FailingQuery):
            self.failing_asked.append(query)
            if self.failing:
                raise ReadError(self.failing)
            yield from (replace(one, as_of=now) for one in self.failing_now or [Groups(now, 0, 0, (), done=True)])
            return
        self.groups_asked.append(query)
        for one in self.grouped:
            self.group_gate.wait(10)
            if self.failing:
                raise ReadError(self.failing)
            yield replace(one, as_of=now)

    def select(self, query: SelectQuery, now: float, stopped: Callable[[], bool], *, details: bool) -> Iterator[Selected]:
        """Two chunks of what is listed when it is called, or of what the query names and has that state."""
        self.selected.append(query)
        if isinstance(query, TrashQuery):
            seen = tuple(TrashSeen(row.key) for row in reversed(self.taken))
            yield Selected(len(seen), len(seen), seen, done=True)
            return
        assert isinstance(query, JobsQuery | FailuresQuery)
        states = ("failed", "stopped") if isinstance(query, FailuresQuery) else (query.state,)
        rows = {row.key: row for row in (self.failures if "failed" in states else self.jobs)}
        named = [row for row in rows.values() if query.filter.matches({"user": row.user, "call": row.call}, {})]
        if query.only is not None:
            named = [rows[key] for key in query.only if key in rows]
        kept = [row for row in named if row.state in states]
        half = len(kept) // 2
        for at, part in enumerate((kept[:half], kept[half:])):
            self.select_gate.wait(10)
            if self.failing:
                raise ReadError(self.failing)
            seen = tuple(JobSeen(row.key, row.queue.encode(), row.state, row.at) for row in part)
            changed = (len(query.only or named) - len(kept)) * at
            yield Selected(
                half if at == 0 else len(kept),
                len(kept),
                seen,
                tuple(part),
                Counter({"changed": changed} if changed else {}),
                bool(at),
            )

    def close(self) -> None:
        self.closed += 1

    def _answer(self, query: ViewQuery, now: float) -> Snapshot:
        match query:
            case OverviewQuery():
                return replace(self.status, as_of=now)
            case JobsQuery() | FailuresQuery():
                rows = self.failures if isinstance(query, FailuresQuery) else self.jobs
                if query.only is not None:
                    named = [row for row in rows if row.key in query.only]
                    return JobsPage(now, query.start, len(named), tuple(named))
                page = rows[query.start : query.start + query.size]
                counts = {"queued": len(self.jobs), "failed": len(self.failures)}
                return JobsPage(now, query.start, len(rows), tuple(page), counts, of=self.of)
            case SchedulesQuery():
                return SchedulesPage(now, 0, 1, (SCHEDULE,), {"user": 1, "entries": 0, "rq": 0, "cron": 0})
            case WorkersQuery():
                row = WorkerRow(
                    b"w-1", WORKER, b"job-1", "jobs.tasks.scrape('ada')", 12.0, (0.5, "page 3"), NOW - 3_600, 0.4, "3.0.0"
                )
                return WorkersPage(now, (row,), self.status.schedulers, False)
            case JobQuery():
                return self.details.get(query.id) or detail(query.id, now)
            case UserQuery():
                return UserPage(
                    now, query.id, query.id not in self.unknown_users, "pro", "Europe/Rome", True, schedules=(SCHEDULE,)
                )
            case ActivityQuery():
                return ActivityPage(now, 0, 0, ())
            case OperationQuery():
                return OperationPage(now, None)


@dataclass
class FakeWriter:
    """Takes failed jobs out of a reader's list, as requeueing does. `codes` are what comes of a key other than done; `failing`
    is what acting raises from the batch of that number on; `gate`, when closed, holds batches."""

    reader: FakeReader
    acted: list[tuple[Operation, Command, tuple[Seen, ...]]] = field(default_factory=list)
    begun: list[Operation] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)
    codes: dict[bytes, str] = field(default_factory=dict)
    failing: WriteError | None = None
    fails_at: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)
    settled: threading.Event = field(default_factory=threading.Event)
    counted: Counts | None = None
    until: float | None = None
    closed: int = 0

    def __post_init__(self) -> None:
        self.gate.set()
        self.settled.set()

    def begin(self, operation: Operation) -> None:
        if self.failing is not None and self.fails_at < 0:
            raise self.failing
        self.begun.append(operation)

    def act(
        self,
        operation: Operation,
        command: Command,
        seen: Sequence[Seen],
        clock: Callable[[], float],
        more: Callable[[], bool],
    ) -> Iterator[Sequence[Outcome]]:
        for start in range(0, len(seen), BATCH):
            if start and not more():
                return
            batch = seen[start : start + BATCH]
            self.entered.set()
            self.gate.wait(10)
            if self.failing is not None and len(self.acted) >= self.fails_at:
                yield [outcome(one.key, "refused" if self.failing.refused else "unknown") for one in batch]
                raise self.failing
            yield self._batch(operation, command, batch)

    def _batch(self, operation: Operation, command: Command, seen: Sequence[Seen]) -> Sequence[Outcome]:
        self.acted.append((operation, command, tuple(seen)))
        outcomes = [outcome(one.key, self.codes.get(one.key, "done")) for one in seen]
        gone = {one.key for one in outcomes if one.result == "done"}
        reader = self.reader
        if isinstance(command, Undo):
            reader.failures = sorted([*reader.failures, *reader.taken], key=lambda row: -(row.enqueued_at or 0))
            return outcomes
        reader.taken = [row for row in reader.failures if row.key in gone]
        reader.failures = [row for row in reader.failures if row.key not in gone]
        return outcomes

    def check(self, command: Command, seen: Sequence[Seen]) -> Sequence[Outcome]:
        return [outcome(one.key, "done") for one in seen]

    def end(self, operation: Operation, ended: Ended) -> float | None:
        self.ends.append(ended)
        return self.until

    def settle(self, operation: Operation, command: Command, ended: Ended) -> Ended:
        """Not before the server is there again: `counted` is what it has counted by then."""
        if not self.settled.is_set():
            raise WriteError("rediss://…@cache-1/0: cannot be reached")
        self.ends.append(ended)
        return replace(ended, counts=self.counted, undo_until=NOW + 3_600) if self.counted is not None else ended

    def close(self) -> None:
        self.closed += 1


def detail(key: bytes, now: float) -> JobDetail:
    return JobDetail(
        as_of=now, key=key, id=key.decode(), found=True, queue="high", status="failed",
        description="jobs.tasks.scrape.scrape_for_user('ada')",
        call=Call("jobs.tasks.scrape.scrape_for_user", None, ("ada",), ()), user="ada", created_at=NOW - 100,
        enqueued_at=NOW - 90, started_at=NOW - 80, ended_at=NOW - 79,
        attempts=(Attempt(1, NOW - 80, NOW - 79, "w-1", "failed", "ValueError: no", TRACEBACK),),
        attempts_total=1,
    )  # fmt: skip


def target(reader: FakeReader, **given: Any) -> Target:
    plain = Target("", "rediss://…@cache-1/0", lambda: reader)
    return replace(plain, **given)


def writing(reader: FakeReader, writer: FakeWriter, **given: Any) -> Target:
    """A target that may be changed through `writer`."""
    return target(reader, write=lambda: writer, **given)
