"""Finding runs that a worker popped and never started, and ending the records of those that could not (lua/settle.lua)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline

from jobs import keys, scripts, settings, usage
from jobs.duties.scene import Duty, Scene, key
from jobs.errors import InvalidSetting
from jobs.prototype import rq_time

logger = logging.getLogger("jobs.duties.lost_runs")

RUNS_A_PASS: Final = 250
LOOK_AGAIN: Final = 30
"""Seconds until a run that goes on is looked at again."""


def _ask(pipe: Pipeline, scene: Scene) -> None:
    lost_after = _lost_after()
    for lane in scene.lanes:
        scripts.SETTLE.queue(
            pipe,
            [
                key(keys.WAITING, lane),
                key(keys.ONGOING, lane),
                key(keys.RQ_QUEUE, lane),
                keys.MISSING,
                key(keys.LANE, lane),
                keys.RQ_QUEUES,
                key(keys.RQ_SCHEDULED, lane),
                keys.LANES,
                *usage.records(scene.now),
                keys.FAILING,
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
                keys.SCHEDULE,
                usage.MOST_USERS,
                usage.KEPT,
            ],
        )


def _answer(connection: Redis, scene: Scene, replies: Sequence[Any]) -> int:
    return sum(reply or 0 for reply in replies)


def _lost_after() -> float:
    try:
        return settings.current().lost_after
    except InvalidSetting as error:
        logger.error("%s; %g s are used", error, settings.Settings().lost_after)
        return settings.Settings().lost_after


DUTY: Final = Duty("recovered", _ask, _answer)
