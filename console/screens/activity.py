"""Activity: what was done from consoles, and what happened on its own."""

from __future__ import annotations

from collections.abc import Sequence

from console.model import words
from console.model.counting import counted
from console.model.queries import OverviewQuery
from console.model.status import Status
from console.screens.facts import head, refused
from console.screens.paged import Paged
from console.widgets.lines import Row
from console.widgets.pieces import Piece

NAMED = 5
"""Workers that are named."""


class ActivityView(Paged):
    """What the server knows of both."""

    asked: OverviewQuery

    def lines(self, snapshot: Status) -> Sequence[Row]:
        """Both, one after the other."""
        return [
            Row((("DONE FROM CONSOLES", "head"),)),
            Row((("Nothing is recorded on this server: this console only looks.", ""),)),
            Row((("What a console changes would be listed here: who, when, what, how it ended.", "dim"),)),
            *head("HAPPENED ON ITS OWN", "as it stands"),
            *_happened(snapshot),
            *refused(snapshot.refused),
        ]

    def strip(self, snapshot: Status) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """What this is about."""
        return [(" what was done, and what happened on its own", "dim")], []


def _happened(status: Status) -> list[Row]:
    schedules = status.schedules
    gone = [worker for worker in status.workers if worker.verdict == "gone"]
    late = [worker for worker in status.workers if worker.verdict == "late"]
    rows: list[Row] = []
    if status.suspended:
        rows.append(_said("■", "warn", "all workers are suspended", "they take no job until they are resumed"))
    if gone:
        rows.append(_said("✗", "bad", f"{counted(len(gone), 'worker')} gone", "registered, and silent for too long"))
        for worker in gone[:NAMED]:
            running = f"  with job {worker.job}" if worker.job else ""
            rows.append(Row(((worker.name, ""), (f"  silent {words.age(worker.heartbeat_s)}{running}", "dim")), indent=2))
        if len(gone) > NAMED:
            rows.append(Row(((f"and {len(gone) - NAMED:,} more", "dim"),), indent=2))
    if late:
        rows.append(_said("◐", "warn", f"{counted(len(late), 'worker')} late", "longer silent than they should be"))
    if schedules.quarantined:
        what = counted(schedules.quarantined, "entry", "entries")
        rows.append(_said("▲", "warn", f"{what} set aside", "rq-scheduler could not have read them"))
    if schedules.orphaned:
        what = counted(schedules.orphaned, "schedule")
        rows.append(_said("!", "warn", f"{what} orphaned", "listed, and not readable any more"))
    if schedules.late:
        rows.append(_said("◷", "warn", f"{counted(schedules.late, 'entry', 'entries')} late", "due, and not fired yet"))
    for one in status.unread:
        rows.append(
            _said("▲", "warn", f"{one.read:,} of {one.total:,} {one.what} read", "there are more than are read at once")
        )
    if rows:
        return rows
    if status.refused:
        return [Row((("nothing, as far as it could be read", "dim"),))]
    return [Row((("✓ ", "good"), ("nothing: no worker is gone, no entry was set aside, no schedule is orphaned", "")))]


def _said(glyph: str, tone: str, what: str, why: str) -> Row:
    return Row(((f"{glyph} ", tone), (what.ljust(26), ""), (f"  {why}", "dim")))
