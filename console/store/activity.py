"""The audit as it is read: operations with how they began and ended, and what they count while they are under way.

Anybody who may write to the server may write into it. What is no entry of ours is told as what it is; texts are bounded, and
without secrets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from redis import Redis

from console.model.activity import ActivityPage, OperationPage, OperationRow, undone
from console.model.masking import MASK
from console.model.operations import Counts
from console.model.queries import ActivityQuery, OperationQuery
from console.model.secrets import Secrets, masked_text
from console.model.status import Refused
from console.model.text import visible
from console.store import bounded, happened
from console.store.affordable import Size
from console.store.operation_counts import counted
from console.store.seen import Seen
from console.store.steps import Line, Reading, Steps, alone, beside, together
from console.store.trip import Answer
from console.store.values import natural, number, text, whole
from jobs import keys

MAX_OPERATIONS: Final = 5_000
"""Operations that one read tells."""

SLACK: Final = 40
"""Entries that are read beside two for each operation: beginnings without an end."""

MAX_BYTES: Final = 16 << 20
"""What the entries of one read may take."""

NEAR: Final = 1_000
"""Entries after an operation's beginning among which its end is looked for first."""

NEAR_BEFORE: Final = 40
NEAR_AFTER: Final = 20
"""Entries that are read around an instant."""

OF_USER: Final = 400
"""The newest entries, among which those are looked for that are about a user."""

MAX_LIVE: Final = 50
"""Operations without an end of which the counts are read, the newest."""

MAX_KNOWN: Final = 500
"""Bytes of a text that is remembered without its secrets."""

MAX_ID: Final = 64
MAX_REASONS: Final = 40
MAX_FOREIGN: Final = 300
"""Bytes of an operation's id, reasons of one, and characters that are told of an entry that is none of ours."""

