"""Why a key does nothing where one is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from console.actions import ACTIONS, CALLED, OWN, WHOLE, Action, applies, shown

KINDS: Final = {
    **dict.fromkeys(OWN, "what happened on its own"),
    **dict.fromkeys(WHOLE, "a user as a whole"),
    "user": "users' schedules",
    "entries": "rq-scheduler entries",
    "rq": "RQ's scheduled jobs",
    "cron": "rq cron jobs",
    "operations": "operations",
}
"""What stands for a state where there are no states of jobs."""


def said(key: str, screen: str, standing: str, read_only: bool) -> str:
    """Why `key`, as Textual calls it, does nothing on a screen of actions.py that shows what is in that state; empty for a key
    that does nothing anywhere."""
    named = [action for action in ACTIONS if key in action.keys]
    if not named:
        return ""
    name = shown(key)
    here = [action for action in named if not action.scope or screen in action.scope]
    if read_only and any(applies(action, screen, standing, False) for action in here):
        return f"{name}: nothing may be changed here, everything is only looked at"
    if not here:
        there = sorted({CALLED.get(one, one) for action in named for one in action.scope})
        return f"{name} does nothing here: {_labels(named)} is on {_listed(there)}"
    meant = {action.label: [KINDS.get(one, one) for one in action.states if one] for action in here}
    ways = "; ".join(f"{label} is for {_listed(states)}" for label, states in meant.items() if states)
    if not ways:
        # It is there, whatever it is: something that was open took the key.
        return ""
    at = KINDS.get(standing, standing)
    return f"{name}: {ways}" + (f"; this is {at}" if at else "")


def _labels(actions: Sequence[Action]) -> str:
    return " or ".join(dict.fromkeys(action.label for action in actions))


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
