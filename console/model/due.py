"""What is due in the next 24 hours. Each schedule counts once, with its next slot: only that one is on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

QUARTER: Final = 900
QUARTERS: Final = 96
MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Peak:
    """The minute from `at` (epoch seconds) on has `count` slots, and none of the day has more."""

    at: float
    count: int


@dataclass(frozen=True, slots=True)
class Due:
    """Slots in each quarter of an hour from `start` on, which is the present one, and in it what is due from `as_of` on. None
    is what the server would not tell. `late` are the slots of the past."""

    as_of: float
    start: float
    quarters: tuple[int | None, ...]
    peak: Peak | None = None
    late: int | None = None

    @property
    def total(self) -> int:
        """All of them."""
        return sum(filter(None, self.quarters))


def first_quarter(now: float) -> int:
    """When the present quarter of an hour began. All zones have theirs at the same instants."""
    return int(now // QUARTER) * QUARTER


def spread_per_min(total: int, period_s: float) -> float:
    """Slots a minute when `total` are spread evenly over a period."""
    return total / period_s * MINUTE


def peak(minutes: Mapping[float, int]) -> Peak | None:
    """The fullest of these minutes (by their beginnings), the first one of several; None where nothing is due."""
    fullest = max(minutes.items(), key=lambda one: (one[1], -one[0]), default=None)
    return Peak(*fullest) if fullest is not None and fullest[1] else None


def to_refine(quarters: Sequence[int | None], looked_at: Mapping[int, object], best: int, most: int) -> list[int]:
    """The quarters, `most` of them at the most, the fullest first, that may have a minute with more than `best` slots and were
    not `looked_at`. A quarter has no minute with more than its own number."""
    fuller = [at for at, count in enumerate(quarters) if at not in looked_at and (count or 0) > best]
    return sorted(fuller, key=lambda at: -(quarters[at] or 0))[:most]