_ENTRY: Final = re.compile(rb"\d{1,20}-\d{1,20}")


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of the audit: the newest first. `more`: there are older ones."""

    rows: Sequence[OperationRow] = ()
    more: bool = False
    refused: tuple[Refused, ...] = ()


def read(connection: Redis, query: ActivityQuery, now: float, seen: Seen, secrets: Secrets) -> ActivityPage:
    """The operations of `query`, and what happened on its own, at `now` (epoch seconds), in four round trips at the most.

    Writes nothing. What cannot be read is named. Raises redis' ConnectionError and TimeoutError.
    """
    line = Line(connection)
    start = max(0, query.start)
    end = min(start + max(0, query.size), MAX_OPERATIONS)
    operations = Reading(_operations(line, start, end, now, secrets))
    own = Reading(happened.read(line, now, seen, secrets))
    together(line, operations, own)
    total, found = operations.result
    return ActivityPage(now, start, total, tuple(found.rows), own.result, found.more, (*found.refused, *line.refused))


def read_one(connection: Redis, query: OperationQuery, now: float, secrets: Secrets) -> OperationPage:
    """The operation of `query` at `now` (epoch seconds), in four round trips at the most; one more where many others were begun
    before it ended. Raises as `read`."""
    line = Line(connection)
    found = alone(line, _operation(line, query.key, now, secrets))
    return OperationPage(now, next(iter(found.rows), None), (*found.refused, *line.refused))


def near(line: Line, at: float, now: float, secrets: Secrets) -> Steps[list[OperationRow]]:
    """The operations that were begun or ended last before the instant `at`, and first after it, the newest first, in two trips:
    those of NEAR_BEFORE and NEAR_AFTER entries."""
    stream = Size(line, "XLEN", keys.ACTIVITY.encode())
    yield
    if not stream.count:
        return []
    if not stream.affords(NEAR_BEFORE + NEAR_AFTER, MAX_BYTES):
        line.refuse(stream.refused())
        return []
    instant = int(max(0.0, at) * 1_000)
    before = line.ask("XREVRANGE", stream.key, instant, "-", "COUNT", NEAR_BEFORE)
    after = line.ask("XRANGE", stream.key, instant + 1, "+", "COUNT", NEAR_AFTER) if at < now else None
    yield
    entries = [*before.rows()[::-1], *(after.rows() if after is not None else ())]
    return _joined(entries, secrets, complete=True)


def of_user(line: Line, user: str, most: int, secrets: Secrets) -> Steps[list[OperationRow]]:
    """Of the newest OF_USER entries the operations on that user alone, `most` at the most, the newest first, in two trips."""
    stream = Size(line, "XLEN", keys.ACTIVITY.encode())
    yield
    if not stream.count or not stream.affords(OF_USER, MAX_BYTES):
        return []
    asked = line.ask("XREVRANGE", stream.key, "+", "-", "COUNT", OF_USER)
    yield
    name = f"(?:{re.escape(user)}|{re.escape(visible(user))})"
    named = re.compile(rf"(?:.* of|.* for|user) {name}(?: with \d.*)?", re.DOTALL)
    found = _joined(asked.rows()[::-1], secrets, complete=False)
    return [row for row in found if named.fullmatch(row.scope)][:most]


def _operations(line: Line, start: int, end: int, now: float, secrets: Secrets) -> Steps[tuple[int, _Read]]:
    """How many were read, and those from the rank `start` to before `end`."""
    stream = Size(line, "XLEN", keys.ACTIVITY.encode())
    yield
    wanted = 2 * end + SLACK
    if not stream.count or end <= start:
        return 0, _Read(more=stream.count > 0)
    if not stream.affords(wanted, MAX_BYTES):
        return 0, _Read(refused=(stream.refused(),))
    asked = line.ask("XREVRANGE", stream.key, "+", "-", "COUNT", wanted)
    yield
    more = len(asked.rows()) >= wanted
    found = _joined(asked.rows()[::-1], secrets, complete=not more)
    rows = yield from _lasting(line, found[start:end], now)
    return len(found), _Read(rows, more or len(found) > end)


def _operation(line: Line, key: bytes, now: float, secrets: Secrets) -> Steps[_Read]:
    """The one whose first entry is `key`."""
    stream = Size(line, "XLEN", keys.ACTIVITY.encode())
    yield
    if not stream.count or not _ENTRY.fullmatch(key):
        return _Read()
    row = None
    # Its end follows its beginning, mostly soon.
    for count in (NEAR, 2 * MAX_OPERATIONS + SLACK):
        if not stream.affords(count, MAX_BYTES):
            return _Read(refused=(stream.refused(),))
        asked = line.ask("XRANGE", stream.key, key, "+", "COUNT", count)
        yield
        row = next((one for one in _joined(asked.rows(), secrets, complete=True) if one.key == key), None)
        if row is None or row.how or row.foreign or len(asked.rows()) < count:
            break
    return _Read((yield from _lasting(line, [row] if row is not None else [], now)))


def _joined(entries: Sequence[Any], secrets: Secrets, complete: bool) -> list[OperationRow]:
    """Beginnings and ends, the oldest first, as operations, the newest first. Where the audit was not read to its `complete`
    length, ends whose beginnings were not read are left out."""
    found: list[OperationRow] = []
    begun: dict[bytes, int] = {}
    for key, fields in entries:
        if not isinstance(fields, Mapping):
            continue
        name, event = fields.get(b"operation", b""), fields.get(b"event")
        if not name or event not in (b"begun", b"ended"):
            found.append(_foreign(key, fields, secrets))
        elif event == b"begun":
            begun[name] = len(found)
            found.append(_begun(key, fields, secrets))
        elif name in begun:
            at = begun.pop(name)
            found[at] = _ended(found[at], key, fields, secrets)
        elif complete:
            found.append(_ended(OperationRow(key, _told(name, secrets)), key, fields, secrets))
    return undone(found)[::-1]


def _begun(key: bytes, fields: Mapping[bytes, bytes], secrets: Secrets) -> OperationRow:
    def said(name: bytes) -> str:
        return _told(fields.get(name, b""), secrets)

    return OperationRow(
        key=key,
        id=said(b"operation"),
        at=_instant(key),
        who=said(b"who"),
        host=said(b"host"),
        command=said(b"command"),
        options=said(b"options"),
        scope=said(b"scope"),
        target=said(b"target"),
        why=said(b"why"),
        matched=natural(fields.get(b"matched")),
    )


def _ended(row: OperationRow, key: bytes, fields: Mapping[bytes, bytes], secrets: Secrets) -> OperationRow:
    return replace(
        row,
        ended_at=_instant(key),
        how=_told(fields.get(b"how", b""), secrets) or "?",
        counts=Counts(
            natural(fields.get(b"done")) or 0,
            natural(fields.get(b"sent")) or 0,
            _by_reason(fields, b"skipped:", secrets),
            _by_reason(fields, b"failed:", secrets),
        ),
        said=_told(fields.get(b"said", b""), secrets),
    )


def _foreign(key: bytes, fields: Mapping[bytes, bytes], secrets: Secrets) -> OperationRow:
    pairs = [(text(name), text(value)) for name, value in list(fields.items())[:MAX_REASONS]]
    shown = [(name, MASK if secrets.named.search(name) else value) for name, value in pairs]
    said = masked_text(" ".join(f"{name}={value}" for name, value in shown), secrets)
    return OperationRow(key, "", _instant(key), said=said[:MAX_FOREIGN] + "…" * (len(said) > MAX_FOREIGN), foreign=True)


def _lasting(line: Line, rows: Sequence[OperationRow], now: float) -> Steps[list[OperationRow]]:
    """The same with what lasts beside the audit, in two trips: counts of those without an end, and what is in the trash."""
    named = {row.key: row.id.encode() for row in rows if row.id and len(row.id) <= MAX_ID}
    live = [row.key for row in rows if row.key in named and not row.how][:MAX_LIVE]
    kept = line.ask("ZMSCORE", keys.TRASH, *named.values()) if named else None
    counting = Reading(bounded.hashes(line, [keys.OPERATION.encode() + named[key] for key in live]))
    trash = Reading(_in_trash(line, named, kept, now))
    yield from beside(counting, trash)
    counts = {key: counted(fields) for key, fields in zip(live, counting.result, strict=True) if fields}
    found = list(rows)
    for at, row in enumerate(rows):
        if row.key in counts or row.key in trash.result:
            until, number_of = trash.result.get(row.key, (None, None))
            found[at] = replace(row, counts=counts.get(row.key, row.counts), undo_until=until, in_trash=number_of)
    return found


def _in_trash(
    line: Line, named: Mapping[bytes, bytes], kept: Answer | None, now: float
) -> Steps[dict[bytes, tuple[float | None, int | None]]]:
    """Until when each can be undone, and how many things that would put back, of those that can be."""
    if kept is None:
        return {}
    yield
    until = {key: number(score) for key, score in zip(named, kept.rows(), strict=False) if score is not None}
    lasting = {key: at for key, at in until.items() if at is not None and at > now}
    counts = line.trip.ask_each("ZCARD", [keys.TRASHED.encode() + named[key] for key in lasting])
    if lasting:
        yield
    return {key: (at, count) for (key, at), count in zip(lasting.items(), counts.values, strict=False)}


def _by_reason(fields: Mapping[bytes, bytes], prefix: bytes, secrets: Secrets) -> dict[str, int]:
    named = [(name.removeprefix(prefix), value) for name, value in fields.items() if name.startswith(prefix)]
    counts = {_told(name[:MAX_ID], secrets): natural(value) for name, value in named[:MAX_REASONS]}
    return {name: count for name, count in counts.items() if count}


def _told(raw: bytes, secrets: Secrets) -> str:
    return _masked(raw, secrets) if len(raw) <= MAX_KNOWN else masked_text(text(raw), secrets)


@lru_cache(maxsize=4_096)
def _masked(raw: bytes, secrets: Secrets) -> str:
    # Each refresh reads the same texts, and many operations have the same operator, machine and server.
    return masked_text(text(raw), secrets)


def _instant(entry: bytes) -> float | None:
    milliseconds = whole(entry.partition(b"-")[0])
    return None if milliseconds is None else milliseconds / 1_000
