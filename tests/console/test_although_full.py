"""Where memory is full and nothing may be evicted: what frees memory goes on, with its audit; what takes more is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from redis import Redis
from rq import Queue

from console.cli import run
from console.model.commands import Cancel, JobSeen, Outcome, Pause, Remove, ScheduleSeen, Shutdown, Stop, WorkerSeen
from console.model.operations import Counts, Ended
from console.store.acts import audit
from jobs import User, keys, set_user
from jobs.schedules import schedule_id
from tests.conftest import Server
from tests.console.acting import acted, seen
from tests.console.giving import codes, do, held, operation, undo, writer_of
from tests.contents import contents

WEEK = 7 * 86_400


@pytest.fixture
def full(redis: Redis) -> Iterator[Callable[[], object]]:
    """Let memory be full from here on."""
    redis.config_set("maxmemory-policy", "noeviction")
    yield lambda: redis.config_set("maxmemory", 1)
    redis.config_set("maxmemory", 0)


@contextmanager
def told(redis: Redis, worker: str) -> Iterator[list[bytes]]:
    """What a worker, which is there and does nothing, is told meanwhile."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    redis.hset(f"rq:worker:{worker}", mapping={"birth": now, "last_heartbeat": now})
    heard: list[bytes] = []
    with redis.pubsub(ignore_subscribe_messages=True) as listening:
        listening.subscribe(f"rq:pubsub:{worker}")
        while not listening.subscribed or listening.get_message(timeout=5) is not None:
            pass
        yield heard
        while message := listening.get_message(timeout=1):
            heard.append(message["data"])


def test_jobs_are_deleted_put_back_and_canceled(
    redis: Redis, full: Callable[[], object], capsys: pytest.CaptureFixture[str]
) -> None:
    queue = Queue("low", connection=redis)
    for name in ("a", "b", "c"):
        queue.enqueue("operator.add", 1, 2, job_id=name)
    before = held(redis)
    full()
    assert run(["delete", "a", "b", "--yes"]) == 0, capsys.readouterr().err
    assert queue.job_ids == ["c"]
    operation_id = redis.xrange(keys.ACTIVITY)[0][1][b"operation"].decode()
    assert run(["undo", operation_id, "--yes"]) == 0, capsys.readouterr().err
    assert held(redis) == before
    assert run(["cancel", "b", "--yes"]) == 0, capsys.readouterr().err
    assert redis.hget("rq:job:b", "status") == b"canceled"
    events = [(fields[b"event"], fields.get(b"done", b"")) for _, fields in redis.xrange(keys.ACTIVITY)]
    assert events == [(b"begun", b""), (b"ended", b"2"), (b"begun", b""), (b"ended", b"2"), (b"begun", b""), (b"ended", b"1")]
    assert redis.hget(keys.OPERATION + operation_id, "done") == b"2"


def test_what_is_skipped_is_counted(redis: Redis, server: Server, full: Callable[[], object]) -> None:
    job = seen(redis, Queue("low", connection=redis).enqueue("operator.add", 1, 2).id, "low", "queued")
    full()
    with writer_of(server) as writer:
        assert codes(do(writer, Cancel(), JobSeen(b"lost", b"low", "queued"), job)) == ["gone", "done"]
    assert redis.hmget(keys.OPERATION + "op1", "gone", "done") == [b"1", b"1"]


def test_a_schedule_is_removed_and_put_back(redis: Redis, server: Server, full: Callable[[], object]) -> None:
    set_user(redis, User("ada", "pro"), tasks=["scrape"])
    name = schedule_id("ada", "scrape").encode()
    before = held(redis)
    full()
    with writer_of(server) as writer:
        assert codes(do(writer, Remove(), ScheduleSeen(name, "user"))) == ["done"]
        assert redis.zscore(keys.ENTRIES, name) is None
        assert undo(writer, [name]) == ["done"]
    assert held(redis) == before


def test_a_worker_is_told_once(redis: Redis, server: Server, full: Callable[[], object]) -> None:
    """A second shutdown would kill its work-horse."""
    with writer_of(server) as writer, told(redis, "w1") as heard:
        full()
        asked = operation(Shutdown())
        writer.begin(asked)
        [came] = acted(writer, asked, Shutdown(), [WorkerSeen(b"w1")], time.time())
        assert came.result == "sent"
    assert heard == [b'{"command":"shutdown"}']


def test_a_running_job_is_stopped_once(redis: Redis, server: Server, full: Callable[[], object]) -> None:
    job = Queue("low", connection=redis).enqueue("operator.add", 1, 2, job_id="a")
    redis.hset(job.key, "status", "started")
    redis.zadd("rq:executions:a", {"e": time.time() + 60})
    redis.hset("rq:execution:a:e", "worker_name", "w1")
    with writer_of(server) as writer, told(redis, "w1") as heard:
        full()
        asked = operation(Stop())
        writer.begin(asked)
        [came] = acted(writer, asked, Stop(), [JobSeen(b"a", b"low", "running")], time.time())
        assert came.result == "sent"
    assert len(heard) == 1


def test_what_would_take_memory_is_refused_and_leaves_all_as_it_was(
    redis: Redis, full: Callable[[], object], capsys: pytest.CaptureFixture[str]
) -> None:
    job = Queue("low", connection=redis).enqueue("operator.add", 1, 2)
    redis.lrem("rq:queue:low", 0, job.id)
    redis.hset(job.key, "status", "failed")
    redis.zadd(keys.RQ_FAILED + "low", {job.id: time.time() + 600})
    before = held(redis)
    full()
    assert run(["requeue", job.id, "--yes"]) == 3
    assert "its memory is full" in " ".join(capsys.readouterr().err.split())
    assert held(redis) == before


# --- the counts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["jobs", "workers", "schedules"])
def test_counts_that_have_expired_meanwhile_end_again(redis: Redis, server: Server, what: str) -> None:
    with writer_of(server) as writer:
        command, one = {
            "jobs": (Cancel(), JobSeen(b"lost", b"low", "queued")),
            "workers": (Shutdown(), WorkerSeen(b"lost")),
            "schedules": (Pause(), ScheduleSeen(b"lost", "user")),
        }[what]
        asked = operation(command)
        writer.begin(asked)
        redis.delete(keys.OPERATION + asked.id)
        acted(writer, asked, command, [one], time.time())
    assert redis.hget(keys.OPERATION + asked.id, "gone") == b"1"
    assert WEEK - 100 < redis.ttl(keys.OPERATION + asked.id) <= WEEK


def test_a_step_of_the_audit_is_the_same_where_memory_is_full(redis: Redis, server: Server, full: Callable[[], object]) -> None:
    asked = operation(Cancel())

    def noted() -> list[object]:
        redis.delete(keys.ACTIVITY, keys.OPERATION + asked.id)
        with writer_of(server) as writer:
            writer.begin(asked)
            audit.count(redis, asked.id, [Outcome(b"a", "done"), Outcome(b"b", "sent")])
            writer.end(asked, Ended(2.0, "done", Counts(1, 1)))
        counts = contents(redis)[(keys.OPERATION + asked.id).encode()]
        return [counts[0], *(fields for _, fields in redis.xrange(keys.ACTIVITY))]

    before = noted()
    full()
    assert noted() == before
