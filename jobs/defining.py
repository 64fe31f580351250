"""`@task`: the functions that users' schedules run, each by its name."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from rq.job import get_current_job

from jobs import settings
from jobs.errors import InvalidSetting, UnknownTask
from jobs.running import current_run
from jobs.tiers import RetryPolicy

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class RegisteredTask:
    """A task by its name; `path` is how a worker imports the function; `retry` and `timeout` override the tier's."""

    name: str
    path: str
    function: Callable[..., object]
    retry: RetryPolicy | None = None
    timeout: int | None = None


_registered: dict[str, RegisteredTask] = {}


def task(
    name: str, *, retry: RetryPolicy | None = None, timeout: int | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a module-level function as the task `name` ([a-z0-9_]+).

    In a worker every attempt is noted, a PermanentError spends no more retries and a RetryAfter sets the next interval.
    Called anywhere else, it is the plain function. `retry` and `timeout` (seconds) override the tier's.
    """
    if not name or not name.replace("_", "").isalnum() or not name.isascii() or not name.islower():
        raise ValueError(f"task name {name!r}: use lower-case letters, digits and _")

    def register(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            job = get_current_job()
            if job is None or current_run() is not None:
                return function(*args, **kwargs)
            # Only a worker needs what notes attempts.
            from jobs import attempts

            return attempts.recorded(job, lambda: function(*args, **kwargs))

        _registered[name] = RegisteredTask(name, f"{function.__module__}.{function.__qualname__}", run, retry, timeout)
        return run

    return register


def registered() -> Mapping[str, RegisteredTask]:
    """Every task of `jobs.tasks` and of the modules that `TQ_TASKS` names. Raises InvalidSetting when one fails to import."""
    importlib.import_module("jobs.tasks")
    for module in settings.current().task_modules:
        try:
            importlib.import_module(module)
        except Exception as error:
            raise InvalidSetting(
                f"TQ_TASKS: {module} cannot be imported ({type(error).__name__}: {error}); "
                "install its package here, or put its folder into PYTHONPATH"
            ) from None
    return _registered


def lookup(name: str) -> RegisteredTask:
    """The task of that name. Raises UnknownTask."""
    if name not in _registered and name not in registered():
        raise UnknownTask(f"task {name!r} is not registered; known are {', '.join(sorted(_registered))} (see TQ_TASKS)")
    return _registered[name]
