"""The heartbeat: what stock processes do not do, done first in every pass of rqscheduler.

It protects the pass from poisoned entries (pass_guard.py), and then does its duties: four round trips when nothing is due.
Each duty stands alone: one that fails is logged, and the others go on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job
from rq_scheduler import Scheduler

from jobs import keys, pass_guard
from jobs.duties import lost_runs, missing_entries, odd_ids, presence, retries, samples
from jobs.duties.scene import Scene, look

logger = logging.getLogger("jobs.heartbeat")

DUTIES: Final = (presence.DUTY, odd_ids.DUTY, retries.DUTY, lost_runs.DUTY, missing_entries.DUTY, samples.DUTY)


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


def beat(connection: Redis, scheduler: Scheduler | None = None) -> Mapping[str, int]:
    """Do every duty once, and return how much each mended, by the duty's name. `scheduler` is the one whose pass this is, if it
    is one's. Raises what redis raises when the server cannot be reached."""
    scene = look(connection, scheduler)
    spans: list[int] = [0]
    with connection.pipeline(transaction=False) as pipe:
        for duty in DUTIES:
            duty.ask(pipe, scene)
            spans.append(len(pipe))
        replies = [_told(reply) for reply in pipe.execute(raise_on_error=False)]
    mended: dict[str, int] = {}
    for duty, start, end in zip(DUTIES, spans, spans[1:], strict=False):
        try:
            mended[duty.name] = duty.answer(connection, scene, replies[start:end])
        except Exception:
            logger.exception("a duty of the heartbeat failed: %s", duty.name)
            mended[duty.name] = 0
    _remember(connection, scene, mended)
    return mended


def _remember(connection: Redis, scene: Scene, mended: Mapping[str, int]) -> None:
    with connection.pipeline(transaction=False) as pipe:
        pipe.hset(keys.HEARTBEAT, "at", f"{scene.now:.3f}")
        for name, amount in mended.items():
            if amount:
                pipe.hincrby(keys.HEARTBEAT, name, amount)
                logger.info("%s: %d", name, amount)
        pipe.execute()


def _told(reply: Any) -> Any:
    """`reply`, or None when the command failed, which is then in the log."""
    if isinstance(reply, RedisError):
        logger.error("a duty of the heartbeat failed: %s", reply)
        return None
    return reply
