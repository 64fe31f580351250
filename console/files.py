"""Files that are written beside the screen, each by a thread of its own: a text, an incident bundle, failures."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console import private_file
from console.model.ports import Target
from console.stage import Stage

if TYPE_CHECKING:
    from console.exporting import Exporting
    from console.messages import ExportTold
    from console.model.incident import Subject


class Files:
    """They go to the working directory, and it is said where, or why not."""

    def __init__(self, stage: Stage, clock: Callable[[], float]) -> None:
        self._stage, self._clock = stage, clock
        self._left = threading.Event()
        self._bundle: Any = None
        self._exporting: Exporting | None = None

    @property
    def under_way(self) -> str:
        """How far the failures are, empty while none are written."""
        return self._exporting.said if self._exporting is not None else ""

    def save(self, what: str, text: str) -> None:
        """Write a text."""
        self._write(lambda: _saved(what, text))

    def bundle(self, target: Target, subject: Subject) -> None:
        """Write an incident bundle, one at a time."""
        if self._bundle is not None and self._bundle.is_running:
            self._stage.say("a bundle is being written already")
            return

        def written() -> str:
            from console import bundle

            return bundle.said(target, subject, Path(), self._clock(), self._left.is_set)

        self._bundle = self._write(written)

    def export(self) -> None:
        """Write the failures that are meant on the view that is shown, one file at a time."""
        from console.exporting import Exporting

        if self._exporting is None:
            self._exporting = Exporting(self._stage, self._clock)
        self._exporting.begin()

    def told(self, message: ExportTold) -> None:
        """The file of failures has grown, or is there."""
        if self._exporting is not None:
            self._exporting.told(message)

    def leave(self) -> None:
        """Write no more that takes long: the program ends."""
        self._left.set()
        if self._exporting is not None:
            self._exporting.leave()

    def _write(self, written: Callable[[], str]) -> Any:
        def work() -> None:
            self._stage.call_from_thread(self._stage.say, written())

        return self._stage.run_worker(work, thread=True, exit_on_error=False)


def _saved(what: str, text: str) -> str:
    try:
        return f"{what} written to {private_file.write(Path.cwd(), text)}"
    except OSError as error:
        return private_file.why_not(error)
