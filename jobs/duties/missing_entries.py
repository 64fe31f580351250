"""Putting back entries that somebody deleted, or whose jobs, and dropping those of nobody, a stretch in each beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline

from jobs import keys, scripts, sweep
from jobs.duties.scene import Duty, Scene

PASSES: Final = 30
"""In about how many beats the sweep gets round all schedules, as far as MOST allows."""
LEAST: Final = 500
MOST: Final = 1_100
"""Schedules looked at in one beat: less than 5 ms of the server's time."""


def _ask(pipe: Pipeline, scene: Scene) -> None:
    stretch = min(MOST, max(LEAST, scene.schedules // PASSES))
    cursor = scene.noted.get("cursor", "").encode("utf-8", "surrogateescape")
    scripts.SWEEP.queue(pipe, [keys.SCHEDULES, keys.ENTRIES], sweep.arguments(cursor, stretch))


def _answer(connection: Redis, scene: Scene, replies: Sequence[Any]) -> int:
    """Put back what is missing, and note where to go on; at the end of a round, how many orphans the round found."""
    cursor, *found = replies[0] or [b""]
    # First of all where to go on: what cannot be put back must not keep the sweep from the others.
    connection.hset(keys.HEARTBEAT, "cursor", cursor)
    mended = sweep.mend(connection, found)
    orphans = scene.count("orphans") + mended.orphans
    noted: dict[Any, Any] = {"orphans": orphans} if cursor else {"orphans": 0, "orphaned": orphans}
    connection.hset(keys.HEARTBEAT, mapping=noted)
    return mended.rearmed


DUTY: Final = Duty("rearmed", _ask, _answer)
