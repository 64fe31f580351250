"""What the scrapes of a user saw last, and the changes that are still to be delivered.

A snapshot and the change that it makes are written in one transaction, so that neither is ever without the other.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import WatchError

from jobs import keys
from jobs.errors import UnknownUser

MAX_PENDING_CHANGES: Final = 100
MAX_DELIVERED: Final = 100
DELIVERED_TTL: Final = 30 * 86_400
"""Seconds."""

Text = bytes | str
Stored = Mapping[Text, Text]
"""A hash as redis-py gives it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a source held when it was last read. `since` is when this text was first seen (epoch seconds)."""

    url: str
    title: str
    text_hash: str
    links: tuple[str, ...] = field(repr=False)
    etag: str = ""
    last_modified: str = ""
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """A source whose text was seen to differ, at `seen_at` (epoch seconds). `id` ([a-f0-9]{32}) names this one change."""

    id: str
    source: str
    url: str
    title: str
    text_hash: str
    previous_title: str
    previous_text_hash: str
    seen_at: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a snapshot: whether it is the source's first, the change that it makes, and how many of the oldest
    pending changes had to make room for it."""

    first: bool = False
    change: Change | None = None
    dropped: int = 0


def snapshots(connection: Redis, user_id: str, sources: Sequence[str]) -> dict[str, Snapshot]:
    """The last snapshot of each source that has one. One that cannot be read counts as none."""
    if not sources:
        return {}
    found = zip(sources, connection.hmget(keys.SNAPSHOT + user_id, list(sources)), strict=True)
    return {source: snapshot for source, raw in found if (snapshot := _snapshot(raw)) is not None}


def record(connection: Redis, user_id: str, source: str, seen: Snapshot, *, keep_change: bool) -> Recorded:
    """Store what was seen of a source and, with `keep_change`, the change that it makes, to be delivered.

    Of two that record at once the second sees what the first wrote. At most MAX_PENDING_CHANGES wait, the newest.
    Raises UnknownUser when the user was removed meanwhile, so that nothing outlives a user.
    """
    watched = [prefix + user_id for prefix in (keys.USER, keys.SNAPSHOT, keys.CHANGES)]
    with connection.pipeline() as pipe:
        while True:
            try:
                pipe.watch(*watched)  # type: ignore[no-untyped-call]
                recorded = _queue_record(pipe, user_id, source, seen, keep_change)
                pipe.execute()
                return recorded
            except WatchError:
                continue


def forget(connection: Redis, user_id: str, *, but: Iterable[str]) -> None:
    """Drop the snapshots of every source `but` these."""
    gone = set(connection.hkeys(keys.SNAPSHOT + user_id)) - {source.encode() for source in but}
    if gone:
        connection.hdel(keys.SNAPSHOT + user_id, *gone)


def pending(connection: Redis, user_id: str) -> list[Change]:
    """The changes still to be delivered, oldest first, MAX_PENDING_CHANGES at the most."""
    return _in_order(connection.hgetall(keys.CHANGES + user_id))


def find(connection: Redis, user_id: str, change_id: str) -> Change | None:
    """The change of that id if it is still to be delivered."""
    return _pending_change(connection.hget(keys.CHANGES + user_id, change_id))


def mark_delivered(connection: Redis, user_id: str, change_id: str) -> None:
    """Note that a change was delivered, and stop waiting for that, in one transaction."""
    with connection.pipeline() as pipe:
        pipe.hdel(keys.CHANGES + user_id, change_id)
        pipe.zadd(keys.DELIVERED + user_id, {change_id: time.time()})
        pipe.zremrangebyrank(keys.DELIVERED + user_id, 0, -MAX_DELIVERED - 1)
        pipe.expire(keys.DELIVERED + user_id, DELIVERED_TTL)
        pipe.execute()


def _queue_record(pipe: Pipeline, user_id: str, source: str, seen: Snapshot, keep_change: bool) -> Recorded:
    """Read what there is, through a pipeline that watches it, and queue what `record` writes."""
    if not pipe.exists(keys.USER + user_id):
        raise UnknownUser("the user was removed while the source was read")
    old = _snapshot(pipe.hget(keys.SNAPSHOT + user_id, source))
    now = time.time()
    change = _change(user_id, source, old, seen, now)
    kept = change if keep_change else None
    dropped = _to_drop(pipe.hgetall(keys.CHANGES + user_id)) if kept else []
    since = now if old is None or change else old.since
    pipe.multi()
    pipe.hset(keys.SNAPSHOT + user_id, source, json.dumps(asdict(replace(seen, since=since))))
    if dropped:
        pipe.hdel(keys.CHANGES + user_id, *dropped)
    if kept:
        pipe.hset(keys.CHANGES + user_id, kept.id, json.dumps(asdict(kept)))
    return Recorded(first=old is None, change=change, dropped=len(dropped))


def _change(user_id: str, source: str, old: Snapshot | None, seen: Snapshot, now: float) -> Change | None:
    if old is None or old.text_hash == seen.text_hash:
        return None
    # `since` tells apart the two times that a text goes from A to B when it went back to A in between.
    identity = json.dumps([user_id, source, old.text_hash, old.since, seen.text_hash])
    return Change(
        id=hashlib.sha256(identity.encode()).hexdigest()[:32],
        source=source,
        url=seen.url,
        title=seen.title,
        text_hash=seen.text_hash,
        previous_title=old.title,
        previous_text_hash=old.text_hash,
        seen_at=now,
    )


def _to_drop(raw: Stored) -> list[Text]:
    """The ids to drop so that one more has room: those of what cannot be read, then the oldest."""
    waiting: list[Text] = [change.id.encode() for change in _in_order(raw)]
    order = [change_id for change_id in raw if change_id not in waiting] + waiting
    return order[: max(0, len(order) + 1 - MAX_PENDING_CHANGES)]


def _in_order(raw: Stored) -> list[Change]:
    found = (_pending_change(value) for value in raw.values())
    return sorted((change for change in found if change is not None), key=lambda change: change.seen_at)


def _snapshot(raw: Text | None) -> Snapshot | None:
    try:
        stored: dict[str, Any] = json.loads(raw or b"")
        return Snapshot(**{**stored, "links": tuple(stored["links"])})
    except (ValueError, TypeError, KeyError):
        return None


def _pending_change(raw: Text | None) -> Change | None:
    try:
        return Change(**json.loads(raw or b""))
    except (ValueError, TypeError):
        return None
