"""When Python looks for garbage: a look through all that lives holds up every thread, keys among them."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_NEVER: Final = 1_000_000_000

_MANY: Final = 10
"""Looks at the middle-aged since the last one at all, each about 7,000 objects, from which on what was made meanwhile is not
looked at again."""

_lock = threading.Lock()
_off: list[tuple[int, int, int]] = []
"""The thresholds that were found by each of those for whom the look is put off; the first found what is usual."""


@contextmanager
def put_off() -> Iterator[None]:
    """Look only among what is young meanwhile. For whoever makes hundred thousands of objects that stay: a look through these
    takes 50 ms, and Python would take one for each quarter that they grow by. Later looks leave them out, too: they are in no
    cycles, and go when nothing refers to them."""
    with _lock:
        _off.append(gc.get_threshold())
        young, middle, _ = _off[0]
        gc.set_threshold(young, middle, _NEVER)
    try:
        yield
    finally:
        with _lock:
            usual = _off[0]
            _off.pop()
            if not _off:
                if gc.get_count()[2] >= _MANY:
                    gc.freeze()
                gc.set_threshold(*usual)
