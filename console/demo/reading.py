"""What the demonstration shows, read from Redis: one pipeline for each reading, however many jobs there are."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

from redis import Redis
from redis.client import Pipeline

from jobs import keys
from jobs.lanes import LANES

LAST = 6
"""How many of the runs that ended last are shown."""

LATE_AFTER = 3.0
"""Seconds past its slot from which an entry counts as late: rqscheduler looks once a second."""

SKIPS_READ = 5_000
"""The schedules whose skips are summed, those due first."""

SKIP_REASONS = ("overlap", "missed", "paused", "inactive")

ATTEMPTS_READ = 4
"""How many attempts of a run are read for its last error: as many as the demonstration's tiers allow."""

ENDED_FIELDS = 4 + ATTEMPTS_READ + 1
PAGE = 500


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane. `waiting`, `running` and `retrying` (until their next attempt) are numbers of runs now; `done` and `failed`
    are runs and `retried` is attempts that were not the last, so far."""

    name: str
    waiting: int
    running: int
    retrying: int
    done: int
    failed: int
    retried: int

    @property
    def attempts(self) -> int:
        """How many attempts have ended."""
        return self.done + self.failed + self.retried


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that has ended. `call` and `error` are text that anybody may have written."""

    id: str
    lane: str
    call: str
    done: bool
    ended_at: float
    duration_s: float
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The state at one instant (`at`, epoch seconds). `armed` is how many schedules have an entry, `late` how many of these are
    overdue, `ended` the runs that ended last, newest first."""

    at: float
    users: int
    schedules: int
    armed: int
    late: int
    paused: int
    skipped: Mapping[str, int]
    set_aside: int
    lanes: tuple[Lane, ...]
    ended: tuple[EndedRun, ...]


def read(connection: Redis) -> Reading:
    """Read everything, in one round trip. Raises what redis raises."""
    now = time.time()
    with connection.pipeline(transaction=False) as pipe:
        pipe.zcard(keys.USERS)
        pipe.zcard(keys.SCHEDULES)
        # The heartbeat's own entry has the score 0.
        pipe.zcount(keys.ENTRIES, "(0", "+inf")
        pipe.zcount(keys.ENTRIES, "(0", now - LATE_AFTER)
        pipe.scard(keys.PAUSED)
        pipe.zcard(keys.QUARANTINE)
        _queue_skips(pipe)
        for lane in LANES:
            _queue_lane(pipe, lane)
        for lane in LANES:
            _queue_ended(pipe, lane)
        replies = iter(pipe.execute())
    return Reading(
        at=now,
        users=next(replies),
        schedules=next(replies),
        armed=next(replies),
        late=next(replies),
        paused=next(replies),
        set_aside=next(replies),
        skipped=_sums(next(replies)),
        lanes=tuple(_lane(lane, replies) for lane in LANES),
        ended=_newest([run for lane in LANES for run in _ended(lane, replies)]),
    )


def since(reading: Reading, first: Reading) -> Reading:
    """`reading` without what happened before `first`: a folder that is kept remembers earlier demonstrations."""
    skipped = {reason: count - first.skipped.get(reason, 0) for reason, count in reading.skipped.items()}
    return replace(
        reading,
        skipped={reason: count for reason, count in skipped.items() if count > 0},
        lanes=tuple(
            replace(
                lane, done=lane.done - before.done, failed=lane.failed - before.failed, retried=lane.retried - before.retried
            )
            for lane, before in zip(reading.lanes, first.lanes, strict=True)
        ),
        ended=tuple(run for run in reading.ended if run.ended_at >= first.at),
    )


def lost_runs(connection: Redis) -> list[str]:
    """The ids of the runs that cannot go on: queued and in no list, to be retried and in no registry, or vanished.

    Exact while no worker and no scheduler runs. Reads every run that has not ended, a page at a time.
    """
    found = []
    for lane in LANES:
        waiting = {run_id for page in _pages(connection.lrange, keys.RQ_QUEUE + lane) for run_id in page}
        for ids in chain(*(_pages(connection.zrange, held + lane) for held in (keys.WAITING, keys.ONGOING))):
            with connection.pipeline(transaction=False) as pipe:
                for run_id in ids:
                    pipe.hget(keys.RQ_JOB.encode() + run_id, "status")
                    pipe.zscore(keys.RQ_SCHEDULED + lane, run_id)
                replies = pipe.execute()
            for run_id, status, due in zip(ids, replies[::2], replies[1::2], strict=True):
                stuck = {None: True, b"queued": run_id not in waiting, b"scheduled": due is None}
                if stuck.get(status, False):
                    found.append(run_id.decode("utf-8", "replace"))
    return found


def _queue_skips(pipe: Pipeline) -> None:
    """One command: the counts of skips of the schedules that are due first, each reason in its turn."""
    counts = [f"{keys.SCHEDULE}*->skip:{reason}" for reason in SKIP_REASONS]
    pipe.sort(keys.ENTRIES, by="nosort", start=0, num=SKIPS_READ, get=counts)


def _queue_lane(pipe: Pipeline, lane: str) -> None:
    pipe.llen(keys.RQ_QUEUE + lane)
    pipe.zcard(keys.RQ_WIP + lane)
    pipe.zcard(keys.RQ_SCHEDULED + lane)
    pipe.hmget(keys.LANE + lane, "done", "failed", "retried")


def _queue_ended(pipe: Pipeline, lane: str) -> None:
    """Two commands: the runs whose results expire last are those that ended last, since a lane's runs live equally long."""
    job = [f"{keys.RQ_JOB}*->{field}" for field in ("description", "started_at", "ended_at")]
    attempts = [f"{keys.ATTEMPTS}*->{field}" for field in ("n", *range(1, ATTEMPTS_READ + 1))]
    for registry in (keys.RQ_FINISHED, keys.RQ_FAILED):
        pipe.sort(registry + lane, by="nosort", start=0, num=LAST, get=["#", *job, *attempts], desc=True)


