"""Jobs as the commands list them: the columns that suit their state, and the fields that programs may rely on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from console.commands import output
from console.commands.table import Cell, Column, table
from console.model import words
from console.model.pages import JobRow
from console.model.queries import JobState

Drawn = Callable[[JobRow, float], Cell]


def show(rows: Sequence[JobRow], state: JobState, now: float, *, with_queue: bool) -> None:
    """Print a line for each job of a list of that state."""
    columns = (*_OF_STATE[state], _QUEUE) if with_queue else _OF_STATE[state]
    table([column for column, _ in columns], [[drawn(row, now) for _, drawn in columns] for row in rows])


def fields(row: JobRow) -> dict[str, Any]:
    """A job for programs: the fields that COMMANDS.md promises, and more."""
    return {
        "id": row.id,
        "queue": row.queue,
        "state": row.state,
        "call": row.call,
        "user": row.user,
        "tier": row.tier,
        "task": row.task,
        "created_at": output.utc(row.created_at),
        "enqueued_at": output.utc(row.enqueued_at),
        "started_at": output.utc(row.started_at),
        "ended_at": output.utc(row.ended_at),
        "at": output.utc(row.at),
        "worker": row.worker,
        "error": row.error,
        "retries_left": row.retries_left,
        "missing": row.missing,
    }


def _call(row: JobRow, now: float) -> Cell:
    if row.missing:
        return "(it is listed, and its hash is gone)"
    return row.call, words.call(row.call)


def _since(field: str) -> Drawn:
    def drawn(row: JobRow, now: float) -> Cell:
        return words.relative(getattr(row, field), now)

    return drawn


def _ran(row: JobRow, now: float) -> Cell:
    if row.started_at is None or row.ended_at is None or row.ended_at < row.started_at:
        return words.DASH
    return words.age(row.ended_at - row.started_at)


_ID = (Column("ID"), lambda row, now: row.id)
_CALL = (Column("CALL", "flow"), _call)
_USER = (Column("USER", "clip", spare=True), lambda row, now: row.user or "")
_QUEUE = (Column("QUEUE", "clip", spare=True), lambda row, now: row.queue)
_WORKER = (Column("WORKER", "clip", spare=True), lambda row, now: row.worker or "")
_ERROR = (Column("ERROR", "flow", lines=3), lambda row, now: row.error or "")
_STATE = (Column("STATE", spare=True), lambda row, now: row.state)
_ENQUEUED = (Column("ENQUEUED"), _since("enqueued_at"))
_STARTED = (Column("STARTED"), _since("started_at"))
_ENDED = (Column("ENDED"), _since("ended_at"))
_DUE = (Column("DUE"), _since("at"))
_SINCE = (Column("SINCE"), _since("at"))
_RAN = (Column("RAN", right=True), _ran)

_OF_STATE: Final[dict[JobState, tuple[tuple[Column, Drawn], ...]]] = {
    "queued": (_ID, _CALL, _ENQUEUED, _USER),
    "running": (_ID, _CALL, _STARTED, _USER, _WORKER),
    "retrying": (_ID, _CALL, _DUE, _USER),
    "scheduled": (_ID, _CALL, _STATE, _DUE, _USER),
    "deferred": (_ID, _CALL, _SINCE, _USER),
    "finished": (_ID, _CALL, _ENDED, _RAN, _USER),
    "failed": (_ID, _CALL, _STATE, _ENDED, _ERROR, _USER),
    "canceled": (_ID, _CALL, _SINCE, _USER),
    "stopped": (_ID, _CALL, _ENDED, _USER),
    "rate limited": (_ID, _CALL, _SINCE, _USER),
    "ready": (_ID, _CALL, _SINCE, _USER),
}
