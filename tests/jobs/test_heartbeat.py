"""What the heartbeat does, and leaves to others."""

from __future__ import annotations

import time

from redis import Redis
from rq import Queue
from rq.rate_limit import RateLimit

from jobs import User, controls, heartbeat, keys, set_user
from jobs.schedules import schedule_id
from tests.conftest import Stock, until


def scheduled_run(redis: Redis, due: float) -> str:
    """A run that waits for its retry, as RQ leaves it."""
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    run = controls.run_now(redis, "ada", "ok").run
    assert run is not None
    redis.lrem("rq:queue:default", 0, run)
    redis.hset(keys.RQ_JOB + run, "status", "scheduled")
    redis.zadd("rq:scheduled:default", {run: due})
    return run


def test_due_retries_move_and_others_stay(redis: Redis) -> None:
    now = time.time()
    run = scheduled_run(redis, now - 1)
    redis.zadd("rq:scheduled:default", {"later": now + 60, "hash-is-gone": now - 5})
    redis.hset("rq:job:later", "status", "scheduled")
    assert heartbeat.beat(redis).moved == 1
    assert redis.lrange("rq:queue:default", 0, -1) == [run.encode()]
    assert redis.hget(keys.RQ_JOB + run, "status") == b"queued"
    assert redis.zrange("rq:scheduled:default", 0, -1) == [b"later"]


def test_retries_are_left_to_an_rq_scheduler_that_holds_the_lock(redis: Redis) -> None:
    scheduled_run(redis, time.time() - 1)
    redis.set("rq:scheduler-lock:default", "somebody", ex=61)
    assert heartbeat.beat(redis).moved == 0
    assert redis.llen("rq:queue:default") == 0


def test_a_malformed_hash_does_not_keep_the_others_waiting(redis: Redis) -> None:
    run = scheduled_run(redis, time.time() - 1)
    redis.rpush("rq:job:no-hash", "x")
    redis.zadd("rq:scheduled:default", {"no-hash": 1})
    assert heartbeat.beat(redis).moved == 1
    assert redis.lrange("rq:queue:default", 0, -1) == [run.encode()]


def test_a_rate_limited_retry_is_left_to_rq(redis: Redis) -> None:
    scheduled_run(redis, time.time() - 1)
    job = Queue("default", connection=redis).enqueue("x.y", rate_limit=RateLimit("key", 1))
    redis.lrem("rq:queue:default", 0, job.id)
    redis.zadd("rq:scheduled:default", {job.id: 1})
    heartbeat.beat(redis)
    assert redis.zscore("rq:scheduled:default", job.id) == 1


def test_a_retry_whose_registry_forgot_it_is_enqueued_again(redis: Redis) -> None:
    run = scheduled_run(redis, time.time() - 1)
    redis.zrem("rq:scheduled:default", run)
    heartbeat.beat(redis)
    mark = redis.hget(keys.MISSING, run)
    assert mark is not None
    redis.hset(keys.MISSING, run, b"1 " + mark.partition(b" ")[2])
    assert heartbeat.beat(redis).recovered == 1
    assert redis.lrange("rq:queue:default", 0, -1) == [run.encode()]
    assert redis.hget(keys.RQ_JOB + run, "status") == b"queued"


