"""A text written to a new file that only its owner may read: what was copied may be nobody else's business."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path


def write(folder: Path, text: str) -> Path:
    """Write `text` and a line end to a new file in `folder`, and return its path. Raises OSError.

    It is called `tq-console-<time>.txt`, the second one within a second `tq-console-<time>-2.txt`, and so on.
    """
    name = f"tq-console-{time.strftime('%Y%m%d-%H%M%S')}"
    file, numbers = folder / f"{name}.txt", count(2)
    while file.exists():
        file = folder / f"{name}-{next(numbers)}.txt"
    _create(file, text + "\n")
    return file


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
    with os.fdopen(
        os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", errors="backslashreplace"
    ) as out:
        out.write(text)
