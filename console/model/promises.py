"""Who gets what the tier promises: how long runs waited in their lane, and how late they began after their slot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

HOUR = 3_600

LOOK = 15.0
"""Seconds past due for which a slot may not have been fired yet, because rqscheduler looks for what is due every few
seconds."""


def unfired_after(promise_s: float) -> float:
    """Seconds past due after which a slot that nobody has fired breaks this promise."""
    return max(promise_s, LOOK)


@dataclass(frozen=True, slots=True)
class Delays:
    """Delays of `count` runs, in seconds. `p50` and `p95` are told from bins, within 7 %; `longest` is exact."""

    count: int
    p50: float
    p95: float
    longest: float


@dataclass(frozen=True, slots=True)
class TierPromise:
    """A tier on one lane. `waits` and `lateness` are of the runs that started for the first time in the last hour, None
    where none did; `over` is how many of them waited longer than promised. Of the runs that wait at present, and of the
    slots that are due and were not fired, those that wait longest are looked at: `longest_now` is the longest wait among
    them, and `over_now` how many of them have waited longer than promised."""

    lane: str
    tier: str
    promise_s: float | None
    waits: Delays | None = None
    lateness: Delays | None = None
    over: int = 0
    longest_now: float | None = None
    over_now: int = 0

    @property
    def kept(self) -> bool | None:
        """Whether the promise was kept in the last hour and is being kept; None where nothing is promised, or nothing ran."""
        if self.promise_s is None or (self.waits is None and self.longest_now is None):
            return None
        return not self.over and (self.longest_now or 0) <= self.promise_s


@dataclass(frozen=True, slots=True)
class Overdue:
    """A run that waits longer than its tier promises, or, `unfired`, the slot of a schedule that was due for so long, and
    nobody has fired it: then `run` is the schedule."""

    run: str
    user: str
    tier: str
    lane: str
    waited_s: float
    unfired: bool = False


@dataclass(frozen=True, slots=True)
class Promises:
    """Every tier that ran or waits. `since_s` is over how many seconds starts were counted.

    `overdue` are the runs that wait too long, and the slots that nobody fires, the longest first, among the `looked_at` longest
    waiting ones of each lane, and as many slots;
    `waiting_over` counts those of each lane that wait longer than the shortest promise on it."""

    since_s: float
    tiers: tuple[TierPromise, ...] = ()
    overdue: tuple[Overdue, ...] = ()
    waiting_over: Mapping[str, int] | None = None
    looked_at: int = 0


def delays(bins: Mapping[float, int], longest: float | None) -> Delays | None:
    """The delays that were counted: how many in each bin, by the seconds that these are taken for; `longest` where it is known.
    None of none."""
    count = sum(bins.values())
    if count <= 0:
        return None
    most = longest if longest is not None else max(bins)
    return Delays(count, _quantile(bins, count, 0.5, most), _quantile(bins, count, 0.95, most), most)


def over(bins: Mapping[float, int], promise_s: float | None, longest: float | None) -> int:
    """How many of them took longer than promised, as far as bins tell; one at the least where the longest one did."""
    if promise_s is None:
        return 0
    found = sum(count for seconds, count in bins.items() if seconds > promise_s)
    return found if longest is None else max(found, 1) if longest > promise_s else 0


def _quantile(bins: Mapping[float, int], count: int, share: float, most: float) -> float:
    seen = 0
    for seconds, number in sorted(bins.items()):
        seen += number
        if seen >= share * count:
            return min(seconds, most)
    return most
