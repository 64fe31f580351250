"""The filter language: one for every screen and command.

    user:42 tier:pro func:scrape* error:Timeout age>1h -lane:low "free text"

Terms are separated by blanks, and all of them must hold. `field:value` looks for a part of a text whatever its case, and for
the whole of it where the value has `*` (any characters) or `?` (one); `field=value` is the whole text, to the letter. Durations
and numbers are compared with `>`, `<`, `>=` and `<=`, numbers with `:` and `=` too. `-` or `!` in front negates. A bare word is
looked for in every text. In quotes nothing has a meaning but `\\"` and `\\\\`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from console.model.terms import ANY, FilterError, Kind, Term
from console.model.text import visible

__all__ = ["ANY", "Filter", "FilterError", "Kind", "Term", "parse"]

MAX_LENGTH: Final = 1_000
MAX_STARS: Final = 8
"""Wild `*` in one value: more could keep a search busy for long with a single text."""

_OPERATOR: Final = re.compile(r">=|<=|[:=<>]")
_WORD: Final = re.compile(r"\S*")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,9})?")
_PART: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhdw])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Filter:
    """Terms that must all hold; none at all hold for everything, and are False."""

    terms: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __str__(self) -> str:
        """An expression that parses to an equal filter."""
        return " ".join(str(term) for term in self.terms)

    def matches(
        self, text: Mapping[str, str | None], numbers: Mapping[str, float | None], free: Sequence[str] | None = None
    ) -> bool:
        """Whether all terms hold for something with these texts and numbers (durations in seconds) by field.

        What is None or not there is unknown: no term holds for it but a negated one on a text. A free text is looked for in
        the fields `free` of `text`, in all of them where that is None.
        """
        looked_in = text if free is None else {field: text[field] for field in free}
        return all(term.matches(looked_in if term.field == ANY else text, numbers) for term in self.terms)

    def exact(self, field: str) -> str | None:
        """The one text that a term wants of `field`, for an index on the server; None when no term names a single text.

        `field=value` goes before `field:value`, which by itself would also match a longer text with this one inside: whoever
        looks `field:value` up in an index reads it as the whole of an identifier.
        """
        term = self.exact_term(field)
        return None if term is None else term.value

    def exact_term(self, field: str) -> Term | None:
        """The term that `exact` speaks of."""
        asked = [
            term for term in self.terms if term.field == field and not term.negated and not term.glob and term.number is None
        ]
        asked.sort(key=lambda term: term.operator != "=")
        return asked[0] if asked and (asked[0].value or asked[0].operator == "=") else None

    def without(self, field: str) -> Filter:
        """The same without the terms on `field`."""
        return Filter(tuple(term for term in self.terms if term.field != field))

    def less(self, term: Term | None) -> Filter:
        """The same without one term, for whoever has seen to that already."""
        return Filter(tuple(one for one in self.terms if one is not term))


def parse(expression: str, fields: Mapping[str, Kind]) -> Filter:
    """The filter that `expression` says. `fields` are those of the screen, by their names in lower case. Raises FilterError."""
    if len(expression) > MAX_LENGTH:
        raise FilterError(f"the filter is too long: leave out all but {MAX_LENGTH:,} characters", MAX_LENGTH)
    return Filter(tuple(_terms(expression, fields)))


def _terms(expression: str, fields: Mapping[str, Kind]) -> Iterator[Term]:
    at = 0
    while at < len(expression):
        if expression[at].isspace():
            at += 1
            continue
        term, at = _term(expression, at, fields)
        yield term


def _term(expression: str, start: int, fields: Mapping[str, Kind]) -> tuple[Term, int]:
    """The term that begins at `start`, and where it ends."""
    negated = expression[start] in "-!"
    at = start + negated
    word = _word(expression, at)
    if not word:
        raise FilterError(f"{expression[start]} negates nothing: write a term right after it, or put it in quotes", start)
    operator = None if word.startswith('"') else _OPERATOR.search(word)
    if operator is None:
        value, glob, end = _value(expression, at)
        return Term(ANY, ":", value, negated, glob=glob), end
    name, sign = word[: operator.start()].lower(), operator[0]
    sign_at, at = at + operator.start(), at + operator.end()
    kind = fields.get(name)
    if kind is None:
        raise FilterError(_unknown(word[: operator.start()], sign, fields), sign_at - operator.start())
    if at == len(expression) or expression[at].isspace():
        raise FilterError(f"{name}{sign} has no value: write one right after it, without a blank", sign_at)
    if kind == "text":
        if sign not in ":=":
            raise FilterError(f"{name} is a text and has no order: write {name}:… or {name}=…", sign_at)
        value, glob, end = _value(expression, at, wild=sign == ":")
        return Term(name, sign, value, negated, glob=glob), end
    if kind == "duration" and sign in ":=":
        raise FilterError(f"{name} is a duration and hardly ever equal to one: write {name}>… or {name}<…", sign_at)
    value = _word(expression, at)
    number = _duration(value) if kind == "duration" else _number(value)
    if number is None:
        wanted = "a duration like 30s, 15m, 1h30m, 2d or 1w" if kind == "duration" else "a number like 3 or 0.5"
        raise FilterError(f"{name} wants {wanted}, not {_short(value)}", at)
    return Term(name, sign, value, negated, number), at + len(value)


def _word(expression: str, start: int) -> str:
    found = _WORD.match(expression, start)
    return found[0] if found else ""


def _value(expression: str, start: int, wild: bool = True) -> tuple[str, bool, int]:
    """The text at `start`, whether it has wild characters, and where it ends."""
    if expression[start] == '"':
        value, end = _quoted(expression, start)
        return value, False, end
    value = _word(expression, start)
    for at, character in enumerate(value, start):
        if character == '"':
            raise FilterError('a quote inside a word: put the whole value in quotes, and \\ before a " in it', at)
        _drawable(character, at)
    if wild and value.count("*") > MAX_STARS:
        raise FilterError(f"more than {MAX_STARS} * in one value: leave some out", _nth(value, "*", MAX_STARS + 1) + start)
    return value, wild and ("*" in value or "?" in value), start + len(value)


def _quoted(expression: str, start: int) -> tuple[str, int]:
    letters: list[str] = []
    at = start + 1
    while at < len(expression):
        character = expression[at]
        if character == '"':
            end = at + 1
            if end < len(expression) and not expression[end].isspace():
                raise FilterError("a blank is missing here, after the closing quote", end)
            return "".join(letters), end
        if character == "\\" and expression[at + 1 : at + 2] in ("\\", '"'):
            at += 1
            character = expression[at]
        _drawable(character, at)
        letters.append(character)
        at += 1
    raise FilterError("this quote is never closed: write another one where the text ends", start)


def _drawable(character: str, at: int) -> None:
    """Refuse what cannot be seen: it could be neither noticed nor shown again."""
    if visible(character) != character:
        raise FilterError(f"the character {visible(character)} cannot be looked for: use ? in its place", at)


def _duration(value: str) -> float | None:
    """Seconds."""
    parts = _PART.findall(value.lower())
    if parts and "".join(number + unit for number, unit in parts) == value.lower():
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return _number(value)


def _number(value: str) -> float | None:
    return float(value) if _NUMBER.fullmatch(value) else None


def _unknown(name: str, sign: str, fields: Mapping[str, Kind]) -> str:
    if name.endswith("!") and name[:-1].lower() in fields:
        return f"!= is no comparison: write -{name[:-1]}{sign}…"
    near = difflib.get_close_matches(name[:40].lower(), fields, n=1)
    known = (
        f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(fields))}." if fields else "there are none here."
    )
    return f"there is no field {_short(name)}: {known} Put the word in quotes to look for it as it is"


def _short(value: str) -> str:
    return visible(value if len(value) <= 40 else value[:39] + "…") or '""'


def _nth(value: str, character: str, n: int) -> int:
    at = -1
    for _ in range(n):
        at = value.index(character, at + 1)
    return at
