"""A program on a terminal of its own: what is typed, every byte that it sends, and the screen that these make."""

from __future__ import annotations

import os
import re
import select
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyte
import pytest

KEYS = {"enter": "\r", "escape": "\x1b", "tab": "\t", "down": "\x1b[B", "end": "\x1b[F", "backspace": "\x7f", "ctrl+c": "\x03"}

_PRIVATE_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<>=?][0-9;]*[a-zA-Z$]*[a-zA-Z]|\x1b\[[0-9;]*\$p|\x1b\[22;[a-z]+")


class Terminal:
    """A pseudo terminal of some size, and the process that runs on it."""

    def __init__(self, command: list[str], folder: Path, size: tuple[int, int], env: Mapping[str, str]) -> None:
        columns, lines = size
        self._ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (lines, columns))
        self._theirs = theirs
        self.settings: list[Any] = termios.tcgetattr(theirs)
        self.sent = b""
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env={**_environ(), "TERM": "xterm-256color", "COLORTERM": "truecolor", **env},
            preexec_fn=lambda: os.login_tty(os.dup(theirs)),
        )

    @property
    def text(self) -> str:
        """The screen, line by line."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def press(self, *keys: str) -> None:
        """Type these keys, or texts."""
        for key in keys:
            os.write(self._ours, KEYS.get(key, key).encode())

    def read(self, seconds: float = 0.05) -> None:
        """Take in what was sent, waiting that long for it at the most."""
        while select.select([self._ours], [], [], seconds)[0]:
            try:
                found = os.read(self._ours, 65_536)
            except OSError:
                return
            self.sent += found
            self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", found))
            seconds = 0

    def shows(self, *texts: str, timeout: float = 30.0) -> None:
        """Wait until all of these are on screen."""
        end = time.monotonic() + timeout
        while missing := [text for text in texts if text not in self.text]:
            self.read()
            if time.monotonic() > end:
                pytest.fail(f"not on screen within {timeout:g} s: {missing}\n{self.text}")

    def ends(self, timeout: float = 30.0) -> int:
        """Wait until the program has ended; returns its exit status."""
        end = time.monotonic() + timeout
        while self.process.poll() is None:
            self.read()
            if time.monotonic() > end:
                pytest.fail(f"it goes on after {timeout:g} s\n{self.text}")
        self.read()
        return self.process.returncode

    def modes(self) -> dict[str, bool]:
        """The private modes that are on or off after all that was sent."""
        found: dict[str, bool] = {}
        for numbers, switch in _PRIVATE_MODE.findall(self.sent):
            for number in numbers.split(b";"):
                found[number.decode()] = switch == b"h"
        return found

    def is_clean(self) -> bool:
        """Whether the terminal is as it was found: no alternate screen, a cursor, no mouse, no bracketed paste, no raw mode."""
        modes = self.modes()
        switched_on = [mode for mode in ("1049", "1000", "1002", "1003", "1006", "1004", "2004") if modes.get(mode)]
        return not switched_on and modes.get("25", True) and termios.tcgetattr(self._theirs) == self.settings

    def end(self) -> None:
        """End the program, and let go of the terminal."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)


def _environ() -> dict[str, str]:
    """The environment, without the size of whatever terminal the tests are run from."""
    return {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}


@contextmanager
def on_a_terminal(command: list[str], folder: Path, size: tuple[int, int] = (120, 40), **env: str) -> Iterator[Terminal]:
    terminal = Terminal(command, folder, size, env)
    try:
        yield terminal
    finally:
        terminal.end()
