"""What a run has said of itself: its progress and the lines of its log (running.py writes them)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from redis import Redis

from jobs import keys
from jobs.running import MAX_LOG_LINES


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run was, from 0 to 1, at an instant (epoch seconds)."""

    fraction: float
    message: str
    at: float


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a run's log, written `at` (epoch seconds) by its attempt of that number."""

    at: float
    attempt: int
    message: str


def read(connection: Redis, run_id: str) -> tuple[Progress | None, list[LogLine]]:
    """The last progress of a run, None when it told none, and its newest MAX_LOG_LINES lines, oldest first, in one round trip.

    What cannot be read is left out.
    """
    with connection.pipeline(transaction=False) as pipe:
        pipe.hget(keys.ATTEMPTS + run_id, "progress")
        pipe.lrange(keys.LOG + run_id, -MAX_LOG_LINES, -1)
        progress, lines = pipe.execute(raise_on_error=False)
    found = [_line(raw) for raw in lines] if isinstance(lines, list) else []
    return _progress(progress), [line for line in found if line is not None]


def _progress(raw: object) -> Progress | None:
    try:
        record: dict[str, Any] = json.loads(raw)  # type: ignore[arg-type]
        return Progress(float(record["fraction"]), str(record["message"]), float(record["at"]))
    except (ValueError, KeyError, TypeError):
        return None


def _line(raw: bytes) -> LogLine | None:
    try:
        record: dict[str, Any] = json.loads(raw)
        return LogLine(float(record["at"]), int(record["attempt"]), str(record["message"]))
    except (ValueError, KeyError, TypeError):
        return None
