"""Users read from a file, a row at a time: each good row as a user, each bad one by its place and what is wrong with it.

CSV has a header that names the columns, in any order; `sources` are separated by spaces or `|`:

    id,tier,zone,sources,webhook,active
    ada@example.com,pro,Europe/Rome,https://example.com/a https://example.com/b,,yes

JSON is an array of objects with those fields (`sources` a list, `active` true or false), or one such object a line.
Only `id` and `tier` are required. A column or field that a row does not have is left as the directory has it; an empty one,
or null, means the default.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from jobs import users
from jobs.errors import InvalidUser
from jobs.users import User

COLUMNS = ("id", "tier", "zone", "sources", "webhook", "active")
REQUIRED = ("id", "tier")
MAX_ROW_BYTES = 1 << 17
"""A row that is longer is refused: more likely a quote was left open than that a user has so much to say. The csv module draws
the same line for one field."""

Format = Literal["csv", "json"]

_CHUNK = 1 << 16
_BOM = codecs.BOM_UTF8
_NOT_TEXT = re.compile(r"[\0\ud800-\udfff]")
_TRUE, _FALSE = ("1", "true", "yes", "y", "on"), ("0", "false", "no", "n", "off")
# An integer of thousands of digits would be refused with an error that does not say where it ends.
_JSON = json.JSONDecoder(parse_int=float)


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int = ..., /) -> bytes: ...
    def readline(self, size: int = ..., /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is refused. `line` counts from 1: the line of the file on which the row begins, or, when `item` is true, the
    row's place in a JSON array."""

    line: int
    reason: str
    item: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A valid user and where it stands, as in BadRow; `given` names the fields that the file says, the others are defaults."""

    line: int
    user: User
    given: frozenset[str]
    item: bool = False

    def refused(self, reason: str) -> BadRow:
        """This row as a bad one."""
        return BadRow(self.line, reason, self.item)


def format_of(name: str, head: bytes) -> Format:
    """The format of a file: what the end of its name says, else what its first bytes, `head`, look like."""
    suffix = name.rpartition(".")[2].lower()
    if suffix in ("json", "jsonl", "ndjson"):
        return "json"
    if suffix == "csv":
        return "csv"
    return "json" if head.removeprefix(_BOM).lstrip()[:1] in (b"[", b"{") else "csv"


def read(stream: Readable, format: Format, seen: dict[str, int] | None = None) -> Iterator[Row | BadRow]:
    """The rows of a file in its order, in constant memory but for `seen`, which gets the place of each good id.

    Of rows with one id, the first that is good wins. Raises nothing for what the file holds or for a failing read.
    """
    seen = {} if seen is None else seen
    last = 0
    try:
        for row in _csv_rows(stream) if format == "csv" else _json_rows(stream):
            last = row.line
            if isinstance(row, Row):
                first = seen.setdefault(row.user.id, row.line)
                if first != row.line:
                    place = "item" if row.item else "line"
                    row = row.refused(f"id {ascii(row.user.id)[:60]} stands in {place} {first} already")
            yield row
    except OSError as error:
        yield BadRow(last + 1, f"the file cannot be read further: {error.strerror or error}")


class _TooLong(ValueError):
    """A row of more than MAX_ROW_BYTES."""


class _Lines:
    """The lines of a stream as text. Those of one row can be taken back, so that a broken row costs its first line only.

    Bytes that are not UTF-8 become lone surrogates, by which their row is known.
    """

    def __init__(self, stream: Readable, head: bytes = b"", number: int = 0) -> None:
        self._stream = stream
        self._head = head
        self._again: deque[bytes] = deque()
        self._row: list[bytes] = []
        self._size = 0
        self.number = number

    def begin(self) -> int:
        """Begin a row with the next line, and return that line's number."""
        self._row, self._size = [], 0
        return self.number + 1

    def has_lone_quote(self) -> bool:
        """Whether the quotes of this row are odd in number, which those of a whole CSV row never are."""
        return sum(line.count(b'"') for line in self._row) % 2 == 1

    def take_back(self) -> None:
        """Give the lines of this row again, but for the first."""
        self._again.extendleft(reversed(self._row[1:]))
        self.number -= len(self._row[1:])

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self._row.append(line)
        self._size += len(line)
        if self._size > MAX_ROW_BYTES:
            raise _TooLong(f"the row is longer than {MAX_ROW_BYTES:,} bytes; is a quote left open?")
        return line.decode("utf-8", "surrogateescape")

    def _read(self) -> bytes:
        line = piece = self._head + self._stream.readline(MAX_ROW_BYTES + 1)
        self._head = b""
        while len(piece) > MAX_ROW_BYTES and not piece.endswith(b"\n"):
            piece = self._stream.readline(MAX_ROW_BYTES + 1)
        return line if self.number else line.removeprefix(_BOM)


