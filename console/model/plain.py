"""Decoded payloads as JSON values, for programs."""

from __future__ import annotations

import math
from typing import Any

from console.model import shown
from console.model.payload import Many, Pairs, Undecodable, Value


def plain(value: Value | Undecodable) -> Any:
    """`value` as JSON has it where that loses nothing: null, booleans, finite numbers, texts, whole lists and tuples, dicts by
    texts. Anything else is a text in Python's notation, no longer than shown.ONE_LINE."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Many) and value.kind in ("list", "tuple") and not value.more:
        return [plain(item) for item in value.items]
    if isinstance(value, Pairs) and not value.more:
        found = {key: plain(item) for key, item in value.items if isinstance(key, str)}
        if len(found) == len(value.items):
            return found
    return shown.one_line(value)
