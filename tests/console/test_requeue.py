"""Requeue: against RQ's own call for all that the catalogue has, and where RQ's own call does harm."""

from __future__ import annotations

import hashlib
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.job import Job, JobStatus
from rq.rate_limit import RateLimit
from rq.registry import FailedJobRegistry

from console.model.bulk import Control, carry_out
from console.model.commands import JobSeen, Requeue
from console.model.operations import Operation
from console.model.ports import WriteError
from console.store import scripts
from console.store.writer import StoreWriter
from jobs.scripts import Script
from tests import catalogue
from tests.catalogue_tasks import echo
from tests.conftest import Server, Stock, until
from tests.console.acting import act, codes, differences, only_meant, restore, seen, snapshot
from tests.console.rights import reading_user
from tests.contents import contents

PATH = {"PYTHONPATH": str(Path(__file__).parents[2])}


def failed(redis: Redis, name: str = "odd", function: Any = echo, **options: Any) -> JobSeen:
    """A job that has failed, as RQ's own calls leave it."""
    queue = Queue(name, connection=redis)
    job = queue.enqueue(function, 1, **options)
    if job.has_rate_limit:
        redis.zrem(f"rq:rl:{job.rate_limit_key}:allowed", job.id)
    queue.remove(job)
    job.set_status(JobStatus.FAILED)
    FailedJobRegistry(queue=queue).add(job, ttl=600)
    return seen(redis, job.id, name, "failed")


def hash_of(redis: Redis, job: JobSeen) -> dict[bytes, bytes]:
    return redis.hgetall(b"rq:job:" + job.key)


def counted(redis: Redis) -> dict[bytes, int]:
    """What the operation has come to, by code."""
    found = redis.hgetall("tq:operation:op1")
    return {code: int(n) for code, n in found.items() if code != b"begun"}


def compared(redis: Redis, case: JobSeen, *, at_front: bool) -> list[Any]:
    job = Job.fetch(case.key.decode(), connection=redis)

    def ours() -> None:
        assert codes(act(redis, Requeue(at_front=at_front), case)) == ["done"]

    return differences(redis, lambda: job.requeue(at_front=at_front), ours)


def test_leaves_what_rq_s_own_requeue_leaves(redis: Redis, stock: Stock) -> None:
    jobs = catalogue.build(redis, stock)
    cases = [seen(redis, job) for job in jobs.jobs.values() if job.state in ("failed", "stopped") and job.status is not None]
    assert len(cases) > 8
    cases += [failed(redis, rate_limit=RateLimit("one", 1)) for _ in range(2)]
    cases += [
        failed(redis, rate_limit=RateLimit("many", 9)),
        parent := failed(redis, "orphaned"),
        bare := failed(redis, "bare"),
    ]
    Queue("children", connection=redis).enqueue(echo, depends_on=parent.key.decode())
    redis.expire(f"rq:job:{parent.key.decode()}:dependents", 300)
    redis.srem("rq:queues", "rq:queue:orphaned")
    redis.hdel(b"rq:job:" + bare.key, "timeout")
    holder = Queue("odd", connection=redis).enqueue(echo, rate_limit=RateLimit("one", 1))
    assert holder.get_status() == JobStatus.QUEUED
    before = snapshot(redis)
    found = []
    for case in cases:
        for at_front in (False, True):
            restore(redis, before)
            found += compared(redis, case, at_front=at_front)
    only_meant("requeue", found)


def test_a_traceback_of_before_is_emptied_as_rq_s_own_requeue_empties_it(redis: Redis) -> None:
    traced, limited, bare = failed(redis), failed(redis, rate_limit=RateLimit("one", 1)), failed(redis)
    for job in (traced, limited):
        redis.hset(b"rq:job:" + job.key, "exc_info", b"of before")
    for job in (traced, limited):
        assert not [one for one in compared(redis, job, at_front=False) if one.field == "exc_info"]
        assert zlib.decompress(hash_of(redis, job)[b"exc_info"]) == b""
    assert codes(act(redis, Requeue(), bare)) == ["done"]
    assert b"exc_info" not in hash_of(redis, bare)


