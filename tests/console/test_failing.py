"""What fails at present: the newest failures in groups, on the overview and as one reader tells them again and again."""

from __future__ import annotations

import time
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from console.model.failure_groups import Groups
from console.model.queries import FailingQuery, FailuresQuery
from console.model.secrets import DEFAULT
from console.model.status import Problem
from console.screens import failing_lines, overview
from console.screens.overview import GROUP_EVERY_S
from console.store import failing
from console.store.failing import Newest
from console.widgets.lines import Row
from jobs import keys
from tests import failed_jobs
from tests.benchmarks.ratios import RoundTrips
from tests.conftest import Server
from tests.console.driven import drive as drive
from tests.console.driven import failed
from tests.console.fakes import NOW, PROBLEMS, FakeReader, status
from tests.console.opened import console
from tests.console.pilots import SIZES, driving
from tests.console.rights import reading_user
from tests.console.test_groups_view import FIRST, SECOND, group
from tests.contents import contents

QUERY = FailingQuery()


def answer(read: int = 500, of: int = 18_240, **given: Any) -> Groups:
    two = (
        group(FIRST, 312),
        group(SECOND, 41, exception="KilledByOS", message="work-horse ended by signal 9 (out of memory?)", cause="killed"),
        group("3" * 12, 40, message="third"),
        group("4" * 12, 2, message="fourth", last_at=NOW - 90_000),
    )
    return Groups(NOW, read, of, given.pop("groups", two), done=True, **given)


def fails(**given: Any) -> FakeReader:
    return FakeReader(failing_now=[answer()], **given)


# --- as it is read ------------------------------------------------------------------------------


def read(redis: Redis, newest: Newest, query: FailingQuery = QUERY) -> Groups:
    return failing.read(redis, query, time.time(), lambda: False, DEFAULT, newest)


def test_the_newest_failures_are_grouped_and_how_many_there_are_is_told(redis: Redis) -> None:
    made = failed_jobs.make(redis, 300, kinds=("refused", "refused", "killed"), queues=("a", "b", "c"))
    newest = sorted(made, key=lambda one: -one.at)[:100]
    found = read(redis, Newest(), FailingQuery(newest=100))
    assert (found.read, found.of, found.done, found.more) == (100, 300, True, "")
    assert [one.count for one in found.groups] == failed_jobs.counts(newest)
    assert found.groups[0].last_at == pytest.approx(newest[0].at, abs=1)
    whole = read(redis, Newest())
    assert (whole.read, whole.of) == (300, 300)


def test_a_refresh_reads_only_what_has_come_and_writes_nothing(redis: Redis) -> None:
    made = failed_jobs.make(redis, 300, kinds=("refused", "killed"), queues=("a", "b"))
    newest, before = Newest(), contents(redis)
    read(redis, newest)
    assert contents(redis) == before
    redis.config_resetstat()
    with RoundTrips(redis) as trips:
        read(redis, newest)
    assert trips.count == 2
    assert "cmdstat_hmget" not in redis.info("commandstats")
    failed_jobs.make(redis, 20, kinds=("killed",), queues=("a", "new"), seed=1)
    redis.config_resetstat()
    found = read(redis, newest)
    assert [one.count for one in found.groups] == [170, 150]
    assert redis.info("commandstats")["cmdstat_hmget"]["calls"] == 20
    gone = [one for one in made if one.kind == "refused"]
    for one in gone:
        redis.zrem(keys.RQ_FAILED + one.queue, one.id)
    redis.config_resetstat()
    assert [one.count for one in read(redis, newest).groups] == [170]
    assert "cmdstat_hmget" not in redis.info("commandstats")


def test_work_does_not_grow_with_the_number_of_failures(redis: Redis) -> None:
    costs = []
    for count in (600, 2_400):
        failed_jobs.make(redis, count, kinds=("refused",), queues=("a",), seed=count)
        newest = Newest()
        read(redis, newest)
        redis.config_resetstat()
        found = read(redis, newest)
        assert found.read == 500
        costs.append({name: stat["calls"] for name, stat in redis.info("commandstats").items() if "info" not in name})
    assert costs[0] == costs[1]


