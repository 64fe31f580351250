"""Recording a sample of every queue, from which the console draws its history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline

from jobs import keys, scripts
from jobs.duties.scene import Duty, Scene, key

EVERY: Final = 30
"""Seconds between two samples of a queue."""
KEPT: Final = 7 * 86_400 // EVERY
EXPIRE: Final = 8 * 86_400
"""Seconds after which the samples of a queue that is sampled no more are dropped."""
MOST_QUEUES: Final = 64


def _ask(pipe: Pipeline, scene: Scene) -> None:
    slot = int(scene.now) // EVERY * EVERY
    if slot <= scene.count("sampled_at"):
        if slot < scene.count("sampled_at") - EVERY:
            # Until the clock is where it was, nothing is sampled; what is counted meanwhile belongs to no instant then.
            pipe.hset(keys.HEARTBEAT, "set_back", 1)
        return
    anew = scene.count("anew") + scene.count("set_back")
    for queue in scene.queues[:MOST_QUEUES]:
        scripts.SAMPLE.queue(
            pipe,
            [
                key(keys.SAMPLES, queue),
                key(keys.RQ_QUEUE, queue),
                key(keys.RQ_WIP, queue),
                key(keys.RQ_SCHEDULED, queue),
                key(keys.RQ_DEFERRED, queue),
                key(keys.RQ_FAILED, queue),
                key(keys.LANE, queue),
            ],
            [slot * 1000, scene.now, keys.RQ_JOB, KEPT, EXPIRE, anew],
        )
    pipe.hset(keys.HEARTBEAT, mapping={"sampled_at": slot, "set_back": 0, "anew": anew})


def _answer(connection: Redis, scene: Scene, replies: Sequence[Any]) -> int:
    return 0


DUTY: Final = Duty("samples", _ask, _answer)
