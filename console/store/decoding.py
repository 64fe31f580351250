"""What RQ stores as bytes, read without executing anything: calls, meta, results and tracebacks.

RQ names no serializer in a job's hash, so pickle and JSON are tried, and what is neither is shown as undecodable.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterator
from typing import Any, Final

from console.model.payload import BigInt, Call, Cut, Long, Many, Pairs, Undecodable, Value
from console.store import big_ints
from console.store.pickle_nodes import MAX_DEPTH, MAX_MEMBERS, MAX_NODES, MAX_TEXT
from console.store.pickles import MAX_BYTES, NotAPickle, read

HEAD: Final = 64
"""Bytes of an undecodable value that are kept."""

SMALL: Final = MAX_BYTES // 1_100
"""Compressed bytes that cannot become more than MAX_BYTES: zlib makes no byte into more than 1,032."""

MAX_CONTAINERS: Final = 250_000
MAX_COMMAS: Final = 500_000
"""Signs in a JSON text that bound the memory which its values take."""


def call(data: bytes) -> Call | Undecodable:
    """The call in a job's `data` field: (function, instance, args, kwargs), compressed or not (rq.job.Job.restore)."""
    try:
        plain = inflated(data)
    except ValueError as error:
        return _undecodable(data, str(error))
    found = value(plain)
    if isinstance(found, Undecodable):
        return found
    if isinstance(found, Many) and len(found.items) == 4:
        function, instance, args, kwargs = found.items
        if isinstance(function, str) and isinstance(args, Many) and isinstance(kwargs, Pairs):
            return Call(function, instance, args.items, kwargs.items)
    return _undecodable(plain, "it is no call of RQ's")


def value(data: bytes) -> Value | Undecodable:
    """A value as any of RQ's serializers writes it: meta, a return value, a call."""
    if len(data) > MAX_BYTES:
        return _undecodable(data, f"it has {len(data):,} bytes; at most {MAX_BYTES:,} are read")
    try:
        return read(data)
    except NotAPickle as not_a_pickle:
        try:
            return _json(data)
        except (ValueError, RecursionError):
            return _undecodable(data, f"it is neither a pickle ({not_a_pickle}) nor JSON")


def result(text: bytes) -> Value | Undecodable:
    """The `return_value` of an entry of a results stream: base64 of a serialized value (rq.results.Result.serialize)."""
    try:
        return value(base64.b64decode(text, validate=True))
    except binascii.Error:
        return _undecodable(text, "it is no base64")


def traceback(text: bytes) -> str | Undecodable:
    """The `exc_string` of an entry of a results stream: base64 of zlib of text."""
    try:
        return inflated(base64.b64decode(text, validate=True)).decode("utf-8", "replace")
    except binascii.Error:
        return _undecodable(text, "it is no base64")
    except ValueError as error:
        return _undecodable(text, str(error))


def inflated(data: bytes) -> bytes:
    """`data` out of zlib, or as it is when it is none. Raises ValueError when it would be longer than MAX_BYTES."""
    try:
        if len(data) <= SMALL:
            return zlib.decompress(data)
        machine = zlib.decompressobj()
        found = machine.decompress(data, MAX_BYTES + 1)
    except zlib.error:
        return data
    if len(found) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES:,} bytes out of {len(data):,} compressed ones")
    return found if machine.eof else data


_JSON: Final = json.JSONDecoder(parse_int=big_ints.written)


def _json(data: bytes) -> Value:
    """A JSON text. Raises ValueError, RecursionError."""
    if data.count(b"[") + data.count(b"{") > MAX_CONTAINERS or data.count(b",") > MAX_COMMAS:
        raise ValueError("it has too many members")
    return _frozen(_JSON.decode(data.decode("utf-8")), [MAX_NODES], 0)


def _frozen(raw: Any, left: list[int], depth: int) -> Value:
    left[0] -= 1
    if isinstance(raw, str):
        return Long(raw[:MAX_TEXT], len(raw)) if len(raw) > MAX_TEXT else raw
    if not isinstance(raw, list | dict):
        return raw if raw is None or isinstance(raw, bool | int | float | BigInt) else Cut("unknown")
    if depth >= MAX_DEPTH:
        return Cut("deep")
    if isinstance(raw, list):
        items = tuple(_frozen(item, left, depth + 1) for item in _within(raw, left, depth))
        return Many("list", items, len(raw) - len(items))
    pairs = tuple(
        (_frozen(key, left, depth + 1), _frozen(raw[key], left, depth + 1)) for key in _within(list(raw), left, depth)
    )
    return Pairs(pairs, len(raw) - len(pairs))


def _within(items: list[Any], left: list[int], depth: int) -> Iterator[Any]:
    for item in items[:MAX_MEMBERS]:
        if depth == 0 and len(items) <= 4:
            left[0] = MAX_NODES
        if left[0] <= 0:
            return
        yield item


def _undecodable(data: bytes, reason: str) -> Undecodable:
    return Undecodable(reason[:300], len(data), data[:HEAD].hex(" "))
