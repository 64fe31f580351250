"""One condition of a filter: what it says, and whether it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from console.model.text import visible

Kind = Literal["text", "duration", "number"]

ANY: Final = ""
"""The field of a free text."""

_NEEDS_QUOTES: Final = re.compile(r'["\s]|\A\Z')
_WILD: Final = re.compile(r"[*?]")
_OPERATOR: Final = re.compile(r"[:=<>]")
_NEEDS_BACKSLASH: Final = re.compile(r'"|\\(?=["\\]|\Z)')


class FilterError(ValueError):
    """An expression that is no filter. `message` is one line; `column` counts from 0 and names the character that is wrong."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: `operator` is `:`, `=`, `>`, `<`, `>=` or `<=`; `field` is ANY for a free text.

    `number` is what `value` says for a number (a duration in seconds), None for a text. `glob`: `*` and `?` in it are wild.
    """

    field: str
    operator: str
    value: str
    negated: bool = False
    number: float | None = None
    glob: bool = False

    def matches(self, text: Mapping[str, str | None], numbers: Mapping[str, float | None]) -> bool:
        """Whether it holds for what is known: see Filter.matches."""
        if self.number is not None:
            known = numbers.get(self.field)
            return known is not None and self._compares(known, self.number) is not self.negated
        texts = text.values() if self.field == ANY else (text.get(self.field),)
        return any(known is not None and self._reads(known) for known in texts) is not self.negated

    def _compares(self, known: float, asked: float) -> bool:
        match self.operator:
            case ">":
                return known > asked
            case "<":
                return known < asked
            case ">=":
                return known >= asked
            case "<=":
                return known <= asked
            case _:
                return known == asked

    def _reads(self, known: str) -> bool:
        if self.operator == "=":
            return known == self.value
        if self.glob:
            return _pattern(self.value).match(known.casefold()) is not None
        return self.value.casefold() in known.casefold()

    def __str__(self) -> str:
        """The shortest expression of an equal term, so that none grows too long by being written again."""
        free = self.field == ANY
        value = self.value
        if not self.glob and (
            _NEEDS_QUOTES.search(value)
            or (self.operator == ":" and _WILD.search(value))
            or (free and (_OPERATOR.search(value) or (value[0] in "-!" and not self.negated)))
        ):
            value = '"' + _NEEDS_BACKSLASH.sub(r"\\\g<0>", value) + '"'
        return visible(("-" if self.negated else "") + ("" if free else f"{self.field}{self.operator}") + value)


@lru_cache(maxsize=64)
def _pattern(glob: str) -> re.Pattern[str]:
    """`glob` as an expression that never tries a `*` again once what follows it was found: the first find is as good as any."""
    first, *rest = [
        "".join("." if character == "?" else re.escape(character) for character in part)
        for part in re.split(r"\*+", glob.casefold())
    ]
    if not rest:
        return re.compile(rf"{first}\Z", re.DOTALL)
    *middle, last = rest
    return re.compile(first + "".join(f"(?>.*?{part})" for part in middle) + rf".*{last}\Z", re.DOTALL)
