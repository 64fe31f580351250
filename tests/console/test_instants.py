"""Instants and durations as operators write them."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from console.model.instants import duration, instant, span

NOW = 1_764_079_331.0
"""2025-11-25 14:02:11 UTC."""
ROME = ZoneInfo("Europe/Rome")


@pytest.mark.parametrize(
    ("line", "after_s"),
    [
        ("now", 0),
        ("in 10m", 600),
        ("+1h30m", 5_400),
        ("in 2 days", 172_800),
        ("14:02:12", 1),
        ("14:02", 86_400 - 11),
        ("2025-11-25 15:02:11", 3_600),
        ("2025-11-25T16:02:11+02:00", 0),
    ],
)
def test_an_instant(line: str, after_s: float) -> None:
    assert instant(line, NOW, UTC) - NOW == after_s


def test_a_time_of_day_is_meant_in_the_zone_that_is_shown() -> None:
    assert instant("15:03:11", NOW, ROME) - NOW == 60
    assert instant("2025-11-25 15:02:11", NOW, ROME) - NOW == 0


@pytest.mark.parametrize(
    "line", ["", "soon", "in", "in -5m", "25:00", "14:75", "2025-13-01", "9999-01-01", "in 99999w", "in 0s", "in 2 months"]
)
def test_what_is_no_instant_says_how_to_write_one(line: str) -> None:
    with pytest.raises(ValueError, match=r"write|ten years"):
        instant(line, NOW, UTC)


@pytest.mark.parametrize(("line", "seconds"), [("90s", 90), ("1h30m", 5_400), ("2 days 1 h", 176_400), ("1w", 604_800)])
def test_a_duration(line: str, seconds: int) -> None:
    assert duration(line) == seconds


def test_a_span() -> None:
    assert span("24h", NOW, UTC) == (NOW - 86_400, NOW)
    assert span("2025-11-25 13:02:11 to now", NOW, UTC) == (NOW - 3_600, NOW)
    for wrong in ("", "now to 2025-11-25 13:00", "yesterday"):
        with pytest.raises(ValueError, match=r"write|earlier"):
            span(wrong, NOW, UTC)
