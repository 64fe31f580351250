"""An installation kept in a file: every key of a server at one instant, and put back into another one.

    python -m tests.console.recording unix:///tmp/tq-demo-…/valkey.sock tests/console/demo.json.gz

records the server of a running `tq-console demo`.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from redis import Redis

DEMO = Path(__file__).with_name("demo.json.gz")


def record(redis: Redis) -> dict[str, Any]:
    """Every key with its type, its content, and when it expires; which workers listen; and when that was."""
    at = time.time()
    keys = [_recorded(redis, key) for key in sorted(redis.scan_iter(count=1_000))]
    return {"at": at, "keys": [key for key in keys if key], "channels": sorted(map(bytes.decode, redis.pubsub_channels()))}


def restore(redis: Redis, recorded: dict[str, Any]) -> None:
    """Put every key back, without an end of its life: the clock of whoever reads it stands still."""
    for key, kind, content in recorded["keys"]:
        _restored(redis, b64decode(key), kind, _bytes(content))


def load(file: Path = DEMO) -> dict[str, Any]:
    """What `record` made."""
    found: dict[str, Any] = json.loads(gzip.decompress(file.read_bytes()))
    return found


def _recorded(redis: Redis, key: bytes) -> tuple[str, str, Any] | None:
    kind = redis.type(key).decode()
    content: Any = {
        "string": lambda: redis.get(key),
        "list": lambda: redis.lrange(key, 0, -1),
        "set": lambda: sorted(redis.smembers(key)),
        "zset": lambda: redis.zrange(key, 0, -1, withscores=True),
        "hash": lambda: sorted(redis.hgetall(key).items()),
        "stream": lambda: [(entry, sorted(fields.items())) for entry, fields in redis.xrange(key)],
        "none": lambda: None,
    }[kind]()
    return None if content is None else (b64encode(key).decode(), kind, _text(content))


def _restored(redis: Redis, key: bytes, kind: str, content: Any) -> None:
    match kind:
        case "string":
            redis.set(key, content)
        case "list":
            redis.rpush(key, *content)
        case "set":
            redis.sadd(key, *content)
        case "zset":
            redis.zadd(key, dict(map(tuple, content)))
        case "hash":
            redis.hset(key, mapping=dict(map(tuple, content)))
        case "stream":
            for entry, fields in content:
                redis.xadd(key, dict(map(tuple, fields)), id=entry)


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return [_text(one) for one in value] if isinstance(value, list | tuple) else value


def _bytes(value: Any) -> Any:
    if isinstance(value, str):
        return b64decode(value)
    return [_bytes(one) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    with Redis.from_url(sys.argv[1]) as source:
        Path(sys.argv[2]).write_bytes(gzip.compress(json.dumps(record(source)).encode(), mtime=0))
