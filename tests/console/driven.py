"""A console over the real server that may change it, driven by keys; and jobs to do something to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry, FinishedJobRegistry

from console.app import Console
from console.model.ports import Target
from console.store.reader import open_reader
from console.store.writer import open_writer
from jobs import keys
from tests.catalogue_tasks import echo
from tests.conftest import Server
from tests.console.pilots import Driver, driving
from tests.contents import contents


@pytest.fixture
def drive(server: Server) -> Callable[..., AbstractAsyncContextManager[Driver]]:
    """A console that may change the server, or may not."""

    def opened(screen: str = "jobs", filter: str = "", **given: Any) -> AbstractAsyncContextManager[Driver]:
        here = Target("", "redis://here/0", lambda: open_reader(server.url), write=lambda: open_writer(server.url), **given)
        return driving(Console([here], here, refresh_s=0.2, screen=screen, expression=filter))

    return opened


@pytest.fixture
def mail(redis: Redis) -> Queue:
    return Queue("mail", connection=redis)


def failed(queue: Queue, id: str) -> Job:
    job = Job.create(echo, ("x",), id=id, connection=queue.connection, origin=queue.name, status=JobStatus.FAILED)
    job.save()
    FailedJobRegistry(queue.name, connection=queue.connection).add(job, ttl=3_600, exc_string="Traceback\nValueError: no")
    queue.connection.sadd(keys.RQ_QUEUES, queue.key)
    return job


def finished(queue: Queue, id: str) -> Job:
    job = Job.create(echo, ("x",), id=id, connection=queue.connection, origin=queue.name, status=JobStatus.FINISHED)
    job.save()
    FinishedJobRegistry(queue.name, connection=queue.connection).add(job, ttl=3_600)
    queue.connection.sadd(keys.RQ_QUEUES, queue.key)
    return job


async def confirm(driver: Driver, *shows: str, keys: tuple[str, ...] = ("y",)) -> None:
    await driver.shows(*shows, "y does it")
    await driver.press(*keys)


def of_rq(redis: Redis) -> dict[bytes, object]:
    """What RQ's keys hold, without their expiries."""
    return {key: value for key, (value, _) in contents(redis).items() if key.startswith(b"rq:")}
