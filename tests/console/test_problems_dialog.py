"""The list of problems, opened by a key from anywhere: each problem leads to where its evidence is seen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import fields
from typing import get_args

import pytest
from redis import Redis
from rq import Queue

from console.model import queries
from console.model.filters import Filter
from console.model.queries import FailuresQuery, JobsQuery, OverviewQuery, ViewQuery, WorkersQuery
from console.model.status import Problem
from console.model.text import shell_word
from console.screens.place import seen_at
from console.screens.views import made
from jobs import keys
from jobs.registering import set_users
from jobs.schedules import schedule_id
from jobs.users import User
from tests.console.driven import drive as drive
from tests.console.fakes import FakeReader, status
from tests.console.opened import console
from tests.console.pilots import Driver, driving
from tests.hostile import EVIL

PROBLEMS = (
    Problem("no_worker", "error", "mail", "3 jobs wait and no worker listens", "rq worker mail", 3, JobsQuery(queue=b"mail")),
    Problem("failing", "error", "high", "212 of 300 runs failed " * 20, "see them", 2, FailuresQuery(b"high")),
    Problem("worker_gone", "warning", "2 workers", "ended", "start others", 0, WorkersQuery(), ("w-1", "w-2")),
    Problem("evicting", "warning", "server", "drops keys", "CONFIG SET maxmemory-policy noeviction"),
)


def opened(problems: tuple[Problem, ...] = PROBLEMS, **given: object) -> AbstractAsyncContextManager[Driver]:
    return driving(console(FakeReader(status=status(problems=problems)), **given))


@pytest.mark.parametrize(
    ("downs", "screen", "query"),
    [(0, "jobs", JobsQuery(queue=b"mail")), (1, "failures", FailuresQuery(b"high")), (2, "workers", WorkersQuery())],
)
async def test_enter_opens_the_evidence_and_escape_leads_back(downs: int, screen: str, query: ViewQuery) -> None:
    async with opened() as driver:
        await driver.shows("4 problems", "! opens them")
        await driver.press("exclamation_mark")
        await driver.shows("enter opens the evidence", "→ rq worker mail", "w-1, w-2")
        await driver.press(*["down"] * downs, "enter")
        await driver.until(lambda: driver.app.screen_name == screen)
        assert driver.app.view.asked == query
        await driver.press("escape")
        await driver.until(lambda: driver.app.screen_name == "overview")


async def test_a_problem_without_a_screen_says_so_and_the_list_stays() -> None:
    async with opened() as driver:
        await driver.shows("4 problems")
        await driver.press("exclamation_mark", "end", "enter")
        await driver.shows("no screen shows more of this")
        await driver.press("exclamation_mark")
        await driver.shows_not("no screen shows more of this")
        assert driver.app.screen_name == "overview"


async def test_it_opens_from_another_screen_and_by_a_click_on_what_counts_them() -> None:
    async with opened(screen="workers") as driver:
        await driver.shows("4 problems")
        await driver.press("exclamation_mark")
        await driver.shows("enter opens the evidence")
        await driver.press("escape", "1")
        await driver.shows("! opens them")
        await driver.pilot.click("#views OverviewView #strip", offset=(3, 0))
        await driver.shows("enter opens the evidence")


async def test_without_a_problem_there_is_no_list() -> None:
    async with opened(()) as driver:
        await driver.shows("no problem found")
        await driver.press("exclamation_mark")
        await driver.says("no problem was found")


async def test_what_strangers_wrote_is_drawn_as_signs() -> None:
    async with opened((Problem("no_worker", "error", EVIL, EVIL, EVIL, 1, OverviewQuery(), (EVIL, "x")),)) as driver:
        await driver.shows("1 problem")
        await driver.press("exclamation_mark")
        await driver.shows("enter opens the evidence", "␛[31mTQ-ANSI")
        assert "\x1b" not in driver.text


async def test_a_name_with_a_line_break_is_drawn_on_one_line_and_its_remedy_names_it() -> None:
    name = "über\nline"
    found = Problem("no_worker", "error", name, f"1 job waits: {name}", f"rq worker {shell_word(name)}", 1, None, (name, "x"))
    async with opened((found,)) as driver:
        await driver.shows("1 problem")
        await driver.press("exclamation_mark")
        await driver.shows("✗ über␊line: 1 job waits: über␊line", "→ rq worker $'über\\nline'", "  über␊line, x")


async def test_on_a_real_server_a_queue_without_workers_leads_to_its_jobs(
    redis: Redis, drive: Callable[..., AbstractAsyncContextManager[Driver]]
) -> None:
    Queue("mail", connection=redis).enqueue("time.sleep", 0, job_id="waits")
    async with drive("overview") as driver:
        await driver.shows("! opens them", "mail: ")
        await driver.press("exclamation_mark")
        await driver.shows("enter opens the evidence")
        await driver.press("enter")
        await driver.shows("waits")
        assert driver.app.view.asked == JobsQuery(queue=b"mail")


async def test_on_a_real_server_the_filter_that_shows_the_evidence_is_shown_and_can_be_taken_off(
    redis: Redis, drive: Callable[..., AbstractAsyncContextManager[Driver]]
) -> None:
    set_users(redis, [User("ada", "pro"), User("bob", "pro")])
    redis.zadd(keys.FAILING, {schedule_id("ada", "scrape"): 2})
    async with drive("overview") as driver:
        await driver.shows("1 schedule has failed at least 2 times in a row")
        await driver.press("exclamation_mark")
        await driver.shows("enter opens the evidence")
        await driver.press("down", "enter")
        await driver.shows("failed>=2", "ada", "1 schedule")
        await driver.shows_not("bob")
        await driver.press("asterisk", "D")
        await driver.shows("under failed>=2")
        await driver.press("escape", "minus", "backspace")
        await driver.shows("bob")


def test_every_query_that_a_screen_asks_has_its_place_and_the_others_have_none() -> None:
    without = {queries.SlotsQuery, queries.WhyQuery, queries.DoctorQuery}
    for kind in get_args(ViewQuery):
        query = object.__new__(kind)
        if "filter" in {field.name for field in fields(kind)}:
            object.__setattr__(query, "filter", Filter())
        place = seen_at(query)
        assert (place is None) == (kind in without), kind
        if place is not None:
            assert made(place.screen).name == place.screen
    assert seen_at(None) is None
