"""What a filter knows of a job's row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.model.filters import parse
from console.model.job_terms import FIELDS, function, matches, terms
from console.model.pages import JobRow

NOW = 1_700_000_000.0
ROW = JobRow(
    key=b"job-1",
    id="job-1",
    queue="low",
    state="queued",
    call="jobs.tasks.scrape.run('ada@example.com')",
    user="ada@example.com",
    tier="pro",
    task="scrape",
    created_at=NOW - 100,
    enqueued_at=NOW - 90,
    worker="w1",
    retries_left=2,
)
RUNNING = replace(ROW, state="running", started_at=NOW - 30)
RETRIED = replace(RUNNING, ended_at=NOW - 40)
FAILED = replace(ROW, state="failed", started_at=NOW - 30, ended_at=NOW - 10, error="ValueError: no price")


def test_every_field_is_told() -> None:
    text, numbers = terms(ROW, NOW)
    assert set(text) == {field for field, kind in FIELDS.items() if kind == "text"}
    assert set(numbers) == {field for field, kind in FIELDS.items() if kind != "text"}


@pytest.mark.parametrize(
    ("row", "age", "ran", "waited"),
    [
        (ROW, 90, None, 90),
        (replace(ROW, enqueued_at=None), 100, None, 100),
        (replace(ROW, created_at=None, enqueued_at=None), None, None, None),
        (RUNNING, 90, 30, 60),
        (RETRIED, 90, 30, 60),
        (FAILED, 10, 20, 60),
        (replace(FAILED, state="stopped"), 10, 20, 60),
        (replace(FAILED, state="finished"), 90, 20, 60),
        (replace(FAILED, ended_at=None), 90, None, 60),
        # Enqueued anew for its next try, which has not begun.
        (replace(ROW, state="finished", started_at=NOW - 95), 90, None, None),
        # A clock ahead of ours.
        (replace(ROW, enqueued_at=NOW + 5), 0, None, 0),
        (replace(ROW, state="scheduled"), 90, None, None),
    ],
)
def test_durations(row: JobRow, age: float | None, ran: float | None, waited: float | None) -> None:
    assert terms(row, NOW)[1] == {"age": age, "ran": ran, "waited": waited, "retries": 2.0}


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ("jobs.tasks.scrape.run('ada')", "jobs.tasks.scrape.run"),
        ("run(f(1))", "run"),
        (" run (1)", "run"),
        ("send the weekly mail (all users)", None),
        ("nothing in parentheses", None),
        ("(no name)", None),
        ("", None),
    ],
)
def test_the_function_is_the_head_of_the_description(call: str, named: str | None) -> None:
    assert function(call) == named


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("", True),
        ("lane:low queue=low state:queued", True),
        ("func:*scrape*", True),
        ("func=run", False),
        ("age>1m age<2m retries:2", True),
        ("ran>0", False),
        ("error:x", False),
        ("-error:x", True),
        ("scrape", True),
        ("ADA", True),
        ("job-1", True),
        ("low", True),
        # A bare word is looked for in what a person would call the job by.
        ("queued", False),
        ("pro", False),
        ("w1", False),
        ("-pro", True),
    ],
)
def test_a_filter_over_a_row(expression: str, holds: bool) -> None:
    assert matches(parse(expression, FIELDS), ROW, NOW) is holds
