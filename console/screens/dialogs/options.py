"""What can be said beside a command before it is done: the yes or no of its options, a note, a canary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from console.model import commands
from console.model.commands import Command


@dataclass(frozen=True, slots=True)
class Option:
    """A yes or no of a command: the key that turns it, its field, and what it means."""

    key: str
    field: str
    means: str


FRONT: Final = Option("f", "at_front", "at the front of the queue")
ENTRY: Final = Option("e", "with_entry", "also jobs of rq-scheduler entries, whose schedules then end")

OPTIONS: Final[Mapping[type[Command], tuple[Option, ...]]] = {
    commands.Requeue: (Option("t", "fresh_retries", "with as many retries as they began with"), FRONT),
    commands.RetryNow: (FRONT,),
    commands.RunAgain: (FRONT,),
    commands.Cancel: (ENTRY,),
    commands.Delete: (ENTRY, Option("w", "with_dependents", "also jobs that others wait for; these then wait for ever")),
}

TRIED: Final = (commands.Requeue, commands.RetryNow, commands.RunAgain)
"""What may be tried on a few first."""

MANY: Final = 10
"""Of so many it is worth while."""

NOTED: Final = (commands.Pause, commands.Resume)
"""What is written here is a note on the schedule, beside a reason."""
