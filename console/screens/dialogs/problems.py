"""Problems: what is wrong, the way out, and where the evidence is seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from console.model.ports import Target
from console.model.status import Problem
from console.screens.dialogs.frame import Dialog
from console.screens.facts import prose
from console.screens.place import Place, seen_at
from console.widgets.lines import Line, Page, Row

INDENT: Final = 2


class Problems(Dialog[Place | None]):
    """The problems as they were read last, the gravest first. It ends with the place that shows the evidence of the chosen
    one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,exclamation_mark", "leave", "close", show=False),
        Binding("enter", "choose", "open", show=False),
        Binding("up,k", "step(-1)", "up", show=False),
        Binding("down,j", "step(1)", "down", show=False),
        Binding("pageup,ctrl+b", "pages(-1)", "page up", show=False),
        Binding("pagedown,ctrl+f", "pages(1)", "page down", show=False),
        Binding("home,g", "step(-1000)", "first", show=False),
        Binding("end,G", "step(1000)", "last", show=False),
        Binding("ctrl+c", "app.leave", "quit", show=False),
    ]

    DEFAULT_CSS = """
    Problems #frame { width: 96%; max-width: 120; }
    Problems #problems { height: auto; max-height: 30; background: $surface; }
    """

    def __init__(self, problems: Sequence[Problem], target: Target) -> None:
        super().__init__()
        self._problems, self._target = problems, target
        self._starts: list[int] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="frame"):
            yield Line(id="title")
            yield Page(id="problems")
            yield Line(id="keys")

    def on_mount(self) -> None:
        """Say it."""
        self.tell_title("Problems", self._target)
        self.tell_keys([("enter", "opens the evidence"), ("esc", "closes")])
        self._draw()

    def on_resize(self) -> None:
        """Break long lines anew."""
        self.call_after_refresh(self._draw)

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_choose(self) -> None:
        """Go where the evidence is seen, or say that this is nowhere."""
        place = seen_at(self._problems[self._chosen].opens)
        if place is not None:
            self.dismiss(place)
        else:
            self.tell_keys([("—", "no screen shows more of this; do what the line after → says"), ("esc", "closes")])

    def action_step(self, problems: int) -> None:
        """Move by that many problems."""
        self._page.move_to(self._starts[max(0, min(self._chosen + problems, len(self._starts) - 1))])

    def action_pages(self, pages: int) -> None:
        """Move by that many screens."""
        self._page.move_pages(pages)

    def on_page_opened(self, message: Page.Opened) -> None:
        """Open with the mouse."""
        message.stop()
        self.action_choose()

    @property
    def _page(self) -> Page:
        return self.query_one("#problems", Page)

    @property
    def _chosen(self) -> int:
        return sum(start <= self._page.cursor for start in self._starts) - 1

    def _draw(self) -> None:
        cells = max(40, self._page.size.width)
        rows: list[Row] = []
        self._starts = []
        for problem in self._problems:
            self._starts.append(len(rows))
            glyph, tone = ("✗", "bad") if problem.severity == "error" else ("▲", "warn")
            first, *more = prose([(f"{glyph} {problem.subject}: {problem.message}", "")], cells)
            rows += [Row(((first.line[0][0], tone),)), *(Row(row.line, indent=INDENT) for row in more)]
            rows += prose([(f"→ {problem.remedy}", "dim")], cells, INDENT)
            if len(problem.evidence) > 1:
                rows += prose([(", ".join(problem.evidence), "dim")], cells, INDENT)
        self._page.show(rows)
