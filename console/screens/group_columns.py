"""The columns of groups of failures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from console.model import words
from console.model.failure_groups import HOURS, Group, error
from console.widgets.columns import Column
from console.widgets.pieces import Cell


def _count(group: Group, now: float) -> Cell:
    return (words.count(group.count), "strong")


def _function(group: Group, now: float) -> Cell:
    return words.function(group.function) if group.function else (words.DASH, "dim")


def _error(group: Group, now: float) -> Cell:
    return (error(group), "bad")


def _users(group: Group, now: float) -> Cell:
    return words.count(group.users) if group.users else (words.DASH, "dim")


def _tiers(group: Group, now: float) -> Cell:
    return " ".join(tier for tier, _ in group.tiers) or (words.DASH, "dim")


def _hours(group: Group, now: float) -> Cell:
    return (words.spark(group.by_hour, max(group.by_hour, default=0)), "accent")


def _first(group: Group, now: float) -> Cell:
    return (words.relative(group.first_at, now), "dim")


def _last(group: Group, now: float) -> Cell:
    return words.relative(group.last_at, now)


COLUMNS: Final[Sequence[Column[Group]]] = (
    Column("COUNT", 7, _count, right=True),
    Column("FUNCTION", 16, _function, grow=2, most=44),
    Column("ERROR", 36, _error, grow=7, most=110, middle=True),
    Column("USERS", 5, _users, right=True, drop=4),
    Column("TIERS", 9, _tiers, grow=1, most=24, drop=7),
    Column(f"LAST {HOURS} h", HOURS, _hours, drop=5),
    Column("FIRST", 11, _first, drop=6),
    Column("LAST", 11, _last),
)

OF_NOBODY: Final = tuple(column for column in COLUMNS if column.title not in ("USERS", "TIERS"))
"""Where no failure is of a user's run."""
