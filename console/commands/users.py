"""`tq-console users`: the user directory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click
from redis import Redis

from console.commands import output, run_rows, schedule_rows
from console.commands.consent import Flags, consented
from console.commands.exits import DONE
from console.commands.noted import noted
from console.commands.parameters import text, whole
from console.commands.run_rows import RunRow
from console.commands.server import changes, connection, one_line_errors, reader
from console.commands.table import Column, table
from console.commands.user_import import import_
from console.model.masking import mask_webhook, masked
from jobs import keys, registering, schedules
from jobs import users as directory
from jobs.errors import InvalidUser
from jobs.users import User

PAGE = 500
COLUMNS = (
    Column("USER", "clip"),
    Column("TIER"),
    Column("ZONE"),
    Column("ACTIVE"),
    Column("SOURCES", right=True, spare=True),
    Column("WEBHOOK", "clip", spare=True),
)


@click.group()
def users() -> None:
    """The user directory: import it from a file, look at it, change it."""


users.add_command(import_)


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
            (user.id, user.tier, user.zone, _yes(user.active), str(len(user.sources)), mask_webhook(user.webhook) or "—")
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
            "webhook": mask_webhook(user.webhook) or "—",
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
@consented("in production")
@one_line_errors
@changes
def set_(
    flags: Flags,
    user_id: str,
    tier: str | None,
    zone: str | None,
    sources: tuple[str, ...],
    webhook: str | None,
    active: bool | None,
) -> int:
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
        asked = f"{'Add' if old is None else 'Change'} user {user.id}{f': {_in_words(changes)}' if changes else ''}"
        if (ended := flags.ends(asked)) is not None:
            return ended
        with noted("change", f"user {user.id}", options=_in_words(changes)) as told:
            registering.set_user(redis, user)
            told("same" if old == user else "done")
    done = "added" if old is None else "unchanged" if old == user else "changed"
    output.say(f"{done} {user.id}: {user.tier}, {user.zone}{'' if user.active else ', inactive'}")
    if not changes:
        output.warn("nothing to change was given: --tier, --zone, --source, --webhook, --active or --inactive")
    return DONE


@users.command()
@click.argument("user_id", metavar="USER", type=text)
@consented("always")
@one_line_errors
@changes
def remove(flags: Flags, user_id: str) -> int:
    """Remove a user with schedules, snapshots and undelivered changes. Runs that exist already go on."""
    with connection() as redis:
        directory.get(redis, user_id)
        number = output.counted(len(schedules.of_user(redis, user_id)), "schedule")
        asked, undone = f"Remove user {user_id} with {number}", "  this cannot be undone; runs that exist already go on"
        if (ended := flags.ends(asked, lambda: [undone])) is not None:
            return ended
        with noted("remove", f"user {user_id} with {number}"):
            registering.remove_user(redis, user_id)
    output.say(f"removed {user_id}")
    return DONE


def _in_words(changes: dict[str, Any]) -> str:
    """What is changed of a user, with URLs masked: "tier free, no sources"."""
    told = {**changes, "sources": " ".join(map(masked, changes.get("sources", ())))}
    if "webhook" in changes:
        told["webhook"] = mask_webhook(changes["webhook"])
    if "active" in changes:
        told["active"] = _yes(changes["active"])
    return ", ".join(f"{name} {told[name]}" if told[name] else f"no {name}" for name in changes)


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
        "webhook": mask_webhook(user.webhook),
        "active": user.active,
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"
