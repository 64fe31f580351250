"""What the heartbeat does, and leaves to others."""

from __future__ import annotations

import time

import pytest
from redis import Redis
from rq import Queue
from rq.rate_limit import RateLimit

from jobs import User, controls, heartbeat, keys, set_user, settings
from jobs.duties import retries, samples
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
    assert heartbeat.beat(redis)["moved"] == 1
    assert redis.lrange("rq:queue:default", 0, -1) == [run.encode()]
    assert redis.hget(keys.RQ_JOB + run, "status") == b"queued"
    assert redis.zrange("rq:scheduled:default", 0, -1) == [b"later"]


def test_queues_whose_names_are_not_utf8_are_looked_after_and_stop_nothing(redis: Redis) -> None:
    run = scheduled_run(redis, time.time() - 1)
    redis.sadd(keys.RQ_QUEUES, b"rq:queue:caf\xe9")
    redis.sadd(keys.LANES, b"caf\xe9")
    redis.hset("rq:job:retry", mapping={"status": "scheduled", "origin": b"caf\xe9"})
    redis.zadd(b"rq:scheduled:caf\xe9", {"retry": 1})
    assert heartbeat.beat(redis)["moved"] == 2
    assert redis.lrange("rq:queue:default", 0, -1) == [run.encode()]
    assert redis.lrange(b"rq:queue:caf\xe9", 0, -1) == [b"retry"]
    assert redis.xlen(keys.SAMPLES.encode() + b"caf\xe9") == redis.xlen(keys.SAMPLES + "default") == 1
    assert redis.hexists(keys.HEARTBEAT, "at")


@pytest.mark.parametrize("noted", ["²", "9" * 5_000])
def test_a_note_of_an_earlier_beat_that_is_no_number_counts_for_nothing(redis: Redis, noted: str) -> None:
    run = scheduled_run(redis, time.time() - 1)
    redis.hset(keys.HEARTBEAT, "sampled_at", noted)
    assert heartbeat.beat(redis)["moved"] == 1
    assert redis.lrange("rq:queue:default", 0, -1) == [run.encode()]
    assert redis.xlen(keys.SAMPLES + "default") == 1


def test_retries_are_left_to_an_rq_scheduler_that_holds_the_lock(redis: Redis) -> None:
    scheduled_run(redis, time.time() - 1)
    redis.set("rq:scheduler-lock:default", "somebody", ex=61)
    assert heartbeat.beat(redis)["moved"] == 0
    assert redis.llen("rq:queue:default") == 0


def test_a_malformed_hash_does_not_keep_the_others_waiting(redis: Redis) -> None:
    run = scheduled_run(redis, time.time() - 1)
    redis.rpush("rq:job:no-hash", "x")
    redis.zadd("rq:scheduled:default", {"no-hash": 1})
    assert heartbeat.beat(redis)["moved"] == 1
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
    assert heartbeat.beat(redis)["recovered"] == 1
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
        assert heartbeat.beat(redis)["recovered"] == 0
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
        taken = redis.xrange(keys.SAMPLES + queue)
        slots = [int(sample_id.partition(b"-")[0]) for sample_id, _ in taken]
        assert len(slots) == len(set(slots)) <= 2
        assert all(slot % (samples.EVERY * 1000) == 0 for slot in slots)
        assert taken[0][1][b"waiting"] == waiting
    assert redis.xrange(keys.SAMPLES + "default")[0][1][b"in"] == b"1"


def test_every_sample_tells_how_often_the_clock_was_set_back_by_then(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])

    def taken(sampled_at: float) -> list[bytes]:
        redis.hset(keys.HEARTBEAT, "sampled_at", int(sampled_at))
        redis.delete(keys.SAMPLES + "default")
        heartbeat.beat(redis)
        return [fields[b"anew"] for _, fields in redis.xrange(keys.SAMPLES + "default")]

    assert taken(0) == [b"0"]
    for times in (1, 2):
        # The last sample lies in the future for two beats, and is past at last.
        assert [taken(time.time() + 600), taken(time.time() + 300)] == [[], []]
        assert taken(0) == taken(0) == [b"%d" % times]


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
    redis.set(keys.RQ_QUEUES + "", "not a set", keepttl=True)
    beaten = heartbeat.beat(redis)
    assert (beaten["moved"], beaten["rearmed"]) == (1, 1)


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


def test_a_schedule_whose_user_is_gone_fires_no_more_until_the_user_is_back(redis: Redis) -> None:
    for user in ("ada", "bob"):
        set_user(redis, User(user, "slow"), tasks=["ok"])
    one = schedule_id("bob", "ok")
    due, user = redis.zscore(keys.ENTRIES, one), redis.hgetall(keys.USER + "bob")
    redis.delete(keys.USER + "bob")
    for _ in range(2):
        assert heartbeat.beat(redis)["rearmed"] == 0
        assert redis.hget(keys.HEARTBEAT, "orphaned") == b"1"
        assert redis.zscore(keys.ENTRIES, one) is None
        assert not redis.exists(keys.RQ_JOB + one)
    assert redis.zscore(keys.ENTRIES, schedule_id("ada", "ok")) is not None
    redis.hset(keys.USER + "bob", mapping=user)
    assert heartbeat.beat(redis)["rearmed"] == 1
    assert redis.hget(keys.HEARTBEAT, "orphaned") == b"0"
    assert redis.zscore(keys.ENTRIES, one) == due


def missed_long_ago(redis: Redis, run: str) -> None:
    mark = redis.hget(keys.MISSING, run)
    assert mark is not None, run
    redis.hset(keys.MISSING, run, b"1 " + mark.partition(b" ")[2])


