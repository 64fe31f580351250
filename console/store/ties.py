"""What hangs on jobs that somebody is about to act on: an entry of rq-scheduler's, jobs that wait, a user's schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.model.pages import JobRow
from console.store import rq_keys
from console.store.trip import Answer, Answers, Trip
from jobs import keys

_JOB = keys.RQ_JOB.encode()
_DEPENDENTS = rq_keys.DEPENDENTS.encode()


class Ties:
    """They are asked in a trip that is made anyway, and told once it was made."""

    def __init__(self) -> None:
        self._jobs: Sequence[bytes] = ()
        self._entries: Answer | None = None
        self._dependents: Answers | None = None

    def ask(self, trip: Trip, jobs: Sequence[bytes]) -> None:
        """Ask for those of `jobs`: one command for all of them, and one for each."""
        self._jobs = jobs
        self._entries = trip.ask("ZMSCORE", keys.ENTRIES, *jobs) if jobs else None
        self._dependents = trip.ask_each("SCARD", [_JOB + job + _DEPENDENTS for job in jobs])

    def of(self, rows: Sequence[JobRow]) -> Mapping[str, frozenset[bytes]]:
        """Which of these, which were among those asked for, have which tie: a code of selection.TIES."""
        entries = self._entries.rows() if self._entries is not None else []
        tied = {job for job, score in zip(self._jobs, entries, strict=False) if score is not None}
        sizes = self._dependents.values if self._dependents is not None else []
        waited_for = {job for job, size in zip(self._jobs, sizes, strict=False) if size}
        return {
            "entry": frozenset(row.key for row in rows if row.key in tied),
            # Whoever still waits for what has finished waits for another one.
            "dependents": frozenset(row.key for row in rows if row.key in waited_for and row.state != "finished"),
            "run": frozenset(row.key for row in rows if row.user is not None and row.task is not None),
        }

    def waiting(self, rows: Sequence[JobRow]) -> Mapping[bytes, int]:
        """How many jobs wait for each of these, which were among those asked for; those for which none does are left out."""
        sizes = self._dependents.values if self._dependents is not None else []
        known = {job: size for job, size in zip(self._jobs, sizes, strict=False) if size}
        return {row.key: known[row.key] for row in rows if row.key in known and row.state != "finished"}
