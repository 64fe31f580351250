"""`tq-console why`: why a job, a queue, a schedule or a user is where it is."""

from __future__ import annotations

import os
import time
from typing import Any

import click

from console.commands import output
from console.commands.exits import DONE, NOT_HELD
from console.commands.parameters import name, text
from console.commands.server import one_line_errors, reader
from console.model.queries import WhyQuery
from console.model.why.page import WhyPage
from console.model.why.reasons import Reason

SIGNS = {"bad": "✗", "wait": "…", "well": "✓"}


@click.command()
@click.argument("job", required=False, metavar="[JOB]", type=name)
@click.option("--queue", metavar="Q", type=name, help="A queue instead of a job.")
@click.option("--schedule", nargs=2, metavar="USER TASK", type=text, help="A user's schedule instead of a job.")
@click.option("--user", metavar="USER", type=text, help="A user instead of a job.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@one_line_errors
def why(job: bytes | None, queue: bytes | None, schedule: tuple[str, str] | None, user: str | None, as_json: bool) -> int:
    """Why a job, a queue, a schedule or a user does not run, and the way out; the most decisive reason first."""
    asked = _asked(job, queue, schedule, user)
    with reader() as server:
        found = server.read(asked, time.time())
    assert isinstance(found, WhyPage), "a reader answers what it is asked"
    exists = not any(reason.code.startswith("no_such_") for reason in found.reasons)
    if as_json:
        output.document(document(found))
        return DONE if exists else NOT_HELD
    for reason in found.reasons:
        output.say(f"{SIGNS[reason.weight]} {reason.message}")
        if reason.remedy:
            output.say(f"  → {output.in_context(reason.remedy)}")
    if not found.reasons:
        output.say("no reason was found")
    for one in found.refused:
        output.warn(f"{one.what} could not be read: {one.reason}")
    return DONE if exists else NOT_HELD


def _asked(job: bytes | None, queue: bytes | None, schedule: tuple[str, str] | None, user: str | None) -> WhyQuery:
    given = [one is not None for one in (job, queue, schedule, user)]
    if sum(given) != 1:
        raise click.UsageError("name one thing: a job's id, --queue Q, --schedule USER TASK, or --user USER")
    if job is not None:
        return WhyQuery("job", job)
    if queue is not None:
        return WhyQuery("queue", queue)
    if user is not None:
        return WhyQuery("user", os.fsencode(user))
    assert schedule is not None
    return WhyQuery("schedule", os.fsencode(schedule[0]), schedule[1])


def document(found: WhyPage) -> dict[str, Any]:
    """The JSON document of COMMANDS.md, and more."""
    return {
        "subject": found.subject,
        "as_of": output.utc(found.as_of),
        "reasons": [reason_fields(reason) for reason in found.reasons],
        "unread": [{"what": one.what, "reason": one.reason} for one in found.refused],
    }


def reason_fields(reason: Reason) -> dict[str, str]:
    """A reason for programs."""
    return {
        "code": reason.code,
        "message": reason.message,
        "remedy": reason.remedy,
        "weight": reason.weight,
        "action": reason.action,
    }
