"""`tq-console schedules`: users' standing orders."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

import click
from redis import Redis

from console.commands import output, schedule_rows
from console.commands.parameters import duration, epoch, instant, text
from console.commands.schedule_rows import ScheduleRow
from console.commands.server import connection, one_line_errors
from jobs import controls, quarantine, registering, users
from jobs import schedules as records
from jobs.cadence import Cadence, Cron, Every, zone_of
from jobs.errors import InvalidSchedule
from jobs.schedules import OVERLAPS, Schedule

PAGE = 500
MAX_SCANNED = 10_000
"""How many schedules a filter looks at."""

SLOTS_SHOWN = 5
DONE, NOT_HELD = 0, 1

F = TypeVar("F", bound=Callable[..., Any])

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def _of_schedule(command: F) -> F:
    """The arguments USER and TASK."""
    return click.argument("user_id", metavar="USER", type=text)(click.argument("task", metavar="TASK", type=text)(command))


@click.group()
def schedules() -> None:
    """Users' schedules: look at them, change them, pause, run and repair them."""


@schedules.command("list")
@click.option("--user", "user_id", type=text, help="Only this user's.")
@click.option("--tier", type=text, help="Only schedules of this tier.")
@click.option("--state", type=click.Choice(schedule_rows.STATES), help="Only schedules in this state.")
@click.option("--limit", type=click.IntRange(1, MAX_SCANNED), default=50, show_default=True)
@_json
@one_line_errors
def list_(user_id: str | None, tier: str | None, state: str | None, limit: int, as_json: bool) -> None:
    """Schedules in the order of their users. With a filter, the first 10,000 are looked at."""
    now = time.time()
    with connection() as redis:
        if user_id is not None:
            users.get(redis, user_id)
        found = _found(redis, user_id, tier, state, limit, now)
        last = schedule_rows.last_runs(redis, found.shown)
    if as_json:
        rows = [schedule_rows.fields(row, run) for row, run in zip(found.shown, last, strict=True)]
        output.document(
            {"total": found.total, "schedules": rows, "unreadable": found.unreadable, "not_looked_at": found.not_looked_at}
        )
    else:
        cells = [schedule_rows.cells(row, run, now) for row, run in zip(found.shown, last, strict=True)]
        output.table(schedule_rows.COLUMNS, cells)
    if found.unreadable:
        output.warn(f"schedules that cannot be read: {found.unreadable:,}; `tq-console schedules repair` makes them anew")
    if found.not_looked_at:
        output.warn(
            f"the filter looked at the first {MAX_SCANNED:,} schedules; {found.not_looked_at:,} more were not looked at"
        )
    if found.more:
        output.warn(f"{len(found.shown):,} of {found.total:,} schedules; --limit shows more")


@schedules.command("set")
@_of_schedule
@click.option("--every", type=duration, help="Cadence: a period like 30m, 1h or 1d.")
@click.option("--cron", type=text, metavar="EXPR", help="Cadence: five fields, minute hour day month weekday.")
@click.option("--tz", type=text, metavar="ZONE", help="IANA time zone of --cron; without it, the user's.")
@click.option("--tier", type=text, help="Another tier's lane and policy than the user's.")
@click.option("--overlap", type=click.Choice(OVERLAPS), help="When a slot is due while a run has not ended.")
@click.option("--catch-up", type=duration, help="How late a missed slot still gets its run.")
@click.option("--jitter", type=duration, help="Move each slot later by up to this much; 0 for none.")
@one_line_errors
def set_(
    user_id: str,
    task: str,
    every: int | None,
    cron: str | None,
    tz: str | None,
    tier: str | None,
    overlap: str | None,
    catch_up: int | None,
    jitter: int | None,
) -> None:
    """Make or change USER's schedule of TASK, and show its next slots. What is not given stays as it is."""
    if every is not None and cron is not None:
        raise click.UsageError("--every and --cron exclude each other; give one")
    if tz is not None and cron is None:
        raise click.UsageError("--tz says where --cron is meant; give --cron too")
    cadence: Cadence | None = None
    if every is not None:
        cadence = Every(every)
    elif cron is not None:
        cadence = Cron(cron, tz or "UTC")
    with connection() as redis:
        schedule = registering.set_schedule(
            redis, user_id, task, cadence=cadence, zone=tz, tier=tier, overlap=overlap, catch_up=catch_up, jitter=jitter
        )
        zone = users.get(redis, user_id).zone
    _say_definition(schedule)
    _say_slots(schedule, records.next_slots(schedule, SLOTS_SHOWN), zone)


