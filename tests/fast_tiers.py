"""Tiers that come due within seconds, and the tests' own tasks, for this process and for the stock ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from jobs import attempts, schedules, settings, tiers
from jobs.attempts import Attempt
from jobs.schedules import RunRecord, schedule_id
from tests.conftest import until

ROOT = Path(__file__).parents[1]

TIERS = """
[tiers.pro]
every = "2s"
retry = { max = 3, base = "1s", cap = "2s", jitter = 0.0 }
timeout = "20s"
[tiers.free]
every = "4s"
retry = { max = 2, base = "1s", cap = "1s", jitter = 0.0 }
[tiers.slow]
every = "1h"
lane = "default"
promise = "1m"
retry = { max = 3, base = "1s", cap = "2s", jitter = 0.0 }
"""


@pytest.fixture(autouse=True)
def fast_tiers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tiers.toml"
    file.write_text(TIERS)
    monkeypatch.setenv("TQ_TIERS", str(file))
    monkeypatch.setenv("TQ_TASKS", "tests.sample_tasks")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TQ_LOST_AFTER", "2")
    settings.current.cache_clear()
    tiers.current.cache_clear()


def runs_of(redis: Redis, user: str, task: str) -> list[RunRecord]:
    """The runs of a schedule, newest first."""
    return schedules.last_runs(redis, [schedule_id(user, task)])[0]


def attempts_of(redis: Redis, run_id: str) -> list[Attempt]:
    return attempts.read(redis, [run_id])[0]


def until_run(redis: Redis, user: str, task: str, holds: Callable[[RunRecord], bool], timeout: float = 40) -> RunRecord:
    """Wait until one of the schedule's runs is as wanted, and return it."""
    found: RunRecord = until(
        lambda: next(filter(holds, runs_of(redis, user, task)), None),
        timeout,
        f"a run of {task}, not {runs_of(redis, user, task)}",
    )
    return found
