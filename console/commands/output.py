"""What a command prints beside tables (table.py): lines and pairs for people, one JSON document for programs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime

import click
import humanize

from console import settings
from console.model import words
from console.model.text import visible


def document(value: object) -> None:
    """Print one JSON document. It is pure ASCII, so no text in it can act on a terminal."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def pairs(values: Mapping[str, str]) -> None:
    """Print names and values, one pair a line, made visible."""
    width = max(map(len, values))
    for name, value in values.items():
        click.echo(f"{name:<{width}}  {visible(value)}".rstrip())


def say(text: str) -> None:
    """Print a line for people, made visible."""
    click.echo(visible(text))


def blank() -> None:
    """Print an empty line."""
    click.echo()


def warn(text: str) -> None:
    """Print a line on standard error, made visible."""
    click.echo(visible(text), err=True)


def hint(command: str) -> str:
    """A command line of ours to be copied: it works on the server on which this one does."""
    context = click.get_current_context().find_root().meta.get(settings.CONTEXT)
    return " ".join(["tq-console", *(["--context", shlex.quote(context)] if context else []), command])


def in_context(text: str) -> str:
    """What the command lines of ours in a text, such as a remedy, work on: the server on which this one does."""
    return text.replace("tq-console ", f"{hint('')}")


def counted(number: int, what: str) -> str:
    """ "1 schedule", "1,200 schedules"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def utc(at: float | None) -> str | None:
    """An instant (epoch seconds) as ISO 8601 in UTC, to the millisecond where it is no whole second; None where no calendar
    has it."""
    if at is None:
        return None
    try:
        there = datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return there.isoformat(timespec="seconds" if at == int(at) else "milliseconds").replace("+00:00", "Z")


def local(at: float, now: float) -> str:
    """An instant (epoch seconds) on this machine's clock: "14:43:33", with its date when that is not today's."""
    return words.absolute(at, None, now)


def due(at: float, now: float) -> str:
    """When a slot comes, or since when it is due: "in 12 minutes", "due", "due 18 s ago"."""
    if at > now:
        return relative(at, now)
    late = int(now - at)
    if late < 1:
        return "due"
    return f"due {late} s ago" if late < 60 else f"due {_span(late)} ago"


def relative(at: float | None, now: float) -> str:
    """An instant (epoch seconds) as seen from `now`: "in 12 minutes", "3 hours ago"; a dash for None."""
    if at is None:
        return "—"
    distance = _span(abs(at - now))
    return f"in {distance}" if at > now else f"{distance} ago"


def duration(seconds: float | None) -> str:
    """A duration for people: "4.1 s" below a minute, "2 minutes" from there on; "" for None."""
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 60 else _span(seconds)


def _span(seconds: float) -> str:
    """A duration in words, also one that is longer than humanize can tell."""
    try:
        return humanize.naturaldelta(seconds)
    except OverflowError:
        return words.rough(seconds)
