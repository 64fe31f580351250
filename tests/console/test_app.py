"""The console as its keys are pressed, over a reader that answers from memory."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from console.actions import ACTIONS, BY_ID, SCREENS, Action, applies, shown
from console.app import Console
from console.model.commands import STATES, Move, Requeue, Reschedule
from console.model.ports import Reader, Target
from console.model.queries import (
    JOB_STATES,
    SOURCES,
    FailuresQuery,
    JobQuery,
    JobsQuery,
    OverviewQuery,
    SchedulesQuery,
    UserQuery,
    WorkersQuery,
)
from console.orders import AT_ONCE, missing
from console.screens.jobs import JobsView
from console.screens.view import View
from console.screens.views import made
from tests.console.fakes import NOW, FakeReader, job, queue, status, target
from tests.console.pilots import SIZES, Driver, driving

EVERYWHERE = (
    *((screen, "") for screen in (*SCREENS, "user")),
    *(("jobs", state) for state in JOB_STATES),
    *(("job", state) for state in (*JOB_STATES, "")),
    *(("schedules", source) for source in SOURCES),
    ("failures", "failed"),
)
"""Every screen, with every state or source that what is shown there can have."""


def console(reader: FakeReader | None = None, **given: object) -> Console:
    """A console over `reader`, with a frozen clock that a test may move by setting `at`."""
    here = target(reader or FakeReader())
    clock: Callable[[], float] = given.pop("clock", lambda: NOW)  # type: ignore[assignment]
    return Console([here], here, refresh_s=0.05, clock=clock, **given)  # type: ignore[arg-type]


def jobs_view(driver: Driver) -> JobsView:
    view = driver.app.view
    assert isinstance(view, JobsView)
    return view


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
    async with driving(console(reader, clock=lambda: at[0])) as driver:
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


@pytest.mark.parametrize("screen", SCREENS)
async def test_the_help_names_every_key_that_does_something_there(screen: str) -> None:
    async with driving(console(screen=screen), (120, 90)) as driver:
        await driver.press("question_mark")
        await driver.shows(f"Keys on {screen}")
        offered = driver.app.offered()
        for action in ACTIONS:
            assert (action.help in driver.text) == (action in offered), action.id
        await driver.press("escape")
        await driver.shows_not("Keys on")


def test_no_two_actions_of_a_screen_share_a_key() -> None:
    for screen, state in EVERYWHERE:
        keys = [key for action in ACTIONS if applies(action, screen, state, False) for key in action.keys]
        assert len(keys) == len(set(keys)), (screen, state)


def test_an_action_is_offered_in_the_states_in_which_its_command_can_be_done() -> None:
    for name, command in AT_ONCE.items() | {("move", Move(b"low")), ("due", Reschedule(0.0))}:
        if type(command) in STATES and name != "empty":
            offered = {state for state in JOB_STATES if applies(BY_ID[name], "jobs", state, False)}
            # One key makes jobs run: those that failed are requeued, and not copied.
            others = STATES[Requeue] if name == "run_again" else frozenset[str]()
            assert offered == STATES[type(command)] - others, name


def test_what_ends_something_has_a_capital_letter() -> None:
    last = {"delete", "remove", "empty", "stop", "stop_job", "shutdown", "kill_horse"}
    assert all(BY_ID[name].keys[0].isupper() for name in last)


def test_what_is_dangerous_is_not_there_where_one_only_reads() -> None:
    danger = Action("delete", ("D",), "delete", "Delete it.", "Act", ("jobs",), danger=True)
    assert applies(danger, "jobs", "failed", read_only=False)
    assert not applies(danger, "jobs", "failed", read_only=True)
    assert not applies(danger, "workers", "", read_only=False)
    assert shown("slash") == "/"


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
    async with driving(Console(targets, targets[0], refresh_s=0.05, clock=lambda: NOW)) as driver:
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
    app = Console([here, other], here, refresh_s=0.05, clock=lambda: NOW)
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


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_does_something_wherever_it_is_offered(action: Action) -> None:
    if action.id.startswith("screen_") or hasattr(Console, f"do_{action.id}"):
        return
    for screen, state in EVERYWHERE:
        if not applies(action, screen, state, read_only=False):
            continue
        if action.danger:
            assert action.id == "undo" or type(made(screen)).meant is not View.meant, f"{action.id} on {screen}"
            assert action.id in (*AT_ONCE, "undo") or missing(action.id, NOW, None, ()).hint
        else:
            assert hasattr(made(screen), f"do_{action.id}"), f"{action.id} on {screen}"


async def test_where_there_is_nothing_to_go_back_to_that_is_said() -> None:
    async with driving(console()) as driver:
        await driver.shows("18,240")
        await driver.press("escape")
        await driver.says("this is where you began; q leaves")


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
