"""A text written to a new file that only its owner may read: what was copied may be nobody else's business."""

from __future__ import annotations

import os
import time
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
    with os.fdopen(
        os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", errors="backslashreplace"
    ) as out:
        out.write(text + "\n")
    return file
