"""Child processes that never outlive the demonstration: how they are started, watched and ended.

Each child leads a session of its own. So a ctrl-c in the terminal reaches the demonstration alone, which ends the children in
order; and what a child forks (a worker's work-horses) stays in its session, and is found there even when the child is dead.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from console.model.masking import masked
from console.model.text import visible

POLL = 0.05
"""Seconds between two looks at children that are about to end."""

PR_SET_PDEATHSIG = 1
TAIL = 8_192
MAX_LINE = 240


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was started: what part it plays, the name that people are told, and where its output goes."""

    role: str
    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None


@dataclass
class Interruption:
    """How often this process was asked to end, by SIGINT, SIGTERM or SIGHUP."""

    times: int = 0


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Count SIGINT, SIGTERM and SIGHUP instead of dying from them, so that no child is left behind half started."""
    asked = Interruption()

    def count(number: int, frame: object) -> None:
        asked.times += 1

    wanted = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # It is ignored under nohup, on purpose.
        wanted.append(signal.SIGHUP)
    before = {number: signal.signal(number, count) for number in wanted}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def start(role: str, name: str, command: Sequence[str], *, folder: Path, log: Path, environ: Mapping[str, str]) -> Child:
    """Start `command` in `folder` with exactly that environment, its output in `log`, which is begun anew.

    Call it from the main thread, before another thread exists: it forks, and on Linux the kernel kills the child when the
    thread that started it ends. Raises OSError when the program cannot be started.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_tie_to_this_process(),
        )
    return Child(role, name, process, log)


def first_ended(children: Iterable[Child]) -> Child | None:
    """The first of `children` that has ended, if one has."""
    return next((child for child in children if not child.running), None)


def obituary(child: Child) -> str:
    """One line for people: which child ended, how, and the last thing that it said."""
    status = child.process.wait()
    how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with exit status {status}"
    said = last_line(child.log)
    return f"{child.name} (pid {child.process.pid}) {how}; " + (f"the end of its log: {said}" if said else "its log is empty")


def last_line(log: Path) -> str:
    """The last line of a log that holds a letter or a digit, fit for a terminal, cut; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    for line in reversed(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).splitlines()):
        if any(character.isalnum() for character in line):
            shown = visible(masked(line.strip()))
            return shown if len(shown) <= MAX_LINE else shown[: MAX_LINE - 1] + "…"
    return ""


def end(children: Sequence[Child], *, patience: Sequence[float], hurry: Callable[[], bool] = lambda: False) -> None:
    """End `children` and whatever lives in their sessions: SIGTERM to all once for each number in `patience`, each followed by
    as many seconds; at last, or as soon as `hurry` says so, SIGKILL. Returns when none of `children` is left."""
    for seconds in patience:
        for child in children:
            if child.running:
                child.process.terminate()
        deadline = time.monotonic() + seconds
        while any(child.running for child in children) and time.monotonic() < deadline and not hurry():
            time.sleep(POLL)
    for child in children:
        if child.running:
            child.process.kill()
        # Before the child is waited for, so that the session's number cannot have come to mean anybody else's.
        for pid in _others_in_session(child.process.pid):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        child.process.wait()


def _others_in_session(session: int) -> list[int]:
    """The processes of a session but for its leader."""
    found = []
    for pid in _every_pid():
        with suppress(ProcessLookupError, PermissionError):
            if pid != session and os.getsid(pid) == session:
                found.append(pid)
    return found


def _every_pid() -> list[int]:
    if sys.platform == "linux":
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    listed = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, check=False)  # noqa: S607
    return [int(word) for word in listed.stdout.split()]


def _tie_to_this_process() -> Callable[[], None] | None:
    """On Linux: what a child does before it becomes another program, so that it dies with this process, even by kill -9."""
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return tie
