"""The screen Schedules: what an operator reads there, and where its keys lead."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from console.model.filters import parse
from console.model.pages import Found
from console.model.queries import SOURCES, JobQuery, SchedulesQuery, UserQuery
from console.model.schedules import SchedulesPage
from console.model.status import Refused
from console.model.why.reasons import Reason
from console.screens import schedule_columns
from console.screens.place import Place
from console.screens.schedules import SchedulesView
from tests.console.view_host import SIZES, Host, drawn, text
from tests.console.view_samples import HOSTILE, SCHEDULES, entry, run, schedule, schedules_page


@asynccontextmanager
async def shown(
    page: SchedulesPage | None = None, query: SchedulesQuery | None = None, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[Host, SchedulesView, Any]]:
    view, asked = SchedulesView("schedules"), query or SchedulesQuery()
    app = Host(view)
    async with app.run_test(size=size) as pilot:
        view.open(Place("schedules", asked))
        await pilot.pause()
        if page is not None:
            view.show(asked, page)
            await pilot.pause()
        yield app, view, pilot


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_tells_who_when_and_how_it_went(size: tuple[int, int]) -> None:
    async with shown(schedules_page(total=100_000), size=size) as (_, view, _pilot):
        lines = drawn(view)
        assert "100,000" in lines[0]
        assert "100,012" in lines[0]
        ada = next(line for line in lines if "ada@example.com" in line)
        assert "● armed" in ada
        assert "in 12 min" in ada
        assert ("✓ finished" in ada) is (size[0] > 80)
        assert "●●●●●●✗●●●" in ada
        assert " scrape " in ada
        bob = next(line for line in lines if " bob " in line)
        assert "✗ failing" in bob
        assert ("✗ failed" in bob) is (size[0] > 80)
        assert "ReadTimeout" in bob
        assert "●●●●●●●●✗✗" in bob
        late = next(line for line in lines if "dora@" in line)
        assert "◐ late" in late
        assert "1 h ago" in late
        assert "no rqscheduler" in late
        assert "vendor asked" in next(line for line in lines if " cy " in line)


async def test_a_wide_screen_tells_cadence_lane_tier_duration_and_notes() -> None:
    async with shown(schedules_page(), size=(200, 60)) as (_, view, _pilot):
        said = text(view)
        for words in (
            "daily 09:00, Europe/Rome",
            "standard",
            "default",
            "4.1 s",
            "48 min ago",
            "vendor asked, ann",
            "ReadTimeout",
        ):
            assert words in said
        assert "no rqscheduler" in said
        assert " never " in said


async def test_a_schedule_that_is_as_it_should_be_tells_what_it_skipped() -> None:
    rows = (schedule(skipped={"overlapping": 3, "too late": 1}),)
    async with shown(schedules_page(rows), size=(200, 60)) as (_, view, _pilot):
        assert "skipped 4: overlapping, too late" in text(view)


@pytest.mark.parametrize(("size", "titles"), [
    (80, ["STATE", "USER", "TASK", "NEXT", "LAST 10", "NOTE"]),
    (120, ["STATE", "USER", "TASK", "CADENCE", "NEXT", "LAST RUN", "LAST 10", "NOTE"]),
])  # fmt: skip
async def test_a_smaller_screen_keeps_what_is_wrong_and_drops_how_long_the_last_run_took_first(
    size: int, titles: list[str]
) -> None:
    async with shown(schedules_page(), size=(size, 40)) as (_, view, _pilot):
        assert re.split("  +", drawn(view)[1].strip()) == titles


async def test_what_keeps_a_schedule_from_running_has_the_colour_of_what_is_wrong_and_what_somebody_wants_has_none() -> None:
    wrong = schedule(why=Reason("no_worker", "no worker on high"))
    wanted = schedule(state="paused", note="vendor asked", noted_by="ann", why=Reason("paused", "vendor asked, ann"))
    assert schedule_columns.note(wrong, 0.0) == ("no worker on high", "bad")
    assert schedule_columns.note(replace(wrong, why=Reason("workers_busy", "busy")), 0.0) == ("busy", "warn")
    assert schedule_columns.note(wanted, 0.0) == (("vendor asked", ""), (", ann", "dim"))
    assert schedule_columns.note(replace(wanted, note="", why=Reason("paused", "by ann")), 0.0) == ("by ann", "")


async def test_other_sources_tell_the_call_the_queue_and_where_they_come_from() -> None:
    rows = (entry(1), entry(2, user="ada@example.com", call="", key=b"tq-scrape-1"))
    query = SchedulesQuery(source="entries")
    async with shown(schedules_page(rows), query, size=(120, 40)) as (_, view, _pilot):
        one, two = drawn(view)[2:4]
        assert "shop.mail.digest(1)" in one
        assert "every 15 min" in one
        assert "mail" in one
        assert "rq-scheduler" in one
        assert "user schedule" in two


async def test_tab_walks_through_the_sources_and_back() -> None:
    async with shown(schedules_page()) as (app, view, pilot):
        for source in [*SOURCES[1:], SOURCES[0]]:
            assert view.do("next_list")
            await pilot.pause()
            asked = app.asked[-1].query
            assert isinstance(asked, SchedulesQuery)
            assert asked.source == source
            assert app.asked[-1].fresh
            assert "Reading …" in text(view)
        view.do("previous_list")
        await pilot.pause()
        assert app.asked[-1].query.source == SOURCES[-1]  # type: ignore[union-attr]
        assert "[rq cron jobs 0]" in drawn(view)[0]


@pytest.mark.parametrize("source", SOURCES)
async def test_an_empty_list_says_what_would_fill_it(source: Any) -> None:
    async with shown(schedules_page(()), SchedulesQuery(source=source), size=(80, 24)) as (_, view, _pilot):
        said = text(view)
        assert "No " in said
        needed = {"user": "users import", "entries": "Scheduler.schedule()", "rq": "enqueue_at()", "cron": "while rq cron runs"}
        assert needed[source] in said
        assert "…" not in said, "it fits"


async def test_what_the_server_refuses_is_not_told_as_nothing() -> None:
    page = replace(schedules_page(()), refused=(Refused("schedules", "NOPERM this user has no permissions"),))
    async with shown(page) as (_, view, _pilot):
        said = text(view)
        assert "NOPERM" in said
        assert "No user schedules" not in said
        assert "not read: schedules" in drawn(view)[0]


async def test_enter_opens_the_user_or_the_job() -> None:
    async with shown(schedules_page()) as (_app, view, _pilot):
        view.do("down")
        assert view.owner() == "bob"
        assert view.do("open") == Place("user", UserQuery("bob"))
    rq = (entry(1, source="rq", key=b"job-\xff"),)
    async with shown(schedules_page(rq), SchedulesQuery(source="rq")) as (_app, view, _pilot):
        assert view.owner() is None
        assert view.do("open") == Place("job", JobQuery(b"job-\xff"))
    cron = (entry(1, source="rq-cron"),)
    async with shown(schedules_page(cron), SchedulesQuery(source="cron")) as (_app, view, _pilot):
        assert not view.do("open")


async def test_a_user_alone_is_looked_up_and_anything_else_searched_for() -> None:
    async with shown(schedules_page()) as (app, view, pilot):
        view.filter_with(parse("user:ada@example.com", view.FIELDS))
        await pilot.pause()
        assert app.searched[-1].query is None
        assert app.asked[-1].query.filter.exact("user") == "ada@example.com"  # type: ignore[union-attr]
        view.show(app.asked[-1].query, schedules_page(()))
        await pilot.pause()
        assert "No user has a schedule whose name begins with ada@example.com" in text(view)
        for expression in ("user:ada* ", "tier:pro", "user:ada state:late", "-user:ada"):
            view.filter_with(parse(expression, view.FIELDS))
            await pilot.pause()
            assert app.searched[-1].query is not None, expression
        view.do("next_list")
        view.filter_with(parse("user:ada", view.FIELDS))
        await pilot.pause()
        assert app.searched[-1].query is not None, "entries have no index of users"


async def test_what_a_search_finds_is_asked_for_by_name() -> None:
    async with shown(query=SchedulesQuery(filter=parse("state:late", SchedulesView.FIELDS))) as (app, view, pilot):
        view.progress(Found(1_000, 100_000, (SCHEDULES[3].key,)), "")
        await pilot.pause()
        assert app.asked[-1].query.only == (SCHEDULES[3].key,)  # type: ignore[union-attr]
        view.show(app.asked[-1].query, schedules_page(SCHEDULES[3:4]))
        view.progress(Found(100_000, 100_000, (), done=True), "")
        await pilot.pause()
        assert "dora@" in text(view)
        assert "searched 100,000" in "".join(piece for piece, _ in view.summary())


async def test_the_cursor_stays_on_its_schedule_while_others_come_and_go() -> None:
    async with shown(schedules_page()) as (_, view, pilot):
        view.do("down")
        view.do("mark")
        view.do("up")
        rows = (schedule("aaron"), schedule("abel"), *SCHEDULES)
        view.show(view.asked, schedules_page(rows))
        await pilot.pause()
        assert view.owner() == "bob"
        view.show(view.asked, schedules_page(rows[2:]))
        await pilot.pause()
        assert view.owner() == "bob"
        assert view.copied() == ("schedule", "tq-scrape-bob")
        assert any(line.startswith("▸•") and "bob" in line for line in drawn(view))


async def test_hostile_texts_are_visible() -> None:
    bad = schedule(
        HOSTILE, task=HOSTILE, cadence=HOSTILE, state=HOSTILE, note=HOSTILE, tier=HOSTILE, lane=HOSTILE,
        runs=(run(1, HOSTILE, reason=HOSTILE),), last_error=HOSTILE,
    )  # fmt: skip
    async with shown(schedules_page((bad,)), size=(200, 60)) as (_, view, _pilot):
        said = text(view)
        assert "␛]52" in said
        assert all(character.isprintable() for line in drawn(view) for character in line)


async def test_a_server_that_does_not_answer_is_told_while_nothing_is_shown() -> None:
    async with shown() as (_, view, pilot):
        view.fail("redis://cache-1:6379/0: connection refused")
        await pilot.pause()
        assert "connection refused" in text(view)
        view.show(view.asked, schedules_page())
        view.fail("redis://cache-1:6379/0: connection refused")
        await pilot.pause()
        assert "bob" in text(view)
