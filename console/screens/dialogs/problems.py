"""Problems: what is wrong, the way out, and where the evidence is seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from console.model.ports import Target
from console.model.status import Problem
from console.model.text import visible
from console.screens.dialogs.choosing import Choosing
from console.screens.facts import prose
from console.screens.place import seen_at
from console.widgets.lines import Row

INDENT: Final = 2


class Problems(Choosing):
    """The problems as they were read last, the gravest first. It ends with the place that shows the evidence of the chosen
    one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("exclamation_mark", "leave", "close", show=False)]
    OPENS = "opens the evidence"
    NOWHERE = "no screen shows more of this; do what the line after → says"

    def __init__(self, problems: Sequence[Problem], target: Target) -> None:
        super().__init__(
            target,
            "Problems",
            lambda cells: [_lines(problem, cells) for problem in problems],
            [seen_at(problem.opens) for problem in problems],
        )


def _lines(problem: Problem, cells: int) -> list[Row]:
    """A problem, the way out, and all that it touches."""
    glyph, tone = ("✗", "bad") if problem.severity == "error" else ("▲", "warn")
    first, *more = prose([(f"{glyph} {visible(problem.subject)}: {visible(problem.message)}", "")], cells)
    rows = [Row(((first.line[0][0], tone),)), *(Row(row.line, indent=INDENT) for row in more)]
    rows += prose([(f"→ {visible(problem.remedy)}", "dim")], cells, INDENT)
    if len(problem.evidence) > 1:
        rows += prose([(", ".join(map(visible, problem.evidence)), "dim")], cells, INDENT)
    return rows
