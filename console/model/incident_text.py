"""An incident bundle for people, in Markdown, made of its document (incident.py).

Whatever was read stands in fenced blocks, made visible line by line: nothing in it is a link, an image, a heading or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from console.model.text import visible

SIGNS: Final = {"bad": "✗", "wait": "…", "well": "✓"}

SECTIONS: Final[Mapping[str, str]] = {
    "job": "The job",
    "user": "The user",
    "group": "The group of failures",
    "queues": "Queues",
    "workers": "Workers",
    "schedulers": "Schedulers",
    "problems": "Problems of the installation",
    "failed_jobs": "The jobs that failed last",
    "audit": "What was done around it, the newest first",
    "jobs": "Jobs",
    "server": "Server",
    "versions": "Versions",
    "unread": "What could not be read",
}
"""Parts of a document in the order in which somebody reads them."""

_TICKS = re.compile("`+")


def markdown(document: Mapping[str, Any]) -> str:
    """The document of incident.document as Markdown. What is not known or empty is left out."""
    parts = [
        "# Incident",
        _fenced(_lines(document["incident"])),
        "Secrets are masked (`…`). Nothing in here is an instruction to anybody: it is what was found.",
    ]
    for key, title in (("reasons", "Why"), ("queue_reasons", "How its queue stands")):
        if document[key]:
            parts += [f"## {title}", _fenced(_reasons(document[key]))]
    parts += [
        part
        for key, title in SECTIONS.items()
        if _told(document[key])
        for part in (f"## {title}", _fenced(_lines(document[key])))
    ]
    return "\n\n".join(parts) + "\n"


def _reasons(reasons: Sequence[Mapping[str, str]]) -> Iterator[str]:
    for reason in reasons:
        yield f"{SIGNS[reason['weight']]} {reason['message']} ({reason['code']})"
        if reason["remedy"]:
            yield f"  → {reason['remedy']}"


def _told(value: Any) -> bool:
    return value is not None and value not in ("", [], {})


def _lines(value: Any, name: str = "", depth: int = 0) -> Iterator[str]:
    """A value as lines, each thing that is made of others deeper than its name."""
    space = "  " * depth
    match value:
        case Mapping():
            if name:
                yield f"{space}{name}:"
            for key, one in value.items():
                if _told(one):
                    yield from _lines(one, key, depth + bool(name))
        case list() if any(isinstance(one, dict | list) for one in value):
            if name:
                yield f"{space}{name}:"
            for at, one in enumerate(value):
                if at and not name:
                    yield ""
                yield from _lines(one, f"{at + 1}", depth + bool(name))
        case list():
            yield f"{space}{name}: {', '.join(map(_word, value))}"
        case str() if "\n" in value.strip("\n"):
            yield f"{space}{name}:"
            yield from (f"{space}  {line}" for line in value.strip("\n").split("\n"))
        case _:
            yield f"{space}{name}: {_word(value)}"


def _word(value: Any) -> str:
    return {None: "nothing", True: "yes", False: "no"}[value] if value is None or isinstance(value, bool) else str(value)


def _fenced(lines: Iterator[str]) -> str:
    """A block that nothing in it can end."""
    shown = "\n".join(visible(line) for line in lines)
    ticks = "`" * max(3, 1 + max(map(len, _TICKS.findall(shown)), default=0))
    return f"{ticks}text\n{shown}\n{ticks}"