@pytest.mark.parametrize("options", [{}, {"at_front": True}, {"fresh_retries": True}])
def test_jobs_of_many_kinds_leave_together_what_they_leave_one_by_one(redis: Redis, options: dict[str, bool]) -> None:
    plain, again, bare, nameless, elsewhere, late = (failed(redis, retry=Retry(3, interval=[1, 2, 3])) for _ in range(6))
    redis.hdel(b"rq:job:" + bare.key, "timeout")
    redis.hdel(b"rq:job:" + nameless.key, "origin")
    redis.hset(b"rq:job:" + elsewhere.key, "origin", "its own")
    redis.hset(b"rq:job:" + again.key, "rate_limit_key", "")
    redis.hset(b"rq:job:" + late.key, "status", "queued")
    redis.expire(b"rq:job:" + late.key, 600)
    Queue("other", connection=redis).enqueue(echo, rate_limit=RateLimit("one", 1))
    limited = failed(redis, rate_limit=RateLimit("one", 1))
    other = failed(redis, "other")
    run = failed(redis, job_id="tq-echo-0a-1f")
    redis.set("tq:attempts:tq-echo-0a-1f", "some")
    asked = (plain, bare, run, plain, other, nameless, limited, elsewhere, late, again)
    command = Requeue(**options)

    def one_by_one() -> None:
        assert codes([act(redis, command, job)[0] for job in asked]) == expected

    def at_once() -> None:
        assert codes(act(redis, command, *asked)) == expected
        assert redis.zrange("tq:waiting:odd", 0, -1) == [run.key]
        order = [job.key for job in (plain, bare, run, nameless, again)]
        assert redis.lrange("rq:queue:odd", 0, -1) == order[:: -1 if command.at_front else 1]

    expected = ["done", "done", "done", "changed", "done", "done", "done", "done", "changed", "done"]
    assert {(one.key, one.field) for one in differences(redis, one_by_one, at_once)} <= {("tq:operation:op1", "begun")}


def test_each_is_done_once_and_what_changed_is_left_alone(redis: Redis) -> None:
    first, second, taken, expired = (failed(redis) for _ in range(4))
    Job.fetch(taken.key.decode(), connection=redis).requeue()
    redis.delete(b"rq:job:" + expired.key)
    older = JobSeen(second.key, second.queue, "failed", (second.score or 0) - 1)
    unknown = JobSeen(b"nobody", b"odd", "failed", 1.0)
    running = JobSeen(first.key, b"odd", "running")
    asked = (first, first, older, taken, expired, unknown, running)
    assert codes(act(redis, Requeue(), *asked)) == ["done", "changed", "changed", "changed", "gone", "gone", "state"]
    assert codes(act(redis, Requeue(), first)) == ["changed"]
    assert redis.lrange("rq:queue:odd", 0, -1) == [taken.key, first.key]
    assert redis.zrange("rq:failed:odd", 0, -1) == sorted([second.key, expired.key])
    assert counted(redis) == {b"done": 1, b"changed": 4, b"gone": 2}


def test_goes_to_the_job_s_own_queue_and_to_its_registry_s_where_it_names_none(redis: Redis) -> None:
    elsewhere, nameless = failed(redis), failed(redis)
    redis.hset(b"rq:job:" + elsewhere.key, "origin", "its own")
    redis.hdel(b"rq:job:" + nameless.key, "origin")
    assert codes(act(redis, Requeue(), elsewhere, nameless)) == ["done", "done"]
    assert redis.lrange("rq:queue:its own", 0, -1) == [elsewhere.key]
    assert redis.lrange("rq:queue:odd", 0, -1) == [nameless.key]
    assert hash_of(redis, nameless)[b"origin"] == b"odd"
    assert redis.smembers("rq:queues") == {b"rq:queue:its own", b"rq:queue:odd"}


