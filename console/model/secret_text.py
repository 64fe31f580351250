"""Secrets in free text, by the names that stand before them.

Text is read once, from left to right, and no expression in here goes back over what it has read, so that a megabyte of anything
takes no longer than a megabyte of prose.
"""

from __future__ import annotations

import re
from typing import Final

from console.model.masking import BEFORE_URL, MASK, is_hook, mask_url, mask_webhook, masked, masked_webhooks
from console.model.spoken_secrets import is_secret

MAX_SCHEME: Final = 30
MAX_URL: Final = 400
"""Characters of a URL that masking.masked reads; of a longer one less is shown."""

_NAME_END = re.compile(r"[\w-]*")
_SEPARATOR = re.compile(r"(?:\\*['\"])?\]?[ \t]*(?:=>|:=|[=!]=|[=:])")
_AFTER_FLAG = re.compile(r"\\*['\"][ \t]*,[ \t]*|[ \t]+")
_SPOKEN = re.compile(r"[ \t]+(?P<told>(?:is|was)[ \t]*:?[ \t]+)?(?=[^\s,()\[\]{}<>])")
_OPENING = re.compile(r"\s*[bBuUrRfF]{0,2}(\\*)(['\"])")
_QUOTE = re.compile(r"['\"]")
_BLANKS = re.compile(r"[ \t]*")
_BARE = re.compile(r"[^\s,()\[\]{}<>]*")
_TRAILING = re.compile(r"(?:\\*['\"])+\Z")
_PARAMETERS_END = re.compile(r"\\n|\n|\Z")
_URL_END = re.compile(r"\s|['\"](?=[,:}\])\s]|\Z)|\Z")
_DEFAULT = re.compile(r"(?:\[[^\]\n]{0,80}\])?(?:[ \t]*\|[ \t]*\w{1,40}){0,4}[ \t]*=(?!=)")
"""What stands between a name's type and its default, in source code that a traceback quotes: `password: str | None = "x"`."""

_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
_EITHER: Final = {opening: re.compile(f"[{re.escape(opening + closing)}]") for opening, closing in _CLOSING.items()}

_SCHEME = re.compile(r"([A-Za-z][\w-]*)[ \t]+(?=[^\s,()\[\]{}<>])")
_OF_ONE: Final = frozenset(["bearer", "basic", "token", "negotiate", "apikey"])
_OF_MANY: Final = frozenset(["digest", "oauth", "hawk", "signature", "aws4-hmac-sha256"])
"""Schemes of an Authorization header (RFC 9110, 11.6.2): with one credential, and with parameters up to the end of the line."""

_NO_SECRET: Final = frozenset(["", "None", "True", "False", "null", "true", "false", "YES", "NO"])


def without_named(text: str, marks: re.Pattern[str]) -> str:
    """`text` without the secrets of its URLs and without the values that follow secret names: `marks` finds these names, and
    `://` as its group "url".

    A value follows after `=` or `:`, or after a blank when the name is a flag like `--password`. A quoted one ends with its
    closing quote (or with the text), one in brackets with the closing bracket (or with its line), any other with a blank, a
    comma or a bracket. What keeps no secret, like None, stays.
    """
    done = 0
    pieces: list[str] = []
    balanced = True
    while found := marks.search(text, done):
        if found["url"]:
            start = _back(text, found.start(), max(done, found.start() - MAX_SCHEME), "+.-")
            end = _at(_URL_END.search(text, found.end()))
            url = text[start:end]
            hook = is_hook(text[max(0, start - BEFORE_URL) : start])
            if len(url) <= MAX_URL:
                shown = masked_webhooks(url) if hook else masked(url)
            else:
                shown = mask_webhook(url) if hook else mask_url(url)
        else:
            name = _back(text, found.start(), done, "_-")
            start = end = _end(_NAME_END, text, found.end())
            shown = ""
            if found := _SEPARATOR.match(text, end) or (_AFTER_FLAG.match(text, end) if text[name] == "-" else None):
                start, end, shown, balanced = _value(text, found.end(), text[name:end].lower(), balanced)
            elif found := _SPOKEN.match(text, end):
                start, end, shown = _spoken(text, found, text[name:end])
        pieces += (text[done:start], shown)
        done = end
    return "".join((*pieces, text[done:])) if done else text


