"""The heartbeat: what stock processes do not do, done first in every pass of rqscheduler.

It protects the pass from poisoned entries (pass_guard.py), moves due retries that no RQ scheduler moves, finds runs that were
lost between a worker's pop and start, puts back entries that somebody deleted, and records a sample of every queue.
Three round trips when nothing is due. Each duty stands alone: one that fails is logged, and the others go on.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job
from rq_scheduler import Scheduler

from jobs import keys, pass_guard, scripts, settings, sweep
from jobs.errors import InvalidSetting
from jobs.prototype import rq_time

logger = logging.getLogger("jobs.heartbeat")

RETRIES_A_SCRIPT: Final = 500
MOST_SCRIPTS: Final = 40
"""How often in one pass a lane's due retries are gone on with: 20,000 are moved before the pass itself goes on."""

DUE_A_LOOK: Final = 5_000
"""How many due entries one script looks at for ids that rq-scheduler fails on."""

RUNS_A_PASS: Final = 250
LOOK_AGAIN: Final = 30
"""Seconds until a run that goes on is looked at again."""

SWEEP_PASSES: Final = 30
"""In about how many passes the sweep gets round all schedules, as far as MAX_SWEPT allows."""
MIN_SWEPT: Final = 500
MAX_SWEPT: Final = 1_500
"""Schedules looked at in one pass: less than 5 ms of the server's time."""

SAMPLE_EVERY: Final = 30
"""Seconds between two samples of a queue."""
SAMPLES_KEPT: Final = 7 * 86_400 // SAMPLE_EVERY
MAX_SAMPLED_QUEUES: Final = 64


@dataclass(frozen=True, slots=True)
class Scene:
    """What a beat works on. `now` is the server's time; `cursor` is where the last sweep ended, `orphans` what
    its round has found so far."""

    now: float
    lanes: tuple[str, ...]
    queues: tuple[str, ...]
    cursor: bytes
    sampled_at: int
    orphans: int
    schedules: int


@dataclass(frozen=True, slots=True)
class Beaten:
    """What one beat did."""

    moved: int
    recovered: int
    rearmed: int


class HeartbeatQueue(Queue):  # type: ignore[misc]
    """The queue class of the heartbeat's entry. Whatever happens in here, rqscheduler goes on."""

    def enqueue_job(self, job: Job, *args: Any, **kwargs: Any) -> Job:
        """Beat once. The job gets another id, because rqscheduler removes the id that it bears from the set."""
        job.id = f"{job.id}-beat"
        scheduler = pass_guard.calling_scheduler()
        try:
            if scheduler is not None:
                pass_guard.protect(scheduler)
            beat(self.connection, scheduler)
        except Exception:
            logger.exception("the heartbeat failed; the pass goes on without it")
        return job


def beat(connection: Redis, scheduler: Scheduler | None = None) -> Beaten:
    """Do every duty once; `scheduler` is the one whose pass this is, if it is one's."""
    scene = _look(connection)
    with connection.pipeline(transaction=False) as pipe:
        if scheduler is not None:
            _queue_presence(pipe, scene, scheduler)
            scripts.ODD_IDS.queue(pipe, [keys.ENTRIES], [scene.now, 0, DUE_A_LOOK])
        moves = _queue_moves(pipe, scene)
        settles = _queue_settles(pipe, scene)
        swept = _queue_sweep(pipe, scene)
        _queue_samples(pipe, scene)
        replies = [_told(reply) for reply in pipe.execute(raise_on_error=False)]
    if scheduler is not None:
        pass_guard.set_aside_unreadable(scheduler, _odd_ids(connection, scene, replies[3]))
    cursor, *missing = replies[swept] or [b""]
    moved = [_rest_of(connection, scene, lane, reply or 0) for lane, reply in zip(scene.lanes, replies[moves:], strict=False)]
    mended = sweep.rearm(connection, missing)
    beaten = Beaten(
        moved=sum(moved),
        recovered=_sum(replies[settles : settles + len(scene.lanes)]),
        rearmed=mended.rearmed,
    )
    _remember(connection, scene, beaten, cursor, mended.orphans)
    return beaten


def _look(connection: Redis) -> Scene:
    with connection.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.smembers(keys.LANES)
        pipe.smembers(keys.RQ_QUEUES)
        pipe.hmget(keys.HEARTBEAT, "cursor", "sampled_at", "orphans")
        pipe.zcard(keys.SCHEDULES)
        (seconds, micros), lanes, queues, (cursor, sampled_at, orphans), schedules = pipe.execute()
    named = sorted(lane.decode("utf-8", "replace") for lane in lanes)
    prefix = keys.RQ_QUEUE.encode()
    others = sorted(key[len(prefix) :].decode("utf-8", "replace") for key in queues if key.startswith(prefix))
    return Scene(
        now=seconds + micros / 1e6,
        lanes=tuple(named),
        queues=tuple(dict.fromkeys([*named, *others]))[:MAX_SAMPLED_QUEUES],
        cursor=cursor or b"",
        sampled_at=int(sampled_at or 0),
        orphans=int(orphans or 0),
        schedules=schedules,
    )


def _queue_presence(pipe: Pipeline, scene: Scene, scheduler: Scheduler) -> None:
    """Three commands: who the scheduler is and when it was last seen. rq-scheduler itself leaves no host, pid or heartbeat."""
    poll = float(scheduler._interval)
    pipe.hset(
        keys.SCHEDULER + scheduler.name,
        mapping={
            "name": scheduler.name,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "poll_s": poll,
            "at": f"{scene.now:.3f}",
        },
    )
    pipe.expire(keys.SCHEDULER + scheduler.name, int(3 * poll) + 60)
    pipe.zadd(keys.SCHEDULERS, {scheduler.name: scene.now})


