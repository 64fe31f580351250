"""What operations took into the trash (keys.TRASHED)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, cast

from redis import Redis

from console.model.commands import TrashSeen
from console.model.queries import TrashQuery
from console.model.selection import MAX_SELECTED, Selected
from jobs import keys

CHUNK: Final = 1_000

_PLAIN: Final = b"\xa5plain"
"""How the notes on a plain job begin."""


def select(connection: Redis, query: TrashQuery, stopped: Callable[[], bool], *, details: bool = False) -> Iterator[Selected]:
    """The ids that an operation took and that are still in the trash, what was taken last first: so what undoing needs to be
    exact. A chunk costs one trip; with `details` three, and those in whose place there is another one by now are counted in
    `in_way`, as what `query.only` names and is not there is. Raises redis' errors."""
    listed = keys.TRASHED + query.operation
    if query.only is not None:
        yield from _named(connection, listed, query.only)
        return
    of = int(connection.zcard(listed))
    read = 0
    while read < min(of, MAX_SELECTED) and not stopped():
        ids = cast("list[bytes]", connection.zrevrange(listed, read, read + CHUNK - 1))
        read = min(of, read + CHUNK)
        taken = _replaced(connection, query.operation, ids) if details and ids else set()
        seen = tuple(TrashSeen(one) for one in ids if one not in taken)
        yield Selected(read, of, seen, in_way=Counter({"exists": len(taken)} if taken else {}))
    yield Selected(read, of, (), done=True, more="it was stopped" if stopped() else "")


def _replaced(connection: Redis, operation: str, ids: list[bytes]) -> set[bytes]:
    """Those of which undo.lua would find that a job or a schedule of that id is there again."""
    notes = cast("list[bytes | None]", connection.hmget(keys.TRASHED_PLACE + operation, cast("list[str]", ids)))
    asked = [
        (one, key)
        for one, noted in zip(ids, notes, strict=True)
        for key in (keys.RQ_JOB.encode() + one, keys.SCHEDULE.encode() + one)
        if noted is not None and _takes_back(noted, key, one)
    ]
    with connection.pipeline(transaction=False) as pipe:
        for _, key in asked:
            pipe.exists(key)
        return {one for (one, _), there in zip(asked, pipe.execute(), strict=True) if there}


def _takes_back(noted: bytes, key: bytes, taken: bytes) -> bool:
    """Whether the notes of the trash (lua/trash.lua, as MessagePack) on what was taken name this key as one that comes back."""
    if noted.startswith(_PLAIN):
        return key == keys.RQ_JOB.encode() + taken
    size = len(key)
    if size < 1 << 8:
        head = bytes([0xA0 | size]) if size < 32 else bytes([0xD9, size])
    else:
        head = b"\xda" + size.to_bytes(2, "big") if size < 1 << 16 else b"\xdb" + size.to_bytes(4, "big")
    return b"\xa4main" + head + key in noted


def _named(connection: Redis, listed: str, ids: tuple[bytes, ...]) -> Iterator[Selected]:
    scores = connection.zmscore(listed, cast("list[str]", list(ids))) if ids else []
    there = sorted(((score, one) for one, score in zip(ids, scores, strict=True) if score is not None), reverse=True)
    gone = len(ids) - len(there)
    yield Selected(
        len(ids), len(ids), tuple(TrashSeen(one) for _, one in there), in_way=Counter({"gone": gone} if gone else {}), done=True
    )
