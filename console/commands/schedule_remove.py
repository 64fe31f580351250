"""`tq-console schedules remove`: a user's schedule goes into the trash, as the key of the console takes it there."""

from __future__ import annotations

import time

import click

from console.commands import act_report, output
from console.commands.consent import Flags, consented
from console.commands.exits import DONE, NOT_HELD
from console.commands.noted import carried_out
from console.commands.parameters import text
from console.commands.server import changes, connection, one_line_errors
from console.commands.user_schedule import definition, found, of_schedule, scope
from console.model.commands import REASONS, Remove, ScheduleSeen
from jobs import users
from jobs.errors import UnknownSchedule
from jobs.schedules import schedule_id


@click.command()
@of_schedule
@click.option("--note", type=text, default="", help="Why; printed with the outcome, and kept in the audit.")
@consented("at a terminal", documents=True)
@one_line_errors
@changes
def remove(flags: Flags, user_id: str, task: str, note: str) -> int:
    """Take USER's schedule of TASK into the trash, from which `undo` puts it back. Runs that exist already go on."""
    if (ended := flags.ends(f"Remove {scope(user_id, task)}", lambda: _as_it_is(user_id, task))) is not None:
        return ended
    schedule = ScheduleSeen(schedule_id(user_id, task).encode(), "user")
    report = carried_out(Remove(), schedule, scope(user_id, task), note)
    [came] = report.outcomes
    if came.reason == "gone":
        with connection() as redis:
            users.get(redis, user_id)
        raise UnknownSchedule(f"user {ascii(user_id)[:70]} has no schedule for {task!r}")
    if flags.as_json:
        counts, until = report.ended.counts, report.ended.undo_until
        output.document(act_report.document(report.operation.id, counts, report.outcomes, until))
        return DONE if came.result == "done" else NOT_HELD
    if came.result != "done":
        output.warn(f"not removed: {user_id} {task}: {REASONS[came.reason][1]}")
        return NOT_HELD
    output.say(f"removed {user_id} {task}{f': {note}' if note else ''}")
    if report.ended.undo_until is not None:
        at = output.local(report.ended.undo_until, time.time())
        output.say(f"until {at} it is undone by: {output.hint(f'undo {report.operation.id}')}")
    return DONE


def _as_it_is(user_id: str, task: str) -> list[str]:
    with connection() as redis:
        return [f"  {definition(found(redis, user_id, task))}", "  runs that exist already go on"]
