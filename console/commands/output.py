"""What a command prints: tables and pairs for people, one JSON document for programs."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import click
import humanize
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.model.text import visible

_UNBOUNDED = 100_000


def document(value: object) -> None:
    """Print one JSON document. It is pure ASCII, so no text in it can act on a terminal."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print a table, made visible (text.py); the columns of `right` are aligned there.

    On a terminal, cells that do not fit are folded; anywhere else the lines are as long as they need to be. Nothing is cut.
    """
    terminal = sys.stdout.isatty()
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        drawn.add_column(name, overflow="fold", no_wrap=not terminal, justify="right" if name in right else "left")
    for row in rows:
        drawn.add_row(*(Text(visible(cell)) for cell in row))
    page = io.StringIO()
    width = shutil.get_terminal_size().columns if terminal else _UNBOUNDED
    Console(file=page, width=width, color_system=None, markup=False, highlight=False).print(drawn)
    click.echo("\n".join(line.rstrip() for line in page.getvalue().splitlines()))


def pairs(values: Mapping[str, str]) -> None:
    """Print names and values, one pair a line, made visible."""
    width = max(map(len, values))
    for name, value in values.items():
        click.echo(f"{name:<{width}}  {visible(value)}".rstrip())


def say(text: str) -> None:
    """Print a line for people, made visible."""
    click.echo(visible(text))


def warn(text: str) -> None:
    """Print a line on standard error, made visible."""
    click.echo(visible(text), err=True)


def utc(at: float | None) -> str | None:
    """An instant (epoch seconds) as ISO 8601 in UTC, to the millisecond where it is no whole second."""
    if at is None:
        return None
    whole = at == int(at)
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds" if whole else "milliseconds")
    return text.replace("+00:00", "Z")


def relative(at: float | None, now: float) -> str:
    """An instant (epoch seconds) as seen from `now`: "in 12 minutes", "3 hours ago"; a dash for None."""
    if at is None:
        return "—"
    distance = humanize.naturaldelta(abs(at - now))
    return f"in {distance}" if at > now else f"{distance} ago"


def duration(seconds: float | None) -> str:
    """A duration for people: "4.1 s" below a minute, "2 minutes" from there on; "" for None."""
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 60 else humanize.naturaldelta(seconds)
