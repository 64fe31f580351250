"""What a command that acts tells: what it is about to be done to, how far it is, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from console.commands import output, progress_bar
from console.commands.choosing import Chosen, Found, names
from console.commands.exits import DONE, NOT_HELD
from console.model import command_words, tie_words, words
from console.model.bulk import Progress, Report
from console.model.canary import Canary
from console.model.commands import REASONS, STATES, Command, JobCommand, Outcome, Suspend, WorkerSeen
from console.model.counting import counted
from console.model.operations import Counts
from console.model.selection import Preview
from console.model.text import decoded, visible

SHOWN: Final = 20
"""So many of those that were done, and of those that were not, are told one by one."""


# --- before -------------------------------------------------------------------------------------


@contextmanager
def finding() -> Iterator[Callable[[Preview], object]]:
    """Tell on a terminal how far the look for what is meant has come."""
    with progress_bar.shown("looking") as bar:

        def tell(preview: Preview) -> None:
            if bar is not None:
                said = f"{len(preview.seen):,} found, {preview.read:,} of {preview.of:,} looked at"
                bar.update(bar.task_ids[0], completed=preview.read, total=preview.of, said=said)

        yield tell


def show_preview(
    found: Found,
    command: Command,
    meant: Chosen,
    asked: str,
    as_json: bool,
    canary: Canary | None = None,
    *,
    err: bool = False,
) -> None:
    """Print what is asked, how it goes on after the canary, of what kinds it is asked, and what hangs on them. `err`: on
    standard error."""
    preview = found.preview
    if as_json:
        output.document(
            {
                "dry_run": True,
                "matched": len(preview.seen) + sum(preview.in_way.values()),
                "would": len(preview.seen),
                "in_the_way": dict(preview.in_way),
                "ties": dict(preview.ties),
                "waiting": sum(preview.waiting.values()),
                "warnings": [*found.warnings, *([found.nowhere] if found.nowhere else [])],
                "by": {tally.what: dict(tally.counts) for tally in preview.tallies()},
                "by_others": {tally.what: tally.others for tally in preview.tallies() if tally.others},
                "not_looked_at": preview.more or None,
                "canary": None
                if canary is None
                else {"first": canary.first, "rate": canary.rate, "stop_above": canary.stop_above},
            }
        )
        return
    say = output.warn if err else output.say
    say(asked)
    if said := command_words.follows(command):
        say(f"  {said}")
    if canary is not None:
        say(f"  {_told_of(canary, len(preview.seen))}")
    tallies = preview.tallies()
    width = max((len(tally.what) for tally in tallies), default=0)
    for tally in tallies:
        counts = ", ".join(f"{value} {count:,}" for value, count in tally.counts)
        say(f"  {tally.what:<{width}}  {counts}{', and ' + counted(tally.others, 'other') if tally.others else ''}")
    for code, count in preview.in_way.items():
        say(f"  {count:,} cannot be: {_why(code, command, meant)}")
    waiting = sum(preview.waiting.values())
    for said in (*tie_words.warnings(command, preview.ties, waiting), *tie_words.notes(command, preview.ties)):
        say(f"  {said}")
    for one in preview.seen[:SHOWN]:
        if isinstance(one, WorkerSeen) and one.job is not None:
            say(f"  {decoded(one.key)} runs {decoded(one.job)}")
    for warning in found.warnings:
        say(f"  {warning}")
    if found.nowhere:
        say(f"  {found.nowhere}")
    if preview.more:
        say(f"  not all were looked at: {preview.more}")


def _told_of(canary: Canary, of: int) -> str:
    if canary.first >= of:
        return f"canary: {canary.first:,} first are all of them; their outcome is waited for"
    return (
        f"canary: {canary.first:,} first; when they have ended, {canary.rate:g} a second, as long as no more than "
        f"{canary.stop_above:.0%} fail again"
    )


def show_nothing(command: Command, meant: Chosen, found: Found, as_json: bool) -> int:
    """Tell that there is nothing to be done, and why; the exit status."""
    counts = _in_way(found)
    if as_json:
        output.document(
            document(None, counts, found.left)
            | {"untouched": 0, "how": "done", "said": found.nowhere or found.preview.more or None}
        )
    elif counts.told:
        if counts.told == 1 and found.left:
            output.warn(f"not {command_words.done(command)}: {_named(found.left[0], meant)}{found.left[0].said}")
        else:
            output.warn(command_words.came(command, counts))
            _tell_each(found.left, meant)
    else:
        why = found.nowhere or found.preview.more or f"there is no {meant.one}"
        output.warn(meant.none or f"nothing to be done: {why}")
    return NOT_HELD if counts.told or meant.none or found.nowhere or found.preview.more else DONE


# --- meanwhile ----------------------------------------------------------------------------------


@contextmanager
def acting(word: str) -> Iterator[tuple[Callable[[Progress], object], Callable[[str], object]]]:
    """Tell on a terminal how far a command is; the second of these says a line above that."""
    with progress_bar.shown(word) as bar:

        def tell(progress: Progress) -> None:
            if bar is not None:
                bar.update(bar.task_ids[0], completed=progress.counts.told, total=progress.of, said=_said(progress))

        def say(text: str) -> None:
            if bar is None:
                output.warn(text)
            else:
                bar.console.print(visible(text), markup=False, highlight=False, soft_wrap=True)

        yield tell, say


def _said(progress: Progress) -> str:
    left = "" if not progress.left_s else f", {words.age(progress.left_s)} left"
    doing = command_words.DOING.get(progress.doing, progress.doing)
    return f"{progress.counts.told:,} of {progress.of:,}, {progress.rate:,.0f}/s{left}, {doing}"


# --- afterwards ---------------------------------------------------------------------------------


def show(report: Report, command: Command, meant: Chosen, found: Found, as_json: bool) -> None:
    """Tell what came of it: the counts on standard output, what was not done on standard error."""
    ended, operation = report.ended, report.operation
    counts = ended.counts + _in_way(found)
    untouched = max(0, operation.matched - ended.counts.told)
    stranded = _stranded(report, command, found)
    if as_json:
        outcomes = (*found.left, *report.outcomes)
        output.document(
            document(operation.id, counts, outcomes, ended.undo_until)
            | {
                "matched": operation.matched + _in_way(found).told,
                "untouched": untouched,
                "how": ended.how,
                "said": "; ".join(filter(None, (ended.said, found.preview.more))) or None,
                "waiting": stranded,
                "warnings": list(found.warnings),
            }
        )
    else:
        output.say(_of_everything(report, command, meant) if meant.everything else command_words.came(command, counts))
        told = [one for one in report.outcomes if one.new is not None or (one.result == "done" and one.said)]
        for one in told[:SHOWN]:
            output.say(
                f"{decoded(one.key)} runs again as {decoded(one.new)}"
                if one.new is not None
                else f"{_named(one, meant)}{one.said}"
            )
        if len(told) > SHOWN:
            output.say(f"and {len(told) - SHOWN:,} more; --json names them all")
        if ended.undo_until is not None:
            until = output.local(ended.undo_until, time.time())
            output.say(f"operation {operation.id}; until {until} it is undone by: {output.hint(f'undo {operation.id}')}")
        else:
            output.say(f"operation {operation.id}")
    not_done = [one for one in report.outcomes if one.result != "done"]
    _tell_each([*found.left, *(one for one in not_done if not (meant.everything and one.reason == "same"))], meant)
    if stranded:
        waits = output.counted(stranded, "job")
        verb, they = ("waits", "it waits") if stranded == 1 else ("wait", "they wait")
        output.warn(
            f"{waits} {verb} for what was {command_words.done(command)}: {they} for ever; {output.hint('why JOB')} says more"
        )
    if ended.how != "done":
        output.warn(f"{ended.how}: {output.counted(untouched, 'other')} left as they were")
    for said in filter(None, (ended.said, found.preview.more)):
        output.warn(said)


def _of_everything(report: Report, command: Command, meant: Chosen) -> str:
    """What came of a command to the whole installation."""
    [came] = report.outcomes or [Outcome(b"", "skipped", "changed", "it was not begun")]
    if came.reason == "same":
        state = "suspended already" if isinstance(command, Suspend) else "not suspended"
        return f"nothing changed: {meant.many} are {state}"
    return (
        f"{command_words.done(command)} {meant.many}"
        if came.result in ("done", "sent")
        else f"not {command_words.done(command)}"
    )


def _stranded(report: Report, command: Command, found: Found) -> int:
    """How many jobs wait for what was done, and for ever by that."""
    if not tie_words.strands(command):
        return 0
    waiting = found.preview.waiting
    return sum(waiting.get(one.key, 0) for one in report.outcomes if one.result == "done")


def _tell_each(outcomes: Sequence[Outcome], meant: Chosen) -> None:
    """Say of the first of those that were not done why."""
    for one in outcomes[:SHOWN]:
        why = REASONS[one.reason][1] if one.reason in REASONS else "it was told, and nothing is seen of it yet"
        output.warn(f"{_named(one, meant)}{one.said or why}")
    if len(outcomes) > SHOWN:
        output.warn(f"and {len(outcomes) - SHOWN:,} more; --json names them all")


def _named(one: Outcome, meant: Chosen) -> str:
    return f"{meant.many}: " if meant.everything else f"{decoded(one.key)}: "


def _why(code: str, command: Command, meant: Chosen) -> str:
    """Why some cannot be done, in general."""
    if code == "state" and isinstance(command, JobCommand):
        return f"{command.WORD} is for jobs that are {names(STATES[type(command)])}"
    return f"there is no such {meant.one}" if code == "gone" and meant.named else REASONS[code][1]


def document(
    operation: str | None, counts: Counts, outcomes: Sequence[Outcome], undo_until: float | None = None
) -> dict[str, Any]:
    """What COMMANDS.md promises of a command, and more. `undo_until`: epoch seconds."""
    return {
        "operation": operation,
        "matched": counts.told,
        "done": counts.done,
        "sent": counts.sent,
        "skipped": dict(counts.skipped),
        "failed": dict(counts.failed),
        "undo_until": output.utc(undo_until),
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
