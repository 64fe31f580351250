"""The heartbeat's entry: always due, and first in every pass, so rqscheduler hands it over before anything else."""

from __future__ import annotations

import pickle
from typing import Final

from redis import Redis
from redis.client import Pipeline

from jobs import keys

HEARTBEAT_QUEUE: Final = "jobs.heartbeat.HeartbeatQueue"

FIELDS: Final[dict[str, str | bytes]] = {
    "status": "scheduled",
    "origin": "default",
    "data": pickle.dumps(("jobs.heartbeat.beat", None, (), {})),
    "description": "heartbeat of the job layer",
    "meta": pickle.dumps({"queue_class_name": HEARTBEAT_QUEUE}),
}


def install(connection: Redis) -> None:
    """Put the heartbeat's entry in its place, whether or not it is there."""
    with connection.pipeline() as pipe:
        queue_install(pipe)
        pipe.execute()


def queue_install(pipe: Pipeline) -> None:
    """Add the installation to a pipeline."""
    pipe.hset(keys.RQ_JOB + keys.HEARTBEAT_ENTRY, mapping=FIELDS)  # type: ignore[arg-type]
    pipe.zadd(keys.ENTRIES, {keys.HEARTBEAT_ENTRY: 0})
