"""What a table knows of its list: how long it is, and one page of its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class Known:
    """The rows from the rank `start` on, of `total`."""

    def __init__(self, key: Callable[[Any], bytes]) -> None:
        self._key = key
        self.rows: Sequence[Any] = ()
        self.start = 0
        self.total = 0
        self._asked: tuple[int, int] | None = None

    def put(self, rows: Sequence[Any], start: int, total: int) -> None:
        """Know this page in place of the one before."""
        self.rows, self.start, self.total = rows, start, total
        if self._asked is not None and self._asked[0] != start:
            # What was asked last is answered by a page from there on; one that lacks rows all the same has no more of them.
            self._asked = None

    def clear(self) -> None:
        """Know nothing: another list begins."""
        self.rows, self.start, self.total, self._asked = (), 0, 0, None

    def at(self, rank: int) -> Any | None:
        """The row of that rank."""
        at = rank - self.start
        return self.rows[at] if 0 <= at < len(self.rows) else None

    def key_at(self, rank: int) -> bytes | None:
        """What the row of that rank is known by."""
        row = self.at(rank)
        return None if row is None else self._key(row)

    def rank_of(self, key: bytes | None) -> int | None:
        """The rank of the row of that key."""
        return rank_of(key, self.rows, self.start, self._key)

    def asks(self, first: int, last: int, wanted: tuple[int, int]) -> bool:
        """Whether the rows from `first` to before `last` have to be asked for, which is then done with `wanted` (the first and
        how many): not when they are known, nor when they were asked for already."""
        if not self.total or (self.start <= first and last <= self.start + len(self.rows)):
            return False
        if self._asked is not None and self._asked[0] <= first and last <= sum(self._asked):
            return False
        self._asked = wanted
        return True


def rank_of(key: bytes | None, rows: Sequence[Any], start: int, key_of: Callable[[Any], bytes]) -> int | None:
    """The rank of the row of that key in a page from the rank `start` on."""
    if key is None:
        return None
    return next((start + at for at, row in enumerate(rows) if key_of(row) == key), None)
