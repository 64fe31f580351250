"""`tq-console schedules`: users' standing orders."""

from __future__ import annotations

import time
from typing import Any

import click

from console.commands import output, run_rows
from console.commands.parameters import text, whole
from console.commands.quarantine import drop, put_back, quarantined
from console.commands.schedule_changes import backfill, pause, repair, resume, run_now, set_
from console.commands.schedule_list import list_
from console.commands.schedule_remove import remove
from console.commands.server import connection, one_line_errors
from console.commands.user_schedule import SLOTS_SHOWN, definition, of_schedule, say_slots, unknown_user_first
from jobs import run_log, users
from jobs import schedules as records

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group()
def schedules() -> None:
    """Users' schedules: look at them, change them, pause, run and repair them."""


@schedules.command("next")
@of_schedule
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
    output.say(definition(schedule))
    say_slots(schedule, slots, zone)


@schedules.command()
@of_schedule
@click.argument("run", metavar="[RUN]", type=text, required=False)
@click.option("--attempts", is_flag=True, help="Every attempt of each run.")
@_json
@one_line_errors
def runs(user_id: str, task: str, run: str | None, attempts: bool, as_json: bool) -> None:
    """The last 50 runs of USER's schedule of TASK, newest first, with what went wrong.

    RUN, an id as this list shows it, tells all of one run: its attempts, the last traceback, its progress and its log.
    """
    now = time.time()
    with connection() as redis, unknown_user_first(redis, user_id):
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


for _command in (list_, set_, pause, resume, run_now, remove, backfill, repair, quarantined, put_back, drop):
    schedules.add_command(_command)
