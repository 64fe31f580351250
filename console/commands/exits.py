"""Exit statuses: the same ones for every command."""

from __future__ import annotations

from typing import Final

DONE: Final = 0

NOT_HELD: Final = 1
"""Something that was asked for did not hold: problems were found, a threshold was passed, some jobs were not changed."""

USAGE: Final = 2

UNREACHABLE: Final = 3
"""The server cannot be reached, or refuses."""

INTERRUPTED: Final = 130
"""Ctrl-c, as shells tell of a program that it has ended."""
