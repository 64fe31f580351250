"""The group under the cursor, explained beneath the table where there is room; and the job that failed last."""

from __future__ import annotations

from typing import get_args

import pytest

from console.app import Console
from console.model import cause_words
from console.model.failure_groups import Group, error
from console.model.incident import Subject
from console.model.queries import FailuresQuery, JobQuery
from console.model.raised import Cause
from console.screens import group_lines
from tests.console.fakes import NOW, FakeWriter, writing
from tests.console.opened import console
from tests.console.pilots import SIZES, Driver, driving
from tests.console.test_groups_view import FIRST, SECOND, answer, group, grouping, to_groups


def killed(exception: str, message: str) -> Group:
    return group(FIRST, 1, cause="killed", exception=exception, message=message)


@pytest.mark.parametrize("cause", get_args(Cause))
def test_each_class_of_cause_is_named_and_has_a_way_out(cause: Cause) -> None:
    found = cause_words.words(group(FIRST, 1, cause=cause))
    assert found.what.startswith({"gave up": "gave up", "unknown": "not known"}.get(cause, cause))
    assert found.helps.endswith(".")


def test_what_killed_a_work_horse_is_told() -> None:
    memory = cause_words.words(killed("KilledByOS", "work-horse ended by signal 9 (out of memory?)"))
    signal = cause_words.words(killed("KilledByOS", "work-horse ended by signal 11"))
    left = cause_words.words(killed("WorkHorseExit", "work-horse ended with status 1"))
    nobody = cause_words.words(killed("WorkHorseGone", "work-horse ended, and nobody saw how"))
    assert memory.what == "killed by signal 9: out of memory?"
    assert "memory" in memory.helps
    assert len({memory.what, signal.what, left.what, nobody.what}) == 4
    # Whoever raises an exception of that name is no operating system.
    assert cause_words.words(group(FIRST, 1, exception="KilledByOS", message="x (out of memory?)")).what == (
        "raised an exception"
    )


@pytest.mark.parametrize("size", [*SIZES, (80, 30)])
async def test_the_group_under_the_cursor_is_explained_where_there_is_room(size: tuple[int, int]) -> None:
    two = (
        group(FIRST, 1_944, top_users=(("ada", 12), ("bob", 9)), because="OSError: no route", example="shop-7.example"),
        group(SECOND, 212, cause="killed", exception="KilledByOS", message="work-horse ended by signal 9 (out of memory?)",
              users=0, tiers=(), frame="", first_at=None),
    )  # fmt: skip
    async with driving(console(grouping(answer(groups=two))), size) as driver:
        await to_groups(driver)
        await driver.shows("1,944")
        if size == (80, 24):
            await driver.shows("✗ raised an exception", f"group {FIRST}", "raised in   shop.py in get", "See in a sample")
            await driver.shows("s sample", "for this group")
            await driver.press("j")
            await driver.shows("✗ killed by signal 9: out of memory?", "give workers more")
            return
        await driver.shows("✗ raised an exception", f"1,944 failures  group {FIRST}", "raised in   shop.py in get")
        await driver.shows("one said    shop-7.example", "because of  OSError: no route", "12  bob 9", "tiers       pro 1,000")
        await driver.shows("11 h ago", "last 1 s ago", "sample      job-0", "See in a sample", "for this group")
        assert all(len(line) <= size[0] for line in driver.text.splitlines())
        await driver.press("j")
        await driver.shows("✗ killed by signal 9: out of memory?", "212 failures", "none is named", "nobody knows")
        await driver.shows_not("raised an exception")
        await driver.press("space")
        await driver.shows("for the marked group")
        await driver.press("asterisk")
        await driver.shows("for all failures that are listed")


