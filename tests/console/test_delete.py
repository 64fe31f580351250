"""Delete: against RQ's own call for all that the catalogue has, and what stands in its way."""

from __future__ import annotations

import time
from contextlib import suppress

from redis import Redis
from rq import Queue
from rq.exceptions import NoSuchGroupError
from rq.group import Group
from rq.job import Job
from rq.rate_limit import RateLimit

from console.model.commands import Delete, JobSeen, TrashSeen, Undo
from console.model.queries import JobsQuery
from console.store.reader import StoreReader
from jobs import User, controls, heartbeat, keys, set_user
from tests.catalogue import ROOT
from tests.catalogue_tasks import echo
from tests.conftest import Server, Stock, until
from tests.console import acting
from tests.console.acting import act, codes, differences, only_meant, restore, seen, snapshot
from tests.console.catalogued import catalogued, of_states
from tests.fast_tiers import fast_tiers

__all__ = ["fast_tiers"]

STATES = (
    "queued", "scheduled", "retrying", "deferred", "ready", "rate limited", "finished", "failed", "stopped", "canceled",
)  # fmt: skip


def results(redis: Redis, *jobs: JobSeen, **options: bool) -> list[str]:
    return codes(act(redis, Delete(**options), *jobs))


def unchanged(redis: Redis, *jobs: JobSeen, **options: bool) -> list[str]:
    """What came of a delete that changes nothing."""
    return acting.unchanged(redis, Delete(**options), *jobs)


def test_leaves_what_rq_s_own_delete_leaves(redis: Redis, stock: Stock) -> None:
    jobs = catalogued(redis, stock)
    refused = {jobs[name].id.encode() for name in ("refused id", "refused id of signs")}
    cases = [case for case in of_states(redis, jobs, *STATES) if case.key not in refused]
    assert {case.state for case in cases} == set(STATES)
    [of_no_group] = Group.create(redis, "lost").enqueue_many(Queue("q", connection=redis), [Queue.prepare_data(echo, (1,))])
    redis.delete("rq:group:lost")
    cases.append(seen(redis, of_no_group.id, "q", "queued"))
    before = snapshot(redis)
    found = []
    for case in cases:
        restore(redis, before)
        job = Job.fetch(case.key.decode(), connection=redis)

        def theirs(job: Job = job) -> None:
            with suppress(NoSuchGroupError):
                job.delete()

        def ours(case: JobSeen = case) -> None:
            assert results(redis, case, with_entry=True, with_dependents=True) == ["done"], case

        found += differences(redis, theirs, ours)
    only_meant("delete", found)


def test_jobs_that_rq_refuses_or_cannot_read_are_deleted_all_the_same(redis: Redis, stock: Stock) -> None:
    jobs = catalogued(redis, stock)
    for name in ("refused id", "refused id of signs", "of a missing module", "json, failed"):
        assert results(redis, seen(redis, jobs[name])) == ["done"], name
        assert not redis.exists(f"rq:job:{jobs[name].id}", f"rq:results:{jobs[name].id}")
        assert redis.lpos("rq:queue:parked", jobs[name].id) is None
    binary = Queue("q", connection=redis).enqueue(echo, 1)
    redis.rename(binary.key, b"rq:job:\xff\x00\x80")
    redis.hdel(b"rq:job:\xff\x00\x80", "status")
    redis.rpush("rq:queue:other", b"\xff\x00\x80")
    assert results(redis, JobSeen(b"\xff\x00\x80", b"other", "queued")) == ["done"]
    assert not redis.exists(b"rq:job:\xff\x00\x80", "rq:queue:other")


def test_an_id_that_is_listed_and_has_no_hash_goes_off_its_list(redis: Redis, stock: Stock) -> None:
    jobs = catalogued(redis, stock)
    for name, key in (("failed, hash gone", "rq:failed:mail"), ("expired in its queue", "rq:queue:parked")):
        job = jobs[name]
        assert key in job.lists
        state = "failed" if name.startswith("failed") else "queued"
        assert results(redis, seen(redis, job.id, job.queue, state)) == ["done"]
        assert job.id.encode() not in (redis.zrange(key, 0, -1) if state == "failed" else redis.lrange(key, 0, -1))


def test_the_job_of_an_entry_is_kept_unless_it_is_told_otherwise(redis: Redis, stock: Stock) -> None:
    jobs = catalogued(redis, stock)
    entry = seen(redis, jobs["rq-scheduler's"])
    assert unchanged(redis, entry) == ["entry"]
    assert results(redis, entry, with_entry=True) == ["done"]
    assert redis.zscore(keys.ENTRIES, entry.key) is None


