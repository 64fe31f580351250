"""Text that strangers wrote, made fit for a terminal: nothing in it can move the cursor, hide, or pose as something else."""

from __future__ import annotations

import re
import shlex

_BLANK_LETTERS = "\u034f\u115f\u1160\u2800\u3164\uffa0"
"""Characters that Unicode calls printable and that draw nothing."""

_BLANK = re.compile(f"[{_BLANK_LETTERS}]")


def decoded(raw: bytes) -> str:
    """`raw` as text; bytes that are not UTF-8 become escapes like `\\xff`."""
    return raw.decode("utf-8", "backslashreplace")


def visible(text: str) -> str:
    """`text` on one line, with a sign in place of every character that a terminal would obey or not draw.

    C0 controls become their control pictures (`␛` for escape). Bidirectional overrides, zero-width characters, C1 controls,
    lone surrogates, unassigned code points and unusual spaces become escapes like `\\u202e`.
    """
    if text.isprintable() and not _BLANK.search(text):
        return text
    return "".join(_sign(character) for character in text)


def shell_word(text: str) -> str:
    """`text` as one word of a command line. What nobody could type is written as escapes in `$'…'`, which bash and zsh read as
    the characters themselves."""
    if visible(text) == text:
        return shlex.quote(text)
    return f"$'{''.join(_escape(character) for character in text)}'"


def _escape(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if visible(character) == character:
        return character
    if character == "\n":
        return "\\n"
    # Octal and \u have a fixed length, so a digit that follows is not read as a part of them.
    code = ord(character)
    if code < 0x80:
        return f"\\{code:03o}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


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