def _csv_rows(stream: Readable) -> Iterator[Row | BadRow]:
    lines = _Lines(stream)
    header: list[str] = []
    while True:
        line = lines.begin()
        try:
            cells = next(csv.reader(lines, strict=True))
            if lines.has_lone_quote():
                raise csv.Error("a quote stands alone")
        except StopIteration:
            if not header:
                yield BadRow(1, f"the file is empty; its first line names the columns: {', '.join(COLUMNS)}")
            return
        except (csv.Error, _TooLong) as error:
            yield BadRow(line, f"the row is no CSV: {error}" if isinstance(error, csv.Error) else str(error))
            if not header:
                return
            lines.take_back()
            continue
        if not cells or (len(cells) == 1 and not cells[0].strip()):
            continue
        if header:
            yield _csv_row(line, header, cells)
            continue
        header = [cell.strip().lower() for cell in cells]
        if problem := _header_problem(header):
            yield BadRow(line, problem)
            return


def _header_problem(header: list[str]) -> str:
    if any(_NOT_TEXT.search(name) for name in header):
        return "the header is not UTF-8 text; save the file as UTF-8"
    for name in header:
        if name not in COLUMNS:
            return f"column {ascii(name)[:60]} is unknown; the columns are {', '.join(COLUMNS)}, separated by commas"
        if header.count(name) > 1:
            return f"column {name!r} stands in the header {header.count(name)} times"
    missing = [name for name in REQUIRED if name not in header]
    return f"the header lacks {' and '.join(missing)}" if missing else ""


def _csv_row(line: int, header: list[str], cells: list[str]) -> Row | BadRow:
    if len(cells) > len(header):
        return BadRow(line, f"the row has {len(cells)} columns, the header {len(header)}")
    values: dict[str, object] = {}
    for name, cell in zip(header, cells, strict=False):
        value = cell if name == "id" else cell.strip()
        if name == "sources":
            values[name] = value.replace("|", " ").split()
        elif name == "active" and value:
            # A word that is neither goes on as it is, and is refused by its type.
            values[name] = value.lower() in _TRUE if value.lower() in _TRUE + _FALSE else value
        else:
            values[name] = value or None
    return _row(line, values)


def _json_rows(stream: Readable) -> Iterator[Row | BadRow]:
    head, passed = _opening(stream)
    if not head:
        yield BadRow(1, "the file is empty; it should hold an array of users, or one user a line")
    elif head.startswith(b"["):
        yield from _json_array(stream, head[1:])
    else:
        yield from _json_lines(_Lines(stream, head, passed))


def _opening(stream: Readable) -> tuple[bytes, int]:
    """The first bytes of a JSON file past a byte order mark and white space, and how many lines were passed."""
    head, passed = stream.read(len(_BOM)).removeprefix(_BOM) or stream.read(1), 0
    while head:
        text = head.lstrip()
        passed += head[: len(head) - len(text)].count(b"\n")
        if text:
            return text, passed
        head = stream.read(1)
    return b"", passed


def _json_lines(lines: _Lines) -> Iterator[Row | BadRow]:
    while True:
        line = lines.begin()
        try:
            text = next(lines, "")
            if not text:
                return
            if text.strip():
                yield _json_row(line, _JSON.decode(text), item=False)
        except json.JSONDecodeError as error:
            yield BadRow(line, f"the line is no JSON: {error.msg.lower()} (column {error.colno})")
        except _TooLong as error:
            yield BadRow(line, str(error))
        except RecursionError:
            yield BadRow(line, "the line is nested too deep")


