"""One group of failures, explained: the panel beneath the table of groups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from console.model import words
from console.model.cause_words import words as words_of_cause
from console.model.counting import counted
from console.model.failure_groups import Group, error
from console.model.text import decoded
from console.screens.facts import LABEL, fact, labelled, prose
from console.widgets.lines import Row
from console.widgets.pieces import Piece

LINES: Final = 11
"""Lines of the panel at the most, without its title and its keys."""

BRIEF: Final = 5

LONG: Final = 2
"""Lines of a text in it."""


def title(group: Group, sampled: bool) -> tuple[list[Piece], list[Piece]]:
    """Of what class of cause it is, how many there are, and by which name commands know it."""
    about = "about " if sampled else ""
    return (
        [(" ✗ ", "bad"), (words_of_cause(group).what, "strong")],
        [(f"{about}{counted(group.count, 'failure')}", ""), ("  group ", "dim"), (f"{group.fingerprint} ", "accent")],
    )


def lines(group: Group, cells: int, now: float, zone: tzinfo | None) -> list[Row]:
    """What is known of it, and what helps."""
    rows = _long("error", [(error(group) or words.DASH, "bad")], cells)
    if group.example and group.example != group.message:
        rows.append(fact("one said" if group.cause == "raised" else "RQ wrote", (group.example, "")))
    if group.because:
        rows.append(fact("because of", (group.because, "")))
    where: Piece = (group.frame, "strong") if group.frame else ("nobody knows, or it says nothing", "dim")
    rows.append(fact("raised in", where, ("   when called as ", "dim"), (group.function or words.DASH, "")))
    rows.append(fact("first", *_instant(group.first_at, now, zone), ("   last ", "dim"), *_instant(group.last_at, now, zone)))
    rows.append(fact("users", *_users(group)))
    if group.tiers:
        rows.append(fact("tiers", *_named(group.tiers)))
    rows.append(fact("sample", (decoded(group.sample), ""), ("  failed last", "dim")))
    return rows + _long("what helps", [(words_of_cause(group).helps, "")], cells)


def brief(group: Group, cells: int) -> list[Row]:
    """The same where there is little room: what was said, where it was raised, and what helps, in BRIEF lines at the most."""
    rows = _long("error", [(error(group) or words.DASH, "bad")], cells)
    if group.frame:
        rows.append(fact("raised in", (group.frame, "strong")))
    return rows + _long("what helps", [(words_of_cause(group).helps, "")], cells)


def _long(label: str, said: list[Piece], cells: int) -> list[Row]:
    """A text of LONG lines at the most."""
    rows = prose(said, cells, LABEL)
    if len(rows) > LONG:
        text, tone = rows[LONG - 1].line[0]
        rows = [*rows[: LONG - 1], Row(((text + "…", tone),))]
    return labelled(label, rows)


def _instant(at: float | None, now: float, zone: tzinfo | None) -> tuple[Piece, ...]:
    if at is None:
        return ((words.DASH, "dim"),)
    return (words.relative(at, now), ""), (f"  {words.absolute(at, zone, now)}", "dim")


def _users(group: Group) -> list[Piece]:
    """How many, and those with the most of these failures."""
    if not group.users:
        return [("none is named by these jobs", "dim")]
    most: list[Piece] = [("   most: ", "dim"), *_named(group.top_users)] if group.top_users else []
    return [(f"{group.users:,}", "strong"), *most]


def _named(counts: Sequence[tuple[str, int]]) -> list[Piece]:
    return [piece for name, count in counts for piece in ((name, ""), (f" {count:,}", "strong"), ("  ", ""))][:-1]
