"""Schedules fired by stock `rqscheduler` and run by stock `rq worker high default low`."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from redis import Redis
from rq.job import Job
from rq_scheduler import Scheduler

from jobs import User, controls, firing, keys, registering, schedules, scripts, set_schedule, set_user
from jobs.cadence import Every
from jobs.schedules import schedule_id
from tests.conftest import Stock, until
from tests.fast_tiers import runs_of, until_run


def test_each_slot_has_one_run_and_each_run_a_slot(redis: Redis, stock: Stock) -> None:
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
        # A machine that is too slow for two seconds misses slots, as after an outage; it never leaves the beat.
        assert {(later - earlier) % 2 for earlier, later in pairwise(slots)} == {0}
        assert len(slots) == len(set(slots))
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
    set_schedule(redis, "ada", "ok", catch_up=120)
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
    assert redis.hget(keys.LANE + after.lane, "skip:missed") == b"1"
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
    stock.worker()
    for _ in range(30):
        for user in users:
            controls.pause(redis, user, "ok")
            controls.run_now(redis, user, "ok")
            controls.resume(redis, user, "ok")
            assert redis.zscore(keys.ENTRIES, schedule_id(user, "ok")) is not None
            registering.set_schedule(redis, user, "ok", cadence=Every(1))
    until(lambda: all(schedules.get(redis, user, "ok").fired > 3 for user in users), 40, "slots fired all the while")
    # Slots may come faster than two workers can fork.
    for user in users:
        controls.pause(redis, user, "ok")
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


def due_now(redis: Redis, user: str = "ada", task: str = "ok") -> str:
    one = schedule_id(user, task)
    redis.zadd(keys.ENTRIES, {one: time.time() - 1})
    return one


def fetched(redis: Redis, one: str) -> Job:
    return Job.fetch(one, connection=redis)


def test_a_pass_with_an_old_list_fires_nothing_that_is_not_due(redis: Redis) -> None:
    """What a pass that outlives its lock does: it hands over entries that another pass has fired since."""
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", overlap="allow")
    one = due_now(redis)
    job = fetched(redis, one)
    scheduler = Scheduler(connection=redis)
    scheduler.enqueue_job(fetched(redis, one))
    after = schedules.get(redis, "ada", "ok")
    scheduler.enqueue_job(job)
    assert schedules.get(redis, "ada", "ok") == after
    assert redis.zscore(keys.ENTRIES, one) == after.next_at
    assert redis.llen("rq:queue:default") == 1


def test_an_entry_put_off_in_the_middle_of_a_pass_waits(redis: Redis) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    job = fetched(redis, due_now(redis))
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    Scheduler(connection=redis).enqueue_job(job)
    assert runs_of(redis, "ada", "ok") == []


@pytest.mark.parametrize(
    ("meanwhile", "outcome", "runs"),
    [
        (lambda redis, one: redis.zadd(keys.ENTRIES, {one: time.time() + 60}), "moved", 0),
        (lambda redis, one: redis.zrem(keys.ENTRIES, one), "moved", 0),
        (lambda redis, one: controls.pause(redis, "ada", "ok"), "paused", 0),
        (lambda redis, one: set_user(redis, User("ada", "pro"), tasks=["ok"]), "fired", 1),
    ],
)
def test_what_changes_between_reading_and_firing_counts(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[Redis, str], object], outcome: str, runs: int
) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    one = due_now(redis)
    decide, changed = firing.decide, []

    def decide_late(*args: object) -> firing.Decision:
        if not changed:
            changed.append(meanwhile(redis, one))
        return decide(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(firing, "decide", decide_late)
    assert firing.fire(redis, one, fetched(redis, one)) == outcome
    assert len(runs_of(redis, "ada", "ok")) == runs


def test_a_scheduler_whose_clock_is_ahead_of_the_server_fires(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    one = schedule_id("ada", "ok")
    slot = int(time.time()) + 20
    redis.zadd(keys.ENTRIES, {one: slot})
    monkeypatch.setattr(firing.time, "time", lambda clock=time.time: clock() + 30)
    assert firing.fire(redis, one, fetched(redis, one)) == "fired"
    assert runs_of(redis, "ada", "ok")[0].slot == slot


def test_a_slot_that_has_its_run_gets_no_other(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", overlap="allow")
    one = schedule_id("ada", "ok")
    slot = schedules.get(redis, "ada", "ok").cadence.latest(time.time())
    for expected in ("fired", "exists"):
        redis.zadd(keys.ENTRIES, {one: slot})
        assert firing.fire(redis, one, fetched(redis, one)) == expected
    assert redis.llen("rq:queue:default") == 1


def test_a_backfill_does_not_hold_up_the_schedule(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    now = time.time()
    assert controls.backfill(redis, "ada", "ok", now - 5 * 3_600, now).enqueued == 5
    one = due_now(redis)
    assert firing.fire(redis, one, fetched(redis, one)) == "fired"


def test_a_backfill_leaves_the_slot_that_is_due_to_its_lane(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    one = schedule_id("ada", "ok")
    slot = schedules.get(redis, "ada", "ok").cadence.latest(time.time())
    redis.zadd(keys.ENTRIES, {one: slot})
    redis.hset(keys.SCHEDULE + one, "next", slot)
    assert controls.backfill(redis, "ada", "ok", slot - 2 * 3_600, time.time()).enqueued == 2
    assert firing.fire(redis, one, fetched(redis, one)) == "fired"
    assert (redis.llen("rq:queue:low"), redis.llen("rq:queue:default")) == (2, 1)


def overdue(redis: Redis, hours: int) -> tuple[str, int]:
    """Let the entry wait as if rqscheduler had been down for some hours; the entry, and the newest slot."""
    one = schedule_id("ada", "ok")
    newest = schedules.get(redis, "ada", "ok").cadence.latest(time.time())
    redis.zadd(keys.ENTRIES, {one: newest - hours * 3_600})
    redis.hset(keys.SCHEDULE + one, "next", newest - hours * 3_600)
    return one, newest


def test_a_backfill_of_an_outage_that_goes_on_runs_what_the_entry_will_not(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    one, newest = overdue(redis, 5)
    came = controls.backfill(redis, "ada", "ok", newest - 5 * 3_600, time.time())
    assert came == controls.Backfilled(5, 0, newest)
    assert firing.fire(redis, one, fetched(redis, one)) == "fired"
    made = [*redis.lrange("rq:queue:low", 0, -1), *redis.lrange("rq:queue:default", 0, -1)]
    assert made == [f"{one}-{newest - n * 3_600}".encode() for n in range(5, -1, -1)]


def test_a_backfill_runs_the_newest_slot_too_once_the_entry_would_be_too_late(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", cadence=Every(86_400), catch_up=120)
    one = schedule_id("ada", "ok")
    # Half a day after the newest slot, whatever the time of day is.
    redis.hset(keys.SCHEDULE + one, "cadence", Every(86_400, int(time.time() - 43_200) % 86_400).spec())
    newest = schedules.get(redis, "ada", "ok").cadence.latest(time.time())
    redis.zadd(keys.ENTRIES, {one: newest})
    redis.hset(keys.SCHEDULE + one, "next", newest)
    assert controls.backfill(redis, "ada", "ok", newest - 86_400, time.time()) == controls.Backfilled(2, 0)
    assert firing.fire(redis, one, fetched(redis, one)) == "missed"


def test_a_user_who_comes_back_is_served_again(redis: Redis) -> None:
    for active, expected in ((True, "fired"), (False, "inactive"), (True, "fired")):
        set_user(redis, User("ada", "slow", active=active), tasks=["ok"])
        redis.delete(keys.RUNS + schedule_id("ada", "ok"))
        one = due_now(redis)
        assert firing.fire(redis, one, fetched(redis, one)) == expected
        redis.delete(*(keys.RQ_JOB + run.id for run in runs_of(redis, "ada", "ok")), "none")


def test_jittered_slots_are_each_fired_once(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", cadence=Every(4), jitter=3, overlap="allow")
    stock.scheduler("-i", "0.2")
    until(lambda: schedules.get(redis, "ada", "ok").fired >= 3, 40, "three runs")
    schedule = schedules.get(redis, "ada", "ok")
    bases = [schedule.slots.base_of(int(run.slot or 0)) for run in reversed(runs_of(redis, "ada", "ok"))]  # type: ignore[union-attr]
    assert {later - earlier for earlier, later in pairwise(bases)} == {4}


def test_jitter_given_after_a_slot_was_run_does_not_run_it_again(redis: Redis) -> None:
    for n in range(30):
        user = f"user-{n}"
        set_user(redis, User(user, "slow"), tasks=["ok"])
        cadence = Every(3_600, int(time.time() - 5) % 3_600)
        one = schedule_id(user, "ok")
        redis.hset(keys.SCHEDULE + one, "cadence", cadence.spec())
        redis.hset(keys.SCHEDULE + one, "own", "1")
        redis.zadd(keys.ENTRIES, {one: cadence.next_after(time.time())})
        set_schedule(redis, user, "ok", jitter=600)
        assert (schedules.get(redis, user, "ok").next_at or 0) >= time.time() + 3_000


def test_jitter_longer_than_a_new_tiers_period_does_not_end_the_schedule(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", jitter=3_000)
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    one = due_now(redis)
    assert firing.fire(redis, one, fetched(redis, one)) == "fired"
    assert (schedules.get(redis, "ada", "ok").next_at or 0) < time.time() + 5


def test_a_definition_that_cannot_be_read_is_set_aside_and_repaired(redis: Redis) -> None:
    for spoil in (
        lambda key: redis.hset(key, "cadence", "now and then"),
        lambda key: redis.hset(key, "policy", "60 30 900 0.2 120 86400 604800"),
        lambda key: (redis.delete(key), redis.rpush(key, "no hash")),
    ):
        redis.flushdb()
        set_user(redis, User("ada", "slow"), tasks=["ok"])
        controls.pause(redis, "ada", "ok", "note")
        one = due_now(redis)
        job = fetched(redis, one)
        spoil(keys.SCHEDULE + one)
        assert firing.fire(redis, one, job) == "unreadable"
        assert redis.zcard(keys.QUARANTINE) == 1
        assert controls.repair(redis).remade == 1
        assert schedules.get(redis, "ada", "ok").paused
        assert redis.zscore(keys.ENTRIES, one) is not None


def test_scripts_are_loaded_once_and_again_after_the_server_forgot_them(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", overlap="allow")
    redis.script_flush()
    for n in range(3):
        one = due_now(redis)
        redis.delete(keys.RQ_JOB + f"{one}-{int(time.time() - 1)}")
        assert firing.fire(redis, one, fetched(redis, one)) in ("fired", "exists"), n
    assert redis.script_exists(scripts.FIRE.sha) == [True]
