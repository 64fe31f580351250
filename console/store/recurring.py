"""The slots of a user's schedule that follow the one that its entry waits for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from console.model.due import MINUTE, MINUTES
from jobs import schedules
from jobs.cadence import MAX_JITTER, Cadence, Every, Jittered, parse, slots_between
from jobs.errors import JobsError

MOST: Final = 2_000
"""Slots of a cron expression that are told of one day: one in each minute, and some more."""


def again(one: str, spec: str, jitter: int, waited_for: float, now: float, start: int) -> Mapping[int, int]:
    """The slots of the day from `start` on (epoch seconds) that come after the one that is `waited_for`, and after `now`, by
    the minute. Nothing of a cadence that cannot be read."""
    after = max(waited_for, now)
    try:
        cadence = _parsed(spec)
        if isinstance(cadence, Every) and cadence.period < MINUTE:
            # Jitter of less than a minute makes no minute fuller.
            return _often(cadence, after, start)
        slots = schedules.jittered(cadence, jitter, one)
        if isinstance(slots, Jittered):
            return _by_minute([slot for slot in _moved(slots, spec, waited_for, start) if slot > after], start)
        return _by_minute([slot for slot in _plain(spec, start) if slot > after], start)
    except (JobsError, ValueError, OverflowError, StopIteration):
        return {}


def _moved(slots: Jittered, spec: str, waited_for: float, start: int) -> Sequence[int]:
    """What was moved to where it is waited for is past when that has fired, however early its jitter would have it again."""
    try:
        base = slots.base_of(int(waited_for))
    except JobsError:
        base = int(waited_for) - slots.spread - 1
    return [slots.moved(slot) for slot in _plain(spec, start) if slot > base]


def _often(cadence: Every, after: float, start: int) -> Mapping[int, int]:
    first = max(0, int((after - start) // MINUTE))
    found = {}
    for minute in range(first, MINUTES):
        begin = start + minute * MINUTE
        # A slot at the very beginning of a minute is one of it.
        if count := cadence.count_between(max(after, begin - 1), begin + MINUTE - 1):
            found[minute] = count
    return found


def _by_minute(slots: Sequence[int], start: int) -> Mapping[int, int]:
    minutes = Counter((slot - start) // MINUTE for slot in slots)
    return {minute: count for minute, count in minutes.items() if 0 <= minute < MINUTES}


@lru_cache(maxsize=2_000)
def _parsed(spec: str) -> Cadence:
    return parse(spec)


@lru_cache(maxsize=2_000)
def _plain(spec: str, start: int) -> tuple[int, ...]:
    """The slots of the day without jitter, and those before it that jitter may move into it."""
    end = start + MINUTES * MINUTE
    return tuple(islice(slots_between(_parsed(spec), start - MAX_JITTER - 1, end), MOST))
