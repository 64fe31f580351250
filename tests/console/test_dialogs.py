"""What lies over the screen: on screens of any size, and with whatever a stranger has enqueued."""

from __future__ import annotations

import pytest

from console.model.bulk import Progress
from console.model.commands import JobSeen, Requeue
from console.model.meant import Meant
from console.model.operations import Counts, Operation
from console.model.selection import Glance, Preview, Selected
from console.screens.dialogs.carrying import Carrying
from console.screens.dialogs.confirm import Confirm
from console.screens.dialogs.pause_queue import PauseQueue
from console.widgets.lines import Page
from tests.console.fakes import NOW, FakeReader, FakeWriter, job, writing
from tests.console.pilots import SIZES, driving
from tests.console.test_acting import confirm, console
from tests.console.view_samples import HOSTILE


@pytest.mark.parametrize("size", SIZES)
async def test_dialogs_fit_and_show_nothing_that_acts_on_a_terminal(size: tuple[int, int]) -> None:
    row = job(
        0,
        "failed",
        id=HOSTILE,
        key=HOSTILE.encode("utf-8", "surrogateescape"),
        error=HOSTILE,
        call=HOSTILE,
        user=HOSTILE,
        queue="low",
    )
    reader = FakeReader(failures=[row, *(job(n, "failed") for n in range(1, 30))])
    writer = FakeWriter(reader, codes={row.key: "changed"})
    here = writing(reader, writer, name="prod", production=True)
    async with driving(console(here, screen="failures"), size) as driver:
        await driver.shows("30 failures")
        await driver.press("r")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm) and confirm(driver).ready)
        assert_harmless(driver.text, size)
        await driver.press("escape", "asterisk", "r")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm) and confirm(driver).ready)
        await driver.press("c")
        await driver.shows("Leave", "esc leaves", "type prod", "canary", "error", "Requeue 30 failed jobs", "rediss://")
        assert_harmless(driver.text, size)
        await driver.press("c", "y")
        await driver.write("prod")
        await driver.press("enter")
        await driver.shows("requeued 29")
        await driver.press("v")
        await driver.shows("esc closes", "␛")
        assert_harmless(driver.text, size)


def assert_harmless(text: str, size: tuple[int, int]) -> None:
    lines = text.splitlines()
    assert len(lines) == size[1]
    assert all(line.isprintable() for line in lines), [line for line in lines if not line.isprintable()]


async def test_what_a_dialog_is_told_before_it_is_there_it_says_once_it_is() -> None:
    reader = FakeReader()
    operation = Operation("1", "ann", "ops-1", NOW, "requeue", "", "", 10, "redis://here/0")
    async with driving(console(writing(reader, FakeWriter(reader)))) as driver:
        progress = Progress(operation, 10, Counts(done=5), 2.0, 2.5, "acting")
        carrying = Carrying("Requeue 10 failed jobs", driver.app.target, None)
        driver.app.push_screen(carrying)
        carrying.show(progress)
        carrying.action_ask(True)
        await driver.shows("5 of 10: 5 done", "50%", "ending after this batch")
        await driver.press("escape")
        asking = Confirm(Requeue(), Meant("failed job", "job a", count=1), driver.app.target, None)
        driver.app.push_screen(asking)
        asking.show(Glance(1, 1, 1, {}, (), True, seen=(JobSeen(b"a", b"low", "failed", 1.0),)))
        asking.action_turn("f")
        await driver.shows("Requeue 1 failed job", "f [x]", "y does it")


async def test_a_dialog_that_is_left_before_it_is_there_is_left_once_it_is() -> None:
    reader = FakeReader()
    async with driving(console(writing(reader, FakeWriter(reader)), screen="failures")) as driver:
        await driver.shows("40 failures")
        app, results = driver.app, []
        dialogs = (Carrying("Requeue 10 failed jobs", app.target, None), None), (PauseQueue("low", app.target), "pause")
        for dialog, result in dialogs:
            app.push_screen(dialog, results.append)
            dialog.dismiss(result)
            dialog.dismiss(None)
            await driver.until(lambda: len(app.screen_stack) == 1)
        await driver.until(lambda: results == [None, "pause"])
        await driver.press("j", "r")
        await driver.shows("Requeue 1 failed job")


@pytest.mark.parametrize("size", SIZES)
async def test_what_asks_for_a_line_fits_and_says_what_is_wrong(size: tuple[int, int]) -> None:
    reader = FakeReader()
    here = writing(reader, FakeWriter(reader), name="prod", colour="red", production=True)
    async with driving(console(here, screen="schedules"), size) as driver:
        await driver.shows("scrape")
        await driver.press("c")
        await driver.shows("Change: schedule scrape of ada@example.com", "every 1h, cron", "esc leaves all as it is")
        assert_harmless(driver.text, size)
        await driver.write("often")
        await driver.press("enter")
        await driver.shows("✗ write every 1h", "in Europe/Rome")
        assert_harmless(driver.text, size)
        assert driver.text.count("every 1h") == 1
        await driver.press("ctrl+u")
        await driver.write("cron 0 9 * * * in Europe/Roma")
        await driver.press("enter")
        await driver.shows("✗ time zone Europe/Roma is unknown")
        await driver.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1)


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_under_way_fits(size: tuple[int, int]) -> None:
    reader = FakeReader()
    operation = Operation("1", "ann", "ops-1", NOW, "requeue", "", "", 250_000, "redis://here/0")
    counts = Counts(done=101_950, sent=12, skipped={"changed": 1_204, "entry": 31}, failed={"unreadable": 3})
    async with driving(console(writing(reader, FakeWriter(reader), name="prod", colour="red")), size) as driver:
        progress = Progress(operation, 250_000, counts, 40.0, 2_580.0, "acting")
        driver.app.push_screen(Carrying("Requeue 250,000 failed jobs", driver.app.target, progress))
        await driver.shows("Requeue 250,000 failed jobs", "41%", "103,200 of 250,000", "left", "p pauses  c ends it early")
        await driver.shows("101,950 done", "1,235 skipped", "3 failed", "skipped: 1,204 changed, 31 entry · failed: unreadable")
        assert_harmless(driver.text, size)