def test_many_lost_runs_come_back_in_order(redis: Redis) -> None:
    runs = []
    for n in range(60):
        set_user(redis, User(f"user-{n:02}", "slow"), tasks=["ok"])
        runs.append(controls.run_now(redis, f"user-{n:02}", "ok").run or "")
    for _ in range(40):
        redis.lpop("rq:queue:default")
    heartbeat.beat(redis)
    for run in runs[:40]:
        missed_long_ago(redis, run)
    assert heartbeat.beat(redis)["recovered"] == 40
    assert redis.lrange("rq:queue:default", 0, -1) == [run.encode() for run in runs]


def test_the_list_is_searched_within_bounds(redis: Redis) -> None:
    """Jobs put to the front make every other look lost; the look costs no more LPOS than the length of the list allows."""
    for n in range(30):
        set_user(redis, User(f"user-{n:02}", "slow"), tasks=["ok"])
        controls.run_now(redis, f"user-{n:02}", "ok")
    front = redis.rpop("rq:queue:default")
    redis.lpush("rq:queue:default", front, *[f"other-{n}" for n in range(100_000)])
    redis.hset("rq:job:other-99999", "enqueued_at", "2999-01-01T00:00:00.000000Z")
    heartbeat.beat(redis)
    for run in redis.hkeys(keys.MISSING):
        missed_long_ago(redis, run.decode())
    before = redis.info("commandstats").get("cmdstat_lpos", {}).get("calls", 0)
    assert heartbeat.beat(redis)["recovered"] == 0
    assert 0 < redis.info("commandstats")["cmdstat_lpos"]["calls"] - before <= 2 * 3


def test_what_a_worker_of_one_queue_holds_is_left_to_rq(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    run = controls.run_now(redis, "ada", "ok").run or ""
    redis.lmove("rq:queue:default", "rq:queue:default:intermediate")
    heartbeat.beat(redis)
    missed_long_ago(redis, run)
    assert heartbeat.beat(redis)["recovered"] == 0
    assert redis.llen("rq:queue:default") == 0


def test_a_waiting_retry_that_moved_to_another_queue_is_not_doubled(redis: Redis) -> None:
    run = scheduled_run(redis, time.time() + 60)
    redis.hset(keys.RQ_JOB + run, "origin", "low")
    redis.zrem("rq:scheduled:default", run)
    redis.zadd("rq:scheduled:low", {run: time.time() + 60})
    for _ in range(3):
        assert heartbeat.beat(redis)["recovered"] == 0
        for mark in redis.hkeys(keys.MISSING):
            missed_long_ago(redis, mark.decode())
    assert redis.llen("rq:queue:default") == redis.llen("rq:queue:low") == 0
    assert redis.zrange(keys.ONGOING + "low", 0, -1) == [run.encode()]


def test_due_jobs_that_cannot_be_moved_do_not_keep_the_others(redis: Redis) -> None:
    run = scheduled_run(redis, time.time() - 1)
    with redis.pipeline() as pipe:
        for n in range(retries.AT_ONCE + 20):
            pipe.hset(f"rq:job:limited-{n}", mapping={"status": "scheduled", "rate_limit_key": "key"})
            pipe.zadd("rq:scheduled:default", {f"limited-{n}": 1})
        pipe.execute()
    assert heartbeat.beat(redis)["moved"] == 1
    assert redis.lrange("rq:queue:default", 0, -1) == [run.encode()]


def test_all_due_retries_move_in_one_pass_however_many(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    with redis.pipeline() as pipe:
        for n in range(3 * retries.AT_ONCE + 7):
            pipe.hset(f"rq:job:tq-x-{n}", mapping={"status": "scheduled", "origin": "default"})
            pipe.zadd("rq:scheduled:default", {f"tq-x-{n}": 1})
        pipe.execute()
    assert heartbeat.beat(redis)["moved"] == 3 * retries.AT_ONCE + 7
    assert redis.llen("rq:queue:default") == 3 * retries.AT_ONCE + 7


def test_a_retry_that_goes_to_the_front_does(redis: Redis) -> None:
    run = scheduled_run(redis, time.time() - 1)
    redis.rpush("rq:queue:default", "other")
    redis.hset(keys.RQ_JOB + run, mapping={"enqueue_at_front_on_retry": 1, "ended_at": "2026-01-01T00:00:00.0Z"})
    heartbeat.beat(redis)
    assert redis.lrange("rq:queue:default", 0, -1) == [run.encode(), b"other"]


def test_a_moved_retry_that_is_lost_is_found(redis: Redis) -> None:
    run = scheduled_run(redis, time.time() - 1)
    redis.delete(keys.WAITING + "default")
    heartbeat.beat(redis)
    redis.lpop("rq:queue:default")
    heartbeat.beat(redis)
    missed_long_ago(redis, run)
    assert heartbeat.beat(redis)["recovered"] == 1


def test_a_setting_that_cannot_be_used_ends_no_duty(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    run = scheduled_run(redis, time.time() - 1)
    monkeypatch.setenv("TQ_LOST_AFTER", "1m")
    settings.current.cache_clear()
    assert heartbeat.beat(redis)["moved"] == 1
    assert redis.lrange("rq:queue:default", 0, -1) == [run.encode()]


def test_schedulers_of_yesterday_are_forgotten(redis: Redis) -> None:
    redis.zadd(keys.SCHEDULERS, {"old": time.time() - 90_000, "new": time.time() - 60})
    heartbeat.beat(redis)
    assert redis.zrange(keys.SCHEDULERS, 0, -1) == [b"new"]


def test_samples_of_a_queue_that_is_gone_expire(redis: Redis) -> None:
    Queue("foreign", connection=redis).enqueue("x.y")
    heartbeat.beat(redis)
    assert 7 * 86_400 < redis.ttl(keys.SAMPLES + "foreign") <= 8 * 86_400
