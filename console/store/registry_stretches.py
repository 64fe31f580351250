"""A long registry in stretches, of which a count tells whether they are as they were listed.

What fails joins a registry at its upper end, but for jobs whose failures are kept for another time than others': of a stretch
further down one is gone when it holds fewer. A stretch that one has left and another has joined is known by no count, so that
some are to be listed in turn, whatever their count says.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Any, Final

from console.store.ahead import packed
from console.store.registry_changes import Flat

MEMBERS: Final = 1_000
"""Members of a stretch, more where many have one score."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Members that were listed, from the place `start` to `end` of the list, and between which scores any of them are now:
    `above` is not one of these, `up_to` is, both as ZCOUNT takes them."""

    start: int
    end: int
    above: str
    up_to: str

    @property
    def count(self) -> int:
        """How many were listed."""
        return (self.end - self.start) // 2


def stretches(listed: Flat, now: int) -> list[Stretch]:
    """Those of a registry that expire after `now` (whole epoch seconds, as job_lists.py counts them), as they were `listed`,
    the last to expire first; none if they were listed in another order, as those of one that moves may be."""
    members = len(listed) // 2
    # Negative scores are those of members that are kept for good, and come last.
    expiring = bisect_left(range(members), 1, key=lambda at: _score(listed, at) < 0)
    starts: list[int] = []
    at = 0
    while at < expiring:
        starts.append(at)
        at += MEMBERS
        while at < expiring and _score(listed, at) == _score(listed, at - 1):
            at += 1
    highest = [_score(listed, at) for at in starts]
    if any(above <= below for above, below in pairwise(highest)):
        return []
    # A new one may be above all, and what has expired is still there.
    up_to = [inf, *highest[1:]]
    above = [max(score, now) for score in (*highest[1:], now)]
    ends = [*starts[1:], expiring]
    each = zip(starts, ends, above, up_to, strict=False)
    return [Stretch(2 * start, 2 * end, f"({low!r}", repr(high)) for start, end, low, high in each]


def again(key: bytes, stretch: Stretch, count: Any) -> list[bytes]:
    """The commands that list a stretch of the registry at `key` which holds `count` by now; an error: nobody would tell."""
    # Some may join while it is listed.
    room = (count if isinstance(count, int) else stretch.count) + MEMBERS
    between = ("ZREVRANGEBYSCORE", key, stretch.up_to, stretch.above, "WITHSCORES", "LIMIT")
    return [packed((*between, str(start), str(MEMBERS))) for start in range(0, room, MEMBERS)]


def _score(listed: Flat, at: int) -> float:
    return float(listed[2 * at + 1])
