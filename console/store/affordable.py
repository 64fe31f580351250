"""Containers of unknown size: whether a few members of one can be fetched, decided by what the server says it takes."""

from __future__ import annotations

from typing import Final

from console.model import words
from console.model.status import Refused
from console.store.steps import Line
from console.store.trip import Answer
from console.store.values import text

SAMPLES: Final = 1_000
"""Members that MEMORY USAGE measures. Of a container that has no more, what it says is exact."""


class Size:
    """How many members the container at `key` has and what memory it takes, after the next trip."""

    def __init__(self, line: Line, count: str, key: bytes) -> None:
        """`count` is the command that counts the members: XLEN, SCARD, HLEN, LLEN or ZCARD."""
        self.key = key
        self._count: Answer = line.ask(count, key)
        self._memory: Answer = line.ask("MEMORY USAGE", key, "SAMPLES", SAMPLES)

    @property
    def count(self) -> int:
        """The members, 0 where there is no such container or it is of another kind."""
        return self._count.count() or 0

    @property
    def known(self) -> bool:
        """Whether the server told how many members there are."""
        return self._count.value is not None

    @property
    def memory(self) -> int:
        """Bytes that it takes, 0 where nobody would tell."""
        return self._memory.count() or 0

    def refused(self) -> Refused:
        """What is said of it where it is not read."""
        return Refused(text(self.key), f"it takes {words.size(self.memory)}, too much to be read")

    def affords(self, members: int, most: int) -> bool:
        """Whether that many of its members are to be expected to have `most` bytes together at the most. Of a container with no
        more members than that, none can have more. Where its size is not told, nothing is fetched."""
        if not self.count or not self.memory:
            return False
        return self.memory * min(members, self.count) <= most * self.count