async def test_the_panel_names_only_what_may_be_done() -> None:
    reader = grouping()
    async with driving(console(reader)) as driver:
        await to_groups(driver)
        await driver.shows("raised in")
        assert "s sample" in ways(driver)
        assert "r requeue" not in driver.text
    async with driving(Console([here := writing(reader, FakeWriter(reader))], here, clock=lambda: NOW)) as driver:
        await to_groups(driver)
        await driver.shows("raised in")
        for key in ("enter open", "s sample", "r requeue", "D delete"):
            assert key in ways(driver)


def ways(driver: Driver) -> str:
    """The last line of the panel."""
    return next(line for line in driver.text.splitlines() if line.endswith("for this group"))


async def test_an_estimate_is_called_one_and_what_strangers_wrote_is_visible() -> None:
    evil = "\x1b[2J[bold]x[/] \u202e"
    one = group(FIRST, 1_944, message=evil, example=evil + "!", frame=evil, because=evil, top_users=((evil, 3),), function=evil)
    async with driving(console(grouping(answer(groups=(one,), sampled=True)))) as driver:
        await to_groups(driver)
        await driver.shows("about 1,944 failures", "[bold]x[/]")
        assert "\x1b" not in driver.text
        assert "\u202e" not in driver.text


def test_no_group_needs_more_lines_than_the_panel_has() -> None:
    long = "word " * 200
    full = group(FIRST, 1, message=long, example=long + "!", because=long, top_users=((long, 1),), cause="killed",
                 exception="KilledByOS", frame=long, function=long)  # fmt: skip
    for cells in (40, 80, 200):
        assert len(group_lines.lines(full, cells, NOW, None)) <= group_lines.LINES


async def test_a_key_opens_the_job_that_failed_last_and_back_leads_to_the_group() -> None:
    reader = grouping()
    async with driving(console(reader)) as driver:
        await to_groups(driver)
        await driver.shows("1,944")
        await driver.press("j", "s")
        await driver.until(lambda: driver.app.screen_name == "job")
        assert driver.app.view.asked == JobQuery(b"job-0")
        await driver.press("escape")
        await driver.shows("[in groups]")
        assert driver.app.view.place().cursor_key == SECOND.encode()


async def test_where_there_is_no_group_there_is_no_sample() -> None:
    async with driving(console(grouping(answer(0, 0, groups=())))) as driver:
        await to_groups(driver)
        await driver.shows("Nothing has failed.")
        await driver.press("s")
        assert driver.app.screen_name == "groups"
        assert "raised in" not in driver.text


def test_what_the_system_said_stands_beside_its_number() -> None:
    one = group(FIRST, 1, exception="OSError", message="[Errno 28]: …",
                example="[Errno 28] No space left on device: '/var/tmp/job-1.dat'")  # fmt: skip
    assert error(one) == "OSError: [Errno 28] No space left on device: …"
    other = group(FIRST, 1, exception="OSError", message="[Errno 28]: …", example="[Errno 2] No such file: x")
    assert error(other) == "OSError: [Errno 28]: …"


async def test_where_nothing_is_of_a_user_the_error_has_the_room() -> None:
    nobodys = group(FIRST, 1_944, users=0, tiers=(), message="long " * 30)
    async with driving(console(grouping(answer(groups=(nobodys,)))), (200, 60)) as driver:
        await to_groups(driver)
        await driver.shows("1,944")
        await driver.shows_not("TIERS")
        await driver.shows_not("USERS")


async def test_the_keys_of_a_group_work_in_the_list_of_its_failures() -> None:
    async with driving(console(grouping())) as driver:
        await to_groups(driver)
        await driver.shows("1,944")
        await driver.press("enter")
        await driver.shows("of the group", FIRST)
        assert {"sample", "export", "bundle"} <= {action.id for action in driver.app.offered()}
        view = driver.app.view
        assert view.subject() == Subject("group", FIRST.encode())
        meant = view.meant("export")
        assert meant is not None
        assert [query.group for query in meant.queries if isinstance(query, FailuresQuery)] == [FIRST]
        await driver.press("s")
        await driver.until(lambda: driver.app.screen_name == "job")
