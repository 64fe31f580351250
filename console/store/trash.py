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


def select(connection: Redis, query: TrashQuery, stopped: Callable[[], bool]) -> Iterator[Selected]:
    """The ids that an operation took and that are still in the trash, what was taken last first: so what undoing needs to be
    exact. A chunk costs one trip. What `query.only` names and is not there is counted in `in_way`. Raises redis' errors."""
    listed = keys.TRASHED + query.operation
    if query.only is not None:
        yield from _named(connection, listed, query.only)
        return
    of = int(connection.zcard(listed))
    read = 0
    while read < min(of, MAX_SELECTED) and not stopped():
        ids = cast("list[bytes]", connection.zrevrange(listed, read, read + CHUNK - 1))
        read = min(of, read + CHUNK)
        yield Selected(read, of, tuple(TrashSeen(one) for one in ids))
    yield Selected(read, of, (), done=True, more="it was stopped" if stopped() else "")


def _named(connection: Redis, listed: str, ids: tuple[bytes, ...]) -> Iterator[Selected]:
    scores = connection.zmscore(listed, cast("list[str]", list(ids))) if ids else []
    there = sorted(((score, one) for one, score in zip(ids, scores, strict=True) if score is not None), reverse=True)
    gone = len(ids) - len(there)
    yield Selected(
        len(ids), len(ids), tuple(TrashSeen(one) for _, one in there), in_way=Counter({"gone": gone} if gone else {}), done=True
    )