def test_what_is_of_another_type_is_told_and_changes_nothing(redis: Redis) -> None:
    broken_hash, blocked, limited, fine = (
        failed(redis),
        failed(redis, "blocked"),
        failed(redis, rate_limit=RateLimit("x", 1)),
        failed(redis),
    )
    redis.delete(b"rq:job:" + broken_hash.key, "rq:rl:x")
    redis.set(b"rq:job:" + broken_hash.key, "no hash")
    redis.set("rq:queue:blocked", "no list")
    redis.set("rq:rl:x", "no hash")
    redis.set("rq:failed:strange", "no registry")
    strange = JobSeen(fine.key, b"strange", "failed", 1.0)
    before = [hash_of(redis, one) for one in (blocked, limited)]
    asked = (broken_hash, blocked, limited, strange, fine)
    assert codes(act(redis, Requeue(), *asked)) == ["unreadable"] * 4 + ["done"]
    assert [hash_of(redis, one) for one in (blocked, limited)] == before
    assert redis.zscore("rq:failed:blocked", blocked.key) == blocked.score
    assert redis.lrange("rq:queue:odd", 0, -1) == [fine.key]


def test_thousands_at_once_keep_their_order(redis: Redis) -> None:
    jobs = [JobSeen(b"j%d" % n, b"odd", "failed", 1.5) for n in range(3_000)]
    with redis.pipeline(transaction=False) as pipe:
        for job in jobs:
            pipe.hset(b"rq:job:" + job.key, mapping={"status": "failed", "origin": "odd"})
        pipe.zadd("rq:failed:odd", {job.key: 1.5 for job in jobs})
        pipe.execute()
    assert set(codes(act(redis, Requeue(), *jobs))) == {"done"}
    assert redis.lrange("rq:queue:odd", 0, -1) == [job.key for job in jobs]
    assert counted(redis) == {b"done": 3000}


@pytest.mark.parametrize("job", [b"\xff\x00\r\n id", "☃ [red]{}*?:x".encode(), b"-1", b"x" * 5_000])
def test_ids_and_queues_of_any_bytes(redis: Redis, job: bytes) -> None:
    queue = b"\xfe queue\n*" + job[:9]
    redis.hset(b"rq:job:" + job, mapping={"status": "failed", "origin": queue, "data": b"\x80broken", "meta": b"\x80\xff"})
    redis.zadd(b"rq:failed:" + queue, {job: -1})
    assert codes(act(redis, Requeue(fresh_retries=True), JobSeen(job, queue, "failed", -1.0))) == ["done"]
    assert redis.lrange(b"rq:queue:" + queue, 0, -1) == [job]
    assert redis.hmget(b"rq:job:" + job, "status", "data", "meta") == [b"queued", b"\x80broken", b"\x80\xff"]
    assert not redis.exists(b"rq:failed:" + queue)


def test_what_cannot_be_decoded_is_put_back_byte_for_byte(redis: Redis) -> None:
    job = failed(redis)
    redis.hset(
        b"rq:job:" + job.key, mapping={"data": b"\x00no zlib", "meta": b"cposix\nsystem\n(S'true'\ntR.", "webhooks": b"{"}
    )
    before = hash_of(redis, job)
    assert codes(act(redis, Requeue(), job)) == ["done"]
    changed = {b"status", b"enqueued_at", b"started_at", b"ended_at", b"exc_info"}
    after = hash_of(redis, job)
    assert {key: value for key, value in after.items() if key not in changed} == {
        key: value for key, value in before.items() if key not in changed
    }


def test_does_not_expire_in_its_queue(redis: Redis) -> None:
    job = failed(redis, ttl=1)
    redis.pexpire(b"rq:job:" + job.key, 300)
    act(redis, Requeue(), job)
    gone_by = time.time() + 0.4
    until(lambda: time.time() > gone_by)
    assert redis.ttl(b"rq:job:" + job.key) == -1
    assert redis.hget(b"rq:job:" + job.key, "status") == b"queued"