def test_a_failure_that_is_there_anew_is_read_anew_and_one_that_is_kept_for_good_stays(redis: Redis) -> None:
    mail = Queue("mail", connection=redis)
    failed(mail, "again")
    failed(mail, "kept")
    redis.zadd(keys.RQ_FAILED + "mail", {"kept": -1})
    newest = Newest()
    assert read(redis, newest).read == 2
    redis.config_resetstat()
    redis.zadd(keys.RQ_FAILED + "mail", {"again": time.time() + 7_200})
    assert read(redis, newest).read == 2
    assert redis.info("commandstats")["cmdstat_hmget"]["calls"] == 1


def test_where_nothing_has_failed_there_is_no_group(redis: Redis) -> None:
    assert read(redis, Newest()) == Groups(pytest.approx(time.time(), abs=60), 0, 0, (), done=True)


def test_what_cannot_be_read_is_told_and_a_user_who_may_only_read_sees_all_of_it(redis: Redis, server: Server) -> None:
    failed_jobs.make(redis, 30, kinds=("refused",), queues=("a",))
    redis.set(keys.RQ_FAILED + "broken", "no sorted set")
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + "broken")
    with reading_user(redis, server.url) as url, Redis.from_url(url) as one:
        found = read(one, Newest())
    assert found.read == 30
    assert "broken" in found.refused[0].what


# --- on the overview ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_the_overview_tells_the_largest_groups_and_of_which_failures(size: tuple[int, int]) -> None:
    async with driving(console(fails()), size) as driver:
        await driver.shows("WHAT FAILS  of the newest 500 of 18,240 failures  f opens them", "fourth")
        await driver.shows("312", "scrape_for_user", "ReadTimeout", "KilledByOS", "third", "1 s ago")
        assert ("612 users" in driver.text) == (size[0] >= 100)
        assert all(len(line) <= size[0] for line in driver.text.splitlines())
        for problem in PROBLEMS:
            assert problem.remedy in driver.text


def test_where_there_is_no_room_for_all_groups_that_is_said() -> None:
    head, *told = failing_lines.lines(answer(), 80, 2)
    assert "f opens all 4 groups" in "".join(text for text, _ in head.line)
    assert len(told) == 2


async def test_where_there_is_little_room_the_gravest_problems_stay() -> None:
    many = tuple(Problem("failing", "error", f"q{n}", f"message {n}", f"remedy {n}") for n in range(9))
    async with driving(console(fails(status=status(problems=many))), (80, 24)) as driver:
        await driver.shows("WHAT FAILS", "message 0", "remedy 1", "more problem")
        assert "312" in driver.text
        lines = driver.text.splitlines()
        assert sum("message" in line for line in lines) == sum("remedy" in line for line in lines)
        hidden = 9 - sum("message" in line for line in lines)
        assert f"… {hidden} more problems" in driver.text
        await driver.press("exclamation_mark")
        await driver.shows("message 8")


@pytest.mark.parametrize("room", range(16))
def test_it_takes_no_more_lines_than_there_are(room: int) -> None:
    for problems in (0, 2, 6, 20):
        rows = [Row(((f"{n}", ""),)) for n in range(problems)]
        for apart in (False, True):
            found = failing_lines.beneath(rows, answer(), 80, room, apart, "")
            assert found == rows or len(found) <= room
            assert found[: min(problems, 4)] == rows[: min(problems, 4)]


async def test_where_nothing_has_failed_nothing_is_said_of_it() -> None:
    reader = FakeReader()
    async with driving(console(reader)) as driver:
        await driver.until(lambda: reader.failing_asked, "a grouping")
        assert "WHAT FAILS" not in driver.text
        await driver.press("f")
        await driver.says("nothing has failed")


async def test_it_is_read_every_few_seconds_and_not_with_the_first_answer_nor_on_other_screens() -> None:
    at = [NOW]
    reader = fails()
    async with driving(console(reader, clock=lambda: at[0])) as driver:
        await driver.shows("WHAT FAILS")
        assert len(reader.asked) >= 2, "the first answer waits for nothing else"
        more = len(reader.asked)
        await driver.until(lambda: len(reader.asked) > more + 5, "more reads")
        assert reader.failing_asked == [FailingQuery()]
        at[0] += GROUP_EVERY_S
        await driver.until(lambda: len(reader.failing_asked) == 2, "a second grouping")
        await driver.press("2")
        await driver.until(lambda: driver.app.screen_name == "jobs")
        at[0] += 60
        more = len(reader.asked)
        await driver.until(lambda: len(reader.asked) > more + 5, "more reads")
        assert len(reader.failing_asked) == 2
        await driver.press("1")
        await driver.until(lambda: len(reader.failing_asked) == 3, "a third grouping")


