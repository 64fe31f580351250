"""One round trip to the server: any number of reading commands, of which each may fail alone."""

from __future__ import annotations

from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from console.model.status import Refused
from console.store.values import text


class Answer:
    """The answer to one question: `value` is None until the trip was made, and when the server refused."""

    __slots__ = ("value", "what")

    def __init__(self, what: str) -> None:
        self.what = what
        self.value: Any = None

    def count(self) -> int | None:
        """The answer of a command that counts, or None."""
        return self.value if isinstance(self.value, int) else None

    def rows(self) -> list[Any]:
        """The answer of a command that lists, empty when it was refused."""
        return self.value if isinstance(self.value, list) else []


class Trip:
    """Ask, then go(): then every answer has its value, and `refused` names what the server would not tell."""

    def __init__(self, connection: Redis) -> None:
        self._pipe = connection.pipeline(transaction=False)
        self._answers: list[Answer] = []
        self.refused: list[Refused] = []

    def ask(self, command: str, *arguments: str | bytes | float) -> Answer:
        """Add a command; its first argument, if it has any, is what a refusal names."""
        self._pipe.execute_command(command, *arguments)  # type: ignore[no-untyped-call]
        answer = Answer(text(arguments[0]) if arguments and isinstance(arguments[0], str | bytes) else command)
        self._answers.append(answer)
        return answer

    def go(self) -> None:
        """Make the trip; none is made when nothing was asked. Raises redis' errors of the connection."""
        for answer, value in zip(self._answers, self._pipe.execute(raise_on_error=False), strict=True):
            if isinstance(value, ResponseError):
                self.refused.append(Refused(answer.what, " ".join(str(value).split())[:200]))
            else:
                answer.value = value
