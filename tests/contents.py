"""Everything that a server holds, to be compared before and after a reading."""

from __future__ import annotations

from typing import Any, Final

from redis import Redis

HUGE: Final = 8 << 20
"""Bytes of a key of which no more than its type and size is told."""


def contents(redis: Redis) -> dict[bytes, tuple[Any, int]]:
    """Every key with its content and the instant at which it expires (-1: never).

    DUMP would not do: the order of a large hash in it changes while the server rehashes, which reading moves on.
    """
    return {key: (_content(redis, key), redis.pexpiretime(key)) for key in redis.scan_iter(count=1_000)}


def _content(redis: Redis, key: bytes) -> Any:
    kind = redis.type(key)
    if (redis.memory_usage(key, samples=0) or 0) > HUGE:
        return kind
    match kind:
        case b"hash":
            return redis.hgetall(key)
        case b"set":
            return redis.smembers(key)
        case b"zset":
            return redis.zrange(key, 0, -1, withscores=True)
        case b"list":
            return redis.lrange(key, 0, -1)
        case b"stream":
            return redis.xrange(key)
        case _:
            return redis.get(key)
