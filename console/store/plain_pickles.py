"""One text of the plainest pickle there is, a dict of texts and numbers, such as RQ keeps of a job's meta.

pickles.read takes any pickle, and for each of a hundred thousand jobs too long. Here one name is looked for, and what follows
it is read, without a look at the rest. Whoever can deceive this with a pickle can write the same into a plain one.
"""

from __future__ import annotations

from typing import Final

HEADS: Final = (b"\x80\x04", b"\x80\x05")
TEXT: Final = 0x8C
INTEGERS: Final = {0x4B: 1, 0x4D: 2, 0x4A: 4}
"""Opcodes of whole numbers with how many bytes each has; that of four has a sign."""


def text(data: bytes, name: bytes) -> str | None:
    """The text that the dict has by that name, a whole number as text, empty where it has none. None where this is no pickle of
    such a kind, or that value is not as plain: then pickles.read must tell."""
    key = b"\x8c%c%b\x94" % (len(name), name)
    at = data.find(key)
    if at < 0:
        return None if name in data else ""
    # With a second dict or a second such name in it, nobody knows which is meant.
    if data[:2] not in HEADS or data.count(b"}\x94") != 1 or data.find(key, at + 1) > 0:
        return None
    at += len(key)
    code = data[at] if at + 1 < len(data) else 0
    if code == TEXT:
        end = at + 2 + data[at + 1]
        return _decoded(data[at + 2 : end]) if end < len(data) else None
    size = INTEGERS.get(code, 0)
    number = data[at + 1 : at + 1 + size]
    return str(int.from_bytes(number, "little", signed=size == 4)) if size and len(number) == size else None


def _decoded(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
