"""Users' schedules as rows: definition, entry and runs together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from console.model.due import LATE
from console.model.filters import Filter
from console.model.schedules import RunRow, ScheduleRow
from console.model.secrets import Secrets, masked_text
from console.model.why import in_short
from console.model.why.facts import EntryFacts, ScheduleFacts, SetAside
from console.model.why.in_short import Beside
from console.model.why.reasons import Reason
from console.store import bounded, quarantined, run_errors, run_records
from console.store.cadence_words import cadence_in_words
from console.store.facts import definition
from console.store.run_errors import FAILED, RunErrors
from console.store.steps import Line, Reading, Steps, after, beside
from console.store.trip import Answer
from console.store.values import number, text, text_or_none, whole
from jobs import keys, schedules
from jobs.errors import JobsError
from jobs.prototype import description
from jobs.schedules import Schedule

SHOWN_RUNS: Final = 10
MAX_NUMBER: Final = 2**53


@dataclass(frozen=True, slots=True)
class Name:
    """A schedule's id, which is its entry's as well, and the user and task that the list of schedules names with it."""

    id: bytes
    user: str | None = None
    task: str | None = None


@dataclass(frozen=True, slots=True)
class UserSchedule:
    """A schedule's row, and all the runs that it remembers, newest first."""

    row: ScheduleRow
    runs: tuple[RunRow, ...]
    found: bool


def named(member: bytes) -> Name:
    """The schedule that a member of keys.SCHEDULES stands for."""
    user, task = schedules.member_parts(member)
    return Name(schedules.schedule_id(user, task).encode(), text(user), text(task))


def bounds(filter: Filter) -> tuple[bytes, bytes] | None:
    """Where in keys.SCHEDULES (ZRANGEBYLEX) those of the user are that `filter` wants, or None when it wants no single one.

    `user=ada` is that user alone; `user:ada` is every user whose id begins so.
    """
    user = filter.exact("user")
    if user is None:
        return None
    whole = any(
        term.field == "user" and term.operator == "=" and term.value == user and not term.negated for term in filter.terms
    )
    start = b"[" + user.encode("utf-8", "replace") + (b"\x00" if whole else b"")
    return start, start + b"\xff"


def read(
    line: Line,
    names: Sequence[Name],
    now: float,
    secrets: Secrets,
    *,
    errors: RunErrors | None = None,
    with_runs: bool = True,
    slots: int = 0,
    known: Beside | None = None,
) -> Steps[list[UserSchedule]]:
    """The schedules of these names, in two trips, and a third when `errors` learns why some of them failed.

    `with_runs`: whether their runs are read; without them none is known to be running or failing. `slots`: how many next slots
    are told of each. `known` is what the last overview tells: with it, each says why it is not as it should be.
    """
    ids = [name.id for name in names]
    scores = line.ask("ZMSCORE", keys.ENTRIES, *ids) if ids else None
    failing = line.ask("ZMSCORE", keys.FAILING, *ids) if ids else None
    definitions = Reading(bounded.hashes(line, [keys.SCHEDULE.encode() + one for one in ids]))
    histories = Reading(bounded.hashes(line, [keys.RUNS.encode() + one for one in ids] if with_runs else []))
    aside = Reading(_set_aside(line, scores if known is not None else None, secrets))
    remembered = Reading(_remembered(line, ids, histories, errors, secrets))
    yield from beside(definitions, histories, aside, remembered)
    runs = remembered.result
    failures = [run_records.newest_failure(history) for history in runs]
    unknown = [None] * len(names)
    entries = scores.rows() if scores else []
    failed = [0 if count is None else whole(count) for count in failing.rows()] if failing else []
    judge = None if known is None else _Judge(known, aside.result, secrets)
    return [
        _restore(name, raw, entry, count, history, errors.of(failure) if errors else None, now, secrets, slots, judge)
        for name, raw, entry, count, history, failure in zip(
            names, definitions.result, entries or unknown, failed or unknown, runs, failures, strict=True
        )
    ]


def _remembered(
    line: Line,
    ids: Sequence[bytes],
    histories: Reading[list[dict[bytes, bytes] | None]],
    errors: RunErrors | None,
    secrets: Secrets,
) -> Steps[list[tuple[RunRow, ...]]]:
    """The runs that each schedule remembers; `errors` learns why the newest of them failed."""
    found = yield from after(histories)
    runs = [run_records.restore(text(one), raw) for one, raw in zip(ids, found or [None] * len(ids), strict=True)]
    if errors is not None:
        yield from run_errors.read(line, filter(None, map(run_records.newest_failure, runs)), errors, secrets)
    return runs


