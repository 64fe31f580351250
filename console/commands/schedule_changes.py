"""`tq-console schedules set`, `pause`, `resume`, `run-now`, `backfill` and `repair`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import datetime

import click
from redis import Redis

from console.commands import output
from console.commands.consent import Flags, consented
from console.commands.exits import DONE, NOT_HELD
from console.commands.noted import Told, noted
from console.commands.parameters import duration, epoch, instant, text
from console.commands.server import changes, connection, one_line_errors
from console.commands.user_schedule import (
    SLOTS_SHOWN,
    definition,
    found,
    of_schedule,
    say_slots,
    scope,
    unknown_user_first,
)
from console.model import command_words
from console.model.commands import Change
from console.operator import signature
from jobs import controls, planning, registering, schedules, users
from jobs.cadence import Cadence, Cron, Every
from jobs.errors import InvalidSchedule
from jobs.schedules import OVERLAPS, schedule_id


@click.command("set")
@of_schedule
@click.option("--every", type=duration, help="Cadence: a period like 30m, 1h or 1d.")
@click.option("--cron", type=text, metavar="EXPR", help="Cadence: five fields, minute hour day month weekday.")
@click.option("--tz", type=text, metavar="ZONE", help="IANA time zone of --cron; without it, the user's.")
@click.option("--tier", type=text, help="Another tier's lane and policy than the user's.")
@click.option("--overlap", type=click.Choice(OVERLAPS), help="When a slot is due while a run has not ended.")
@click.option("--catch-up", type=duration, help="How late a missed slot still gets its run.")
@click.option("--jitter", type=duration, help="Move each slot later by up to this much; 0 for none.")
@consented("in production", documents=True)
@one_line_errors
@changes
def set_(
    flags: Flags,
    user_id: str,
    task: str,
    every: int | None,
    cron: str | None,
    tz: str | None,
    tier: str | None,
    overlap: str | None,
    catch_up: int | None,
    jitter: int | None,
) -> int:
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
    with connection() as redis:

        def slots() -> Sequence[str]:
            """The slots that it would have. Raises JobsError where it would be refused."""
            user, one, now = users.get(redis, user_id), schedule_id(user_id, task), time.time()
            [old] = schedules.get_many(redis, [one])
            plan = planning.changed(user, task, old, cadence, tz, tier, overlap, catch_up, jitter)
            if old is not None:
                next_ones = planning.next_slots(old, plan, user, SLOTS_SHOWN, now)
            else:
                next_ones = [plan.first_slot(one, plan.cadence(one, user.zone), now)]
            return [f"  next: {', '.join(output.utc(slot) or '' for slot in next_ones)}"]

        asked = f"Set {scope(user_id, task)}{f' to {options}' if options else ''}"
        if (ended := flags.ends(asked, slots)) is not None:
            return ended
        with _noted("change", user_id, task, options=options) as told:
            schedule = registering.set_schedule(
                redis, user_id, task, cadence=cadence, zone=tz, tier=tier, overlap=overlap, catch_up=catch_up, jitter=jitter
            )
        zone = users.get(redis, user_id).zone
    next_slots = schedules.next_slots(schedule, SLOTS_SHOWN)
    if flags.as_json:
        _document(told, user_id, task, next=[output.utc(slot) for slot in next_slots])
        return DONE
    output.say(definition(schedule))
    say_slots(schedule, next_slots, zone)
    return DONE


@click.command()
@of_schedule
@click.option("--note", type=text, default="", help="Why, for whoever finds it paused.")
@consented("in production", documents=True)
@one_line_errors
@changes
def pause(flags: Flags, user_id: str, task: str, note: str) -> int:
    """Pause USER's schedule of TASK: its slots are skipped, and counted, until it is resumed."""
    with connection() as redis:
        if (ended := flags.ends(f"Pause {scope(user_id, task)}", _as_it_is(redis, user_id, task))) is not None:
            return ended
        with unknown_user_first(redis, user_id), _noted("pause", user_id, task, note) as told:
            done = controls.pause(redis, user_id, task, note, signature())
    if flags.as_json:
        _document(told, user_id, task)
        return DONE
    already = "was paused already, the note is new:" if note else "was paused already:"
    _say_outcome("paused" if done else already, user_id, task, note)
    return DONE


@click.command()
@of_schedule
@click.option("--note", type=text, default="", help="Kept with the schedule.")
@consented("in production", documents=True)
@one_line_errors
@changes
def resume(flags: Flags, user_id: str, task: str, note: str) -> int:
    """Let USER's paused schedule of TASK fire again, from its next slot on."""
    with connection() as redis:
        if (ended := flags.ends(f"Resume {scope(user_id, task)}", _as_it_is(redis, user_id, task))) is not None:
            return ended
        with unknown_user_first(redis, user_id), _noted("resume", user_id, task, note) as told:
            done = controls.resume(redis, user_id, task, note, signature())
            told("done" if done else "same")
    if flags.as_json:
        _document(told, user_id, task)
    elif done:
        _say_outcome("resumed", user_id, task, note)
    else:
        _say_outcome("nothing changed, it is not paused:", user_id, task, "")
    return DONE


