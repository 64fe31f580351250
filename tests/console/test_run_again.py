"""Run again: a copy under a new id, of what the job was, and of nothing that became of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Callback, Queue, Repeat, Retry, Webhook
from rq.group import Group
from rq.job import Job
from rq.rate_limit import RateLimit

from console.model.commands import JobSeen, Outcome, RunAgain
from tests import catalogue
from tests.catalogue_tasks import echo, on_success
from tests.conftest import Stock, until
from tests.console.acting import act, codes, seen
from tests.contents import contents

PATH = {"PYTHONPATH": str(Path(__file__).parents[2])}

OF_THE_JOB = {
    b"data", b"meta", b"description", b"timeout", b"ttl", b"result_ttl", b"failure_ttl", b"webhooks", b"rate_limit_key",
    b"rate_limit_concurrency", b"retry_intervals", b"enqueue_at_front_on_retry", b"origin", b"success_callback_name",
    b"failure_callback_name", b"stopped_callback_name", b"success_callback_timeout", b"failure_callback_timeout",
    b"stopped_callback_timeout",
}  # fmt: skip
"""Fields that a copy has exactly as its job has them."""


def ended(redis: Redis, state: str = "finished", queue: str = "odd", **fields: Any) -> JobSeen:
    """A job in a registry of those that have ended, by its fields alone."""
    job = Queue(queue, connection=redis).enqueue(echo, 1)
    redis.lrem(f"rq:queue:{queue}", 0, job.id)
    redis.hset(f"rq:job:{job.id}", mapping={"status": state, **fields})
    redis.expire(f"rq:job:{job.id}", 500)
    redis.zadd(f"rq:{'failed' if state == 'stopped' else state}:{queue}", {job.id: 4e9})
    return seen(redis, job.id, queue, state)


def made(redis: Redis, case: JobSeen, **options: Any) -> bytes:
    [outcome] = act(redis, RunAgain(**options), case)
    assert outcome.result == "done"
    assert outcome.new is not None
    return outcome.new


def test_a_copy_is_the_job_as_it_was_enqueued_and_the_job_stays(redis: Redis, stock: Stock) -> None:
    jobs = catalogue.build(redis, stock).jobs.values()
    endings = {"finished", "failed", "stopped", "canceled"}
    cases = [seen(redis, job) for job in jobs if job.state in endings and job.status is not None]
    assert {case.state for case in cases} == endings
    for case in cases:
        before = contents(redis)
        copy = made(redis, case)
        after = contents(redis)
        assert re.fullmatch(rb"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", copy)
        changed = {key for key in after if after[key] != before.get(key)} | (before.keys() - after.keys())
        assert changed == {b"rq:job:" + copy, b"rq:queue:" + case.queue, b"tq:operation:op1"} | ({b"rq:queues"} & changed), case
        job, twin = before[b"rq:job:" + case.key][0], after[b"rq:job:" + copy][0]
        assert {field: twin.get(field) for field in OF_THE_JOB} == {field: job.get(field) for field in OF_THE_JOB}
        assert after[b"rq:job:" + copy][1] == -1
        for field in (b"started_at", b"ended_at", b"worker_name", b"last_heartbeat"):
            assert twin[field] == b""
        assert twin[b"status"] == b"queued"
        assert twin[b"created_at"] == twin[b"enqueued_at"] > job[b"created_at"]
        assert not twin.keys() & {b"exc_info", b"result", b"number_of_retries", b"repeats_left", b"dependency_ids"}
        assert redis.lindex(b"rq:queue:" + case.queue, -1) == copy


def test_rq_runs_the_copy_and_the_job_stays(redis: Redis, stock: Stock) -> None:
    options: dict[str, Any] = {"on_success": Callback(on_success), "webhooks": [Webhook("http://127.0.0.1:9/x", "failed")]}
    first = Queue("odd", connection=redis).enqueue(echo, "first")
    job = Queue("odd", connection=redis).enqueue(echo, 7, depends_on=first, retry=Retry(2, [5, 6]), meta={"a": 1}, **options)
    stock.worker("--burst", "odd", **PATH).wait()
    case = seen(redis, job.id, "odd", "finished")
    before = contents(redis)[b"rq:job:" + case.key]
    copy = made(redis, case)
    stock.worker("--burst", "odd", **PATH)
    until(lambda: redis.hget(b"rq:job:" + copy, "status") == b"finished", what="the copy runs")
    twin = Job.fetch(copy.decode(), connection=redis)
    assert (twin.return_value(), twin.meta, twin.retries_left, twin.dependency_ids) == (7, {"a": 1}, 2, [])
    assert contents(redis)[b"rq:job:" + case.key] == before


def test_an_operation_copies_each_job_once_however_often_it_is_asked(redis: Redis) -> None:
    case = ended(redis)
    asked = [act(redis, RunAgain(), case), act(redis, RunAgain(), case), act(redis, RunAgain(), case, operation="op2")]
    assert [codes(one) for one in asked] == [["done"], ["exists"], ["done"]]
    assert redis.lrange("rq:queue:odd", 0, -1) == [asked[0][0].new, asked[2][0].new]


def test_what_changed_is_left_alone(redis: Redis) -> None:
    again, gone, moved, queued = ended(redis), ended(redis, "failed"), ended(redis, "canceled"), ended(redis)
    redis.hset(b"rq:job:" + again.key, "status", "started")
    redis.delete(b"rq:job:" + gone.key)
    redis.zrem("rq:canceled:odd", moved.key)
    asked = (again, gone, moved, JobSeen(queued.key, b"odd", "queued"))
    assert codes(act(redis, RunAgain(), *asked)) == ["changed", "gone", "changed", "state"]
    assert redis.llen("rq:queue:odd") == 0


def test_a_copy_runs_once_with_fresh_retries_and_waits_for_nobody(redis: Redis) -> None:
    repeat = Repeat(times=3, interval=60)
    case = ended(
        redis, "failed", retries_left=0, retry_intervals="[1, 2]", number_of_retries=2, repeats_left=repeat.times,
        repeat_intervals="[60]", dependency_ids='["x"]', dependency_id="x", exc_info=b"x", result=b"y", worker_name="w",
    )  # fmt: skip
    twin = redis.hgetall(b"rq:job:" + made(redis, case))
    assert twin[b"retries_left"] == b"2"
    dropped = {
        b"number_of_retries",
        b"repeats_left",
        b"repeat_intervals",
        b"dependency_ids",
        b"dependency_id",
        b"exc_info",
        b"result",
    }
    assert not twin.keys() & dropped


def test_a_copy_waits_for_a_slot_of_its_rate_limit(redis: Redis) -> None:
    Queue("odd", connection=redis).enqueue(echo, job_id="holder", rate_limit=RateLimit("x", 1))
    case = ended(redis, rate_limit_key="x", rate_limit_concurrency=1)
    copy = made(redis, case, at_front=True)
    assert redis.hmget(b"rq:job:" + copy, "status", "enqueue_at_front", "enqueued_at") == [b"rate_limited", b"1", None]
    assert redis.zrange("rq:rl:x:rate_limited", 0, -1) == [copy]
    assert redis.lrange("rq:queue:odd", 0, -1) == [b"holder"]


def test_a_copy_belongs_to_the_group_of_its_job_while_there_is_one(redis: Redis) -> None:
    queue = Queue("odd", connection=redis)
    [member] = Group.create(redis, "night").enqueue_many(queue, [Queue.prepare_data(echo, (1,))])
    orphan, case = ended(redis, group_id="long gone"), ended(redis, group_id="night")
    copies = [made(redis, one) for one in (orphan, case)]
    assert redis.smembers("rq:group:night") == {member.id.encode(), copies[1]}
    assert [redis.hget(b"rq:job:" + one, "group_id") for one in copies] == [b"", b"night"]
    assert not redis.exists("rq:group:long gone")


@pytest.mark.parametrize("broken", ["rq:queue:odd", "rq:group:g", "rq:queues", "rq:rl:x:allowed"])
def test_what_is_of_another_type_is_told_and_changes_nothing(redis: Redis, broken: str) -> None:
    case = ended(redis, group_id="g", rate_limit_key="x", rate_limit_concurrency=1)
    redis.delete(broken)
    redis.hset(broken, "another", "type")
    before = contents(redis)
    assert codes(act(redis, RunAgain(), case)) == ["unreadable"]
    redis.delete("tq:operation:op1")
    assert contents(redis) == before


def test_what_cannot_be_decoded_is_copied_byte_for_byte(redis: Redis) -> None:
    job, queue = b"\xff: odd id\n", b"\xfeq"
    fields = {b"status": b"finished", b"data": b"\x80no", b"meta": b"\xff", b"\xfffield": b"\x00", b"origin": queue}
    redis.hset(b"rq:job:" + job, mapping=fields)
    redis.zadd(b"rq:finished:" + queue, {job: float("inf")})
    [outcome] = act(redis, RunAgain(), JobSeen(job, queue, "finished", float("inf")))
    assert isinstance(outcome, Outcome)
    twin = redis.hgetall(b"rq:job:" + (outcome.new or b""))
    assert {name: twin[name] for name in fields if name != b"status"} == {n: v for n, v in fields.items() if n != b"status"}
    assert redis.lrange(b"rq:queue:" + queue, 0, -1) == [outcome.new]


def test_of_hashes_that_take_long_to_copy_few_are_copied_in_one_call(redis: Redis) -> None:
    cases = [ended(redis, data=b"x" * 8_000_000) for _ in range(8)]
    redis.config_resetstat()
    assert codes(act(redis, RunAgain(), *cases)) == ["done"] * 8
    assert redis.info("commandstats")["cmdstat_evalsha"]["calls"] > 1
