"""Activity: what was done from consoles, and what happened on its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from textual.app import ComposeResult

from console.model import words
from console.model.activity import ActivityPage, Happened, OperationRow, told
from console.model.filters import Kind
from console.model.meant import Meant
from console.model.outcomes import outcome, word
from console.model.queries import ActivityQuery, HistoryQuery, JobQuery, OperationQuery, TrashQuery, WorkersQuery
from console.model.text import visible
from console.screens import activity_columns, meaning
from console.screens.place import Place
from console.screens.whole import Whole
from console.widgets.columns import Column
from console.widgets.lines import Line
from console.widgets.pieces import Piece
from console.widgets.table import Table

FIELDS: Final[Mapping[str, Kind]] = {
    "who": "text", "host": "text", "command": "text", "scope": "text", "reason": "text", "operation": "text", "outcome": "text",
    "what": "text", "age": "duration", "done": "number", "skipped": "number", "failed": "number",
}  # fmt: skip

TAKEN: Final = {"delete": "job", "empty": "job", "remove": "schedule"}
"""What an operation has taken, by its command."""

EMPTY: Final = (
    (("Nothing was done from a console yet.", ""),),
    (("What a console or a command changes is listed here:", "dim"),),
    (("who, when, what, how it ended, and until when it can be undone.", "dim"),),
)

QUIET: Final = ((("✓ ", "good"), ("nothing: no worker is gone, no entry was set aside, no schedule is orphaned", "")),)


class ActivityView(Whole):
    """Operations, the newest first, and beneath them what happened on its own, which `tab` makes the list."""

    ONE = "operation"
    FIELDS = FIELDS

    DEFAULT_CSS = """
    ActivityView #rows { height: 1fr; min-height: 4; }
    ActivityView #beneath { height: auto; min-height: 3; max-height: 45%; background: $surface; }
    ActivityView #own { display: none; height: 1fr; }
    ActivityView.-own #rows, ActivityView.-own #beneath { display: none; }
    ActivityView.-own #own { display: block; }
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.asked = ActivityQuery()
        self._own = False

    def compose(self) -> ComposeResult:
        yield Line(id="strip")
        yield Table(self.key, id="rows")
        yield Table(self.key, activity_columns.OF_HAPPENED, id="beneath", cursor=False)
        yield Table(self.key, activity_columns.OF_HAPPENED, id="own")

    @property
    def table(self) -> Table:
        """The list that has the cursor."""
        return self.query_one("#own" if self._own else "#rows", Table)

    def columns(self) -> Sequence[Column[OperationRow]] | Sequence[Column[Happened]]:
        """As many as fit."""
        return activity_columns.OF_HAPPENED if self._own else activity_columns.of_operations(self.size.width)

    def strip(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """Both lists with how long they are, what can be undone, and what was not read."""
        page: ActivityPage | None = self.snapshot
        if page is None:
            return (), ()
        lists = (("done from consoles", f"{page.total:,}{'+' if page.more else ''}"), ("on its own", f"{len(page.happened):,}"))
        said: list[Piece] = [(" ", "")]
        for own, (name, number) in enumerate(lists):
            said += [(f"[{name} {number}]", "accent"), (" ", "")] if own == self._own else [(f" {name} {number}  ", "")]
        undoable = sum(row.undo_until is not None for row in page.rows)
        right: list[Piece] = [(f"{undoable:,} can be undone ", "accent")] if undoable else []
        open_ones = sum(outcome(row) == "unfinished" for row in page.rows)
        right += [(f"… {open_ones:,} unfinished ", "warn")] if open_ones else []
        right += [(f"▲ not read: {one.what} ", "warn") for one in page.refused[:1]]
        return said, right

    def empty(self) -> Sequence[tuple[Piece, ...]]:
        """What would fill the list, or why it could not be read."""
        page: ActivityPage | None = self.snapshot
        if page is not None and page.refused:
            return _refused(page)
        if self.said:
            what = "Nothing of it" if self._own else "No operation"
            return (((f"{what} matches.", ""),), (("backspace takes the filter off, / changes it", "dim"),))
        return QUIET if self._own else EMPTY

    def rows(self, snapshot: ActivityPage) -> Sequence[OperationRow] | Sequence[Happened]:
        """What matches, of the list that has the cursor."""
        if self._own:
            return [one for one in snapshot.happened if self.said.matches(*_terms_of_own(one, snapshot.as_of))]
        return [row for row in snapshot.rows if self.said.matches(*_terms(row, snapshot.as_of))]

    def draw_beside(self, snapshot: ActivityPage) -> None:
        """What happened on its own, beneath the operations."""
        beneath = self.query_one("#beneath", Table)
        beneath.notice = _refused(snapshot) if snapshot.refused else QUIET
        beneath.show(snapshot.happened, 0, len(snapshot.happened), snapshot.as_of)

    def on_resize(self) -> None:
        """The columns depend on the width."""
        self.draw()

    def place_of(self, row: OperationRow | Happened) -> Place | None:
        """Enter opens an operation; the job of a worker that is gone, or the workers."""
        if isinstance(row, OperationRow):
            return Place("operation", OperationQuery(row.key))
        if row.job is not None:
            return Place("job", JobQuery(row.job))
        return Place("workers", WorkersQuery()) if row.kind in ("gone", "late", "suspended") else None

    def copied(self) -> tuple[str, str] | None:
        """The ids of the marked operations, else that of the one under the cursor; or what happened."""
        table = self.table
        row = table.row()
        if isinstance(row, Happened):
            what, why = told(row, table.now)
            return "line", visible(f"{what}: {why}")
        ids = [one.id for one in table.known() if one.key in table.marks] or ([row.id] if row is not None else [])
        return (f"{len(ids):,} operations" if len(ids) > 1 else "operation", visible("\n".join(ids))) if any(ids) else None

    @property
    def standing(self) -> str:
        """Which list has the cursor."""
        return "own" if self._own else "operations"

    def meant(self, action: str) -> Meant | None:
        """The operation under the cursor, where it can be undone; of what happened on its own the entries that were set aside,
        those that are marked or the one under the cursor; repairing is done to all schedules."""
        if action == "repair":
            return meaning.all_schedules()
        row = self.table.row()
        if action == "put_back":
            named = set(self.named())
            return meaning.set_aside([one for one in self.table.known() if one.key in named])
        return undoing(row) if isinstance(row, OperationRow) else None

    def acted(self, keys: Collection[bytes]) -> None:
        """Take the marks off of the entries that were put back, which bear other names here than for a command."""
        super().acted([one.key for one in self.table.known() if isinstance(one, Happened) and one.number in keys])

    def summary(self) -> Sequence[Piece]:
        """How many there are, and of how long a time they tell."""
        page: ActivityPage | None = self.snapshot
        if self._own or page is None or not page.more:
            return [(f"{self.table.total:,} in the list", "")] if self._own else super().summary()
        oldest = page.rows[-1].at if page.rows else None
        return [*super().summary(), (f" since {words.relative(oldest, page.as_of)}", "dim")]

    def do_history(self) -> Place | None:
        """The curves of the hour around the operation under the cursor."""
        row = self.table.row()
        at = row.at if isinstance(row, OperationRow | Happened) else None
        return Place("timeline", HistoryQuery(at=at))

    def do_next_list(self) -> bool:
        """The other list."""
        self._own = not self._own
        self.set_class(self._own, "-own")
        self.draw()
        return True

    def do_previous_list(self) -> bool:
        """The other list."""
        return self.do_next_list()


def undoing(row: OperationRow) -> Meant | None:
    """What undoing an operation is done to; None where nothing of it is in the trash."""
    if row.undo_until is None:
        return None
    what = f"{row.command} of {row.scope}" if row.scope else row.command
    scope = f"what was taken by: {what}, operation {row.id}" if what else f"what operation {row.id} took"
    return Meant(TAKEN.get(row.command, "thing"), scope, (TrashQuery(row.id),), count=row.in_trash, operation=row.id)


def _refused(page: ActivityPage) -> Sequence[tuple[Piece, ...]]:
    return tuple((("▲ ", "warn"), (f"{one.what}: {one.reason}", "")) for one in page.refused)


def _terms(row: OperationRow, now: float) -> tuple[dict[str, str | None], dict[str, float | None]]:
    texts: dict[str, str | None] = {
        "who": row.who, "host": row.host, "command": row.command, "scope": row.scope, "reason": row.why, "operation": row.id,
        "outcome": word(outcome(row)), "what": row.said,
    }  # fmt: skip
    counts, at = row.counts, row.at if row.at is not None else row.ended_at
    numbers: dict[str, float | None] = {"age": None if at is None else max(0.0, now - at)}
    if counts is not None:
        failed, skipped = sum(counts.failed.values()), sum(counts.skipped.values())
        numbers |= {"done": counts.done, "skipped": skipped, "failed": failed}
    return texts, numbers


def _terms_of_own(one: Happened, now: float) -> tuple[dict[str, str | None], dict[str, float | None]]:
    what, why = told(one, now)
    return {"what": what, "reason": why}, {"age": None if one.at is None else max(0.0, now - one.at)}
