"""Reading what firing is decided on, a page of due entries ahead: most fires of a long pass then cost no reading of their own.

What was read ahead may be old when it is used. That is harmless: lua/fire.lua checks score and rev. With another rev it says
`changed`, and the entry is read again by itself; with another score `moved`, and an entry that is due still waits for the next
pass. Each reading is given once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

from redis import Redis

from jobs import keys

PAGE: Final = 40
KEPT: Final = 2.0
"""Seconds for which a reading may be used."""

Reading = tuple[float | None, Any, float]
"""The entry's score, its schedule's raw hash (or whatever is there), and the server's time of reading."""


@dataclass(slots=True)
class _Ahead:
    pool: object = None
    until: float = 0.0
    readings: dict[str, Reading] = field(default_factory=dict)


_ahead: Final = _Ahead()


def due(connection: Redis, entry_id: str) -> Reading:
    """The reading of one due entry; of those that are due after it, a page is read along."""
    fresh = _ahead.pool is connection.connection_pool and time.monotonic() < _ahead.until
    found = _ahead.readings.pop(entry_id, None) if fresh else None
    if found is not None:
        return found
    with connection.pipeline(transaction=False) as pipe:
        pipe.zscore(keys.ENTRIES, entry_id)
        pipe.hgetall(keys.SCHEDULE + entry_id)
        pipe.time()
        pipe.zrangebyscore(keys.ENTRIES, "(0", time.time(), start=0, num=PAGE, withscores=True)
        score, raw, (seconds, micros), others = pipe.execute(raise_on_error=False)
    now = seconds + micros / 1e6
    _read_ahead(connection, entry_id, others if isinstance(others, list) else [], now)
    return score, raw, now


def _read_ahead(connection: Redis, entry_id: str, others: list[Any], now: float) -> None:
    wanted = [(entry.decode("ascii", "replace"), score) for entry, score in others if entry.startswith(b"tq-")]
    wanted = [(entry, score) for entry, score in wanted if entry != entry_id]
    _ahead.pool, _ahead.until = connection.connection_pool, time.monotonic() + KEPT
    _ahead.readings.clear()
    if not wanted:
        return
    with connection.pipeline(transaction=False) as pipe:
        for entry, _ in wanted:
            pipe.hgetall(keys.SCHEDULE + entry)
        replies = pipe.execute(raise_on_error=False)
    _ahead.readings.update({entry: (score, raw, now) for (entry, score), raw in zip(wanted, replies, strict=True)})
