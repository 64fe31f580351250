"""Tasks of the drills."""

from __future__ import annotations

from rq import get_current_job

RUNS = "test:runs"
"""hash: how often each job ran, by its id."""


def count() -> None:
    job = get_current_job()
    assert job is not None
    job.connection.hincrby(RUNS, job.id, 1)
