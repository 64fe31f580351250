"""What has come to a registry, and what has gone from it, since it was listed last.

Most of a long list is as it was, only further down: stretches that are the same are known at a glance, and what lies between
them alone is looked at member by member.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

Flat = list[Any]
"""Members and their scores in turn, as a server tells them, in the order of the registry; each member once."""


class Scored(Protocol):
    """What is known of a member: the score that it had, as the server's protocol has it."""

    @property
    def score(self) -> Any: ...


class Comparison:
    """Compares a registry, which comes stretch by stretch, with what is `known` of its members.

    Whatever order `before` is in, the answers are right of what was told; only if it is the registry's own, they are quick. A
    registry that moves while it is listed may tell a member twice, or not at all. Of one that has moved out of a stretch that
    is remembered, what is told elsewhere holds.
    """

    def __init__(self, known: Mapping[bytes, Scored], before: Flat | None = None) -> None:
        """`before` are those that are known as they were listed last, if they were."""
        self._known = known
        self._before = [each for job, one in known.items() for each in (job, one.score)] if before is None else before
        self._at = 0
        """What comes before this was found again, or has been passed."""
        self._passed: Flat = []
        self._looked_at: dict[bytes, Any] = {}
        self._told = self._met = 0
        """Members that were looked at, some of them maybe twice, and how many of these were known."""
        self._now: Flat = []

    def take(self, stretch: Flat) -> list[tuple[bytes, Any]]:
        """Those of the next stretch that are new, or have another score than before, with their scores."""
        at, end = self._at, self._at + len(stretch)
        same = self._before[at:end]
        if same == stretch:
            # The objects that are there already.
            self._now += same
            self._at = end
            return []
        self._now += stretch
        pairs = list(zip(stretch[::2], stretch[1::2], strict=True))
        self._looked_at.update(pairs)
        known = self._known
        before = [known.get(job) for job, _ in pairs]
        come = [pair for pair, was in zip(pairs, before, strict=True) if was is None or was.score != pair[1]]
        self._told += len(pairs)
        self._met += len(pairs) - before.count(None)
        if len(come) < len(pairs):
            self._at = self._after(pairs)
            self._passed += self._before[at : self._at]
        return come

    def remember(self, start: int, end: int) -> None:
        """The next stretch is as it was: what is between these places of `before`."""
        if start < self._at:
            # Part of it was looked at already, as where the registry moved while it was listed before.
            self.take(self._before[start:end])
            return
        self._passed += self._before[self._at : start]
        self._now += self._before[start:end]
        self._at = end

    def now(self) -> Flat:
        """All that was taken; of a member that was told twice, what was told of it where it was looked at."""
        looked_at = self._looked_at
        met_again = sum(job in looked_at for job, _ in self._left())
        if self._told == len(looked_at) and self._met == met_again:
            return self._now
        pairs = zip(self._now[::2], self._now[1::2], strict=True)
        once = {job: score for job, score in pairs if looked_at.get(job, score) == score}
        return [each for pair in once.items() for each in pair]

    def gone(self) -> list[bytes]:
        """Those that were there before, and are no more, once the whole registry was taken."""
        return [job for job, _ in self._left() if job not in self._looked_at]

    def _left(self) -> Iterator[tuple[bytes, Any]]:
        """The members of before that were not found again with a whole stretch."""
        left = self._passed + self._before[self._at :]
        return zip(left[::2], left[1::2], strict=True)

    def _after(self, pairs: list[tuple[bytes, Any]]) -> int:
        """Where the list of before goes on behind this stretch: behind the last of its members that has not moved."""
        at = self._at
        for job, score in reversed(pairs):
            if job in self._known and self._known[job].score == score:
                try:
                    # An id may look like a score.
                    while (at := self._before.index(job, at)) % 2:
                        at += 1
                except ValueError:
                    break
                return at + 2
        return self._at
