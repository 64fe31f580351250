"""What is written to a new file that only its owner may read: what was copied may be nobody else's business."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TextIO


def write(folder: Path, text: str) -> Path:
    """Write `text` and a line end to a new file in `folder`, and return its path. Raises OSError.

    It is called `tq-console-<time>.txt`, the second one within a second `tq-console-<time>-2.txt`, and so on.
    """
    file = unused(folder, "tq-console", ".txt")
    _create(file, text + "\n")
    return file


def why_not(error: OSError) -> str:
    """One line for who would have a file in the working directory: why it could not be written, and what to do."""
    return f"{error.filename or 'the working directory'}: {error.strerror}; start tq-console where you may write"


def unused(folder: Path, what: str, ending: str) -> Path:
    """A file in `folder` that is not there yet: `<what>-<time><ending>`, or `<what>-<time>-2<ending>` and so on."""
    name = f"{what}-{time.strftime('%Y%m%d-%H%M%S')}"
    file, numbers = folder / f"{name}{ending}", count(2)
    while file.exists():
        file = folder / f"{name}-{next(numbers)}{ending}"
    return file


@contextmanager
def created(file: Path) -> Iterator[TextIO]:
    """A new file to write to, which only its owner may read. Where what is done with it fails, it is removed again.

    Raises OSError: FileExistsError where it is there already, and then it is left as it is.
    """
    out = _opened(file)
    try:
        with out:
            yield out
    except BaseException:
        with suppress(OSError):
            file.unlink()
        raise


def write_folder(parent: Path, name: str, texts: Mapping[str, str]) -> Path:
    """Write `texts`, by the names of their files, to a new folder in `parent` that only its owner may enter, and return its
    path. Raises OSError; then nothing of it is left.

    It is called `name`, or `name-2` and so on where that is there already.
    """
    folder, numbers = parent / name, count(2)
    while True:
        try:
            folder.mkdir(mode=0o700)
            break
        except FileExistsError:
            folder = parent / f"{name}-{next(numbers)}"
    try:
        for file, text in texts.items():
            _create(folder / file, text)
    except BaseException:
        with suppress(OSError):
            for file in texts:
                (folder / file).unlink(missing_ok=True)
            folder.rmdir()
        raise
    return folder


def _create(file: Path, text: str) -> None:
    with _opened(file) as out:
        out.write(text)


def _opened(file: Path) -> TextIO:
    number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace")