async def test_a_grouping_that_fails_says_why_and_leaves_what_was_known() -> None:
    at = [NOW]
    reader = fails()
    async with driving(console(reader, clock=lambda: at[0])) as driver:
        await driver.shows("WHAT FAILS")
        reader.failing_now = []
        reader.refuse_before, reader.failing = 0, "too slow"
        at[0] += GROUP_EVERY_S
        await driver.shows("▲ too slow", "312")
        reader.failing, reader.failing_now = "", [answer(600, 600)]
        at[0] += GROUP_EVERY_S
        await driver.shows("of all 600 failures")
        await driver.shows_not("too slow")


async def test_a_key_lists_them_and_enter_opens_the_group() -> None:
    reader = fails()
    reader.grouped = [answer(18_240, 18_240)]
    async with driving(console(reader)) as driver:
        await driver.shows("WHAT FAILS")
        await driver.press("f")
        await driver.shows("What fails: of the newest 500", "fourth", "killed by", "raised in shop.py in get", "612 users")
        await driver.press("j", "enter")
        await driver.shows("[in groups]", "grouped 18,240 of 18,240")
        assert driver.app.view.place().cursor_key == SECOND.encode()
        assert driver.app.view.asked == FailuresQuery()
        await driver.press("escape")
        await driver.shows("WHAT FAILS")
        await driver.press("f", "f")
        await driver.shows_not("What fails: ")


async def test_a_line_opens_with_the_mouse() -> None:
    reader = fails()
    reader.grouped = [answer(18_240, 18_240)]
    async with driving(console(reader)) as driver:
        await driver.shows("WHAT FAILS")
        page = driver.app.screen.query_one("OverviewView #problems")
        at = next(y for y, line in enumerate(driver.text.splitlines()) if "KilledByOS" in line) - page.region.y
        await driver.pilot.click("OverviewView #problems", offset=(12, at), times=2)
        await driver.shows("[in groups]")
        assert driver.app.view.place().cursor_key == SECOND.encode()


async def test_before_it_is_known_that_is_said_and_what_strangers_wrote_is_visible() -> None:
    evil = "\x1b[2J[bold]x[/] \u202e"
    reader = FakeReader(failing_now=[answer(groups=(group(FIRST, 3, message=evil, function=evil, frame=evil),))])
    reader.gate.clear()
    async with driving(console(reader)) as driver:
        await driver.press("f")
        await driver.shows("what fails is being read, and opens then")
        reader.gate.set()
        await driver.shows("What fails: ", "[bold]x[/]")
        await driver.shows_not("is being read")
        assert not driver.app._notifications
        assert "\x1b" not in driver.text
        assert "\u202e" not in driver.text


async def test_who_has_gone_elsewhere_is_not_shown_what_fails() -> None:
    reader = FakeReader(failing_now=[answer(groups=(group(FIRST, 3),))])
    reader.gate.clear()
    async with driving(console(reader)) as driver:
        await driver.press("f")
        await driver.shows("is being read")
        await driver.press("2")
        reader.gate.set()
        await driver.shows("job-0")
        await driver.press("1")
        await driver.shows("WHAT FAILS")
        await driver.shows_not("What fails: ")


async def test_what_fails_is_seen_on_a_real_server_and_what_comes_is_added(
    redis: Redis, drive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "GROUP_EVERY_S", 0.2)
    failed_jobs.make(redis, 30, kinds=("refused", "refused", "killed"))
    async with drive("overview") as driver:
        await driver.shows("of all 30 failures", "ConnectionRefusedError")
        failed(Queue("mail", connection=redis), "another")
        await driver.shows("of all 31 failures", "nothing is kept of its failure")
        await driver.press("f", "j", "enter")
        await driver.shows("[in groups]", "grouped 31 of 31", "✗ killed by signal 9: out of memory?")
