"""What is known of a user as lines of a page: who it is, the schedules with their runs, and the jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from console.model import words
from console.model.counting import counted
from console.model.pages import JobRow
from console.model.schedules import STOPPED, RunRow, ScheduleRow, UserPage
from console.screens import activity_columns
from console.screens.facts import BLANK, LABEL, fact, head, instant, labelled, prose, refused, state
from console.screens.schedule_columns import BAD, dots
from console.screens.why_lines import Keys, why
from console.widgets.lines import Row
from console.widgets.pieces import Piece, fit

STATES: Final = ("running", "queued", "retrying", "failed")
"""The states of a user's jobs, in the order in which they are told."""

RUNS: Final = 3
"""Runs of a schedule that a folded page tells."""

SLOTS: Final = 5
"""Slots to come that are told."""


def lines(user: UserPage, cells: int, folded: bool, zone: tzinfo | None, *, read_only: bool = False) -> list[Row]:
    """The page of a user, `cells` wide."""
    reasons = why(user.why, Keys("user", "user", "schedule", read_only), cells)
    if not user.found:
        return [
            Row((("There is no user of this name.", ""),)),
            Row(((user.id, "strong"),), ("user", _key(user.id))),
            BLANK,
            Row((("Users come with tq-console users import. A name is looked up whole, to the letter.", "dim"),)),
            *_jobs(user, cells),
            *refused(user.refused),
        ]
    return [
        *_who(user, cells, zone),
        *([BLANK, *reasons[:-1]] if reasons else []),
        *(row for schedule in user.schedules for row in _schedule(schedule, user.as_of, cells, folded, zone)),
        *([] if user.schedules else [*head("SCHEDULES"), Row((("none: nothing runs for this user by itself", "dim"),))]),
        *_jobs(user, cells),
        *_done(user, zone),
        *refused(user.refused),
    ]


def title(user: UserPage) -> list[Piece]:
    """Who it is."""
    if not user.found:
        return [(" no such user  ", "bad"), (user.id, "strong")]
    told: list[Piece] = [(f" {user.id}", "strong"), (f"  {user.tier}" if user.tier else "", "")]
    return told if user.active is not False else [*told, ("  ◌ inactive", "warn")]


def schedule_at(rows: Sequence[Row], cursor: int) -> bytes | None:
    """The key of the schedule of which the line under the cursor tells, None where it tells of none."""
    begins = max((at for at, row in enumerate(rows[: cursor + 1]) if row == BLANK), default=0)
    ends = next((at for at, row in enumerate(rows) if at > begins and row == BLANK), len(rows))
    named = [row.target[1] for row in rows[begins:ends] if row.target is not None and row.target[0] == "schedule"]
    return named[0] if named and cursor > begins else None


def _who(user: UserPage, cells: int, zone: tzinfo | None) -> list[Row]:
    plan: list[Piece] = [(user.tier or "no tier", "")]
    if user.active is False:
        plan.append(("  ◌ inactive: its schedules skip every slot", "warn"))
    elif user.active:
        plan.append(("  active", "dim"))
    plan.append((f"  {user.zone}" if user.zone else "", "dim"))
    rows = [fact("user", (user.id, "strong"), target=("user", _key(user.id))), fact("tier", *plan)]
    for at, source in enumerate(user.sources):
        rows += labelled("sources" if at == 0 else "", prose([(source, "")], cells, LABEL))
    rows += labelled("webhook", prose([(user.webhook or "none", "" if user.webhook else "dim")], cells, LABEL))
    if user.changes is not None or user.delivered is not None:
        waiting: Piece = (f"{words.count(user.changes)} to deliver", "warn" if user.changes else "")
        rows.append(fact("changes", waiting, (f"  {words.count(user.delivered)} delivered", "dim")))
    if user.worked_s:
        failed: Piece = (f"  {counted(user.failed_attempts or 0, 'attempt')} failed", "bad" if user.failed_attempts else "dim")
        rows.append(fact("last 24 h", (f"{words.age(round(user.worked_s, 1))} of worker time", ""), failed))
    rows += _promise(user)
    known = (("created", user.created_at), ("changed", user.updated_at))
    return [*rows, *(instant(label, at, user.as_of, zone) for label, at in known if at is not None)]


def _promise(user: UserPage) -> list[Row]:
    """Whether runs began as soon after their slots as is promised. Of one that was retried only the last start is known."""
    kept, unfired = user.begun_in_time(), user.unfired_s()
    said = []
    if unfired is not None:
        said.append(f"a slot has been due for {words.age(round(unfired))}, and nobody has fired it")
    if kept is not None:
        said.append(f"{kept[0]:,} of {counted(kept[1], 'run')} began within {words.age(user.promise_s)} of the slot")
    others = sum(len(one.runs) for one in user.schedules) - (kept[1] if kept is not None else 0)
    if kept is not None and others > 0:
        said.append(f"{others:,} more: retried, not begun, or without a slot")
    sign: Piece = ("✓ ", "good") if unfired is None and kept is not None and kept[0] == kept[1] else ("✗ ", "bad")
    return [
        fact("promise" if at == 0 else "", sign if at == 0 else ("  ", ""), (one, "" if at == 0 else "dim"))
        for at, one in enumerate(said)
    ]


