"""What stays the same in the message of an error when it is raised again: the message without its values.

Taken out are quoted values and those that follow a `=`, URLs, e-mail addresses, hosts, paths and files, dates, and every word
that has a digit in it: numbers however a locale writes them, addresses, and ids. Two numbers stay, since they tell kinds of
errors apart: that of an operating system's error, and the status of an HTTP answer. Where lines break makes no difference.

Any text is read in time that grows with its length alone: no expression here goes back over what it has read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Final

from console.model.masking import MASK
from console.model.secrets import DEFAULT, Secrets, masked_text

READ: Final = (1_024, 16_384)
"""Characters of a message that are read, the second number where the first does not give enough."""

AT_END: Final = 100
"""Characters of the constant part that what is not read could change."""

MOST_TOLD: Final = 300
"""Characters of the constant part."""

TOGETHER: Final = 64
"""Texts that are read in one go: no other thread has its turn meanwhile."""

ROUNDS: Final = 4
"""How often what was taken out is looked through again for what it has brought together."""

_PHRASES: Final = "|".join(sorted({re.escape(status.phrase).replace("\\ ", "[ ]") for status in HTTPStatus if status >= 300}))
_DOMAINS: Final = (
    "com|net|org|edu|gov|mil|int|info|biz|name|pro|io|dev|app|cloud|online|site|shop|store|tech|xyz|ai|co|example|test|invalid|"
    "local|localdomain|internal|intranet|private|corp|home|lan|svc|consul|cluster|arpa|"
    "(?!(?:py|sh|md|rs|pl|gz|so|cc|ps|id|js|ts|go|db|hs|is|do)\\b)[a-z]{2}"
)
_FILES: Final = (
    "csv|tsv|json|jsonl|txt|log|xml|html?|pdf|png|jpe?g|gif|svg|webp|zip|tar|gz|bz2|xz|tgz|ya?ml|toml|ini|cfg|conf|db|sqlite3?|"
    "tmp|bin|dat|parquet|xlsx?|docx?|so|sock|sql|md|sh|py|pyc|js|ts|pem|crt|key|pid|lock|bak|mp[34]|mov|avi|wav"
)
_WORDS_OF_HEX: Final = "facade|decade|accede|efface|deface|beaded|bedded|effaced|defaced|acceded"

_KEPT: Final = rf"""(?P<kept>
        \[(?:Errno|WinError)[ ]-?\d{{1,9}}\]
      | (?:HTTP(?:/\d(?:\.\d)?)?|[Ss]tatus(?:[ _-]?[Cc]ode)?)[ :=]{{1,3}}[1-5]\d\d\b(?![.,]\d)
      | [1-5]\d\d(?=[ ](?:(?:[Cc]lient|[Ss]erver)[ ][Ee]rror|{_PHRASES})\b)
    )"""
_QUOTED: Final = rf"""
        (?:[bBuUrRfF]{{1,2}}(?=["']))?(?<!\\)(?:
            "(?!\d{{3}}[ ](?:{_PHRASES})\b)[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"
          | '(?!\d{{3}}[ ](?:{_PHRASES})\b)[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'(?!\w)
        )"""
_DENSE: Final = "(?P<dense>(?<![+/=-])[A-Za-z0-9+/_-]{20,}={0,2})"
_DIGITS: Final = r"""
        [0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b
      | [-+]?(?<![\w…])[^\W\d]*+\d\w*+(?:[.,:/'’·\xa0\u2009\u202f+-][^\W\d]*+\d\w*+)*"""

_LINKS: Final = r"""
        [A-Za-z][A-Za-z0-9+.-]{0,15}://[^\s"'<>`)\]}]*(?<![.,;:!?])
      | (?<![.+-])[\w.+…-]{1,200}@[\w…-]+(?:\.[\w…-]+)*"""
_PATHS: Final = rf"""
        (?<![/<.])(?:~|\.{{1,2}})?/[\w.@%+~:=,…-]+(?:/[\w.@%+~:=,…-]*)*(?:\?[^\s"']*)?(?<![.,:])
      | (?<![/.-])[\w.…-]{{1,200}}(?:/[\w.…-]+){{2,}}
      | (?<![/.-])[\w…-]{{1,200}}(?:[./][\w…-]+)*\.(?:{_FILES})\b(?!\()
      | (?<![.-])(?:(?:[\w…-]{{1,63}}\.)+(?:{_DOMAINS})|localhost)\b(?![\w(-]|\.\w)(?::\d{{1,5}}\b)?"""

_WORD: Final = r"[a-rt-z][a-z]{0,18}+(?![^ \n])"
"""A plain word, of which no value begins; "status" may be the beginning of one that is kept."""

_LINK: Final = re.compile(rf"(?<![\w…])(?:{_LINKS})", re.VERBOSE)
_PLAIN: Final = re.compile(rf"(?<![\w…])(?=[\w\[\"'+/-])(?!{_WORD})(?:{_KEPT}|{_QUOTED}|{_DENSE}|{_DIGITS})", re.VERBOSE)
_PATH: Final = re.compile(rf"(?<![\w…])(?:{_PATHS})", re.VERBOSE)

_VALUE: Final = re.compile(
    rf"""(?<![\w…])(?:
        {_KEPT} | {_QUOTED}
      | `[^`]*+` | “[^”]*+” | „[^“”]*+[“”] | «[^»]*+» | ‹[^›]*+› | ‘[^’]*+’
      | {_LINKS}
      | [A-Za-z]:\\[^\s"'<>|]*
      | {_PATHS}
      | (?:[0-9a-fA-F]{{0,4}}:){{2,7}}[0-9a-fA-F]{{0,4}}(?![\w:])
      | {_DENSE} | {_DIGITS}
      | (?:[a-f]{{8,}}|[A-F]{{8,}}|(?!(?:{_WORDS_OF_HEX})\b)[a-f]{{6,7}})\b
    )""",
    re.VERBOSE,
)

_SET: Final = re.compile(r"""=(?<![Ss]tatus=)(?<![Cc]ode=)[\w…][^\s,;()\[\]{}'"]*""")
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*+(?:\x07|\x1b\\)?")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_HYPHENED: Final = re.compile(r"(?<=\w-)[ \t]*\r?\n[ \t]*(?=\w)")
_CUT: Final = re.compile(r"""(?<![\w…])["'`][^"'`]*\Z""")
_STATUS: Final = re.compile(r"[1-5]\d\d ")

_SYSTEM_SAYS: Final = re.compile(r"(\[(?:Errno|WinError) -?\d{1,9}\])[^:;,()\[\]'\"…]*")
"""What the operating system says of its error, which it does in the worker's language."""

_MONTH: Final = (
    "(?i:jan|ene|gen|feb|fév|fev|mar|mär|mrz|apr|avr|abr|mai|may|mag|mei|maj|jun|juin|giu|jul|juil|lug|aug|août|ago|sep|set|oct|"
    "okt|ott|out|nov|dec|déc|dez|dic)[^\\W\\d_]{0,7}\\.?"
)
_WEEKDAY: Final = (
    "(?i:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|mié|mie|jeu|jue|ven|vie|sam|sáb|sab|dim|dom|gio|seg|ter|qua"
    "|qui|sex|ma|wo|vr|za|zo)[^\\W\\d_]{0,6}\\.?,?[ ]"
)
_DATE: Final = re.compile(
    rf"(?:\b{_WEEKDAY})?(?:…\.?[ ](?:de[ ])?{_MONTH}(?:,?[ ](?:de[ ])?…)?|\b{_MONTH}[ ]…(?:,?[ ]…)?)(?![\w])"
)
_AROUND: Final = re.compile(
    r"[€$£¥][ ]?…"
    r"|…[ ]?(?:[%€$£¥]|(?:[ap]\.?m\.?|UTC|GMT|CES?T|[ECMP][SD]T"
    r"|[mµun]?s|secs?|seconds?|mins?|minutes?|hours?|days?|h|d|bytes?|[kKMGT]i?B|B)(?![\w]))",
    re.IGNORECASE,
)
_JOINED: Final = re.compile(
    r"(?<![\w…-])(?:\w+-)*…(?:-[\w…]+)+|(?<![\w…-])(?:\w+-)+…|…::[0-9a-fA-F:…]*(?!\w)|(?<![\w:])[0-9a-fA-F:]*::…"
)
"""The rest of an id, or of an address of IPv6, of which a part was taken out."""
_MARKS: Final = re.compile(r"…(?:[ @,;:/+*=&|~#.-]*…)+")
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MANY: Final = re.compile(r"(?<=… )(?!(?:does|this|always|status|minus|plus)\b)([^\W\d_]{3,40}?)(ies|(?<!s)s)(?![\w])")


def constant(text: str, secrets: Secrets = DEFAULT, *, status_first: bool = False) -> str:
    """`text` in one line with `…` in place of its values and secrets, at most MOST_TOLD characters of it.

    `status_first`: a number from 100 to 599 at its beginning is the status of an HTTP answer. What this gives, it leaves as it
    is when it is given it again.
    """
    return constants(((text, status_first),), secrets)[0]


def constants(texts: Sequence[tuple[str, bool]], secrets: Secrets = DEFAULT) -> list[str]:
    """`constant` of each text with its `status_first`: of many together in half the time."""
    found: list[str] = []
    finished = _finishing(secrets)
    for start in range(0, len(texts), TOGETHER):
        part = texts[start : start + TOGETHER]
        begun = [_begun(text, READ[0], status_first) for text, status_first in part]
        for (text, status_first), (status, _), coarse in zip(part, begun, _coarse([line for _, line in begun]), strict=True):
            told = finished(coarse)
            if len(text) > READ[0] and len(told) <= MOST_TOLD + AT_END:
                told = finished(*_coarse([_begun(text, READ[1], status_first)[1]]))
            if len(told) > MOST_TOLD:
                told = finished(told[:MOST_TOLD].rpartition(" ")[0] or told[:MOST_TOLD])
            found.append((status + told)[:MOST_TOLD].rstrip() if status else told[:MOST_TOLD])
    return found


def _begun(text: str, most: int, status_first: bool) -> tuple[str, str]:
    """The status that a text begins with, with a blank, empty where it begins otherwise; and the rest of its first `most`
    characters in one line, without what steers a terminal."""
    if len(text) > most:
        # It goes on, maybe in the midst of a quoted value.
        text = _CUT.sub(MASK, text[:most])
    if not text.isprintable():
        text = _CONTROLS.sub(" ", _HYPHENED.sub("", _ESCAPES.sub("", text) if "\x1b" in text else text))
    line = " ".join(text.split())
    if status_first and (found := _STATUS.match(line)):
        return found[0], line[found.end() :]
    return "", line


def _coarse(lines: list[str]) -> list[str]:
    """The lines without most of their values, of which there are so many that what is left is the same for most of a kind: then
    it is remembered what becomes of it."""
    text = "\n".join([_LINK.sub(MASK, line) if "://" in line or "@" in line else line for line in lines])
    text = _SET.sub("=…", _PLAIN.sub(_taken, text))
    return [_named(line) if "." in line or "/" in line else line for line in text.split("\n")]


def _named(line: str) -> str:
    """The line without paths, files and hosts, in none of which there is a blank."""
    return " ".join([_PATH.sub(MASK, word) if "." in word or "/" in word else word for word in line.split(" ")])


@lru_cache(maxsize=4)
def _finishing(secrets: Secrets) -> Callable[[str], str]:
    """What takes the rest of the values and the secrets out of a text, and remembers it."""
    return lru_cache(maxsize=8_192)(partial(_finished, secrets))


def _finished(secrets: Secrets, text: str) -> str:
    for _ in range(ROUNDS):
        before = text
        text = masked_text(text, secrets)
        text = _SYSTEM_SAYS.sub(r"\1", text)
        text = _MARKS.sub(MASK, _JOINED.sub(MASK, text))
        text = _MARKS.sub(MASK, _AROUND.sub(MASK, _DATE.sub(MASK, text)))
        text = _SET.sub("=…", _MANY.sub(_one, text))
        text = " ".join(_VALUE.sub(_taken, text).split())
        if text == before:
            break
    return text


def with_system_words(message: str, example: str) -> str:
    """A constant part with what the operating system said of its error, which is not a part of it, as `example` has it."""
    if (found := _SYSTEM_SAYS.search(message)) and (said := _SYSTEM_SAYS.search(example)) and said[1] == found[1]:
        return message[: found.start()] + said[0].rstrip() + message[found.end() :]
    return message


def _taken(found: re.Match[str]) -> str:
    """What is put in place of a value."""
    kind = found.lastgroup
    if kind is None:
        return MASK
    return found[0] if kind == "kept" or not _is_random(found[0]) else MASK


def _is_random(word: str) -> bool:
    """Whether a long word without blanks looks like random letters, as base64 has them, and not like words of a language."""
    if any(map(str.isdecimal, word)) or "+" in word or "=" in word:
        return True
    # Words of a language, also in CamelCase, have four letters or more, most of them.
    return not word.islower() and not word.isupper() and len(_WORDS.findall(word)) * 3.5 > len(word)


def _one(found: re.Match[str]) -> str:
    return found[1] + ("y" if found[2] == "ies" else "")
