"""What the arguments of several commands may be: text that Redis can hold, durations, instants.

Each function is a `type` for click, which shows its name in the help; each raises click.BadParameter.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import click

from console.model.text import visible

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"([0-9]{1,9})([smhdw]?)")


def text(value: str) -> str:
    """Any text that is UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise click.BadParameter(f"{visible(value)} is not UTF-8") from None
    return value


def duration(value: str) -> int:
    """Seconds, written like 90, 30s, 15m, 6h, 1d or 2w."""
    found = _DURATION.fullmatch(value.strip().lower())
    if found is None:
        raise click.BadParameter(f"{visible(value)} is no duration; write it like 30s, 15m, 6h or 1d")
    return int(found[1]) * _UNITS[found[2]]


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
