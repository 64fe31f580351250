"""Failures by time: of one queue at any depth, of many queues merged, and what an error is said to be."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from typing import Any

import pytest
from redis import Redis
from rq import Queue, SimpleWorker

from console.model.pages import JobsPage
from console.model.queries import FailuresQuery
from console.model.secrets import DEFAULT
from console.model.tracebacks import final_line, final_words
from console.store import failures
from console.store.failures import REACH
from console.store.seen import Seen
from jobs import keys
from tests.benchmarks.ratios import RoundTrips

NOW = 1_700_000_000.0


def page(redis: Redis, queue: bytes | None = None, seen: Seen | None = None, **more: Any) -> JobsPage:
    return failures.read(redis, FailuresQuery(queue, **more), NOW, seen or Seen(), DEFAULT)


def ids(found: JobsPage) -> list[str]:
    return [row.id for row in found.rows]


def fail(redis: Redis, scores: dict[str, dict[str, float]]) -> list[str]:
    """Failed jobs by queue with their scores; their ids, the latest first, by the order of RQ's index among equals."""
    with redis.pipeline(transaction=False) as pipe:
        for queue, jobs in scores.items():
            pipe.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + queue)
            pipe.zadd(keys.RQ_FAILED + queue, jobs)
            for job in jobs:
                pipe.hset(keys.RQ_JOB + job, mapping={"status": "failed", "origin": queue})
        pipe.execute()
    at = [(-score, job) for jobs in scores.values() for job, score in jobs.items()]
    return [job for _, job in sorted(at)]


def spread(queues: int, jobs: int, shares: Iterable[float]) -> dict[str, dict[str, float]]:
    """Failures at different instants, some queues with many and most with few of them."""
    chance = random.Random(7)
    names = [f"q{n:04}" for n in range(queues)]
    scores: dict[str, dict[str, float]] = {name: {} for name in names}
    instants = chance.sample(range(1, 10 * jobs), jobs)
    for n, (name, at) in enumerate(zip(chance.choices(names, list(shares), k=jobs), instants, strict=True)):
        scores[name][f"job-{n}"] = NOW + at
    return {name: jobs for name, jobs in scores.items() if jobs}


@pytest.mark.parametrize("shares", [[1.0] * 40, [100.0, *[0.5] * 39], [2.0**-n for n in range(40)]])
def test_the_failures_of_all_queues_are_merged_by_time(redis: Redis, shares: list[float]) -> None:
    shown = fail(redis, spread(40, 2_500, shares))
    for start, size in ((0, 1), (0, 50), (37, 13), (950, 50), (1_900, 500), (1_999, 1)):
        found = page(redis, start=start, size=size)
        assert ids(found) == shown[start : min(start + size, REACH)]
        assert (found.total, found.of) == (REACH, 2_500)
    assert ids(page(redis, start=REACH, size=50)) == []


def test_many_queues_cost_four_trips_and_little_more_than_is_shown(redis: Redis) -> None:
    shown = fail(redis, spread(1_000, 6_000, [1.0] * 1_000))
    seen = Seen()
    page(redis, seen=seen)
    redis.config_resetstat()
    with RoundTrips(redis) as trips:
        found = page(redis, seen=seen, size=50)
    assert ids(found) == shown[:50]
    assert trips.count == 4
    assert redis.info("stats")["total_net_output_bytes"] < 400_000


def test_failures_of_the_same_second_are_all_shown_once(redis: Redis) -> None:
    scores = {f"q{n}": {f"q{n}-{job:03}": NOW + 60 for job in range(30)} for n in range(12)}
    fail(redis, scores)
    seen = Seen()
    page(redis, seen=seen)
    found = [job for start in range(0, 360, 25) for job in ids(page(redis, seen=seen, start=start, size=25))]
    assert sorted(found) == sorted(job for jobs in scores.values() for job in jobs)


def test_expired_failures_are_passed_over_and_kept_ones_come_last(redis: Redis) -> None:
    latest = fail(redis, {"mail": {"a": NOW + 3, "b": NOW + 1}, "post": {"c": NOW + 2}})
    fail(redis, {"mail": {"old": NOW - 5, "m-1": -1, "m-2": -1}, "post": {"older": 0, "p-1": -1}})
    shown = [*latest, "m-2", "m-1", "p-1"]
    for start in range(7):
        for size in (1, 2, 4, 50):
            found = page(redis, start=start, size=size)
            assert ids(found) == shown[start : start + size]
            assert (found.total, found.of, found.counts) == (6, 6, {"failed": 6})


def test_any_page_of_one_queue_costs_three_trips(redis: Redis) -> None:
    shown = fail(redis, {"mail": {f"job-{n}": NOW + n for n in range(1, 5_001)}})
    fail(redis, {"post": {"other": NOW + 9}})
    for start in (0, 2_500, 4_990):
        with RoundTrips(redis) as trips:
            found = page(redis, b"mail", start=start, size=50)
        assert ids(found) == shown[start : start + 50]
        assert (found.total, found.of, trips.count) == (5_000, None, 3)


