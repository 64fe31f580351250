"""How operations ended, in the word and the sign that a list has room for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from console.model.activity import OperationRow
from console.model.commands import REASONS

SIGNS: Final[Mapping[str, tuple[str, str]]] = {
    "done": ("✓", "good"),
    "partly": ("▲", "warn"),
    "nothing": ("–", "warn"),
    "canceled": ("⊘", "warn"),
    "stopped": ("■", "bad"),
    "broken off": ("✗", "bad"),
    "unfinished": ("…", "warn"),
    "foreign": ("·", "dim"),
}
"""The sign and the tone of each outcome. `partly`: it went to its end, and some were skipped or failed."""

MEANS: Final[Mapping[str, str]] = {
    "done": "all that was asked for was done",
    "partly": "it went to its end; some were skipped, or failed",
    "nothing": "it went to its end; all were skipped, or failed",
    "canceled": "its operator ended it early; the rest was left as it was",
    "stopped": "too many failed again; the rest was left as it was",
    "broken off": "the server went away, or refused; the rest was left as it was",
    "unfinished": "no end is recorded: it is still under way, or its console died; what is done is counted on the server",
    "foreign": "this entry of the audit was not written by a console",
}
"""What each outcome means."""


WORDS: Final[Mapping[str, str]] = {"canceled": "ended early"}
"""How people are told an outcome that bears the name of a command."""


def word(outcome: str) -> str:
    """An outcome as people are told it."""
    return WORDS.get(outcome, outcome)


def outcome(row: OperationRow) -> str:
    """One of MEANS, or what the audit says, where that is another word."""
    if row.foreign:
        return "foreign"
    if not row.how:
        return "unfinished"
    if row.how == "done" and row.counts is not None and not row.counts.held:
        return "partly" if row.counts.done or row.counts.sent else "nothing"
    return row.how


def reason(code: str) -> str:
    """What the code of a reason means, the code itself where it is none of ours."""
    return REASONS[code][1] if code in REASONS else code
