"""One round trip to the server: any number of reading commands, of which each may fail alone.

redis-py's pipeline takes 8 µs a command, most of it for packing and bookkeeping that a read of thousands of commands has no use
for. This packs into one buffer, on one of the client's own connections, and reads each reply as that client would.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from console.model.status import Refused
from console.store.values import text


class Answer:
    """The answer to one question: `value` is None until the trip was made, and when the server refused."""

    __slots__ = ("value", "what")

    def __init__(self, what: str | bytes) -> None:
        self.what = what
        self.value: Any = None

    def count(self) -> int | None:
        """The answer of a command that counts, or None."""
        return self.value if isinstance(self.value, int) else None

    def rows(self) -> list[Any]:
        """The answer of a command that lists, empty when it was refused."""
        return self.value if isinstance(self.value, list) else []


class Answers:
    """The answers to one question about many keys: `values` is empty until the trip was made, then it has one for each key,
    None where the server refused."""

    __slots__ = ("keys", "values")

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = keys
        self.values: list[Any] = []


class Trip:
    """Ask, then go(): then every answer has its value, and `refused` names what the server would not tell."""

    def __init__(self, connection: Redis) -> None:
        self._client = connection
        self._packed: list[bytes] = []
        self._asked: list[tuple[str, Answer | Answers]] = []
        self.refused: list[Refused] = []
        self.first_reply_s: float | None = None
        """Seconds from sending to the first reply, once the trip was made: how far the server is, whatever else was asked."""

    def ask(self, command: str, *arguments: str | bytes | float) -> Answer:
        """Add a command; its first argument, if it has any, is what a refusal names."""
        words, head = _head(command)
        self._packed += (b"*%d\r\n" % (words + len(arguments)), head, *map(_word, arguments))
        answer = Answer(arguments[0] if arguments and isinstance(arguments[0], str | bytes) else command)
        self._asked.append((command, answer))
        return answer

    def ask_each(self, command: str, keys: Sequence[bytes], *arguments: str | bytes | float) -> Answers:
        """Add a command once for each key, with the same arguments after it; a refusal names the key.

        For thousands of keys this takes a third of what as many `ask` do.
        """
        words, head = _head(command)
        head = b"*%d\r\n%b" % (words + 1 + len(arguments), head)
        rest = b"".join(map(_word, arguments))
        self._packed += [b"%b$%d\r\n%b\r\n%b" % (head, len(key), key, rest) for key in keys]
        answers = Answers(keys)
        if keys:
            self._asked.append((command, answers))
        return answers

    def go(self) -> None:
        """Make the trip; none is made when nothing was asked. Raises redis' errors of the connection."""
        if not self._asked:
            return
        pool = self._client.connection_pool
        connection: Any = pool.get_connection()
        try:
            # What redis-py tries again after a lost connection may be tried again here: reading changes nothing.
            connection.retry.call_with_retry(lambda: self._exchange(connection), lambda _: connection.disconnect())
        except BaseException:
            # Replies that were not read would be taken for those of the next trip.
            connection.disconnect()
            raise
        finally:
            pool.release(connection)

    def _exchange(self, connection: Any) -> None:
        start = time.perf_counter()
        connection.send_packed_command([b"".join(self._packed)])
        self.refused, self.first_reply_s = [], None
        callbacks: Any = self._client.response_callbacks
        for command, answer in self._asked:
            callback = callbacks.get(command)
            if isinstance(answer, Answer):
                (answer.value,) = self._replies(connection, (answer.what,), callback)
            else:
                answer.values = self._replies(connection, answer.keys, callback)
            if self.first_reply_s is None:
                self.first_reply_s = time.perf_counter() - start

    def _replies(self, connection: Any, asked: Sequence[str | bytes], callback: Callable[[Any], Any] | None) -> list[Any]:
        """The next replies, one for each of `asked`, None for a refusal."""
        found: list[Any] = []
        read, count = connection.read_response, len(asked)
        while len(found) < count:
            try:
                while len(found) < count:
                    value = read()
                    found.append(value if callback is None else callback(value))
            except ResponseError as error:
                self.refused.append(Refused(text(asked[len(found)]), " ".join(str(error).split())[:200]))
                found.append(None)
        return found


def _word(argument: str | bytes | float) -> bytes:
    """One argument in the protocol of Redis."""
    if not isinstance(argument, bytes):
        argument = (argument if isinstance(argument, str) else repr(argument)).encode()
    return b"$%d\r\n%b\r\n" % (len(argument), argument)


@lru_cache(maxsize=256)
def _head(command: str) -> tuple[int, bytes]:
    """A command's words in the protocol of Redis, and their number: a blank parts it from its subcommand."""
    words = command.encode().split()
    return len(words), b"".join(map(_word, words))
