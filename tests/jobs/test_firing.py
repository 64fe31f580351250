"""Schedules fired by stock `rqscheduler` and run by stock `rq worker high default low`."""

from __future__ import annotations

import time
from itertools import pairwise

from redis import Redis
from rq.job import Job

from jobs import User, controls, keys, registering, schedules, set_schedule, set_user
from jobs.cadence import Every
from jobs.schedules import schedule_id
from tests.conftest import Stock, until
from tests.fast_tiers import runs_of, until_run


def test_every_due_slot_runs_once(redis: Redis, stock: Stock) -> None:
    start = time.time()
    users = [f"user-{n}" for n in range(10)]
    for user in users:
        set_user(redis, User(user, "pro"), tasks=["ok"])
    stock.scheduler()
    stock.worker()
    stock.worker()
    until(
        lambda: all(sum(run.state == "finished" for run in runs_of(redis, user, "ok")) >= 3 for user in users),
        40,
        "three finished runs of each user",
    )
    executed = redis.lrange("test:executed:ok", 0, -1)
    assert len(executed) == len(set(executed))
    for user in users:
        slots = sorted(int(run.slot or 0) for run in runs_of(redis, user, "ok"))
        assert {later - earlier for earlier, later in pairwise(slots)} == {2}
        assert slots[0] > start
    assert "Traceback" not in stock.logs()


