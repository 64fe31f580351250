"""What is shown is what was asked, and says how old it is: late answers, slow servers, outages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.screens import listing
from tests.console.fakes import NOW, FakeReader, job, status
from tests.console.opened import console, jobs_view
from tests.console.pilots import driving


async def test_a_late_answer_for_the_screen_before_is_dropped() -> None:
    reader = FakeReader()
    async with driving(console(reader)) as driver:
        await driver.press("2")
        await driver.shows("200 jobs")
        reader.gate.clear()
        held = len(reader.asked)
        await driver.until(lambda: len(reader.asked) > held, "a read that is held back")
        await driver.press("tab", "3")
        reader.gate.set()
        await driver.shows("ReadTimeout", "40 failures")
        await driver.press("escape")
        await driver.shows("[running")


async def test_an_answer_for_another_state_of_the_same_screen_is_dropped() -> None:
    reader = FakeReader()
    async with driving(console(reader)) as driver:
        await driver.press("2")
        await driver.shows("200 jobs")
        reader.gate.clear()
        held = len(reader.asked)
        await driver.until(lambda: len(reader.asked) > held, "a read that is held back")
        await driver.press("tab")
        view = jobs_view(driver)
        assert view.table.total == 0
        reader.jobs = []
        reader.gate.set()
        await driver.shows("No running jobs")
        assert view.table.total == 0


async def test_an_outage_keeps_the_rows_says_their_age_and_ends_by_itself() -> None:
    at = [NOW]
    reader = FakeReader()
    async with driving(console(reader, clock=lambda: at[0], refresh_s=0.05)) as driver:
        await driver.press("2")
        await driver.shows("job-0", "live 0.05 s")
        reader.failing = "rediss://…@cache-1/0: cannot be reached (Connection refused); is it running?"
        at[0] += 42
        await driver.shows("STALE 42 s", "cannot be reached (Connection refused)", "job-0")
        await driver.press("j")
        await driver.press("enter")
        await driver.shows("The server did not answer.")
        reader.failing = ""
        await driver.shows("live 0.05 s", "ValueError: no")
        await driver.shows_not("STALE")
        await driver.shows_not("cannot be reached")


async def test_a_server_that_is_not_there_at_the_start_is_told_and_awaited() -> None:
    reader = FakeReader(failing="redis://localhost:6379/0: cannot be reached (Connection refused)")
    async with driving(console(reader)) as driver:
        await driver.shows("The server did not answer.", "Connection refused")
        reader.failing = ""
        await driver.shows("18,240")


async def test_a_slow_server_makes_the_screen_stale_before_anything_fails() -> None:
    at = [NOW]
    reader = FakeReader()
    async with driving(console(reader, clock=lambda: at[0])) as driver:
        await driver.shows("18,240")
        reader.gate.clear()
        at[0] += 30
        await driver.shows("STALE 30 s")
        reader.gate.set()
        await driver.shows("live")


async def test_what_was_read_before_is_not_told_to_be_fresh_when_one_comes_back() -> None:
    at = [NOW]
    reader = FakeReader()
    async with driving(console(reader, clock=lambda: at[0])) as driver:
        await driver.shows("18,240", "live")
        await driver.press("2")
        await driver.shows("200 jobs")
        at[0] += 600
        await driver.until(lambda: driver.app.view.as_of == at[0])
        reader.gate.clear()
        held = len(reader.asked)
        await driver.until(lambda: len(reader.asked) > held, "a read that is held back")
        await driver.press("1")
        await driver.shows("18,240", "STALE 10 min")
        reader.gate.set()
        await driver.shows("live")


async def test_the_failure_of_the_screen_before_is_not_told_of_this_one() -> None:
    reader = FakeReader()
    async with driving(console(reader)) as driver:
        await driver.press("2")
        await driver.shows("200 jobs")
        reader.gate.clear()
        reader.failing = "too slow"
        held = len(reader.asked)
        await driver.until(lambda: len(reader.asked) > held, "a read that is held back")
        await driver.press("3")
        reader.refuse_before = len(reader.asked)
        reader.gate.set()
        await driver.shows("40 failures")
        assert "too slow" not in driver.text
        assert "did not answer" not in driver.text


async def test_in_an_outage_the_lists_that_were_read_before_are_still_there() -> None:
    at = [NOW]
    reader = FakeReader()
    async with driving(console(reader, clock=lambda: at[0])) as driver:
        await driver.press("2")
        await driver.shows("200 jobs")
        await driver.press("3")
        await driver.shows("40 failures")
        reader.failing = "cannot be reached"
        at[0] += 60
        await driver.shows("STALE 1 min", "again within")
        await driver.press("2")
        await driver.shows("job-0", "200 jobs", "STALE 1 min")
        await driver.press("3")
        await driver.shows("ReadTimeout", "40 failures", "cannot be reached")


async def test_in_an_outage_what_was_never_read_is_not_told_to_be_empty_or_fresh() -> None:
    at = [NOW]
    reader = FakeReader(status=replace(status(), problems=()))
    async with driving(console(reader, clock=lambda: at[0])) as driver:
        await driver.shows("✓ no problem", "live")
        reader.gate.clear()
        held = len(reader.asked)
        await driver.until(lambda: len(reader.asked) > held, "a read that is held back")
        at[0] += 60
        await driver.shows("STALE 1 min")
        assert "no problem" not in driver.text.splitlines()[0]
        await driver.press("4")
        await driver.shows("Reading …", "STALE 1 min")
        assert "0 schedules" not in driver.text
        reader.gate.set()
        await driver.shows("live", "✓ no problem")


async def test_frozen_means_that_nothing_moves_until_it_is_thawed() -> None:
    reader = FakeReader()
    async with driving(console(reader)) as driver:
        await driver.press("2")
        await driver.shows("200 jobs")
        await driver.press("p")
        await driver.shows("FROZEN")
        reader.jobs.append(job(999))
        await driver.press("f5")
        await driver.shows("201 jobs")
        reader.jobs.append(job(998))
        await driver.press("p")
        await driver.shows("202 jobs", "live")


async def test_what_a_search_has_found_is_searched_for_again_in_time_and_the_cursor_stays_on_its_row() -> None:
    at = [NOW]
    reader = FakeReader()
    async with driving(console(reader, clock=lambda: at[0], refresh_s=0.05)) as driver:
        await driver.press("2", "/", *"user:user-19", "enter")
        await driver.shows("11 jobs", "searched 200")
        await driver.press("j", "j", "space")
        table = jobs_view(driver).table
        await driver.until(lambda: table.cursor == 3)
        key, marked = table.cursor_key, tuple(table.marks)
        reader.jobs = [job(1_900, user="user-19"), *reader.jobs[:190], *reader.jobs[191:]]
        for _ in range(3):
            read = len(reader.asked)
            await driver.until(lambda read=read: len(reader.asked) > read + 1, "the list is read again")
        assert len(reader.searched) == 1
        at[0] += 30
        await driver.shows("job-1900")
        await driver.until(lambda: b"job-190" not in {row.key for row in table.known()})
        assert (table.cursor_key, tuple(table.marks), table.total) == (key, marked, 11)


async def test_a_search_through_many_says_how_old_it_is_and_waits_to_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_AGAIN", 100)
    at = [NOW]
    reader = FakeReader()
    async with driving(console(reader, clock=lambda: at[0], refresh_s=0.05)) as driver:
        await driver.press("2", "/", *"user:user-19", "enter")
        await driver.shows("11 jobs", "searched 200 ")
        at[0] += 120
        await driver.shows("searched 200 2 min ago")
        assert len(reader.searched) == 1
        await driver.press("f5")
        await driver.until(lambda: len(reader.searched) == 2)
        await driver.shows_not("2 min ago")
