"""Filters in the console: how they are written, what they list, and where they stay."""

from __future__ import annotations

from tests.console.fakes import FakeReader
from tests.console.opened import console, jobs_view
from tests.console.pilots import driving


async def test_a_filter_searches_and_comes_along_to_the_next_screen() -> None:
    reader = FakeReader()
    async with driving(console(reader)) as driver:
        await driver.press("2")
        await driver.shows("200 jobs")
        await driver.press("slash")
        await driver.write("user:user-19")
        await driver.press("enter")
        await driver.shows("11 jobs", "searched 200", "/ user:user-19", "job-199")
        await driver.press("3")
        await driver.shows("1 failure", "/ user:user-19")
        await driver.press("backspace")
        await driver.shows("40 failures")
        await driver.press("2")
        await driver.shows("11 jobs")


async def test_a_wrong_filter_says_what_is_wrong_and_keeps_the_old_result() -> None:
    async with driving(console()) as driver:
        await driver.press("2")
        await driver.shows("200 jobs")
        await driver.press("slash")
        await driver.write("usr:ada")
        await driver.shows("there is no field usr", "column 1")
        await driver.press("enter")
        await driver.shows("there is no field usr", "200 jobs")
        await driver.press("escape")
        await driver.shows_not("there is no field")
        await driver.shows("200 jobs", "job-0")


async def test_letters_that_are_keys_are_letters_in_a_filter() -> None:
    async with driving(console()) as driver:
        await driver.press("2")
        await driver.shows("200 jobs")
        await driver.press("slash")
        await driver.write("q123tzop")
        await driver.shows("/ q123tzop")
        assert driver.app.is_running


async def test_the_first_screen_and_filter_may_be_given() -> None:
    async with driving(console(screen="failures", expression="user:user-3")) as driver:
        await driver.shows("11 failures", "/ user:user-3")


async def test_a_first_filter_that_is_none_is_told() -> None:
    async with driving(console(screen="failures", expression="usr:x")) as driver:
        await driver.says("filter, column 1: there is no field usr")
        await driver.shows("40 failures")


async def test_the_filter_that_is_shown_is_the_one_that_is_listed() -> None:
    reader = FakeReader()
    async with driving(console(reader)) as driver:
        await driver.press("2")
        await driver.shows("200 jobs")
        await driver.press("slash")
        await driver.write("state:failed queue:low")
        await driver.press("enter")
        await driver.shows("[failed", "/ state:failed queue:low")
        await driver.press("tab")
        await driver.shows("[canceled", "/ queue:low")
        assert "state:failed" not in driver.text
        await driver.press("slash")
        await driver.press("ctrl+u")
        await driver.write("user:user-1")
        await driver.press("enter")
        await driver.shows("/ user:user-1", "every queue")
        assert jobs_view(driver).asked.queue is None


async def test_a_state_that_is_none_is_told_with_those_that_are() -> None:
    async with driving(console()) as driver:
        await driver.press("2")
        await driver.shows("200 jobs")
        await driver.press("slash")
        await driver.write("state:fail")
        await driver.press("enter")
        await driver.shows("state is one of queued, running, retrying", "column 7", "200 jobs")


async def test_the_counts_of_every_queue_are_not_told_of_one() -> None:
    reader = FakeReader()
    async with driving(console(reader)) as driver:
        await driver.shows("18,240")
        await driver.press("2")
        await driver.shows("[queued 200]")
        reader.gate.clear()
        await driver.press("1")
        await driver.press("j", "j", "enter")
        await driver.shows("low", "[queued]")
        reader.gate.set()
        await driver.shows("[queued 200]")
