"""`tq-console schedules remove`: a user's schedule goes into the trash, as the key of the console takes it there."""

from __future__ import annotations

import time

import click

from console.commands import output
from console.commands.noted import carried_out
from console.commands.parameters import text
from console.commands.server import changes, connection, one_line_errors
from console.model.commands import REASONS, Remove, ScheduleSeen
from jobs import users
from jobs.errors import UnknownSchedule
from jobs.schedules import schedule_id

DONE, NOT_HELD = 0, 1


@click.command()
@click.argument("user_id", metavar="USER", type=text)
@click.argument("task", metavar="TASK", type=text)
@click.option("--note", type=text, default="", help="Why; printed with the outcome, and kept in the audit.")
@one_line_errors
@changes
def remove(user_id: str, task: str, note: str) -> int:
    """Take USER's schedule of TASK into the trash, from which `undo` puts it back. Runs that exist already go on."""
    schedule = ScheduleSeen(schedule_id(user_id, task).encode(), "user")
    report = carried_out(Remove(), schedule, f"schedule of {task} for {user_id}", note)
    [came] = report.outcomes
    if came.reason == "gone":
        with connection() as redis:
            users.get(redis, user_id)
        raise UnknownSchedule(f"user {ascii(user_id)[:70]} has no schedule for {task!r}")
    if came.result != "done":
        output.warn(f"not removed: {user_id} {task}: {REASONS[came.reason][1]}")
        return NOT_HELD
    output.say(f"removed {user_id} {task}{f': {note}' if note else ''}")
    if report.ended.undo_until is not None:
        until = output.local(report.ended.undo_until, time.time())
        output.say(f"until {until} it is undone by: tq-console undo {report.operation.id}")
    return DONE
