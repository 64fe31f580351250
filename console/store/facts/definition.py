"""The facts of a user's schedule from its definition, its entry and its runs, once these were read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from console.model.schedules import RunRow
from console.model.secrets import Secrets, masked_text
from console.model.why.facts import EntryFacts, QueueFacts, ScheduleFacts
from console.store.values import text
from jobs.errors import JobsError
from jobs.schedules import Schedule


def facts(
    begun: ScheduleFacts,
    schedule: Schedule | None,
    runs: Sequence[RunRow],
    entry: EntryFacts | None,
    queue: QueueFacts | None,
    now: float,
    secrets: Secrets,
) -> ScheduleFacts:
    """What is known of a schedule: `begun` names it, and says whether it is there; `schedule` is what could be read of it."""
    known = replace(begun, readable=schedule is not None, entry=entry or EntryFacts(begun.id), runs=tuple(runs))
    if schedule is None:
        return known
    return replace(
        known,
        user=begun.user or schedule.user,
        task=begun.task or schedule.task,
        paused=schedule.paused,
        note=masked_text(text(schedule.note), secrets),
        noted_by=text(schedule.noted_by),
        active=schedule.active,
        overlap=schedule.overlap,
        catch_up=schedule.catch_up,
        # Which slot passed last is asked only where one was skipped.
        slot=_latest(schedule, entry, now) if schedule.skipped else None,
        skipped={text(why): times for why, times in schedule.skipped.items()},
        queue=queue,
    )


def _latest(schedule: Schedule, entry: EntryFacts | None, now: float) -> float | None:
    """The newest slot of the cadence that has passed and was decided: what the entry still waits for was not."""
    due = entry.due if entry is not None else None
    try:
        return float(schedule.slots.latest(now if due is None else min(now, due - 1)))
    except (JobsError, ValueError, OverflowError, StopIteration):
        return None
