"""What changes users, schedules and what was set aside: where it asks, where it refuses, and that a dry run changes nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.suspension import suspend

from console.cli import run
from jobs import keys, quarantine, schedules, users
from jobs.registering import set_user
from jobs.users import User
from tests.conftest import BIN, Server
from tests.console.terminal import on_a_terminal
from tests.contents import contents

Say = Callable[..., tuple[int, str, str]]

# Asks, and interrupts itself while it reads, so that the reading goes on: as if ctrl-c had come just before it.
ASKS = """
import signal, threading, time
from pathlib import Path
import click
from console.commands import asking

asker = threading.main_thread().native_id

def interrupt():
    asleep = 0
    while asleep < 5:
        state = Path(f"/proc/self/task/{asker}/stat").read_text().rpartition(")")[2].split()[0]
        asleep = asleep + 1 if state == "S" else 0
        time.sleep(0.01)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
try:
    CALL
except click.Abort:
    print("heard")
"""

FROM_TO = ("--from", "2026-01-01T00:00Z", "--to", "2026-01-01T12:00Z")

LINES = (
    ("users", "import", "users.csv"),
    ("users", "set", "ada", "--tier", "free"),
    ("users", "remove", "ada"),
    ("schedules", "set", "ada", "scrape", "--every", "2h"),
    ("schedules", "pause", "ada", "scrape"),
    ("schedules", "resume", "ada", "scrape"),
    ("schedules", "run-now", "ada", "scrape"),
    ("schedules", "remove", "ada", "scrape"),
    ("schedules", "backfill", "ada", "scrape", *FROM_TO),
    ("schedules", "repair"),
    ("schedules", "put-back", "poison"),
    ("schedules", "drop", "poison"),
)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command line; its exit status and what it wrote to both streams."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run(list(arguments))
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def ada(redis: Redis, tmp_path: Path) -> Redis:
    """A user with a schedule, an entry that was set aside, and a file of users."""
    set_user(redis, User("ada", "pro"))
    redis.zadd(keys.ENTRIES, {"poison": 1_767_225_600})
    quarantine.set_aside(redis, b"poison", "no status", "host:7")
    (tmp_path / "users.csv").write_text("id,tier\nbob,free\n")
    return redis


@pytest.fixture
def production(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The context `prod`, in which everything is confirmed by its name."""
    contexts = tmp_path / "contexts.toml"
    contexts.write_text(f'[prod]\nurl = "{server.url}"\nproduction = true\n\n["my desk"]\nurl = "{server.url}"\n')
    monkeypatch.setenv("TQ_CONTEXTS", str(contexts))
    # The context puts it there, and it is to be gone after the test.
    monkeypatch.setenv("RQ_KEY_PREFIX", "rq")


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_in_production_it_is_refused_where_nobody_can_answer(ada: Redis, say: Say, line: tuple[str, ...]) -> None:
    before = contents(ada)
    status, out, err = say("--context", "prod", *line)
    assert (status, out, err.count("\n")) == (2, "", 1)
    looks = "" if line[1] == "repair" else ", or --dry-run to see what it is done to"
    assert err == f"tq-console: {line[1]} changes something in the production context prod: add --yes to do it{looks}\n"
    assert contents(ada) == before


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_yes_stands_for_the_name(ada: Redis, say: Say, line: tuple[str, ...]) -> None:
    status, _, err = say("--context", "prod", *line, "--yes")
    assert (status, err) == (0, "")
    assert ada.xlen(keys.ACTIVITY) == 2


@pytest.mark.parametrize("line", [line for line in LINES if line[1] not in ("remove", "drop")], ids=" ".join)
def test_elsewhere_it_is_done_at_once(ada: Redis, say: Say, line: tuple[str, ...]) -> None:
    assert say(*line)[0] == 0
    assert ada.xlen(keys.ACTIVITY) == 2


def test_what_programs_rely_on_is_done_where_nobody_can_answer(ada: Redis, say: Say) -> None:
    assert say("schedules", "remove", "ada", "scrape", "--note", "gone")[0] == 0
    assert schedules.count(ada) == 0


@pytest.mark.parametrize("line", [("users", "remove", "ada"), ("schedules", "drop", "poison")], ids=" ".join)
def test_what_cannot_be_undone_needs_yes_where_nobody_can_answer(ada: Redis, say: Say, line: tuple[str, ...]) -> None:
    before = contents(ada)
    status, _, err = say(*line)
    assert (status, err) == (
        2,
        f"tq-console: {line[1]} changes something: add --yes to do it, or --dry-run to see what it is done to\n",
    )
    assert contents(ada) == before


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("line", [line for line in LINES if line[1] != "repair"], ids=" ".join)
def test_a_dry_run_tells_and_changes_nothing(ada: Redis, say: Say, line: tuple[str, ...]) -> None:
    before = contents(ada)
    status, out, err = say("--context", "prod", *line, "--dry-run")
    assert (status, err) == (0, "")
    assert out
    assert contents(ada) == before


