"""The console as its keys are pressed, over a reader that answers from memory."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from console.app import Console
from console.model.ports import Reader, Target
from console.model.queries import (
    FailuresQuery,
    JobQuery,
    JobsQuery,
    OverviewQuery,
    SchedulesQuery,
    UserQuery,
    WorkersQuery,
)
from tests.console.fakes import LANES, NOW, FakeReader, detail, job, queue, status, target
from tests.console.opened import console, jobs_view
from tests.console.pilots import SIZES, driving


@pytest.mark.parametrize("size", SIZES)
async def test_each_screen_opens_by_its_number_at_any_size(size: tuple[int, int]) -> None:
    reader = FakeReader()
    expected = {
        "1": ("18,240", OverviewQuery),
        "2": ("scrape_for_user", JobsQuery),
        "3": ("ReadTimeout", FailuresQuery),
        "4": ("ada@example.com", SchedulesQuery),
        "5": ("w-1", WorkersQuery),
        "6": ("console", OverviewQuery),
    }
    async with driving(console(reader), size) as driver:
        for key, (text, kind) in expected.items():
            await driver.press(key)
            await driver.shows(text, "rediss://…@cache-1/0", "2 problems", "? help")
            assert any(isinstance(query, kind) for query in reader.asked)
            assert all(len(line) <= size[0] for line in driver.text.splitlines())
            assert len(driver.text.splitlines()) == size[1]


async def test_enter_opens_and_escape_goes_back_to_the_same_row() -> None:
    reader = FakeReader()
    async with driving(console(reader)) as driver:
        await driver.press("2")
        await driver.shows("job-0")
        await driver.press("j", "j", "j", "enter")
        await driver.shows("job job-3", "ValueError: no")
        assert JobQuery(b"job-3") in reader.asked
        await driver.press("escape")
        await driver.shows("200 jobs")
        await driver.until(lambda: jobs_view(driver).table.cursor_key == b"job-3")
        await driver.press("right_square_bracket")
        await driver.shows("job job-3")
        await driver.press("escape", "escape")
        await driver.shows("18,240")


async def test_o_opens_the_user_of_a_job() -> None:
    async with driving(console()) as driver:
        await driver.press("2")
        await driver.shows("job-0")
        await driver.press("o")
        await driver.shows("user user-0", "Europe/Rome")


async def test_the_cursor_and_the_marks_stay_with_their_jobs_while_rows_come_and_go() -> None:
    reader = FakeReader()
    async with driving(console(reader)) as driver:
        await driver.press("2")
        await driver.shows("job-0")
        await driver.press("j", "j", "space", "space")
        table = jobs_view(driver).table
        assert list(table.marks) == [b"job-2", b"job-3"]
        assert table.cursor_key == b"job-4"
        reader.jobs[:0] = [job(n) for n in range(1_000, 1_007)]
        await driver.shows("job-1006")
        await driver.until(lambda: table.total == 207)
        assert (table.cursor_key, table.cursor) == (b"job-4", 11)
        del reader.jobs[8:10]
        await driver.until(lambda: table.total == 205)
        assert (table.cursor_key, table.cursor) == (b"job-4", 9)
        assert list(table.marks) == [b"job-2", b"job-3"]
        reader.jobs[:60] = reversed(reader.jobs[:60])
        await driver.until(lambda: table.cursor == 50)
        assert table.cursor_key == b"job-4"
        del reader.jobs[50]
        await driver.until(lambda: table.total == 204)
        assert table.cursor == 50


@pytest.mark.parametrize(
    ("typed", "query", "text"),
    [
        ("job abc-1", JobQuery(b"abc-1"), "job abc-1"),
        ("user ada", UserQuery("ada"), "user ada"),
        ("queue low", JobsQuery(queue=b"low"), "low"),
    ],
)
async def test_the_palette_goes_to_a_name(typed: str, query: object, text: str) -> None:
    reader = FakeReader()
    async with driving(console(reader)) as driver:
        await driver.shows("18,240")
        await driver.press("colon")
        await driver.write(typed)
        await driver.shows("by its exact name")
        await driver.press("enter")
        await driver.until(lambda: any(type(query) is type(asked) and same(asked, query) for asked in reader.asked))
        await driver.shows(text)


@pytest.mark.parametrize(
    ("there", "query"), [("job", JobQuery(b"grace")), ("user", UserQuery("grace")), ("queue", JobsQuery(queue=b"grace"))]
)
async def test_a_bare_name_leads_to_what_there_is_of_that_name(there: str, query: object) -> None:
    grace = replace(LANES[0], name="grace", key=b"grace", lane=False)
    reader = FakeReader(status=status(queues=(*LANES, *[grace] * (there == "queue"))))
    reader.details[b"grace"] = replace(detail(b"grace", NOW), found=there == "job")
    reader.unknown_users = set() if there == "user" else {"grace"}
    async with driving(console(reader)) as driver:
        await driver.shows("18,240")
        await driver.press("colon")
        await driver.write("grace")
        await driver.shows("exactly this name")
        await driver.press(*["down"] * (there == "queue"), "enter")
        await driver.until(lambda: same(driver.app.view.asked, query) and type(driver.app.view.asked) is type(query))


async def test_a_name_of_nothing_is_said_to_be_none() -> None:
    reader = FakeReader(unknown_users={"nosuch"})
    reader.details[b"nosuch"] = replace(detail(b"nosuch", NOW), found=False)
    async with driving(console(reader)) as driver:
        await driver.shows("18,240")
        await driver.press("colon")
        await driver.write("nosuch")
        await driver.shows("exactly this name")
        await driver.press("enter")
        await driver.says("no job, user or queue has the name nosuch")
        assert driver.app.screen_name == "overview"


def same(asked: object, query: object) -> bool:
    names = ("id", "queue")
    return all(getattr(asked, name, None) == getattr(query, name, None) for name in names)


async def test_the_palette_does_any_action() -> None:
    async with driving(console()) as driver:
        await driver.shows("18,240")
        await driver.press("ctrl+p")
        await driver.write("Failures")
        await driver.shows("What failed, newest first.")
        await driver.press("enter")
        await driver.shows("40 failures")


async def test_copying_says_what_was_copied_and_offers_a_file(tmp_path: Path) -> None:
    async with driving(console()) as driver:
        await driver.press("2")
        await driver.shows("job-0")
        await driver.press("space", "space", "y")
        await driver.says("2 jobs copied; w writes it to a file")
        assert driver.app.clipboard == "job-0\njob-1"
        await driver.press("w")
        await driver.says("2 jobs written to")
        [file] = tmp_path.glob("tq-console-*.txt")
        assert file.read_text() == "job-0\njob-1\n"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_file_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "cwd", lambda: Path("/nowhere"))
    async with driving(console()) as driver:
        await driver.press("2")
        await driver.shows("job-0")
        await driver.press("y", "w")
        await driver.says("No such file or directory; start tq-console where you may write")


async def test_themes_go_round_and_every_screen_can_be_drawn_in_each() -> None:
    async with driving(console()) as driver:
        names = []
        for _ in range(4):
            names.append(driver.app.theme)
            for key in "123456":
                await driver.press(key)
            await driver.press("t")
        assert names[0] == names[3]
        assert len(set(names)) == 3


async def test_without_colour_every_state_is_still_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driving(console()) as driver:
        await driver.shows("✗ 2 problems", "never", "grows")
        assert driver.app.no_color


async def test_the_zone_of_absolute_times_can_be_utc() -> None:
    async with driving(console()) as driver:
        await driver.press("z")
        await driver.says("times are in UTC")
        await driver.shows("as of 14:02:11")


async def test_the_mouse_opens_screens_and_does_what_the_footer_says() -> None:
    async with driving(console()) as driver:
        await driver.shows("18,240")
        lines = driver.text.splitlines()
        await driver.pilot.click(offset=(lines[1].index("3 Failures") + 2, 1))
        await driver.shows("40 failures")
        await driver.pilot.click(offset=(lines[-1].index("? help") + 2, len(lines) - 1))
        await driver.shows("Keys on failures")


async def test_another_context_is_another_server_from_the_same_screen_on() -> None:
    here, there = FakeReader(), FakeReader(status=status(problems=()), jobs=[job(n) for n in range(7)])
    targets = [
        target(here, name="prod", colour="red"),
        target(there, name="staging", url="unix:///run/[red]/[/x].sock", read_only=True),
    ]
    async with driving(Console(targets, targets[0], refresh_s=0.2, clock=lambda: NOW)) as driver:
        await driver.press("2")
        await driver.shows(" prod ", "200 jobs")
        here.gate.clear()
        held = len(here.asked)
        await driver.until(lambda: len(here.asked) > held, "a read that is held back")
        await driver.press("colon")
        await driver.write("staging")
        await driver.shows("context staging", "unix:///run/[red]/[/x].sock")
        await driver.press("enter")
        await driver.shows(" staging ", "READ-ONLY", "7 jobs")
        here.gate.set()
        await driver.until(lambda: here.closed, "the old server is let go")
        await driver.shows("7 jobs", "no problem")
        assert driver.app.view.query_one("#rows").display is not False


async def test_a_context_of_another_prefix_ends_this_process_for_one_of_its_own() -> None:
    def never() -> Reader:
        raise AssertionError("it is not read from here")

    here = target(FakeReader(), name="one")
    other = Target("two", "redis://stage/1", never, elsewhere=True)
    app = Console([here, other], here, refresh_s=0.2, clock=lambda: NOW)
    async with driving(app) as driver:
        await driver.shows("18,240")
        await driver.press("colon")
        await driver.write("context two")
        await driver.press("enter")
        await driver.until(lambda: app.return_value is other)


async def test_q_leaves() -> None:
    app = console()
    async with driving(app) as driver:
        await driver.shows("18,240")
        await driver.press("q")
        await driver.until(lambda: not app.is_running)
    assert app.return_code == 0
    assert app.fault == ""


async def test_what_is_typed_after_one_has_left_is_done_no_more() -> None:
    app = console()
    async with driving(app) as driver:
        await driver.shows("18,240")
        app.exit()
        await app.action_act("screen_3")
        await driver.until(lambda: not app.is_running)
    assert (app.screen_name, app.return_code, app.fault) == ("overview", 0, "")


async def test_what_is_typed_before_there_is_a_screen_is_done_up_to_the_key_that_leaves() -> None:
    reader = FakeReader()
    app = console(reader)
    for action in ("screen_2", "quit", "screen_3", "open"):
        await app.action_act(action)
    async with driving(app) as driver:
        await driver.until(lambda: not app.is_running)
    assert (app.screen_name, app.return_code, app.fault) == ("jobs", 0, "")
    assert not any(isinstance(query, FailuresQuery) for query in reader.asked)


async def test_an_error_that_nobody_foresaw_ends_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("hunter2")

    app = console(crashed=lambda error: f"it failed unexpectedly ({type(error).__name__})")
    with pytest.raises(KeyError):
        async with driving(app) as driver:
            await driver.shows("18,240")
            monkeypatch.setattr(driver.app.view, "show", broken)
            await driver.until(lambda: app.fault)
    assert app.fault == "it failed unexpectedly (KeyError)"
    assert not app._exit_renderables


async def test_marks_and_cursor_stay_when_the_list_is_turned_round_and_when_one_comes_back() -> None:
    async with driving(console(FakeReader(jobs=[job(n) for n in range(40)]))) as driver:
        await driver.press("2")
        await driver.shows("40 jobs")
        await driver.press("j", "j", "space", "space")
        table = jobs_view(driver).table
        await driver.press("enter")
        await driver.shows("job job-4")
        await driver.press("escape")
        await driver.until(lambda: table.total == 40)
        assert (list(table.marks), table.cursor_key) == ([b"job-2", b"job-3"], b"job-4")
        await driver.press("s")
        await driver.shows("reversed")
        await driver.until(lambda: table.total == 40)
        assert (list(table.marks), table.cursor_key) == ([b"job-2", b"job-3"], b"job-4")
        await driver.press("f5")
        assert list(table.marks) == [b"job-2", b"job-3"]
        await driver.press("tab")
        assert not table.marks, "another list has marks of its own"


async def test_where_there_is_nothing_to_go_back_to_that_is_said() -> None:
    async with driving(console()) as driver:
        await driver.shows("18,240")
        await driver.press("escape")
        await driver.says("this is where you began; q leaves")


async def test_where_no_job_is_a_users_no_column_is_for_users() -> None:
    reader = FakeReader(failures=[job(n, "failed", user=None, tier=None) for n in range(3)])
    async with driving(console(reader)) as driver:
        await driver.press("2")
        await driver.shows("USER", "user-0")
        await driver.press("3")
        await driver.shows("3 failures")
        await driver.shows_not("USER")
        assert "TIER" not in driver.text


async def test_an_error_that_is_too_long_keeps_its_end() -> None:
    error = f"jobs.errors.PermanentError: {'127.0.0.1:43145: ' * 9}answered 404 Not Found"
    async with driving(console(FakeReader(failures=[job(1, "failed", error=error)])), (80, 24)) as driver:
        await driver.press("3")
        await driver.shows("PermanentError:", "404 Not Found")


async def test_where_there_is_no_job_layer_there_are_no_lanes() -> None:
    queues = (*(queue(name, lane=True, workers=0) for name in ("high", "default", "low")), queue("mail", waiting=4))
    async with driving(console(FakeReader(status=status(queues=queues, problems=())))) as driver:
        await driver.shows("mail", "1 queue")
        assert "high" not in driver.text
