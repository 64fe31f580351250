"""Commands in words."""

from __future__ import annotations

from datetime import UTC
from typing import get_args

import pytest

from console.model import command_words, commands
from console.model.commands import Command
from console.model.operations import Counts

NEEDS = {
    commands.Move: commands.Move(b"low"),
    commands.Reschedule: commands.Reschedule(1_764_079_331.0),
    commands.Backfill: commands.Backfill(1_764_079_331.0, 1_764_082_931.0),
    commands.Spread: commands.Spread(3_600),
    commands.Undo: commands.Undo("abc"),
    commands.Change: commands.Change(every=1_800, tier="pro"),
}


@pytest.mark.parametrize("kind", get_args(Command), ids=lambda kind: kind.WORD)
def test_every_command_has_words(kind: type[Command]) -> None:
    command = NEEDS[kind] if kind in NEEDS else kind()
    asked = command_words.asked(command, "3 jobs", UTC)
    assert "3 jobs" in asked
    assert asked.startswith(command_words.verb(command))
    assert command_words.done(command)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (commands.Move(b"low\xff"), "Move 3 jobs to low\\xff"),
        (commands.Reschedule(1_764_079_331.0), "Make 3 jobs due at 2025-11-25 14:02:11 UTC"),
        (commands.Change(every=1_800), "Change 3 jobs to every 30 min"),
        (commands.Change(cron="0 9 * * *", zone="Europe/Rome"), "Change 3 jobs to cron 0 9 * * *, Europe/Rome"),
        (commands.Suspend(600), "Suspend 3 jobs for 10 min"),
        (commands.Suspend(), "Suspend 3 jobs"),
    ],
)
def test_what_a_command_needs_is_in_its_words(command: Command, said: str) -> None:
    assert command_words.asked(command, "3 jobs", UTC) == said


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (Counts(done=1_944), "requeued 1,944"),
        (Counts(done=1_944, skipped={"changed": 3}), "requeued 1,944, skipped 3 (changed)"),
        (Counts(done=2, skipped={"gone": 1, "changed": 4}), "requeued 2, skipped 5 (4 changed, 1 gone)"),
        (Counts(skipped={"gone": 2}, failed={"refused": 3}), "none requeued, skipped 2 (gone), failed 3 (refused)"),
        (Counts(skipped={"gone": 1}), "not requeued: it is no longer there"),
        (Counts(sent=2), "requeued 0, 2 told, and nothing seen of it yet"),
    ],
)
def test_what_came_of_it(counts: Counts, said: str) -> None:
    assert command_words.came(commands.Requeue(), counts) == said


def test_options_are_what_is_not_as_usual() -> None:
    assert command_words.options(commands.Requeue(at_front=True)) == "at_front"
    assert command_words.options(commands.Move(b"low")) == "to=low"
    assert command_words.options(commands.Cancel()) == ""
