"""`tq-console failures`: failed and stopped jobs in groups of one kind, the largest first; or all of them in a file."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from console import garbage
from console.commands import output, queues_named
from console.commands.exits import DONE, NOT_HELD
from console.commands.parameters import filter_option, fingerprint, name, whole
from console.commands.server import one_line_errors, reader
from console.commands.table import Cell, Column, table
from console.model import cause_words, job_terms, words
from console.model.failure_groups import Group, Groups, error, window
from console.model.filters import Filter
from console.model.ports import Reader
from console.model.queries import FailuresQuery, GroupsQuery
from console.model.text import decoded

MAX_SHOWN: Final = 2_000

COLUMNS: Final = (
    Column("GROUP"),
    Column("COUNT", right=True),
    Column("FUNCTION", "clip"),
    Column("ERROR", "flow", lines=3),
    Column("AT", "clip", spare=True),
    Column("USERS", right=True),
    Column("TIERS", "clip", spare=True),
    Column("LAST 24 h", spare=True),
    Column("FIRST"),
    Column("LAST"),
)


@click.command()
@click.option("--queue", type=name, metavar="Q", help="Only this queue's.")
@filter_option(job_terms.FIELDS, "Only failures for which it holds, such as 'user:42 age<1h'; `queue:` chooses the queue.")
@click.option("--group", type=fingerprint, metavar="FP", help="Only this group, as it is shown here.")
@click.option(
    "--export",
    "file",
    metavar="FILE",
    help="Write each of these failures to a new file, without secrets: CSV where its name ends so, else lines of JSON.",
)
@click.option("--limit", type=whole(1, MAX_SHOWN), metavar="N", default=50, show_default=True, help="Groups that are shown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@one_line_errors
def failures(queue: bytes | None, wanted: Filter, group: str | None, file: str | None, limit: int, as_json: bool) -> int:
    """Failures in groups: the same function, exception, place in the code, and words but for ids, numbers and names."""
    now = time.time()
    of_filter, rest = job_terms.queue_of(wanted)
    query = GroupsQuery(of_filter or queue, rest)
    if file is not None:
        from console.commands import export

        if as_json:
            raise click.UsageError("give --export or --json: the file has more than --json would print")
        return export.write(Path(file), FailuresQuery(query.queue, filter=rest, group=group or ""))
    with reader() as server:
        found = last(server, query, now)
        nowhere = "" if found.groups else queues_named.nowhere(server, query.queue, now)
    if nowhere:
        output.warn(nowhere)
        if not as_json:
            return NOT_HELD
    if group is not None:
        found = replace(found, groups=tuple(one for one in found.groups if one.fingerprint == group))
        if not found.groups and not as_json:
            output.warn(f"no failure is of the group {group}; {window(found)}")
            _warn(found, limit)
            return NOT_HELD
    if as_json:
        output.document({"read": found.read, "of": found.of, "groups": [fields(group) for group in found.groups[:limit]]})
    elif group is not None:
        output.pairs(_explained(found.groups[0], now))
        output.say(window(found))
    elif found.groups:
        table(COLUMNS, [_cells(group, now) for group in found.groups[:limit]])
        output.say(window(found))
    else:
        output.warn(_nothing(query, found))
    _warn(found, limit)
    return DONE if found.groups or (group is None and not nowhere) else NOT_HELD


def last(server: Reader, query: GroupsQuery, now: float) -> Groups:
    """All groups, once every failure is read. Raises ReadError."""
    with garbage.put_off():
        *_, found = server.groups(query, now, lambda: False)
    return found


def fields(group: Group) -> dict[str, Any]:
    """A group for programs: the fields that COMMANDS.md promises, and more."""
    return {
        "fingerprint": group.fingerprint,
        "count": group.count,
        "function": group.function,
        "exception": group.exception,
        "message": group.message,
        "frame": group.frame,
        "cause": group.cause,
        "users": group.users,
        "top_users": [{"user": user, "count": count} for user, count in group.top_users],
        "tiers": dict(group.tiers),
        "first_at": output.utc(group.first_at),
        "last_at": output.utc(group.last_at),
        "by_hour": list(group.by_hour),
        "example": group.example,
        "because": group.because,
        "sample": decoded(group.sample),
    }


def _cells(group: Group, now: float) -> list[Cell]:
    return [
        group.fingerprint,
        words.count(group.count),
        (group.function, words.function(group.function)),
        error(group),
        group.frame,
        words.count(group.users) if group.users else "",
        " ".join(tier for tier, _ in group.tiers),
        words.spark(group.by_hour, max(group.by_hour)),
        words.relative(group.first_at, now),
        words.relative(group.last_at, now),
    ]


def _explained(group: Group, now: float) -> dict[str, str]:
    """What is known of one group, and what helps."""
    what, helps = cause_words.words(group)
    fingerprint = group.fingerprint
    told = {
        "group": fingerprint,
        "cause": what,
        "failures": f"{group.count:,}",
        "error": error(group),
        "RQ wrote" if group.cause != "raised" else "one said": group.example if group.example != group.message else "",
        "because of": group.because,
        "raised in": group.frame,
        "function": group.function,
        "users": f"{group.users:,}{_named('; most: ', group.top_users)}" if group.users else "",
        "tiers": _named("", group.tiers),
        "first": words.relative(group.first_at, now),
        "last": words.relative(group.last_at, now),
        "sample": decoded(group.sample),
        "what helps": helps,
        "look": f"tq-console job {shlex.quote(decoded(group.sample))}" if group.sample else "",
        "try a few": f"tq-console requeue --group {fingerprint} --canary 3",
        "bundle": f"tq-console bundle --group {fingerprint}",
    }
    return {name: value for name, value in told.items() if value}


def _named(before: str, counts: Sequence[tuple[str, int]]) -> str:
    return before + ", ".join(f"{name} {count:,}" for name, count in counts) if counts else ""


def _nothing(query: GroupsQuery, found: Groups) -> str:
    where = "" if query.queue is None else f" in the queue {decoded(query.queue)}"
    if query.filter and found.of:
        return f"no failure for which that holds{where}; {found.read:,} of {found.of:,} were looked at"
    return f"no failures{where}"


def _warn(found: Groups, limit: int) -> None:
    """Tell on standard error what is not shown, and why."""
    if found.more:
        output.warn(f"{window(found)}: {found.more}")
    for one in found.refused:
        output.warn(f"{one.what} could not be read: {one.reason}")
    if len(found.groups) > limit:
        output.warn(f"{limit:,} of {output.counted(len(found.groups), 'group')}; --limit shows more")
