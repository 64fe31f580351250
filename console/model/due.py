"""What is due in the next 24 hours: the slots that entries wait for, each of which is on record, and those that follow them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

QUARTER: Final = 900
QUARTERS: Final = 96
MINUTE: Final = 60
OF_QUARTER: Final = QUARTER // MINUTE
MINUTES: Final = QUARTERS * OF_QUARTER

SPREAD: Final = 60
"""Minutes over which slots can be spread: the longest jitter that a schedule takes."""

LATE: Final = 120.0
"""Seconds past due after which an entry is late, and not only between two looks of rqscheduler."""

CROWD: Final = 3
TIMES: Final = 3
"""How many schedules of those that were looked at have to be due in the same minute, and how many times what is due in a minute
around it they have to stand for, for that to be no chance."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The minute from `at` (epoch seconds) on has `count` slots, and none of the day has more."""

    at: float
    count: int


@dataclass(frozen=True, slots=True)
class Late:
    """Entries that are late for more than LATE seconds: those of users of `tier`, None for plain ones; how many, and for how
    many seconds the longest of them is."""

    tier: str | None
    count: int
    longest_s: float


@dataclass(frozen=True, slots=True)
class Due:
    """Slots in each quarter of an hour from `start` on, which is the present one, and in it what is due from `as_of` on. None
    is what the server would not tell. `late` are the slots of the past. `spread` is how many would be due in the fullest minute
    if each slot were moved later by up to an hour. `late_by`: who is late, the most first. `sure`: every schedule was looked
    at, and none stands for others."""

    as_of: float
    start: float
    quarters: tuple[int | None, ...]
    peak: Peak | None = None
    late: int | None = None
    spread: float = 0.0
    sure: bool = True
    late_by: tuple[Late, ...] = ()

    @property
    def total(self) -> int:
        """All of them."""
        return sum(filter(None, self.quarters))


@dataclass(frozen=True, slots=True)
class Recurring:
    """A schedule that waits for the slot at `at` (epoch seconds), and stands for `weight` of those of the same stretch.
    `again` are its slots of the day after that one: how many, by the minute, counted from the start. `skips`: it is paused, or
    its user is inactive, so that no run comes of any of its slots."""

    at: float
    weight: float
    again: Mapping[int, int] = field(default_factory=dict)
    tier: str | None = None
    skips: bool = False


def skips(paused: object, active: object) -> bool:
    """Whether no run comes of a schedule's slots: it is paused, or its user is inactive. What is given are these fields of its
    hash (jobs.keys.SCHEDULE), None where one is not there."""
    return paused == b"1" or active not in (None, b"1")


def first_quarter(now: float) -> int:
    """When the present quarter of an hour began. All zones have theirs at the same instants."""
    return int(now // QUARTER) * QUARTER


def present_minute(now: float) -> int:
    """Which minute of the present quarter of an hour it is."""
    return _minute(now, first_quarter(now))


def due(now: float, late: int | None, first: Sequence[int | None], looked_at: Sequence[Recurring]) -> Due:
    """The day from `now` on. `first` are the slots that entries wait for, by the minute from the present quarter on;
    `looked_at` are some of their schedules, of each stretch as many as stand for all of it.

    Slots that are skipped count for nothing. Of many schedules that are spread evenly a few are looked at, whose minutes
    are chance: what follows one of them is as far from those of its stretch as it is from itself. What follows a crowd is
    as far from its minute.
    """
    start = first_quarter(now)
    minutes = [float(count or 0) for count in first]
    crowds = _crowds(looked_at, minutes, start)
    past = [_minute(one.at, start) for one in looked_at if one.at < now]
    waiting = tuple(minutes)
    for one in looked_at:
        minute = _minute(one.at, start)
        if one.weight <= 1 or minute in crowds:
            stands_for: Mapping[int, float] = {minute: 1.0}
        elif one.at < now:
            stands_for = _shares({at: past.count(at) for at in past})
        else:
            stands_for = _shares({at: 0.0 if at in crowds else waiting[at] for at in stretch(now, minute)})
        if one.skips:
            for at, share in stands_for.items() if one.at >= now else ():
                minutes[at] = max(0.0, minutes[at] - one.weight * share)
            continue
        for later, count in one.again.items():
            for at, share in stands_for.items():
                if 0 <= (then := at + later - minute) < MINUTES:
                    minutes[then] += count * one.weight * share
    quarters = tuple(
        None if None in first[at : at + OF_QUARTER] else round(sum(minutes[at : at + OF_QUARTER]))
        for at in range(0, MINUTES, OF_QUARTER)
    )
    most = max(minutes)
    peak = Peak(float(start + minutes.index(most) * MINUTE), round(most)) if most >= 0.5 else None
    if late is not None:
        late = max(0, late - round(sum(one.weight for one in looked_at if one.skips and one.at < now)))
    sure = all(one.weight <= 1 for one in looked_at)
    return Due(now, start, quarters, peak, late, spread(minutes), sure, _late_by(now, looked_at))


def stretch(now: float, minute: int) -> range:
    """The minutes of the stretch of which this one is. Stretches are as long as a quarter of an hour, and begin at `now`: so
    those that come each hour, and no others, wait in the first four of them for all that there is of them."""
    begin = present_minute(now) + (minute - present_minute(now)) // OF_QUARTER * OF_QUARTER
    return range(begin, min(MINUTES, begin + OF_QUARTER))


def spread(minutes: Sequence[float]) -> float:
    """How many slots would be due in the fullest minute if each were moved later by up to SPREAD minutes, any of them as
    likely. A schedule that comes more often has less room, and is as even all the same."""
    fullest = within = 0.0
    for at, count in enumerate(minutes):
        within += count - (minutes[at - SPREAD] if at >= SPREAD else 0.0)
        fullest = max(fullest, within)
    return fullest / SPREAD


def _late_by(now: float, looked_at: Sequence[Recurring]) -> tuple[Late, ...]:
    late: dict[str | None, list[Recurring]] = {}
    for one in looked_at:
        if one.at < now - LATE and not one.skips:
            late.setdefault(one.tier, []).append(one)
    found = [Late(tier, round(sum(one.weight for one in of)), now - min(one.at for one in of)) for tier, of in late.items()]
    return tuple(sorted(found, key=lambda one: (-one.count, one.tier or "")))


def _crowds(looked_at: Sequence[Recurring], first: Sequence[float], start: int) -> set[int]:
    """The minutes for which many more wait than for those around it."""
    seen: Counter[int] = Counter()
    stands_for: Counter[int] = Counter()
    for one in looked_at:
        minute = _minute(one.at, start)
        seen[minute] += 1
        stands_for[minute] += round(one.weight)
    found = set()
    for minute, count in seen.items():
        around = first[max(0, minute - 30) : max(0, minute) + 30]
        if count >= CROWD and stands_for[minute] >= TIMES * sum(around) / max(1, len(around)):
            found.add(minute)
    return found


def _shares(minutes: Mapping[int, float]) -> Mapping[int, float]:
    """Each minute's share of all that is due in them; the same for each where nothing is."""
    total = sum(minutes.values())
    return {at: count / total if total else 1 / len(minutes) for at, count in minutes.items()}


def _minute(at: float, start: int) -> int:
    return int((at - start) // MINUTE)
