"""Consent to a change: who is asked for it, where, and what becomes of the change where nobody can answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

import click

from console import settings as console_settings
from console.commands import asking, output
from console.commands.exits import DONE, INTERRUPTED, NOT_HELD
from console.model.masking import mask_url
from jobs import settings

Asks = Literal["always", "at a terminal", "in production"]
"""When a command asks without --yes. In a production context each does, and refuses where nobody can answer. Elsewhere `always`
means the same; `at a terminal`, that it acts where nobody can answer: programs rely on it; `in production`, that it acts."""


@dataclass(frozen=True, slots=True)
class Flags:
    """What the flags of `consented` say of the command `word`."""

    word: str
    asks: Asks
    yes: bool
    dry_run: bool = False
    dries: bool = True
    """Whether the command has --dry-run."""
    as_json: bool = False

    def ends(self, asked: str, told: Callable[[], Sequence[str]] = tuple) -> int | None:
        """Tell what is `asked`, with the lines of `told`, where nothing is to be done, or where somebody has to agree. The exit
        status where the command ends with that, None where it goes on. Raises UsageError where nobody can answer."""
        if self.dry_run and self.as_json:
            lines = [line.strip() for line in told()]
            output.document({"dry_run": True, "matched": 1, "would": 1, "asked": asked, "said": lines})
            return DONE
        if self.dry_run:
            for line in (asked, *told()):
                output.say(line)
            return DONE
        if not needed(self.word, self.yes, self.asks, dries=self.dries):
            return None
        for line in told():
            output.warn(line)
        return None if given(asked) else NOT_HELD


def consented(asks: Asks, *, dries: bool = True, documents: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A command with --yes and, where it `dries`, with --dry-run and, where it `documents`, with --json, which are given to it
    as one `flags`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def told(yes: bool, dry_run: bool = False, as_json: bool = False, **given: Any) -> Any:
            word = click.get_current_context().info_name or ""
            return command(flags=Flags(word, asks, yes, dry_run, dries, as_json), **given)

        found: Callable[..., Any] = told
        if documents:
            found = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(found)
        if dries:
            found = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")(found)
        return click.option("--yes", is_flag=True, help="Do not ask, nor for the name of a production context.")(found)

    return decorate


def needed(word: str, yes: bool, asks: Asks = "always", can_ask: bool | None = None, dries: bool = True) -> bool:
    """Whether somebody is asked before `word` is done. `can_ask`: whether somebody can answer, where that is not as usual;
    `dries`: it has --dry-run. Raises UsageError where somebody has to be asked and nobody can answer."""
    if yes:
        return False
    production = _production()
    can_ask = asking.can_ask() if can_ask is None else can_ask
    if not can_ask and (production or asks == "always"):
        where = f" in the production context {production}" if production else ""
        looks = ", or --dry-run to see what it is done to" if dries else ""
        raise click.UsageError(f"{word} changes something{where}: add --yes to do it{looks}")
    return bool(production) or (can_ask and asks != "in production")


def given(asked: str) -> bool:
    """Whether somebody at the terminal agrees to what is `asked`: in a production context by typing its name. Says so where
    nothing is done. Raises Interrupted."""
    production, question = _production(), f"{asked} on {mask_url(settings.current().redis_url)}?"
    try:
        agreed = asking.typed(question, production) if production else asking.confirmed(question)
    except click.Abort:
        raise Interrupted from None
    if not agreed:
        output.warn("nothing was done")
    return agreed


class Interrupted(click.ClickException):
    """Ctrl-c came before anything was done."""

    exit_code = INTERRUPTED

    def __init__(self) -> None:
        super().__init__("interrupted: nothing was done")


def _production() -> str:
    """The name of the production context, empty where this is none."""
    found: str = click.get_current_context().find_root().meta.get(console_settings.PRODUCTION, "")
    return found
