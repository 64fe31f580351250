"""What hangs on jobs that are about to be taken away, in words: what goes with them, or why they are left alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from console.model.commands import Cancel, Command, Delete

ENTRY: Final = (
    "1 is the job of an rq-scheduler entry",
    "{:,} are jobs of rq-scheduler entries",
)
WAITED_FOR: Final = (
    "1 has jobs that wait for it",
    "{:,} have jobs that wait for them",
)
RUN: Final = (
    "1 is a run of a user's schedule, which goes on with its next slot",
    "{:,} are runs of users' schedules, which go on with their next slots",
)


def strands(command: Command) -> bool:
    """Whether jobs that wait for what it is done to wait for ever once it is done."""
    return isinstance(command, Cancel) or (isinstance(command, Delete) and command.with_dependents)


def warnings(command: Command, ties: Mapping[str, int], waiting: int = 0) -> Iterator[str]:
    """What is lost with them, or not done for the sake of it. `ties` are counts by codes of selection.TIES; `waiting` is how
    many jobs wait for them, where that is known."""
    if not isinstance(command, Cancel | Delete):
        return
    if n := ties.get("entry", 0):
        yield _told(ENTRY, n) + (
            ": the schedule ends with it" if command.with_entry else ": left alone, or its schedule would end"
        )
    if n := ties.get("dependents", 0):
        many = f", {waiting:,} in all" if waiting > n else ""
        then = ": those then wait for ever" if strands(command) else ": left alone, or those would wait for ever"
        yield _told(WAITED_FOR, n) + many + then


def notes(command: Command, ties: Mapping[str, int]) -> Iterator[str]:
    """What else is good to know of them."""
    if isinstance(command, Cancel | Delete) and (n := ties.get("run", 0)):
        yield _told(RUN, n)


def _told(words: tuple[str, str], n: int) -> str:
    one, many = words
    return one if n == 1 else many.format(n)
