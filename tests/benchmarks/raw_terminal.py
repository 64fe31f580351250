"""A program on a terminal of its own, for a stopwatch: its bytes as they come, looked at for nothing but what is awaited."""

from __future__ import annotations

import os
import re
import select
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil
import pytest


class RawTerminal:
    """A pseudo terminal, and the process that runs on it since `started` (time.perf_counter)."""

    def __init__(self, command: list[str], env: Mapping[str, str], size: tuple[int, int]) -> None:
        self._ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (size[1], size[0]))
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, preexec_fn=lambda: os.login_tty(os.dup(theirs))
        )
        os.close(theirs)
        self.sent = 0

    def press(self, key: str) -> float:
        """Type this; returns when."""
        at = time.perf_counter()
        os.write(self._ours, key.encode())
        return at

    def awaits(self, pattern: re.Pattern[bytes], timeout: float = 60.0) -> float:
        """Wait until something like `pattern` is sent from here on; returns when its last byte was read."""
        end = time.perf_counter() + timeout
        found = b""
        while not pattern.search(found):
            ready, _, _ = select.select([self._ours], [], [], max(0.0, end - time.perf_counter()))
            if not ready:
                pytest.fail(f"not sent within {timeout:g} s: {pattern.pattern!r}; last was {found[-400:]!r}")
            found += self._read()
        return time.perf_counter()

    def pass_time(self, seconds: float) -> None:
        """Take in whatever is sent for that long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self._ours], [], [], left)[0]:
                self._read()

    def cpu(self) -> float:
        """Seconds of a core that the process has taken."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    def peak(self) -> float:
        """The most memory that the process ever had, in MB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1000

    def _read(self) -> bytes:
        found = os.read(self._ours, 65_536)
        self.sent += len(found)
        return found

    def end(self) -> None:
        """End the process, and let go of the terminal."""
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@contextmanager
def on_a_raw_terminal(command: list[str], env: Mapping[str, str], size: tuple[int, int] = (120, 40)) -> Iterator[RawTerminal]:
    terminal = RawTerminal(command, env, size)
    try:
        yield terminal
    finally:
        terminal.end()
