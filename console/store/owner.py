"""Whose run a job is, as its meta says (jobs/runs.py)."""

from __future__ import annotations

from typing import Final

from console.model.payload import Pairs, Undecodable, Value
from console.store.values import text

NAMES: Final = ("user", "tier", "task", "schedule", "slot")


def owner(meta: Value | Undecodable) -> dict[str, str]:
    """Those of NAMES that a decoded meta has, as text."""
    if not isinstance(meta, Pairs):
        return {}
    named = {name: value for name, value in meta.items if isinstance(name, str) and name in NAMES}
    return {name: text(str(value)) for name, value in named.items() if _is_identifier(value)}


def _is_identifier(value: Value) -> bool:
    """Whether it is a text, or a number as other installations number their users."""
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63)
