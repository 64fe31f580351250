"""Numbers with their nouns."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """`count` of something: "1 entry is", "1,200 entries are"; `many` is `one` with an s where it is not given."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
