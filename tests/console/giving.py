"""Giving commands as the console does: through the writer, watched until their effect is seen."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

from redis import Redis

from console.model.bulk import Control, Report, carry_out
from console.model.commands import Command, Outcome, Seen, TrashSeen, Undo
from console.model.operations import Operation
from console.store.writer import StoreWriter
from jobs import keys
from tests.conftest import Server
from tests.contents import contents


@contextmanager
def writer_of(server: Server) -> Any:
    made = StoreWriter(Redis.from_url(server.url), server.url)
    try:
        yield made
    finally:
        made.close()


def operation(command: Command, name: str = "op1", matched: int = 1) -> Operation:
    return Operation(name, "ann", "desk", 1.0, command.WORD, "", "these", matched, "redis://here")


def do(writer: StoreWriter, command: Command, *seen: Seen, name: str = "op1") -> Report:
    """Carry a command out, to its end."""
    return carry_out(writer, operation(command, name, len(seen)), command, seen, Control(), lambda progress: None)


def only(report: Report) -> Outcome:
    [found] = report.outcomes
    return found


def codes(report: Report) -> list[str]:
    """`done`, or why not, of each."""
    return [one.reason or one.result for one in report.outcomes]


def undo(writer: StoreWriter, ids: Sequence[bytes], name: str = "op1") -> list[str]:
    return codes(do(writer, Undo(name), *(TrashSeen(one) for one in ids), name="undo1"))


def held(redis: Redis) -> dict[bytes, Any]:
    """Everything that a server holds but what the console notes of its operations: the audit and their counts."""
    of_operations = (keys.ACTIVITY.encode(), keys.OPERATION.encode())
    return {key: content for key, content in contents(redis).items() if not key.startswith(of_operations)}
