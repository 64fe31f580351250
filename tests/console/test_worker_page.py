"""Workers and schedulers with what they do, by stock processes on a real server."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from redis import Redis
from rq import Queue
from rq.cron import CronScheduler

from console.model.queries import WorkersQuery
from console.model.secrets import DEFAULT
from console.model.workers import WorkerRow, WorkersPage
from console.store import worker_page
from console.store.seen import Seen
from jobs import controls, heartbeat_entry, keys
from jobs.registering import set_user
from jobs.users import User
from tests.benchmarks.ratios import RoundTrips
from tests.conftest import Server, Stock, until
from tests.console.test_status_reads_only import everything
from tests.fast_tiers import fast_tiers, runs_of  # noqa: F401 - autouse


def read(redis: Redis, seen: Seen | None = None, now: float | None = None) -> WorkersPage:
    return worker_page.read(redis, WorkersQuery(), time.time() if now is None else now, seen or Seen(), DEFAULT)


def by_name(page: WorkersPage) -> dict[str, WorkerRow]:
    return {row.status.name: row for row in page.workers}


@pytest.fixture
def busy(redis: Redis, stock: Stock) -> Iterator[Redis]:
    """A worker that runs a job, one that is idle and schedules, an rqscheduler, an `rq cron`, and a worker that was killed."""
    heartbeat_entry.install(redis)
    killed = stock.worker("nowhere", "--name", "killed")
    until(lambda: redis.exists("rq:worker:killed"), what="a worker to kill")
    set_user(redis, User("ada", "slow"), ["gated"])
    controls.run_now(redis, "ada", "gated")
    stock.worker("default", "--name", "busy")
    stock.worker("only-a-worker-knows", "--with-scheduler", "--name", "idle")
    stock.scheduler()
    cron = CronScheduler(connection=redis, name="cron-1")
    cron.register_birth()
    until(lambda: runs_of(redis, "ada", "gated")[0].state == "started", what="a running job")
    until(lambda: redis.hget(f"{keys.ATTEMPTS}{runs_of(redis, 'ada', 'gated')[0].id}", "progress"), what="its progress")
    until(lambda: redis.zcard(keys.SCHEDULERS), what="an rqscheduler")
    until(lambda: redis.exists(keys.RQ_SCHEDULER_LOCK + "only-a-worker-knows"), what="RQ's scheduler")
    until(lambda: redis.pubsub_numsub("rq:pubsub:idle")[0][1], what="an idle worker")
    os.kill(killed.pid, 9)
    killed.wait()
    yield redis
    redis.set("test:gate", 1)


def test_who_does_what_as_somebody_who_may_only_read_sees_it(busy: Redis, server: Server) -> None:
    rights = ("+@read", "+info", "+ping", "+pubsub|numsub")
    busy.execute_command("ACL", "SETUSER", "reader", "reset", "on", ">hunter2", "%R~*", *rights)
    with Redis.from_url(server.url.replace("unix://", "unix://reader:hunter2@")) as reader:
        see_who_does_what(busy, reader)
    busy.execute_command("ACL", "DELUSER", "reader")


def see_who_does_what(busy: Redis, reader: Redis) -> None:
    page = read(reader, now=time.time() + 10)
    workers = by_name(page)
    assert {name: row.status.verdict for name, row in workers.items()} == {"busy": "live", "idle": "live", "killed": "gone"}
    row = workers["busy"]
    run = runs_of(busy, "ada", "gated")[0]
    assert (row.key, row.job_key, row.status.job, row.call) == (b"busy", run.id.encode(), run.id, "gated('ada')")
    assert row.progress == (0.5, "half way")
    assert row.running_s is not None
    assert row.running_s >= 10
    assert row.busy_share is not None
    assert 0 < row.busy_share <= 1
    assert row.born_at == pytest.approx(time.time(), abs=120)
    assert row.version == "3.0.0"
    idle = workers["idle"]
    assert (idle.job_key, idle.call, idle.running_s, idle.progress, idle.busy_share) == (None, "", None, None, 0.0)
    assert {(one.kind, one.verdict) for one in page.schedulers} == {
        ("rqscheduler", "live"),
        ("rq", "live"),
        ("rq-cron", "live"),
    }
    assert (page.suspended, page.refused, page.unread) == (False, (), ())

    seen = Seen()
    with RoundTrips(reader) as trips:
        first = read(reader, seen)
    assert trips.count == 4
    with RoundTrips(reader) as trips:
        second = read(reader, seen)
    assert trips.count <= 3
    assert [row.status.name for row in first.workers] == [row.status.name for row in second.workers]
    assert len(first.schedulers) == len(second.schedulers) == 3

    busy.set("rq:suspended", 1)
    busy.srem("rq:workers", "rq:worker:killed")
    page = read(reader, seen)
    assert (page.suspended, page.suspended_s) == (True, None)
    busy.expire("rq:suspended", 600)
    assert read(reader, seen).suspended_s == pytest.approx(600, abs=30)
    assert set(by_name(page)) == {"busy", "idle"}


def test_the_time_worked_is_counted(redis: Redis, stock: Stock) -> None:
    Queue("mail", connection=redis).enqueue("time.sleep", 0.3)
    assert stock.worker("--burst", "mail", "--name", "done").wait(60) == 0, stock.logs()
    redis.sadd("rq:workers", "rq:worker:done")
    [row] = read(redis).workers
    assert (row.status.done, row.status.verdict) == (1, "gone")
    assert row.busy_share is not None
    assert row.busy_share > 0


def test_an_installation_without_workers(redis: Redis) -> None:
    page = read(redis)
    assert (page.workers, page.schedulers, page.suspended, page.refused) == ((), (), False, ())


def test_workers_of_any_kind_are_listed(redis: Redis) -> None:
    names: list[bytes] = [b"gone", b"wrong", b"\xff name \x1b[31m", b"absurd", b"n" * 900]
    redis.sadd("rq:workers", *(b"rq:worker:" + name for name in names), b"no prefix", b"x" * 10_000)
    redis.set("rq:worker:wrong", "no hash")
    redis.hset(
        "rq:worker:absurd",
        mapping={
            "birth": "yesterday",
            "last_heartbeat": "2026-01-01T00:00:00Z",
            "total_working_time": "nan",
            "state": "busy",
            "version": b"\xff",
            "queues": b"\xff,a b",
            "current_job": "job \x1b",
        },
    )
    born = {"birth": "2026-01-01T00:00:00Z", "total_working_time": "1e15", "state": "busy"}
    redis.hset(b"rq:worker:\xff name \x1b[31m", mapping=born)
    redis.sadd(b"rq:worker:\xff name \x1b[31m:executions", b"huge:1")
    redis.hset("rq:job:huge", mapping={"description": b"x" * 5_000_000, "started_at": "soon"})
    redis.hset(keys.ATTEMPTS + "huge", "progress", '{"fraction": 5, "message": 7}')
    redis.set("rq:job:job \x1b", "no hash")
    redis.hset(keys.ATTEMPTS + "job \x1b", "progress", "[" * 60_000)
    before = everything(redis)
    page = read(redis)
    assert everything(redis) == before
    found = {row.key: row for row in page.workers}
    assert set(found) == {*names, b"no prefix"}
    assert (found[b"absurd"].busy_share, found[b"absurd"].version, found[b"absurd"].born_at) == (None, "\\xff", None)
    assert (found[b"absurd"].job_key, found[b"absurd"].call, found[b"absurd"].progress) == (b"job \x1b", "", None)
    strange = found[b"\xff name \x1b[31m"]
    assert (strange.job_key, strange.call, strange.running_s, strange.busy_share) == (b"huge", "", None, 1.0)
    assert strange.progress is None
    assert page.refused


def test_lists_of_the_wrong_type_are_named(redis: Redis) -> None:
    redis.set("rq:workers", "x")
    redis.set("rq:queues", "x")
    page = read(redis)
    assert page.workers == ()
    assert {"rq:workers", "rq:queues"} <= {refused.what for refused in page.refused}
