"""Tasks of the tests. What they do is said by keys of the test, so a worker needs no other channel."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from redis import Redis
from rq import get_current_job

from jobs import PermanentError, RetryAfter, current_run, log, progress, task


def _redis() -> Any:
    job = get_current_job()
    assert job is not None
    return job.connection


def _count(name: str, user_id: str) -> int:
    """Note one execution, under the run's id, and return how many there were of this run."""
    run = current_run()
    assert run is not None
    redis: Any = run.connection
    redis.rpush(f"test:executed:{name}", run.id)
    return int(redis.hincrby(f"test:times:{name}", run.id, 1))


@task("ok")
def ok(user_id: str) -> str:
    _count("ok", user_id)
    return "done"


@task("flaky")
def flaky(user_id: str) -> str:
    """Fails twice, then works."""
    if _count("flaky", user_id) < 3:
        raise ConnectionError("the far end hung up")
    return "done"


@task("broken")
def broken(user_id: str) -> None:
    _count("broken", user_id)
    raise ValueError("always wrong")


@task("hopeless")
def hopeless(user_id: str) -> None:
    _count("hopeless", user_id)
    raise PermanentError("it is gone for good")


@task("fickle")
def fickle(user_id: str) -> str:
    """Fails for good while the test says so."""
    _count("fickle", user_id)
    if _redis().exists("test:broken"):
        raise PermanentError("broken for now")
    return "done"


@task("polite")
def polite(user_id: str) -> str:
    """Is asked to come back in two seconds, once."""
    if _count("polite", user_id) < 2:
        raise RetryAfter(2, "too many requests")
    return "done"


@task("endless", timeout=1)
def endless(user_id: str) -> None:
    _count("endless", user_id)
    time.sleep(60)


@task("gated")
def gated(user_id: str) -> str:
    """Goes on when the test opens the gate."""
    _count("gated", user_id)
    run = current_run()
    assert run is not None
    redis: Redis = run.connection
    redis.set(f"test:pid:{run.id}", os.getpid())
    progress(0.5, "half way")
    log("waiting at the gate")
    while not redis.exists("test:gate"):
        time.sleep(0.02)
    return "done"


@task("suicidal")
def suicidal(user_id: str) -> str:
    """Its work-horse is killed in the first attempt, as by the kernel when memory is short."""
    if _count("suicidal", user_id) < 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"
