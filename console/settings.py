"""The settings of the console: the environment, into which `.env` was loaded before (cli.py)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from console.model.text import visible

THEMES: Final = ("dark", "light", "contrast")
READ_ONLY_BY: Final = "console.read_only"
"""Where the command line keeps for its commands what said that nothing may be changed, if anything did."""

PRODUCTION: Final = "console.production"
"""Where it keeps for them the name of the context that has to be typed before anything is changed, empty where none has."""

CONTEXT: Final = "console.context"
"""Where it keeps for them the name of the context that they work in, empty outside of one."""

TRUE, FALSE = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


class SettingError(ValueError):
    """A setting that is none: one line that names it, says what is wrong, and what to write."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment asks of the console. `refresh_s` is seconds; `contexts` is the file of contexts, None for the usual
    place; `mask` are names that have secrets as values, beside the usual ones. `trash_s`: so many seconds what is deleted can
    be put back."""

    read_only: bool = False
    refresh_s: float = 1.0
    context: str = ""
    contexts: Path | None = None
    theme: str = "dark"
    mask: tuple[str, ...] = ()
    trash_s: float = 3_600.0


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of `environ` (default: the process's). Raises SettingError."""
    environ = os.environ if environ is None else environ
    contexts = environ.get("TQ_CONTEXTS", "").strip()
    return Settings(
        read_only=_switch("TQ_READ_ONLY", environ.get("TQ_READ_ONLY", "").strip()),
        refresh_s=refresh("TQ_REFRESH", environ.get("TQ_REFRESH", "").strip() or "1"),
        context=environ.get("TQ_CONTEXT", "").strip(),
        contexts=Path(contexts) if contexts else None,
        theme=_theme(environ.get("TQ_THEME", "").strip() or "dark"),
        mask=tuple(environ.get("TQ_MASK", "").replace(",", " ").split()),
        trash_s=_seconds("TQ_TRASH", environ.get("TQ_TRASH", "").strip() or "3600", 60, 604_800),
    )


def refresh(name: str, value: str) -> float:
    """Seconds between two refreshes, as the setting `name` says them. Raises SettingError."""
    return _seconds(name, value, 0.2, 3_600)


def _seconds(name: str, value: str, least: float, most: int) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not least <= seconds <= most:
        raise SettingError(f"{name}: {visible(value)[:40]} is no number of seconds from {least:g} to {most}")
    return seconds


def _switch(name: str, value: str) -> bool:
    if value.lower() not in TRUE + FALSE:
        raise SettingError(f"{name}: {visible(value)[:40]} is neither yes nor no; write 1 or 0")
    return value.lower() in TRUE


def _theme(value: str) -> str:
    if value not in THEMES:
        raise SettingError(f"TQ_THEME: {visible(value)[:40]} is no theme; write one of {', '.join(THEMES)}")
    return value
