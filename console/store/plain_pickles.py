"""A few texts of the plainest pickle there is, a dict of texts and numbers, such as RQ keeps of a job's meta.

pickles.read takes any pickle, and for each of a hundred thousand jobs too long. Here names are looked for, and what follows
it is read, without a look at the rest. Whoever can deceive this with a pickle can write the same into a plain one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

HEADS: Final = (b"\x80\x04", b"\x80\x05")
TEXT: Final = 0x8C
INTEGERS: Final = {0x4B: 1, 0x4D: 2, 0x4A: 4}
"""Opcodes of whole numbers with how many bytes each has; that of four has a sign."""


def key(name: bytes) -> bytes:
    """How the name of a value is written, where it is written for the first time."""
    return b"\x8c%c%b\x94" % (len(name), name)


def texts(data: bytes, keys: Sequence[tuple[bytes, bytes]]) -> list[str] | None:
    """The texts that the dict has by these names, each told with its key; a whole number as text, an empty one where it has
    none. None where this is no pickle of such a kind, or one of the values is not as plain: then pickles.read must tell."""
    plain = data[:2] in HEADS and data.count(b"}\x94") == 1
    found: list[str] = []
    for name, written in keys:
        _, there, rest = data.partition(written)
        if not there:
            if name in data:
                return None
            found.append("")
            continue
        # With a second dict or a second such name in it, nobody knows which is meant.
        if not plain or written in rest or len(rest) < 2:
            return None
        if rest[0] == TEXT:
            end = 2 + rest[1]
            raw = rest[2:end]
            if end >= len(rest):
                return None
        elif size := INTEGERS.get(rest[0]):
            raw = b"%d" % int.from_bytes(rest[1 : 1 + size], "little", signed=size == 4)
        else:
            return None
        try:
            found.append(raw.decode())
        except UnicodeDecodeError:
            return None
    return found
