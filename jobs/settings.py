"""The settings of the job layer: the environment, then `.env` in the working directory, then defaults.

Workers and schedulers are stock processes, so the environment is the only way to tell them anything.
"""

from __future__ import annotations

import io
import ipaddress
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from jobs.errors import InvalidSetting

logger = logging.getLogger("jobs.settings")

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

    A line of the file that cannot be read is logged and passed over. Raises InvalidSetting naming the variable.
    """
    environ = os.environ if environ is None else environ
    values = {**_values(dotenv or Path.cwd() / ".env"), **environ}
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


def _values(file: Path) -> dict[str, str]:
    """What a `.env` file sets."""
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        logger.warning("%s: cannot be read, and is passed over (%s)", file, reason)
        return {}
    for found in parse_stream(io.StringIO(text)):
        if found.error:
            # A statement begins with the blank lines before it.
            blank = found.original.string[: -len(found.original.string.lstrip())].count("\n")
            logger.warning("%s:%d: is no NAME=value, and is passed over", file, found.original.line + blank)
    theirs = logging.getLogger("dotenv.main")
    level = theirs.level
    # It would say the same again, without the file's name.
    theirs.setLevel(logging.ERROR)
    try:
        return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value is not None}
    finally:
        theirs.setLevel(level)


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
