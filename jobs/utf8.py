"""What in Redis is text: names are bytes there, and need not be UTF-8."""

from __future__ import annotations


def is_utf8(raw: bytes) -> bool:
    """Whether these bytes are UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
