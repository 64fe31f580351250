"""The job layer: every user's work is a task of its own, run by stock `rq worker` and stock `rqscheduler`.

What an application uses:

    from jobs import PermanentError, RetryAfter, User, log, progress, remove_user, set_schedule, set_user, task
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.controls import backfill, dispatch_all, pause, resume, run_now
    from jobs.defining import task
    from jobs.errors import PermanentError, RetryAfter
    from jobs.registering import remove_schedule, remove_user, set_schedule, set_user
    from jobs.running import current_run, log, progress
    from jobs.users import User

__all__ = [
    "PermanentError",
    "RetryAfter",
    "User",
    "backfill",
    "current_run",
    "dispatch_all",
    "log",
    "pause",
    "progress",
    "remove_schedule",
    "remove_user",
    "resume",
    "run_now",
    "set_schedule",
    "set_user",
    "task",
]

_HOMES = {
    "controls": ("backfill", "dispatch_all", "pause", "resume", "run_now"),
    "defining": ("task",),
    "errors": ("PermanentError", "RetryAfter"),
    "registering": ("remove_schedule", "remove_user", "set_schedule", "set_user"),
    "running": ("current_run", "log", "progress"),
    "users": ("User",),
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for: a worker that runs one task loads no more than that task needs."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"jobs.{module}"), name)
    raise AttributeError(f"module 'jobs' has no attribute {name!r}")
