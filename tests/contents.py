"""Everything that a server holds, to be compared before and after a reading."""

from __future__ import annotations

from typing import Any, Final

from redis import Redis

HUGE: Final = 8 << 20
"""Bytes of a key of which no more than its type and size is told."""


AT_ONCE: Final = 500
"""Keys that are asked for in one trip."""


def contents(redis: Redis) -> dict[bytes, tuple[Any, int]]:
    """Every key with its content and the instant at which it expires (-1: never).

    DUMP would not do: the order of a large hash in it changes while the server rehashes, which reading moves on.
    """
    keys = list(redis.scan_iter(count=1_000))
    found: dict[bytes, tuple[Any, int]] = {}
    for start in range(0, len(keys), AT_ONCE):
        found |= _of(redis, keys[start : start + AT_ONCE])
    return found


def _of(redis: Redis, keys: list[bytes]) -> dict[bytes, tuple[Any, int]]:
    with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.type(key)
            pipe.memory_usage(key, samples=0)
        replies = pipe.execute()
        kinds = dict(zip(keys, replies[::2], strict=True))
        huge = {key for key, size in zip(keys, replies[1::2], strict=True) if (size or 0) > HUGE}
        for key in keys:
            if key in huge:
                pipe.type(key)
            else:
                _ask(pipe, key, kinds[key])
            pipe.pexpiretime(key)
        replies = pipe.execute()
    return dict(zip(keys, zip(replies[::2], replies[1::2], strict=True), strict=True))


def _ask(pipe: Redis, key: bytes, kind: bytes) -> None:
    match kind:
        case b"hash":
            pipe.hgetall(key)
        case b"set":
            pipe.smembers(key)
        case b"zset":
            pipe.zrange(key, 0, -1, withscores=True)
        case b"list":
            pipe.lrange(key, 0, -1)
        case b"stream":
            pipe.xrange(key)
        case _:
            pipe.get(key)