@schedules.command("next")
@_of_schedule
@click.option("-n", "number", type=click.IntRange(1, 1_000), default=SLOTS_SHOWN, show_default=True)
@_json
@one_line_errors
def next_(user_id: str, task: str, number: int, as_json: bool) -> None:
    """The next slots of USER's schedule of TASK."""
    with connection() as redis:
        schedule = records.get(redis, user_id, task)
        zone = users.get(redis, user_id).zone
    slots = records.next_slots(schedule, number)
    if as_json:
        output.document({"id": schedule.id, "next": [output.utc(slot) for slot in slots]})
        return
    _say_definition(schedule)
    _say_slots(schedule, slots, zone)


@schedules.command()
@_of_schedule
@_json
@one_line_errors
def runs(user_id: str, task: str, as_json: bool) -> None:
    """The last 50 runs of USER's schedule of TASK, newest first."""
    now = time.time()
    with connection() as redis:
        schedule = records.get(redis, user_id, task)
        [found] = records.last_runs(redis, [schedule.id])
    if as_json:
        output.document({"id": schedule.id, "runs": [schedule_rows.run_fields(run) for run in found]})
    else:
        output.table(schedule_rows.RUN_COLUMNS, [schedule_rows.run_cells(run, now) for run in found], right=("ATTEMPTS",))


@schedules.command()
@_of_schedule
@click.option("--note", type=text, default="", help="Why, for whoever finds it paused.")
@one_line_errors
def pause(user_id: str, task: str, note: str) -> None:
    """Pause USER's schedule of TASK: its slots are skipped, and counted, until it is resumed."""
    with connection() as redis:
        controls.pause(redis, user_id, task, note, _operator())
    _say_outcome("paused", user_id, task, note)


@schedules.command()
@_of_schedule
@click.option("--note", type=text, default="", help="Kept with the schedule.")
@one_line_errors
def resume(user_id: str, task: str, note: str) -> None:
    """Let USER's paused schedule of TASK fire again, from its next slot on."""
    with connection() as redis:
        controls.resume(redis, user_id, task, note, _operator())
    _say_outcome("resumed", user_id, task, note)


@schedules.command("run-now")
@_of_schedule
@click.option("--note", type=text, default="", help="Printed with the outcome.")
@one_line_errors
def run_now(user_id: str, task: str, note: str) -> int:
    """One run of USER's TASK at once, beside its slots."""
    with connection() as redis:
        started = controls.run_now(redis, user_id, task)
    if started.run is None:
        reason = "a run of this schedule has not ended" if started.reason == "overlap" else started.reason
        output.warn(f"not started: {user_id} {task}: {reason}")
        return NOT_HELD
    _say_outcome(f"enqueued {started.run}:", user_id, task, note)
    return DONE


@schedules.command()
@_of_schedule
@click.option("--note", type=text, default="", help="Printed with the outcome.")
@one_line_errors
def remove(user_id: str, task: str, note: str) -> None:
    """Remove USER's schedule of TASK. Runs that exist already go on."""
    with connection() as redis:
        registering.remove_schedule(redis, user_id, task)
    _say_outcome("removed", user_id, task, note)


@schedules.command()
@_of_schedule
@click.option("--from", "start", type=instant, required=True, help="ISO 8601; UTC if it names no zone.")
@click.option("--to", "end", type=instant, required=True, help="ISO 8601; UTC if it names no zone.")
@one_line_errors
def backfill(user_id: str, task: str, start: datetime, end: datetime) -> None:
    """A run on the lane `low` for each slot of USER's TASK from --from to --to that has none."""
    for option, given in (("--from", start), ("--to", end)):
        if given.tzinfo is None:
            output.warn(f"{option} {given.isoformat()} names no zone; it is taken as UTC")
    with connection() as redis:
        done = controls.backfill(redis, user_id, task, _epoch(start), _epoch(end))
    output.say(f"{done.enqueued:,} runs enqueued on low, {done.existing:,} slots had one already")


@schedules.command()
@_json
@one_line_errors
def repair(as_json: bool) -> None:
    """Look at every schedule, and put back each entry that is missing."""
    with connection() as redis:
        done = controls.repair(redis)
    if as_json:
        output.document(asdict(done))
    else:
        output.say(f"{done.looked_at:,} schedules looked at: {done.rearmed:,} put back into rq-scheduler's set")
        output.say(f"{done.remade:,} made anew, {done.dropped:,} without a user dropped")


