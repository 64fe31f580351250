"""Failures in groups on the screen: what is shown while they are read, what keys do, and what is acted on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from console.app import Console
from console.model.failure_groups import Group, Groups
from console.model.filters import parse
from console.model.job_terms import FIELDS
from console.model.queries import FailuresQuery, GroupsQuery
from tests import failed_jobs
from tests.console.driven import confirm, drive, failed, mail
from tests.console.fakes import NOW, FakeReader, FakeWriter, writing
from tests.console.opened import console
from tests.console.pilots import SIZES, Driver, driving

__all__ = ["drive", "mail"]

FIRST, SECOND = "0123456789ab", "fedcba987654"


def group(fingerprint: str, count: int, **given: Any) -> Group:
    plain = Group(
        fingerprint, count, "jobs.tasks.scrape_for_user", "requests.exceptions.ReadTimeout", "shop.example", "shop.py in get",
        "raised", 612, (), (("pro", 1_000), ("free", 944)), NOW - 39_600, NOW - 1, (*range(1, 24), 80), "shop.example", "",
        b"job-0",
    )  # fmt: skip
    return replace(plain, **given)


def answer(read: int = 40, of: int = 40, **given: Any) -> Groups:
    two = (group(FIRST, 1_944), group(SECOND, 212, exception="KilledByOS", message="out of memory?", users=0, tiers=()))
    plain = Groups(NOW, read, of, two, done=True)
    return replace(plain, **given)


def grouping(*answers: Groups) -> FakeReader:
    return FakeReader(grouped=list(answers) or [answer()])


async def to_groups(driver: Driver) -> None:
    await driver.press("3")
    await driver.shows("[newest first]", "40 failures")
    await driver.press("tab")
    await driver.shows("[in groups]")


@pytest.mark.parametrize("size", SIZES)
async def test_tab_shows_the_failures_in_groups_at_any_size(size: tuple[int, int]) -> None:
    async with driving(console(grouping()), size) as driver:
        await to_groups(driver)
        await driver.shows("1,944", "scrape_for_user", "ReadTimeout: shop.example", "KilledByOS", "grouped 40 of 40 · 2 groups")
        assert all(len(line) <= size[0] for line in driver.text.splitlines())
        titles = {title for title in ("USERS", "TIERS", "LAST 24 h", "FIRST") if title in driver.text}
        assert titles == {80: set(), 120: {"USERS", "LAST 24 h"}}.get(size[0], {"USERS", "TIERS", "LAST 24 h", "FIRST"})
        await driver.press("tab")
        await driver.shows("[newest first]", "40 failures")


async def test_how_much_was_read_is_told_on_the_way() -> None:
    reader = grouping(answer(500, 100_000, sampled=True, done=False))
    reader.group_gate.clear()
    async with driving(console(reader)) as driver:
        await to_groups(driver)
        await driver.shows("Reading …", "grouping …")
        reader.group_gate.set()
        await driver.shows("sampled 500 of 100,000", "1,944")
    reader = grouping(answer(2_000, 100_000, more="it was stopped"))
    async with driving(console(reader), (80, 24)) as driver:
        await to_groups(driver)
        await driver.shows("grouped 2,000 of 100,000", "it was stopped")


async def test_all_is_laid_out_once_before_the_first_groups_come() -> None:
    """Whatever is drawn for nothing, the first groups come that much later."""
    reader = grouping()
    reader.group_gate.clear()
    async with driving(console(reader)) as driver:
        await driver.press("3")
        await driver.shows("[newest first]", "40 failures")
        layouts: list[bool] = []
        screen = driver.app.screen
        screen.screen_layout_refresh_signal.subscribe(driver.app, lambda _: layouts.append(driver.app.view.size.height > 0))
        await driver.press("tab")
        await driver.shows("Reading …", "grouping …")
        asked = len(reader.asked)
        await driver.until(lambda: len(reader.asked) > asked + 3, "more reads")
        assert layouts.count(True) == 1
        reader.group_gate.set()
        await driver.shows("1,944")


async def test_groups_are_read_again_only_every_few_seconds_and_the_cursor_stays_on_its_group() -> None:
    at = [NOW]
    reader = grouping()
    async with driving(console(reader, clock=lambda: at[0])) as driver:
        await to_groups(driver)
        await driver.shows("1,944")
        await driver.press("j")
        read = len(reader.asked)
        await driver.until(lambda: len(reader.asked) > read + 5, "more reads")
        assert reader.groups_asked == [GroupsQuery()]
        reader.grouped = [answer(41, 41, groups=(group(SECOND, 2_000), group(FIRST, 1_944)))]
        at[0] += 5
        await driver.shows("grouped 41 of 41", "2,000")
        assert len(reader.groups_asked) == 2
        assert driver.app.view.place().cursor_key == SECOND.encode()


async def test_under_a_filter_groups_are_read_once_and_at_a_key() -> None:
    at = [NOW]
    reader = grouping()
    async with driving(console(reader, clock=lambda: at[0], screen="failures", expression="user:user-1 queue:low")) as driver:
        await driver.shows("/ user:user-1")
        await driver.press("tab")
        await driver.shows("grouped 40 of 40", "/ user:user-1", "low")
        asked = GroupsQuery(b"low", parse("user:user-1", FIELDS))
        at[0] += 60
        read = len(reader.asked)
        await driver.until(lambda: len(reader.asked) > read + 5, "more reads")
        assert reader.groups_asked == [asked]
        await driver.press("f5")
        await driver.until(lambda: reader.groups_asked == [asked, asked], "read again")
        await driver.press("backspace")
        await driver.until(lambda: reader.groups_asked[-1] == GroupsQuery(), "without the filter")
        await driver.shows("every queue")


async def test_a_grouping_that_fails_says_why_and_is_tried_again() -> None:
    at = [NOW]
    reader = grouping()
    reader.failing = "too slow"
    reader.refuse_before = 0
    async with driving(console(reader, clock=lambda: at[0])) as driver:
        await to_groups(driver)
        await driver.shows("The grouping ended.", "too slow")
        reader.failing = ""
        at[0] += 5
        await driver.shows("1,944")
        reader.failing = "too slow"
        at[0] += 5
        await driver.shows("▲ too slow", "1,944")


async def test_all_stay_marked_while_one_looks_at_another_screen() -> None:
    async with driving(console(grouping())) as driver:
        await to_groups(driver)
        await driver.shows("1,944")
        await driver.press("asterisk")
        await driver.shows("all 2 marked")
        await driver.press("5")
        await driver.shows_not("[in groups]")
        await driver.press("escape")
        await driver.shows("[in groups]", "1,944", "all 2 marked")


async def test_enter_lists_the_failures_of_the_group_and_back_leads_to_it() -> None:
    reader = grouping()
    async with driving(console(reader)) as driver:
        await to_groups(driver)
        await driver.shows("1,944")
        await driver.press("j", "enter")
        await driver.shows(f"of the group {SECOND}", "[newest first]", "searched 40")
        assert reader.searched[-1] == FailuresQuery(group=SECOND)
        await driver.press("escape")
        await driver.shows("[in groups]", "1,944")
        assert driver.app.view.place().cursor_key == SECOND.encode()
        await driver.press("enter")
        await driver.shows(f"of the group {SECOND}")
        # A filter within the group goes before the group does: what is marked next is none of another kind.
        await driver.press("slash")
        await driver.write("user:user-1")
        await driver.press("enter")
        await driver.shows("/ user:user-1", f"of the group {SECOND}")
        await driver.press("backspace")
        await driver.shows_not("/ user:user-1")
        await driver.until(lambda: reader.searched[-1] == FailuresQuery(group=SECOND), "all of the group")
        await driver.shows(f"of the group {SECOND}")
        await driver.press("backspace")
        await driver.shows_not("of the group")
        await driver.shows("40 failures")


async def test_r_on_a_group_requeues_all_of_it_after_a_yes() -> None:
    reader = grouping()
    writer = FakeWriter(reader)
    async with driving(Console([here := writing(reader, writer)], here, refresh_s=0.05, clock=lambda: NOW)) as driver:
        await to_groups(driver)
        await driver.shows("1,944")
        await driver.press("r")
        await driver.shows(f"all of the group {FIRST}, of every queue", "Requeue 40 failed jobs", "y does it")
        before = len(reader.groups_asked)
        await driver.press("y")
        await driver.shows("requeued 40")
        await driver.until(lambda: len(reader.groups_asked) > before, "what is left is grouped")
    assert reader.selected == [FailuresQuery(group=FIRST)]
    assert writer.begun[0].scope == f"all of the group {FIRST}, of every queue"


async def test_marked_groups_are_meant_together() -> None:
    reader = grouping()
    async with driving(
        Console([here := writing(reader, FakeWriter(reader))], here, refresh_s=0.05, clock=lambda: NOW)
    ) as driver:
        await to_groups(driver)
        await driver.shows("1,944")
        await driver.press("space", "j", "space")
        await driver.shows("2 marked")
        meant = driver.app.view.meant("delete")
        assert meant is not None
        assert sorted(meant.queries, key=str) == [FailuresQuery(group=FIRST), FailuresQuery(group=SECOND)]
        assert meant.scope == "all of 2 groups that were marked, of every queue"


async def test_one_failure_of_a_groups_list_is_meant_alone_and_all_of_it_are_the_group() -> None:
    reader = grouping()
    async with driving(
        Console([here := writing(reader, FakeWriter(reader))], here, refresh_s=0.05, clock=lambda: NOW)
    ) as driver:
        await to_groups(driver)
        await driver.shows("1,944")
        await driver.press("enter")
        await driver.shows("searched 40", "scrape_for_user('user-0')")
        meant = driver.app.view.meant("requeue")
        assert meant is not None
        assert meant.queries == (FailuresQuery(only=(b"job-0",)),)
        await driver.press("asterisk")
        meant = driver.app.view.meant("requeue")
        assert meant is not None
        assert meant.queries == (FailuresQuery(group=FIRST),)
        assert meant.scope == f"all of the group {FIRST}, of every queue"


async def test_where_nothing_has_failed_that_is_said() -> None:
    async with driving(console(grouping(Groups(NOW, 0, 0, (), done=True)))) as driver:
        await to_groups(driver)
        await driver.shows("Nothing has failed.", "grouped 0 of 0 · 0 groups")


async def test_a_group_is_requeued_on_a_real_server(redis: Redis, mail: Queue, drive: Any) -> None:
    failed_jobs.make(redis, 30, kinds=("refused", "refused", "killed"))
    failed(mail, "another")
    async with drive("failures") as driver:
        await driver.shows("31 failures")
        await driver.press("tab")
        await driver.shows("grouped 31 of 31 · 3 groups")
        await driver.shows("ConnectionRefusedError", "KilledByOS", "nothing is kept of its failure")
        await driver.press("G", "enter")
        await driver.shows("1 failure", "of the group", "echo")
        await driver.press("escape")
        await driver.shows("3 groups")
        await driver.press("r")
        await confirm(driver, "Requeue 1 failed job")
        await driver.shows("requeued 1", "grouped 30 of 30 · 2 groups")
    assert mail.job_ids == ["another"]