def _schedule(one: ScheduleRow, now: float, cells: int, folded: bool, zone: tzinfo | None) -> list[Row]:
    rows = head(f"SCHEDULE {one.task or one.id}")
    by = f", {one.noted_by}" if one.note and one.noted_by else ""
    noted = (f"  {one.note}" if one.note else "", ""), (by, "dim")
    rows.append(fact("state", state(one.state), *noted, target=("schedule", one.key)))
    rows.append(fact("cadence", (one.cadence or words.DASH, ""), (f"  {one.lane or ''}", "dim")))
    slots = () if one.state in STOPPED else one.next_slots or ((one.next_at,) if one.next_at is not None else ())
    told = slots[: 2 if folded else SLOTS]
    rows += [instant(("due" if slot <= now else "next") if at == 0 else "", slot, now, zone) for at, slot in enumerate(told)]
    if one.fired is not None or one.skipped:
        skipped = ", ".join(f"{number:,} {reason}" for reason, number in one.skipped.items())
        rows.append(fact("fired", (words.count(one.fired), ""), (f"  skipped: {skipped}" if skipped else "", "dim")))
    if one.last_error:
        rows += labelled("last error", prose([(one.last_error, "bad")], cells, LABEL, 2 if folded else None))
    if not one.runs:
        return [*rows, fact("runs", ("none yet", "dim"))]
    rows.append(fact("last runs", *dots(one.runs), ("  newest right", "dim")))
    rows += [_run(run, now, zone) for run in one.runs[: RUNS if folded else None]]
    if folded and len(one.runs) > RUNS:
        rows.append(fact("", (f"… {len(one.runs) - RUNS} more runs, f unfolds", "dim")))
    return rows


def _run(run: RunRow, now: float, zone: tzinfo | None) -> Row:
    at = run.started_at if run.started_at is not None else run.slot
    tries = f"  {counted(run.attempts, 'attempt')}" if run.attempts and run.attempts > 1 else ""
    return fact(
        "",
        state(run.state, 12),
        (f"{words.age(run.duration_s):>9}", "" if run.duration_s is not None else "dim"),
        (f"  {words.relative(at, now):<11} {words.absolute(at, zone, now)}", "dim"),
        (f"{tries}  {run.reason}" if run.reason else tries, "bad" if run.state in BAD else "dim"),
        target=("job", _key(run.id)),
    )


def _jobs(user: UserPage, cells: int) -> list[Row]:
    rows: list[Row] = []
    for name in STATES:
        jobs = [job for job in user.jobs if job.state == name]
        if jobs:
            rows += head(f"{name.upper()} JOBS", f"{len(jobs):,}")
            rows += [_job(job, user.as_of, cells) for job in jobs]
    others = [job for job in user.jobs if job.state not in STATES]
    if others:
        rows += [*head("OTHER JOBS", f"{len(others):,}"), *(_job(job, user.as_of, cells) for job in others)]
    if user.found and not user.jobs:
        rows += [*head("JOBS"), Row((("none is queued, running, retrying or failed", "dim"),))]
    return rows


def _done(user: UserPage, zone: tzinfo | None) -> list[Row]:
    rows: list[Row] = []
    for row in user.operations:
        when = row.at if row.at is not None else row.ended_at
        what = f"  {row.command} {row.scope}" + (f" ({row.options})" if row.options else "")
        time: Piece = (f"{words.absolute(when, zone, user.as_of):<21}", "dim")
        line = (
            time,
            *activity_columns.ended(row),
            (f"  {row.who}", "strong"),
            (what, ""),
            (f"  {row.why}" if row.why else "", ""),
        )
        rows.append(Row(line, ("operation", row.key)))
    return [*head("DONE FROM CONSOLES", "newest first"), *rows] if rows else []


def _job(job: JobRow, now: float, cells: int) -> Row:
    at = job.ended_at if job.state == "failed" else job.at if job.state == "retrying" else job.started_at or job.enqueued_at
    line: list[Piece] = [state(job.state, 12), (f"{words.relative(at, now):<12}", "dim")]
    room = max(12, cells - 30)
    if job.error:
        line += [*fit((job.call or job.id, ""), min(40, room // 2)), ("  ", ""), (words.error(job.error), "bad")]
    else:
        line.append((job.call or job.id, ""))
    return Row(tuple(line), ("job", job.key))


def _key(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
