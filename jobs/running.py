"""What a task may know and say of the run that it is: its identity, its progress, its log."""

from __future__ import annotations

import json
import time
from contextvars import ContextVar
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from jobs import keys

MAX_LOG_LINES = 200
MAX_LINE = 500
PROGRESS_INTERVAL = 0.2
"""Seconds between two writes of the progress; what comes sooner is not written, but for the end."""


@dataclass(frozen=True, slots=True)
class CurrentRun:
    """The run that this process is working on. `slot` is an epoch second, or None for a job that no schedule made."""

    id: str
    schedule: str
    user: str
    tier: str
    slot: int | None
    connection: Redis
    attempt: int
    keep: int


current: ContextVar[CurrentRun | None] = ContextVar("current_run", default=None)
_progress_at: ContextVar[float] = ContextVar("progress_at", default=0.0)


def current_run() -> CurrentRun | None:
    """The run that this process is working on, None outside of one."""
    return current.get()


def progress(fraction: float, message: str = "") -> None:
    """Say how far the run is: `fraction` from 0 to 1. Outside a run, nothing."""
    run = current.get()
    now = time.time()
    if run is None or (now - _progress_at.get() < PROGRESS_INTERVAL and fraction < 1):
        return
    _progress_at.set(now)
    text = json.dumps({"fraction": min(1.0, max(0.0, fraction)), "message": message[:MAX_LINE], "at": round(now, 3)})
    try:
        run.connection.hset(keys.ATTEMPTS + run.id, "progress", text)
    except RedisError:
        # What a run says of itself must not be what ends it.
        return


def log(message: str) -> None:
    """Add a line to the run's log: the newest 200 lines of 500 characters are kept. Outside a run, nothing."""
    run = current.get()
    if run is None:
        return
    line = json.dumps({"at": round(time.time(), 3), "attempt": run.attempt, "message": message[:MAX_LINE]})
    try:
        with run.connection.pipeline() as pipe:
            pipe.rpush(keys.LOG + run.id, line)
            pipe.ltrim(keys.LOG + run.id, -MAX_LOG_LINES, -1)
            pipe.expire(keys.LOG + run.id, run.keep)
            pipe.execute()
    except RedisError:
        return
