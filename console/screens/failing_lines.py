"""What fails at present, as lines of the overview: the largest groups of the newest failures."""

from __future__ import annotations

from typing import Final

from console.model import words
from console.model.counting import counted
from console.model.failure_groups import Group, Groups, error
from console.model.queries import FailuresQuery
from console.screens.place import Place
from console.widgets.lines import Row
from console.widgets.pieces import Piece, fit

MOST: Final = 8
"""Groups that are told where there is room for them."""

LEAST: Final = 3
"""Groups for which problems leave room."""

KEPT: Final = 6
"""Lines that are left to problems, where there are so many, before what fails is told."""

LATELY_S: Final = 3_600.0
"""Seconds since the last failure of a group that still fails."""

COUNT, LAST, USERS, ERROR = 7, 11, 12, 20
"""Cells of what is told of a group; of the error at the least."""

GAP: Final[Piece] = ("  ", "")


def window(groups: Groups) -> str:
    """Of which failures they are: "of all 12 failures", "of the newest 500 of 18,240 failures"."""
    if groups.of <= groups.read:
        return f"of {'all ' if groups.read > 1 else ''}{counted(groups.read, 'failure')}"
    return f"of the newest {groups.read:,} of {groups.of:,} failures"


def lines(groups: Groups, cells: int, room: int, trouble: str = "") -> list[Row]:
    """A head, and a line for each of the largest groups, MOST and `room` of them at the most; none where there is no room.
    `trouble` is why they could not be read anew."""
    if room < 1:
        return []
    why: list[Piece] = [(f"  ▲ {trouble}", "warn")] if trouble else []
    told_of = groups.groups[: min(room, MOST)]
    what = "them" if len(told_of) == len(groups.groups) else f"all {len(groups.groups):,} groups"
    rows = [Row((("WHAT FAILS", "head"), (f"  {window(groups)}  f opens {what}", "dim"), *why))]
    wide = cells >= 100
    function = 24 if wide else 16
    told = max(ERROR, cells - 3 - COUNT - LAST - function - 3 * len(GAP[0]) - (USERS + len(GAP[0]) if wide else 0))
    for group in told_of:
        lately = group.last_at is not None and groups.as_of - group.last_at < LATELY_S
        line: list[Piece] = [*fit((words.count(group.count), "strong"), COUNT, right=True), GAP]
        line += [*fit(words.function(group.function) or words.DASH, function), GAP]
        line += [*fit((error(group), "bad" if lately else ""), told, middle=True), GAP]
        if wide:
            line += [*fit((counted(group.users, "user") if group.users else "", "dim"), USERS, right=True), GAP]
        line += fit((words.relative(group.last_at, groups.as_of), "" if lately else "dim"), LAST, right=True)
        rows.append(Row(tuple(line), ("group", group.fingerprint.encode())))
    return rows


def beneath(problems: list[Row], groups: Groups, cells: int, room: int, apart: bool, trouble: str) -> list[Row]:
    """Problems, two lines each, and beneath them what fails, in `room` lines; `apart`: with a blank line between. Of problems
    for which there is no room the gravest stay."""
    kept = min(len(problems), max(KEPT, room - apart - 1 - min(LEAST, len(groups.groups))))
    rows = lines(groups, cells, room - kept - apart - 1, trouble)
    if not rows:
        return problems
    if kept < len(problems):
        whole = (kept - 1) // 2
        more = counted(len(problems) // 2 - whole, "more problem")
        problems = [*problems[: 2 * whole], Row(((f"… {more}", "dim"),))]
    return [*problems, *([Row(())] * apart), *rows]


def place(group: Group) -> Place:
    """The group among all groups, where it is explained and acted on."""
    return Place("groups", FailuresQuery(), group.fingerprint.encode())
