"""The catalogue on the server of a test: made once for each process of tests, and then put there again as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from redis import Redis

from console.model.commands import JobSeen
from tests import catalogue
from tests.catalogue import Catalogue, Listed
from tests.conftest import Stock
from tests.console.acting import restore, seen, snapshot

_made: Final[list[tuple[Catalogue, Any]]] = []


def catalogued(redis: Redis, stock: Stock) -> Catalogue:
    """The catalogue, of whose workers none is left: it changes no more."""
    if _made:
        restore(redis, _made[0][1])
    else:
        jobs = catalogue.build(redis, stock)
        jobs.end()
        _made.append((jobs, snapshot(redis)))
    return _made[0][0]


def of_states(redis: Redis, jobs: Catalogue, *states: str) -> list[JobSeen]:
    """Those of the catalogue that are in these states, as lists show them, state by state; without what only lists name."""
    return [seen(redis, job) for state in states for job in jobs.jobs.values() if job.state == state and job.status is not None]


def multiplied(redis: Redis, jobs: Catalogue, times: int) -> list[Listed]:
    """Copies of the catalogue's jobs that do not run, each `times` times, with all that belongs to them, in the same lists."""
    made = [copy for job in jobs.jobs.values() if job.state != "running" for copy in _copies(job, times)]
    kinds = {key: redis.type(key).decode() for job in made for key in job.lists}
    scores = {
        (key, job.id): redis.zscore(key, job.id) for job in jobs.jobs.values() for key in job.lists if kinds.get(key) == "zset"
    }
    with redis.pipeline(transaction=False) as pipe:
        for original in jobs.jobs.values():
            for job in (one for one in made if one.id.startswith(original.id + "-copy-")):
                for old, new in zip(_keys(original.id), _keys(job.id), strict=True):
                    pipe.copy(old, new)
                for key in job.lists:
                    if kinds[key] == "zset":
                        pipe.zadd(key, {job.id: scores[key, original.id]})
                    elif kinds[key] == "set":
                        pipe.sadd(key, job.id)
                    else:
                        pipe.rpush(key, job.id)
        pipe.execute()
    return made


def _copies(job: Listed, times: int) -> Iterator[Listed]:
    for n in range(times):
        yield Listed(f"{job.id}-copy-{n}", job.queue, job.status, job.state, job.description, job.lists)


def _keys(job: str) -> tuple[str, ...]:
    return (f"rq:job:{job}", f"rq:results:{job}", f"rq:job:{job}:dependents", f"rq:job::{job}:dependencies")
