"""What an operator does to the server from the console, over a reader and a writer in memory: keys, dialogs, what is told."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.widgets import Input

from console.actions import ACTIONS
from console.app import Console
from console.model.commands import Requeue
from console.model.operations import Counts
from console.model.ports import Target, WriteError
from console.model.queries import FailuresQuery
from console.screens.dialogs.confirm import Confirm
from console.widgets.choice import Choice
from tests.console.fakes import LANES, NOW, FakeReader, FakeWriter, job, queue, status, writing
from tests.console.pilots import SIZES, Driver, driving


def console(target: Target, **given: Any) -> Console:
    options: dict[str, Any] = {"refresh_s": 0.2, "clock": lambda: NOW, **given}
    return Console([target], target, **options)


async def test_r_on_a_failed_job_requeues_it_after_a_yes() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press("j", "r")
        await driver.shows("Requeue 1 failed job", "job job-1", "rediss://…@cache-1/0", "scrape_for_user", "y does it")
        await driver.press("y")
        await driver.shows("requeued 1", "39 failures")
    [(operation, command, seen)] = writer.acted
    assert command == Requeue()
    assert [one.key for one in seen] == [b"job-1"]
    assert reader.selected == [FailuresQuery(only=(b"job-1",))]
    assert (operation.command, operation.scope, operation.matched) == ("requeue", "job job-1", 1)


async def test_a_double_press_gives_one_command() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press("r", "r", "r")
        await driver.shows("Requeue 1 failed job")
        await driver.until(lambda: confirm(driver).ready)
        await driver.press("y", "y", "y")
        await driver.shows("requeued 1")
        assert len(driver.app.screen_stack) == 1
    assert len(writer.acted) == len(writer.begun) == len(reader.selected) == 1


@pytest.mark.parametrize(("word", "commands"), [("do", 1), ("leave", 0)])
async def test_a_word_that_is_chosen_twice_before_the_dialog_is_left_is_chosen_once(word: str, commands: int) -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press("r")
        await driver.shows("Requeue 1 failed job")
        await driver.until(lambda: confirm(driver).ready)
        choice = confirm(driver).query_one(f"#{word}", Choice)
        for _ in range(3):
            choice.action_choose()
        await driver.until(lambda: len(driver.app.screen_stack) == 1)
        await driver.shows("requeued 1" if commands else "40 failures")
    assert len(writer.acted) == commands


@pytest.mark.parametrize("opens", ["ctrl+p", "question_mark", "r"])
@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_keys_that_come_at_once_leave_what_is_over_the_screen_once(opens: str, key: str) -> None:
    """As a terminal sends them while the program is busy: none waits for what the one before has done."""
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press(opens)
        await driver.until(lambda: len(driver.app.screen_stack) == 2)
        for _ in range(3):
            driver.app.post_message(events.Key(key, None))
        await driver.until(lambda: len(driver.app.screen_stack) == 1)
        await driver.press("3")
        await driver.shows("40 failures")
    assert not writer.acted


async def test_enter_goes_from_the_canary_to_the_reason_where_letters_are_letters() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press("*", "r")
        await driver.shows("Requeue 40 failed jobs")
        await driver.until(lambda: confirm(driver).ready)
        await driver.press("c")
        await driver.shows("[x] canary")
        confirm(driver).query_one("#canary").focus()
        await driver.press("enter", *"c y")
        assert confirm(driver).query_one("#why", Input).value == "c y"
        await driver.shows("[x] canary")
    assert not writer.acted


@asynccontextmanager
async def one_under_way() -> AsyncIterator[tuple[Driver, FakeWriter]]:
    """A console in which a failed job is requeued, shown in its dialog, until the gate of the writer is opened."""
    reader = FakeReader()
    writer = FakeWriter(reader)
    writer.gate.clear()
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await requeue(driver, "Requeue 1 failed job")
        await driver.shows("c ends it early")
        try:
            yield driver, writer
        finally:
            writer.gate.set()


async def test_while_one_is_under_way_there_is_no_second_one() -> None:
    async with one_under_way() as (driver, writer):
        await driver.press("escape")
        await driver.shows("⟳ requeue")
        await driver.press("j", "r")
        await driver.says("one at a time: Requeue 1 failed job is under way; v shows it")
        assert not isinstance(driver.app.screen, Confirm)
        await driver.press("v")
        await driver.shows("c ends it early")
        writer.gate.set()
        await driver.shows("requeued 1")
        await driver.shows_not("⟳")
    assert len(writer.acted) == 1


async def test_what_is_under_way_when_one_leaves_is_told_at_the_end() -> None:
    async with one_under_way() as (driver, _):
        await driver.press("ctrl+c")
        await driver.until(lambda: driver.app.left)
        assert driver.app.left == "Requeue 1 failed job ends after its batch; what was done: tq-console activity"


async def test_what_is_under_way_ends_with_a_console_that_fails() -> None:
    """Nobody would see it go on, and nobody could end it."""

    def fail() -> None:
        raise KeyError("nobody foresaw it")

    with pytest.raises(KeyError):
        async with one_under_way() as (driver, _):
            assert driver.app.acting.running is not None
            control = driver.app.acting.running.control
            driver.app.call_later(fail)
            await driver.until(lambda: control.canceled)
            assert "Requeue 1 failed job was under way, and ends after its batch" in driver.app.fault


async def test_rows_that_come_move_or_go_do_not_change_what_was_meant() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press("j", "j", "space", "space", "j")
        reader.select_gate.clear()
        await driver.press("r")
        await driver.until(lambda: reader.selected)
        reader.failures = [*reversed(reader.failures), *(job(n, "failed") for n in range(900, 950))]
        del reader.failures[0]
        await driver.until(lambda: driver.app.view.table.total == 89)
        reader.select_gate.set()
        await driver.shows("Requeue 2 failed jobs", "2 jobs that were marked")
        reader.failures = [row for row in reader.failures if row.key != b"job-3"]
        reader.failures += [job(n, "failed") for n in range(950, 960)]
        await driver.until(lambda: confirm(driver).ready)
        await driver.press("y")
        await driver.shows("requeued 2")
        assert not driver.app.view.table.marks
    assert [one.key for one in writer.acted[0][2]] == [b"job-2", b"job-3"]


async def test_cancel_has_the_focus_and_enter_does_nothing() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        for leave in ("enter", "escape"):
            await driver.press("D")
            await driver.until(lambda: isinstance(driver.app.screen, Confirm) and confirm(driver).ready)
            assert driver.app.focused is not None
            assert driver.app.focused.id == "leave"
            await driver.press(leave)
            await driver.until(lambda: len(driver.app.screen_stack) == 1)
        assert len(reader.failures) == 40
    assert writer.begun == []


async def test_enter_on_the_other_word_does_it() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press("r")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm) and confirm(driver).ready)
        await driver.press("left", "right", "left", "enter")
        await driver.shows("requeued 1")


async def test_options_and_a_reason_go_along() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press("r", "t", "f")
        await driver.until(lambda: confirm(driver).ready)
        await driver.shows("t [x] with as many retries", "f [x] at the front")
        await driver.press("shift+tab")
        await driver.write("vendor is back")
        await driver.press("enter", "enter")
        await driver.shows("requeued 1")
    [(operation, command, _)] = writer.acted
    assert command == Requeue(fresh_retries=True, at_front=True)
    assert (operation.why, operation.options) == ("vendor is back", "fresh_retries at_front")


async def test_a_production_server_wants_its_name() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    here = writing(reader, writer, name="prod", colour="red", production=True)
    async with driving(console(here, screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press("r")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm) and confirm(driver).ready)
        await driver.shows("type prod")
        await driver.press("y")
        await driver.shows("type the name of this server, prod, to go on")
        await driver.write("pro")
        await driver.press("enter")
        assert writer.begun == []
        await driver.write("d")
        await driver.press("enter")
        await driver.shows("requeued 1")
    assert len(writer.acted) == 1


async def test_everything_that_is_listed_under_a_filter() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures", expression="user:user-1")) as driver:
        await driver.shows("11 failures")
        await driver.press("asterisk")
        await driver.shows("all 11 marked")
        await driver.press("minus")
        await driver.shows_not("marked")
        await driver.press("asterisk", "space")
        await driver.shows("all are marked, also what comes yet; minus takes the marks off")
        await driver.press("r")
        await driver.shows("Requeue 11 failed jobs", "all failed jobs of every queue, under user:user-1", "y does it")
        await driver.press("y")
        await driver.shows("requeued 11")
    assert reader.selected[0].only is None
    assert {one.key for one in writer.acted[0][2]} == {b"job-1", *(f"job-1{n}".encode() for n in range(10))}


async def test_what_was_changed_meanwhile_is_left_out_and_said() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press("space", "space")
        reader.failures[0] = job(0, "running")
        await driver.press("r")
        await driver.shows("Requeue 1 failed job", "1 left out: it is in another state")


async def test_where_nothing_is_left_there_is_nothing_to_confirm() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        reader.failures[0] = job(0, "running")
        await driver.press("r")
        await driver.shows("There is nothing that this can be done to.")
        await driver.press("y", "tab", "enter")
        assert isinstance(driver.app.screen, Confirm)
    assert writer.begun == []


async def test_a_preview_says_how_far_it_is_and_can_be_left() -> None:
    reader = FakeReader()
    reader.select_gate.clear()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press("asterisk", "r")
        await driver.shows("Requeue failed jobs", "looking: 0")
        await driver.press("y")
        await driver.shows("not yet: it is still being looked for what this would be done to")
        reader.select_gate.set()
        await driver.shows("Requeue 40 failed jobs", "y does it")
        await driver.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1)
        assert writer.begun == []
        reader.select_gate.clear()
        await driver.press("r")
        await driver.shows("looking: 0")
        await driver.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1)
        reader.select_gate.set()
        await driver.press("minus", "r")
        await driver.shows("Requeue 1 failed job", "y does it")
        await driver.press("y")
        await driver.shows("requeued 1")
    assert [len(seen) for _, _, seen in writer.acted] == [1]


async def test_a_server_that_does_not_answer_the_preview_is_told() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        reader.failing = "rediss://…@cache-1/0: cannot be reached"
        await driver.press("r")
        await driver.shows("✗ rediss://…@cache-1/0: cannot be reached", "Nothing was done.")
        await driver.press("y")
    assert writer.begun == []


async def test_progress_pause_and_cancel_within_one_batch() -> None:
    reader = FakeReader(failures=[job(n, "failed") for n in range(1_000)])
    writer = FakeWriter(reader)
    writer.gate.clear()
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("1,000 failures")
        await driver.press("asterisk")
        await requeue(driver, "Requeue 1,000 failed jobs")
        await driver.shows("c ends it early", "0 of 1,000: 0 done")
        await driver.press("p")
        writer.gate.set()
        await driver.shows("200 of 1,000: 200 done", "20%", "paused", "p goes on")
        assert len(writer.acted) == 1
        await driver.press("escape")
        await driver.shows("Requeue 1,000 failed jobs is paused", "there p lets it go on")
        await driver.press("v")
        await driver.shows("p goes on")
        writer.gate.clear()
        await driver.press("p")
        await driver.shows("p pauses", "going on")
        await driver.press("c")
        writer.gate.set()
        await driver.shows("requeued 400", "you ended it early, 600 were left")
        await driver.shows("600 failures")
    assert [len(seen) for _, _, seen in writer.acted] == [200, 200]
    assert [ended.how for ended in writer.ends] == ["canceled"]


async def test_one_does_not_leave_in_the_middle_without_a_word() -> None:
    reader = FakeReader(failures=[job(n, "failed") for n in range(1_000)])
    writer = FakeWriter(reader)
    writer.gate.clear()
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("1,000 failures")
        await driver.press("asterisk")
        await requeue(driver, "Requeue 1,000 failed jobs")
        await driver.shows("c ends it early")
        await driver.press("escape", "q")
        await driver.says("Requeue 1,000 failed jobs is under way; leave once more")
        assert driver.app.is_running
        await driver.press("q")
        writer.gate.set()
        await driver.until(lambda: writer.ends, "the end is in the audit")
    assert [ended.how for ended in writer.ends] == ["canceled"]
    assert len(writer.acted) == 1


async def test_outcomes_are_listed_exported_opened_and_done_again(tmp_path: Path) -> None:
    reader = FakeReader()
    writer = FakeWriter(reader, codes={b"job-3": "changed", b"job-5": "unreadable"})
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press("v")
        await driver.says("nothing was done from this console yet")
        await driver.press("asterisk")
        await requeue(driver, "Requeue 40 failed jobs")
        await driver.shows("requeued 38, skipped 1 (changed), failed 1 (unreadable)", "v outcomes")
        await driver.press("v")
        await driver.shows("job-3", "it is in another state", "job-5", "what should be its hash")
        lines = driver.text.splitlines()
        first = next(at for at, line in enumerate(lines) if "✗" in line and "job-5" in line)
        assert "job-3" in lines[first + 1]
        await driver.press("w")
        await driver.says("outcomes written to")
        [file] = tmp_path.glob("tq-console-*.txt")
        assert "job-5\tfailed\tunreadable\twhat should be its hash or its list is something else\t" in file.read_text()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        await driver.press("v", "enter")
        await driver.shows("job job-5")
        writer.codes.clear()
        await driver.press("v", "r")
        await driver.shows("Requeue 2 failed jobs", "those of it that were not done", "y does it")
        await driver.press("y")
        await driver.shows("requeued 2")
    assert {one.key for one in writer.acted[1][2]} == {b"job-3", b"job-5"}


async def test_why_a_single_job_was_not_done_is_said_at_once() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader, codes={b"job-0": "changed"})
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await requeue(driver, "Requeue 1 failed job")
        await driver.shows("not requeued: it is in another state, or another place, than it was seen in")


async def test_a_server_that_dies_in_the_middle_is_told_and_the_rest_is_left() -> None:
    reader = FakeReader(failures=[job(n, "failed") for n in range(1_000)])
    writer = FakeWriter(reader, failing=WriteError("rediss://…@cache-1/0: cannot be reached"), fails_at=2)
    async with driving(console(writing(reader, writer), screen="failures"), (200, 60)) as driver:
        await driver.shows("1,000 failures")
        await driver.press("asterisk")
        await requeue(driver, "Requeue 1,000 failed jobs")
        await driver.shows("requeued 400, failed 200 (unknown)", "broken off, 400 were left", "cannot be reached")
        await driver.press("v")
        await driver.shows("job-400", "nobody knows whether it was done: the server did not say")


async def test_what_a_server_that_came_back_has_counted_is_told_in_place_of_what_nobody_knew() -> None:
    reader = FakeReader(failures=[job(n, "failed") for n in range(1_000)])
    gone = WriteError("rediss://…@cache-1/0: cannot be reached")
    writer = FakeWriter(reader, failing=gone, fails_at=2, counted=Counts(done=430))
    writer.settled.clear()
    async with driving(console(writing(reader, writer), screen="failures"), (200, 60)) as driver:
        await driver.shows("1,000 failures")
        await driver.press("asterisk")
        await requeue(driver, "Requeue 1,000 failed jobs")
        await driver.shows("requeued 400, failed 200 (unknown)", "broken off, 400 were left")
        await driver.press("u")
        await driver.says("what can be undone is known once the server answers again")
        assert writer.ends == []
        writer.settled.set()
        await driver.shows("requeued 430", "broken off, 570 were left", "u undoes until")
        await driver.press("u")
        await driver.shows("Put back", "what was taken by: Requeue 1,000 failed jobs")
    assert [ended.how for ended in writer.ends] == ["broken off"]


async def test_what_cannot_be_begun_is_told_and_nothing_is_done() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader, failing=WriteError("rediss://…@cache-1/0: cannot be reached"), fails_at=-1)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await requeue(driver, "Requeue 1 failed job")
        await driver.shows("✗ rediss://…@cache-1/0: cannot be reached")
        await driver.press("r")
        await driver.shows("Requeue 1 failed job")
    assert writer.acted == []


@pytest.mark.parametrize("at", [-1, 0])
async def test_a_server_that_refuses_makes_the_console_only_look(at: int) -> None:
    reader = FakeReader()
    writer = FakeWriter(reader, failing=WriteError("NOPERM: this user may not", refused=True), fails_at=at)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures", "r requeue")
        await requeue(driver, "Requeue 1 failed job")
        await driver.says("from here on it only looks")
        await driver.shows("READ-ONLY", "this user may not")
        await driver.shows_not("r requeue")
        await driver.press("r")
        assert len(driver.app.screen_stack) == 1


@pytest.mark.parametrize(("read_only", "screens"), [({"read_only": True}, "123456"), ({"write": None}, "2")])
async def test_where_one_only_looks_no_action_is_anywhere(read_only: dict[str, Any], screens: str) -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    dangerous = [action for action in ACTIONS if action.danger]
    here = replace(writing(reader, writer), **read_only)
    # Nothing changes here, so what is on screen need not be read again between the many keys.
    async with driving(console(here, refresh_s=60), (200, 90)) as driver:
        for screen in screens:
            await driver.press(screen)
            await driver.until(lambda: "Reading" not in driver.text)
            assert not any(action.danger for action in driver.app.offered())
            # A dialog would take the keys that follow, and be there in the end.
            await driver.press(*sorted({key for action in dangerous for key in action.keys}))
            assert len(driver.app.screen_stack) == 1
            await driver.press("question_mark")
            await driver.shows("Keys on")
            helped = driver.text
            assert not [action.id for action in dangerous if action.help in helped]
            await driver.press("escape", "colon")
            await driver.write("requeue")
            await driver.shows("by its exact name")
            assert "Put failed jobs back" not in driver.text
            await driver.press("escape")
        assert reader.selected == []
    assert writer.begun == []


async def test_a_canary_is_asked_for_and_stops_when_too_many_fail_again() -> None:
    reader = FakeReader(failures=[job(n, "failed") for n in range(100)], jobs=[job(n, "failed") for n in range(100)])
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("100 failures")
        await driver.press("asterisk", "r")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm) and confirm(driver).ready)
        await driver.press("c")
        await driver.shows("5, 50/s, 20%")
        confirm(driver).query_one("#canary", Input).value = "many"
        await driver.press("y")
        await driver.shows("write a canary like 5, 50/s, 20%")
        confirm(driver).query_one("#canary", Input).value = "3, 10/s, 50%"
        confirm(driver).query_one("#do").focus()
        await driver.press("enter")
        await driver.shows("requeued 3", "stopped, 97 were left")
    assert writer.begun[0].options == "canary=3 rate=10 stop_above=50%"


def confirm(driver: Driver) -> Confirm:
    screen = driver.app.screen
    assert isinstance(screen, Confirm), screen
    return screen


async def requeue(driver: Driver, title: str) -> None:
    """Press r, and say yes to what `title` says once that can be said."""
    await driver.press("r")
    await driver.shows(title)
    await driver.until(lambda: confirm(driver).ready)
    await driver.press("y")


async def test_all_that_is_listed_is_also_what_cannot_be_reached_by_rank() -> None:
    reader = FakeReader(of=30_000)
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("the newest 40 of 30,000")
        await driver.press("asterisk")
        await driver.shows("all 30,000 marked")


async def test_a_queue_is_emptied_only_where_it_is_known_which() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="jobs")) as driver:
        await driver.shows("200 jobs")
        await driver.press("E")
        await driver.says("choose a queue first")
        assert len(driver.app.screen_stack) == 1
    assert reader.selected == []


BULK = queue("bulk", waiting=3, workers=0)


@pytest.mark.parametrize("size", SIZES)
async def test_a_queue_that_nobody_works_is_told_and_what_is_queued_there_is_not_called_done(size: tuple[int, int]) -> None:
    rows = [job(n, "failed", queue="bulk") for n in range(100)]
    reader = FakeReader(failures=rows, jobs=[job(n, queue="bulk") for n in range(100)], status=status(queues=(*LANES, BULK)))
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures"), size) as driver:
        await driver.shows("100 failures")
        await driver.press("asterisk", "r")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm) and confirm(driver).ready)
        await driver.shows("▲ no worker listens on bulk: what comes there waits until one does")
        await driver.press("c", "y")
        await driver.shows("5 of 100: 5 requeued · none of 5 has ended yet", "waiting for a worker to end the first 5")
        assert "left" not in next(line for line in driver.text.splitlines() if "waiting for a worker" in line)
        await driver.press("c")
        await driver.shows("requeued 5", "you ended it early, 95 were left")


async def test_moving_to_where_nobody_works_says_so_before_and_in_the_dialog() -> None:
    reader = FakeReader(status=status(queues=(*LANES, BULK)))
    async with driving(console(writing(reader, FakeWriter(reader)), screen="jobs")) as driver:
        await driver.shows("200 jobs")
        await driver.press("m")
        await driver.shows("high, default, low, bulk")
        await driver.write("bulk")
        await driver.shows("no worker listens on bulk: what is moved there waits until one does")
        await driver.press("enter")
        await driver.shows("Move 1 queued job to bulk", "▲ no worker listens on bulk")
        await driver.press("escape", "m")
        await driver.write("low")
        await driver.shows("the name of a queue")
        await driver.write("x")
        await driver.shows("there is no queue lowx yet, and no worker listens on it")
        await driver.press("backspace", "enter")
        await driver.shows("Move 1 queued job to low", "y does it")
        assert "no worker" not in driver.text


async def test_a_searched_list_is_searched_again_after_something_was_done_and_marks_stay_while_a_row_is_opened() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader)
    async with driving(console(writing(reader, writer), screen="failures", expression="user:user-1")) as driver:
        await driver.shows("11 failures")
        await driver.press("asterisk")
        await driver.shows("all 11 marked")
        await driver.press("enter")
        await driver.shows("job job-1")
        await driver.press("escape")
        await driver.shows("all 11 marked")
        await driver.press("minus", "j", "space", "j", "space", "enter")
        await driver.shows("job job-13")
        await driver.press("escape")
        await driver.shows("2 marked")
        await driver.until(lambda: driver.app.view.table.cursor_key == b"job-13")
        assert set(driver.app.view.table.marks) == {b"job-10", b"job-12"}
        await driver.press("minus", "k")
        searched = len(reader.searched)
        await requeue(driver, "Requeue 1 failed job")
        await driver.shows("requeued 1", "10 failures")
        assert len(reader.searched) == searched + 1
        assert driver.app.view.table.cursor_key == b"job-13"


async def test_the_cursor_goes_to_what_was_put_back() -> None:
    reader = FakeReader()
    writer = FakeWriter(reader, until=NOW + 600)
    async with driving(console(writing(reader, writer), screen="failures")) as driver:
        await driver.shows("40 failures")
        await driver.press("j", "j", "j", "D")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm) and confirm(driver).ready)
        await driver.press("y")
        await driver.shows("deleted 1", "39 failures", "u undoes until")
        assert driver.app.view.table.cursor_key == b"job-4"
        await driver.press("u")
        await driver.shows("Put back 1 failed job")
        await driver.until(lambda: confirm(driver).ready)
        await driver.press("y")
        await driver.shows("put back 1", "40 failures")
        assert driver.app.view.table.cursor_key == b"job-3"
