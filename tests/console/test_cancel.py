"""Cancel: against RQ's own call for all that the catalogue has, and what RQ's own call leaves behind."""

from __future__ import annotations

import time
from datetime import timedelta

from redis import Redis
from rq import Queue
from rq.job import Job
from rq.rate_limit import RateLimit

from console.model.commands import Cancel, JobSeen
from jobs import User, controls, heartbeat, keys, set_user
from tests.catalogue import ROOT
from tests.catalogue_tasks import echo
from tests.conftest import Stock
from tests.console import acting
from tests.console.acting import act, codes, differences, only_meant, restore, seen, snapshot
from tests.console.catalogued import catalogued, of_states
from tests.fast_tiers import fast_tiers

__all__ = ["fast_tiers"]

STATES = ("queued", "scheduled", "retrying", "deferred", "ready", "rate limited")


def results(redis: Redis, *jobs: JobSeen, **options: bool) -> list[str]:
    return codes(act(redis, Cancel(**options), *jobs))


def unchanged(redis: Redis, *jobs: JobSeen, **options: bool) -> list[str]:
    """What came of a cancel that changes nothing."""
    return acting.unchanged(redis, Cancel(**options), *jobs)


def test_leaves_what_rq_s_own_cancel_leaves(redis: Redis, stock: Stock) -> None:
    jobs = catalogued(redis, stock)
    refused = {jobs[name].id.encode() for name in ("refused id", "refused id of signs")}
    cases = [case for case in of_states(redis, jobs, *STATES) if case.key not in refused]
    assert {case.state for case in cases} == set(STATES)
    before = snapshot(redis)
    found = []
    for case in cases:
        restore(redis, before)
        job = Job.fetch(case.key.decode(), connection=redis)

        def ours(case: JobSeen = case) -> None:
            assert results(redis, case, with_entry=True) == ["done"], case

        found += differences(redis, job.cancel, ours)
    only_meant("cancel", found)


def test_a_job_of_an_id_that_rq_refuses_is_canceled_all_the_same(redis: Redis, stock: Stock) -> None:
    jobs = catalogued(redis, stock)
    for name in ("refused id", "refused id of signs"):
        assert results(redis, seen(redis, jobs[name])) == ["done"]
        assert redis.hget(f"rq:job:{jobs[name].id}", "status") == b"canceled"
        assert redis.zscore("rq:canceled:parked", jobs[name].id)
        assert redis.lpos("rq:queue:parked", jobs[name].id) is None


def test_the_job_of_an_entry_is_kept_unless_it_is_told_otherwise(redis: Redis, stock: Stock) -> None:
    jobs = catalogued(redis, stock)
    entry = seen(redis, jobs["rq-scheduler's"])
    assert unchanged(redis, entry) == ["entry"]
    assert results(redis, entry, with_entry=True) == ["done"]
    assert redis.zscore(keys.ENTRIES, entry.key) is None


def test_the_next_one_gets_the_slot_of_a_rate_limit(redis: Redis) -> None:
    queue, limit = Queue("q", connection=redis), RateLimit("vendor", 1)
    first, second, third = (queue.enqueue(echo, n, rate_limit=limit) for n in range(3))
    assert results(redis, seen(redis, second.id, "q", "rate limited"), seen(redis, first.id, "q", "queued")) == ["done", "done"]
    assert queue.job_ids == [third.id]
    assert redis.zrange("rq:rl:vendor:allowed", 0, -1) == [third.id.encode()]
    assert not redis.exists("rq:rl:vendor:rate_limited")


def test_what_changed_since_it_was_seen_is_left_alone(redis: Redis, stock: Stock) -> None:
    queue = Queue("mail", connection=redis)
    job = queue.enqueue(echo, 1)
    due = queue.enqueue_in(timedelta(hours=1), echo, 2)
    was_queued, was_due = seen(redis, job.id, "mail", "queued"), seen(redis, due.id, "mail", "scheduled")
    assert stock.worker("--burst", "mail", PYTHONPATH=str(ROOT)).wait(60) == 0
    assert job.get_status() == "finished"
    redis.zincrby("rq:scheduled:mail", 60, due.id)
    gone = JobSeen(b"gone", b"mail", "queued")
    assert unchanged(redis, was_queued, was_due, gone) == ["changed", "changed", "gone"]


