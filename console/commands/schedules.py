"""`tq-console schedules`: users' standing orders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

import click
from redis import Redis

from console.commands import output, run_rows
from console.commands.noted import noted
from console.commands.parameters import duration, epoch, instant, text, whole
from console.commands.quarantine import drop, put_back, quarantined
from console.commands.schedule_list import list_
from console.commands.schedule_remove import remove
from console.commands.server import changes, connection, one_line_errors
from console.commands.table import Column, table
from console.model import command_words
from console.model.commands import Change
from console.operator import signature
from console.store.cadence_words import cadence_in_words
from jobs import controls, registering, run_log, users
from jobs import schedules as records
from jobs.cadence import Cadence, Cron, Every, zone_of
from jobs.errors import InvalidSchedule, UnknownSchedule
from jobs.schedules import OVERLAPS, Schedule

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
@changes
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
    options = command_words.changed(Change(every, cron, tz, tier))
    cadence: Cadence | None = None
    if every is not None:
        cadence = Every(every)
    elif cron is not None:
        cadence = Cron(cron, tz or "UTC")
    with connection() as redis, _noted("change", user_id, task, options=options):
        schedule = registering.set_schedule(
            redis, user_id, task, cadence=cadence, zone=tz, tier=tier, overlap=overlap, catch_up=catch_up, jitter=jitter
        )
        zone = users.get(redis, user_id).zone
    _say_definition(schedule)
    _say_slots(schedule, records.next_slots(schedule, SLOTS_SHOWN), zone)


@schedules.command("next")
@_of_schedule
@click.option("-n", "number", type=whole(1, 1_000), metavar="N", default=SLOTS_SHOWN, show_default=True)
@_json
@one_line_errors
def next_(user_id: str, task: str, number: int, as_json: bool) -> None:
    """The next slots of USER's schedule of TASK."""
    with connection() as redis:
        zone = users.get(redis, user_id).zone
        schedule = records.get(redis, user_id, task)
    slots = records.next_slots(schedule, number)
    if as_json:
        output.document({"id": schedule.id, "next": [output.utc(slot) for slot in slots]})
        return
    _say_definition(schedule)
    _say_slots(schedule, slots, zone)


@schedules.command()
@_of_schedule
@click.argument("run", metavar="[RUN]", type=text, required=False)
@click.option("--attempts", is_flag=True, help="Every attempt of each run.")
@_json
@one_line_errors
def runs(user_id: str, task: str, run: str | None, attempts: bool, as_json: bool) -> None:
    """The last 50 runs of USER's schedule of TASK, newest first, with what went wrong.

    RUN, an id as this list shows it, tells all of one run: its attempts, the last traceback, its progress and its log.
    """
    now = time.time()
    with connection() as redis, _unknown_user_first(redis, user_id):
        schedule = records.get(redis, user_id, task)
        [found] = records.last_runs(redis, [schedule.id])
        if run is not None:
            found = [one for one in found if run in (one.id, run_rows.suffix(one.id, schedule.id))]
            if not found:
                raise click.UsageError(f"{ascii(run)[:90]} is none of the runs that `schedules runs {user_id} {task}` shows")
        rows = run_rows.with_attempts(redis, found)
        progress, log = run_log.read(redis, found[0].id) if run is not None else (None, [])
    if as_json:
        document: dict[str, Any] = {"id": schedule.id, "runs": [run_rows.fields(row) for row in rows]}
        if run is not None:
            document["attempts"] = [run_rows.attempt_fields(attempt) for attempt in rows[0].attempts]
            document |= run_rows.told_fields(progress, log)
        elif attempts:
            document["attempts"] = [
                {"run": row.run.id} | run_rows.attempt_fields(attempt) for row in rows for attempt in row.attempts
            ]
        output.document(document)
    elif not rows:
        output.warn(f"no run yet; `schedules run-now {user_id} {task}` runs it at once")
    elif run is not None:
        run_rows.show_run(rows[0], progress, log, schedule.id, now)
    elif attempts:
        run_rows.show_attempts(rows, schedule.id, now)
    else:
        run_rows.show_runs(rows, schedule.id, now)


@schedules.command()
@_of_schedule
@click.option("--note", type=text, default="", help="Why, for whoever finds it paused.")
@one_line_errors
@changes
def pause(user_id: str, task: str, note: str) -> None:
    """Pause USER's schedule of TASK: its slots are skipped, and counted, until it is resumed."""
    with connection() as redis, _unknown_user_first(redis, user_id), _noted("pause", user_id, task, note):
        done = controls.pause(redis, user_id, task, note, signature())
    already = "was paused already, the note is new:" if note else "was paused already:"
    _say_outcome("paused" if done else already, user_id, task, note)


