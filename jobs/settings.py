"""The settings of the job layer: the environment, then `.env` in the working directory, then defaults.

Workers and schedulers are stock processes, so the environment is the only way to tell them anything.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from dotenv import dotenv_values

from jobs.errors import InvalidSetting

DEFAULT_REDIS_URL = "redis://localhost:6379/0"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment asks of the job layer. Durations are seconds."""

    redis_url: str = field(default=DEFAULT_REDIS_URL, repr=False)
    tiers_file: Path | None = None
    task_modules: tuple[str, ...] = ()
    allowed_networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    webhook_secret: str = field(default="", repr=False)
    lost_after: float = 60.0


def read(environ: Mapping[str, str] | None = None, dotenv: Path | None = None) -> Settings:
    """The settings of `environ` (default: the process's) over those of the `.env` file.

    Raises InvalidSetting naming the variable.
    """
    environ = os.environ if environ is None else environ
    file = {key: value for key, value in dotenv_values(dotenv or Path.cwd() / ".env").items() if value is not None}
    values = {**file, **environ}
    return Settings(
        redis_url=values.get("RQ_REDIS_URL") or DEFAULT_REDIS_URL,
        tiers_file=Path(values["TQ_TIERS"]) if values.get("TQ_TIERS") else None,
        task_modules=_words(values.get("TQ_TASKS", "")),
        allowed_networks=tuple(_network(word) for word in _words(values.get("TQ_ALLOW_NETWORKS", ""))),
        webhook_secret=values.get("TQ_WEBHOOK_SECRET", ""),
        lost_after=_seconds("TQ_LOST_AFTER", values.get("TQ_LOST_AFTER") or "60"),
    )


@lru_cache(maxsize=1)
def current() -> Settings:
    """The settings of this process, read once."""
    return read()


def _words(value: str) -> tuple[str, ...]:
    return tuple(word for word in value.replace(",", " ").split() if word)


def _network(word: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(word)
    except ValueError:
        raise InvalidSetting(f"TQ_ALLOW_NETWORKS: {word!r} is no network; write it like 10.1.0.0/16") from None


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 86_400 * 365:
        raise InvalidSetting(f"{name}: {value!r} is no number of seconds above 0")
    return seconds
