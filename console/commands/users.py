"""`tq-console users`: the user directory."""

from __future__ import annotations

import io
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import click
from redis import Redis
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from console.commands import output, run_rows, schedule_rows
from console.commands.noted import noted
from console.commands.parameters import text, whole
from console.commands.run_rows import RunRow
from console.commands.server import changes, connection, one_line_errors, reader
from console.commands.table import Column, table
from console.model.masking import masked
from jobs import imports, keys, registering, rows, schedules
from jobs import users as directory
from jobs.errors import InvalidUser
from jobs.users import User

PAGE = 500
SHOWN_SURPLUS = 20
COLUMNS = (
    Column("USER", "clip"),
    Column("TIER"),
    Column("ZONE"),
    Column("ACTIVE"),
    Column("SOURCES", right=True, spare=True),
    Column("WEBHOOK", "clip", spare=True),
)
DONE, NOT_HELD = 0, 1


@click.group()
def users() -> None:
    """The user directory: import it from a file, look at it, change it."""


@users.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--prune", is_flag=True, help="Remove users that the file does not name, unless a row is bad.")
@click.option("--yes", is_flag=True, help="With --prune, do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@one_line_errors
@changes
def import_(file: str, prune: bool, yes: bool, dry_run: bool, as_json: bool) -> int:
    """Register the users of FILE, a CSV or JSON file, or `-` for standard input.

    CSV has a header with id, tier and, if wanted, zone, sources (separated by spaces), webhook and active; JSON is an array of
    objects with these fields, or one object a line. Good rows go in, each bad one is named on standard error; then the exit
    status is 1.
    """
    name = "stdin" if file == "-" else file
    with (
        _opened(file) as stream,
        connection() as redis,
        _import_noted(name, prune, dry_run) as told,
        _progress(stream) as bar,
    ):
        answerable = file != "-" and output.can_ask()
        done = imports.import_users(
            redis,
            stream,
            name=name,
            format=rows.format_of(name, stream.peek(64)),
            prune=prune,
            may_remove=None if yes else partial(_may_remove, answerable=answerable, bar=bar),
            dry_run=dry_run,
            on_progress=None if bar is None else partial(_show_progress, bar),
        )
        changed = done.added + done.changed + done.removed
        told("done" if changed else "invalid" if done.bad_count or done.prune_refused else "same")
    for row in done.bad:
        output.warn(
            f"{name}: item {row.line}: {masked(row.reason)}" if row.item else f"{name}:{row.line}: {masked(row.reason)}"
        )
    if done.bad_count > len(done.bad):
        output.warn(f"{name}: and {output.counted(done.bad_count - len(done.bad), 'more bad row')}")
    if done.prune_refused:
        output.warn(done.prune_refused)
    if as_json:
        output.document(_import_fields(done, file, dry_run))
    else:
        output.say(_import_summary(done, dry_run))
        if dry_run and done.removed:
            more = done.removed - min(len(done.surplus), SHOWN_SURPLUS)
            names = ", ".join(done.surplus[:SHOWN_SURPLUS])
            output.say(f"would be removed: {names}{f', and {more:,} more' if more else ''}")
    return NOT_HELD if done.bad_count or done.prune_refused else DONE


@users.command("list")
@click.option("--prefix", type=text, default="", help="Only ids that begin so.")
@click.option("--limit", type=whole(1, 100_000), metavar="N", default=50, show_default=True)
@click.option("--after", type=text, help="Go on after this id.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@one_line_errors
def list_(prefix: str, limit: int, after: str | None, as_json: bool) -> None:
    """Users in the order of their ids."""
    with connection() as redis:
        total = _count(redis, prefix)
        found, following = _listed(redis, prefix, limit, after)
    if as_json:
        output.document({"total": total, "users": [_user_fields(user) for user in found], "next": following})
        return
    if not found:
        beginning = f"no user begins with {ascii(prefix)[:70]}" if prefix and not total else "no users"
        output.warn(f"{beginning}{'' if after is None else ' after that one'}; `users set` or `users import` adds one")
        return
    table(
        COLUMNS,
        [
            (user.id, user.tier, user.zone, _yes(user.active), str(len(user.sources)), masked(user.webhook) or "—")
            for user in found
        ],
    )
    if following is not None:
        output.warn(f"{len(found):,} of {total:,} users; for those that follow: --after {following!r}")


@users.command()
@click.argument("user_id", metavar="USER", type=text)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@one_line_errors
def show(user_id: str, as_json: bool) -> None:
    """One user with schedules and last runs. Credentials and queries in URLs are masked."""
    now = time.time()
    with connection() as redis, reader() as server:
        user = directory.get(redis, user_id)
        found = schedule_rows.of_user(server, user_id, now)
        last = schedules.last_runs(redis, [row.id for row in found], n=10) if found else []
        every_run = iter(run_rows.with_attempts(redis, [run for own in last for run in own]))
        runs = [[next(every_run) for _ in own] for own in last]
    if as_json:
        output.document(
            {
                "user": _user_fields(user),
                "schedules": [
                    schedule_rows.fields(row) | {"last_error": _last_error(own), "runs": [run_rows.fields(run) for run in own]}
                    for row, own in zip(found, runs, strict=True)
                ],
            }
        )
        return
    output.pairs(
        {
            "user": user.id,
            "tier": user.tier,
            "zone": user.zone,
            "active": _yes(user.active),
            "webhook": masked(user.webhook) or "—",
            "sources": " ".join(masked(source) for source in user.sources) or "—",
        }
    )
    for row, own in zip(found, runs, strict=True):
        output.blank()
        schedule_rows.show([row], "user", now)
        if error := _last_error(own):
            output.say(f"last error: {error}")
        if own:
            output.blank()
            run_rows.show_runs(own, row.id, now)


@users.command("set")
@click.argument("user_id", metavar="USER", type=text)
@click.option("--tier", type=text, help="Needed for a new user.")
@click.option("--zone", type=text, help="IANA time zone, like Europe/Rome.")
@click.option("--source", "sources", type=text, multiple=True, help='URL to scrape; repeat it for more, "" for none.')
@click.option("--webhook", type=text, help='URL that changes are delivered to, "" for none.')
@click.option("--active/--inactive", default=None, help="Whether the user's schedules fire.")
@one_line_errors
@changes
def set_(
    user_id: str, tier: str | None, zone: str | None, sources: tuple[str, ...], webhook: str | None, active: bool | None
) -> None:
    """Make a user, or change what is given of one. A change of tier counts at once."""
    given: dict[str, Any] = {
        "tier": tier,
        "zone": zone,
        "sources": tuple(source for source in sources if source) if sources else None,
        "webhook": webhook,
        "active": active,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    with connection() as redis:
        old = directory.get_many(redis, [user_id])[0]
        if old is None and tier is None:
            raise click.UsageError(f"user {ascii(user_id)[:70]} is not in the directory; to add it, give --tier too")
        user = replace(old or User(user_id, tier or ""), **changes)
        try:
            directory.validate(user)
        except InvalidUser as error:
            raise click.UsageError(masked(str(error))) from None
        with noted("change", f"user {user.id}", options=_in_words(changes)) as told:
            registering.set_user(redis, user)
            told("same" if old == user else "done")
    done = "added" if old is None else "unchanged" if old == user else "changed"
    output.say(f"{done} {user.id}: {user.tier}, {user.zone}{'' if user.active else ', inactive'}")
    if not changes:
        output.warn("nothing to change was given: --tier, --zone, --source, --webhook, --active or --inactive")


@users.command()
@click.argument("user_id", metavar="USER", type=text)
@click.option("--yes", is_flag=True, help="Do it.")
@one_line_errors
@changes
def remove(user_id: str, yes: bool) -> None:
    """Remove a user with schedules, snapshots and undelivered changes. Runs that exist already go on."""
    with connection() as redis:
        directory.get(redis, user_id)
        number = output.counted(len(schedules.of_user(redis, user_id)), "schedule")
        if not yes:
            raise click.UsageError(f"this removes {user_id!a} and {number} for good; add --yes")
        with noted("remove", f"user {user_id} with {number}"):
            registering.remove_user(redis, user_id)
    output.say(f"removed {user_id}")


def _in_words(changes: dict[str, Any]) -> str:
    """What is changed of a user, with URLs masked: "tier free, no sources"."""
    told = {**changes, "sources": " ".join(map(masked, changes.get("sources", ())))}
    if "webhook" in changes:
        told["webhook"] = masked(changes["webhook"])
    if "active" in changes:
        told["active"] = _yes(changes["active"])
    return ", ".join(f"{name} {told[name]}" if told[name] else f"no {name}" for name in changes)


def _import_noted(name: str, prune: bool, dry_run: bool) -> AbstractContextManager[Callable[[str], object]]:
    """Where nothing is changed, nothing is noted."""
    return nullcontext(lambda code: None) if dry_run else noted("import", f"users of {name}", options="prune" if prune else "")


def _opened(file: str) -> io.BufferedReader:
    try:
        return open(0 if file == "-" else file, "rb", closefd=file != "-")
    except OSError as error:
        raise click.UsageError(f"{file}: cannot be read ({error.strerror})") from None


@contextmanager
def _progress(stream: io.BufferedReader) -> Iterator[Progress | None]:
    """A progress bar on standard error, if that is a terminal, with one task that counts the bytes read so far."""
    if not sys.stderr.isatty():
        yield None
        return
    status = os.fstat(stream.fileno())
    total = status.st_size if stat.S_ISREG(status.st_mode) else None
    columns = (TextColumn("importing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        bar.add_task("importing", total=total)
        yield bar


def _show_progress(bar: Progress, taken: int) -> None:
    bar.update(bar.task_ids[0], completed=taken)


def _import_fields(done: imports.Imported, file: str, dry_run: bool) -> dict[str, Any]:
    return {
        "file": file,
        "dry_run": dry_run,
        "added": done.added,
        "changed": done.changed,
        "unchanged": done.unchanged,
        "removed": done.removed,
        "removed_users": list(done.surplus),
        "bad_count": done.bad_count,
        "bad": [{"item" if row.item else "line": row.line, "reason": masked(row.reason)} for row in done.bad],
        "prune_refused": done.prune_refused or None,
    }


def _import_summary(done: imports.Imported, dry_run: bool) -> str:
    counts = f"{done.added:,} added, {done.changed:,} changed, {done.unchanged:,} unchanged, {done.removed:,} removed"
    bad = f"; {output.counted(done.bad_count, 'bad row')} refused" if done.bad_count else ""
    return f"{'dry run, nothing was changed: ' if dry_run else ''}{counts}{bad}"


def _may_remove(ids: Sequence[str], *, answerable: bool, bar: Progress | None) -> str:
    """Ask whether these users may go: why not, or ""."""
    number = output.counted(len(ids), "user")
    if not answerable:
        return f"although the file does not name {number}: add --yes, and --dry-run first to see who"
    if bar:
        bar.stop()
    first = f"{', '.join(ids[:3])}{', …' if len(ids) > 3 else ''}"
    return "" if output.confirmed(f"Remove {number} that the file does not name ({first})?") else "as you said no"


def _last_error(runs: Sequence[RunRow]) -> str | None:
    """What went wrong last, in the newest of these runs in which something did."""
    return next((run.error for run in runs if run.error), None)


def _count(redis: Redis, prefix: str) -> int:
    """How many users begin so."""
    if not prefix:
        return directory.count(redis)
    start = b"[" + prefix.encode()
    return int(redis.zlexcount(keys.USERS, start, start + b"\xff"))


def _listed(redis: Redis, prefix: str, limit: int, after: str | None) -> tuple[list[User], str | None]:
    """Up to `limit` users, read in pages, and the id to go on after when others follow."""
    found: list[User] = []
    wanted = limit
    while True:
        ids = directory.search(redis, prefix, min(PAGE, wanted) + 1, after)
        page = ids[: min(PAGE, wanted)]
        found += [user for user in directory.get_many(redis, page) if user is not None]
        wanted -= len(page)
        if len(ids) == len(page):
            return found, None
        after = page[-1]
        if not wanted:
            return found, after


def _user_fields(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "tier": user.tier,
        "zone": user.zone,
        "sources": [masked(source) for source in user.sources],
        "webhook": masked(user.webhook),
        "active": user.active,
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"