def _json_array(stream: Readable, head: bytes) -> Iterator[Row | BadRow]:
    text = _Window(stream, head)
    number = 0
    try:
        while (sign := text.peek()) != "]":
            number += 1
            if number > 1:
                if sign != ",":
                    yield BadRow(
                        number, "the array breaks off: expected a comma or ]; nothing from here on was read", item=True
                    )
                    return
                text.at += 1
            yield _json_row(number, text.value(), item=True)
        text.at += 1
        if text.peek():
            yield BadRow(number + 1, "something follows the end of the array; it was not read", item=True)
    except _TooLong as error:
        yield BadRow(number, f"{error}; nothing from here on was read", item=True)
    except json.JSONDecodeError as error:
        yield BadRow(number, f"the item is no JSON: {error.msg.lower()}; nothing from here on was read", item=True)
    except RecursionError:
        yield BadRow(number, "the item is nested too deep; nothing from here on was read", item=True)


class _Window:
    """The part of a JSON text that is being read: as much as one value needs, however long the file and its lines are."""

    def __init__(self, stream: Readable, head: bytes) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._ended = False
        self._text = self._decode(head)
        self.at = 0

    def peek(self) -> str:
        """The next character that is no white space, "" at the end; it is not passed."""
        while True:
            rest = self._text[self.at : self.at + 1]
            if rest and not rest.isspace():
                return rest
            if rest:
                self.at += 1
            elif self._ended:
                return ""
            else:
                self._fill()

    def value(self) -> object:
        """The next value, which is passed. Raises JSONDecodeError, _TooLong, RecursionError."""
        self.peek()
        while True:
            problem: json.JSONDecodeError | None = None
            try:
                value, end = _JSON.raw_decode(self._text, self.at)
                if end < len(self._text) or self._ended:
                    self.at = end
                    return value
            except json.JSONDecodeError as error:
                problem = error
            # What is broken so far may be whole with the next bytes.
            if problem and self._ended:
                raise problem
            if len(self._text) - self.at > MAX_ROW_BYTES:
                raise problem or _TooLong(f"the item is longer than {MAX_ROW_BYTES:,} bytes")
            self._fill()

    def _fill(self) -> None:
        chunk = self._stream.read(_CHUNK)
        self._ended = not chunk
        self._text = self._text[self.at :] + self._decode(chunk, not chunk)
        self.at = 0


def _json_row(line: int, value: object, item: bool) -> Row | BadRow:
    if not isinstance(value, dict):
        return BadRow(line, f"{_kind(value)} where a user should be: an object with {' and '.join(REQUIRED)}", item)
    unknown = next((name for name in value if name not in COLUMNS), None)
    if unknown is not None:
        return BadRow(line, f"field {ascii(unknown)[:60]} is unknown; the fields are {', '.join(COLUMNS)}", item)
    return _row(line, value, item)


def _row(line: int, values: Mapping[str, object], item: bool = False) -> Row | BadRow:
    """The row of fields that came as text, list, bool or None."""
    try:
        active = values.get("active")
        if active is not None and not isinstance(active, bool):
            raise InvalidUser(f"active is {ascii(active)[:40]}; use true or false")
        user = User(
            id=_text(values.get("id"), "id"),
            tier=_text(values.get("tier"), "tier"),
            zone=_text(values.get("zone"), "zone") or "UTC",
            sources=_texts(values.get("sources"), "sources"),
            webhook=_text(values.get("webhook"), "webhook"),
            active=True if active is None else active,
        )
        return Row(line, users.validate(user), frozenset(values), item)
    except InvalidUser as error:
        return BadRow(line, str(error), item)


def _text(value: object, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidUser(f"{name} is {_kind(value)}; write it as text in quotes")
    if found := _NOT_TEXT.search(value):
        raise InvalidUser(f"{name} has a NUL byte" if found[0] == "\0" else f"{name} is not UTF-8")
    return value


def _texts(value: object, name: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidUser(f"{name} is {_kind(value)}; write a list of URLs")
    return tuple(_text(one, name) for one in value)


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", float: "a number"}
    return kinds.get(type(value), "nothing")