@pytest.mark.parametrize(
    ("fields", "fresh", "expected"),
    [
        ({"retries_left": 0, "retry_intervals": "[10, 20, 30]"}, True, {"retries_left": b"3"}),
        ({"retries_left": 0, "retry_intervals": "[10, 20, 30]"}, False, {"retries_left": b"0"}),
        ({"retries_left": 4, "retry_intervals": "[10, 20]"}, True, {"retries_left": b"4"}),
        ({"retries_left": 0, "retry_intervals": "no JSON"}, True, {"retries_left": b"0"}),
        ({"retries_left": 0, "retry_intervals": '"text"'}, True, {"retries_left": b"0"}),
        ({"retries_left": 0}, True, {"retries_left": b"0"}),
        ({"number_of_retries": 3}, True, {"number_of_retries": None, "retries_left": None}),
        ({"number_of_retries": 3}, False, {"number_of_retries": b"3"}),
    ],
)
def test_fresh_retries_are_as_many_as_the_waits_that_the_job_names(
    redis: Redis, fields: dict[str, Any], fresh: bool, expected: dict[str, bytes | None]
) -> None:
    job = failed(redis)
    redis.hset(b"rq:job:" + job.key, mapping=fields)
    act(redis, Requeue(fresh_retries=fresh), job)
    assert dict(zip(expected, redis.hmget(b"rq:job:" + job.key, *expected), strict=True)) == expected


def test_limited_jobs_take_the_slots_that_are_free_in_their_order_and_wait_for_the_others(redis: Redis) -> None:
    jobs = [failed(redis, rate_limit=RateLimit("two", 2)) for _ in range(4)]
    assert codes(act(redis, Requeue(), *jobs)) == ["done"] * 4
    assert redis.lrange("rq:queue:odd", 0, -1) == [jobs[0].key, jobs[1].key]
    assert set(redis.zrange("rq:rl:two:allowed", 0, -1)) == {jobs[0].key, jobs[1].key}
    assert set(redis.zrange("rq:rl:two:rate_limited", 0, -1)) == {jobs[2].key, jobs[3].key}
    assert [redis.hget(b"rq:job:" + job.key, "status") for job in jobs] == [b"queued"] * 2 + [b"rate_limited"] * 2


def test_a_worker_runs_them_once_and_releases_whoever_waits_for_them(redis: Redis, stock: Stock) -> None:
    jobs = [failed(redis), failed(redis, rate_limit=RateLimit("x", 1)), failed(redis, rate_limit=RateLimit("x", 1))]
    child = Queue("odd", connection=redis).enqueue(echo, depends_on=jobs[0].key.decode())
    redis.expire(b"rq:job:" + jobs[0].key + b":dependents", 300)
    act(redis, Requeue(), *jobs)
    assert redis.ttl(b"rq:job:" + jobs[0].key + b":dependents") == -1
    stock.worker("--burst", "odd", **PATH)
    everything = [*(job.key for job in jobs), child.id.encode()]
    until(lambda: all(redis.hget(b"rq:job:" + one, "status") == b"finished" for one in everything), what="all have run")
    assert [redis.xlen(b"rq:results:" + one) for one in everything] == [1] * 4
    assert redis.llen("rq:queue:odd") == redis.zcard("rq:failed:odd") == redis.zcard("rq:rl:x:allowed") == 0


def race(redis: Redis, server: Server, stock: Stock, size: int) -> None:
    """Two consoles requeue the same jobs, batch by batch, while workers run them."""
    jobs = [failed(redis, "raced") for _ in range(size)]
    for _ in range(2):
        stock.worker("--worker-class", "rq.SimpleWorker", "raced", **PATH)
    until(lambda: redis.scard("rq:workers:raced") == 2, what="both workers are there")

    def console(name: str) -> list[str]:
        with Redis.from_url(server.url) as own:
            asked = Operation(name, "ann", "desk", 1.0, "requeue", "", "these", size, "")
            report = carry_out(StoreWriter(own, server.url), asked, Requeue(), jobs, Control(), lambda progress: None)
            return codes(report.outcomes)

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(console, ("op1", "op2")))
    assert all(sorted(pair) == ["changed", "done"] for pair in zip(*both, strict=True))
    until(lambda: redis.zcard("rq:finished:raced") == size, 30 + size / 50, what="all have run")
    assert {redis.xlen(b"rq:results:" + job.key) for job in jobs} == {1}
    assert redis.llen("rq:queue:raced") == redis.zcard("rq:failed:raced") == 0


