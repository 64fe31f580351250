"""Searches through lists of jobs: what they find, what they tell on the way, and where they end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from redis import Redis
from rq import Queue, SimpleWorker

from console.model import job_terms
from console.model.filters import Filter, parse
from console.model.pages import Found
from console.model.queries import FailuresQuery, JobsQuery
from console.model.secrets import DEFAULT
from console.store import search
from console.store.search import CHUNK
from console.store.seen import Seen
from jobs import keys
from tests.benchmarks.ratios import RoundTrips

NOW = 1_700_000_000.0


def asked(expression: str) -> Filter:
    return parse(expression, job_terms.FIELDS)


def run(redis: Redis, query: JobsQuery | FailuresQuery, stopped: Callable[[], bool] = lambda: False) -> list[Found]:
    return list(search.jobs(redis, query, time.time(), stopped, Seen(), DEFAULT))


def found(told: list[Found]) -> list[str]:
    return [key.decode() for part in told for key in part.keys]


def fill(redis: Redis, queue: str, count: int) -> None:
    """A queue of so many jobs, of which every hundredth is for ada."""
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + queue)
    with redis.pipeline(transaction=False) as pipe:
        for n in range(count):
            meta = json.dumps({"user": "ada" if n % 100 == 0 else "bob"})
            pipe.rpush(keys.RQ_QUEUE + queue, f"{queue}-{n}")
            fields = {
                "status": "queued",
                "origin": queue,
                "description": f"shop.mail.send({n})",
                "meta": meta,
            }
            pipe.hset(keys.RQ_JOB + f"{queue}-{n}", mapping=fields)
        pipe.execute()


def test_every_chunk_is_told_and_the_last_is_the_end(redis: Redis) -> None:
    fill(redis, "mail", 2 * CHUNK + 1)
    told = run(redis, JobsQuery(filter=asked("user:ada")))
    assert [part.read for part in told] == [CHUNK, 2 * CHUNK, 2 * CHUNK + 1, 2 * CHUNK + 1]
    assert {part.of for part in told} == {2 * CHUNK + 1}
    assert [part.done for part in told] == [False, False, False, True]
    assert found(told) == [f"mail-{n}" for n in range(0, 2 * CHUNK + 1, 100)]
    assert told[-1].more == ""


def test_nothing_to_look_at_is_told_too(redis: Redis) -> None:
    assert run(redis, JobsQuery(filter=asked("user:ada"))) == [Found(0, 0, (), done=True)]


def test_chunks_span_queues_and_one_queue_is_enough_where_it_is_named(redis: Redis) -> None:
    for queue in ("low", "mail", "high"):
        fill(redis, queue, 150)
    query = JobsQuery(filter=asked("user=ada"))
    assert found(run(redis, query)) == [f"{queue}-{n}" for queue in ("high", "low", "mail") for n in (0, 100)]
    one = run(redis, JobsQuery(queue=b"mail", filter=query.filter, reverse=True))
    assert (found(one), one[-1].of) == (["mail-100", "mail-0"], 150)


def test_a_chunk_costs_three_trips(redis: Redis) -> None:
    fill(redis, "mail", 3 * CHUNK)
    with RoundTrips(redis) as trips:
        run(redis, JobsQuery(queue=b"mail", filter=asked("func:send")))
    assert trips.count == 1 + 3 * 3


def test_a_search_can_be_stopped_between_chunks(redis: Redis) -> None:
    fill(redis, "mail", 3 * CHUNK)
    answers = iter([False, True])
    told = run(redis, JobsQuery(filter=asked("ada")), lambda: next(answers))
    assert [part.read for part in told] == [CHUNK, CHUNK]
    assert (told[-1].done, told[-1].more) == (True, "it was stopped")


def test_a_search_ends_at_its_bounds_and_says_so(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(redis, "mail", 3 * CHUNK)
    monkeypatch.setattr(search, "MAX_READ", CHUNK + 100)
    told = run(redis, JobsQuery(filter=asked("send")))
    assert (told[-1].read, told[-1].of, len(found(told))) == (CHUNK + 100, 3 * CHUNK, CHUNK + 100)
    assert told[-1].more == "600 were looked at: choose one queue to look at others"
    monkeypatch.setattr(search, "MAX_FOUND", 20)
    told = run(redis, JobsQuery(filter=asked("send")))
    assert (told[-1].read, len(found(told)), told[-1].more) == (CHUNK, 20, "20 were found: ask for less to see the others")


def test_a_job_that_is_met_twice_is_told_once(redis: Redis) -> None:
    fill(redis, "mail", CHUNK)
    redis.lpush(keys.RQ_QUEUE + "mail", "mail-100", "mail-100")
    redis.rpush(keys.RQ_QUEUE + "mail", "mail-100")
    told = found(run(redis, JobsQuery(filter=asked("user:ada"))))
    assert sorted(told) == sorted(set(told))
    assert "mail-100" in told


def test_what_cannot_be_looked_at_is_told(redis: Redis) -> None:
    fill(redis, "mail", 3)
    redis.set(keys.RQ_JOB + "odd", "no hash")
    redis.rpush(keys.RQ_QUEUE + "mail", "odd")
    told = run(redis, JobsQuery(filter=asked("send")))
    assert len(found(told)) == 3
    assert told[-1].more.startswith("1 could not be read: rq:job:odd: WRONGTYPE")


def test_failures_are_found_by_what_their_rows_tell(redis: Redis) -> None:
    mail = Queue("mail", connection=redis)
    mail.enqueue("operator.truediv", 1, 0, job_id="zero", meta={"user": "ada", "tier": "pro"})
    mail.enqueue("builtins.int", "hello", job_id="text", description="int('hello')")
    SimpleWorker([mail], connection=redis).work(burst=True)
    matching = {
        "": ["text", "zero"],
        "error:ZeroDivision": ["zero"],
        "ZeroDivision": ["zero"],
        "-error:ZeroDivision": ["text"],
        "func:operator.*": ["zero"],
        "func=int": ["text"],
        "call:hello": ["text"],
        "id=zero": ["zero"],
        "state:failed queue:mail age<1h": ["text", "zero"],
        "age>1h": [],
        "user:ada": ["zero"],
        "pro": [],
        "tier:pro": ["zero"],
    }
    for expression, ids in matching.items():
        assert sorted(found(run(redis, FailuresQuery(filter=asked(expression))))) == ids, expression
