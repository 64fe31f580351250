"""What a filter finds in the row of a schedule, and what must be read for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.model import filters, schedule_terms
from console.model.schedule_terms import FIELDS
from console.model.schedules import ScheduleRow

NOW = 1_800_000_000.0

ADA = ScheduleRow(
    b"tq-scrape-1",
    "tq-scrape-1",
    "user",
    "late",
    user="ada@example.com",
    tier="pro",
    task="scrape",
    lane="high",
    call="scrape_for_user('ada@example.com')",
    next_at=NOW - 300,
    fired=12,
    note="vendor asked",
    last_error="TimeoutError: too slow",
)


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("", True),
        ("user:ada", True),
        ("user=ada", False),
        ("user:*@example.com tier:pro task:scrape lane:high", True),
        ("state:late -state:paused", True),
        ("source=user", True),
        ("source:rq", False),
        ("id:tq-scrape", True),
        ("call:scrape_for_user", True),
        ("note:vendor", True),
        ("error:timeout", True),
        ("late>4m", True),
        ("late>6m", False),
        ("late<6m", True),
        ("fired>=12 fired<13", True),
        ("fired:11", False),
        ("vendor", True),
        ("high", True),
        # In a bare word, states and sources and errors have no part.
        ("late", False),
        ("TimeoutError", False),
        ('-"vendor"', False),
    ],
)
def test_a_filter_on_a_row(expression: str, holds: bool) -> None:
    assert schedule_terms.matches(filters.parse(expression, FIELDS), ADA, NOW) is holds


@pytest.mark.parametrize("state", ["paused", "inactive"])
def test_what_is_not_meant_to_fire_is_never_late(state: str) -> None:
    row = replace(ADA, state=state)
    assert not schedule_terms.matches(filters.parse("late>0", FIELDS), row, NOW)
    assert not schedule_terms.matches(filters.parse("late<1h", FIELDS), row, NOW)


def test_what_is_not_known_matches_nothing_but_what_denies_it() -> None:
    row = ScheduleRow(b"x", "x", "rq", "foreign")
    assert not schedule_terms.matches(filters.parse("user:a", FIELDS), row, NOW)
    assert schedule_terms.matches(filters.parse("-user:a", FIELDS), row, NOW)
    assert not schedule_terms.matches(filters.parse("late>0", FIELDS), row, NOW)
    assert not schedule_terms.matches(filters.parse("fired:0", FIELDS), row, NOW)


@pytest.mark.parametrize(
    ("expression", "definition", "runs", "errors"),
    [
        ("", False, False, False),
        ("user:ada -task:scrape id:x", False, False, False),
        ("tier:pro", True, False, False),
        ("word", True, False, False),
        ("state:paused", True, False, False),
        ("-state:late", True, False, False),
        ("state:running", True, True, False),
        ("state:armed", True, True, False),
        ("-state:failing", True, True, False),
        ("state:r*", True, True, False),
        ("error:x", True, True, True),
    ],
)
def test_no_more_is_read_than_a_filter_asks_for(expression: str, definition: bool, runs: bool, errors: bool) -> None:
    filter = filters.parse(expression, FIELDS)
    assert schedule_terms.needs_definition(filter) is definition
    assert schedule_terms.needs_runs(filter) is runs
    assert schedule_terms.needs_errors(filter) is errors
