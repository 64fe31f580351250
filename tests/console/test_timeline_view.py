"""The screen History, and what lies beneath the overview: what an operator reads there, and where the keys lead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from console.model.due import Due, Late, Peak, first_quarter
from console.model.forecast import Forecast
from console.model.history import GRIDS, SPANS, Curves, HistoryPage, Point, Span, curves, window
from console.model.outlook import Busiest, Outlook, UserUse
from console.model.promises import Delays, Overdue, Promises, TierPromise
from console.model.queries import HistoryQuery, OperationQuery, OverviewQuery, UserQuery
from console.screens import outlook_lines
from console.screens.overview import OverviewView
from console.screens.place import Place
from console.screens.timeline import TimelineView
from tests.console.fakes import status
from tests.console.view_host import SIZES, Host, drawn, in_utc, text
from tests.console.view_samples import HOSTILE, NOW, OPERATIONS


def curve(queue: str, span: Span = "24h", gap: tuple[int, int] = (0, 0), at: float | None = None) -> Curves:
    """A steady lane of 60 runs a minute, with a gap between two columns."""
    grid, (start, end) = GRIDS[span], window(span, NOW, at)
    points = []
    instant = start
    while instant <= min(NOW, end):
        column, count = int((instant - start) // grid.step_s), int(instant - start)
        if not gap[0] <= column < gap[1]:
            points.append(Point(instant, 100 + column, 7.0, 3, count, count, count // 20))
        instant += grid.apart_s
    return curves(queue, points, span, NOW, at, queue.encode("utf-8", "replace"))


def outlook(span: Span = "24h") -> Outlook:
    start = first_quarter(NOW)
    quarters = tuple(12_460 if n == 40 else 30 for n in range(96))
    return Outlook(
        NOW,
        span,
        (curve("high", span), curve("low", span, (5, 9))),
        Due(NOW, start, quarters, Peak(start + 40 * 900, 12_400), 3, 207.0),
        Promises(
            3_700,
            (
                TierPromise("high", "pro", 5.0, Delays(900, 0.3, 1.2, 4.1), Delays(900, 0.4, 2.5, 6.0)),
                TierPromise("low", "free", 3_600.0, Delays(90, 900.0, 4_000.0, 9_000.0), None, 11, 11_520.0),
            ),
            (
                Overdue("tq-scrape-1-1", "bob", "free", "low", 11_520.0),
                Overdue("tq-scrape-2-1", HOSTILE, "free", "low", 9_000.0),
            ),
            {"high": 0, "low": 431},
            50,
        ),
        Busiest((UserUse("ada", 7_260.0, 0), UserUse(HOSTILE, 60.0, 9)), (UserUse(HOSTILE, 60.0, 9),), sure=False),
    )


def page(span: Span = "24h", at: float | None = None, **given: Any) -> HistoryPage:
    found = (replace(curve("high", span), forecast=Forecast("drains", 60, 70, 240.0)), curve("low", span, (5, 9)))
    plain = HistoryPage(NOW, span, found, at, tuple(OPERATIONS), outlook(span) if at is None else None)
    return replace(plain, **given)


@asynccontextmanager
async def timeline(shown: Any = None, size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[Host, TimelineView, Any]]:
    view = in_utc(TimelineView("timeline"))
    assert isinstance(view, TimelineView)
    app = Host(view)
    async with app.run_test(size=size) as pilot:
        view.open(Place("timeline", HistoryQuery("24h")))
        await pilot.pause()
        if shown is not None:
            view.show(HistoryQuery("24h"), shown)
            await pilot.pause()
        yield app, view, pilot


def line(view: Any, start: str) -> str:
    return next(one for one in drawn(view) if one.strip("▸ ").startswith(start))


@pytest.mark.parametrize("size", SIZES)
async def test_each_lane_has_its_curves_its_values_and_what_becomes_of_it(size: tuple[int, int]) -> None:
    async with timeline(page(), size) as (_app, view, _pilot):
        lines = drawn(view)
        assert "[24 h]" in lines[0]
        assert lines[0].endswith("now")
        assert "drains in 4 min" in line(view, "high")
        assert line(view, "in/min").endswith("60")
        assert line(view, "waiting").endswith("147")
        assert line(view, "oldest").endswith("7 s")
        assert "▲" in text(view)
        low = lines[next(at for at, one in enumerate(lines) if one.strip().startswith("low")) + 1]
        wide = {80: 1, 120: 1, 200: 3}[size[0]]
        # The last column has just begun.
        assert [at for at in range(47) if low[14 + at * wide] == " "] == [5, 6, 7, 8]


@pytest.mark.parametrize(("cells", "at"), [(120, 0), (80, 2)])
def test_what_spreading_would_make_of_a_crowd_is_told_where_there_is_room(cells: int, at: int) -> None:
    def said(spread: float, count: int = 24) -> str:
        found = Due(0.0, 0.0, (count, *[0] * 95), Peak(60.0, count), spread=spread)
        rows = outlook_lines.due(found, cells, UTC)
        return "".join(text for text, _ in rows[at].line) if at < len(rows) else ""

    assert said(0.4).endswith("spread over an hour that would be less than one")
    assert said(206.7, 12_400).endswith("spread over an hour that would be 207")
    assert "spread" not in said(20.0), "it is as even as it can be"


def test_who_is_late_is_told_though_nothing_else_is_due() -> None:
    late = (Late("pro", 1_200, 10_800.0), Late(None, 1, 300.0))
    found = Due(0.0, 0.0, (0,) * 96, late=1_201, sure=False, late_by=late)
    for rows in (outlook_lines.due(found, 100, UTC), outlook_lines.due_in_a_line(found, 100, UTC)):
        said = ["".join(text for text, _ in row.line) for row in rows]
        assert said == ["✗ late: pro ~1,200, the longest 3 h; plain entries ~1, the longest 5 min"]


def test_what_a_few_schedules_tell_of_all_is_told_as_about_so_much() -> None:
    found = Due(0.0, 0.0, (240_000, *[0] * 95), Peak(60.0, 500), spread=490.0, sure=False)
    assert outlook_lines.due(found, 100, UTC)[1].line[-1][0].strip() == "~240,000"


async def test_beneath_are_promises_what_is_due_who_takes_most_and_the_audit() -> None:
    async with timeline(page(), (120, 60)) as (_app, view, _pilot):
        shown = text(view)
        assert line(view, "✓ pro on high").split()[3:] == [
            "high", "900", "1.2", "s", "4.1", "s", "5", "s", "0", "0.4", "s", "2.5", "s", "6", "s",
        ]  # fmt: skip
        assert "✗ free on low" in shown
        assert "over now: bob 3 h 12 m" in shown
        assert "431 runs wait too long" in shown
        assert "peak 00:00: 12,400 in one minute; spread over an hour that would be 207" in shown
        assert "as far as the busiest of each hour tell" in shown
        assert "ada" in shown
        assert "2 h 1 m" in shown
        assert "DONE FROM CONSOLES" in shown
        assert "\x1b" not in shown


async def test_left_goes_back_in_time_and_right_returns_to_now() -> None:
    async with timeline(page()) as (app, view, pilot):
        assert view.do("earlier")
        assert view.do("earlier")
        await pilot.pause()
        asked = app.asked[-1]
        assert isinstance(asked.query, HistoryQuery)
        assert not asked.fresh
        at = asked.query.at
        assert at is not None
        assert at // 1_800 == NOW // 1_800 - 2
        assert line(view, "waiting").endswith("145")
        # Promises and what is due are those of now, not of then.
        assert "PROMISES" not in text(view)
        view.show(asked.query, page(at=at))
        await pilot.pause()
        column = NOW // 1_800 * 1_800 - 2 * 1_800
        clock = [f"{datetime.fromtimestamp(one, UTC):%H:%M}" for one in (column, column + 1_800)]
        assert f"until {clock[1]}" in line(view, "DONE FROM CONSOLES").replace(":00,", ",")
        # What the line above says is what the axis says.
        assert f"{clock[0]}:00" in drawn(view)[0]
        assert f"{clock[0]}:00" in next(one for one in drawn(view) if "▲" in one)
        view.do("later")
        view.do("later")
        await pilot.pause()
        assert app.asked[-1].query == HistoryQuery("24h")
        view.do("later")
        assert app.asked[-1].query == HistoryQuery("24h")


async def test_a_step_over_the_left_edge_asks_for_what_was_before() -> None:
    start, _ = window("24h", NOW)
    async with timeline(page(at=start + 1)) as (app, view, pilot):
        view.asked = HistoryQuery("24h", at=start + 1)
        view.do("earlier")
        await pilot.pause()
        asked = app.asked[-1].query
        assert isinstance(asked, HistoryQuery)
        assert asked.at is not None
        assert start - 1_800 <= asked.at < start
        assert window("24h", NOW, asked.at)[0] < start


async def test_a_gap_under_the_cursor_says_that_nothing_is_known() -> None:
    start, _ = window("24h", NOW)
    shown = page(at=start + 6 * 1_800 + 1)
    async with timeline(replace(shown, curves=shown.curves[1:])) as (_app, view, _pilot):
        for label in ("in/min", "ended/min", "waiting", "oldest"):
            assert line(view, label).endswith("—")


async def test_span_keeps_the_instant() -> None:
    async with timeline(page()) as (app, view, pilot):
        view.asked = replace(view.asked, at=NOW - 7_000)
        for span in ("7d", "1h", "24h"):
            view.do("span")
            await pilot.pause()
            assert app.asked[-1].query == HistoryQuery(span, at=NOW - 7_000)


async def test_enter_opens_an_operation_and_a_user() -> None:
    async with timeline(page()) as (_app, view, _pilot):
        assert view.place_of(("operation", b"1-0")) == Place("operation", OperationQuery(b"1-0"))
        assert view.place_of(("user", b"ada")) == Place("user", UserQuery("ada"))
        targets = []
        for _ in range(view.page.length):
            targets.append(view.page.target())
            view.do("down")
        assert ("user", b"ada") in targets
        assert [target for target in targets if target and target[0] == "operation"] == [
            ("operation", row.key) for row in OPERATIONS
        ]


async def test_where_nothing_is_recorded_it_is_said_what_would_record_it() -> None:
    async with timeline(page(curves=(), near=(), outlook=None)) as (_app, view, _pilot):
        assert "Nothing is recorded of this time." in text(view)
        assert "heartbeat of rqscheduler" in text(view)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Forecast("grows", 300.0, 280.0), "grows: 300 a minute come, 280 end"),
        (Forecast("steady", 116.0, 115.0), "steady: 116 a minute come, 115 end"),
        (Forecast("never", 12.0, 0.0), "never drains"),
        (Forecast("empty"), "nothing waits"),
        (Forecast("grows"), "grows"),
    ],
)
async def test_a_queue_that_cannot_drain_says_so(found: Forecast, said: str) -> None:
    one = replace(curve("high"), forecast=found)
    async with timeline(page(curves=(one,))) as (_app, view, _pilot):
        assert said in line(view, "high")


async def test_a_name_that_would_steer_the_terminal_is_drawn_as_signs() -> None:
    async with timeline(page(curves=(curve(HOSTILE),))) as (_app, view, _pilot):
        assert "\x1b" not in text(view)


# --- beneath the overview ------------------------------------------------------------------------------


@asynccontextmanager
async def overview(found: Outlook | None, size: tuple[int, int]) -> AsyncIterator[tuple[Host, OverviewView, Any]]:
    view = in_utc(OverviewView("overview"))
    assert isinstance(view, OverviewView)
    app = Host(view)
    async with app.run_test(size=size) as pilot:
        view.open(Place("overview", OverviewQuery()))
        view.show(OverviewQuery(), status(outlook=found))
        await pilot.pause()
        yield app, view, pilot


async def test_a_small_overview_has_what_is_due_in_one_line_and_keeps_its_problems() -> None:
    async with overview(outlook(), (80, 21)) as (_app, view, _pilot):
        shown = text(view)
        assert "12,400 at 00:00" in line(view, "due in 24 h")
        assert "PROMISES" not in shown
        for word in ("start more workers", "see what they raise", "high", "default", "low"):
            assert word in shown


@pytest.mark.parametrize(("size", "words", "missing"), [
    ((120, 37), ("DUE", "PROMISES", "✗ free on low", "start more workers"), ("BUSIEST",)),
    ((200, 57), ("DUE", "PROMISES", "BUSIEST USERS", "start more workers"), ()),
])  # fmt: skip
async def test_a_larger_overview_tells_more(size: tuple[int, int], words: tuple[str, ...], missing: tuple[str, ...]) -> None:
    async with overview(outlook(), size) as (_app, view, _pilot):
        for word in words:
            assert word in text(view)
        for word in missing:
            assert word not in text(view)


async def test_the_overview_switches_the_span_of_its_curves() -> None:
    async with overview(outlook("1h"), (120, 37)) as (app, view, pilot):
        for span in (*SPANS[1:], SPANS[0]):
            view.do("span")
            await pilot.pause()
            asked = app.asked[-1].query
            assert isinstance(asked, OverviewQuery)
            assert asked.span == span
        view.show(OverviewQuery(), status(outlook=outlook("24h")))
        await pilot.pause()
        assert "each 30 min of the last 24 h" in text(view)
        [high] = [one for one in drawn(view) if one.strip().startswith("high") and one.endswith("failed")]
        assert high.split()[-4:] == ["84,600", "done", "4,230", "failed"]


async def test_history_is_of_the_lanes_or_of_the_queue_under_the_cursor() -> None:
    from tests.console.fakes import LANES, queue

    async with overview(None, (120, 37)) as (_app, view, pilot):
        view.show(OverviewQuery(), status(queues=(*LANES, queue("mail", waiting=3))))
        await pilot.pause()
        assert view.do("history") == Place("timeline", HistoryQuery())
        view.do("last")
        assert view.do("history") == Place("timeline", HistoryQuery(queue=b"mail"))


def test_what_the_busiest_users_have_failed_at_is_attempts() -> None:
    users = (UserUse("ada", 61.0, 1), UserUse("bob", 7.0, 1_200))
    rows = ["".join(part for part, _ in row.line) for row in outlook_lines.busiest(Busiest(users, users), 100)]
    assert rows[1].split() == ["ada", "1", "min", "1", "attempt", "failed"]
    assert rows[2].split() == ["bob", "7", "s", "1,200", "attempts", "failed"]
    assert rows[3] == "most failed attempts: ada 1, bob 1,200"


@pytest.mark.parametrize(("held_back", "said"), [(1, "1 job waits for a rate limit"), (12, "12 jobs wait for a rate limit")])
async def test_what_waits_for_a_rate_limit_is_in_no_row_and_told_above_the_problems(held_back: int, said: str) -> None:
    async with overview(None, (120, 37)) as (_app, view, pilot):
        assert "rate limit" not in text(view)
        view.show(OverviewQuery(), replace(status(), held_back=held_back))
        await pilot.pause()
        assert said in text(view)
