"""`tq-console schedules quarantined`, `put-back` and `drop`: entries that were set aside."""

from __future__ import annotations

import os
import time
from dataclasses import asdict

import click
from redis import Redis

from console.commands import output
from console.commands.consent import Flags, consented
from console.commands.exits import DONE
from console.commands.noted import noted
from console.commands.parameters import whole
from console.commands.server import changes, connection, one_line_errors
from console.commands.table import Column, table
from console.model.masking import masked
from console.model.text import decoded
from jobs import keys, quarantine
from jobs.quarantine import NotPutBack

COLUMNS = (
    Column("N", right=True),
    Column("ENTRY", "clip"),
    Column("REASON", "flow"),
    Column("DUE"),
    Column("SET ASIDE", "flow"),
    Column("BY", spare=True),
)
SHOWN_NUMBERS = 5

_of_entry = click.argument("entry", metavar="ENTRY")


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
@_of_entry
@consented("in production")
@one_line_errors
@changes
def put_back(flags: Flags, entry: str) -> int:
    """Put ENTRY, by its id or its number in `schedules quarantined`, back as it was. Still poison, it is set aside again in the
    next pass."""
    with connection() as redis:
        number, told = _set_aside(redis, entry)
        if (ended := flags.ends(f"Put back {told}")) is not None:
            return ended
        with noted("put-back", told):
            quarantine.put_back(redis, number)
    output.say(f"{told} is back in rq-scheduler's set")
    return DONE


@click.command()
@_of_entry
@consented("always")
@one_line_errors
@changes
def drop(flags: Flags, entry: str) -> int:
    """Drop ENTRY, by its id or its number in `schedules quarantined`, for good, with its job."""
    with connection() as redis:
        number, told = _set_aside(redis, entry)
        if (ended := flags.ends(f"Drop {told} for good")) is not None:
            return ended
        with noted("drop", told):
            quarantine.drop(redis, number)
    output.say(f"{told} is dropped")
    return DONE


def _set_aside(redis: Redis, entry: str) -> tuple[int, str]:
    """The number of an entry that was set aside, and what it is in words. Raises NotPutBack."""
    of_id = quarantine.numbers_of(redis, os.fsencode(entry))
    number = int(entry) if entry.isdecimal() and len(entry) <= 18 else 0
    kept = redis.hget(f"{keys.QUARANTINED}{number}", "id") if number else None
    if isinstance(kept, bytes) and number not in of_id:
        if of_id:
            raise NotPutBack(f"{entry} is the number of one entry, and the id of number {of_id[0]}; give the number")
        return number, f"entry {decoded(kept)}, number {number} of the quarantine"
    if len(of_id) > 1:
        numbers = ", ".join(map(str, of_id[:SHOWN_NUMBERS]))
        raise NotPutBack(f"entry {entry} was set aside {len(of_id):,} times; give the number of one: {numbers}")
    if not of_id:
        raise NotPutBack(f"nothing is set aside under {entry}; `tq-console schedules quarantined` lists what is")
    return of_id[0], f"entry {entry}, number {of_id[0]} of the quarantine"