def test_two_consoles_requeue_the_same_jobs_and_each_runs_once(redis: Redis, server: Server, stock: Stock) -> None:
    race(redis, server, stock, 600)


@pytest.mark.drill
def test_two_consoles_requeue_ten_thousand_jobs_and_each_runs_once(redis: Redis, server: Server, stock: Stock) -> None:
    race(redis, server, stock, 10_000)


def test_a_limit_whose_queues_are_no_lists_is_no_reason_to_lose_its_jobs(redis: Redis) -> None:
    job = failed(redis, rate_limit=RateLimit("x", 1))
    redis.zadd("rq:rl:x:rate_limited", {"stranger": 1, "stale": 2})
    redis.hset("rq:job:stranger", mapping={"status": "rate_limited", "origin": "blocked"})
    redis.hset("rq:job:stale", mapping={"status": "finished", "origin": "odd"})
    redis.set("rq:queue:blocked", "no list")
    assert codes(act(redis, Requeue(), job)) == ["done"]
    assert redis.zrange("rq:rl:x:rate_limited", 0, -1) == [b"stranger"]
    assert redis.zrange("rq:rl:x:allowed", 0, -1) == [job.key]


def test_limits_whose_names_make_one_key_leave_every_job_in_one_place(redis: Redis) -> None:
    """The set of those that hold a slot of `a` has the name that is the hash of `a:allowed`."""
    jobs = [failed(redis, rate_limit=RateLimit(name, 1)) for name in ("a", "a:allowed")]
    redis.delete("rq:rl:a", "rq:rl:a:allowed")
    assert codes(act(redis, Requeue(), *jobs)) == ["done", "unreadable"]
    assert redis.lrange("rq:queue:odd", 0, -1) == [jobs[0].key]
    assert redis.zrange("rq:failed:odd", 0, -1) == [jobs[1].key]
    assert hash_of(redis, jobs[1])[b"status"] == b"failed"


@pytest.mark.parametrize("command", ["zrem", "persist", "rpush"])
def test_a_user_who_may_not_do_all_of_it_does_none_of_it(redis: Redis, server: Server, command: str) -> None:
    job = failed(redis)
    before = contents(redis)
    with (
        reading_user(redis, server.url, ("~*", "&*", "+@all", f"-{command}")) as url,
        Redis.from_url(url) as theirs,
        pytest.raises(WriteError, match=f"{command.upper()} is needed, too") as caught,
    ):
        act(theirs, Requeue(), job)
    assert caught.value.refused
    assert contents(redis) == before


def test_a_server_that_cannot_tell_a_right_before_loses_no_job_by_it(
    redis: Redis, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, limited = failed(redis), failed(redis, rate_limit=RateLimit("one", 1))
    load = scripts.load

    def of_redis_6(*names: str) -> Script:
        text = load(*names).text.replace("redis.acl_check_cmd", "redis.no_such_call")
        return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())

    monkeypatch.setattr(scripts, "load", of_redis_6)
    rights = ("~*", "&*", "+@all", "-persist")
    for job in (plain, limited):
        with reading_user(redis, server.url, rights) as url, Redis.from_url(url) as theirs, pytest.raises(WriteError):
            act(theirs, Requeue(), job)
        assert hash_of(redis, job)[b"status"] in (b"queued", b"rate_limited")
    assert redis.lrange("rq:queue:odd", 0, -1) + redis.zrange("rq:rl:one:rate_limited", 0, -1) == [plain.key, limited.key]
    assert not redis.exists("rq:failed:odd")


def test_a_stranger_named_like_a_run_is_none(redis: Redis) -> None:
    job = failed(redis, job_id="tq-scrape-0123456789abcdef0123-1700000000", retry=Retry(1))
    assert codes(act(redis, Requeue(), job)) == ["done"]
    assert [key for key in redis.keys("tq:*") if not key.startswith(b"tq:operation:")] == []
