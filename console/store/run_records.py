"""The runs that a schedule remembers: `kind;state;slot;started;duration;attempts` by the end of the run's id (keys.RUNS)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from console.model.schedules import RunRow
from console.store.run_errors import FAILED
from console.store.values import number, text, whole

ONGOING: Final = ("queued", "started", "retrying")
"""States of a run that has not ended."""


def restore(schedule: str, raw: Mapping[bytes, bytes] | None) -> tuple[RunRow, ...]:
    """The runs in the hash `raw`, those of the newest slots first; what cannot be read of a line is None or empty."""
    found = (_run(f"{schedule}-{text(end)}", line) for end, line in (raw or {}).items())
    return tuple(sorted(found, key=lambda run: (run.slot or 0.0, run.id), reverse=True))


def newest_ended(runs: Sequence[RunRow]) -> RunRow | None:
    """The newest run that has ended."""
    return next((run for run in runs if run.state not in ONGOING), None)


def newest_failure(runs: Sequence[RunRow]) -> RunRow | None:
    """The newest run that was started, if its newest attempt failed."""
    newest = next((run for run in runs if run.state not in ("queued", "started")), None)
    return newest if newest is not None and newest.state in (*FAILED, "retrying") else None


def _run(run_id: str, line: bytes) -> RunRow:
    kind, state, slot, started, duration, attempts = [*line.split(b";", 6), *[b""] * 6][:6]
    return RunRow(
        id=run_id,
        kind=text(kind),
        state=text(state),
        slot=number(slot or None),
        started_at=number(started or None),
        duration_s=number(duration or None),
        attempts=whole(attempts or None),
    )
