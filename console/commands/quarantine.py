"""`tq-console schedules quarantined`, `put-back` and `drop`: entries that were set aside."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from console.commands import output
from console.commands.noted import noted
from console.commands.parameters import whole
from console.commands.server import changes, connection, one_line_errors
from console.commands.table import Column, table
from console.model.masking import masked
from jobs import quarantine

COLUMNS = (
    Column("N", right=True),
    Column("ENTRY", "clip"),
    Column("REASON", "flow"),
    Column("DUE"),
    Column("SET ASIDE", "flow"),
    Column("BY", spare=True),
)
DONE, NOT_HELD = 0, 1


@click.command()
@click.option("--limit", type=whole(1, 1_000), metavar="N", default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
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
    if not found:
        output.warn("nothing is set aside; the heartbeat inside rqscheduler does that to entries that would end it")
        return
    table(
        COLUMNS,
        [
            (
                str(one.n),
                one.entry,
                masked(one.reason),
                "—" if one.due_at is None else (output.utc(one.due_at) or "—", output.local(one.due_at, now)),
                output.relative(one.at, now),
                one.by,
            )
            for one in found
        ],
    )
    if len(found) < total:
        output.warn(f"{len(found):,} of {total:,} entries; --limit shows more")


@click.command("put-back")
@click.argument("number", metavar="N", type=whole(1))
@one_line_errors
@changes
def put_back(number: int) -> None:
    """Put entry N of `schedules quarantined` back as it was. Still poison, it is set aside again in the next pass."""
    with connection() as redis, noted("put-back", f"number {number} of the quarantine"):
        quarantine.put_back(redis, number)
    output.say(f"number {number} is back in rq-scheduler's set")


@click.command()
@click.argument("number", metavar="N", type=whole(1))
@click.option("--yes", is_flag=True, help="Do not ask.")
@one_line_errors
@changes
def drop(number: int, yes: bool) -> int:
    """Drop entry N of `schedules quarantined` for good, with its job."""
    with connection() as redis:
        if not yes and not output.can_ask():
            raise click.UsageError(f"this drops number {number} for good; add --yes")
        if not yes and not output.confirmed(f"Drop number {number} for good?"):
            output.warn("nothing was dropped")
            return NOT_HELD
        with noted("drop", f"number {number} of the quarantine"):
            quarantine.drop(redis, number)
    output.say(f"number {number} is dropped")
    return DONE