def test_the_entry_of_a_user_s_schedule_is_kept_whatever_it_is_told(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    entries = [JobSeen(entry, b"default", "scheduled") for entry in redis.zrange(keys.ENTRIES, 0, -1)]
    assert unchanged(redis, *entries, with_entry=True) == ["entry", "entry"]


def test_jobs_that_others_wait_for_are_kept_unless_it_is_told_otherwise(redis: Redis) -> None:
    queue = Queue("q", connection=redis)
    parent, child = (one := queue.enqueue(echo, 1)), queue.enqueue(echo, 2, depends_on=one)
    before = seen(redis, parent.id, "q", "queued")
    assert unchanged(redis, before) == ["dependents"]
    assert results(redis, seen(redis, child.id, "q", "deferred"), before) == ["done", "done"]


def test_a_parent_goes_with_those_that_wait_for_it_for_ever(redis: Redis) -> None:
    queue = Queue("q", connection=redis)
    parent = queue.enqueue(echo, 1)
    child = queue.enqueue(echo, 2, depends_on=parent)
    assert results(redis, seen(redis, parent.id, "q", "queued"), with_dependents=True) == ["done"]
    assert child.get_status() == "deferred"


def test_what_is_in_no_group_any_more_leaves_none(redis: Redis) -> None:
    queue = Queue("q", connection=redis)
    one, two = Group.create(redis, "night").enqueue_many(queue, [Queue.prepare_data(echo, (n,)) for n in (1, 2)])
    redis.srem("rq:group:night", one.id)
    assert results(redis, seen(redis, one.id, "q", "queued"), seen(redis, two.id, "q", "queued")) == ["done", "done"]
    assert not redis.exists("rq:group:night")


def test_a_job_that_still_runs_is_kept_whatever_its_status(redis: Redis, stock: Stock) -> None:
    job = Queue("q", connection=redis).enqueue("tests.catalogue_tasks.dawdle", 600)
    stock.worker("q", PYTHONPATH=str(ROOT))
    until(lambda: redis.exists(f"rq:executions:{job.id}") and job.get_status() == "started")
    job.cancel()
    assert results(redis, seen(redis, job.id, "q", "canceled")) == ["running"]
    assert redis.exists(job.key)


def test_what_changed_since_it_was_seen_is_left_alone_and_never_resurrected(redis: Redis, stock: Stock) -> None:
    queue = Queue("mail", connection=redis)
    done, failed = queue.enqueue(echo, 1), queue.enqueue("tests.catalogue_tasks.fail")
    before = [seen(redis, job.id, "mail", "queued") for job in (done, failed)]
    assert stock.worker("--burst", "mail", PYTHONPATH=str(ROOT)).wait(60) == 0
    was_failed = seen(redis, failed.id, "mail", "failed")
    failed.requeue()
    redis.lpop("rq:queue:mail")
    gone = JobSeen(b"gone", b"mail", "failed", 1.0)
    assert unchanged(redis, *before, was_failed, gone) == ["changed", "changed", "changed", "gone"]


def test_of_jobs_that_a_worker_takes_meanwhile_each_is_run_or_deleted(redis: Redis, stock: Stock, server: Server) -> None:
    queue = Queue("mail", connection=redis)
    ids = [job.id for job in queue.enqueue_many([Queue.prepare_data(echo, (n,)) for n in range(400)])]
    chunks = list(
        StoreReader(redis, server.url).select(JobsQuery("queued", b"mail"), time.time(), lambda: False, details=False)
    )
    jobs = [one for chunk in chunks for one in chunk.seen if isinstance(one, JobSeen)]
    worker = stock.worker("--burst", "mail", PYTHONPATH=str(ROOT))
    until(lambda: redis.zcard("rq:finished:mail") > 2)
    # From both ends, so that the worker and the delete meet.
    found = dict(zip([job.key.decode() for job in jobs[::-1]], results(redis, *jobs[::-1]), strict=True))
    assert worker.wait(120) == 0
    deleted = {job for job, result in found.items() if result == "done"}
    finished = {job.decode() for job in redis.zrange("rq:finished:mail", 0, -1)}
    assert set(found.values()) == {"done", "changed"}
    assert deleted | finished == set(ids)
    assert not deleted & finished
    assert not redis.exists(*(f"rq:job:{job}" for job in deleted))


def test_the_next_one_gets_the_slot_of_a_rate_limit(redis: Redis) -> None:
    queue, limit = Queue("q", connection=redis), RateLimit("vendor", 1)
    first, second, third = (queue.enqueue(echo, n, rate_limit=limit) for n in range(3))
    assert results(redis, seen(redis, second.id, "q", "rate limited"), seen(redis, first.id, "q", "queued")) == ["done", "done"]
    assert queue.job_ids == [third.id]
    assert redis.zrange("rq:rl:vendor:allowed", 0, -1) == [third.id.encode()]


def test_what_is_deleted_is_renamed_and_not_copied(redis: Redis) -> None:
    """However large it is: what a job holds goes into the trash, and comes back, without being read."""
    jobs = []
    for state, group in (("failed", ""), ("finished", "night"), ("queued", "night")):
        job = Queue("q", connection=redis).enqueue(echo, state)
        redis.hset(job.key, mapping={"status": state, "data": b"x" * 100_000, "group_id": group})
        redis.xadd(f"rq:results:{job.id}", {"return_value": b"x" * 100_000})
        if state != "queued":
            redis.lrem("rq:queue:q", 0, job.id)
            redis.zadd(f"rq:{state}:q", {job.id: 4e9})
        jobs.append(seen(redis, job.id, "q", state))
    before = {key: redis.dump(key) for job in jobs for key in (b"rq:job:" + job.key, b"rq:results:" + job.key)}
    renamed = 0
    for command, taken in ((Delete(), jobs), (Undo("op1"), [TrashSeen(job.key) for job in reversed(jobs)])):
        redis.config_resetstat()
        assert codes(act(redis, command, *taken, operation="op1" if taken is jobs else "undo1")) == ["done"] * 3
        called = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in redis.info("commandstats").items()}
        assert not called.keys() & {"copy", "dump", "restore", "hgetall", "xrange", "xadd"}, command
        renamed += called["rename"]
    assert renamed == 2 * len(before)
    assert {key: redis.dump(key) for key in before} == before