def test_a_run_that_moved_to_another_queue_is_looked_after_there(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    run = controls.run_now(redis, "ada", "ok").run
    assert run is not None
    redis.lrem("rq:queue:default", 0, run)
    redis.hset(keys.RQ_JOB + run, "origin", "elsewhere")
    redis.rpush("rq:queue:elsewhere", run)
    for _ in range(3):
        assert heartbeat.beat(redis).recovered == 0
    assert redis.zrange(keys.WAITING + "elsewhere", 0, -1) == [run.encode()]
    assert redis.llen("rq:queue:default") == 0


def test_a_lost_run_at_the_end_of_a_long_lane_is_found_without_walking_it(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    lost = controls.run_now(redis, "ada", "ok").run
    assert redis.lpop("rq:queue:default") == (lost or "").encode()
    for n in range(300):
        set_user(redis, User(f"user-{n}", "slow"), tasks=["ok"])
        controls.run_now(redis, f"user-{n}", "ok")
    before = redis.info("commandstats").get("cmdstat_hmget", {}).get("calls", 0)
    heartbeat.beat(redis)
    looked_at = redis.info("commandstats")["cmdstat_hmget"]["calls"] - before
    assert redis.hkeys(keys.MISSING) == [(lost or "").encode()]
    assert looked_at < 20


def test_samples_are_taken_once_a_slot_whoever_beats(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    controls.run_now(redis, "ada", "ok")
    Queue("foreign", connection=redis).enqueue("x.y")
    heartbeat.beat(redis)
    # Another scheduler, or one whose clock was set back, knows nothing of the first one's sample.
    redis.hdel(keys.HEARTBEAT, "sampled_at")
    heartbeat.beat(redis)
    for queue, waiting in (("default", b"1"), ("foreign", b"1")):
        samples = redis.xrange(keys.SAMPLES + queue)
        slots = [int(sample_id.partition(b"-")[0]) for sample_id, _ in samples]
        assert len(slots) == len(set(slots)) <= 2
        assert all(slot % (heartbeat.SAMPLE_EVERY * 1000) == 0 for slot in slots)
        assert samples[0][1][b"waiting"] == waiting
    assert redis.xrange(keys.SAMPLES + "default")[0][1][b"in"] == b"1"


def test_the_age_of_the_oldest_job_is_counted_across_months_and_leap_days(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    run = controls.run_now(redis, "ada", "ok").run
    for stamp, epoch in (("2024-02-29T23:59:59.000000Z", 1709251199), ("2025-12-31T00:00:00.5Z", 1767139200)):
        redis.hset(f"{keys.RQ_JOB}{run}", "enqueued_at", stamp)
        redis.delete(keys.SAMPLES + "default", keys.HEARTBEAT)
        heartbeat.beat(redis)
        age = int(redis.xrevrange(keys.SAMPLES + "default")[0][1][b"oldest_s"])
        assert abs(age - (time.time() - epoch)) < 5


def test_a_key_of_the_wrong_type_ends_one_duty_only(redis: Redis) -> None:
    scheduled_run(redis, time.time() - 1)
    redis.set(keys.SAMPLES + "default", "not a stream")
    redis.delete(keys.MISSING)
    redis.set(keys.MISSING, "not a hash")
    redis.zrem(keys.ENTRIES, schedule_id("ada", "ok"))
    beaten = heartbeat.beat(redis)
    assert (beaten.moved, beaten.rearmed) == (1, 1)


def test_a_scheduler_leaves_word_of_itself(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    process = stock.scheduler("-i", "1")
    until(lambda: redis.zcard(keys.SCHEDULERS) == 1, 40, "a scheduler")
    [name] = redis.zrange(keys.SCHEDULERS, 0, -1)
    told = redis.hgetall(keys.SCHEDULER + name.decode())
    assert int(told[b"pid"]) == process.pid
    assert float(told[b"poll_s"]) == 1.0
    assert abs(float(told[b"at"]) - time.time()) < 60
    assert 0 < redis.ttl(keys.SCHEDULER + name.decode()) <= 63


def test_orphans_are_counted_by_the_round_of_the_sweep(redis: Redis) -> None:
    for user in ("ada", "bob"):
        set_user(redis, User(user, "slow"), tasks=["ok"])
    redis.delete(keys.SCHEDULE + schedule_id("bob", "ok"))
    redis.zrem(keys.ENTRIES, schedule_id("bob", "ok"))
    heartbeat.beat(redis)
    assert redis.hget(keys.HEARTBEAT, "orphaned") == b"1"
    controls.repair(redis)
    heartbeat.beat(redis)
    assert redis.hget(keys.HEARTBEAT, "orphaned") == b"0"
