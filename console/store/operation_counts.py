"""What came of an operation, as the scripts counted it."""

from __future__ import annotations

from collections.abc import Mapping

from console.model.commands import REASONS
from console.model.operations import Counts
from console.store.values import natural, text


def counted(fields: Mapping[bytes, bytes]) -> Counts:
    """What the scripts counted (lua/jobs.lua): by the codes of outcomes."""
    found = {text(name): natural(value) or 0 for name, value in fields.items()}
    by_result: dict[str, dict[str, int]] = {"skipped": {}, "failed": {}}
    for code, count in found.items():
        if code in REASONS and count:
            by_result[REASONS[code][0]][code] = count
    return Counts(found.get("done", 0), found.get("sent", 0), by_result["skipped"], by_result["failed"])
