"""Outcomes: what came of an operation for each of those that it was done to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar, Final, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from console.model import command_words, outcomes, words
from console.model.bulk import Report
from console.model.commands import REASONS, Command, Outcome
from console.model.ports import Target
from console.model.text import decoded, visible
from console.screens.dialogs.frame import Dialog
from console.widgets.columns import Column
from console.widgets.lines import Line
from console.widgets.pieces import Cell, Piece
from console.widgets.table import Table

SIGNS: Final = {"done": ("✓", "good"), "sent": ("…", "accent"), "skipped": ("–", "warn"), "failed": ("✗", "bad")}
FIRST: Final = {"failed": 0, "skipped": 1, "sent": 2, "done": 3}
"""In which order they are listed: what wants to be looked at first."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to follow: `open` this one, `again` for those that were not done, or `write` all to a file."""

    what: Literal["open", "again", "write"]
    key: bytes = b""


def because(one: Outcome) -> str:
    """Why, in words."""
    reason = REASONS[one.reason][1] if one.reason else "told, and nothing is seen of it yet" if one.result == "sent" else ""
    return f"{reason}: {one.said}" if reason and one.said else reason or one.said


def text(report: Report, title: str) -> str:
    """All outcomes as lines of id, result, reason, explanation and new id, with tabs between them; the operation before."""
    operation, ended = report.operation, report.ended
    head = [
        f"# {title}",
        f"# operation {operation.id} by {operation.who} on {operation.host}, {operation.target}",
        f"# {outcomes.word(ended.how)} at {words.absolute(ended.at, None)} {ended.said}".rstrip(),
    ]
    lines = [
        "\t".join((decoded(one.key), one.result, one.reason, because(one), decoded(one.new or b""))) for one in report.outcomes
    ]
    return "\n".join("\t".join(map(visible, line.split("\t"))) for line in [*head, *lines])


class Outcomes(Dialog[Chosen | None]):
    """A table of all outcomes, those that want to be looked at first. It ends with what is to follow."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,v,q", "leave", "close", show=False),
        Binding("enter", "choose('open')", "open", show=False),
        Binding("w", "choose('write')", "write", show=False),
        Binding("r", "choose('again')", "again", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup,ctrl+b", "move_pages(-1)", "page up", show=False),
        Binding("pagedown,ctrl+f", "move_pages(1)", "page down", show=False),
        Binding("home,g", "move(-1000000)", "first", show=False),
        Binding("end,G", "move(1000000)", "last", show=False),
        Binding("ctrl+c", "app.leave", "quit", show=False),
    ]

    DEFAULT_CSS = """
    Outcomes #frame { width: 100%; max-width: 150; height: 90%; }
    Outcomes #rows { height: 1fr; background: $surface; }
    """

    def __init__(self, report: Report, command: Command, title: str, target: Target, zone: tzinfo | None, jobs: bool) -> None:
        """`jobs`: what it was done to are jobs, which can be opened."""
        super().__init__()
        self._report, self._command, self._title = report, command, title
        self._target, self._zone, self._jobs = target, zone, jobs
        self._rest = any(one.result in ("skipped", "failed") for one in report.outcomes)

    def compose(self) -> ComposeResult:
        with Vertical(id="frame"):
            yield Line(id="title")
            yield Line(id="came")
            yield Line(id="said")
            yield Table(lambda one: one.key, _columns(any(one.new for one in self._report.outcomes)), id="rows")
            yield Line(id="why")
            yield Line(id="keys")

    def on_mount(self) -> None:
        """Say it."""
        report = self._report
        self.tell_title(self._title, self._target)
        came: list[Piece] = [(f" {command_words.came(self._command, report.ended.counts)}", "")]
        self.query_one("#came", Line).say(came, [(f"{words.absolute(report.ended.at, self._zone)} ", "dim")])
        left = max(0, report.operation.matched - report.ended.counts.told)
        how = "" if report.ended.how == "done" else f" {outcomes.word(report.ended.how)}: {left:,} were left as they are. "
        self.query_one("#said", Line).say([(how or " ", "warn"), (report.ended.said, "warn")])
        rows = sorted(report.outcomes, key=lambda one: FIRST[one.result])
        table = self.query_one("#rows", Table)
        table.notice = ((("Nothing was come to.", ""),),)
        table.show(rows, 0, len(rows), report.ended.at)
        keys = [("enter", "opens")] if self._jobs else []
        keys += [("r", "again for those not done")] if self._rest else []
        self.tell_keys([*keys, ("w", "writes a file"), ("esc", "closes")])

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_choose(self, what: Literal["open", "again", "write"]) -> None:
        """Open the job of the row; do it again; or write a file."""
        row: Outcome | None = self._table.row()
        if (what == "open" and (row is None or not self._jobs)) or (what == "again" and not self._rest):
            return
        self.dismiss(Chosen(what, b"" if row is None else row.new or row.key))

    def action_move(self, rows: int) -> None:
        """Move by that many rows."""
        self._table.move(rows)

    def action_move_pages(self, pages: int) -> None:
        """Move by that many screens."""
        self._table.move_pages(pages)

    def on_table_opened(self, message: Table.Opened) -> None:
        """Open with the mouse."""
        message.stop()
        self.action_choose("open")

    def on_table_cursor_moved(self, message: Table.CursorMoved) -> None:
        """Say in full why, where the column has no room for it."""
        message.stop()
        row: Outcome | None = self._table.row()
        self.query_one("#why", Line).say([(f" {because(row)}" if row is not None else "", "")])

    @property
    def _table(self) -> Table:
        return self.query_one("#rows", Table)


def _columns(new: bool) -> tuple[Column[Outcome], ...]:
    columns: tuple[Column[Outcome], ...] = (
        Column("", 1, lambda one, now: SIGNS[one.result]),
        Column("", 7, lambda one, now: one.result),
        Column("ID", 20, lambda one, now: decoded(one.key), grow=2, most=64, middle=True),
        Column("REASON", 20, _reason, grow=3),
    )
    return (
        (*columns, Column("NEW ID", 20, lambda one, now: decoded(one.new or b""), grow=2, most=40, middle=True))
        if new
        else columns
    )


def _reason(one: Outcome, now: float) -> Cell:
    return (because(one), "dim" if one.result == "done" else "")
