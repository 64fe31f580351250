"""What a user of the console must be allowed on the server, and a user who is allowed just that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from redis import Redis

RIGHTS: Final = ("%R~*", "+@read", "+info", "+ping", "+pubsub|numsub")
"""To look at everything; also +select where the URL names a database other than 0."""

_PASSWORD: Final = "hunter2"


@contextmanager
def reading_user(redis: Redis, url: str, rights: tuple[str, ...] = RIGHTS) -> Iterator[str]:
    """The URL of a user who has these rights on the server at `url`, a unix socket, and no other."""
    redis.execute_command("ACL", "SETUSER", "reader", "reset", "on", f">{_PASSWORD}", *rights)
    try:
        yield url.replace("unix://", f"unix://reader:{_PASSWORD}@")
    finally:
        redis.execute_command("ACL", "DELUSER", "reader")


@contextmanager
def limited(redis: Redis, url: str, *patterns: str) -> Iterator[Redis]:
    """A connection of a user who may do all to what the console keeps, and read all of RQ's keys, but write only those of them
    that match one of these patterns."""
    rights = ("+@all", "~tq:*", "%R~rq:*", *(f"~{pattern}" for pattern in patterns))
    with reading_user(redis, url, rights) as theirs:
        connection = Redis.from_url(theirs)
        try:
            yield connection
        finally:
            connection.close()
