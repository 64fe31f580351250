"""Contexts: several servers by name, in one TOML file.

[prod]
url = "rediss://ops:…@cache-1/0"    # or url_env = "PROD_REDIS_URL"
colour = "red"                       # blue, green, yellow or red
read_only = true
production = true                    # what changes something is confirmed by this name, typed
prefix = "rq"                        # RQ_KEY_PREFIX, where it is another one
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from console.model.masking import masked
from console.model.text import visible
from console.settings import SettingError

COLOURS: Final = ("blue", "green", "yellow", "red")
KEYS: Final = ("url", "url_env", "colour", "read_only", "production", "prefix")
SWITCHES: Final = ("read_only", "production")
SHOWN: Final = 60
"""Characters that an error quotes of the file."""


@dataclass(frozen=True, slots=True)
class Context:
    """One named server. `url` may hold a password. `missing` says why it cannot be opened, where nothing else is wrong.
    `production`: what changes something there is confirmed by its name, typed."""

    name: str
    url: str = field(repr=False)
    colour: str = "blue"
    read_only: bool = False
    prefix: str = "rq"
    missing: str = ""
    production: bool = False


def usual_file() -> Path:
    """Where the contexts are, unless TQ_CONTEXTS says otherwise."""
    from platformdirs import user_config_path

    return user_config_path("tq-console") / "contexts.toml"


def read(file: Path | None, environ: Mapping[str, str] | None = None) -> tuple[Context, ...]:
    """The contexts of `file` in its order; of the usual one, which need not be there, for None. Raises SettingError."""
    environ = os.environ if environ is None else environ
    path = file or usual_file()
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        if file is None:
            return ()
        raise SettingError(f"TQ_CONTEXTS: {path}: there is no such file") from None
    except OSError as error:
        raise SettingError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingError(f"{path}: is not UTF-8; save it as UTF-8") from None
    return tuple(_context(path, name, values, environ) for name, values in _tables(path, text).items())


def _tables(path: Path, text: str) -> Mapping[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{path}: is no TOML: {_where(error)}") from None
    except (ValueError, RecursionError):
        raise SettingError(f"{path}: has a number or brackets that no context needs; leave them out") from None


def named(contexts: tuple[Context, ...], name: str) -> Context:
    """The context of that name. Raises SettingError."""
    for context in contexts:
        if context.name == name and context.missing:
            raise SettingError(context.missing)
        if context.name == name:
            return context
    known = ", ".join(_told(context.name) for context in contexts) or f"none: write them into {usual_file()}"
    raise SettingError(f"there is no context {_told(name)}; there are {known}")


def _context(path: Path, name: str, values: Any, environ: Mapping[str, str]) -> Context:
    where = f"{path}: [{_told(name)}]"
    if not isinstance(values, dict):
        raise SettingError(f"{where} is no table; write [name] and, below it, url or url_env")
    for key, value in values.items():
        if key not in KEYS:
            raise SettingError(f"{where} has {_told(key)}, which is unknown; there are {', '.join(KEYS)}")
        if not isinstance(value, bool if key in SWITCHES else str):
            raise SettingError(f"{where} {key} wants {'true or false' if key in SWITCHES else 'a text in quotes'}")
        if isinstance(value, str) and visible(value) != value:
            raise SettingError(f"{where} {key} has a character that nobody sees; write it again by hand")
    url, variable = values.get("url", ""), values.get("url_env", "")
    if bool(url) == bool(variable):
        raise SettingError(f"{where} wants one of url and url_env")
    if "://" in variable:
        raise SettingError(f"{where} url_env wants the name of a variable that holds the URL; a URL itself belongs to url")
    unset = variable and not environ.get(variable)
    missing = f"{where} url_env: {_told(variable)} is not set; set it to the server's URL" if unset else ""
    colour = values.get("colour", "blue")
    if colour not in COLOURS:
        raise SettingError(f"{where} colour is {_told(colour)}; write one of {', '.join(COLOURS)}")
    read_only, production = values.get("read_only", False), values.get("production", False)
    return Context(name, url or environ.get(variable, ""), colour, read_only, values.get("prefix") or "rq", missing, production)


def _where(error: ValueError) -> str:
    """What is wrong and where; never the line itself, which may hold a password. It may name a key of any length."""
    said = masked(" ".join(str(error).split()))
    return said if len(said) <= 2 * SHOWN else f"…{said[-SHOWN:]}"


def _told(text: str) -> str:
    """What stands in the file, visible and in brief; without the password of a URL that stands in a wrong place."""
    shown = visible(masked(text))
    return shown if len(shown) <= SHOWN else shown[: SHOWN - 1] + "…"
