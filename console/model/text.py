"""Text that strangers wrote, made fit for a terminal: nothing in it can move the cursor, hide, or pose as something else."""

from __future__ import annotations

import re

MASK = "…"

_BLANK_LETTERS = "\u034f\u115f\u1160\u2800\u3164\uffa0"
"""Characters that Unicode calls printable and that draw nothing."""

_BLANK = re.compile(f"[{_BLANK_LETTERS}]")

_URL = re.compile(
    r"(?P<scheme>\b[a-zA-Z][a-zA-Z0-9+.-]*://)"
    r"(?P<authority>[^\s/?#]*?)(?P<path>/[^\s?#]*?)?(?P<query>[?#]\S*?)?"
    r"(?=['\"<>()\[\],.;:]*(?:\s|$))"
)
_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d+)?")


def visible(text: str) -> str:
    """`text` on one line, with a sign in place of every character that a terminal would obey or not draw.

    C0 controls become their control pictures (`␛` for escape). Bidirectional overrides, zero-width characters, C1 controls,
    lone surrogates, unassigned code points and unusual spaces become escapes like `\\u202e`.
    """
    if text.isprintable() and not _BLANK.search(text):
        return text
    return "".join(_sign(character) for character in text)


def masked(text: str) -> str:
    """`text` with `…` for the user, password, query and fragment of every URL in it."""
    return _URL.sub(_without_secrets, text)


def _sign(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if character.isprintable() and character not in _BLANK_LETTERS:
        return character
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _without_secrets(url: re.Match[str]) -> str:
    _, at, host = url["authority"].rpartition("@")
    path, query = url["path"] or "", url["query"] or ""
    # `user:pass/word@host` reads as a host with a strange port, and an error that cuts long values may end inside a password.
    doubtful = ":" in url["authority"] and "@" in path + query
    if doubtful or not _HOST.fullmatch(host) or (not path and host.endswith(MASK)):
        return url["scheme"] + MASK
    return url["scheme"] + (MASK + at if at else "") + host + path + (query[0] + MASK if query else "")
