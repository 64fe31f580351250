"""The audit (keys.ACTIVITY): what an operator asks for is noted before anything of it is done, and what came of it afterwards.

Whoever reads it trusts nothing in it (store/activity.py); but no secret is written there, and no text without an end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from redis import Redis

from console.model.commands import Command, JobCommand, Outcome, Undo
from console.model.operations import Counts, Ended, Operation, resolved
from console.model.secrets import Secrets, masked_text
from console.store.acts import although_full
from console.store.operation_counts import counted
from jobs import keys
from jobs.scripts import Argument

ENTRIES: Final = 10_000
"""Entries that the stream has, about: those of the last 5,000 operations."""

KEPT_S: Final = 7 * 86_400
"""Seconds for which the counts of an operation are kept."""

MAX_TEXT: Final = 500
"""Characters of one text; what is longer ends with an ellipsis."""


def begin(connection: Redis, operation: Operation, secrets: Secrets) -> None:
    """Note what is about to be done, in one step, also where memory is full. Raises redis' errors: then nothing may be done."""
    told = {
        "operation": operation.id,
        "who": operation.who,
        "host": operation.host,
        "command": operation.command,
        "options": operation.options,
        "scope": operation.scope,
        "target": operation.target,
        "why": operation.why,
    }
    counts = keys.OPERATION + operation.id
    although_full.step(
        connection,
        (counts, keys.ACTIVITY),
        # So the counts that follow go into a hash that ends.
        ("HSET", counts, "begun", f"{operation.at:.3f}"),
        ("EXPIRE", counts, KEPT_S),
        _added({"event": b"begun", **_written(told, secrets), "matched": b"%d" % operation.matched}),
    )


def end(connection: Redis, operation: Operation, ended: Ended, secrets: Secrets) -> float | None:
    """Note what came of it, and return until when it can be undone (epoch seconds), None where it cannot. Raises redis' errors.

    Only what has gone into the trash can be undone, whatever else the command has done.
    """
    until = connection.zscore(keys.TRASH, operation.id)
    told: dict[str, bytes] = {"event": b"ended", **_written({"operation": operation.id, "how": ended.how}, secrets)}
    told |= {"done": b"%d" % ended.counts.done, "sent": b"%d" % ended.counts.sent}
    told |= {f"skipped:{reason}": b"%d" % count for reason, count in ended.counts.skipped.items()}
    told |= {f"failed:{reason}": b"%d" % count for reason, count in ended.counts.failed.items()}
    if isinstance(until, float):
        told["undo_until"] = f"{until:.3f}".encode()
    if ended.said:
        told |= _written({"said": ended.said}, secrets)
    although_full.step(connection, (keys.ACTIVITY,), _added(told))
    return until if isinstance(until, float) else None


def settle(connection: Redis, operation: Operation, command: Command, ended: Ended, secrets: Secrets) -> Ended:
    """Note the end of an operation whose server went away in the middle, with what the server has counted of it. Raises redis'
    errors.

    What a script does it counts in the same step, and it does nothing of an operation that is over: what is not counted by then
    was not done, and will not be. What else came of others stays unknown.
    """
    if "unknown" in ended.counts.failed:
        whole = isinstance(command, JobCommand | Undo)
        ended = replace(ended, counts=resolved(ended.counts, _over(connection, operation.id), whole=whole))
    return replace(ended, undo_until=end(connection, operation, ended, secrets))


def _over(connection: Redis, operation: str) -> Counts:
    """Let no script do anything of the operation any more, and return what was counted of it."""
    counts = keys.OPERATION + operation
    over = ("HSET", counts, "over", 1)
    _, _, kept = although_full.step(connection, (counts,), over, ("EXPIRE", counts, KEPT_S), ("HGETALL", counts))
    # A script answers with names and values in a row.
    return counted(kept if isinstance(kept, dict) else dict(zip(kept[::2], kept[1::2], strict=True)))


def count(connection: Redis, operation: str, outcomes: Iterable[Outcome]) -> None:
    """Count what came of a batch that no script has counted, also where memory is full. Raises redis' errors."""
    found = Counter(one.reason or one.result for one in outcomes)
    if not found:
        return
    counts = keys.OPERATION + operation
    counted = [("HINCRBY", counts, code, number) for code, number in found.items()]
    *_, left = although_full.step(connection, (counts,), *counted, ("TTL", counts))
    # One that was paused for longer than its counts are kept begins them anew.
    if left < 0:
        connection.expire(counts, KEPT_S)


def _added(told: dict[str, bytes]) -> tuple[Argument, ...]:
    """The command that adds an entry to the stream."""
    return "XADD", keys.ACTIVITY, "MAXLEN", "~", ENTRIES, "*", *(part for pair in told.items() for part in pair)


def _written(texts: dict[str, str], secrets: Secrets) -> dict[str, bytes]:
    return {name: _bounded(masked_text(text, secrets)).encode("utf-8", "replace") for name, text in texts.items()}


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