def test_a_job_that_a_worker_has_popped_and_not_started_is_left_alone(redis: Redis) -> None:
    job = Queue("q", connection=redis).enqueue(echo, 1)
    before = seen(redis, job.id, "q", "queued")
    redis.lpop("rq:queue:q")
    assert unchanged(redis, before) == ["changed"]


def test_hashes_and_lists_that_are_something_else_are_left_alone(redis: Redis) -> None:
    queue = Queue("q", connection=redis)
    one, two = queue.enqueue(echo, 1), Queue("other", connection=redis).enqueue(echo, 2)
    seen_one, seen_two = seen(redis, one.id, "q", "queued"), seen(redis, two.id, "other", "queued")
    redis.delete(one.key)
    redis.set(one.key, "x")
    redis.set("rq:canceled:other", "x")
    assert unchanged(redis, seen_one, seen_two) == ["unreadable", "unreadable"]


def test_a_job_whose_status_rq_does_not_know_can_be_canceled(redis: Redis) -> None:
    job = Queue("q", connection=redis).enqueue(echo, 1)
    redis.hset(job.key, "status", "no such status")
    assert results(redis, seen(redis, job.id, "q", "queued")) == ["done"]
    assert redis.hget(job.key, "status") == b"canceled"


def test_a_canceled_run_holds_up_no_slot_and_is_not_put_back(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    run = controls.run_now(redis, "ada", "ok").run
    assert run is not None
    assert controls.run_now(redis, "ada", "ok").reason == "overlap"
    redis.hset(keys.MISSING, run, "1 then")
    assert results(redis, seen(redis, run, "default", "queued")) == ["done"]
    schedule, _, suffix = run.rpartition("-")
    assert redis.hget(keys.RUNS + schedule, suffix).split(b";")[1] == b"canceled"  # type: ignore[union-attr]
    assert not redis.exists(keys.WAITING + "default", keys.ONGOING + "default", keys.MISSING)
    for _ in range(2):
        assert heartbeat.beat(redis)["recovered"] == 0
    assert not redis.exists("rq:queue:default")
    assert controls.run_now(redis, "ada", "ok").run is not None


def test_a_canceled_retry_of_a_run_is_forgotten(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    run = controls.run_now(redis, "ada", "ok").run
    assert run is not None
    redis.lrem("rq:queue:default", 0, run)
    redis.hset(keys.RQ_JOB + run, "status", "scheduled")
    redis.zadd("rq:scheduled:default", {run: 5e9})
    redis.zrem(keys.WAITING + "default", run)
    redis.zadd(keys.ONGOING + "default", {run: 5e9})
    assert results(redis, seen(redis, run, "default", "retrying")) == ["done"]
    assert not redis.exists(keys.ONGOING + "default", "rq:scheduled:default")


def test_nothing_is_canceled_while_nobody_can_tell_whether_it_is_an_entry(redis: Redis) -> None:
    job = seen(redis, Queue("q", connection=redis).enqueue(echo, 1).id, "q", "queued")
    redis.set(keys.ENTRIES, "no sorted set")
    for with_entry in (False, True):
        assert unchanged(redis, job, with_entry=with_entry) == ["unreadable"]
    redis.delete(keys.ENTRIES)
    assert results(redis, job) == ["done"]


def test_the_console_s_clock_does_not_say_who_holds_a_slot(redis: Redis) -> None:
    queue, limit = Queue("q", connection=redis), RateLimit("vendor", 1)
    first, second = (queue.enqueue(echo, n, rate_limit=limit) for n in range(2))
    redis.zadd(f"rq:executions:{first.id}", {"one": time.time() + 100})
    assert codes(act(redis, Cancel(), seen(redis, first.id, "q", "queued"), ahead=200)) == ["done"]
    assert second.get_status() == "rate_limited"
    assert redis.zrange("rq:rl:vendor:allowed", 0, -1) == [first.id.encode()]
