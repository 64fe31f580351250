"""The columns of jobs, for each state those that tell something in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.model import words
from console.model.pages import JobRow
from console.widgets.columns import Column
from console.widgets.pieces import Cell

GONE = ("its data has expired; only its id is left here", "dim")


def state(row: JobRow, now: float) -> Cell:
    """The state as a glyph and a word."""
    return (f"{words.GLYPHS.get(row.state, '?')} {row.state}", words.TONES.get(row.state, ""))


def call(row: JobRow, now: float) -> Cell:
    """What the job calls, as its enqueuer described it."""
    if row.missing:
        return GONE
    return words.call(row.call) if row.call else ("no description", "dim")


def error(row: JobRow, now: float) -> Cell:
    """The last line of the traceback."""
    return (words.error(row.error), "bad") if row.error else ("—", "dim")


def _text(field: str) -> Callable[[JobRow, float], Cell]:
    def cell(row: JobRow, now: float) -> Cell:
        return str(getattr(row, field) or "") or ("—", "dim")

    return cell


def _since(field: str) -> Callable[[JobRow, float], Cell]:
    def cell(row: JobRow, now: float) -> Cell:
        at: float | None = getattr(row, field)
        return (words.relative(at, now), "dim") if at is not None else ("—", "dim")

    return cell


def _waited(row: JobRow, now: float) -> Cell:
    began = row.enqueued_at or row.created_at
    return words.age(None if began is None else max(0.0, now - began))


def _ran(row: JobRow, now: float) -> Cell:
    ended = now if row.state == "running" else row.ended_at
    if row.started_at is None or ended is None:
        return ("—", "dim")
    return words.age(max(0.0, ended - row.started_at))


def _running(row: JobRow, now: float) -> Cell:
    return words.age(None if row.started_at is None else max(0.0, now - row.started_at))


def _expires(row: JobRow, now: float) -> Cell:
    if row.at is None or row.at < 0:
        return ("kept", "dim")
    return (words.relative(row.at, now), "dim")


def _due(row: JobRow, now: float) -> Cell:
    # What a search has found may have gone on since; then its score is that of another registry.
    if row.at is None or row.state not in ("scheduled", "retrying"):
        return ("—", "dim")
    if row.at >= now + 1:
        return f"in {words.age(int(row.at - now))}"
    return (words.relative(row.at, now), "warn" if row.at < now - 60 else "")


def _left(row: JobRow, now: float) -> Cell:
    return "" if row.retries_left is None else f"{row.retries_left}"


CALL: Column[JobRow] = Column("CALL", 22, call, grow=8, most=90)
USER: Column[JobRow] = Column("USER", 10, _text("user"), grow=1, most=30, drop=4)
QUEUE: Column[JobRow] = Column("QUEUE", 9, _text("queue"), grow=1, most=24, drop=5)
TIER: Column[JobRow] = Column("TIER", 8, _text("tier"), drop=7)
ID: Column[JobRow] = Column("ID", 12, _text("id"), grow=1, most=40, drop=9)
STATE: Column[JobRow] = Column("STATE", 14, state)
WORKER: Column[JobRow] = Column("WORKER", 10, _text("worker"), grow=1, most=34, drop=6)
ERROR: Column[JobRow] = Column("ERROR", 38, error, grow=8, most=110, middle=True)

_ENQUEUED: Column[JobRow] = Column("ENQUEUED", 12, _since("enqueued_at"), drop=8)
_CREATED: Column[JobRow] = Column("CREATED", 12, _since("created_at"), drop=8)
_WAITED: Column[JobRow] = Column("WAITING", 9, _waited, right=True)
_ENDED: Column[JobRow] = Column("ENDED", 11, _since("ended_at"))
_RAN: Column[JobRow] = Column("RAN", 9, _ran, right=True, drop=3)
_FAILED: Column[JobRow] = Column("FAILED", 11, _since("ended_at"))
_EXPIRES: Column[JobRow] = Column("EXPIRES", 11, _expires, drop=8)
_LEFT: Column[JobRow] = Column("LEFT", 4, _left, right=True, drop=6)

_OF_STATE: dict[str, Sequence[Column[JobRow]]] = {
    "queued": (CALL, USER, QUEUE, TIER, _WAITED, _ENQUEUED, ID),
    "running": (CALL, USER, QUEUE, TIER, Column("RUNNING", 9, _running, right=True), WORKER, ID),
    "retrying": (CALL, USER, QUEUE, TIER, Column("NEXT TRY", 12, _due), _LEFT, ID),
    "scheduled": (CALL, USER, QUEUE, TIER, Column("DUE", 12, _due), _CREATED, ID),
    "deferred": (CALL, USER, QUEUE, TIER, Column("SINCE", 12, _since("at")), _CREATED, ID),
    "finished": (CALL, USER, QUEUE, TIER, _ENDED, _RAN, _EXPIRES, WORKER, ID),
    "failed": (CALL, ERROR, USER, QUEUE, _FAILED, _RAN, TIER, ID),
    "stopped": (CALL, USER, QUEUE, TIER, Column("STOPPED", 11, _since("ended_at")), _RAN, WORKER, ID),
    "canceled": (CALL, USER, QUEUE, TIER, Column("CANCELED", 11, _since("at")), _CREATED, ID),
    "rate limited": (CALL, USER, QUEUE, TIER, Column("SINCE", 12, _since("at")), _CREATED, ID),
    "ready": (CALL, USER, QUEUE, TIER, Column("SINCE", 12, _since("at")), _CREATED, ID),
}


def of_state(state: str, one_queue: bool, owned: bool) -> Sequence[Column[JobRow]]:
    """The columns for a list of jobs in one state; without the queue, where all are of the same, and without users where none
    is a user's."""
    return _kept(_OF_STATE[state], one_queue, owned)


def of_failures(one_queue: bool, owned: bool) -> Sequence[Column[JobRow]]:
    """The columns for the list of failures by time; without some, as above."""
    return _kept((_FAILED, CALL, ERROR, USER, QUEUE, TIER, _RAN, ID), one_queue, owned)


def _kept(columns: Sequence[Column[JobRow]], one_queue: bool, owned: bool) -> Sequence[Column[JobRow]]:
    gone = {QUEUE.title} if one_queue else set()
    gone |= set() if owned else {USER.title, TIER.title}
    return [column for column in columns if column.title not in gone]
