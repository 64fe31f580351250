"""Durations as people write them: 90s, 15m, 6h, 1h30m, 1d, 2w."""

from __future__ import annotations

import re

_LENGTHS = (604_800, 86_400, 3_600, 60, 1)
_DURATION = re.compile(r"\s*".join(f"(?:([0-9]{{1,9}}){unit})?" for unit in "wdhms"))


def seconds(text: str) -> int:
    """The seconds of a duration: numbers with their units, longest first; `0` needs none. Raises ValueError, which says how to
    write it."""
    plain = text.strip().lower()
    if plain == "0":
        return 0
    if plain.isdecimal():
        raise ValueError("has no unit; write it like 90s, 15m, 6h, 1h30m or 1d")
    found = _DURATION.fullmatch(plain)
    if not plain or found is None:
        raise ValueError("is no duration; write it like 90s, 15m, 6h, 1h30m or 1d")
    return sum(int(number or 0) * length for number, length in zip(found.groups(), _LENGTHS, strict=True))
