"""Versions that are known to break with each other, each with where that is told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """`one` from `low` on up to below `high` (None: up to any) breaks with the `other` one from `other_low` on up to below
    `other_high`. Names are those of packages, and `server`."""

    one: str
    low: Version
    high: Version | None
    other: str
    other_low: Version
    other_high: Version | None
    breaks: str
    source: str


BROKEN: Final = (
    Pair(
        "rq", (1, 14), None, "rq-scheduler", (0,), (0, 13, 1),
        "rqscheduler does not start: it imports what rq does not have any more", "https://github.com/rq/rq/issues/1893",
    ),
    Pair(
        "rq", (0,), (0, 13), "redis", (3,), None,
        "workers fail every job: redis-py takes the members of a sorted set in another way",
        "https://github.com/rq/rq/issues/1014",
    ),
    Pair(
        "rq", (0,), None, "redis", (6, 0, 0), (6, 0, 1),
        "rq excludes this release of redis-py", "https://github.com/rq/rq/pull/2244",
    ),
    Pair(
        "rq", (2,), None, "server", (0,), (4,),
        "rq does not support so old a server", "https://github.com/rq/rq/blob/master/CHANGES.md (RQ 2.0)",
    ),
)  # fmt: skip
"""Only pairs that a source tells of."""


def parsed(text: str) -> Version | None:
    """The numbers that a version begins with; None where it begins with none."""
    found = re.match(r"\d{1,9}(\.\d{1,9}){0,3}", text)
    return None if found is None else tuple(int(part) for part in found[0].split("."))


def broken(versions: Mapping[str, str]) -> Iterator[Pair]:
    """The pairs that are among these versions, by the names of packages."""
    for pair in BROKEN:
        one, other = (parsed(versions.get(name, "")) for name in (pair.one, pair.other))
        if one and other and _within(one, pair.low, pair.high) and _within(other, pair.other_low, pair.other_high):
            yield pair


def _within(version: Version, low: Version, high: Version | None) -> bool:
    return version >= low and (high is None or version < high)
