"""Commands in words: what is asked, what was done, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import tzinfo
from typing import Final

from console.model import commands, words
from console.model.commands import REASONS, Command
from console.model.operations import Counts
from console.model.text import decoded

_ASKED: Final[Mapping[type[Command], str]] = {
    commands.Requeue: "Requeue {}",
    commands.RetryNow: "Run {} now",
    commands.RunAgain: "Run {} again, as a copy",
    commands.Cancel: "Cancel {}",
    commands.Stop: "Stop {}",
    commands.Delete: "Delete {}",
    commands.ToFront: "Move {} to the front",
    commands.RunNow: "Run {} now",
    commands.Pause: "Pause {}",
    commands.Resume: "Resume {}",
    commands.Remove: "Remove {}",
    commands.PutBack: "Put back {}",
    commands.Repair: "Repair {}",
    commands.StopJob: "Stop the job of {}",
    commands.KillHorse: "Kill the work-horse of {}",
    commands.ResumeAll: "Resume {}",
    commands.Undo: "Put back {}",
}

_VERBS: Final[Mapping[type[Command], str]] = {
    commands.PutBack: "Put back",
    commands.Shutdown: "Shut down",
    commands.Undo: "Put back",
}
"""Those of two words."""

_MEANS: Final[Mapping[type[Command], str]] = {
    commands.Suspend: "They end the jobs that they run, and take no others: what is enqueued waits.",
    commands.ResumeAll: "They take jobs again, each within a minute.",
    commands.StopJob: "It counts as stopped, and is not tried again.",
    commands.Shutdown: "Nothing starts another in its place but what supervises it.",
    commands.KillHorse: "The job ends where it is, with nothing cleaned up: it fails, or is tried again.",
    commands.Repair: "Entries that were lost are put back, and schedules that users lack are made.",
    commands.PutBack: "One that rqscheduler still cannot read is set aside again in its next pass.",
    commands.RunAgain: "The job itself stays as it is: a copy runs, under a new id.",
    commands.Move: "What is queued comes to the end of that queue, and counts as waiting from then on.",
}
"""What follows from some that their name does not say."""

_DONE: Final[Mapping[type[Command], str]] = {
    commands.Requeue: "requeued",
    commands.RetryNow: "queued",
    commands.RunAgain: "queued again",
    commands.Cancel: "canceled",
    commands.Stop: "stopped",
    commands.Delete: "deleted",
    commands.Move: "moved",
    commands.ToFront: "moved to the front",
    commands.Reschedule: "rescheduled",
    commands.RunNow: "queued",
    commands.Pause: "paused",
    commands.Resume: "resumed",
    commands.Change: "changed",
    commands.Backfill: "backfilled",
    commands.Spread: "spread",
    commands.Remove: "removed",
    commands.PutBack: "put back",
    commands.Repair: "repaired",
    commands.StopJob: "stopped",
    commands.Shutdown: "shut down",
    commands.KillHorse: "killed",
    commands.Suspend: "suspended",
    commands.ResumeAll: "resumed",
    commands.Undo: "put back",
}

DOING: Final[Mapping[str, str]] = {"acting": "under way", "paused": "paused", "watching": "waiting for workers"}
"""What bulk.Progress.doing means; what is not here says it itself."""


def asked(command: Command, what: str, zone: tzinfo | None = None) -> str:
    """A command to `what` ("3 failed jobs"), as one asks for it: "Requeue 3 failed jobs". Instants are told in `zone`."""
    match command:
        case commands.Move():
            return f"Move {what} to {decoded(command.to)}"
        case commands.Reschedule():
            return f"Make {what} due at {words.in_zone(command.due, zone)}"
        case commands.Change():
            return f"Change {what} to {changed(command)}"
        case commands.Backfill():
            span = f"{words.absolute(command.start, zone)} to {words.in_zone(command.end, zone)}"
            return f"Backfill {what} from {span}"
        case commands.Shutdown():
            return f"Shut down {what}, {'' if what.startswith('1 ') else 'each '}after its job"
        case commands.Spread():
            return f"Spread {what} over {words.age(float(command.over_s))}"
        case commands.Suspend():
            return f"Suspend {what}" + ("" if command.for_s is None else f" for {words.age(float(command.for_s))}")
    return _ASKED[type(command)].format(what)


def changed(command: commands.Change) -> str:
    """The cadence and tier that a change asks for."""
    cadence = [f"every {words.age(float(command.every))}"] if command.every is not None else []
    cadence += [f"cron {command.cron}"] if command.cron is not None else []
    cadence += [command.zone] if command.zone is not None else []
    return ", ".join([*cadence, *([f"tier {command.tier}"] if command.tier is not None else [])])


def verb(command: Command) -> str:
    """The verb of what is asked: what the button says."""
    return _VERBS.get(type(command)) or asked(command, "").split()[0]


def means(command: Command, trash_s: float) -> str:
    """What follows from a command that its name does not say, empty where that says it all. `trash_s`: for so many seconds what
    is taken can be put back."""
    if isinstance(command, commands.Delete | commands.Remove):
        return f"For {words.age(int(trash_s))} it can be put back: u does that, here or in Activity."
    return follows(command)


def follows(command: Command) -> str:
    """The same, without what can be done about it afterwards."""
    return _MEANS.get(type(command), "")


def done(command: Command) -> str:
    """What was done to those it was done to: "requeued"."""
    return _DONE[type(command)]


def came(command: Command, counts: Counts) -> str:
    """What came of a command: "requeued 1,944, skipped 3 (changed)"; of a single one that was not done, why."""
    if isinstance(command, commands.Suspend | commands.ResumeAll) and (counts.done or counts.sent):
        return f"{done(command)} all workers" + (", not all have noticed yet" if counts.sent else "")
    if isinstance(command, commands.Suspend | commands.ResumeAll) and counts.skipped.get("same"):
        return f"nothing changed: all workers are {'suspended already' if isinstance(command, commands.Suspend) else 'at work'}"
    only = [code for code, n in (*counts.skipped.items(), *counts.failed.items()) if n]
    if counts.told == 1 and only:
        return f"not {done(command)}: {REASONS[only[0]][1]}"
    said = [f"{done(command)} {counts.done:,}"] if counts.done or not only else [f"none {done(command)}"]
    if counts.sent:
        said.append(f"{counts.sent:,} told, and nothing seen of it yet")
    for word, reasons in (("skipped", counts.skipped), ("failed", counts.failed)):
        if n := sum(reasons.values()):
            said.append(f"{word} {n:,} ({by_reason(reasons)})")
    return ", ".join(said)


def by_reason(reasons: Mapping[str, int]) -> str:
    """Codes of reasons, with how many each where there are several."""
    several = [(code, n) for code, n in sorted(reasons.items(), key=lambda one: -one[1]) if n]
    return several[0][0] if len(several) == 1 else ", ".join(f"{n:,} {code}" for code, n in several)


def options(command: Command) -> str:
    """What a command asks for beside its word, for the audit: "at_front to=low"."""
    return " ".join(_option(name, value) for name, value in _given(command))


def _given(command: Command) -> Sequence[tuple[str, object]]:
    named = [(one.name, getattr(command, one.name), one.default) for one in fields(command)]
    return [(name, value) for name, value, usual in named if usual is MISSING or value != usual]


def _option(name: str, value: object) -> str:
    if value is True:
        return name
    return f"{name}={decoded(value) if isinstance(value, bytes) else value}"
