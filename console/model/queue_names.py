"""Which names a queue may have that jobs are moved to: names that RQ, and whoever reads them, can do something with."""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 200


def wrong(queue: bytes) -> str:
    """What is wrong with a name, empty for nothing."""
    try:
        name = queue.decode()
    except UnicodeDecodeError:
        return "RQ cannot read a queue's name that is not UTF-8"
    if not name or name != name.strip() or not name.isprintable():
        return "the name of a queue is not empty, and has no control characters and no blanks at its ends"
    if len(queue) > MAX_BYTES:
        return f"the name of a queue has {MAX_BYTES} bytes at the most"
    if "," in name or name.startswith("_compact:") or ":intermediate" in name:
        return "RQ itself uses names with a comma, `_compact:` or `:intermediate`"
    return ""