def test_a_dry_run_says_how_many_runs_a_backfill_makes(ada: Redis, say: Say) -> None:
    out = say("schedules", "backfill", "ada", "scrape", *FROM_TO, "--dry-run")[1]
    said = out.splitlines()
    start, end = "2026-01-01T00:00:00+00:00", "2026-01-01T12:00:00+00:00"
    assert said[:2] == [
        f"Backfill schedule of scrape for ada from {start} to {end}",
        "  12 runs on low",
    ]
    assert say("schedules", "backfill", "ada", "scrape", *FROM_TO)[1].startswith("12 runs enqueued on low")
    run = next(ada.scan_iter(f"{keys.RQ_JOB}{schedules.schedule_id('ada', 'scrape')}-*"))
    ada.delete(run)
    out = say("schedules", "backfill", "ada", "scrape", *FROM_TO, "--dry-run")[1]
    assert out.splitlines()[1] == "  1 run on low: 11 of 12 slots have theirs"


def test_a_dry_run_of_a_change_says_the_slots_that_it_then_has(ada: Redis, say: Say) -> None:
    cron = ("set", "ada", "scrape", "--cron", "0 9 * * *")
    out = say("schedules", *cron, "--dry-run")[1]
    [next_ones] = [line.removeprefix("  next: ").split(", ") for line in out.splitlines() if line.startswith("  next: ")]
    changed = say("schedules", *cron)[1]
    assert [slot in changed for slot in next_ones] == [True] * 5


def test_a_dry_run_of_what_would_be_refused_is_refused(ada: Redis, say: Say) -> None:
    for line in (("pause", "ada", "deliver"), ("set", "ada", "scrape", "--tier", "gold"), ("remove", "bob", "scrape")):
        status, out, _ = say("schedules", *line, "--dry-run")
        assert (status, out) == (2, "")


@pytest.mark.parametrize(
    "line",
    [
        ("users", "remove", "ada"),
        ("schedules", "remove", "ada", "scrape"),
        ("schedules", "backfill", "ada", "scrape", *FROM_TO),
    ],
    ids=" ".join,
)
def test_what_takes_away_or_makes_much_asks_at_a_terminal(
    ada: Redis, server: Server, tmp_path: Path, line: tuple[str, ...]
) -> None:
    before = contents(ada)
    with on_a_terminal([str(BIN / "tq-console"), *line], tmp_path, RQ_REDIS_URL=server.url) as terminal:
        terminal.shows("on unix://", "[y/N]:")
        terminal.press("n", "enter")
        assert terminal.ends() == 1
        terminal.shows("nothing was done")
    assert contents(ada) == before


@pytest.mark.usefixtures("production")
def test_in_production_each_asks_for_the_name(ada: Redis, tmp_path: Path) -> None:
    for typed, status in (("y", 1), ("prod", 0)):
        line = [str(BIN / "tq-console"), "--context", "prod", "schedules", "pause", "ada", "scrape"]
        with on_a_terminal(line, tmp_path) as terminal:
            terminal.shows("Pause schedule of scrape for ada on", "Type prod to do it")
            terminal.press(typed, "enter")
            assert terminal.ends() == status
        assert schedules.get(ada, "ada", "scrape").paused == (not status)


@pytest.mark.usefixtures("production")
def test_a_removed_user_is_gone_once_somebody_has_typed_the_name(ada: Redis, tmp_path: Path) -> None:
    line = [str(BIN / "tq-console"), "--context", "prod", "users", "remove", "ada"]
    with on_a_terminal(line, tmp_path) as terminal:
        terminal.shows("this cannot be undone", "Remove user ada with 1 schedule on", "Type prod to do it")
        terminal.press("prod", "enter")
        assert terminal.ends() == 0
    assert users.count(ada) == 0


@pytest.mark.usefixtures("production")
def test_how_it_is_undone_is_said_for_the_context_in_which_it_was_done(ada: Redis, say: Say) -> None:
    out = say("--context", "my desk", "schedules", "remove", "ada", "scrape")[1]
    assert "it is undone by: tq-console --context 'my desk' undo " in out
    Queue("low", connection=ada).enqueue("operator.add", 1, 2, job_id="a")
    out = say("--context", "prod", "delete", "a", "--yes")[1]
    assert "it is undone by: tq-console --context prod undo " in out


@pytest.mark.usefixtures("production")
def test_a_remedy_is_for_the_context_that_was_asked_about(ada: Redis, say: Say) -> None:
    schedules_paused = ("schedules", "pause", "ada", "scrape")
    assert say(*schedules_paused)[0] == 0
    remedy = "schedules resume ada scrape"
    assert f"→ tq-console --context prod {remedy}" in say("--context", "prod", "why", "--schedule", "ada", "scrape")[1]
    assert f"→ tq-console {remedy}" in say("why", "--schedule", "ada", "scrape")[1]
    suspend(ada)
    assert "→ tq-console --context prod resume, or P on the overview" in say("--context", "prod", "doctor")[1]


@pytest.mark.parametrize("call", ['asking.confirmed("Sure?")', 'asking.typed("Sure?", "prod")'])
def test_ctrl_c_that_comes_just_before_a_question_is_read_is_heard(call: str, tmp_path: Path) -> None:
    with on_a_terminal([sys.executable, "-c", ASKS.replace("CALL", call)], tmp_path) as terminal:
        terminal.shows("heard", timeout=20)
        assert terminal.ends() == 0