@click.command("run-now")
@of_schedule
@click.option("--note", type=text, default="", help="Printed with the outcome.")
@consented("in production", documents=True)
@one_line_errors
@changes
def run_now(flags: Flags, user_id: str, task: str, note: str) -> int:
    """One run of USER's TASK at once, beside its slots."""
    with connection() as redis:
        if (ended := flags.ends(f"Run {scope(user_id, task)} now", _as_it_is(redis, user_id, task))) is not None:
            return ended
        with _noted("run-now", user_id, task, note) as told:
            started = controls.run_now(redis, user_id, task)
            told("done" if started.run is not None else "overlap" if started.reason == "overlap" else "invalid")
    reason = "a run of this schedule has not ended" if started.reason == "overlap" else started.reason
    if flags.as_json:
        made = [] if started.run is None else [{"id": schedule_id(user_id, task), "new": started.run}]
        _document(told, user_id, task, made=made, said=reason or None)
        return NOT_HELD if started.run is None else DONE
    if started.run is None:
        output.warn(f"not started: {user_id} {task}: {reason}")
        return NOT_HELD
    _say_outcome(f"enqueued {started.run}:", user_id, task, note)
    return DONE


@click.command()
@of_schedule
@click.option("--from", "start", type=instant, required=True, help="ISO 8601; UTC if it names no zone.")
@click.option("--to", "end", type=instant, required=True, help="ISO 8601; UTC if it names no zone.")
@consented("at a terminal", documents=True)
@one_line_errors
@changes
def backfill(flags: Flags, user_id: str, task: str, start: datetime, end: datetime) -> int:
    """A run on the lane `low` for each slot of USER's TASK from --from to --to that has none."""
    span = f"{start.isoformat()} to {end.isoformat()}"
    first, last = _epoch(start), _epoch(end)
    with connection() as redis:

        def slots() -> Sequence[str]:
            schedule = found(redis, user_id, task)
            wanted = controls.slots_to_backfill(schedule, first, last)
            runs = controls.slots_without_run(redis, schedule, wanted)
            told = f"  {output.counted(runs, 'run')} on {controls.BACKFILL_LANE}"
            if runs < len(wanted):
                told += f": {len(wanted) - runs:,} of {output.counted(len(wanted), 'slot')} have theirs"
            return [told, f"  {definition(schedule)}"]

        if (ended := flags.ends(f"Backfill {scope(user_id, task)} from {span}", slots)) is not None:
            return ended
        with _noted("backfill", user_id, task, options=span) as told:
            done = controls.backfill(redis, user_id, task, first, last)
    zoneless = [f"{option} {at.isoformat()}" for option, at in (("--from", start), ("--to", end)) if at.tzinfo is None]
    if zoneless:
        output.warn(f"{' and '.join(zoneless)} named no zone; taken as UTC")
    if flags.as_json:
        _document(told, user_id, task, enqueued=done.enqueued, existing=done.existing, left=output.utc(done.left))
        return DONE
    output.say(
        f"{output.counted(done.enqueued, 'run')} enqueued on low, {output.counted(done.existing, 'slot')} had one already"
    )
    if done.left is not None:
        output.say(f"the slot of {output.utc(done.left)} is due and left to rqscheduler, which runs it in its own lane")
    return DONE


@click.command()
@consented("in production", dries=False, documents=True)
@one_line_errors
@changes
def repair(flags: Flags) -> int:
    """Look at every schedule, and put back each entry that is missing."""
    if (ended := flags.ends("Repair all schedules")) is not None:
        return ended
    with connection() as redis, noted("repair", "all schedules") as told:
        done = controls.repair(redis)
    if flags.as_json:
        output.document({"operation": told.operation.id} | asdict(done))
    else:
        looked_at = output.counted(done.looked_at, "schedule")
        output.say(f"{looked_at} looked at: {done.rearmed:,} put back into rq-scheduler's set")
        output.say(f"{done.remade:,} made anew, {done.dropped:,} without a user dropped, {done.unknown:,} left as they are")
        if done.unknown:
            output.warn("left are those of a tier or a task that is unknown here; check TQ_TIERS and TQ_TASKS")
    return DONE


def _as_it_is(redis: Redis, user_id: str, task: str) -> Callable[[], Sequence[str]]:
    return lambda: [f"  {definition(found(redis, user_id, task))}"]


def _noted(word: str, user_id: str, task: str, why: str = "", options: str = "") -> AbstractContextManager[Told]:
    return noted(word, scope(user_id, task), why, options)


def _document(told: Told, user_id: str, task: str, **more: object) -> None:
    output.document(told.document(schedule_id(user_id, task)) | more)


def _say_outcome(what: str, user_id: str, task: str, note: str) -> None:
    output.say(f"{what} {user_id} {task}{f': {note}' if note else ''}")


def _epoch(at: datetime) -> float:
    try:
        return epoch(at)
    except (OverflowError, ValueError):
        raise InvalidSchedule(f"{at.isoformat()} lies out of reach") from None
