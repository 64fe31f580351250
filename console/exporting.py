"""A file of failures that the operator has asked for: written by a thread of its own, one at a time, and told when it is there.

The program does not end before the thread has, which is after the page that it reads: then no half of a file is left.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from console import export, private_file, unforeseen
from console.export import Exported, NotWritten
from console.messages import ExportTold
from console.model.ports import Target
from console.model.queries import FailuresQuery
from console.model.secrets import Secrets
from console.stage import Stage


class Exporting:
    """The one file that is being written, if any."""

    def __init__(self, stage: Stage, clock: Callable[[], float]) -> None:
        self._stage, self._clock = stage, clock
        self._stop = threading.Event()
        self._running = False
        self.said = ""

    def begin(self) -> None:
        """Write the failures that are meant on the view that is shown to a new file in the working directory."""
        if self._running:
            self._stage.say("one at a time: a file is being written already")
            return
        meant = self._stage.view.meant("export")
        queries = [query for query in meant.queries if isinstance(query, FailuresQuery)] if meant is not None else []
        if not queries:
            self._stage.say("there is nothing here to write to a file")
            return
        self._running, self.said = True, "export"
        arguments = (self._stage.target, queries)
        threading.Thread(target=self._write, args=arguments, name="export", daemon=False).start()

    def told(self, message: ExportTold) -> None:
        """Keep how far it is; say where the file is, or why there is none."""
        self._running, self.said = not message.done, "" if message.done else f"export: {message.said}"
        if message.done:
            self._stage.say(message.said)

    def leave(self) -> None:
        """Write no more: the program ends."""
        self._stop.set()

    # --- the thread -------------------------------------------------------------------------------

    def _write(self, target: Target, queries: Sequence[FailuresQuery]) -> None:
        try:
            self._post(
                said(target, queries, Path.cwd(), self._clock, self._stop.is_set, lambda far: self._post(far.said, False))
            )
        except Exception as error:
            self._post(unforeseen.said(error, "the export"))

    def _post(self, said: str, done: bool = True) -> None:
        self._stage.post_message(ExportTold(said, done))


def said(
    target: Target,
    queries: Sequence[FailuresQuery],
    folder: Path,
    clock: Callable[[], float],
    stopped: Callable[[], bool],
    tell: Callable[[Exported], object],
) -> str:
    """Write what the queries list to a new file in `folder`: one line that says where it is, or why there is none."""
    groups = [query.group for query in queries if query.group]
    named = groups[0] if len(groups) == 1 else f"of-{len(groups)}-groups" if groups else "all"
    try:
        file = private_file.unused(folder, f"failures-{named}", ".jsonl")
        reader = target.connect()
        try:
            done = export.write(file, reader, queries, clock, Secrets(target.mask), stopped=stopped, tell=tell)
        finally:
            reader.close()
    except NotWritten as error:
        return f"no file was written: {error}"
    except OSError as error:
        return private_file.why_not(error)
    more = f"; not all: {done.more}" if done.more else ""
    return f"{done.written:,} written to {file}{more}"
