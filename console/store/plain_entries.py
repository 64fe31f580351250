"""Every entry of rq-scheduler's set as a row: those of users' schedules as these, the others as their jobs say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from console.model.due import LATE
from console.model.payload import Pairs
from console.model.schedules import ScheduleRow
from console.model.secrets import Secrets, masked_text
from console.model.why import in_short
from console.model.why.facts import EntryFacts
from console.model.why.in_short import Beside
from console.model.why.reasons import Reason
from console.store import bounded, decoding, user_schedules
from console.store.cadence_words import cron_in_words, period_in_words
from console.store.run_errors import RunErrors
from console.store.seen import Seen
from console.store.steps import Line, Reading, Steps, beside
from console.store.user_schedules import Name
from console.store.values import text, text_or_none
from jobs import keys

OURS: Final = b"tq-"
"""What the ids of users' schedules begin with (jobs.schedules.schedule_id)."""

SHORT: Final = ("origin",)
LONG: Final = ("description", "meta")

Entry = tuple[bytes, float | None]
"""An entry's job id, and its score: when it is due."""


def read(
    line: Line,
    entries: Sequence[Entry],
    now: float,
    seen: Seen,
    secrets: Secrets,
    *,
    errors: RunErrors | None = None,
    with_runs: bool = True,
    with_meta: bool = True,
    known: Beside | None = None,
) -> Steps[list[ScheduleRow]]:
    """The rows of these entries, in two trips, and a third when `errors` learns why runs failed.

    `with_meta`: whether the cadences of plain entries are told, for which their meta is decoded. `known`: as for
    user_schedules.read.
    """
    ours = [one for one, _ in entries if one.startswith(OURS)]
    schedules = Reading(
        user_schedules.read(line, [Name(one) for one in ours], now, secrets, errors=errors, with_runs=with_runs, known=known)
    )
    jobs = Reading(
        bounded.fields(line, [keys.RQ_JOB.encode() + one for one, _ in entries], SHORT, LONG if with_meta else LONG[:1])
    )
    yield from beside(schedules, jobs)
    of_users = {one: schedule for one, schedule in zip(ours, schedules.result, strict=True) if schedule.found}
    rows = []
    for (one, due), job in zip(entries, jobs.result, strict=True):
        seen.meet_queues(filter(None, [(job or {}).get("origin")]))
        rows.append(of_users[one].row if one in of_users else _row(one, due, job, now, secrets, known))
    return rows


def _row(
    one: bytes, due: float | None, job: dict[str, bytes] | None, now: float, secrets: Secrets, known: Beside | None
) -> ScheduleRow:
    heartbeat = one == keys.HEARTBEAT_ENTRY.encode()
    late = due is not None and due < now - LATE and not heartbeat
    return ScheduleRow(
        key=one,
        id=text(one),
        source="rq-scheduler",
        state="orphaned" if not job else "late" if late else "armed" if heartbeat else "foreign",
        lane=text_or_none((job or {}).get("origin")),
        cadence="every pass" if heartbeat else _cadence((job or {}).get("meta")) if job else "",
        call=masked_text(text((job or {}).get("description", b"")), secrets),
        next_at=None if heartbeat else due,
        note="" if job else "its job is gone" if job is not None else "its job is no hash",
        why=None if known is None or heartbeat else _why(one, due, job, known),
    )


def _why(one: bytes, due: float | None, job: dict[str, bytes] | None, known: Beside) -> Reason | None:
    if job is None:
        return Reason("unreadable", "its job is no hash", "see who writes another type to that key")
    return in_short.of_entry(EntryFacts(text(one), due, bool(job)), known)


def _cadence(meta: bytes | None) -> str:
    """What an entry's meta says of when it comes due (rq_scheduler.Scheduler.schedule and cron)."""
    found = Pairs(()) if meta is None else decoding.value(meta)
    if not isinstance(found, Pairs):
        return ""
    told = {key: value for key, value in found.items if isinstance(key, str)}
    interval, cron, times = (told.get(name) for name in ("interval", "cron_string", "repeat"))
    words = period_in_words(interval) if isinstance(interval, int) else ""
    if not words and isinstance(cron, str) and cron:
        words = cron_in_words(text(cron))
    if not words:
        return "once"
    # It counts down before each run, and ends the entry at 0; a 0 to begin with ends nothing.
    return f"{words}, {times:,} more" if isinstance(times, int) and 0 < times < 10**9 else words
