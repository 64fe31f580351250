"""Writing where memory is full (maxmemory is reached, and nothing may be evicted): whoever frees some has to get on then.

A server before Redis 7 knows no such thing, and refuses as it refuses everybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from redis import Redis
from redis.exceptions import OutOfMemoryError, ResponseError

from console.store import scripts
from jobs.scripts import Argument, Script

ALLOWED: Final = "#!lua flags=allow-oom\n"


def run(connection: Redis, script: Script, keys: Sequence[str | bytes], arguments: Sequence[Argument]) -> Any:
    """Run a script that does and says nothing before its first write: that is the one that a server refuses where memory is
    full. Raises redis' errors."""
    try:
        return script.run(connection, keys, arguments)
    except OutOfMemoryError as full:
        return _run_anyway(connection, _allowed(script), keys, arguments, full)


def step(connection: Redis, keys: Sequence[str], *commands: Sequence[Argument]) -> list[Any]:
    """Carry out these commands on `keys` in one step, and return their answers. Raises redis' errors."""
    try:
        with connection.pipeline() as pipe:
            for command in commands:
                pipe.execute_command(*command)  # type: ignore[no-untyped-call]
            return pipe.execute()
    except OutOfMemoryError as full:
        words = [word for command in commands for word in (len(command), *command)]
        found: list[Any] = _run_anyway(connection, scripts.load("although_full"), keys, words, full)
        return found


@lru_cache(maxsize=16)
def _allowed(script: Script) -> Script:
    text = ALLOWED + script.text
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def _run_anyway(
    connection: Redis, script: Script, keys: Sequence[str | bytes], arguments: Sequence[Argument], full: OutOfMemoryError
) -> Any:
    try:
        return script.run(connection, keys, arguments)
    except ResponseError as error:
        # To a server before Redis 7 the first line is no Lua.
        if "compiling script" in str(error):
            raise full from None
        raise
