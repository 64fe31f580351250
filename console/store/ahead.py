"""Commands that are sent before the replies to those before them are read, on one of the client's own connections.

The server works on the next stretch of a long reading while this one is being made sense of. Replies are not decoded, and
errors come among them: for a hundred thousand replies nothing else is quick enough (store/trip.py is, for a page).
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final

import hiredis
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

READ: Final = 1 << 16
"""Bytes that are taken from the connection at once."""


class Ahead:
    """`send` commands, then ask for as many `replies`; both raise redis' errors of the connection."""

    def __init__(self, client: Redis) -> None:
        self._pool = client.connection_pool

    def __enter__(self) -> Ahead:
        self._connection: Any = self._pool.get_connection()
        self._reader = hiredis.Reader()
        self._waiting = 0
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._waiting or kind is not None:
            # Replies that were not read would be taken for those of the next command.
            self._connection.disconnect()
        self._pool.release(self._connection)

    def send(self, commands: bytes, count: int) -> None:
        """Send `count` commands in the protocol of Redis, each of which gets one reply."""
        self._waiting += count
        self._connection.send_packed_command([commands], check_health=False)

    def replies(self, count: int) -> list[Any]:
        """The next replies, in the order of their commands; in place of a refused one hiredis.ReplyError."""
        found: list[Any] = []
        gets, add, pushed = self._reader.gets, found.append, hiredis.PushNotification
        while len(found) < count:
            value = gets(False)
            if value is False:
                self._receive()
            elif type(value) is not pushed:
                add(value)
        self._waiting -= count
        return found

    def _receive(self) -> None:
        try:
            received = self._connection._sock.recv(READ)
        except TimeoutError as error:
            raise RedisTimeoutError("it did not answer in time") from error
        except OSError as error:
            raise RedisConnectionError(str(error)) from error
        if not received:
            raise RedisConnectionError("it closed the connection")
        self._reader.feed(received)


def packed(command: Sequence[str | bytes]) -> bytes:
    """A command in the protocol of Redis."""
    words = [word if isinstance(word, bytes) else word.encode() for word in command]
    return b"".join((b"*%d\r\n" % len(words), *(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)))


def packed_each(command: str, prefix: bytes, keys: Sequence[bytes], *arguments: str | bytes) -> bytes:
    """The same command once for each key, which is `prefix` and one of `keys`, and follows the command's name; a blank in that
    parts it from its subcommand."""
    if not keys:
        return b""
    names = command.split()
    head = b"*%d\r\n" % (len(names) + 1 + len(arguments)) + packed(names).partition(b"\r\n")[2]
    rest = b"\r\n" + packed(arguments).partition(b"\r\n")[2]
    lengths = set(map(len, keys))
    if len(lengths) == 1:
        # As nearly always, since ids are UUIDs.
        begin = b"%b$%d\r\n%b" % (head, len(prefix) + lengths.pop(), prefix)
        return begin + (rest + begin).join(keys) + rest
    return b"".join([b"%b$%d\r\n%b%b%b" % (head, len(prefix) + len(key), prefix, key, rest) for key in keys])
