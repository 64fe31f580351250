"""Operations of this console that have ended: what is told of them, and what is left to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from console.model import command_words, outcomes, words
from console.model.bulk import Report
from console.model.commands import Command
from console.model.counting import counted
from console.model.meant import Meant
from console.model.ports import Target
from console.model.queries import TrashQuery
from console.screens.view import View
from console.widgets.pieces import Piece


@dataclass(frozen=True, slots=True)
class Done:
    """An operation that has ended: what it was, and what came of it."""

    target: Target
    view: View
    meant: Meant
    command: Command
    title: str
    report: Report


def summary(done: Done, now: float, zone: tzinfo | None) -> tuple[Sequence[Piece], Sequence[Piece]]:
    """What came of it, and what can be done then."""
    ended = done.report.ended
    sign = (" ✓ ", "good") if ended.counts.held and ended.how == "done" else (" ▲ ", "warn")
    line: list[Piece] = [sign, (command_words.came(done.command, ended.counts), "strong")]
    if ended.how != "done":
        left = max(0, done.report.operation.matched - ended.counts.told)
        how = "you ended it early" if ended.how == "canceled" else outcomes.word(ended.how)
        line.append((f" · {how}, {counted(left, 'was', 'were')} left", "warn"))
    if ended.said:
        line.append((f" · {ended.said}", "warn"))
    if len(done.report.outcomes) == 1 and (said := done.report.outcomes[0].said):
        line.append((f" · {said}", ""))
    then: list[Piece] = [("v", "accent"), (" outcomes ", "dim")]
    if ended.undo_until is not None:
        until = words.absolute(ended.undo_until, zone, now)
        then = [("u", "accent"), (f" undoes until {until}  ", "dim"), *then]
    return line, then


def same(one: Target, other: Target) -> bool:
    """Whether both are the same server, whatever may be done there."""
    return (one.name, one.url) == (other.name, other.url)


def rest(done: Done) -> Meant:
    """Those of an operation that it was not done to: failed or skipped."""
    keys = tuple(one.key for one in done.report.outcomes if one.result in ("skipped", "failed"))
    meant = done.meant
    queries = tuple(replace(query, only=keys) for query in meant.queries)
    seen = tuple(one for one in meant.seen if one.key in set(keys))
    return replace(meant, scope="those of it that were not done", queries=queries, seen=seen, count=len(keys), subject="")


def undoing(all_done: Sequence[Done], target: Target, now: float) -> Meant | None:
    """What undoing the last of these is done to that can be undone on `target` at `now` (epoch seconds). None while it is not
    known whether the very last one can: nobody means the one before it."""
    for done in reversed(all_done):
        until = done.report.ended.undo_until
        if not same(done.target, target):
            continue
        if not done.report.noted:
            return None
        if until is not None and until > now:
            operation, count = done.report.operation.id, done.report.ended.counts.done
            scope = f"what was taken by: {done.title}"
            return Meant(done.meant.what, scope, (TrashQuery(operation),), count=count, operation=operation)
    return None
