"""Values as strangers left them in Redis, read without trusting that they are what they should be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from console.model.text import decoded

MAX_TEXT = 1_000
"""Characters that are kept of one value."""

MAX_NUMBER = 2.0**53


def text(raw: str | bytes) -> str:
    """`raw` as text, at most MAX_TEXT characters of it."""
    shown = raw if isinstance(raw, str) else decoded(raw[: 4 * MAX_TEXT])
    return shown if len(shown) <= MAX_TEXT else shown[:MAX_TEXT] + "…"


def text_or_none(raw: bytes | None) -> str | None:
    """`raw` as text, or None where there is nothing."""
    return text(raw) if raw else None


def number(raw: str | bytes | float | None) -> float | None:
    """`raw` as a finite number of a size that a float counts exactly, or None."""
    try:
        value = float(raw) if raw is not None and len(str(raw)) < 40 else math.nan
    except ValueError:
        return None
    return value if abs(value) <= MAX_NUMBER else None


def whole(raw: str | bytes | float | None) -> int | None:
    """`raw` as a whole number, or None."""
    value = number(raw)
    return None if value is None else int(value)


def natural(raw: str | bytes | float | None) -> int | None:
    """`raw` as a whole number that is not negative, or None."""
    value = whole(raw)
    return value if value is not None and value >= 0 else None


def instant(raw: bytes | None) -> float | None:
    """A time as RQ writes it (ISO 8601, UTC) in epoch seconds, or None."""
    try:
        at = datetime.fromisoformat(raw.decode()) if raw else None
    except ValueError:
        return None
    if at is None:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def age(at: float | None, now: float) -> float | None:
    """Seconds from `at` to `now`, 0 where a clock is ahead of ours."""
    return None if at is None else round(max(0.0, now - at), 3)


def pairs(answer: Sequence[Any]) -> list[tuple[bytes, float]]:
    """Members with their scores, whichever of redis' protocols they came by."""
    return [(member, score) for member, score in scored(answer) if score is not None]


def scored(answer: Sequence[Any]) -> list[tuple[bytes, float | None]]:
    """The same, with those whose score is no number that a float counts: None, as of +inf."""
    if answer and isinstance(answer[0], list | tuple):
        return [(member, number(score)) for member, score in answer]
    return [(member, number(score)) for member, score in zip(answer[::2], answer[1::2], strict=False)]