def _lane(name: str, replies: Iterator[Any]) -> Lane:
    waiting, running, retrying = next(replies), next(replies), next(replies)
    done, failed, retried = (int(count or 0) for count in next(replies))
    return Lane(name, waiting, running, retrying, done, failed, retried)


def _ended(lane: str, replies: Iterator[Any]) -> list[EndedRun]:
    found = []
    for done in (True, False):
        flat: Sequence[bytes | None] = next(replies)
        for start in range(0, len(flat), ENDED_FIELDS):
            run_id, call, started, ended, n, *attempts = flat[start : start + ENDED_FIELDS]
            ended_at, started_at = _instant(ended), _instant(started)
            if run_id is None or ended_at is None:
                continue
            count = int(n or 0)
            last = attempts[count - 1] if 0 < count <= ATTEMPTS_READ else None
            found.append(
                EndedRun(
                    id=run_id.decode("utf-8", "replace"),
                    lane=lane,
                    call=(call or b"").decode("utf-8", "replace"),
                    done=done,
                    ended_at=ended_at,
                    duration_s=max(0.0, ended_at - started_at) if started_at else 0.0,
                    attempts=count,
                    error=_error(last),
                )
            )
    return found


def _newest(runs: list[EndedRun]) -> tuple[EndedRun, ...]:
    return tuple(sorted(runs, key=lambda run: run.ended_at, reverse=True)[:LAST])


def _sums(flat: Sequence[bytes | None]) -> dict[str, int]:
    step = len(SKIP_REASONS)
    sums = {reason: sum(int(count or 0) for count in flat[at::step]) for at, reason in enumerate(SKIP_REASONS)}
    return {reason: count for reason, count in sums.items() if count}


def _error(attempt: bytes | None) -> str:
    try:
        return str(json.loads(attempt or b"{}").get("error", ""))
    except (ValueError, AttributeError):
        return ""


def _instant(value: bytes | None) -> float | None:
    """An instant that RQ wrote into a job's hash."""
    try:
        return datetime.fromisoformat(value.decode()).timestamp() if value else None
    except ValueError:
        return None


def _pages(command: Any, key: str) -> Iterator[list[bytes]]:
    """The members of a list or of a sorted set, a page at a time; exact while nobody changes it."""
    start = 0
    while page := command(key, start, start + PAGE - 1):
        yield page
        start += PAGE
