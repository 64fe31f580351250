"""The operation that is under way."""

from __future__ import annotations

from dataclasses import dataclass

from console.model.bulk import Control, Progress
from console.model.commands import Command
from console.model.meant import Meant
from console.model.operations import Operation
from console.model.ports import Target
from console.operator import operation_id, operator
from console.screens.dialogs.confirmed import Confirmed
from console.screens.view import View


def operation_of(confirmed: Confirmed, meant: Meant, target: Target, now: float) -> Operation:
    """What the audit says of what was said yes to, at `now` (epoch seconds)."""
    by = operator()
    return Operation(
        id=operation_id(now),
        who=by.who,
        host=by.host,
        at=now,
        command=confirmed.command.WORD,
        options=confirmed.options,
        scope=meant.scope,
        matched=len(confirmed.seen),
        target=target.url,
        why=confirmed.why,
    )


@dataclass(slots=True)
class Running:
    """What it is, from which view it was asked for, how it is controlled, and how far it was when it was told last. `seq` is
    the number of its thread."""

    seq: int
    target: Target
    view: View
    meant: Meant
    command: Command
    title: str
    control: Control
    progress: Progress | None = None

    @property
    def said(self) -> str:
        """What it is, how far, and the key that shows more, for the header."""
        progress = self.progress
        share = f" {progress.counts.told / progress.of:.0%}" if progress is not None and progress.of else ""
        return f"{self.command.WORD}{' paused' if self.control.paused else ''}{share} · v"