def _set_aside(line: Line, scores: Answer | None, secrets: Secrets) -> Steps[dict[bytes, SetAside]]:
    """The entries in quarantine, where one of a schedule may be: asked only when one is not in the set."""
    yield
    lost = scores is not None and any(score is None for score in scores.rows())
    return (yield from quarantined.read(line, secrets)) if lost else {}


@dataclass(frozen=True, slots=True)
class _Judge:
    """Why schedules are not as they should be, by what is known besides: the last overview, and what is set aside."""

    known: Beside
    aside: Mapping[bytes, SetAside]
    secrets: Secrets

    def why(
        self, row: ScheduleRow, schedule: Schedule | None, runs: Sequence[RunRow], raw: Mapping[bytes, bytes] | None
    ) -> Reason | None:
        begun = ScheduleFacts(row.id, row.user or "", row.task or "", None if raw is None else bool(raw), listed=True)
        entry = EntryFacts(row.id, row.next_at, set_aside=self.aside.get(row.key))
        lane = self.known.lanes.get(schedule.lane) if schedule is not None else None
        facts = definition.facts(begun, schedule, runs, entry, lane, self.known.around.now, self.secrets)
        return in_short.of_schedule(facts, self.known, row.last_error or "")


def _restore(
    name: Name,
    raw: Mapping[bytes, bytes] | None,
    score: object,
    failed: int | None,
    runs: tuple[RunRow, ...],
    error: str | None,
    now: float,
    secrets: Secrets,
    slots: int,
    judge: _Judge | None,
) -> UserSchedule:
    one = text(name.id)
    due = number(score) if isinstance(score, str | bytes | float | int) else None
    schedule = _schedule(one, raw)
    user, task, tier, lane = (_told(raw, field) for field in ("user", "task", "tier", "lane"))
    row = ScheduleRow(
        key=name.id,
        id=one,
        source="user",
        state=_state(schedule, score is not None, due, runs, now),
        user=user or name.user,
        tier=tier,
        task=task or name.task,
        lane=lane,
        cadence=text(cadence_in_words(schedule)) if schedule else "",
        zone=text(schedule.zone) if schedule else None,
        call=masked_text(text(description(schedule.path, schedule.user)), secrets) if schedule else "",
        next_at=due,
        runs=runs[:SHOWN_RUNS],
        last_error=error or None,
        fired=min(schedule.fired, MAX_NUMBER) if schedule else None,
        failed=failed,
        skipped={text(why): min(times, MAX_NUMBER) for why, times in schedule.skipped.items()} if schedule else {},
        note=masked_text(_told(raw, "note") or "", secrets),
        noted_by=_told(raw, "by") or "",
        next_slots=_slots(schedule, due, slots, now) if schedule and slots else (),
        spec=text(schedule.cadence.spec()) if schedule else "",
    )
    if judge is not None:
        row = replace(row, why=judge.why(row, schedule, runs, raw))
    return UserSchedule(row, runs, bool(raw))


def _schedule(one: str, raw: Mapping[bytes, bytes] | None) -> Schedule | None:
    try:
        return schedules.restore(one, raw)
    except JobsError:
        return None


def _state(schedule: Schedule | None, has_entry: bool, due: float | None, runs: Sequence[RunRow], now: float) -> str:
    if schedule is None:
        return "orphaned"
    if schedule.paused:
        return "paused"
    if not schedule.active:
        return "inactive"
    if not has_entry:
        return "orphaned"
    if due is not None and due < now - LATE:
        return "late"
    if any(run.state == "started" for run in runs):
        return "running"
    ended = run_records.newest_ended(runs)
    return "failing" if ended is not None and ended.state in FAILED else "armed"


def _slots(schedule: Schedule, due: float | None, n: int, now: float) -> tuple[float, ...]:
    """The slot that the entry waits for, though it is past, and those of the cadence that are to come after it."""
    first = due if due is not None and due > now else now
    try:
        found = schedules.next_slots(schedule, n, first)
    except (JobsError, ValueError, OverflowError, StopIteration):
        return ()
    rest = tuple(float(slot) for slot in found if slot > first)
    return ((due, *rest) if due is not None else rest)[:n]


def _told(raw: Mapping[bytes, bytes] | None, field: str) -> str | None:
    return text_or_none((raw or {}).get(field.encode()))
