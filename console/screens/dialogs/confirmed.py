"""What an operator has said yes to."""

from __future__ import annotations

from dataclasses import dataclass

from console.model import command_words
from console.model.canary import Canary
from console.model.commands import Command, Seen


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What is to be done, to exactly these, and why. `title` says so."""

    command: Command
    seen: tuple[Seen, ...]
    title: str
    why: str = ""
    canary: Canary | None = None

    @property
    def options(self) -> str:
        """What was said beside the command's word, for the audit."""
        options, canary = command_words.options(self.command), self.canary
        if canary is None:
            return options
        return f"{options} canary={canary.first} rate={canary.rate:g} stop_above={canary.stop_above:.0%}".strip()