def test_a_page_costs_the_same_however_many_have_failed(redis: Redis) -> None:
    sent = []
    for jobs in (100, 20_000):
        redis.zadd(keys.RQ_FAILED + "mail", {f"job-{n}": NOW + n for n in range(1, jobs + 1)})
        redis.config_resetstat()
        page(redis, b"mail", start=jobs - 50, size=50)
        sent.append(redis.info("stats")["total_net_output_bytes"])
    assert sent[1] < 1.2 * sent[0]


def test_a_registry_of_the_wrong_type_is_named_and_spoils_nothing_else(redis: Redis) -> None:
    fail(redis, {"mail": {"a": NOW + 3}})
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + "broken")
    redis.set(keys.RQ_FAILED + "broken", "no sorted set")
    found = page(redis)
    assert (ids(found), found.total, [one.what for one in found.refused]) == (["a"], 1, ["rq:failed:broken"])
    assert page(redis, b"broken").total is None


# --- errors -------------------------------------------------------------------------------------


def explode(kind: str) -> None:
    """A task that fails in one way or another."""
    if kind == "chain":
        try:
            raise KeyError("first")
        except KeyError as error:
            raise RuntimeError("it ended here\nTraceback of a stranger\n  and more") from error
    if kind == "notes":
        noted = ValueError("with a note")
        noted.add_note("a note")
        raise noted
    if kind == "group":
        raise ExceptionGroup("several", [ValueError("one"), KeyError("two")])
    if kind == "syntax":
        compile("def (", "somewhere.py", "exec")
    if kind == "secret":
        raise ConnectionError("cannot reach redis://ada:hunter2@cache/0")
    raise ValueError(kind)


def test_an_error_is_what_the_exception_that_nobody_caught_said(redis: Redis) -> None:
    told = {
        "chain": "RuntimeError: it ended here Traceback of a stranger and more",
        "notes": "ValueError: with a note a note",
        "group": "ExceptionGroup: several (2 sub-exceptions)",
        "syntax": "SyntaxError: invalid syntax",
        "x" * 1_000: "ValueError: " + "x" * 287 + "…",
        "": "ValueError",
        "secret": "ConnectionError: cannot reach redis://",
    }
    mail = Queue("mail", connection=redis)
    for n, kind in enumerate(told):
        mail.enqueue(explode, kind, job_id=f"job-{n}")
    SimpleWorker([mail], connection=redis).work(burst=True)
    found = failures.read(redis, FailuresQuery(b"mail"), time.time(), Seen(), DEFAULT)
    errors = {row.id: row.error or "" for row in found.rows}
    *plain, secret = [errors[f"job-{n}"] for n in range(len(told))]
    assert [*plain, secret[: len(told["secret"])]] == list(told.values())
    assert "hunter2" not in secret


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ""),
        ("\n \n", ""),
        ("Work-horse terminated unexpectedly; waitpid returned 9; ", "Work-horse terminated unexpectedly; waitpid returned 9;"),
        ("Moved to FailedJobRegistry, due to AbandonedJobError\n", "Moved to FailedJobRegistry, due to AbandonedJobError"),
        ("Traceback (most recent call last):\n  File x\n    cut of", "cut of"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
    ],
)
def test_what_is_no_traceback_is_told_as_it_is(text: str, told: str) -> None:
    assert final_line(text) == told


def test_a_result_that_cannot_be_read_says_so(redis: Redis) -> None:
    fail(redis, {"mail": {"a": NOW + 3, "b": NOW + 2, "c": NOW + 1}})
    redis.xadd("rq:results:a", {"type": 2, "exc_string": "no base64!"})
    redis.set("rq:results:b", "no stream")
    redis.xadd("rq:results:c", {"type": 1})
    found = page(redis)
    errors = [row.error for row in found.rows]
    assert errors[0] is not None
    assert errors[0].startswith("(a traceback that cannot be read")
    assert errors[1:] == [None, None]
    assert [one.what for one in found.refused] == ["rq:results:b"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('Traceback (most recent call last):\n  File "x", line 1\nValueError: a\nb\n  c\n', "ValueError: a\nb\n  c"),
        ('Traceback (most recent call last):\n  File "x", line 1\nValueError: a\n', "ValueError: a"),
        ("  + Exception Group Traceback (most recent call last):\n  |   File \"x\", line 1\n  | ExceptionGroup: a (1)\n"
         "  +-+---------------- 1 ----------------\n    | ValueError: x\n", "ExceptionGroup: a (1)"),
        ("Moved to x, due to AbandonedJobError\n", "Moved to x, due to AbandonedJobError"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_message_is_told_with_all_its_lines(text: str, told: str) -> None:
    assert final_words(text) == told
