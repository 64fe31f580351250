"""Copying to the clipboard, and to a file where a terminal keeps its clipboard to itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from console.screens.view import View


class Clipboard(Protocol):
    """What copying needs of the app."""

    def copy_to_clipboard(self, text: str) -> None:
        """Ask the terminal for it."""

    def say(self, text: str) -> None:
        """Say a line, for a while."""


class Copying:
    """What was copied last."""

    def __init__(self, clipboard: Clipboard, save: Callable[[str, str], object]) -> None:
        self._clipboard, self._save = clipboard, save
        self._last: tuple[str, str] | None = None

    def copy(self, view: View) -> None:
        """Copy what the cursor is on; a terminal may refuse that without a word, so a file is offered too."""
        self._last = view.copied()
        if self._last is None:
            self._clipboard.say("there is nothing to copy here")
            return
        what, text = self._last
        self._clipboard.copy_to_clipboard(text)
        self._clipboard.say(f"{what} copied; w writes it to a file, if your terminal keeps its clipboard to itself")

    def write(self, view: View) -> None:
        """Write what was copied last to a file."""
        copied = self._last or view.copied()
        if copied is None:
            self._clipboard.say("there is nothing to write here")
        else:
            self._save(*copied)
