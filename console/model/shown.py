"""Decoded payloads as lines of text, in Python's notation: what a payload would be, or would call, if anybody executed it.

Nothing is longer than what is asked for, whatever the payload holds. Each line is one line: what would break it, a newline
above all, is escaped as in Python; other control characters are left to visible() (text.py), which whoever draws a line calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from console.model.payload import BigInt, Call, Cut, Long, Many, Name, Pairs, Thing, Undecodable, Value

WIDTH: Final = 100
MAX_LINES: Final = 400
MAX_SHOWN: Final = 4_000
"""Characters of one text, or bytes, that are shown."""

ONE_LINE: Final = 300
MAX_NAME: Final = 200
MAX_SHORT: Final = 20
"""Characters of a member that shares its line with others."""

INDENT: Final = "    "

CUTS: Final = {
    "deep": "<nested too deep to be read>",
    "recursive": "<a value inside itself>",
    "many": "<too many to be read>",
    "unknown": "<of an unknown kind>",
}

_BRACKETS: Final = {"list": ("[", "]"), "tuple": ("(", ")"), "set": ("{", "}"), "frozenset": ("frozenset({", "})")}
_ESCAPES: Final = {
    **{ord(sign): f"\\x{ord(sign):02x}" for sign in "\x0b\x0c\x1c\x1d\x1e\x85"},
    ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t", ord("\\"): "\\\\", 0x2028: "\\u2028", 0x2029: "\\u2029",
}  # fmt: skip

Shown = Value | Call | Undecodable


@dataclass(frozen=True, slots=True)
class _Group:
    """Members between brackets, each with what stands before it; `more` of them were left out."""

    opening: str
    members: Iterable[tuple[str, Value]]
    closing: str
    more: int = 0
    alone: bool = False
    """Whether a comma tells it from something else, as after the only member of a tuple."""


def lines(value: Shown, width: int = WIDTH, max_lines: int = MAX_LINES) -> tuple[str, ...]:
    """`value` in at most `max_lines` lines of about `width` characters; the last one says so when there would be more."""
    told = _undecodable(value, width) if isinstance(value, Undecodable) else _broken("", value, "", 0, width)
    found = list(islice(told, max_lines + 1))
    return tuple(found) if len(found) <= max_lines else (*found[: max_lines - 1], "… and more lines")


def one_line(call: Shown) -> str:
    """`call` as `function(args, kwargs)` in at most ONE_LINE characters."""
    return _short(call, ONE_LINE)


def _short(value: Shown, most: int) -> str:
    """The beginning of `value` in at most `most` characters."""
    text = ""
    for piece in _pieces(value, most):
        text += piece
        if len(text) > most:
            return text[: most - 1] + "…"
    return text


def _fitting(value: Shown, room: int) -> str | None:
    """`value` on one line, None when it takes more than `room` characters."""
    text = ""
    for piece in _pieces(value, room + 1):
        text += piece
        if len(text) > room:
            return None
    return text


def _pieces(value: Shown, most: int) -> Iterator[str]:
    """What `value` says, bit by bit. A text tells no more than `most` characters of itself."""
    groups = _groups(value)
    if not groups:
        yield _leaf(value, most)
    for group in groups:
        yield group.opening
        told = 0
        for told, (lead, member) in enumerate(group.members, 1):
            yield lead if told == 1 else f", {lead}"
            yield from _pieces(member, most)
        yield _more(group.more, told) if group.more else "," if group.alone else ""
        yield group.closing


def _more(more: int, told: int) -> str:
    return f"{', ' if told else ''}… {more:,} more"


def _broken(lead: str, value: Shown, tail: str, depth: int, width: int) -> Iterator[str]:
    """The lines of `value` between `lead` and `tail`, with its members on lines of their own when it does not fit on one."""
    indent = INDENT * depth
    fitting = _fitting(value, width - len(indent) - len(lead) - len(tail))
    groups = _groups(value)
    if fitting is not None:
        yield f"{indent}{lead}{fitting}{tail}"
    elif groups:
        before = f"{indent}{lead}"
        for group in groups:
            yield f"{before}{group.opening}"
            yield from _members(group, depth + 1, width)
            before = f"{indent}{group.closing}"
        yield f"{before}{tail}"
    elif isinstance(value, str | bytes | Long):
        yield from _folded(lead, value, tail, depth, width)
    else:
        yield f"{indent}{lead}{_leaf(value, MAX_SHOWN)}{tail}"


def _members(group: _Group, depth: int, width: int) -> Iterator[str]:
    """The members of a group, each on its lines; of short ones, as many on a line as it has room for."""
    row = indent = INDENT * depth
    for lead, member in group.members:
        short = None if lead else _fitting(member, MAX_SHORT)
        if short is not None and row is not indent and len(row) + len(short) + 2 <= width:
            row += f" {short},"
            continue
        if row is not indent:
            yield row
            row = indent
        if short is not None:
            row = f"{indent}{short},"
        else:
            yield from _broken(lead, member, ",", depth, width)
    if row is not indent:
        yield row
    if group.more:
        yield f"{indent}… {group.more:,} more"


def _folded(lead: str, value: str | bytes | Long, tail: str, depth: int, width: int) -> Iterator[str]:
    """A long text as Python folds it in parentheses, so many characters on each line."""
    whole, length = (value.head, value.length) if isinstance(value, Long) else (value, len(value))
    room = max(16, width - len(INDENT) * (depth + 1) - 3)
    yield f"{INDENT * depth}{lead}("
    for at in range(0, min(len(whole), MAX_SHOWN) or 1, room):
        yield INDENT * (depth + 1) + _quoted(whole[at : min(at + room, MAX_SHOWN)])
    if length > min(len(whole), MAX_SHOWN):
        yield INDENT * (depth + 1) + _length(whole, length)
    yield f"{INDENT * depth}){tail}"


def _groups(value: Shown) -> tuple[_Group, ...]:
    """The groups that `value` consists of, none of what has no members."""
    if isinstance(value, Many):
        opening, closing = _BRACKETS.get(value.kind, (f"{value.kind}(", ")"))
        if value.kind == "set" and not value.items and not value.more:
            opening, closing = "set(", ")"
        alone = value.kind == "tuple" and len(value.items) == 1
        return (_Group(opening, (("", item) for item in value.items), closing, value.more, alone),)
    if isinstance(value, Pairs):
        return (_Group("{", ((f"{_short(key, MAX_NAME)}: ", item) for key, item in value.items), "}", value.more),)
    if isinstance(value, Thing):
        called = _Group(f"{_short(value.made_by, MAX_NAME)}(", (("", argument) for argument in value.args), ")")
        if value.state is None:
            return (called,)
        state = _groups(value.state) if isinstance(value.state, Pairs) else (_Group("{", (("", value.state),), "}"),)
        return (called, _Group(f" {state[0].opening}", state[0].members, state[0].closing, state[0].more))
    if isinstance(value, Call):
        on = "" if value.instance is None else f"{_short(value.instance, MAX_NAME)}."
        positional = (("", argument) for argument in value.args)
        keywords = ((_keyword(key), argument) for key, argument in value.kwargs)
        function = _escaped(value.function[:MAX_NAME]) + ("…" if len(value.function) > MAX_NAME else "")
        return (_Group(f"{on}{function}(", (member for part in (positional, keywords) for member in part), ")"),)
    return ()


def _keyword(key: Value) -> str:
    name = key if isinstance(key, str) and len(key) <= MAX_NAME and key.isidentifier() else _short(key, MAX_NAME)
    return f"{name}="


def _undecodable(value: Undecodable, width: int) -> Iterator[str]:
    yield f"undecodable: {_escaped(value.reason[:ONE_LINE])}"
    yield f"{value.length:,} bytes{', which begin' if value.head else ''}"
    row = max(3, width // 3 * 3)
    for at in range(0, len(value.head), row):
        yield value.head[at : at + row].rstrip()


def _leaf(value: Shown, most: int) -> str:
    if isinstance(value, str | bytes):
        return _cut(value, len(value), most)
    if isinstance(value, Long):
        return _cut(value.head, value.length, most)
    if isinstance(value, BigInt):
        return f"{value.head}… {value.digits:,} digits"
    if isinstance(value, Name):
        return ".".join(_escaped(part[:MAX_NAME]) for part in (value.module, value.name) if part)
    if isinstance(value, Cut):
        return CUTS.get(value.why, f"<{_escaped(value.why[:MAX_NAME])}>")
    if isinstance(value, Undecodable):
        head = f", which begin {value.head}" if value.head else ""
        return f"<undecodable: {_escaped(value.reason[:ONE_LINE])}; {value.length:,} bytes{head}>"
    return str(value)


def _cut(whole: str | bytes, length: int, most: int) -> str:
    kept = min(most, MAX_SHOWN)
    told = _quoted(whole[:kept])
    return told if length <= kept else f"{told} {_length(whole, length)}"


def _length(whole: str | bytes, length: int) -> str:
    return f"… {length:,} {'characters' if isinstance(whole, str) else 'bytes'}"


def _quoted(part: str | bytes) -> str:
    if isinstance(part, bytes):
        return repr(part)
    quote = '"' if "'" in part and '"' not in part else "'"
    escaped = _escaped(part)
    return quote + (escaped.replace("'", "\\'") if quote == "'" else escaped) + quote


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