@schedules.command()
@_of_schedule
@click.option("--note", type=text, default="", help="Kept with the schedule.")
@one_line_errors
@changes
def resume(user_id: str, task: str, note: str) -> None:
    """Let USER's paused schedule of TASK fire again, from its next slot on."""
    with connection() as redis, _unknown_user_first(redis, user_id), _noted("resume", user_id, task, note) as told:
        done = controls.resume(redis, user_id, task, note, signature())
        told("done" if done else "same")
    if done:
        _say_outcome("resumed", user_id, task, note)
    else:
        _say_outcome("nothing changed, it is not paused:", user_id, task, "")


@schedules.command("run-now")
@_of_schedule
@click.option("--note", type=text, default="", help="Printed with the outcome.")
@one_line_errors
@changes
def run_now(user_id: str, task: str, note: str) -> int:
    """One run of USER's TASK at once, beside its slots."""
    with connection() as redis, _noted("run-now", user_id, task, note) as told:
        started = controls.run_now(redis, user_id, task)
        told("done" if started.run is not None else "overlap" if started.reason == "overlap" else "invalid")
    if started.run is None:
        reason = "a run of this schedule has not ended" if started.reason == "overlap" else started.reason
        output.warn(f"not started: {user_id} {task}: {reason}")
        return NOT_HELD
    _say_outcome(f"enqueued {started.run}:", user_id, task, note)
    return DONE


@schedules.command()
@_of_schedule
@click.option("--from", "start", type=instant, required=True, help="ISO 8601; UTC if it names no zone.")
@click.option("--to", "end", type=instant, required=True, help="ISO 8601; UTC if it names no zone.")
@one_line_errors
@changes
def backfill(user_id: str, task: str, start: datetime, end: datetime) -> None:
    """A run on the lane `low` for each slot of USER's TASK from --from to --to that has none."""
    slots = f"{start.isoformat()} to {end.isoformat()}"
    with connection() as redis, _noted("backfill", user_id, task, options=slots):
        done = controls.backfill(redis, user_id, task, _epoch(start), _epoch(end))
    zoneless = [f"{option} {at.isoformat()}" for option, at in (("--from", start), ("--to", end)) if at.tzinfo is None]
    if zoneless:
        output.warn(f"{' and '.join(zoneless)} named no zone; taken as UTC")
    output.say(
        f"{output.counted(done.enqueued, 'run')} enqueued on low, {output.counted(done.existing, 'slot')} had one already"
    )


@schedules.command()
@_json
@one_line_errors
@changes
def repair(as_json: bool) -> None:
    """Look at every schedule, and put back each entry that is missing."""
    with connection() as redis, noted("repair", "all schedules"):
        done = controls.repair(redis)
    if as_json:
        output.document(asdict(done))
    else:
        looked_at = output.counted(done.looked_at, "schedule")
        output.say(f"{looked_at} looked at: {done.rearmed:,} put back into rq-scheduler's set")
        output.say(f"{done.remade:,} made anew, {done.dropped:,} without a user dropped, {done.unknown:,} left as they are")
        if done.unknown:
            output.warn("left are those of a tier or a task that is unknown here; check TQ_TIERS and TQ_TASKS")


for _command in (list_, remove, quarantined, put_back, drop):
    schedules.add_command(_command)


@contextmanager
def _unknown_user_first(redis: Redis, user_id: str) -> Iterator[None]:
    """Say that the user is unknown rather than that an unknown user has no such schedule."""
    try:
        yield
    except UnknownSchedule:
        users.get(redis, user_id)
        raise


def _noted(
    word: str, user_id: str, task: str, why: str = "", options: str = ""
) -> AbstractContextManager[Callable[[str], None]]:
    return noted(word, f"schedule of {task} for {user_id}", why, options)


def _say_definition(schedule: Schedule) -> None:
    stopped = ", paused" if schedule.paused else "" if schedule.active else ", inactive"
    words = cadence_in_words(schedule)
    output.say(f"{schedule.user} {schedule.task}: {words}; tier {schedule.tier}, lane {schedule.lane}{stopped}")


def _say_slots(schedule: Schedule, slots: list[int], user_zone: str) -> None:
    """The slots in UTC and, where that is another, in the zone of the cron cadence or the user."""
    now = time.time()
    zone = schedule.zone if isinstance(schedule.cadence, Cron) else user_zone
    local = [datetime.fromtimestamp(slot, zone_of(zone)).isoformat(" ") for slot in slots]
    columns = [Column(name) for name in (("NEXT", "UTC") if zone == "UTC" else ("NEXT", "UTC", zone))]
    rows = [(output.relative(slot, now), output.utc(slot) or "", there) for slot, there in zip(slots, local, strict=True)]
    table(columns, [row[: len(columns)] for row in rows])


def _say_outcome(what: str, user_id: str, task: str, note: str) -> None:
    output.say(f"{what} {user_id} {task}{f': {note}' if note else ''}")


def _epoch(at: datetime) -> float:
    try:
        return epoch(at)
    except (OverflowError, ValueError):
        raise InvalidSchedule(f"{at.isoformat()} lies out of reach") from None
