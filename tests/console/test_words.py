"""Numbers, durations and instants in few letters: right at every border, and never an error."""

from __future__ import annotations

import time
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model import words
from console.model.queries import JOB_STATES

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-(2.0**53), max_value=2.0**53)


@pytest.mark.parametrize(("number", "said"), [(None, "—"), (0, "0"), (999, "999"), (18_240, "18,240")])
def test_a_count(number: int | None, said: str) -> None:
    assert words.count(number) == said


@pytest.mark.parametrize(
    ("number", "said"), [(None, "—"), (0, "0"), (0.25, "0.2"), (3.0, "3"), (9.94, "9.9"), (61.4, "61"), (12_400.0, "12,400")]
)
def test_a_rate(number: float | None, said: str) -> None:
    assert words.rate(number) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "—"), (0, "0 s"), (0.44, "0.4 s"), (4.0, "4 s"), (9.94, "9.9 s"), (10.7, "10 s"), (59.9, "59 s"), (60, "1 min"),
        (3_599, "59 min"), (3_600, "1 h"), (3_659, "1 h"), (3_660, "1 h 1 m"), (11_520, "3 h 12 m"), (86_399, "23 h 59 m"),
        (86_400, "1 d"), (439_200, "5 d 2 h"), (99 * 86_400 + 3_600, "99 d 1 h"), (100 * 86_400 + 3_600, "100 d"),
        (4_000 * 86_400, "4,000 d"),
    ],
)  # fmt: skip
def test_an_age(seconds: float | None, said: str) -> None:
    assert words.age(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "0 s"),
        (41.9, "41 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (86_399, "23 h"),
        (86_400 * 1_000, "1,000 d"),
    ],
)
def test_a_rough_duration(seconds: float, said: str) -> None:
    assert words.rough(seconds) == said


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (None, "—"),
        (1_000.0, "now"),
        (1_000.9, "now"),
        (999.1, "now"),
        (1_720.0, "in 12 min"),
        (400.0, "10 min ago"),
        (998.0, "2 s ago"),
    ],
)
def test_an_instant_as_seen_from_now(at: float | None, said: str) -> None:
    assert words.relative(at, 1_000.0) == said


def test_an_instant_in_a_zone_with_its_date_unless_that_is_today() -> None:
    noon = 1_767_268_800.0  # 2026-01-01T12:00:00Z
    assert words.absolute(noon, UTC) == "2026-01-01 12:00:00"
    assert words.absolute(noon, UTC, noon + 3_600) == "12:00:00"
    assert words.absolute(noon, UTC, noon + 86_400) == "2026-01-01 12:00:00"
    assert words.absolute(noon, ZoneInfo("Asia/Tokyo"), noon + 3 * 3_600 + 1) == "2026-01-01 21:00:00"
    assert words.absolute(noon, ZoneInfo("Asia/Tokyo"), noon + 3 * 3_600 - 1) == "21:00:00"
    assert words.absolute(None, UTC) == "—"


def test_an_instant_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert words.absolute(1_767_268_800.0, None) == "2026-01-01 21:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("at", [2.0**53, -(2.0**53), 1e12])
def test_an_instant_that_no_calendar_has_is_its_number(at: float) -> None:
    assert words.absolute(at, UTC) == f"{at:.0f}"
    assert words.absolute(at, None, 0.0) == f"{at:.0f}"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (None, "—"), (0, "0 B"), (640, "640 B"), (1_023, "1023 B"), (1_024, "1.0 KiB"), (1_229, "1.2 KiB"),
        (18 * 1024**2, "18 MiB"), (5 * 1024**3, "5.0 GiB"), (3 * 1024**4, "3.0 TiB"), (4_000 * 1024**4, "4,000.0 TiB"),
    ],
)  # fmt: skip
def test_a_size(number: int | None, said: str) -> None:
    assert words.size(number) == said


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ("jobs.tasks.scrape.scrape_for_user('ada')", "scrape_for_user('ada')"),
        ("shop.Mail.send(1)", "Mail.send(1)"),
        ("send()", "send()"),
        ("shop.mail.send(path='a.b(c)')", "send(path='a.b(c)')"),
        ("nightly report of shop.example (all of it)", "nightly report of shop.example (all of it)"),
        ("no call at all", "no call at all"),
        ("a..b(1)", "a..b(1)"),
        ("", ""),
    ],
)
def test_a_call_without_its_modules(description: str, said: str) -> None:
    assert words.call(description) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("jobs.tasks.scrape.scrape_for_user", "scrape_for_user"),
        ("shop.Mail.send", "Mail.send"),
        ("send", "send"),
        ("nightly report of shop.example", "nightly report of shop.example"),
        ("", ""),
    ],
)
def test_a_function_without_its_modules(name: str, said: str) -> None:
    assert words.function(name) == said


@pytest.mark.parametrize(
    ("number", "most", "bar"),
    [
        (0, 10, ""),
        (-1, 10, ""),
        (3, 0, ""),
        (10, 10, "████"),
        (20, 10, "████"),
        (5, 10, "██"),
        (1, 1_000_000, "▏"),
        (3, 16, "▊"),
    ],
)
def test_a_bar(number: int, most: int, bar: str) -> None:
    assert words.bar(number, most, 4) == bar


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, 40))
def test_a_bar_is_never_nothing_for_something_and_never_too_long(number: int, most: int, cells: int) -> None:
    assert 1 <= len(words.bar(number, most, cells)) <= cells


@given(FINITE, FINITE)
def test_any_finite_number_can_be_said(one: float, other: float) -> None:
    said = [
        words.age(abs(one)),
        words.rough(abs(one)),
        words.relative(one, other),
        words.absolute(one, UTC, other),
        words.rate(one),
    ]
    assert all(text and text.isprintable() for text in said)
    assert words.size(int(abs(one)))


def test_every_state_has_a_sign_of_its_own_kind() -> None:
    assert set(JOB_STATES) <= set(words.GLYPHS)
    assert all(len(sign) == 1 for sign in words.GLYPHS.values())
    assert set(words.TONES) <= set(words.GLYPHS)


def test_what_is_decided_on_names_its_zone() -> None:
    at = 1_764_079_331.0
    assert words.in_zone(at, UTC) == "2025-11-25 14:02:11 UTC"
    assert words.in_zone(at, ZoneInfo("Europe/Rome")) == "2025-11-25 15:02:11 CET"
    assert words.in_zone(1e300, UTC) == words.absolute(1e300, UTC)