def test_a_run_is_a_job_of_its_own(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    stock.scheduler()
    record = until_run(redis, "ada", "ok", lambda run: True)
    job = Job.fetch(record.id, connection=redis)
    schedule = schedules.get(redis, "ada", "ok")
    assert record.id == f"{schedule.id}-{int(record.slot or 0)}"
    assert job.meta == {"schedule": schedule.id, "user": "ada", "tier": "pro", "task": "ok", "slot": record.slot}
    assert (job.origin, job.retries_left, job.retry_intervals) == ("high", 3, [1, 2, 2])
    assert (job.timeout, job.result_ttl, job.failure_ttl) == (20, 86_400, 7 * 86_400)
    entry = Job.fetch(schedule.id, connection=redis)
    assert entry.get_status() == "scheduled"
    assert redis.ttl(entry.key) == -1


def test_the_newest_missed_slot_gets_the_one_run_after_an_outage(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    one = schedule_id("ada", "ok")
    now = int(redis.time()[0])
    redis.zadd(keys.ENTRIES, {one: now - 600})
    stock.scheduler("-b", "-i", "1").wait(20)
    runs = runs_of(redis, "ada", "ok")
    assert len(runs) == 1
    assert now - 4 <= (runs[0].slot or 0) <= time.time()
    missed = schedules.get(redis, "ada", "ok").skipped["missed"]
    assert 298 <= missed <= 304


def test_a_slot_outside_the_catch_up_window_is_skipped_and_counted(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", catch_up=60)
    one = schedule_id("ada", "ok")
    cadence = schedules.get(redis, "ada", "ok").cadence
    now = time.time()
    # Of an hourly cadence, put the newest missed slot ten minutes back.
    assert isinstance(cadence, Every)
    set_schedule(redis, "ada", "ok", cadence=Every(3600))
    shifted = Every(3600, int(now - 600) % 3600)
    redis.hset(keys.SCHEDULE + one, "cadence", shifted.spec())
    redis.zadd(keys.ENTRIES, {one: shifted.latest(now)})
    stock.scheduler("-b", "-i", "1").wait(20)
    after = schedules.get(redis, "ada", "ok")
    assert runs_of(redis, "ada", "ok") == []
    assert after.skipped == {"missed": 1}
    assert after.next_at == shifted.next_after(now)


def test_overlap_is_skipped_allowed_or_queued(redis: Redis, stock: Stock) -> None:
    for user, overlap in (("skip", "skip"), ("allow", "allow"), ("queue", "queue")):
        set_user(redis, User(user, "pro"), tasks=["gated"])
        set_schedule(redis, user, "gated", overlap=overlap)
    stock.scheduler()
    for _ in range(3):
        stock.worker()

    def skipped(user: str) -> int:
        return schedules.get(redis, user, "gated").skipped.get("overlap", 0)

    until(lambda: skipped("skip") >= 2 and skipped("queue") >= 1, 40, "skips for overlap")
    until(lambda: len(runs_of(redis, "allow", "gated")) >= 3, 40, "overlapping runs")
    assert len(runs_of(redis, "skip", "gated")) == 1
    assert len(runs_of(redis, "queue", "gated")) == 2
    assert skipped("allow") == 0
    redis.set("test:gate", 1)


def test_pausing_skips_and_resuming_goes_on(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    controls.pause(redis, "ada", "ok", "the vendor asked", by="ann")
    stock.scheduler()
    until(lambda: schedules.get(redis, "ada", "ok").skipped.get("paused", 0) >= 2, 40, "paused slots")
    paused = schedules.get(redis, "ada", "ok")
    assert (paused.note, paused.noted_by, paused.fired) == ("the vendor asked", "ann", 0)
    controls.resume(redis, "ada", "ok")
    until(lambda: schedules.get(redis, "ada", "ok").fired >= 1, 40, "a run after resuming")


def test_an_inactive_user_is_skipped(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "pro", active=False), tasks=["ok"])
    stock.scheduler()
    until(lambda: schedules.get(redis, "ada", "ok").skipped.get("inactive", 0) >= 1, 40, "a skip")
    assert runs_of(redis, "ada", "ok") == []


def test_pause_resume_and_run_now_while_firing_never_lose_the_entry(redis: Redis, stock: Stock) -> None:
    users = [f"user-{n}" for n in range(5)]
    for user in users:
        set_user(redis, User(user, "pro"), tasks=["ok"])
        set_schedule(redis, user, "ok", overlap="allow", cadence=Every(1))
    stock.scheduler("-i", "0.05")
    stock.scheduler("-i", "0.05")
    stock.worker()
    for _ in range(60):
        for user in users:
            controls.pause(redis, user, "ok")
            controls.run_now(redis, user, "ok")
            controls.resume(redis, user, "ok")
            assert redis.zscore(keys.ENTRIES, schedule_id(user, "ok")) is not None
            registering.set_schedule(redis, user, "ok", cadence=Every(1))
    until(lambda: all(schedules.get(redis, user, "ok").fired > 3 for user in users), 40, "slots fired all the while")
    until(lambda: redis.llen("rq:queue:high") == 0, 40, "an empty lane")
    executed = redis.lrange("test:executed:ok", 0, -1)
    assert len(executed) == len(set(executed))
    assert "Traceback" not in stock.logs()


def test_a_removed_schedule_is_not_brought_back_by_a_pass(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    one = schedule_id("ada", "ok")
    redis.delete(keys.SCHEDULE + one)
    redis.zadd(keys.ENTRIES, {one: 1})
    stock.scheduler("-b", "-i", "1").wait(20)
    assert redis.zscore(keys.ENTRIES, one) is None
    assert not redis.exists(keys.RQ_JOB + one)
    assert redis.llen("rq:queue:high") == 0


def test_a_deleted_entry_is_put_back_at_its_slot(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    one = schedule_id("ada", "ok")
    slot = redis.zscore(keys.ENTRIES, one)
    redis.zrem(keys.ENTRIES, one)
    redis.delete(keys.RQ_JOB + one)
    stock.scheduler("-b", "-i", "1").wait(20)
    assert redis.zscore(keys.ENTRIES, one) == slot
    assert redis.hget(keys.RQ_JOB + one, "origin") == b"default"


def test_a_deleted_heartbeat_comes_back_with_the_next_fire(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    redis.zrem(keys.ENTRIES, keys.HEARTBEAT_ENTRY)
    redis.delete(keys.RQ_JOB + keys.HEARTBEAT_ENTRY)
    stock.scheduler()
    until(lambda: redis.hget(keys.HEARTBEAT, "at"), 40, "a heartbeat")
