"""Why something is not running as lines of its page: each cause, and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from console.actions import BY_ID, shown
from console.model.why.reasons import Reason, Weight
from console.screens.facts import BLANK, LABEL, labelled, prose
from console.widgets.lines import Row
from console.widgets.pieces import Piece

SIGNS: Final[dict[Weight, Piece]] = {"bad": ("✗ ", "bad"), "wait": ("… ", "warn"), "well": ("✓ ", "good")}
TOLD: Final = ("running", "finished", "armed", "no_schedule", "no_such_user")
"""Reasons that the page tells already, in other words."""


def why(reasons: Sequence[Reason], screen: str, cells: int) -> list[Row]:
    """The reasons, the most decisive first, each with its remedy, and the key that does it on that screen; nothing of what is
    told there in other words."""
    rows = [row for reason in reasons if reason.code not in TOLD for row in _reason(reason, screen, cells)]
    return [*labelled("why", rows), BLANK] if rows else []


def _reason(reason: Reason, screen: str, cells: int) -> list[Row]:
    sign, tone = SIGNS[reason.weight]
    rows = prose([(sign + reason.message, tone if reason.weight == "bad" else "")], cells, LABEL)
    action = BY_ID.get(reason.action)
    there = action is not None and screen in action.scope
    remedy = reason.remedy or (action.label if action is not None and there else "")
    key = f" ({shown(action.keys[0])})" if action is not None and there else ""
    return [*rows, *prose([(f"  → {remedy}{key}", "dim")], cells, LABEL)] if remedy else rows
