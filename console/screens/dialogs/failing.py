"""What fails at present: the groups of the newest failures, each of which leads to where it is explained and acted on."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from console.model import words
from console.model.cause_words import words as words_of_cause
from console.model.counting import counted
from console.model.failure_groups import Group, Groups, error
from console.model.ports import Target
from console.model.text import visible
from console.screens import failing_lines
from console.screens.dialogs.choosing import Choosing
from console.screens.facts import prose
from console.widgets.lines import Row


class Failing(Choosing):
    """The groups as they were read last, the largest first. It ends with the chosen one on the screen of all groups."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f", "leave", "close", show=False)]
    OPENS = "opens the group"

    def __init__(self, groups: Groups, target: Target) -> None:
        super().__init__(
            target,
            f"What fails: {failing_lines.window(groups)}",
            lambda cells: [_lines(group, groups.as_of, cells) for group in groups.groups],
            [failing_lines.place(group) for group in groups.groups],
        )


def _lines(group: Group, now: float, cells: int) -> list[Row]:
    """A group: how many, what went wrong, of what class of cause, where, whom it hit, and since when."""
    rows = prose([(visible(f"{group.count:,} × {words.function(group.function)}: {error(group)}"), "")], cells)
    rows = [Row(((row.line[0][0], "bad" if at == 0 else ""),), indent=2 * (at > 0)) for at, row in enumerate(rows)]
    whom = f", {counted(group.users, 'user')}" if group.users else ""
    since = f"first {words.relative(group.first_at, now)}, last {words.relative(group.last_at, now)}"
    where = f"{'' if group.cause == 'raised' else ', raised'} in {group.frame}" if group.frame else ""
    rows += prose([(visible(f"{words_of_cause(group).what}{where}{whom}; {since}"), "dim")], cells, 2)
    return rows
