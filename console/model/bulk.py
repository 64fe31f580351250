"""Carrying an operation out: batch by batch, with progress, until all is done, somebody cancels, or the server goes away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from console.model.canary import Trial
from console.model.commands import Command, Outcome, Requeue, RetryNow, RunAgain, Seen, ToFront, outcome
from console.model.operations import Counts, Ended, Operation, counted
from console.model.ports import ReadError, WriteError, Writer

BATCH: Final = 200
"""So many are acted on at once, at the most: what a cancel lets pass, and what is unknown after an outage."""

WATCH_S: Final = 15.0
"""Seconds for which it is watched whether a worker does what it was told."""

LOOK_S: Final = 0.25
"""Seconds between two looks at that, and at those that were tried first."""

TELL_S: Final = 0.1
"""Seconds between two reports of progress, unless something else is done."""


class Control:
    """How an operation is paused, resumed and canceled from another thread."""

    def __init__(self) -> None:
        self._runs = threading.Event()
        self._runs.set()
        self._canceled = threading.Event()

    @property
    def paused(self) -> bool:
        """Whether no further batch is begun at present."""
        return not self._runs.is_set()

    @property
    def canceled(self) -> bool:
        """Whether no further batch is begun at all."""
        return self._canceled.is_set()

    def pause(self) -> None:
        """Begin no further batch until it is resumed."""
        if not self.canceled:
            self._runs.clear()

    def resume(self) -> None:
        """Go on."""
        self._runs.set()

    def cancel(self) -> None:
        """Begin no further batch."""
        self._canceled.set()
        self._runs.set()

    def more(self) -> bool:
        """Whether another batch may be begun at once."""
        return not self.paused and not self.canceled

    def goes_on(self) -> bool:
        """Wait while it is paused; False when it was canceled."""
        self._runs.wait()
        return not self.canceled

    def wait(self, seconds: float) -> None:
        """Wait so long, or until it is canceled."""
        self._canceled.wait(seconds)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an operation is: `counts` of `of`, how many a second, and how many seconds are left at that pace (None: unknown).
    `doing` is acting, paused or watching, or says itself what is tried and waited for; `tried` is what has become so far of
    those that a canary watches."""

    operation: Operation
    of: int
    counts: Counts
    rate: float
    left_s: float | None
    doing: str
    tried: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """An operation that has ended, with an outcome for each that it came to; the others are as they were. `noted`: the audit
    has its end; what a server that went away has counted of it is told once it is noted."""

    operation: Operation
    outcomes: tuple[Outcome, ...]
    ended: Ended
    noted: bool = True


def carry_out(
    writer: Writer,
    operation: Operation,
    command: Command,
    seen: Sequence[Seen],
    control: Control,
    told: Callable[[Progress], object],
    clock: Callable[[], float] = time.time,
    *,
    trial: Trial | None = None,
) -> Report:
    """Do `command` to all that was seen, and note in the audit what is begun and how it ended.

    `told` is told of progress, every TELL_S at the most. When the server does not answer, the batch that was under way is
    `unknown`, and the rest is left alone. With `trial` the first few are awaited, and it is stopped when too many fail again.
    Raises WriteError when the audit cannot be begun: then nothing was done.
    """
    writer.begin(operation)
    # Whoever comes to the front last is first there.
    to_front = isinstance(command, ToFront) or (isinstance(command, Requeue | RetryNow | RunAgain) and command.at_front)
    order = seen[::-1] if to_front else seen
    course = _Course(writer, operation, command, order, control, told, clock)
    how, said = course.straight() if trial is None else course.tried(trial)
    if how != "broken off":
        course.watch()
    ended = Ended(clock(), how, course.counts, said)
    noted = True
    try:
        if course.lost:
            return settled(Report(operation, tuple(course.outcomes), ended), writer.settle(operation, command, ended))
        # What was made of a single one, such as the runs of a schedule, no count tells.
        of_one = course.outcomes[0].said if len(course.outcomes) == 1 else ""
        ended = replace(ended, undo_until=writer.end(operation, replace(ended, said=said or of_one)))
    except WriteError as error:
        noted = False
        ended = replace(ended, said=ended.said or f"the audit has no end of this: {error}")
    return Report(operation, tuple(course.outcomes), ended, noted)


def settled(report: Report, ended: Ended) -> Report:
    """The report of an operation in the middle of which the server went away, once the audit has its end. Where nothing of the
    batch that was under way was done, nothing is said of it; where all of it was, each is told as done, without the id of
    what was made of it."""
    outcomes = report.outcomes
    unknown = sum(one.reason == "unknown" for one in outcomes)
    if ended.counts.told == len(outcomes) - unknown:
        outcomes = tuple(one for one in outcomes if one.reason != "unknown")
    elif ended.counts.done == sum(one.result == "done" for one in outcomes) + unknown:
        outcomes = tuple(Outcome(one.key, "done") if one.reason == "unknown" else one for one in outcomes)
    return Report(report.operation, outcomes, ended)


