"""Quarantine: entries that would end rqscheduler, set aside whole, listed, and put back on demand."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from redis import Redis

from jobs import keys, scripts
from jobs.errors import JobsError

MAX_REASON = 300
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An entry that was set aside. `entry` is its id, bytes that are not UTF-8 escaped; `due_at` and `at` are epoch seconds."""

    n: int
    entry: str
    reason: str
    due_at: float | None
    at: float
    by: str


class NotPutBack(JobsError):
    """An entry cannot be put back."""


def set_aside(connection: Redis, entry: bytes, reason: str, by: str) -> int:
    """Take an entry out of rq-scheduler's set, with its job key renamed as it is, or copied where that is a run too.

    Returns its quarantine number, or 0 when there is no such entry; then nothing is changed."""
    number: int = scripts.SET_ASIDE.run(
        connection,
        [keys.ENTRIES, keys.RQ_JOB.encode() + entry, keys.QUARANTINE, keys.QUARANTINE_SEQ],
        [
            entry,
            " ".join(reason.split())[:MAX_REASON],
            time.time(),
            by,
            keys.QUARANTINED,
            keys.QUARANTINED_JOB,
            keys.RQ_KEY_PREFIX,
        ],
    )
    return number


def listed(connection: Redis, offset: int = 0, limit: int = 100) -> list[Quarantined]:
    """Up to `limit` entries that are set aside, newest first, in two round trips."""
    members = cast(list[bytes], connection.zrevrange(keys.QUARANTINE, offset, offset + limit - 1))
    numbers = [int(member) for member in members]
    with connection.pipeline(transaction=False) as pipe:
        for n in numbers:
            pipe.hgetall(f"{keys.QUARANTINED}{n}")
        return [_restore(n, raw) for n, raw in zip(numbers, pipe.execute(), strict=True) if raw]


def numbers_of(connection: Redis, entry: bytes) -> list[int]:
    """The numbers under which an entry, by its id, is set aside, newest first; two round trips for each PAGE that are."""
    found: list[int] = []
    for offset in range(0, count(connection), PAGE):
        members = cast(list[bytes], connection.zrevrange(keys.QUARANTINE, offset, offset + PAGE - 1))
        with connection.pipeline(transaction=False) as pipe:
            for member in members:
                pipe.hget(f"{keys.QUARANTINED}{int(member)}", "id")
            found += [int(member) for member, one in zip(members, pipe.execute(), strict=True) if one == entry]
    return found


def count(connection: Redis) -> int:
    """How many entries are set aside."""
    return int(connection.zcard(keys.QUARANTINE))


def put_back(connection: Redis, n: int) -> None:
    """Put an entry back, due when it was, with its job byte for byte, or as its last run left it. Raises NotPutBack when it
    cannot be.

    An entry that is still poison is set aside again in the next pass.
    """
    [outcome] = put_back_all(connection, [n])
    if outcome == "gone":
        raise NotPutBack(f"nothing is set aside under number {n}; `tq-console schedules quarantined` lists what is")
    if outcome == "overlap":
        raise NotPutBack(f"number {n}: a run of it has not ended; put it back once that has")
    if outcome == "taken":
        raise NotPutBack(f"number {n}: there is another job, or an entry, of that id; `schedules drop {n}` drops this one")


def put_back_all(connection: Redis, numbers: Sequence[int | str]) -> list[str]:
    """The same for many numbers, in two round trips. For each `done`; or, and nothing is changed, `gone`: nothing is set aside
    under it; `overlap`: its run has not ended; `taken`: there is another job, or an entry, of that id."""
    with connection.pipeline(transaction=False) as pipe:
        for n in numbers:
            pipe.hget(f"{keys.QUARANTINED}{n}", "id")
        entries = [entry or b"" for entry in pipe.execute()]
    with connection.pipeline(transaction=False) as pipe:
        for n, entry in zip(numbers, entries, strict=True):
            named = [keys.QUARANTINE, f"{keys.QUARANTINED}{n}", f"{keys.QUARANTINED_JOB}{n}"]
            at: list[str | bytes] = [keys.ENTRIES, keys.RQ_JOB.encode() + entry, *named]
            scripts.PUT_BACK.queue(pipe, at, [n, entry, time.time(), keys.RQ_KEY_PREFIX])
        return [outcome.decode() for outcome in pipe.execute()]


def drop(connection: Redis, n: int) -> None:
    """Drop what is set aside under a number, for good. Raises NotPutBack when there is nothing."""
    with connection.pipeline() as pipe:
        pipe.zrem(keys.QUARANTINE, n)
        pipe.delete(f"{keys.QUARANTINED}{n}", f"{keys.QUARANTINED_JOB}{n}")
        if not pipe.execute()[0]:
            raise NotPutBack(f"nothing is set aside under number {n}; `tq-console schedules quarantined` lists what is")


def _restore(n: int, raw: dict[bytes, bytes]) -> Quarantined:
    text = {key.decode(): value.decode("utf-8", "backslashreplace") for key, value in raw.items()}
    return Quarantined(
        n=n,
        entry=text.get("id", ""),
        reason=text.get("reason", ""),
        due_at=float(text["score"]) if text.get("score") else None,
        at=float(text.get("at") or 0),
        by=text.get("by", ""),
    )