def _queue_moves(pipe: Pipeline, scene: Scene) -> int:
    start = len(pipe)
    for lane in scene.lanes:
        scripts.MOVE_DUE.queue(pipe, *_move_arguments(scene, lane))
    return start


def _move_arguments(scene: Scene, lane: str) -> tuple[list[str | bytes], list[scripts.Argument]]:
    return [
        keys.RQ_SCHEDULED + lane,
        keys.RQ_SCHEDULER_LOCK + lane,
        keys.RQ_QUEUE + lane,
        keys.WAITING + lane,
        keys.ONGOING + lane,
    ], [scene.now, rq_time(scene.now), keys.RQ_JOB, RETRIES_A_SCRIPT]


def _rest_of(connection: Redis, scene: Scene, lane: str, moved: int) -> int:
    """Go on moving the due retries of a lane for as long as a script finds all that it may move; returns how many in all."""
    total = last = moved
    for _ in range(MOST_SCRIPTS):
        if last < RETRIES_A_SCRIPT:
            break
        last = int(scripts.MOVE_DUE.run(connection, *_move_arguments(scene, lane)))
        total += last
    return total


def _odd_ids(connection: Redis, scene: Scene, first: list[Any] | None) -> list[bytes]:
    """The ids among all due entries that are not ASCII; `first` is the answer to the first look."""
    looked, *found = first or [0]
    passed = looked
    while looked == DUE_A_LOOK:
        looked, *more = scripts.ODD_IDS.run(connection, [keys.ENTRIES], [scene.now, passed, DUE_A_LOOK])
        passed += looked
        found += more
    return found


def _lost_after() -> float:
    try:
        return settings.current().lost_after
    except InvalidSetting as error:
        logger.error("%s; %g s are used", error, settings.Settings().lost_after)
        return settings.Settings().lost_after


def _queue_settles(pipe: Pipeline, scene: Scene) -> int:
    start = len(pipe)
    lost_after = _lost_after()
    for lane in scene.lanes:
        scripts.SETTLE.queue(
            pipe,
            [
                keys.WAITING + lane,
                keys.ONGOING + lane,
                keys.RQ_QUEUE + lane,
                keys.MISSING,
                keys.LANE + lane,
                keys.RQ_QUEUES,
                keys.RQ_SCHEDULED + lane,
                keys.LANES,
            ],
            [
                scene.now,
                lost_after,
                RUNS_A_PASS,
                keys.RQ_JOB,
                keys.RUNS,
                keys.ATTEMPTS,
                min(LOOK_AGAIN, lost_after),
                keys.WAITING,
                keys.ONGOING,
                lane,
                rq_time(scene.now),
            ],
        )
    return start


def _queue_sweep(pipe: Pipeline, scene: Scene) -> int:
    """A stretch of the schedules, from where the last one ended."""
    stretch = min(MAX_SWEPT, max(MIN_SWEPT, scene.schedules // SWEEP_PASSES))
    scripts.SWEEP.queue(pipe, [keys.SCHEDULES, keys.ENTRIES], [scene.cursor, stretch])
    return len(pipe) - 1


def _queue_samples(pipe: Pipeline, scene: Scene) -> None:
    slot = int(scene.now) // SAMPLE_EVERY * SAMPLE_EVERY
    if slot <= scene.sampled_at:
        return
    for queue in scene.queues:
        scripts.SAMPLE.queue(
            pipe,
            [
                keys.SAMPLES + queue,
                keys.RQ_QUEUE + queue,
                keys.RQ_WIP + queue,
                keys.RQ_SCHEDULED + queue,
                keys.RQ_DEFERRED + queue,
                keys.RQ_FAILED + queue,
                keys.LANE + queue,
            ],
            [slot * 1000, scene.now, keys.RQ_JOB, SAMPLES_KEPT, SAMPLES_KEPT * SAMPLE_EVERY + 86_400],
        )
    pipe.hset(keys.HEARTBEAT, "sampled_at", slot)
    pipe.zremrangebyscore(keys.SCHEDULERS, 0, scene.now - 86_400)


def _remember(connection: Redis, scene: Scene, beaten: Beaten, cursor: bytes, orphans: int) -> None:
    """Leave what this beat did; at the end of a round of the sweep, how many orphans the round found."""
    with connection.pipeline(transaction=False) as pipe:
        pipe.hset(keys.HEARTBEAT, mapping={"cursor": cursor, "at": f"{scene.now:.3f}"})
        for name, amount in (("moved", beaten.moved), ("recovered", beaten.recovered), ("rearmed", beaten.rearmed)):
            if amount:
                pipe.hincrby(keys.HEARTBEAT, name, amount)
                logger.info("%s: %d", name, amount)
        total = orphans + scene.orphans
        pipe.hset(keys.HEARTBEAT, mapping={"orphans": total} if cursor else {"orphans": 0, "orphaned": total})
        pipe.execute()


def _told(reply: Any) -> Any:
    """`reply`, or None when the command failed, which is then in the log: one bad key must not end the other duties."""
    if isinstance(reply, RedisError):
        logger.error("a duty of the heartbeat failed: %s", reply)
        return None
    return reply


def _sum(replies: Sequence[Any]) -> int:
    return sum(reply or 0 for reply in replies)
