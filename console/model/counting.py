"""Numbers with their nouns, and names with the number of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

NAMED: Final = 3
"""How many of anything a message names before it counts the others."""


def counted(count: int, one: str, many: str = "") -> str:
    """`count` of something: "1 entry is", "1,200 entries are"; `many` is the plural of `one` where it is not given."""
    return f"{count:,} {one if count == 1 else many or plural(one)}"


def named(names: Sequence[str], other: str = "other") -> str:
    """The first names, and how many others there are: "a, b, c and 2 others"."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {counted(more, other)}" if more > 0 else "")


def plural(one: str) -> str:
    """More than one of it: "jobs", "entries"."""
    return f"{one[:-1]}ies" if one.endswith("y") and one[-2:-1] not in "aeiou" else f"{one}s"