@schedules.command()
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True)
@_json
@one_line_errors
def quarantined(limit: int, as_json: bool) -> None:
    """Entries that were set aside before they could end rqscheduler, newest first."""
    now = time.time()
    with connection() as redis:
        total = quarantine.count(redis)
        found = quarantine.listed(redis, limit=limit)
    if as_json:
        rows = [asdict(one) | {"due_at": output.utc(one.due_at), "at": output.utc(one.at)} for one in found]
        output.document({"total": total, "quarantined": rows})
        return
    output.table(
        ("N", "ENTRY", "REASON", "DUE", "SET ASIDE", "BY"),
        [
            (str(one.n), one.entry, one.reason, output.utc(one.due_at) or "—", output.relative(one.at, now), one.by)
            for one in found
        ],
        right=("N",),
    )
    if len(found) < total:
        output.warn(f"{len(found):,} of {total:,} entries; --limit shows more")


@schedules.command("put-back")
@click.argument("number", metavar="N", type=click.IntRange(1))
@one_line_errors
def put_back(number: int) -> None:
    """Put entry N of `schedules quarantined` back as it was. Still poison, it is set aside again in the next pass."""
    with connection() as redis:
        quarantine.put_back(redis, number)
    output.say(f"number {number} is back in rq-scheduler's set")


@dataclass(frozen=True, slots=True)
class _Found:
    """Schedules to show. `total` is how many match, as far as was looked, and `more` how many of these are not shown;
    `unreadable` counts those whose definition is gone."""

    total: int
    shown: list[ScheduleRow]
    more: int
    unreadable: int = 0
    not_looked_at: int = 0


def _found(redis: Redis, user_id: str | None, tier: str | None, state: str | None, limit: int, now: float) -> _Found:
    if user_id is not None:
        own = _matching(schedule_rows.with_state(redis, records.of_user(redis, user_id), now), tier, state)
        return _Found(len(own), own[:limit], max(0, len(own) - limit))
    total = records.count(redis)
    filtered = tier is not None or state is not None
    looked_at = min(total, MAX_SCANNED if filtered else limit)
    matched = unreadable = 0
    shown: list[ScheduleRow] = []
    for at in range(0, looked_at, PAGE):
        size = min(PAGE, looked_at - at)
        page = schedule_rows.with_state(redis, records.page(redis, at, size), now)
        unreadable += size - len(page)
        matching = _matching(page, tier, state)
        matched += len(matching)
        shown += matching[: limit - len(shown)]
    if filtered:
        return _Found(matched, shown, matched - len(shown), unreadable, total - looked_at)
    return _Found(total, shown, total - looked_at, unreadable)


def _matching(rows: list[ScheduleRow], tier: str | None, state: str | None) -> list[ScheduleRow]:
    return [row for row in rows if tier in (None, row.schedule.tier) and state in (None, row.state)]


def _say_definition(schedule: Schedule) -> None:
    stopped = ", paused" if schedule.paused else "" if schedule.active else ", inactive"
    words = schedule_rows.cadence_in_words(schedule)
    output.say(f"{schedule.user} {schedule.task}: {words}; tier {schedule.tier}, lane {schedule.lane}{stopped}")


def _say_slots(schedule: Schedule, slots: list[int], user_zone: str) -> None:
    """The slots in UTC and, where that is another, in the zone of the cron cadence or the user."""
    now = time.time()
    zone = schedule.zone if isinstance(schedule.cadence, Cron) else user_zone
    local = [datetime.fromtimestamp(slot, zone_of(zone)).isoformat(" ") for slot in slots]
    columns = ("NEXT", "UTC") if zone == "UTC" else ("NEXT", "UTC", zone)
    rows = [(output.relative(slot, now), output.utc(slot) or "", there) for slot, there in zip(slots, local, strict=True)]
    output.table(columns, [row[: len(columns)] for row in rows])


def _say_outcome(what: str, user_id: str, task: str, note: str) -> None:
    output.say(f"{what} {user_id} {task}{f': {note}' if note else ''}")


def _epoch(at: datetime) -> float:
    try:
        return epoch(at)
    except (OverflowError, ValueError):
        raise InvalidSchedule(f"{at.isoformat()} lies out of reach") from None


def _operator() -> str:
    """Who acts: TQ_OPERATOR, else the user of this machine."""
    named = os.environ.get("TQ_OPERATOR")
    if not named:
        try:
            named = f"{getpass.getuser()}@{socket.gethostname()}"
        except (KeyError, OSError):
            # A container may run under a user id that has no name.
            named = f"uid {os.getuid()}@{socket.gethostname()}"
    return named.encode("utf-8", "replace").decode()[:200]
