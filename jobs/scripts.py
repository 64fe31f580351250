"""The Lua scripts of the job layer. Each file in `lua/` says its keys, arguments, result, what it leaves and its cost.

Prefixes of keys are arguments and not KEYS, so the scripts want one server, not a cluster, as RQ itself does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import NoScriptError

Argument = str | bytes | int | float


@dataclass(frozen=True, slots=True)
class Script:
    """One script: its text and the SHA-1 by which the server knows it."""

    text: str
    sha: str

    def run(self, connection: Redis, keys: Sequence[str | bytes], arguments: Sequence[Argument]) -> Any:
        """Run it, in one round trip once the server has it."""
        try:
            return connection.evalsha(self.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return connection.eval(self.text, len(keys), *keys, *arguments)

    def queue(self, pipe: Pipeline, keys: Sequence[str | bytes], arguments: Sequence[Argument]) -> None:
        """Add it to a pipeline, with its text: inside one, nothing can answer that the script is missing."""
        pipe.eval(self.text, len(keys), *keys, *arguments)

    def queue_each(self, pipe: Pipeline, calls: Iterable[tuple[Sequence[str | bytes], Sequence[Argument]]]) -> None:
        """Add many runs of it to a pipeline, with its text once in front of them: the first reply is the server's to that."""
        pipe.execute_command("SCRIPT LOAD", self.text)  # type: ignore[no-untyped-call]
        for keys, arguments in calls:
            pipe.evalsha(self.sha, len(keys), *keys, *arguments)


def _load(*names: str) -> Script:
    text = "\n".join((files("jobs") / "lua" / f"{name}.lua").read_text("utf-8") for name in names)
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


FIRE = _load("place", "fire")
ENQUEUE = _load("place", "enqueue")
REGISTER = _load("register")
ARM = _load("arm")
REMOVE = _load("remove")
REMOVE_USERS = _load("remove_users")
PAUSE = _load("pause")
DROP_ORPHAN = _load("drop_orphan")
MOVE_DUE = _load("move_due")
SETTLE = _load("usage", "in_a_row", "settle")
SWEEP = _load("sweep")
SAMPLE = _load("sample")
ODD_IDS = _load("odd_ids")
SET_ASIDE = _load("set_aside")
PUT_BACK = _load("put_back")
ATTEMPT_START = _load("usage", "attempt_start")
ATTEMPT_END = _load("usage", "in_a_row", "attempt_end")
