"""Leaving word of the scheduler whose pass this is: rq-scheduler itself leaves no host, no pid and no heartbeat."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline

from jobs import keys
from jobs.duties.scene import Duty, Scene

FORGOTTEN_AFTER: Final = 86_400
"""Seconds after which a scheduler that is seen no more is dropped from the list."""


def _ask(pipe: Pipeline, scene: Scene) -> None:
    pipe.zremrangebyscore(keys.SCHEDULERS, 0, scene.now - FORGOTTEN_AFTER)
    if scene.scheduler is None:
        return
    name, poll = scene.scheduler.name, float(scene.scheduler._interval)
    pipe.hset(
        keys.SCHEDULER + name,
        mapping={
            "name": name,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "poll_s": poll,
            "at": f"{scene.now:.3f}",
        },
    )
    pipe.expire(keys.SCHEDULER + name, int(3 * poll) + 60)
    pipe.zadd(keys.SCHEDULERS, {name: scene.now})


def _answer(connection: Redis, scene: Scene, replies: Sequence[Any]) -> int:
    return 0


DUTY: Final = Duty("presence", _ask, _answer)
