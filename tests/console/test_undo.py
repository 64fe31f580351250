"""Undo: what a delete took is back as it was, whole or in part, and beside what has happened meanwhile."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import pytest
from redis import Redis, WatchError
from rq import Queue
from rq.group import Group
from rq.job import Dependency, Job, JobStatus
from rq.rate_limit import RateLimit

from console.model.commands import Delete, JobSeen, TrashSeen, Undo
from console.model.queries import TrashQuery
from console.store.reader import StoreReader
from jobs import User, controls, keys, set_user
from tests.catalogue import ROOT
from tests.catalogue_tasks import echo
from tests.conftest import Stock, until
from tests.console.acting import act, seen
from tests.console.catalogued import catalogued, multiplied, of_states
from tests.contents import contents
from tests.fast_tiers import fast_tiers

__all__ = ["fast_tiers"]

# A slot that is given up goes to the next one: who waits for one goes first.
STATES = (
    "rate limited", "queued", "scheduled", "retrying", "deferred", "ready", "finished", "failed", "stopped", "canceled",
)  # fmt: skip


def held(redis: Redis) -> dict[bytes, Any]:
    """All that the server holds but the counts of operations."""
    return {key: content for key, content in contents(redis).items() if not key.startswith(b"tq:operation:")}


def delete(redis: Redis, *jobs: JobSeen, operation: str = "op1") -> list[str]:
    found = act(redis, Delete(with_entry=True, with_dependents=True), *jobs, operation=operation)
    return [one.reason or one.result for one in found]


def taken(redis: Redis, operation: str = "op1", only: tuple[bytes, ...] | None = None) -> list[TrashSeen]:
    """What is in the trash, as it is selected for undoing."""
    query = TrashQuery(operation, only)
    found = StoreReader(redis, "redis://the-test").select(query, time.time(), lambda: False, details=False)
    return [one for chunk in found for one in chunk.seen if isinstance(one, TrashSeen)]


def undo(redis: Redis, *only: bytes, operation: str = "op1") -> list[str]:
    asked = taken(redis, operation, only or None)
    return [one.reason or one.result for one in act(redis, Undo(operation), *asked, operation="undo1")]  # type: ignore[arg-type]


def queued(redis: Redis, *ids: str, queue: str = "q") -> list[JobSeen]:
    """Queued jobs of these ids, as they are seen."""
    made = [Queue(queue, connection=redis).enqueue(echo, one, job_id=one) for one in ids]
    return [seen(redis, job.id, queue, "queued") for job in made]


def ids(redis: Redis, queue: str = "q") -> list[str]:
    return [one.decode() for one in redis.lrange(f"rq:queue:{queue}", 0, -1)]


def failed(redis: Redis, *ids: str, queue: str = "q") -> list[JobSeen]:
    """Jobs of these ids that failed, as they are seen: what lasts of them is their hash, in a registry."""
    for n, one in enumerate(ids):
        job = Job.create(echo, (one,), connection=redis, id=one, origin=queue)
        job.set_status(JobStatus.FAILED)
        job.save()
        redis.zadd(keys.RQ_FAILED + queue, {one: 4_000_000_000 + n})
    return [seen(redis, one, queue, "failed") for one in ids]


@pytest.mark.parametrize("batch", [1, 200], ids="{} at once".format)
@pytest.mark.parametrize("times", [12, pytest.param(230, marks=pytest.mark.drill)])
def test_jobs_of_every_kind_are_back_as_they_were(redis: Redis, stock: Stock, times: int, batch: int) -> None:
    catalogue = catalogued(redis, stock)
    copies = multiplied(redis, catalogue, times)
    jobs = of_states(redis, catalogue, *STATES)
    jobs += [seen(redis, job) for state in STATES for job in copies if job.state == state]
    assert len(jobs) > 40 * times
    random.Random(times).shuffle(jobs)
    jobs.sort(key=lambda job: job.state != "rate limited")
    before = held(redis)
    for start in range(0, len(jobs), batch):
        assert set(delete(redis, *jobs[start : start + batch])) == {"done"}
    assert not redis.exists(*(b"rq:job:" + job.key for job in jobs))
    asked = taken(redis)
    assert len(asked) == len(jobs)
    for start in range(0, len(asked), 200):
        codes = act(redis, Undo("op1"), *asked[start : start + 200], operation="undo1")  # type: ignore[arg-type]
        assert {one.result for one in codes} == {"done"}
    assert held(redis) == before


@pytest.mark.parametrize("made", [queued, failed])
@pytest.mark.parametrize("kinds", [*product(("lasts", "expires", "expires soon", "without"), repeat=2)], ids=", ".join)
def test_whatever_expires_beside_what_lasts_is_kept_for_its_time_and_is_back(
    redis: Redis, kinds: Sequence[str], made: Callable[..., list[JobSeen]]
) -> None:
    """What was so of the jobs before is not taken for granted of the next."""
    jobs = []
    for job, kind in zip(made(redis, *(f"job-{n}" for n in range(3))), (*kinds, "lasts"), strict=True):
        for key in (keys.RQ_JOB.encode() + job.key, b"rq:results:" + job.key):
            if kind != "without":
                redis.hset(key, "of", kind)
            if kind.startswith("expires"):
                redis.expire(key, 600 if kind == "expires soon" else 7_200)
        jobs.append(job)
    before, now = held(redis), redis.time()[0]
    assert delete(redis, *jobs) == ["done"] * 3
    left = [at - now * 1_000 for key, (_, at) in held(redis).items() if key.startswith(b"tq:trashed-key:")]
    soon = kinds.count("expires soon")
    assert [ms <= 601_000 for ms in sorted(left)] == [True] * 2 * soon + [False] * (len(left) - 2 * soon)
    assert all(0 < ms <= 3_602_000 for ms in left)
    assert undo(redis) == ["done"] * 3
    assert held(redis) == before


def test_an_operation_is_undone_in_part_and_again(redis: Redis) -> None:
    jobs = queued(redis, "a", "b", "c", "d", "e")
    before = held(redis)
    assert delete(redis, jobs[1], jobs[2], jobs[4]) == ["done"] * 3
    assert undo(redis, b"c") == ["done"]
    assert ids(redis) == ["a", "c", "d"]
    assert taken(redis) == [TrashSeen(b"e"), TrashSeen(b"b")]
    assert undo(redis) == ["done", "done"]
    assert held(redis) == before
    assert act(redis, Undo("op1"), TrashSeen(b"b"), operation="undo2")[0].reason == "gone"  # type: ignore[arg-type]
    assert held(redis) == before


def test_a_queue_that_went_on_meanwhile_gets_its_jobs_where_they_belong(redis: Redis) -> None:
    jobs = queued(redis, "a", "b", "c", "d", "e", "f")
    assert delete(redis, jobs[0], jobs[2], jobs[3], jobs[5]) == ["done"] * 4
    redis.lpop("rq:queue:q")
    Job.fetch("b", connection=redis).set_status(JobStatus.STARTED)
    queued(redis, "later")
    assert undo(redis) == ["done"] * 4
    assert ids(redis) == ["a", "c", "d", "e", "f", "later"]


def test_a_queue_that_was_emptied_gets_its_jobs_before_those_of_later(redis: Redis) -> None:
    jobs = queued(redis, "a", "b", "c")
    assert delete(redis, *jobs) == ["done"] * 3
    redis.srem("rq:queues", "rq:queue:q")
    queued(redis, "later")
    redis.srem("rq:queues", "rq:queue:q")
    assert undo(redis) == ["done"] * 3
    assert ids(redis) == ["a", "b", "c", "later"]
    assert redis.sismember("rq:queues", "rq:queue:q")


def test_jobs_from_anywhere_in_a_long_queue_are_back_in_their_places(redis: Redis) -> None:
    queue = Queue("q", connection=redis)
    queue.enqueue_many([Queue.prepare_data(echo, (n,), job_id=f"job-{n}") for n in range(5_000)])
    chosen = [*random.Random(1).sample(range(5_000), 150), 0, 1, 4_998, 4_999, 3_000, 3_001, 3_002]
    jobs = [seen(redis, f"job-{n}", "q", "queued") for n in dict.fromkeys(chosen)]
    before = ids(redis)
    assert set(delete(redis, *jobs)) == {"done"}
    assert len(ids(redis)) == 5_000 - len(jobs)
    assert set(undo(redis)) == {"done"}
    assert ids(redis) == before


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_taken_out_of_a_queue_the_others_keep_their_order(redis: Redis, seed: int) -> None:
    chance = random.Random(seed)
    _queue_of_all_sorts(redis, chance, 1_500)
    before = ids(redis)
    start, end = sorted(chance.sample(range(1_500), 2))
    stretches: list[Sequence[int]] = [range(end), range(start, 1_500), range(start, end), range(1_500), range(0, 1_500, 7)]
    ranks = list(chance.choice(stretches))
    chance.choice([lambda: None, ranks.reverse, lambda: chance.shuffle(ranks)])()
    jobs = [JobSeen(before[rank].encode(), b"q", "queued") for rank in ranks]
    for first in range(0, len(jobs), 200):
        assert set(delete(redis, *jobs[first : first + 200])) == {"done"}
    assert ids(redis) == [one for rank, one in enumerate(before) if rank not in set(ranks)]
    assert set(undo(redis)) == {"done"}
    assert ids(redis) == before


def _queue_of_all_sorts(redis: Redis, chance: random.Random, length: int) -> None:
    """Most jobs in the order in which they were enqueued; some at the front, some without a hash, or without an instant."""
    redis.sadd("rq:queues", "rq:queue:q")
    with redis.pipeline(transaction=False) as pipe:
        for n in range(length):
            at = f"2026-01-01T00:{n // 60:02}:{n % 60:02}.000000Z"
            sort = chance.choices(["plain", "front", "no hash", "no instant"], [90, 4, 4, 2])[0]
            if sort != "no hash":
                fields = {"status": "queued", "data": "x", "origin": "q"} | (
                    {} if sort == "no instant" else {"enqueued_at": at}
                )
                pipe.hset(f"rq:job:job-{n}", mapping=fields)
            (pipe.lpush if sort == "front" else pipe.rpush)("rq:queue:q", f"job-{n}")
        pipe.execute()


def test_a_slot_that_goes_to_the_front_of_the_queue_moves_nobody_else_out(redis: Redis) -> None:
    queue, limit = Queue("q", connection=redis), RateLimit("vendor", 1)
    first = queue.enqueue(echo, 1, rate_limit=limit, job_id="first")
    queue.enqueue(echo, 2, rate_limit=limit, job_id="second", at_front=True)
    jobs = [seen(redis, first.id, "q", "queued"), *queued(redis, "a", "b", "c", "d")]
    assert delete(redis, jobs[0], jobs[2], jobs[4]) == ["done"] * 3
    assert ids(redis) == ["second", "a", "c"]
    assert undo(redis) == ["done"] * 3
    assert ids(redis) == ["second", "a", "b", "c", "d"]
    assert first.get_status() == "rate_limited"


def test_a_job_that_ended_and_is_there_again_is_left_alone_and_so_is_what_is_in_the_trash(redis: Redis) -> None:
    job, other = failed(redis, "one", "other")
    assert delete(redis, job, other) == ["done", "done"]
    [again] = failed(redis, "one")
    before = held(redis)
    [listed, _] = StoreReader(redis, "redis://x").select(TrashQuery("op1"), time.time(), lambda: False, details=True)
    assert (listed.in_way, listed.seen) == ({"exists": 1}, (TrashSeen(b"other"),))
    assert delete(redis, again) == ["exists"]
    assert undo(redis, b"one") == ["exists"]
    assert held(redis) == before
    redis.delete("rq:job:one", "rq:failed:q")
    redis.xadd("rq:results:other", {"type": "1"})
    assert undo(redis, b"other") == ["done"]
    assert undo(redis, b"one") == ["done"]
    assert redis.exists("rq:results:other")
    assert {b"rq:job:one", b"rq:job:other"} <= held(redis).keys()


def test_results_that_are_there_again_are_not_overwritten(redis: Redis) -> None:
    [job] = failed(redis, "one")
    redis.xadd("rq:results:one", {"type": "2"})
    assert delete(redis, job) == ["done"]
    redis.xadd("rq:results:one", {"type": "1"})
    before = held(redis)
    assert undo(redis) == ["exists"]
    assert held(redis) == before


def test_an_id_that_is_there_again_is_left_alone_and_so_is_what_is_in_the_trash(redis: Redis) -> None:
    [job] = queued(redis, "one")
    assert delete(redis, job) == ["done"]
    Queue("other", connection=redis).enqueue(echo, 2, job_id="one", unique=True)
    before = held(redis)
    assert undo(redis) == ["exists"]
    assert held(redis) == before
    assert delete(redis, seen(redis, "one", "other", "queued")) == ["exists"]
    assert held(redis) == before
    assert delete(redis, seen(redis, "one", "other", "queued"), operation="op2") == ["done"]
    assert undo(redis) == ["done"]
    assert undo(redis, operation="op2") == ["exists"]


def test_an_id_that_was_listed_without_a_hash_is_listed_again_unless_there_is_a_job_of_it(redis: Redis) -> None:
    redis.zadd("rq:failed:q", {"left-over": 5e9, "taken": 5e9})
    assert delete(redis, JobSeen(b"left-over", b"q", "failed", 5e9), JobSeen(b"taken", b"q", "failed", 5e9)) == ["done"] * 2
    queued(redis, "taken")
    assert undo(redis) == ["exists", "done"]
    assert redis.zrange("rq:failed:q", 0, -1) == [b"left-over"]


def test_a_job_that_two_lists_name_is_back_in_both(redis: Redis) -> None:
    queued(redis, "one")
    redis.lpop("rq:queue:q")
    redis.hset("rq:job:one", "status", "finished")
    redis.zadd("rq:failed:q", {"one": 5e9})
    redis.zadd("rq:finished:q", {"one": 6e9})
    before = held(redis)
    finished, failed = JobSeen(b"one", b"q", "finished", 6e9), JobSeen(b"one", b"q", "failed", 5e9)
    assert delete(redis, finished) == ["done"]
    assert delete(redis, failed) == ["done"]
    assert undo(redis) == ["done"]
    assert held(redis) == before


@pytest.mark.parametrize("made", [queued, failed])
def test_what_expired_in_the_trash_is_not_listed_again(redis: Redis, made: Callable[..., list[JobSeen]]) -> None:
    [job] = made(redis, "brief")
    redis.sadd("rq:queues", "rq:queue:q")
    redis.expire("rq:job:brief", 1)
    redis.xadd("rq:results:brief", {"type": "1"})
    assert delete(redis, job) == ["done"]
    until(lambda: not redis.exists("tq:trashed-key:op1:rq:job:brief"))
    assert undo(redis) == ["gone"]
    assert set(redis.scan_iter()) == {b"tq:operation:op1", b"tq:operation:undo1", b"rq:queues"}


def test_a_job_whose_slot_others_have_by_now_waits_for_one(redis: Redis) -> None:
    queue, limit = Queue("q", connection=redis), RateLimit("vendor", 1)
    first = queue.enqueue(echo, 1, rate_limit=limit)
    second = queue.enqueue(echo, 2, rate_limit=limit)
    assert delete(redis, seen(redis, first.id, "q", "queued")) == ["done"]
    assert queue.job_ids == [second.id]
    assert undo(redis) == ["done"]
    assert queue.job_ids == [second.id]
    assert first.get_status() == "rate_limited"
    assert redis.zrange("rq:rl:vendor:rate_limited", 0, -1) == [first.id.encode()]


def test_a_job_that_waited_for_a_slot_gets_it_when_there_is_one(redis: Redis) -> None:
    queue, limit = Queue("q", connection=redis), RateLimit("vendor", 1)
    first, second = (queue.enqueue(echo, n, rate_limit=limit) for n in (1, 2))
    assert delete(redis, seen(redis, second.id, "q", "rate limited")) == ["done"]
    first.delete()
    # What RQ's own maintenance drops of a limit that nobody uses.
    redis.delete("rq:rl:vendor")
    redis.srem("rq:rl-keys", "vendor")
    assert undo(redis) == ["done"]
    assert queue.job_ids == [second.id]
    assert redis.hgetall("rq:rl:vendor") == {b"concurrency": b"1"}
    assert redis.smembers("rq:rl-keys") == {b"vendor"}


def test_a_group_that_vanished_meanwhile_is_back(redis: Redis) -> None:
    [job] = Group.create(redis, "night").enqueue_many(Queue("q", connection=redis), [Queue.prepare_data(echo, (1,))])
    before = held(redis)
    assert delete(redis, seen(redis, job.id, "q", "queued")) == ["done"]
    Group.clean_registries(redis)
    assert not redis.exists("rq:groups")
    assert undo(redis) == ["done"]
    assert held(redis) == before


def test_a_run_is_back_with_all_that_the_job_layer_knows_of_it(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    run = controls.run_now(redis, "ada", "ok").run
    assert run is not None
    redis.hset(keys.ATTEMPTS + run, "n", 1)
    redis.rpush(keys.LOG + run, "{}")
    redis.expire(keys.LOG + run, 86_400)
    before = held(redis)
    assert delete(redis, seen(redis, run, "default", "queued")) == ["done"]
    assert undo(redis) == ["done"]
    assert held(redis) == before
    assert controls.run_now(redis, "ada", "ok").reason == "overlap"


def test_attempts_and_log_of_any_job_go_with_it_and_are_back(redis: Redis) -> None:
    """Whoever enqueues a task of ours names the job at will."""
    jobs = queued(redis, "nightly-ada", "another")
    redis.hset(keys.ATTEMPTS + "nightly-ada", "n", 1)
    redis.rpush(keys.LOG + "nightly-ada", "{}")
    before = held(redis)
    assert delete(redis, *jobs) == ["done"] * 2
    assert not redis.exists(keys.ATTEMPTS + "nightly-ada", keys.LOG + "nightly-ada")
    assert undo(redis) == ["done"] * 2
    assert held(redis) == before


def test_where_a_list_is_something_else_by_now_nothing_is_put_back(redis: Redis) -> None:
    [job] = queued(redis, "one")
    assert delete(redis, job) == ["done"]
    redis.set("rq:queue:q", "x")
    before = held(redis)
    assert undo(redis) == ["unreadable"]
    assert held(redis) == before


def test_hostile_ids_are_back_as_they_were(redis: Redis) -> None:
    [job] = queued(redis, "one")
    odd = [b"one:dependents", b":one:dependencies", b"\xff\x00,\x1b[31m", b"", b"%s {x} op1:rq:job:one", b"x" * 5_000]
    for one in odd:
        redis.hset(b"rq:job:" + one, mapping=redis.hgetall("rq:job:one"))
        redis.rpush("rq:queue:q", one)
    jobs = [JobSeen(one, b"q", "queued") for one in odd]
    before = held(redis)
    assert delete(redis, job, *jobs) == ["done"] * 7
    assert not redis.exists("rq:queue:q")
    assert undo(redis) == ["done"] * 7
    assert held(redis) == before


@pytest.mark.parametrize(
    "forged",
    [
        b"\xc1 is no message",
        b"\xa4text",
        b"\x91\xa4main",  # ["main"]
        b"\x91\xa7x",  # ends in the middle
        b"\x91\x92\xa3key\xa1x",  # [["key", "x"]]
        b"\x92\xa4evil\xa1x",  # ["evil", "x"]
        b"\x93\xa3key\xa1x\xa5never",  # ["key", "x", "never"]
        b"\x94\xa5score\xa1z\xa1m\xa4soon",  # ["score", "z", "m", "soon"]
        b"\x94\xa5score\xa1z\xa1m\xa3nan",
        b"\x94\xa5score\xa1z\xa1m\xa40x10",
        b"\x95\xa5place\xa4list\xa1b\xc2\x01",  # ["place", "list", "b", false, 1]
        b"\x93\xa3key\xa1x\x92",  # ["key", "x", [ cut off
        b"\xa5plain",
        b"\xa5plain\xa1z\xa3nan\xff\xff",  # "plain", "z", "nan", -1, -1
        b"\xa5plain\xa1z\xa11\xff\xc0",  # "plain", "z", "1", -1, nil
        b"\xa5plain\x01\xa11\xff\xff",  # "plain", 1, "1", -1, -1
        b"\xa5plain\xbbrq:scheduler:scheduled_jobs\xa3nan\xff\xff",
    ],
)
def test_what_the_trash_did_not_note_puts_nothing_back_and_keeps_nobody_else_from_it(redis: Redis, forged: bytes) -> None:
    jobs = queued(redis, "a", "b", "c")
    assert delete(redis, *jobs) == ["done"] * 3
    redis.hset(keys.TRASHED_PLACE + "op1", "b", forged)
    assert undo(redis) == ["done", "unreadable", "done"]
    assert (ids(redis), redis.exists("rq:job:b", "x", "z")) == (["a", "c"], 0)
    assert [one.key for one in taken(redis)] == [b"b"]


def dependent(redis: Redis, *on: str, **options: bool) -> tuple[list[Job], Job]:
    """Jobs in the queue q, and one that waits for all of them."""
    queue = Queue("q", connection=redis)
    parents = [queue.enqueue(echo, one, job_id=one) for one in on]
    return parents, queue.enqueue(echo, "child", job_id="child", depends_on=Dependency(parents, **options))  # type: ignore[arg-type]


def burst(stock: Stock) -> None:
    assert stock.worker("--burst", "q", PYTHONPATH=str(ROOT)).wait(30) == 0


def test_a_deferred_job_runs_whose_dependencies_have_finished_meanwhile(redis: Redis, stock: Stock) -> None:
    _, child = dependent(redis, "a", "b")
    assert delete(redis, seen(redis, "child", "q", "deferred")) == ["done"]
    burst(stock)
    assert undo(redis) == ["done"]
    assert child.get_status() == JobStatus.READY_TO_ENQUEUE
    assert (redis.zcard("rq:deferred:q"), redis.zrange("rq:ready:q", 0, -1)) == (0, [b"child"])
    burst(stock)
    assert child.get_status() == JobStatus.FINISHED
    assert len(child.results()) == 1


@pytest.mark.parametrize("allowed", [False, True])
def test_it_takes_a_failure_only_where_it_said_so(redis: Redis, allowed: bool) -> None:
    [parent], child = dependent(redis, "a", allow_failure=allowed)
    assert delete(redis, seen(redis, "child", "q", "deferred")) == ["done"]
    parent.set_status(JobStatus.FAILED)
    assert undo(redis) == ["done"]
    assert child.get_status() == (JobStatus.READY_TO_ENQUEUE if allowed else JobStatus.DEFERRED)


def test_what_waited_in_vain_before_or_for_what_is_in_the_trash_waits_on(redis: Redis) -> None:
    [parent], child = dependent(redis, "a")
    waiting = seen(redis, "child", "q", "deferred")
    before = held(redis)
    # Both in one operation, the parent first; then in two.
    assert delete(redis, seen(redis, "a", "q", "queued"), waiting) == ["done"] * 2
    assert undo(redis) == ["done"] * 2
    assert held(redis) == before
    assert delete(redis, waiting) == ["done"]
    assert delete(redis, seen(redis, "a", "q", "queued"), operation="op2") == ["done"]
    assert undo(redis) == ["done"]
    assert child.get_status() == JobStatus.DEFERRED
    assert undo(redis, operation="op2") == ["done"]
    assert held(redis) == before
    parent.set_status(JobStatus.FINISHED)
    assert delete(redis, waiting) == ["done"]
    assert undo(redis) == ["done"]
    assert child.get_status() == JobStatus.DEFERRED


def test_a_worker_that_ends_the_dependency_at_that_moment_looks_again(redis: Redis) -> None:
    [parent], _ = dependent(redis, "a")
    assert delete(redis, seen(redis, "child", "q", "deferred")) == ["done"]
    with redis.pipeline() as pipe:
        pipe.watch(parent.dependents_key)
        assert undo(redis) == ["done"]
        pipe.multi()
        pipe.hset(parent.key, "status", "finished")
        with pytest.raises(WatchError):
            pipe.execute()
    assert redis.smembers(parent.dependents_key) == {b"child"}


def test_who_was_released_by_another_one_does_not_run_again(redis: Redis, stock: Stock) -> None:
    (first, second), child = dependent(redis, "a", "b")
    waits = Queue("q", connection=redis).enqueue(echo, "waits", job_id="waits", depends_on=[first])
    assert delete(redis, seen(redis, "a", "q", "queued")) == ["done"]
    burst(stock)
    assert (second.get_status(), child.get_status()) == (JobStatus.FINISHED, JobStatus.FINISHED)
    assert undo(redis) == ["done"]
    assert redis.smembers(first.dependents_key) == {b"waits"}
    burst(stock)
    assert (first.get_status(), waits.get_status()) == (JobStatus.FINISHED, JobStatus.FINISHED)
    assert [len(job.results()) for job in (child, waits)] == [1, 1]
