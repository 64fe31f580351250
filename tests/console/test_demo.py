"""`tq-console demo` with its real server, site, workers and scheduler: what it shows, and that nothing of it is left behind."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import ConnectionPool, Redis, UnixDomainSocketConnection

from console.commands.demo import callable_as
from console.demo import processes, sample, summary
from console.demo.reading import lost_runs, read, since
from console.demo.stage import LOCK, MAX_SOCKET_PATH, Stage
from jobs import controls, keys, registering, rows
from jobs.users import User
from tests.conftest import BIN, Server, until

DEMO = str(BIN / "tq-console")
ROLES = {
    "valkey": "valkey-server",
    "site": "console.demo.site",
    "worker 1": "worker high default low",
    "rqscheduler": "rqscheduler -i 1",
}


class Demo:
    """One demonstration as a process, and every process that it has started."""

    def __init__(self, folder: Path, *arguments: str, **options: Any) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [DEMO, "demo", *arguments],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": folder, "text": True} | options,
        )
        self.started: dict[int, psutil.Process] = {}

    def children(self) -> dict[str, list[psutil.Process]]:
        """Its own children by the part that they play."""
        found: dict[str, list[psutil.Process]] = {name: [] for name in ROLES}
        try:
            alive = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            alive = []
        for child in alive:
            self.started[child.pid] = child
            for name, words in ROLES.items():
                try:
                    if child.ppid() == self.process.pid and words in " ".join(child.cmdline()):
                        found[name].append(child)
                except psutil.NoSuchProcess:
                    continue
        return found

    def complete(self) -> dict[str, list[psutil.Process]]:
        """Wait until every part is played, and return who plays it."""

        def everybody() -> Any:
            assert self.process.poll() is None, self.process.communicate()
            found = self.children()
            return found if all(found.values()) else None

        return until(everybody, 60, "not every process was started")  # type: ignore[no-any-return]

    def ended(self) -> tuple[int, str, str]:
        """Wait for its end; no process that it started is left."""
        out, err = self.process.communicate(timeout=90)
        until(lambda: not self.left(), 10, "processes are left")
        return self.process.returncode, out, err

    def left(self) -> list[psutil.Process]:
        return [one for one in self.started.values() if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Demo]]:
    # What it leaves in the temporary folder can be seen there.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    # No path in what it says is broken over two lines.
    monkeypatch.setenv("COLUMNS", "300")
    running: list[Demo] = []

    def start(*arguments: str, **options: Any) -> Demo:
        running.append(Demo(tmp_path, *arguments, **options))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.process.terminate()
            one.process.wait(60)
        for stream in (one.process.stdout, one.process.stderr):
            if stream:
                stream.close()


def heard(terminal: int) -> bytes:
    assert select.select([terminal], [], [], 60)[0], "the terminal stays silent"
    return os.read(terminal, 65_536)


def scratch(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("tq-demo-")]


def test_for_some_seconds_it_runs_and_sums_up(
    demo: Callable[..., Demo], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TQ_TIERS", "/nowhere/tiers.toml")
    monkeypatch.setenv("RQ_REDIS_URL", "redis://127.0.0.1:1/0")
    one = demo("--for", "6", "--users", "6", "--json")
    parts = one.complete()
    assert len(parts["worker 1"]) == 3
    status, out, err = one.ended()
    told = json.loads(out)
    assert (status, err, told["problems"]) == (0, "", [])
    assert told["users"] == told["schedules"] == 6
    assert told["seconds"] >= 6
    assert set(told["runs"]) == {"high", "default", "low"}
    assert told["attempts"] == sum(sum(lane.values()) for lane in told["runs"].values())
    assert scratch(tmp_path) == []


def test_the_work_is_really_done(demo: Callable[..., Demo], tmp_path: Path) -> None:
    one = demo("--users", "8", "--workers", "1", "--json", "--keep", "kept")
    log = tmp_path / "kept" / "site.log"
    until(lambda: log.exists() and "GET /" in log.read_text() and one.children(), 60, "nobody asked the site for a page")
    until(lambda: "Job OK" in (tmp_path / "kept" / "worker-1.log").read_text(), 60, "no run was done")
    # The reading that is shown at the end may be a second old.
    until(lambda: (tmp_path / "kept" / "worker-1.log").read_text().count("Job OK") > 2, 60, "no more runs were done")
    one.process.send_signal(signal.SIGTERM)
    status, out, err = one.ended()
    told = json.loads(out)
    assert (status, err) == (130, "tq-console: interrupted\n")
    assert sum(lane["done"] for lane in told["runs"].values()) > 0
    assert told["site"]["requests"] > 0
    assert (tmp_path / "kept" / "data" / "appendonlydir").is_dir()


def test_the_summary_is_readable(demo: Callable[..., Demo]) -> None:
    status, out, err = demo("--for", "1", "--users", "3").ended()
    assert (status, err) == (0, "")
    for word in ("high", "default", "low", "done", "failed", "retried", "3 users", "3, 0 paused", "is known to be lost"):
        assert word in out


def test_a_kept_folder_goes_on_where_it_ended(demo: Callable[..., Demo]) -> None:
    first = json.loads(demo("--for", "1", "--users", "4", "--json", "--keep", "kept").ended()[1])
    second = json.loads(demo("--for", "1", "--users", "2", "--json", "--keep", "kept").ended()[1])
    assert (first["users"], second["users"]) == (4, 2)
    assert second["problems"] == []


@pytest.mark.parametrize("name", ROLES)
def test_when_one_dies_it_says_which_and_ends_the_others(demo: Callable[..., Demo], name: str) -> None:
    one = demo("--users", "3", "--for", "600", "--json")
    victim = one.complete()[name][0]
    one.children()
    victim.kill()
    status, out, err = one.ended()
    assert status == 1
    assert err.startswith("tq-console: demo: ")
    assert err.count("\n") == 1
    assert f"{name.partition(' ')[0]}" in err
    assert f"(pid {victim.pid}) was killed by SIGKILL; " in err
    assert [problem["code"] for problem in json.loads(out)["problems"]] == ["process_died"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_ends_everything(demo: Callable[..., Demo], tmp_path: Path, number: signal.Signals) -> None:
    one = demo("--users", "3", "--for", "600")
    one.complete()
    one.process.send_signal(number)
    status, _, err = one.ended()
    assert (status, err) == (130, "tq-console: interrupted\n")
    assert scratch(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_killed_it_takes_the_others_with_it(demo: Callable[..., Demo]) -> None:
    one = demo("--users", "3", "--for", "600")
    one.complete()
    one.process.kill()
    one.ended()


@pytest.fixture
def on_a_terminal(demo: Callable[..., Demo], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Demo, int]]:
    """The demonstration on a terminal of its own, and the other side of that."""
    monkeypatch.setenv("TERM", "xterm-256color")
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (30, 100))
    one = demo("--users", "3", stdin=theirs, stdout=theirs, stderr=theirs, text=False, preexec_fn=lambda: os.login_tty(theirs))
    os.close(theirs)
    yield one, ours
    os.close(ours)


def until_heard(terminal: int, *words: bytes, shown: bytes = b"") -> bytes:
    """Read what the terminal shows until all of `words` were there."""
    while not all(word in shown for word in words):
        shown += heard(terminal)
    return shown


def until_silent(terminal: int) -> bytes:
    """Read what the terminal shows until nobody holds the other side."""
    shown = b""
    with contextlib.suppress(OSError):
        while True:
            shown += heard(terminal)
    return shown


def test_on_a_terminal_it_opens_the_console_and_ends_when_that_is_left(on_a_terminal: tuple[Demo, int]) -> None:
    one, terminal = on_a_terminal
    shown = until_heard(terminal, b"tq-console status", b"Overview", b"3 schedules armed")
    one.complete()
    os.write(terminal, b"q")
    shown += until_silent(terminal)
    status, _, _ = one.ended()
    assert status == 0
    assert shown.count(b"\x1b[?1049h") == shown.count(b"\x1b[?1049l") == 1, "the console leaves the terminal as it was"
    left = shown[shown.rindex(b"\x1b[?1049l") :]
    assert b"is known to be lost" in left, "the summary is printed at the end"
    assert b"webhooks" in left


def test_when_one_dies_the_console_makes_room_for_what_happened(on_a_terminal: tuple[Demo, int]) -> None:
    one, terminal = on_a_terminal
    until_heard(terminal, b"3 schedules armed")
    one.complete()["rqscheduler"][0].kill()
    shown = until_silent(terminal)
    status, _, _ = one.ended()
    assert status == 1
    assert b"\x1b[?1049l" in shown
    assert b"rqscheduler" in shown[shown.rindex(b"\x1b[?1049l") :]


def test_a_used_folder_is_said_to_be_gone_on_with(demo: Callable[..., Demo], tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    first = demo("--for", "1", "--users", "2", "--keep", "kept").ended()
    again = demo("--for", "1", "--users", "2", "--keep", "kept").ended()
    assert (first[0], again[0]) == (0, 0)
    assert f"keeps its data in {kept}; logs in {kept}/*.log" in " ".join(first[1].split())
    assert f"continues with the data of {kept}; logs in {kept}/*.log" in " ".join(again[1].split())


def test_a_folder_of_somebody_else_is_left_alone(demo: Callable[..., Demo], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    status, out, err = demo("--for", "1", "--keep", "mine").ended()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "is not empty" in err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_folder_that_is_too_long_for_a_socket_is_said_at_once(demo: Callable[..., Demo], tmp_path: Path) -> None:
    folder = tmp_path / ("x" * MAX_SOCKET_PATH)
    folder.mkdir()
    status, out, err = demo("--for", "1", env={**os.environ, "TMPDIR": str(folder)}).ended()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "set TMPDIR to a shorter folder" in err
    assert list(folder.iterdir()) == []


def test_a_terminal_without_the_signs_is_no_error(demo: Callable[..., Demo], tmp_path: Path) -> None:
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "1"}
    status, out, err = demo("--for", "1", "--users", "2", "--keep", "kept ×", env=ascii_only).ended()
    assert (status, err) == (0, "")
    assert "kept ?; logs in" in " ".join(out.split())


def test_two_in_one_folder(demo: Callable[..., Demo], tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    with (tmp_path / "kept" / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, out, err = demo("--for", "5", "--keep", "kept").ended()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "another demonstration runs in it" in err


@pytest.mark.parametrize("arguments", [("--users", "0"), ("--workers", "x"), ("--for", "-1"), ("--keep", "/dev/null/x")])
def test_wrong_usage(demo: Callable[..., Demo], arguments: tuple[str, str]) -> None:
    status, out, err = demo("--for", "1", *arguments).ended()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert arguments[0] in err


def test_an_orphaned_work_horse_is_ended_with_its_dead_worker(tmp_path: Path) -> None:
    # As rq does it: the work-horse leads a process group of its own, and outlives a worker that is killed.
    program = "import os, time\npid = os.fork()\nif not pid: os.setpgrp()\nelse: print(pid, flush=True)\ntime.sleep(600)"
    log = tmp_path / "worker.log"
    child = processes.start("worker", "worker", [sys.executable, "-c", program], folder=tmp_path, log=log, environ=os.environ)
    horse = psutil.Process(int(until(log.read_text)))
    child.process.kill()
    until(lambda: processes.first_ended([child]))
    assert horse.is_running()
    processes.end([child], patience=(1,))
    until(lambda: not horse.is_running() or horse.status() == psutil.STATUS_ZOMBIE)


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    program = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(600)"
    log = tmp_path / "deaf.log"
    child = processes.start("site", "site", [sys.executable, "-c", program], folder=tmp_path, log=log, environ=os.environ)
    until(log.read_text)
    processes.end([child], patience=(600,), hurry=lambda: True)
    assert child.process.returncode == -signal.SIGKILL


def test_last_words_are_fit_for_a_terminal(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert processes.last_line(log) == ""
    log.write_bytes(b"first\n\x1b[31mredis://me:hunter2@host:1/0 \x07 refused\x1b[0m\n\n  ---\n")
    assert processes.last_line(log) == "redis://…@host:1/0 ␇ refused"
    log.write_bytes(b"x" * 100_000)
    assert len(processes.last_line(log)) <= processes.MAX_LINE


def test_sample_users_are_good_and_always_the_same(tmp_path: Path) -> None:
    files = [tmp_path / name for name in "abc"]
    assert sample.write_users(files[0], "http://127.0.0.1:1", 500) == 500
    assert sample.write_users(files[1], "http://127.0.0.1:1", 500) == 500
    assert files[0].read_bytes() == files[1].read_bytes()
    with files[0].open("rb") as stream:
        found = list(rows.read(stream, "csv"))
    assert [row for row in found if isinstance(row, rows.BadRow)] == []
    assert {row.user.tier for row in found if isinstance(row, rows.Row)} == {"pro", "standard", "free"}
    assert sample.write_users(files[2], "http://127.0.0.1:1", 3) == 3
    assert files[0].read_text().startswith(files[2].read_text())
    assert sample.write_users(files[2], "http://127.0.0.1:1") >= 20


def test_a_reading_sees_what_is_there(redis: Redis) -> None:
    before = read(redis)
    assert (before.users, before.schedules, before.armed, before.ended) == (0, 0, 0, ())
    user = User("ada", tier="pro", sources=("https://example.com/",))
    registering.set_user(redis, user)
    controls.run_now(redis, "ada", "scrape")
    controls.pause(redis, "ada", "scrape")
    redis.hincrby(keys.LANE + "high", "done", 7)
    after = since(read(redis), before)
    assert (after.users, after.schedules, after.armed, after.paused, after.late) == (1, 1, 1, 1, 0)
    high = after.lanes[0]
    assert (high.name, high.waiting, high.done, high.attempts) == ("high", 1, 7, 7)


def test_the_line_that_lets_one_look_around_gives_a_worker_the_settings_of_those_on_the_stage(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    stage = Stage(tmp_path, tmp_path / "a b" / "valkey.sock", processes.Interruption(), kept=True, continued=True)
    stage.write_settings()
    assert stage.settings.stat().st_mode & 0o777 == 0o600
    hint, settings, paste, kept = (line.plain for line in summary.whereabouts(stage, ".venv/bin/tq-console"))
    assert "another terminal" in hint
    program = (
        "import json, os; print(json.dumps({name: text for name, text in os.environ.items() if name[:3] in ('RQ_', 'TQ_')}))"
    )
    shell = subprocess.run(
        ["/bin/sh", "-c", f'{settings}; exec "$0" -c "$1"', sys.executable, program], env={}, capture_output=True, check=True
    )
    given = {name: value for name, value in stage.environ.items() if name.startswith(("RQ_", "TQ_")) and value}
    assert json.loads(shell.stdout) == given
    assert {"RQ_REDIS_URL", "TQ_TIERS", "TQ_ALLOW_NETWORKS", "TQ_WEBHOOK_SECRET"} <= set(given)
    assert paste == ".venv/bin/tq-console status"
    assert kept == f"continues with the data of {tmp_path}; logs in {tmp_path}/*.log"


def test_the_program_is_named_as_it_can_be_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "my venv" / "bin" / "tq-console"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    assert callable_as(str(program)) == callable_as("my venv/bin/tq-console") == "'my venv/bin/tq-console'"
    monkeypatch.chdir(program.parent)
    assert callable_as("tq-console") == "./tq-console"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert callable_as(str(program)) == f"'{program}'"
    monkeypatch.setenv("PATH", str(program.parent))
    assert callable_as(str(program)) == "tq-console"
    assert callable_as("/work/console/cli.py").endswith("-m console.cli")


class Counting(UnixDomainSocketConnection):
    """A connection that counts how often it sends."""

    sent = 0

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        Counting.sent += 1
        super().send_packed_command(command, check_health)


def test_a_reading_is_one_round_trip_however_much_there_is(redis: Redis, server: Server) -> None:
    registering.set_users(redis, [User(f"user-{n}", tier="free") for n in range(300)])
    controls.dispatch_all(redis, "scrape")
    path = server.url.removeprefix("unix://")
    with Redis(connection_pool=ConnectionPool(Counting, path=path)) as counted:
        counted.ping()
        before = Counting.sent
        assert read(counted).lanes[2].waiting == 300
        assert Counting.sent - before == 1


def test_a_run_that_is_in_no_list_is_lost(redis: Redis) -> None:
    registering.set_user(redis, User("ada", tier="pro"))
    started = controls.run_now(redis, "ada", "scrape")
    assert started.run
    assert lost_runs(redis) == []
    redis.lrem(keys.RQ_QUEUE + "high", 1, started.run)
    assert lost_runs(redis) == [started.run]
