"""How late runs begin: counted in bins when their first attempt starts, so that any number of runs takes the same room.

A bin of a delay is a seventh wide, so what is told from bins is within 7 % of what was measured.
"""

from __future__ import annotations

import math
from typing import Final

from jobs import keys

EVERY: Final = 300
"""Seconds of starts that one record counts."""

KEPT: Final = 7_800
"""Seconds that a record is kept after the last start in it: two hours, and the time of one record and some."""

LEAST: Final = 0.05
"""Seconds up to which a delay is in the first bin."""

WIDTH: Final = 1.15
LAST_BIN: Final = 130
MAX_TIER: Final = 32
"""Characters of a tier's name, as jobs/tiers.py has it. Nobody else's runs are counted."""


def record(started: float) -> str:
    """The key of the record that counts a start at that instant."""
    return f"{keys.DELAYS}{int(started) // EVERY * EVERY}"


def records(now: float, seconds: float) -> list[str]:
    """The keys of all records that count a start of the last `seconds`, and of up to EVERY more, the oldest first."""
    first, last = int(now - seconds) // EVERY, int(now) // EVERY
    return [f"{keys.DELAYS}{slot * EVERY}" for slot in range(first, last + 1)]


def bin_of(seconds: float) -> int:
    """The bin of a delay. One that is no delay, since two clocks differ, is in the first."""
    if not seconds > LEAST:
        return 0
    return min(LAST_BIN, math.ceil(math.log(seconds / LEAST) / math.log(WIDTH)))


def seconds_of(number: int) -> float:
    """What a delay in that bin is taken for, the middle of it."""
    return 0.0 if number <= 0 else LEAST * WIDTH ** (min(number, LAST_BIN) - 0.5)


def group(lane: str, tier: str) -> str:
    """What the fields of a lane's tier begin with, empty for a job that has no tier, which is not counted."""
    named = 0 < len(tier) <= MAX_TIER and ";" not in tier and ";" not in lane
    return f"{lane};{tier}" if named else ""
