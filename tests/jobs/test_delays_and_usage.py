"""How late runs begin, and what users take of the workers, is counted when attempts start and end, in bounded records."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from redis import Redis
from rq.job import Job

from jobs import User, attempts, controls, delays, heartbeat, keys, set_user, usage
from jobs.prototype import rq_time
from jobs.schedules import schedule_id
from tests.conftest import Stock, until
from tests.fast_tiers import until_run
from tests.jobs.test_attempts import job_of, raising


def starts(redis: Redis) -> dict[str, bytes]:
    """Every count of every record of delays."""
    found: dict[str, bytes] = {}
    for key in redis.keys(keys.DELAYS + "*"):
        assert 0 < redis.ttl(key) <= delays.KEPT
        found |= {field.decode(): value for field, value in redis.hgetall(key).items()}
    return found


def taken(redis: Redis, prefix: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for key in redis.keys(prefix + "*"):
        assert 0 < redis.ttl(key) <= usage.KEPT
        for user, amount in redis.zrange(key, 0, -1, withscores=True):
            found[user.decode()] = found.get(user.decode(), 0) + amount
    return found


@pytest.mark.parametrize("seconds", [0.06, 0.5, 1, 7.3, 59, 3_599, 86_400, 2_000_000])
def test_a_bin_tells_a_delay_within_seven_hundredths(seconds: float) -> None:
    assert abs(delays.seconds_of(delays.bin_of(seconds)) / seconds - 1) < 0.075


def test_bins_are_in_order_and_whatever_is_no_delay_is_in_the_first() -> None:
    random.seed(7)
    some = sorted(random.expovariate(1 / 100) for _ in range(1_000))
    assert [delays.bin_of(one) for one in some] == sorted(delays.bin_of(one) for one in some)
    assert [delays.bin_of(odd) for odd in (-5, 0, float("nan"))] == [0, 0, 0]
    assert delays.bin_of(1e300) == delays.LAST_BIN


def test_the_records_of_an_hour_are_those_that_its_starts_were_counted_in() -> None:
    now = 1_764_079_331.0
    found = delays.records(now, 3_600)
    assert len(found) == 13
    assert found == sorted(found)
    for ago in range(0, 3_600, 7):
        assert delays.record(now - ago) in found


def test_the_first_attempt_counts_how_long_the_run_waited_and_no_other_does(redis: Redis) -> None:
    job = job_of(redis)
    redis.hset(job.key, "enqueued_at", rq_time(time.time() - 40))
    job = Job.fetch(job.id, connection=redis)
    with pytest.raises(ValueError):
        attempts.recorded(job, raising(ValueError("again")))
    attempts.recorded(job, lambda: None)
    found = starts(redis)
    number = delays.bin_of(float(found.pop("default;slow;wait;max")))
    # It was asked for by hand, so there is no slot after which it could be late.
    assert found == {f"default;slow;wait;{number}": b"1"}
    assert number in (delays.bin_of(40), delays.bin_of(40) + 1)


def test_a_run_of_a_slot_is_late_and_one_that_is_backfilled_is_not(redis: Redis) -> None:
    job = job_of(redis)
    runs, suffix = keys.RUNS + schedule_id("ada", "ok"), job.id.rpartition("-")[2]
    job.meta["slot"] = int(time.time()) - 600
    redis.hset(runs, suffix, f"backfill;queued;{job.meta['slot']};;;0")
    attempts.recorded(job, lambda: None)
    assert not [field for field in starts(redis) if ";late;" in field]
    redis.delete(keys.ATTEMPTS + job.id)
    redis.hset(runs, suffix, f"slot;queued;{job.meta['slot']};;;0")
    attempts.recorded(job, lambda: None)
    late = {field: value for field, value in starts(redis).items() if ";late;" in field}
    assert 600 <= float(late.pop("default;slow;late;max")) < 660
    assert list(late.values()) == [b"1"]


def test_what_names_no_tier_is_not_counted_and_a_full_record_takes_no_more(redis: Redis) -> None:
    job = job_of(redis)
    for odd in ("", "x" * 33, "a;b"):
        job.meta["tier"] = odd
        attempts.recorded(job, lambda: None)
        redis.delete(keys.ATTEMPTS + job.id)
    assert starts(redis) == {}
    job.meta["tier"] = "slow"
    for key in {delays.record(time.time()), delays.record(time.time() + delays.EVERY)}:
        redis.hset(key, mapping={str(n): 1 for n in range(4_000)})
        redis.expire(key, 60)
    attempts.recorded(job, lambda: None)
    assert not [field for field in starts(redis) if field.startswith("default")]


def test_seconds_and_failures_are_counted_for_the_user(redis: Redis) -> None:
    job = job_of(redis)
    attempts.recorded(job, lambda: time.sleep(0.05))
    with pytest.raises(ValueError):
        attempts.recorded(job, raising(ValueError("no")))
    assert taken(redis, keys.WORKED)["ada"] >= 0.05
    assert taken(redis, keys.FAILED_ATTEMPTS) == {"ada": 1}


def test_of_too_many_users_those_stay_that_took_the_most(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "MOST_USERS", 5)
    job = job_of(redis)
    for n in (8, 3, 5, 1, 9, 7, 2, 6, 4):
        job.meta["user"] = f"user-{n}"
        attempts._note_end(job, time.time() - n, "failed", None)
    assert set(taken(redis, keys.WORKED)) == {f"user-{n}" for n in (5, 6, 7, 8, 9)}
    assert len(taken(redis, keys.FAILED_ATTEMPTS)) == 5


def test_a_work_horse_that_is_killed_counts_as_a_failure_whoever_finds_out(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "slow"), tasks=["gated"])
    run = controls.run_now(redis, "ada", "gated").run
    assert run is not None
    stock.scheduler()
    stock.worker()
    for n in range(1, 5):
        pid = int(until(lambda: redis.getdel(f"test:pid:{run}"), 40, f"attempt {n}"))
        os.kill(pid, signal.SIGKILL)
    until_run(redis, "ada", "gated", lambda run: run.state == "killed", 60)
    # Three were found by the next attempt, the last one by the heartbeat.
    assert taken(redis, keys.FAILED_ATTEMPTS) == {"ada": 4}


@pytest.mark.parametrize("prefix", [keys.DELAYS, keys.WORKED, keys.FAILED_ATTEMPTS])
def test_a_record_that_cannot_be_kept_costs_the_attempt_nothing(redis: Redis, prefix: str) -> None:
    job = job_of(redis)
    for later in (0, 3_600):
        for key in (delays.record(time.time() + later), *usage.records(time.time() + later)):
            if key.startswith(prefix):
                redis.set(key, "of another kind")
    with pytest.raises(ValueError):
        attempts.recorded(job, raising(ValueError("no")))
    assert [attempt.outcome for attempt in attempts.read(redis, [job.id])[0]] == ["retrying"]
    assert redis.hget(keys.LANE + "default", "retried") == b"1"


def test_the_first_sample_after_the_clock_was_set_back_says_so(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    redis.hset(keys.HEARTBEAT, "sampled_at", int(time.time()) + 3_600)
    heartbeat.beat(redis)
    assert redis.hget(keys.HEARTBEAT, "set_back") == b"1"
    assert redis.xlen(keys.SAMPLES + "default") == 0
    # The hour has passed.
    redis.hset(keys.HEARTBEAT, "sampled_at", int(time.time()) - 60)
    heartbeat.beat(redis)
    redis.hset(keys.HEARTBEAT, "sampled_at", 0)
    [(_, fields)] = redis.xrange(keys.SAMPLES + "default")[:1]
    assert fields[b"anew"] == b"1"
    assert redis.hget(keys.HEARTBEAT, "set_back") == b"0"
