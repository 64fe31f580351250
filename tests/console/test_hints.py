"""What is said of keys: which of them the footer has room for, under which names, and why one does nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.actions import BY_ID
from console.model.activity import ActivityPage, OperationRow
from console.model.operations import Counts
from console.model.queries import ActivityQuery, FailuresQuery
from console.model.workers import WorkersPage
from console.screens import job_columns
from console.screens.failures import FailuresView
from console.screens.schedules import SchedulesView
from console.why_not import said
from console.widgets.pieces import pieces, width
from tests.console.fakes import NOW, SCHEDULE, FakeReader, FakeWriter, job, status, writing
from tests.console.pilots import SIZES, driving
from tests.console.test_acting import console, requeue


@pytest.mark.parametrize(
    ("key", "screen", "standing", "read_only", "words"),
    [
        ("r", "jobs", "deferred", False, "r: requeue is for failed, stopped and a user as a whole; run now is for"),
        ("r", "jobs", "deferred", False, "; this is deferred"),
        ("r", "failures", "failed", True, "r: nothing may be changed here, everything is only looked at"),
        ("D", "failures", "failed", True, "D: nothing may be changed here, everything is only looked at"),
        ("K", "jobs", "queued", False, "K does nothing here: kill horse is on workers"),
        ("at", "jobs", "queued", False, ""),
        ("escape", "jobs", "queued", False, ""),
    ],
)
def test_why_a_key_does_nothing(key: str, screen: str, standing: str, read_only: bool, words: str) -> None:
    found = said(key, screen, standing, read_only)
    assert words in found
    assert bool(words) is bool(found)


@pytest.mark.parametrize("size", SIZES)
async def test_a_key_that_does_nothing_says_why_where_hints_are_until_another_does_something(size: tuple[int, int]) -> None:
    reader = FakeReader()
    async with driving(console(writing(reader, FakeWriter(reader), read_only=True), screen="failures"), size) as driver:
        await driver.shows("40 failures")
        await driver.press("r", "r", "D")
        await driver.shows("D: nothing may be changed here, everything is only looked at")
        assert "nothing may be changed" in driver.text.splitlines()[-1]
        assert not driver.app._notifications
        await driver.press("j")
        await driver.shows_not("nothing may be changed")
        await driver.shows("? help")


@pytest.mark.parametrize(
    ("screen", "keys"),
    [
        ("overview", ("P pause", "E empty queue")),
        ("failures", ("r requeue", "D delete")),
        ("workers", ("X stop job", "P suspend all", "S shut down", "K kill horse")),
    ],
)
async def test_what_can_be_done_goes_last_from_the_footer(screen: str, keys: tuple[str, ...]) -> None:
    reader = FakeReader(of=1_234_567)
    async with driving(console(writing(reader, FakeWriter(reader)), screen=screen), (80, 24)) as driver:
        await driver.until(lambda: "Reading" not in driver.text and "help" in driver.text)
        last = (*keys, "? help")
        await driver.until(lambda: all(key in driver.text.splitlines()[-1] for key in last), f"{last} in the last line")


async def test_a_key_is_called_what_it_does_to_what_is_there() -> None:
    reader = FakeReader(status=status(suspended=True))
    async with driving(console(writing(reader, FakeWriter(reader))), (200, 60)) as driver:
        await driver.shows("P resume all")
        await driver.press("4")
        await driver.shows("P pause")
        view = driver.app.view
        assert isinstance(view, SchedulesView)
        view.table.show([replace(SCHEDULE, state="paused")], 0, 1, NOW)
        assert view.called(BY_ID["pause"]).label == "resume"
        await driver.press("5")
        await driver.shows("P suspend all")
        view = driver.app.view
        view.show(view.asked, WorkersPage(NOW, (), (), True))
        assert view.called(BY_ID["suspend"]).label == "resume all"


@pytest.mark.parametrize("size", SIZES)
async def test_undo_is_in_the_footer_of_the_activity_and_until_when_beside_it(size: tuple[int, int]) -> None:
    row = OperationRow(b"1-1", "op", NOW - 60, "ann", "ops-1", "delete", "", "all", "", "", 3, NOW, "done", Counts(3))
    page = ActivityPage(NOW, 0, 60, tuple(replace(row, key=b"%d-1" % n, undo_until=NOW + 1_800) for n in range(60)))
    reader = FakeReader()
    async with driving(console(writing(reader, FakeWriter(reader)), screen="activity"), size) as driver:
        await driver.shows("u undo")
        driver.app.view.show(ActivityQuery(), page)
        await driver.shows("UNDO", "30 min")
        await driver.press("3")
        await driver.shows_not("u undo")


async def test_what_is_hidden_says_how_it_is_shown_again() -> None:
    reader = FakeReader(failures=[job(n, "failed") for n in range(1_000)])
    writer = FakeWriter(reader)
    writer.gate.clear()
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("1,000 failures")
        await driver.press("asterisk")
        await requeue(driver, "Requeue 1,000 failed jobs")
        await driver.shows("c ends it early")
        await driver.press("escape")
        await driver.shows("⟳ requeue 0% · v", "Requeue 1,000 failed jobs goes on", "v shows it, and there p pauses it")
        writer.gate.set()
        await driver.shows("requeued 1,000")
        await driver.shows_not("goes on")


def test_where_nothing_has_failed_it_is_said_of_which_queue() -> None:
    view = FailuresView("failures")
    view.asked = FailuresQuery(b"bulk")
    assert "Nothing has failed in bulk." in str(view.empty())
    view.asked = FailuresQuery()
    assert "Nothing has failed." in str(view.empty())


async def test_a_notice_covers_neither_what_came_of_an_operation_nor_the_footer() -> None:
    reader = FakeReader()
    async with driving(console(writing(reader, FakeWriter(reader)), screen="failures")) as driver:
        await driver.shows("40 failures")
        await requeue(driver, "Requeue 1 failed job")
        await driver.shows("requeued 1", "v outcomes")
        await driver.press("u")
        await driver.says("there is nothing to undo")
        await driver.shows("there is nothing to undo")
        lines = driver.text.splitlines()
        assert "v outcomes" in lines[-2]
        assert "39 failures" in lines[-1]


@pytest.mark.parametrize(("away", "told"), [(6_840, "in 1 h 54 m"), (90, "in 1 min"), (86_399, "in 23 h 59 m"), (0, "now")])
def test_when_a_job_is_due_is_told_to_the_minute(away: float, told: str) -> None:
    [due] = [column for column in job_columns.of_state("scheduled", False, True) if column.title == "DUE"]
    cell = due.cell(job(0, "scheduled", at=NOW + away), NOW)
    assert width(cell) <= due.width
    assert "".join(text for text, _ in pieces(cell)) == told
