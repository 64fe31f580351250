"""What each user takes of the workers: seconds, and attempts that failed, by the hour (lua/usage.lua)."""

from __future__ import annotations

from typing import Final

from jobs import keys

HOUR: Final = 3_600
MOST_USERS: Final = 5_000
"""Users of one hour that are kept. Where there are more, those go that took the least."""

KEPT: Final = 26 * HOUR
"""Seconds that an hour is kept after the last attempt that ended in it."""


def hour(ended: float) -> str:
    """The hour of an attempt that ended then, as the keys of both records end."""
    return str(int(ended) // HOUR * HOUR)


def hours(now: float, count: int) -> list[str]:
    """The hour of `now` and those before it, `count` together, the oldest first."""
    return [hour(now - back * HOUR) for back in reversed(range(count))]


def records(ended: float) -> tuple[str, str]:
    """The keys of the records for an attempt that ended then: seconds, failures."""
    return keys.WORKED + hour(ended), keys.FAILED_ATTEMPTS + hour(ended)
