"""`tq-console users import`: the users of a file into the directory."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from console.commands import asking, consent, output
from console.commands.exits import DONE, NOT_HELD
from console.commands.noted import noted
from console.commands.server import changes, connection, one_line_errors
from console.model.masking import masked
from jobs import imports, rows

SHOWN_SURPLUS = 20


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--prune", is_flag=True, help="Remove users that the file does not name, unless a row is bad.")
@click.option("--yes", is_flag=True, help="Do not ask: with --prune, nor for the name of a production context.")
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
    answerable = file != "-" and asking.can_ask()
    asks = not dry_run and consent.needed("import", yes, "in production", answerable)
    if asks and not consent.given(f"Import the users of {name}{' and remove all others' if prune else ''}"):
        return NOT_HELD
    with (
        _opened(file) as stream,
        connection() as redis,
        _import_noted(name, prune, dry_run) as told,
        _progress(stream) as bar,
    ):
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
    return "" if asking.confirmed(f"Remove {number} that the file does not name ({first})?") else "as you said no"
