"""Moving due retries to their queues when no RQ scheduler does: a plain `rq worker high default low` runs none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline

from jobs import keys, scripts
from jobs.duties.scene import Duty, Scene, key
from jobs.prototype import rq_time

AT_ONCE: Final = 500
"""How many one script moves."""
MOST_SCRIPTS: Final = 40
"""How often in one pass a lane is gone on with: 20,000 retries move before the pass itself goes on."""


def _ask(pipe: Pipeline, scene: Scene) -> None:
    for lane in scene.lanes:
        scripts.MOVE_DUE.queue(pipe, _keys(lane), _arguments(scene))


def _answer(connection: Redis, scene: Scene, replies: Sequence[Any]) -> int:
    """Go on with each lane for as long as a script finds all that it may move."""
    total = 0
    for lane, reply in zip(scene.lanes, replies, strict=True):
        moved = reply or 0
        total += moved
        for _ in range(MOST_SCRIPTS):
            if moved < AT_ONCE:
                break
            moved = scripts.MOVE_DUE.run(connection, _keys(lane), _arguments(scene))
            total += moved
    return total


def _keys(lane: bytes) -> list[bytes]:
    return [
        key(keys.RQ_SCHEDULED, lane),
        key(keys.RQ_SCHEDULER_LOCK, lane),
        key(keys.RQ_QUEUE, lane),
        key(keys.WAITING, lane),
        key(keys.ONGOING, lane),
    ]


def _arguments(scene: Scene) -> list[scripts.Argument]:
    return [scene.now, rq_time(scene.now), keys.RQ_JOB, AT_ONCE]


DUTY: Final = Duty("moved", _ask, _answer)
