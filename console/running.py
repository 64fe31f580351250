"""The operation that is under way."""

from __future__ import annotations

from dataclasses import dataclass

from console.model.bulk import Control, Progress
from console.model.commands import Command
from console.model.meant import Meant
from console.model.ports import Target
from console.screens.view import View


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
        """What it is and how far, for the header."""
        progress = self.progress
        share = f" {progress.counts.told / progress.of:.0%}" if progress is not None and progress.of else ""
        return f"{self.command.WORD}{' paused' if self.control.paused else ''}{share}"