def test_an_id_that_is_given_twice_is_taken_once(redis: Redis) -> None:
    job = Queue("q", connection=redis).enqueue(echo, 1)
    before = seen(redis, job.id, "q", "queued")
    assert results(redis, before, before) == ["done", "changed"]


def test_hashes_and_lists_that_are_something_else_are_left_alone(redis: Redis) -> None:
    queue = Queue("q", connection=redis)
    one, two = queue.enqueue(echo, 1), Queue("other", connection=redis).enqueue(echo, 2, rate_limit=RateLimit("odd", 1))
    seen_one, seen_two = seen(redis, one.id, "q", "queued"), seen(redis, two.id, "other", "queued")
    redis.set(one.key, "x")
    redis.set("rq:rl:odd:allowed", "x")
    redis.set("rq:failed:text", "x")
    odd = JobSeen(two.id.encode(), b"text", "failed", 1.0)
    assert unchanged(redis, seen_one, seen_two, odd) == ["unreadable", "unreadable", "changed"]
    assert unchanged(redis, JobSeen(b"no-hash", b"text", "failed", 1.0)) == ["unreadable"]


def test_the_keys_of_another_job_are_not_taken_for_a_job_s_own(redis: Redis) -> None:
    queue = Queue("q", connection=redis)
    job = queue.enqueue(echo, 1)
    other = f"{job.id}:dependents"
    redis.hset(f"rq:job:{other}", mapping=redis.hgetall(job.key))
    redis.rpush("rq:queue:q", other)
    assert results(redis, seen(redis, job.id, "q", "queued")) == ["done"]
    assert redis.hexists(f"rq:job:{other}", "status")
    assert redis.lrange("rq:queue:q", 0, -1) == [other.encode()]


def test_a_deleted_run_holds_up_no_slot_and_is_not_put_back(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    run = controls.run_now(redis, "ada", "ok").run
    assert run is not None
    redis.hset(keys.ATTEMPTS + run, "n", 1)
    redis.rpush(keys.LOG + run, "{}")
    assert results(redis, seen(redis, run, "default", "queued")) == ["done"]
    assert not redis.exists(keys.WAITING + "default", keys.ATTEMPTS + run, keys.LOG + run)
    for _ in range(2):
        assert heartbeat.beat(redis)["recovered"] == 0
    assert not redis.exists("rq:queue:default", keys.RQ_JOB + run)
    assert controls.run_now(redis, "ada", "ok").run is not None


def test_emptying_a_queue_costs_no_walk_through_it(redis: Redis, server: Server) -> None:
    with redis.pipeline(transaction=False) as pipe:
        for n in range(1_000):
            pipe.rpush("rq:queue:long", *(f"job-{n}-{m}" for m in range(100)))
        pipe.execute()
    jobs = [JobSeen(one, b"long", "queued") for one in redis.lrange("rq:queue:long", 0, 299)]
    redis.config_resetstat()
    assert set(results(redis, *jobs)) == {"done"}
    assert not {"cmdstat_lpos", "cmdstat_lrem"} & redis.info("commandstats").keys()
    assert redis.llen("rq:queue:long") == 99_700


def test_nothing_is_deleted_while_nobody_can_tell_whether_it_is_an_entry(redis: Redis) -> None:
    job = seen(redis, Queue("q", connection=redis).enqueue(echo, 1).id, "q", "queued")
    redis.set(keys.ENTRIES, "no sorted set")
    for with_entry in (False, True):
        assert unchanged(redis, job, with_entry=with_entry) == ["unreadable"]
    redis.delete(keys.ENTRIES)
    assert results(redis, job) == ["done"]


def test_the_console_s_clock_does_not_say_what_is_alive(redis: Redis) -> None:
    queue, limit = Queue("q", connection=redis), RateLimit("vendor", 1)
    running, waits = (queue.enqueue(echo, n, rate_limit=limit) for n in (1, 2))
    queue.remove(running)
    running.cancel()
    redis.zadd("rq:rl:vendor:allowed", {running.id: 1})
    redis.zadd(f"rq:executions:{running.id}", {"one": time.time() + 100})
    job = seen(redis, running.id, "q", "canceled")
    assert codes(act(redis, Delete(), job, ahead=200)) == ["running"]
    redis.zadd(f"rq:executions:{running.id}", {"one": time.time() - 100})
    assert codes(act(redis, Delete(), job, ahead=-200)) == ["done"]
    assert waits.get_status() == "queued"