@dataclass
class _Course:
    """An operation under way. Its steps end with how the operation ended, and what is to be said of that."""

    writer: Writer
    operation: Operation
    command: Command
    seen: Sequence[Seen]
    control: Control
    told: Callable[[Progress], object]
    clock: Callable[[], float]
    outcomes: list[Outcome] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    spent_s: float = 0.0
    """Seconds in which it was acted, without pauses and without waiting for those that were tried first."""
    told_at: float = float("-inf")
    told_doing: str = ""
    trial: Trial | None = None
    paced: bool = False
    """Whether it goes at the rate of a canary."""
    lost: bool = False
    """Whether the server has gone away in the middle, so that only it knows what was done last."""

    def straight(self) -> tuple[str, str]:
        """All, batch by batch."""
        return self._act_on(self.seen, "acting") or ("done", "")

    def tried(self, trial: Trial) -> tuple[str, str]:
        """The first few, then the rest at the rate, as long as not too many fail again."""
        self.trial = trial
        try:
            return self._try_first(trial) or self._go_on(trial) or ("done", trial.said)
        except ReadError as error:
            return "stopped", f"what became of them cannot be seen: {error}"

    def _try_first(self, trial: Trial) -> tuple[str, str] | None:
        first = min(trial.canary.first, len(self.seen))
        doing = f"trying the first {first:,}"
        while (missing := first - self.counts.done) > 0 and (rest := self.seen[len(self.outcomes) :]):
            if over := self._act_on(rest[:missing], doing, trial):
                return over
        left, doing = trial.canary.patience_s, f"waiting for a worker to end the first {first:,}"
        while True:
            trial.look()
            if trial.sure_of_too_many():
                return "stopped", trial.said
            if not trial.open:
                return None
            if left <= 0:
                unknown = f"{trial.open:,} of the first {first:,} have not ended within {trial.canary.patience_s:g} s"
                return "stopped", f"{unknown}; is there a worker for them?"
            if not self._goes_on(doing):
                return "canceled", trial.said
            left -= self._waited(min(LOOK_S, left))

    def _go_on(self, trial: Trial) -> tuple[str, str] | None:
        size, self.paced = max(1, min(BATCH, int(trial.canary.rate))), True
        while rest := self.seen[len(self.outcomes) : len(self.outcomes) + size]:
            trial.look()
            if trial.too_many:
                return "stopped", trial.said
            began = time.monotonic()
            if over := self._act_on(rest, "acting", trial):
                return over
            wait = len(rest) / trial.canary.rate - (time.monotonic() - began)
            if len(self.outcomes) < len(self.seen) and wait > 0:
                self._tell("acting", at_once=wait > TELL_S)
                self.spent_s += self._waited(wait)
        return None

    def _act_on(self, seen: Sequence[Seen], doing: str, trial: Trial | None = None) -> tuple[str, str] | None:
        """How it ended, None when all of these were come to."""
        left = seen
        while left:
            if not self._goes_on(doing):
                return "canceled", "" if trial is None else trial.said
            before = len(self.outcomes)
            began = time.monotonic()
            try:
                for came in self.writer.act(self.operation, self.command, left, self.clock, self.control.more):
                    self._note(came, began)
                    if trial is not None:
                        trial.add(one.new or one.key for one in came if one.result == "done")
                    self._tell(doing)
                    began = time.monotonic()
            except WriteError as error:
                self.lost = not error.refused
                return "broken off", str(error)
            left = left[len(self.outcomes) - before :]
        return None

    def _note(self, came: Sequence[Outcome], began: float) -> None:
        self.spent_s += time.monotonic() - began
        self.outcomes += came
        self.counts += counted(came)

    def watch(self) -> None:
        """Wait until something is seen of each that was sent, or WATCH_S are over."""
        if not self.counts.sent:
            return
        at = {one.key: n for n, one in enumerate(self.outcomes)}
        seen = [one for one in self.seen if one.key in at]
        left = WATCH_S
        while waiting := [one for one in seen if self.outcomes[at[one.key]].result == "sent"]:
            self._tell("watching")
            if self.control.canceled:
                break
            if left <= 0:
                came: Sequence[Outcome] = [outcome(one.key, "ignored", self.outcomes[at[one.key]].said) for one in waiting]
            else:
                try:
                    came = self.writer.check(self.command, waiting)
                except WriteError:
                    break
            for one in came:
                self.outcomes[at[one.key]] = one
            self.counts = counted(self.outcomes)
            if any(one.result == "sent" for one in came):
                left -= self._waited(LOOK_S)
        self._tell("watching")

    def _goes_on(self, doing: str) -> bool:
        """Wait while it is paused; False when it was canceled."""
        self._tell("paused" if self.control.paused else doing)
        return self.control.goes_on()

    def _waited(self, seconds: float) -> float:
        """Wait that long, shorter if it is canceled; how long it was."""
        began = time.monotonic()
        self.control.wait(seconds)
        return time.monotonic() - began

    def _tell(self, doing: str, *, at_once: bool = False) -> None:
        now, last = time.monotonic(), self.counts.told == len(self.seen)
        if doing == self.told_doing and now - self.told_at < TELL_S and not last and not at_once:
            return
        self.told_at, self.told_doing = now, doing
        tried = "" if self.trial is None else self.trial.said
        self.told(Progress(self.operation, len(self.seen), self.counts, *self._pace(), doing, tried))

    def _pace(self) -> tuple[float, float | None]:
        """How many a second, and how many seconds are left; nobody knows for how long a canary waits for its first."""
        if self.trial is None:
            rate = self.counts.told / max(1e-6, self.spent_s)
        else:
            rate = self.trial.canary.rate if self.paced else 0.0
        return rate, (len(self.seen) - self.counts.told) / rate if rate else None
