"""Carrying an operation out: batch by batch, with progress, until all is done, somebody cancels, or the server goes away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from console.model.commands import Command, Outcome, Seen, outcome
from console.model.operations import Counts, Ended, Operation, counted
from console.model.ports import WriteError, Writer

BATCH: Final = 200
"""So many are given to the writer at once: what a cancel lets pass, and what is unknown after an outage."""

WATCH_S: Final = 15.0
"""Seconds for which it is watched whether a worker does what it was told."""

LOOK_S: Final = 0.25
"""Seconds between two looks at that."""


class Control:
    """How an operation is paused, resumed and canceled from another thread."""

    def __init__(self) -> None:
        self._runs = threading.Event()
        self._runs.set()
        self.canceled = False

    @property
    def paused(self) -> bool:
        """Whether no further batch is begun at present."""
        return not self._runs.is_set()

    def pause(self) -> None:
        """Begin no further batch until it is resumed."""
        self._runs.clear()

    def resume(self) -> None:
        """Go on."""
        self._runs.set()

    def cancel(self) -> None:
        """Begin no further batch."""
        self.canceled = True
        self._runs.set()

    def goes_on(self) -> bool:
        """Wait while it is paused; False when it was canceled."""
        self._runs.wait()
        return not self.canceled


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an operation is: `counts` of `of`, how many a second, and how many seconds are left at that pace (None: unknown).
    `doing` is acting, paused or watching."""

    operation: Operation
    of: int
    counts: Counts
    rate: float
    left_s: float | None
    doing: str


@dataclass(frozen=True, slots=True)
class Report:
    """An operation that has ended, with an outcome for each that it came to; the others are as they were."""

    operation: Operation
    outcomes: tuple[Outcome, ...]
    ended: Ended


def carry_out(
    writer: Writer,
    operation: Operation,
    command: Command,
    seen: Sequence[Seen],
    control: Control,
    told: Callable[[Progress], object],
    clock: Callable[[], float] = time.time,
) -> Report:
    """Do `command` to all that was seen, and note in the audit what is begun and how it ended.

    Each batch is reported to `told`. When the server does not answer, the batch that was under way is `unknown`, and the rest
    is left alone. Raises WriteError when the audit cannot be begun: then nothing was done.
    """
    writer.begin(operation)
    began = time.monotonic()
    outcomes: list[Outcome] = []
    so_far = Counts()
    how, said = "done", ""

    def tell(doing: str) -> None:
        counts = so_far
        rate = counts.told / max(1e-6, time.monotonic() - began)
        told(Progress(operation, len(seen), counts, rate, (len(seen) - counts.told) / rate if rate else None, doing))

    for start in range(0, len(seen), BATCH):
        if control.paused:
            tell("paused")
        if not control.goes_on():
            how = "canceled"
            break
        batch = seen[start : start + BATCH]
        try:
            came = writer.act(operation, command, batch, clock())
        except WriteError as error:
            outcomes += [outcome(one.key, "refused" if error.refused else "unknown") for one in batch]
            how, said = "broken off", str(error)
            break
        outcomes += came
        so_far += counted(came)
        tell("acting")
    if how != "broken off" and any(one.result == "sent" for one in outcomes):
        tell("watching")
        outcomes = _watched(writer, command, seen, outcomes, control)
    ended = Ended(clock(), how, counted(outcomes), said)
    try:
        writer.end(operation, ended)
    except WriteError as error:
        ended = Ended(ended.at, ended.how, ended.counts, ended.said or f"the audit has no end of this: {error}")
    return Report(operation, tuple(outcomes), ended)


def _watched(
    writer: Writer, command: Command, seen: Sequence[Seen], outcomes: Sequence[Outcome], control: Control
) -> list[Outcome]:
    """The outcomes once something was seen of each that was sent, or WATCH_S are over."""
    by_key = {one.key: one for one in outcomes}
    end = time.monotonic() + WATCH_S
    while (waiting := [one for one in seen if one.key in by_key and by_key[one.key].result == "sent"]) and not control.canceled:
        if time.monotonic() > end:
            by_key |= {one.key: outcome(one.key, "ignored", by_key[one.key].said) for one in waiting}
            break
        try:
            by_key |= {one.key: one for one in writer.check(command, waiting)}
        except WriteError:
            break
        time.sleep(LOOK_S)
    return [by_key[one.key] for one in outcomes]