def _back(text: str, start: int, least: int, signs: str) -> int:
    """Where the letters, digits and `signs` begin that end at `start`, no farther back than `least`."""
    while start > least and (text[start - 1].isalnum() or text[start - 1] in signs):
        start -= 1
    return start


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where what matches `pattern` at `at` ends."""
    found = pattern.match(text, at)
    return found.end() if found else at


def _at(found: re.Match[str] | None) -> int:
    assert found is not None, "the pattern matches at the end of the text at the latest"
    return found.start()


def _value(text: str, at: int, name: str, balanced: bool) -> tuple[int, int, str, bool]:
    """From where to where the value of `name` goes that is looked for from `at` on, and what is shown in its place.

    `balanced` says whether all brackets so far were closed. One that is not is looked for to the end of the text once.
    """
    if opening := _OPENING.match(text, at):
        end, closing = _quoted_end(text, opening)
        return opening.end(), end, (MASK if end - len(closing) > opening.end() else "") + closing, balanced
    start = _end(_BLANKS, text, at)
    if text[start : start + 1] in _CLOSING:
        end, balanced = _bracketed_end(text, start, balanced)
        return (start, end, MASK, balanced) if end - start > 2 else (end, end, "", balanced)
    scheme = _SCHEME.match(text, start)
    kind = scheme[1].lower() if scheme else ""
    if scheme and kind in _OF_MANY:
        return start, _at(_PARAMETERS_END.search(text, start)), MASK, balanced
    if scheme and (kind in _OF_ONE or "authorization" in name):
        kept = scheme.end() if kind in _OF_ONE else start
        return kept, _bare_end(text, scheme.end()), MASK, balanced
    end = _bare_end(text, start)
    while "cookie" in name and text.endswith(";", start, end):
        before, end = end, _bare_end(text, _end(_BLANKS, text, end))
        if _end(_BLANKS, text, before) == end:
            break
    if text[start:end] in _NO_SECRET:
        return end, end, "", balanced
    if found := _DEFAULT.match(text, end):
        default = _OPENING.match(text, found.end())
        end = _quoted_end(text, default)[0] if default else _bare_end(text, _end(_BLANKS, text, found.end()))
    return start, end, MASK, balanced


def _spoken(text: str, said: re.Match[str], name: str) -> tuple[int, int, str]:
    """As `_value`, in a sentence."""
    start, told = said.end(), said["told"] is not None
    if opening := _OPENING.match(text, start):
        end, closing = _quoted_end(text, opening)
        value = text[opening.end() : end - len(closing)]
        if is_secret(value, name, told=told, quoted=True):
            return opening.end(), end, MASK + closing
        return said.start(), said.start(), ""
    end = _bare_end(text, start)
    if is_secret(text[start:end], name, told=told, quoted=False):
        return start, end, MASK
    return said.start(), said.start(), ""


def _bare_end(text: str, start: int) -> int:
    """Where a value without quotes ends. Quotes at its end are those of a text around it."""
    end = _end(_BARE, text, start)
    trailing = _TRAILING.search(text[max(start, end - 8) : end])
    return end - len(trailing[0]) if trailing else end


def _quoted_end(text: str, opening: re.Match[str]) -> tuple[int, str]:
    """Where the value ends that `opening` opens, and its closing quote: none when the text ends first.

    Inside a text within a text quotes bear a backslash, or three. One that bears more than the opening one is a part of the
    value, unless what it bears are the value's own backslashes. A quote that follows at once goes on with the value, as in SQL
    and in triple quotes.
    """
    closing = opening[1] + opening[2]
    at = opening.end()
    while found := _QUOTE.search(text, at):
        quote = found.start()
        while quote > at and text[quote - 1] == "\\":
            quote -= 1
        at = found.end()
        more = at - quote - len(closing)
        if found[0] != opening[2] or (more > 0 and more % (2 * len(closing))):
            continue
        if more < 0:
            # A quote of the text around it.
            return quote, ""
        if text.startswith(closing, at):
            at += len(closing)
        elif text[at : at + 1].isalnum():
            return _bare_end(text, at), ""
        else:
            return at, closing
    return len(text), ""


def _bracketed_end(text: str, start: int, balanced: bool) -> tuple[int, bool]:
    """Where the value ends that the bracket at `start` opens, and whether a bracket closes it."""
    line = text.find("\n", start)
    line = len(text) if line < 0 else line
    depth = 0
    for found in _EITHER[text[start]].finditer(text, start, len(text) if balanced else line):
        depth += 1 if found[0] in _CLOSING else -1
        if depth == 0:
            return found.end(), balanced
    return line, False
