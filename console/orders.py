"""How an action of the table becomes a command: at once, or with a line that is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from console.model import commands, instants, listening, queue_names, words
from console.model.canary import Canary
from console.model.commands import Command
from console.model.status import Status
from console.model.text import visible

AT_ONCE: Final[dict[str, Command]] = {
    "requeue": commands.Requeue(),
    "retry_now": commands.RetryNow(),
    "run_again": commands.RunAgain(),
    "run_now": commands.RunNow(),
    "cancel": commands.Cancel(),
    "stop": commands.Stop(),
    "stop_job": commands.StopJob(),
    "to_front": commands.ToFront(),
    "delete": commands.Delete(),
    "empty": commands.Delete(),
    "remove": commands.Remove(),
    "repair": commands.Repair(),
    "put_back": commands.PutBack(),
    "shutdown": commands.Shutdown(),
    "kill_horse": commands.KillHorse(),
    "pause": commands.Pause(),
    "resume": commands.Resume(),
    "resume_all": commands.ResumeAll(),
}
"""The commands that need nothing but what they are done to."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What a command lacks: `parsed` makes it of a line, or raises ValueError; `told` says what was understood; `present` is
    what is so until then, empty where that is of no account."""

    label: str
    hint: str
    parsed: Callable[[str], Command]
    told: Callable[[Command], str] | None = None
    present: str = ""


def missing(action: str, now: float, zone: tzinfo | None, status: Status | None, due: float | None = None) -> Missing:
    """What is to be asked for an action that is not in AT_ONCE. `status` is the newest overview, None where there is none;
    `due` is when what is meant is due at present, None where nobody knows."""
    match action:
        case "move":
            known = ", ".join(visible(queue.name) for queue in status.queues[:12]) if status is not None else ""
            hint = f"the name of a queue: {known}" if known else "the name of a queue"
            return Missing("to queue", hint, _move, lambda command: next(listening.warnings(command, (), status), hint))
        case "due":
            present = "" if due is None else f"at present {words.in_zone(due, zone)}, {_away(due - now)}"
            return Missing("due", instants.INSTANT, lambda line: commands.Reschedule(instants.instant(line, now, zone)),
                           lambda command: _due(command, now, zone), present)  # fmt: skip
        case "suspend":
            return Missing("for", "10m, or nothing: until they are resumed", _suspend)
        case "change":
            return Missing("change to", CHANGE, change)
        case "backfill":
            return Missing("slots of", instants.SPAN, lambda line: commands.Backfill(*instants.span(line, now, zone)),
                           lambda command: _span(command, zone))  # fmt: skip
        case "spread":
            return Missing("over", f"{instants.DURATION}: each slot moves later by a part of that",
                           lambda line: commands.Spread(instants.duration(line)))  # fmt: skip
    raise KeyError(action)


CHANGE: Final = "every 1h, cron 0 9 * * *, cron 0 9 * * * in Europe/Rome, or tier pro"
_CRON: Final = re.compile(r"cron\s+(\S+(?:\s+\S+){4})(?:\s+in\s+(\S+))?")


CANARY: Final = "5, 50/s, 20%"
"""How a canary is written: so many first, so many a second after that, stopping above that share of failures."""
_CANARY: Final = re.compile(r"([0-9]{1,6})\D+([0-9]{1,6}(?:\.[0-9]{1,3})?)\D+([0-9]{1,3})\s*%?\s*")


def canary(line: str) -> Canary:
    """The canary that a line like CANARY asks for. Raises ValueError."""
    found = _CANARY.fullmatch(line.strip())
    if found is None or int(found[1]) < 1 or float(found[2]) <= 0 or int(found[3]) > 100:
        raise ValueError(f"write a canary like {CANARY}: how many first, a second, failed at most")
    return Canary(int(found[1]), float(found[2]), int(found[3]) / 100)


def change(line: str) -> commands.Change:
    """What a line asks for: a cadence, or a tier. Raises ValueError."""
    plain = " ".join(line.split())
    word, _, rest = plain.partition(" ")
    if word == "every" and rest:
        return commands.Change(every=instants.duration(rest))
    if word == "tier" and rest and " " not in rest:
        return commands.Change(tier=rest)
    if found := _CRON.fullmatch(plain):
        return commands.Change(cron=found[1], zone=_zone(found[2]))
    raise ValueError(f"write {CHANGE}")


def _zone(name: str | None) -> str | None:
    try:
        return name and ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise ValueError(f"time zone {visible(name or '')} is unknown: use an IANA name like Europe/Rome") from None


def _move(line: str) -> commands.Move:
    name = line.strip().encode("utf-8", "surrogateescape")
    if wrong := queue_names.wrong(name):
        raise ValueError(wrong if name else "write the name of a queue")
    return commands.Move(name)


def _suspend(line: str) -> commands.Suspend:
    return commands.Suspend(instants.duration(line) if line.strip() else None)


def _due(command: Command, now: float, zone: tzinfo | None) -> str:
    assert isinstance(command, commands.Reschedule)
    past = ": it is due at once" if command.due < now else ""
    return f"{words.in_zone(command.due, zone)}, {_away(command.due - now)}{past}"


def _away(seconds: float) -> str:
    """How far away: to the minute, where a list has only room for the hour."""
    if abs(seconds) < 1:
        return "now"
    return f"in {words.age(round(seconds))}" if seconds > 0 else f"{words.age(round(-seconds))} ago"


def _span(command: Command, zone: tzinfo | None) -> str:
    assert isinstance(command, commands.Backfill)
    return f"{words.absolute(command.start, zone)} to {words.in_zone(command.end, zone)}"
