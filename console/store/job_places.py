"""The lists that name a job: its queue, its queue's registries, rate limits, its group, and rq-scheduler's entries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from console.model.job import Place
from console.store import rq_keys
from console.store.affordable import Size
from console.store.job_fields import Fields
from console.store.steps import Line, Reading, Steps, after
from console.store.trip import Answer
from console.store.values import number, text
from jobs import keys

SEARCHED: Final = 1_000
"""Jobs at each end of a queue among which one is looked for, and of those between popped and started."""

MAX_LOOKED_IN: Final = 200
"""Queues in which a job is looked for that has no hash to name its own."""

MAX_EXECUTIONS: Final = 20
MAX_RUNNING: Final = 1_000
MEMBERS_BYTES: Final = 1 << 20

EXPIRING: Final = (keys.RQ_FINISHED, keys.RQ_FAILED)
REGISTRIES: Final = (*EXPIRING, keys.RQ_DEFERRED, rq_keys.READY, keys.RQ_SCHEDULED, rq_keys.CANCELED)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a job is, and which lists were too long to be searched to their ends for it."""

    places: tuple[Place, ...]
    unsearched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    """One list: where the job is in it, and its score there."""

    key: bytes
    ranks: tuple[Answer, ...] = ()
    score: Answer | None = None
    member: Answer | None = None
    length: Answer | None = None


def read(line: Line, job: bytes, fields: Reading[Fields], *, among_running: bool = True) -> Steps[Places]:
    """The places of a job, in three trips; with `among_running` in four of one that is `started` and of whose executions
    nothing is known."""
    executions = Size(line, "ZCARD", rq_keys.EXECUTIONS.encode() + job)
    entry = line.ask("ZSCORE", keys.ENTRIES, job)
    known = line.ask("EXISTS", keys.RQ_JOB.encode() + job)
    queues = Size(line, "SCARD", keys.RQ_QUEUES.encode())
    yield
    running = None
    if executions.affords(MAX_EXECUTIONS, MEMBERS_BYTES):
        running = line.ask("ZRANGE", executions.key, 0, MAX_EXECUTIONS - 1)
    names = None
    if known.value == 0 and queues.affords(MAX_LOOKED_IN, MEMBERS_BYTES):
        names = line.ask("SRANDMEMBER", queues.key, MAX_LOOKED_IN)
    yield
    found = yield from after(fields)
    runs = [job, *(job + b":" + one for one in (running.rows() if running else []))]
    if found.found:
        asked = [*_in_queue(line, found.origin, job, runs), *_in_sets(line, found, job)]
        wip = Size(line, "ZCARD", keys.RQ_WIP.encode() + found.origin)
    else:
        prefix = keys.RQ_QUEUE.encode()
        asked = [
            place for name in (names.rows() if names else []) for place in _in_queue(line, name.removeprefix(prefix), job, runs)
        ]
        wip = None
    yield
    places = [place for one in asked if (place := _place(one)) is not None]
    if entry.value is not None:
        places.append(Place(keys.ENTRIES, score=number(entry.value)))
    if among_running and wip and found.get("status") == b"started" and not any(place.name == text(wip.key) for place in places):
        places += yield from _among_running(line, wip, job)
    return Places(tuple(places), tuple(_unsearched(asked, queues if known.value == 0 else None)))


def _in_queue(line: Line, queue: bytes, job: bytes, runs: Iterable[bytes]) -> list[_Asked]:
    key = keys.RQ_QUEUE.encode() + queue
    between = key + rq_keys.INTERMEDIATE.encode()
    return [
        _Asked(
            key,
            (
                line.ask("LPOS", key, job, "MAXLEN", SEARCHED),
                line.ask("LPOS", key, job, "RANK", -1, "MAXLEN", SEARCHED),
            ),
            length=line.ask("LLEN", key),
        ),
        _Asked(between, (line.ask("LPOS", between, job, "MAXLEN", SEARCHED),)),
        *(_scored(line, keys.RQ_WIP.encode() + queue, run) for run in runs),
        *(_scored(line, prefix.encode() + queue, job) for prefix in REGISTRIES),
    ]


def _in_sets(line: Line, found: Fields, job: bytes) -> list[_Asked]:
    asked = []
    if limit := found.get("rate_limit_key"):
        key = rq_keys.RATE_LIMIT.encode() + limit
        asked += [_scored(line, key + end.encode(), job) for end in (rq_keys.ALLOWED, rq_keys.RATE_LIMITED)]
    if group := found.get("group_id"):
        key = rq_keys.GROUP.encode() + group
        asked.append(_Asked(key, member=line.ask("SISMEMBER", key, job)))
    return asked


def _scored(line: Line, key: bytes, member: bytes) -> _Asked:
    return _Asked(key, (line.ask("ZRANK", key, member),), line.ask("ZSCORE", key, member))


def _place(asked: _Asked) -> Place | None:
    rank = next((rank.value for rank in asked.ranks if isinstance(rank.value, int)), None)
    if asked.member is not None:
        return Place(text(asked.key)) if asked.member.value == 1 else None
    if rank is None:
        return None
    score = None if asked.score is None else number(asked.score.value)
    # Less than nothing says that RQ keeps it for good, as does +inf, which is no number here.
    never = score is not None and score < 0 and asked.key.startswith(tuple(prefix.encode() for prefix in EXPIRING))
    return Place(text(asked.key), rank, None if never else score)


def _among_running(line: Line, wip: Size, job: bytes) -> Steps[list[Place]]:
    """Where a job is listed as running whose executions have expired: a worker that was lost left it there."""
    if not wip.affords(MAX_RUNNING, MEMBERS_BYTES):
        return []
    members = line.ask("ZRANGE", wip.key, 0, MAX_RUNNING - 1)
    yield
    prefix = job + b":"
    return [Place(text(wip.key), rank) for rank, member in enumerate(members.rows()) if member.startswith(prefix)]


def _unsearched(asked: Iterable[_Asked], queues: Size | None) -> Iterable[str]:
    for one in asked:
        if one.length is not None and (one.length.count() or 0) > 2 * SEARCHED and _place(one) is None:
            yield text(one.key)
    if queues is not None and queues.count > MAX_LOOKED_IN:
        yield f"{queues.count - MAX_LOOKED_IN:,} of {queues.count:,} queues"
