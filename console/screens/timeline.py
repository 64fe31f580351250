"""History: the curves of the lanes or of one queue, with a time cursor, and what was done around that instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from console.model import words
from console.model.history import GRIDS, SPANS, HistoryPage, of_column, window
from console.model.queries import HistoryQuery, OperationQuery, UserQuery
from console.screens import activity_columns, curve_lines, outlook_lines
from console.screens.facts import head, refused
from console.screens.paged import Paged
from console.screens.place import Place
from console.screens.view import Asks
from console.widgets.lines import Row
from console.widgets.pieces import Piece


class TimelineView(Paged):
    """Curves, and beneath them the audit at the time cursor; for now, also what is due, whether promises are kept, and who
    takes the most."""

    asked: HistoryQuery

    def lines(self, snapshot: HistoryPage) -> Sequence[Row]:
        """The page, as wide as the screen."""
        cells = self.size.width
        rows = curve_lines.lines(snapshot, cells, self.zone) or _nothing(snapshot)
        found = snapshot.outlook
        beside = [] if found is None or snapshot.at is not None else [
            outlook_lines.promises(found.promises, cells),
            outlook_lines.due(found.due, cells, self.zone),
            outlook_lines.busiest(found.busiest, cells),
        ]  # fmt: skip
        for part in beside:
            rows += [Row(()), *part] if part else []
        return [*rows, *self._audit(snapshot), *refused(snapshot.refused)]

    def strip(self, snapshot: HistoryPage) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The spans, and where the time cursor is."""
        said: list[Piece] = [(" ", "")]
        for span in SPANS:
            name = curve_lines.SAID[span]
            said += [(f"[{name}]", "accent"), (" ", "")] if span == snapshot.span else [(f" {name}  ", "")]
        queue = self.asked.queue
        said.append(("lanes" if queue is None else f"queue {snapshot.curves[0].queue if snapshot.curves else ''}", "dim"))
        if snapshot.at is None:
            return said, [("now ", "dim")]
        begin, _ = of_column(snapshot.span, snapshot.as_of, snapshot.at)
        there = words.absolute(begin, self.zone, snapshot.as_of)
        return said, [(f"{there}  {words.relative(begin, snapshot.as_of)} ", "accent")]

    def place_of(self, target: tuple[str, bytes]) -> Place | None:
        """Enter opens an operation, or a user."""
        if target[0] == "operation":
            return Place("operation", OperationQuery(target[1]))
        return Place("user", UserQuery(target[1].decode("utf-8", "surrogateescape"))) if target[0] == "user" else None

    def do_earlier(self) -> bool:
        """The time cursor one column back."""
        return self._step(-1)

    def do_later(self) -> bool:
        """The time cursor one column on, and at the end to now."""
        return self._step(1)

    def do_span(self) -> bool:
        """The next span around the same instant."""
        self._ask(replace(self.asked, span=SPANS[(SPANS.index(self.asked.span) + 1) % len(SPANS)]), fresh=True)
        return True

    def on_resize(self) -> None:
        """The curves depend on the width."""
        self.draw()

    def _step(self, columns: int) -> bool:
        page: HistoryPage | None = self._snapshot
        if page is None:
            return False
        step = GRIDS[page.span].step_s
        page = replace(page, at=self.asked.at)
        at: float | None = window(page.span, page.as_of, page.at)[0] + (page.column + columns + 0.5) * step
        if at is not None and at // step >= page.as_of // step:
            at = None
        if at is None or window(page.span, page.as_of, at) == window(page.span, page.as_of, page.at):
            # What was read tells it already, but for the audit.
            self._snapshot = replace(page, at=at)
        self._ask(replace(self.asked, at=at), fresh=False)
        self.draw()
        return True

    def _ask(self, query: HistoryQuery, fresh: bool) -> None:
        self.asked = query
        self.post_message(Asks(query, fresh=fresh))

    def _audit(self, page: HistoryPage) -> list[Row]:
        at = page.as_of if page.at is None else page.at
        rows: list[Row] = []
        for row in page.near:
            when = row.at if row.at is not None else row.ended_at
            what = row.said if row.foreign else f"{row.command} {row.scope}"
            why = f"  {row.why}" if row.why else ""
            near = when is not None and abs(when - at) <= GRIDS[page.span].step_s
            time = (f"{words.absolute(when, self.zone, page.as_of):<21}", "accent" if near else "dim")
            line: tuple[Piece, ...] = (time, *activity_columns.ended(row), (f"  {row.who}", "strong"), (f"  {what}{why}", ""))
            rows.append(Row(line, ("operation", row.key)))
        title = "newest first"
        if page.at is not None:
            until = min(page.as_of, of_column(page.span, page.as_of, page.at)[1])
            title = f"until {words.absolute(until, self.zone, page.as_of)}, newest first"
        return [*head("DONE FROM CONSOLES", title), *(rows or [Row((("nothing", "dim"),))])]


def _nothing(page: HistoryPage) -> list[Row]:
    said = (
        "The heartbeat of rqscheduler records a sample of each queue every 30 s.",
        "Where there is none, this tells what the console has read itself since it was opened.",
    )
    return [Row((("Nothing is recorded of this time.", ""),)), *(Row(((line, "dim"),)) for line in said)]