@pytest.mark.parametrize("size", SIZES)
async def test_what_there_is_in_place_of_pausing_a_queue_fits(size: tuple[int, int]) -> None:
    reader = FakeReader()
    async with driving(console(writing(reader, FakeWriter(reader))), size) as driver:
        await driver.shows("18,240")
        await driver.press("P")
        await driver.shows(
            "Pause high", "RQ cannot pause one queue", "p  pause the schedules of high", "esc leaves all as it is"
        )
        assert_harmless(driver.text, size)
        await driver.press("p")
        await driver.shows("Pause")
        assert isinstance(driver.app.screen, Confirm)


async def test_of_one_job_no_more_is_said_than_there_is() -> None:
    reader = FakeReader()
    async with driving(console(writing(reader, FakeWriter(reader)), screen="failures"), (120, 40)) as driver:
        await driver.shows("40 failures")
        await driver.press("D")
        await driver.until(lambda: confirm(driver).ready)
        body = driver.app.screen.query_one("#body", Page)
        await driver.until(lambda: body.size.height == body.length)
        await driver.press("escape", "asterisk", "D")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm) and confirm(driver).ready)
        body = driver.app.screen.query_one("#body", Page)
        await driver.until(lambda: body.size.height == body.length)


@pytest.mark.parametrize("size", SIZES)
async def test_keys_are_told_for_where_the_focus_is(size: tuple[int, int]) -> None:
    reader = FakeReader()
    here = writing(reader, FakeWriter(reader), name="prod", production=True)
    async with driving(console(here, screen="failures"), size) as driver:
        await driver.shows("40 failures")
        await driver.press("asterisk", "r")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm) and confirm(driver).ready)
        await driver.press("c")
        await driver.shows("5 first; when these have ended, 50 a second; ends above 20% failed again")
        told = []
        for _ in range(6):
            focused = driver.app.focused
            await driver.until(lambda: driver.text.count("▸ ") <= 1)
            on_a_word = focused is not None and focused.id in ("leave", "do")
            assert [line for line in driver.text.splitlines() if "Leave" in line and "▸" in line] != [] or not on_a_word
            [keys] = [line for line in driver.text.splitlines() if "esc leaves all as it is" in line]
            told.append((focused and focused.id, *(said in keys for said in ("y does it", "enter goes on", "enter does it"))))
            await driver.press("tab")
        assert told == [
            ("leave", False, False, False),
            ("do", False, False, False),
            ("canary", False, True, False),
            ("why", False, True, False),
            ("name", False, False, True),
            ("leave", False, False, False),
        ]
        # Where the server's name is asked for, y does nothing without it.
        await driver.press("shift+tab", "shift+tab")
        await driver.write("prod")
        await driver.press("tab")
        await driver.shows("y does it")
        await driver.press("tab", "tab")
        assert "▸ Leave" not in driver.text
        assert "▸ Requeue" not in driver.text
        await driver.write("y")
        assert isinstance(driver.app.screen, Confirm)
        await driver.shows("write a canary like 5, 50/s, 20%")


async def test_where_there_is_nothing_to_be_done_there_is_no_word_that_does_it() -> None:
    reader = FakeReader()
    async with driving(console(writing(reader, FakeWriter(reader)), screen="failures")) as driver:
        await driver.shows("40 failures")
        reader.failures[0] = job(0, "running")
        await driver.press("D")
        await driver.shows("There is nothing that this can be done to.", "▸ Leave")
        await driver.shows_not("Delete  y")
        await driver.press("tab", "tab", "left")
        assert confirm(driver).query_one("#body", Page).size.height < 7


async def test_what_can_be_put_back_is_said_before_it_is_taken() -> None:
    reader = FakeReader()
    here = writing(reader, FakeWriter(reader), trash_s=7_200.0)
    async with driving(console(here, screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press("D")
        await driver.shows("For 2 h it can be put back: u does that, here or in Activity.")


@pytest.mark.parametrize(("key", "title"), [("K", "Kill the work-horse"), ("X", "Stop the job"), ("S", "Shut down 1 worker")])
async def test_the_job_that_a_worker_runs_is_named_before_it_dies(key: str, title: str) -> None:
    reader = FakeReader()
    async with driving(console(writing(reader, FakeWriter(reader)), screen="workers")) as driver:
        await driver.shows("w-1")
        await driver.press(key)
        await driver.shows(title, "worker w-1, with job job-1")


def test_a_preview_knows_all_queues_and_tells_some() -> None:
    preview = Preview(NOW)
    preview.add(Selected(9, 9, (), rows=tuple(job(n, "failed", queue=f"q{max(0, n - 3)}") for n in range(9))))
    glance = preview.glance(done=True)
    [told] = [tally for tally in glance.tallies if tally.what == "queue"]
    assert (told.counts[0], len(told.counts), told.others) == (("q0", 4), 5, 1)
    assert glance.queues == ("q0", "q1", "q2", "q3", "q4", "q5")
