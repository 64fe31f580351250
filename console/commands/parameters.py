"""What the arguments of several commands may be: text that Redis can hold, numbers, durations, instants.

Each function but `filter_option` is a `type` for click, which shows its name in the help; each raises click.BadParameter.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from console.model import filters, instants, queue_names
from console.model.queries import JOB_STATES, JobState
from console.model.text import visible
from jobs import durations

F = TypeVar("F", bound=Callable[..., Any])


def text(value: str) -> str:
    """Any text that is UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise click.BadParameter(f"{visible(value)} is not UTF-8") from None
    return value


def name(value: str) -> bytes:
    """The name of a queue or a job, which may be of any bytes."""
    return os.fsencode(value)


def queue_to_come(value: str) -> bytes:
    """The name of a queue that may not be there yet."""
    found = name(value)
    if wrong := queue_names.wrong(found):
        raise click.BadParameter(f"{visible(value)}: {wrong}")
    return found


def state(value: str) -> JobState:
    """One of the states of jobs; a dash stands for a blank."""
    wanted = value.replace("-", " ").lower()
    found = next((one for one in JOB_STATES if one == wanted), None)
    if found is None:
        raise click.BadParameter(f"{visible(value)} is no state; write one of {', '.join(JOB_STATES)}")
    return found


def fingerprint(value: str) -> str:
    """The fingerprint of a group of failures, as `failures` shows it."""
    # What tells kinds of failures apart takes a while to be imported, and few commands name a group.
    from console.model.fingerprints import FINGERPRINT

    told = value.strip().lower()
    if FINGERPRINT.fullmatch(told) is None:
        raise click.BadParameter(f"{visible(value)} is no group; `tq-console failures` shows them, 12 letters and digits each")
    return told


def share(value: str) -> float:
    """A share from 0 to 1, written as per cent from 0 to 100, with or without the sign."""
    try:
        found = float(value.strip().removesuffix("%"))
    except ValueError:
        found = -1.0
    if not 0 <= found <= 100:
        raise click.BadParameter(f"{visible(value)} is no share from 0 to 100 per cent")
    return found / 100


def rate(value: str) -> float:
    """So many a second, more than none."""
    try:
        found = float(value)
    except ValueError:
        found = 0.0
    if not 0.001 <= found <= 1e6:
        raise click.BadParameter(f"{visible(value)} is no number of jobs a second")
    return found


def due(value: str) -> float:
    """An instant, as epoch seconds; of this machine's clock where it names no zone."""
    try:
        return instants.instant(value, time.time(), None)
    except ValueError as error:
        raise click.BadParameter(f"{visible(value)}: {error}") from None


def filter_option(fields: Mapping[str, filters.Kind], help: str) -> Callable[[F], F]:
    """The option --filter with these fields, which is given to a command as `wanted`."""
    return click.option("--filter", "wanted", type=expression(fields), metavar="EXPR", default="", help=help)


def expression(fields: Mapping[str, filters.Kind]) -> Callable[[str], filters.Filter]:
    """An expression of the filter language with these fields."""

    def parsed(value: str) -> filters.Filter:
        try:
            return filters.parse(value, fields)
        except filters.FilterError as error:
            raise click.BadParameter(f"column {error.column + 1}: {error.message}") from None

    return parsed


def duration(value: str) -> int:
    """Seconds, written like 30s, 15m, 1h30m, 1d or 2w."""
    try:
        return durations.seconds(value)
    except ValueError as error:
        raise click.BadParameter(f"{visible(value)} {error}") from None


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""

    def number(value: str) -> int:
        text = str(value)
        found = int(text) if text.isdecimal() and len(text) <= 18 else -1
        if not low <= found <= (found if high is None else high):
            span = f"of at least {low}" if high is None else f"from {low} to {high:,}"
            raise click.BadParameter(f"{visible(text)} is no whole number {span}")
        return found

    return number


def instant(value: str) -> datetime:
    """An instant in ISO 8601, as it was written: without a zone when it names none."""
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        example = "2026-03-01T09:00:00+01:00"
        raise click.BadParameter(f"{visible(value)} is no instant in ISO 8601; write it like {example}") from None


def epoch(at: datetime) -> float:
    """The epoch second of an instant, which is taken as UTC when it names no zone."""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
