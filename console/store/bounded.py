"""Hashes of unknown size, of which no more is fetched than a screen has use for: sizes are asked before contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from console.store.steps import Line, Steps
from console.store.trip import Answer

MAX_HASH: Final = 65_536
"""Bytes of memory; the largest hash of the job layer takes a quarter of it."""

MAX_FIELDS: Final = 128
MAX_FIELD: Final = 65_536
"""Bytes of one value that is read."""


def hashes(line: Line, keys: Sequence[bytes]) -> Steps[list[dict[bytes, bytes] | None]]:
    """The whole hashes at `keys`, in two trips; empty where there is none, None where it is no hash, or has more than
    MAX_FIELDS fields or MAX_HASH bytes."""
    # Of at most as many fields as it samples, MEMORY USAGE is exact.
    counts, sizes = line.trip.ask_each("HLEN", keys), line.trip.ask_each("MEMORY USAGE", keys, "SAMPLES", MAX_FIELDS)
    yield
    small = [key for key, *size in zip(keys, counts.values, sizes.values, strict=True) if _small(*size)]
    asked = line.trip.ask_each("HGETALL", small)
    if small:
        yield
    told = dict(zip(small, asked.values, strict=True))
    return [_pairs(told.get(key), count) for key, count in zip(keys, counts.values, strict=True)]


def fields(
    line: Line, keys: Sequence[bytes], short: Sequence[str], long: Sequence[str], most: int = MAX_FIELD
) -> Steps[list[dict[str, bytes] | None]]:
    """Those of the fields of each hash that are there, in two trips: the `short` ones as they are, the `long` ones that have
    `most` bytes at the most, and nothing in place of longer ones. Empty where there is no hash, None where it is no hash."""
    sizes = [(line.ask("HLEN", key), [line.ask("HSTRLEN", key, name) for name in long]) for key in keys]
    yield
    asked: list[tuple[list[str], Answer] | None] = []
    for key, (count, lengths) in zip(keys, sizes, strict=True):
        fits = [name for name, length in zip(long, lengths, strict=True) if 0 < (length.count() or 0) <= most]
        wanted = [*short, *fits]
        asked.append((wanted, line.ask("HMGET", key, *wanted)) if count.count() and wanted else None)
    if any(asked):
        yield
    found = [_named(one, count) for one, (count, _) in zip(asked, sizes, strict=True)]
    for told, (_, lengths) in zip(found, sizes, strict=True):
        if told is not None:
            told.update({name: b"" for name, size in zip(long, lengths, strict=True) if (size.count() or 0) > most})
    return found


def _small(fields: Any, memory: Any) -> bool:
    return isinstance(fields, int) and isinstance(memory, int) and 0 < fields <= MAX_FIELDS and memory <= MAX_HASH


def _pairs(found: Any, fields: Any) -> dict[bytes, bytes] | None:
    if isinstance(found, Mapping):
        return {name: value for name, value in found.items() if isinstance(value, bytes)}
    return {} if fields == 0 else None


def _named(asked: tuple[list[str], Answer] | None, fields: Answer) -> dict[str, bytes] | None:
    if asked is None:
        return None if fields.count() is None else {}
    names, answer = asked
    if answer.value is None:
        return None
    return {name: value for name, value in zip(names, answer.rows(), strict=False) if isinstance(value, bytes)}
