"""When to act: what is meant is gathered, and an operation carried out, each by a thread of its own.

A slow server stops neither the screen nor what is being looked at meanwhile. Whatever comes of it becomes a message.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from textual.message import Message

from console import garbage, unforeseen
from console.messages import OperationEnded, OperationProgressed, OperationSettled, PreviewGrew
from console.model.bulk import Control, Report, carry_out, settled
from console.model.canary import Canary, Trial
from console.model.commands import Backfill, Change, Command, Seen, Spread
from console.model.meant import Meant
from console.model.operations import Operation
from console.model.pages import JobsPage
from console.model.ports import Reader, Target, WriteError
from console.model.queries import JobsQuery, SlotsQuery
from console.model.schedules import SlotsPage
from console.model.selection import Preview, Selected

TELL_S: Final = 0.1
"""Seconds between two messages of how far a preview is."""

COUNTED: Final = 20
"""Schedules of which the slots are counted that a backfill makes runs for."""

SETTLE_S: Final = (0.5, 8.0)
"""Seconds until a server that has gone away is asked again for the first time, and at the most: each time twice as long."""


class Carrier:
    """Gathers for one preview at a time, and carries out one operation at a time. Messages bear the number that it returned."""

    def __init__(self, post: Callable[[Message], object], clock: Callable[[], float] = time.time) -> None:
        self._post, self._clock = post, clock
        self._stop = threading.Event()
        self._left = threading.Event()
        self._seq = 0

    def gather(self, target: Target, meant: Meant, command: Command) -> int:
        """Gather what `command` is meant for on `target`, in place of what was gathered before."""
        self.stop()
        self._stop = stop = threading.Event()
        return self._start("gather", self._gather, target, meant, command, stop)

    def stop(self) -> None:
        """Gather no more. The thread ends after the chunk that it reads."""
        self._stop.set()

    def leave(self) -> None:
        """Gather no more, and wait for no server any more: the program ends."""
        self.stop()
        self._left.set()

    def settle(self, target: Target, command: Command, report: Report) -> None:
        """Note the end of an operation of `command` in the audit of `target` as soon as that answers again."""
        self._start("settle", self._settle, target, command, report)

    def carry(
        self,
        target: Target,
        operation: Operation,
        command: Command,
        seen: Sequence[Seen],
        control: Control,
        canary: Canary | None = None,
    ) -> int:
        """Carry `operation` out on `target`, as far as `control` lets it. The program does not end before its batch has."""
        return self._start("carry", self._carry, target, operation, command, seen, control, canary, daemon=False)

    # --- the threads ------------------------------------------------------------------------------

    def _start(self, name: str, run: Callable[..., None], *arguments: object, daemon: bool = True) -> int:
        self._seq += 1
        threading.Thread(target=run, args=(self._seq, *arguments), name=name, daemon=daemon).start()
        return self._seq

    @garbage.put_off()
    def _gather(self, seq: int, target: Target, meant: Meant, command: Command, stop: threading.Event) -> None:
        preview = Preview(self._clock())
        preview.add(Selected(len(meant.seen), len(meant.seen), meant.seen))
        told_at = time.monotonic()
        try:
            if not meant.queries:
                self._post(PreviewGrew(seq, preview.glance(done=True)))
                return
            reader = target.connect()
            try:
                for query in meant.queries:
                    read, of, before = preview.read, preview.of, preview.more
                    for chunk in reader.select(query, self._clock(), stop.is_set, details=True):
                        if stop.is_set():
                            return
                        more = "; ".join(filter(None, (before, chunk.more)))
                        preview.add(replace(chunk, read=read + chunk.read, of=of + chunk.of, more=more))
                        if time.monotonic() - told_at >= TELL_S:
                            self._post(PreviewGrew(seq, preview.glance()))
                            told_at = time.monotonic()
                preview.sort()
                slots = self._slots(reader, preview, command)
            finally:
                reader.close()
            self._post(PreviewGrew(seq, preview.glance(done=True), slots=slots))
        except Exception as error:
            if not stop.is_set():
                self._post(PreviewGrew(seq, None, unforeseen.said(error, "looking at it", "nothing was done")))

    def _slots(self, reader: Reader, preview: Preview, command: Command) -> SlotsPage | None:
        """The slots of the first schedule as they are, and as the command would make them; of a backfill, how many there are of
        the first COUNTED. Raises ReadError."""
        if not preview.seen or not isinstance(command, Change | Spread | Backfill):
            return None
        pages = []
        for one in preview.seen[: COUNTED if isinstance(command, Backfill) else 1]:
            page = reader.read(SlotsQuery(one.key, command), self._clock())
            assert isinstance(page, SlotsPage)
            pages.append(page)
        said = next((page.said for page in pages if page.said), "")
        return replace(pages[0], said=said, runs=sum(page.runs for page in pages), counted=len(pages))

    @garbage.put_off()
    def _carry(
        self,
        seq: int,
        target: Target,
        operation: Operation,
        command: Command,
        seen: Sequence[Seen],
        control: Control,
        canary: Canary | None,
    ) -> None:
        reader: Reader | None = None
        try:
            if target.write is None:
                raise WriteError("nothing may be changed here", refused=True)
            writer = target.write()
            if canary is not None:
                reader = target.connect()
            try:
                report = carry_out(
                    writer,
                    operation,
                    command,
                    seen,
                    control,
                    lambda progress: self._post(OperationProgressed(seq, progress)),
                    self._clock,
                    trial=None if canary is None or reader is None else Trial(canary, partial(self._states, reader)),
                )
            finally:
                writer.close()
                if reader is not None:
                    reader.close()
            self._post(OperationEnded(seq, report))
        except Exception as error:
            refused = isinstance(error, WriteError) and error.refused
            reason = unforeseen.said(error, operation.command, "see what was done before you try again")
            self._post(OperationEnded(seq, None, reason, refused))

    def _settle(self, seq: int, target: Target, command: Command, report: Report) -> None:
        wait, most = SETTLE_S
        while not self._left.wait(wait):
            wait = min(most, 2 * wait)
            try:
                if target.write is None:
                    return
                writer = target.write()
                try:
                    ended = writer.settle(report.operation, command, report.ended)
                finally:
                    writer.close()
            except WriteError as error:
                if not error.refused:
                    continue
                said = f"the audit has no end of this: {error}"
            except Exception as error:
                said = unforeseen.said(error, "the end of this", "see the audit before you try again")
            else:
                self._post(OperationSettled(settled(report, ended)))
                return
            self._post(OperationSettled(replace(report, ended=replace(report.ended, said=said), noted=True)))
            return

    def _states(self, reader: Reader, keys: Sequence[bytes]) -> Mapping[bytes, str]:
        """The states that these jobs are in by now, of those that are still there. Raises ReadError."""
        page = reader.read(JobsQuery(size=len(keys), only=tuple(keys)), self._clock())
        assert isinstance(page, JobsPage)
        return {row.key: row.state for row in page.rows if not row.missing}
