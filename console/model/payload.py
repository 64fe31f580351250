"""Decoded payloads: what a stranger's bytes say, as inert data that can be shown.

Nothing in here was imported, called or hashed to be made. Whatever exceeds a limit is a Cut that says so.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cut:
    """What stands where something was left out: `why` is deep, recursive, many or unknown."""

    why: str


@dataclass(frozen=True, slots=True)
class Long:
    """A text or bytes of which only the beginning is kept; `length` counts characters or bytes of the whole."""

    head: str | bytes
    length: int


@dataclass(frozen=True, slots=True)
class BigInt:
    """A whole number of which only the first digits are kept, after its sign; `digits` counts all of them."""

    head: str
    digits: int


@dataclass(frozen=True, slots=True)
class Many:
    """A list, tuple, set, frozenset or bytearray-like sequence; `more` members were left out."""

    kind: str
    items: tuple[Value, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Pairs:
    """A dict, in its order; `more` pairs were left out."""

    items: tuple[tuple[Value, Value], ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function that the payload names, and that was not imported."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Thing:
    """An object that the payload would have made by calling `made_by` with `args`, and by giving it `state`."""

    made_by: Value
    args: tuple[Value, ...]
    state: Value = None


Value = None | bool | int | float | str | bytes | Cut | Long | BigInt | Many | Pairs | Name | Thing


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Bytes that nobody here can read: why, their number, and the first of them in hexadecimal."""

    reason: str
    length: int
    head: str


@dataclass(frozen=True, slots=True)
class Call:
    """What a job would call: `function` as the enqueuer named it, on `instance` for a method, with its arguments."""

    function: str
    instance: Value
    args: tuple[Value, ...]
    kwargs: tuple[tuple[Value, Value], ...]
