"""Which failures are of one kind: those of the same function, with the same exception, raised at the same place of the
application, with the same words. A kind has the same fingerprint in every run and on every machine.

Where an application is installed makes no difference, nor in which lines its code stands, nor what led to the exception that
was raised last.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from console.model.constant_parts import constant
from console.model.frames import is_library
from console.model.job_terms import function as called
from console.model.raised import Cause, Raised

LETTERS: Final = 12
"""Of a fingerprint."""

FINGERPRINT: Final = re.compile(f"[0-9a-f]{{{LETTERS}}}")

MOST_NAME: Final = 200

_RQ: Final = re.compile(r"/rq/(?:worker(?:/|\.py)|job\.py|utils\.py|timeouts\.py|local\.py)")
_INSTALLED: Final = re.compile(r".*/(?:(?:site|dist)-packages|lib(?:64)?/python\d[\d.]*|Python\d+/Lib)/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of failure. `function` is what the jobs call; `exception` and `message` as in Raised; `frame` is the file and the
    function of the application where it was raised, empty where that is not known or says nothing."""

    fingerprint: str
    function: str
    exception: str
    message: str
    frame: str
    cause: Cause


@lru_cache(maxsize=16_384)
def kind(function: str, raised: Raised) -> Kind:
    """The kind of a failure of a job that calls `function`."""
    frames = [] if raised.anywhere else [(file.replace("\\", "/"), name) for file, name in raised.frames]
    frame = _frame(function, frames)
    told = (function, raised.exception, frame, raised.message, raised.cause)
    digest = hashlib.sha256("\0".join(told).encode("utf-8", "surrogatepass")).hexdigest()
    return Kind(digest[:LETTERS], function, raised.exception, raised.message, frame, raised.cause)


def function(description: str, raised: Raised) -> str:
    """What a job calls, by its description; where that is no call, the outermost function of the application in its traceback;
    else the constant part of the description."""
    name = called(description)
    if name is not None:
        return name[:MOST_NAME]
    for file, outermost in raised.frames:
        if outermost and not _is_others(file.replace("\\", "/"), ""):
            return outermost[:MOST_NAME]
    return constant(description)[:MOST_NAME]


def _frame(function: str, frames: list[tuple[str, str]]) -> str:
    """The deepest frame of the application, or of all where none is the application's."""
    package = function.partition(".")[0]
    own = [frame for frame in frames if not _is_others(frame[0], package)]
    if not own and not frames:
        return ""
    file, name = own[-1] if own else frames[-1]
    where = _within(function, file, own[0][0]) if own else _installed(file)
    return f"{where} in {name}" if name else where


def _is_others(file: str, package: str) -> bool:
    """Whether a file is Python's, RQ's, or a package's that is not the application's own."""
    if _RQ.search(file):
        return True
    return is_library(file) and not (package and _installed(file).partition("/")[0] in (package, f"{package}.py"))


def _within(function: str, file: str, outermost: str) -> str:
    """The file as it is called within the application, whose root is where the module of the job's function is imported from;
    where that is not seen, the file with the package that it is in."""
    parts = function.split(".")
    for n in range(len(parts) - 1, 0, -1):
        module = "/".join(parts[:n])
        for one in (outermost, file):
            for end in (f"/{module}.py", f"/{module}/__init__.py"):
                root = one[: 1 - len(end)]
                if one.endswith(end) and file.startswith(root):
                    return file[len(root) :]
    if is_library(file):
        return _installed(file)
    folder, _, name = file.rpartition("/")
    package = folder.rpartition("/")[2]
    return f"{package}/{name}" if package.isidentifier() and not any(map(str.isdecimal, package)) else name


def _installed(file: str) -> str:
    """A file of a library by its name below where libraries are installed."""
    return _INSTALLED.sub("", file)
