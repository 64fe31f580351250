"""Trying a command on a few first: what becomes of these tells whether, and how long, the others are gone on with.

Instants and durations are seconds, shares go from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

States = Callable[[Sequence[bytes]], Mapping[bytes, str]]
"""The state of each of some jobs, as queries.JobState names it; a job that is gone is left out. Raises ports.ReadError."""

FAILED_AGAIN: Final = frozenset({"failed", "stopped", "retrying"})
"""A job that waits for a retry has failed again, whatever becomes of that: it is asked whether the cause is gone."""

OPEN: Final = frozenset({"queued", "running", "deferred", "ready", "rate limited"})
"""Nothing is known of these yet. What is in any other state has ended well; so has what is gone, as a job without a result TTL
is, and what is scheduled: no command that is tried leaves a job so, its success does if it repeats."""

LOOKED_AT: Final = 500
"""So many jobs are looked at together."""


@dataclass(frozen=True, slots=True)
class Canary:
    """The first `first` are done and awaited, for `patience_s` at the most; then `rate` a second, as long as no more than
    `stop_above` of those that have ended failed again."""

    first: int
    rate: float
    stop_above: float
    patience_s: float = 300.0


class Trial:
    """What has become so far of the jobs that a command was done to."""

    def __init__(self, canary: Canary, states: States) -> None:
        self.canary = canary
        self.ended = self.failed = 0
        self._states = states
        self._open: dict[bytes, None] = {}

    @property
    def open(self) -> int:
        """Of how many it is not known yet."""
        return len(self._open)

    @property
    def too_many(self) -> bool:
        """Whether more than allowed failed again, of those that have ended."""
        return self.failed > self.canary.stop_above * self.ended

    @property
    def said(self) -> str:
        """The numbers, for people."""
        if not self.ended:
            return f"none of {self.open:,} has ended yet" if self.open else "none was there to be tried"
        return f"of {self.ended:,} that have ended {self.failed:,} failed again ({self.failed / max(1, self.ended):.0%})"

    def add(self, jobs: Iterable[bytes]) -> None:
        """Watch these too."""
        self._open.update(dict.fromkeys(jobs))

    def look(self) -> None:
        """Look at those of which nothing is known yet, LOOKED_AT of them, longest not looked at first. Raises ReadError."""
        jobs = list(self._open)[:LOOKED_AT]
        if not jobs:
            return
        states = self._states(jobs)
        for job in jobs:
            del self._open[job]
            state = states.get(job)
            if state in OPEN:
                self._open[job] = None
            else:
                self.ended += 1
                self.failed += state in FAILED_AGAIN

    def sure_of_too_many(self) -> bool:
        """Whether too many failed again, even if all that are open end well."""
        return self.failed > self.canary.stop_above * (self.ended + self.open)
