"""Why something is not running as lines of its page: each cause, and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from console.actions import BY_ID, OWN, SCREENS, Action, applies, shown
from console.model.text import visible
from console.model.why.reasons import Reason, Weight
from console.screens.facts import BLANK, LABEL, labelled, prose
from console.widgets.lines import Row
from console.widgets.pieces import Piece

SIGNS: Final[dict[Weight, Piece]] = {"bad": ("✗ ", "bad"), "wait": ("… ", "warn"), "well": ("✓ ", "good")}
TOLD: Final = ("running", "finished", "armed", "no_schedule", "no_such_user")
"""Reasons that the page tells already, in other words."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Which keys are there on a page: that of `screen`, whose cursor is on what has that `state`, or source; `of` is a word for
    that where the page has others too. None that changes anything is there where everything is only looked at."""

    screen: str
    state: str
    of: str = ""
    read_only: bool = False


def why(reasons: Sequence[Reason], keys: Keys, cells: int) -> list[Row]:
    """The reasons, the most decisive first, each with its remedy, and the key that does it; nothing of what is told there in
    other words."""
    rows = [row for reason in reasons if reason.code not in TOLD for row in _reason(reason, keys, cells)]
    return [*labelled("why", rows), BLANK] if rows else []


def key(action: Action, keys: Keys) -> str:
    """The key that does it on that page, else on which screen one does, in words; empty where none may."""
    if action.danger and keys.read_only:
        return ""
    name = shown(action.keys[0])
    if applies(action, keys.screen, keys.state, keys.read_only):
        return name + (f" on the {keys.of}" if keys.of else "")
    number = next(number for number, screen in enumerate(SCREENS, 1) if screen in action.scope)
    return f"{name} on {BY_ID[f'screen_{number}'].label}" + (", on its own" if action.states == OWN else "")


def _reason(reason: Reason, keys: Keys, cells: int) -> list[Row]:
    sign, tone = SIGNS[reason.weight]
    rows = prose([(sign + visible(reason.message), tone if reason.weight == "bad" else "")], cells, LABEL)
    action = BY_ID.get(reason.action)
    name = key(action, keys) if action is not None else ""
    remedy = visible(reason.remedy) or (action.label if action is not None and name else "")
    return [*rows, *prose([(f"  → {remedy}" + (f" ({name})" if name else ""), "dim")], cells, LABEL)] if remedy else rows
