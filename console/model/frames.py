"""Tracebacks as Python prints them, taken apart: which lines are frames, whose code they are in, and what was raised.

Nothing is believed of a text: whatever is no line of a traceback is a line of what was raised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Part = Literal["title", "file", "code", "error", "more"]

_MARGIN: Final = re.compile(r"(?: *[|+])+ ?")
"""What stands before each line of the exceptions of a group."""

_RULE: Final = re.compile(r" *\+-[-+ 0-9.]*")
"""What stands between the exceptions of a group."""

_FRAME: Final = re.compile(r"""\s*File "(?P<file>[^"]*)", line \d+(?:, in .*)?""")
_LIBRARY: Final = re.compile(
    r"[/\\](?:site|dist)-packages[/\\]|[/\\]lib(?:64)?[/\\]python\d|[/\\]Python\d+[/\\]Lib[/\\]|\A<frozen "
)
_HEAD: Final = "Traceback (most recent call last):"
_TITLES: Final = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a traceback. `part`: a title between frames, the file of a frame, its code, what was raised (its first line),
    or more of that. `library`: it belongs to a frame of Python's own library or of an installed package."""

    text: str
    part: Part
    library: bool = False


def lines(traceback: str) -> list[Line]:
    """The lines of a traceback, blank ones left out."""
    told: list[Line] = []
    in_frames, library = False, False
    for text in traceback.replace("\r\n", "\n").split("\n"):
        margin = _MARGIN.match(text)
        body = text[margin.end() :] if margin is not None else text
        if not body.strip():
            continue
        frame = _FRAME.fullmatch(body)
        if body.endswith(_HEAD) or body.strip() in _TITLES or _RULE.fullmatch(text):
            in_frames = body.endswith(_HEAD)
            told.append(Line(text, "title"))
        elif frame is not None and (in_frames or not told):
            in_frames, library = True, is_library(frame["file"])
            told.append(Line(text, "file", library))
        elif in_frames and body[0] in " \t":
            told.append(Line(text, "code", library))
        else:
            more = bool(told) and told[-1].part in ("error", "more")
            told.append(Line(text, "more" if more else "error"))
            in_frames = False
    return told


def is_library(file: str) -> bool:
    """Whether a file is Python's own or that of an installed package."""
    return _LIBRARY.search(file) is not None


def application(traceback: str) -> tuple[list[Line], int]:
    """What concerns the application: its own frames and what was raised at the end; and how many frames were left out.

    Of a chain of exceptions, those that touched no code of the application are left out whole. Where no frame is the
    application's, the deepest one of the last exception stays.
    """
    chain: list[list[Line]] = [[]]
    for line in lines(traceback):
        if line.part == "title":
            chain.append([])
        else:
            chain[-1].append(line)
    chain = [one for one in chain if one]
    told: list[Line] = []
    for at, one in enumerate(chain):
        if any(_own(line) for line in one):
            told += [line for line in one if not line.library]
        elif at == len(chain) - 1:
            deepest = max((at for at, line in enumerate(one) if line.part == "file"), default=0) if not told else len(one)
            told += [line for at, line in enumerate(one) if at >= deepest or not line.library]
    files = sum(line.part == "file" for one in chain for line in one)
    return told, files - sum(line.part == "file" for line in told)


def _own(line: Line) -> bool:
    return line.part == "file" and not line.library
