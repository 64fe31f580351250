"""What a command that acts tells: what it is about to be done to, how far it is, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from console.commands import output, progress_bar
from console.commands.choosing import Chosen, Found
from console.model import command_words, tie_words, words
from console.model.bulk import Progress, Report
from console.model.commands import REASONS, Command, Outcome
from console.model.operations import Counts
from console.model.selection import Preview
from console.model.text import decoded

SHOWN: Final = 10
"""So many of those that were not done are told one by one."""

DONE, NOT_HELD = 0, 1

# --- before -------------------------------------------------------------------------------------


@contextmanager
def finding() -> Iterator[Callable[[Preview | None], object]]:
    """Tell on a terminal how far the look for what is meant has come; None ends that."""
    with progress_bar.shown("looking") as bar:

        def tell(preview: Preview | None) -> None:
            if bar is not None and preview is None:
                bar.stop()
            elif bar is not None and preview is not None:
                said = f"{len(preview.seen):,} found, {preview.read:,} of {preview.of:,} looked at"
                bar.update(bar.task_ids[0], completed=preview.read, total=preview.of, said=said)

        yield tell


def show_preview(found: Found, command: Command, asked: str, as_json: bool, err: bool = False) -> None:
    """Print what is asked, of what kinds it is asked, and what hangs on them. `err`: on standard error."""
    preview = found.preview
    if as_json:
        output.document(
            {
                "dry_run": True,
                "matched": len(preview.seen) + sum(preview.in_way.values()),
                "would": len(preview.seen),
                "in_the_way": dict(preview.in_way),
                "ties": dict(preview.ties),
                "by": {tally.what: dict(tally.counts) for tally in preview.tallies()},
                "by_others": {tally.what: tally.others for tally in preview.tallies() if tally.others},
                "not_looked_at": preview.more or None,
            }
        )
        return
    say = output.warn if err else output.say
    say(asked)
    tallies = preview.tallies()
    width = max((len(tally.what) for tally in tallies), default=0)
    for tally in tallies:
        counts = ", ".join(f"{value} {count:,}" for value, count in tally.counts)
        say(f"  {tally.what:<{width}}  {counts}{f', and {tally.others:,} others' if tally.others else ''}")
    for code, count in preview.in_way.items():
        say(f"  {count:,} cannot be: {REASONS[code][1]}")
    for said in (*tie_words.warnings(command, preview.ties), *tie_words.notes(command, preview.ties)):
        say(f"  {said}")
    if preview.more:
        say(f"  not all were looked at: {preview.more}")


def show_nothing(command: Command, meant: Chosen, found: Found, as_json: bool) -> int:
    """Tell that there is nothing to be done, and why; the exit status."""
    counts = _in_way(found)
    if as_json:
        output.document(
            _document(None, counts, found.left) | {"untouched": 0, "how": "done", "said": found.preview.more or None}
        )
    elif counts.told:
        output.warn(command_words.came(command, counts))
        _tell_each(found.left)
    else:
        output.warn(meant.none or f"nothing to be done: {found.preview.more or f'there is no {meant.one}'}")
    return NOT_HELD if counts.told or meant.none or found.preview.more else DONE


# --- meanwhile ----------------------------------------------------------------------------------


@contextmanager
def acting(command: Command) -> Iterator[Callable[[Progress], object]]:
    """Tell on a terminal how far a command is."""
    with progress_bar.shown(command.WORD) as bar:

        def tell(progress: Progress) -> None:
            if bar is not None:
                bar.update(bar.task_ids[0], completed=progress.counts.told, total=progress.of, said=_said(progress))

        yield tell


def _said(progress: Progress) -> str:
    left = "" if not progress.left_s else f", {words.age(progress.left_s)} left"
    doing = command_words.DOING.get(progress.doing, progress.doing)
    return f"{progress.counts.told:,} of {progress.of:,}, {progress.rate:,.0f}/s{left}, {doing}"


# --- afterwards ---------------------------------------------------------------------------------


def show(report: Report, command: Command, found: Found, as_json: bool) -> None:
    """Tell what came of it: the counts on standard output, what was not done on standard error."""
    ended, operation = report.ended, report.operation
    counts = ended.counts + _in_way(found)
    untouched = operation.matched - len(report.outcomes)
    if as_json:
        outcomes = (*found.left, *report.outcomes)
        output.document(
            _document(operation.id, counts, outcomes)
            | {
                "matched": operation.matched + _in_way(found).told,
                "untouched": untouched,
                "how": ended.how,
                "said": "; ".join(filter(None, (ended.said, found.preview.more))) or None,
                "undo_until": output.utc(ended.undo_until),
            }
        )
    else:
        output.say(command_words.came(command, counts))
        for one in report.outcomes[:SHOWN]:
            if one.new is not None:
                output.say(f"{decoded(one.key)} runs again as {decoded(one.new)}")
            elif one.result == "done" and one.said:
                output.say(f"{decoded(one.key)}: {one.said}")
        if ended.undo_until is not None:
            until = output.local(ended.undo_until, time.time())
            output.say(f"operation {operation.id}; until {until} it is undone by: {output.hint(f'undo {operation.id}')}")
        else:
            output.say(f"operation {operation.id}")
    _tell_each([*found.left, *(one for one in report.outcomes if one.result != "done")])
    if ended.how != "done":
        output.warn(f"{ended.how}: {output.counted(untouched, 'other')} left as they were")
    for said in filter(None, (ended.said, found.preview.more)):
        output.warn(said)


def _tell_each(outcomes: Sequence[Outcome]) -> None:
    """Say of the first of those that were not done why."""
    for one in outcomes[:SHOWN]:
        why = REASONS[one.reason][1] if one.reason in REASONS else "it was told, and nothing is seen of it yet"
        output.warn(f"{decoded(one.key)}: {one.reason or one.result}: {one.said or why}")
    if len(outcomes) > SHOWN:
        output.warn(f"and {len(outcomes) - SHOWN:,} more; --json names them all")


def _document(operation: str | None, counts: Counts, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What COMMANDS.md promises of a command, and more."""
    return {
        "operation": operation,
        "matched": counts.told,
        "done": counts.done,
        "sent": counts.sent,
        "skipped": dict(counts.skipped),
        "failed": dict(counts.failed),
        "undo_until": None,
        "not_done": [
            {"id": decoded(one.key), "reason": one.reason or one.result, "said": one.said or None}
            for one in outcomes
            if one.result != "done"
        ],
        "made": [{"id": decoded(one.key), "new": decoded(one.new)} for one in outcomes if one.new is not None],
    }


def _in_way(found: Found) -> Counts:
    """Those that were found and left alone."""
    codes = found.preview.in_way
    return Counts(
        skipped={code: n for code, n in codes.items() if REASONS[code][0] == "skipped"},
        failed={code: n for code, n in codes.items() if REASONS[code][0] == "failed"},
    )
