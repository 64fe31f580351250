"""Commands on runs of our own job layer: the heartbeat watches them afterwards, and their schedule tells of them."""

from __future__ import annotations

import time

import pytest
from redis import Redis

from console.model.commands import JobSeen, Move, Requeue, RetryNow, RunAgain
from jobs import User, controls, heartbeat, keys, set_user
from jobs.registering import remove_schedule
from jobs.schedules import schedule_id
from tests.conftest import Stock, until
from tests.console.acting import act, codes, seen
from tests.fast_tiers import fast_tiers

__all__ = ["fast_tiers"]


def ended_run(redis: Redis, stock: Stock, task: str = "hopeless") -> JobSeen:
    """A run that has failed under a stock worker."""
    set_user(redis, User("ada", "slow"), tasks=[task])
    run = controls.run_now(redis, "ada", task).run
    assert run is not None
    assert stock.worker("--burst", "default").wait(30) == 0
    assert redis.hget(keys.RQ_JOB + run, "status") == b"failed"
    return seen(redis, run, "default", "failed")


def line(redis: Redis, run: bytes, task: str = "hopeless") -> list[str]:
    schedule = schedule_id("ada", task)
    found = redis.hget(keys.RUNS + schedule, run.decode().removeprefix(f"{schedule}-"))
    return (found or b"").decode().split(";")


def test_a_run_of_ours_is_watched_again(redis: Redis, stock: Stock) -> None:
    run = ended_run(redis, stock)
    ended = line(redis, run.key)
    assert ended[1] == "failed"
    assert redis.zscore(keys.WAITING + "default", run.key) is None
    counted = int(redis.hget(keys.LANE + "default", "in") or 0)
    assert codes(act(redis, Requeue(fresh_retries=True), run)) == ["done"]
    assert redis.zscore(keys.WAITING + "default", run.key) == pytest.approx(time.time(), abs=5)
    assert line(redis, run.key) == [ended[0], "queued", ended[2], "", "", ended[5]]
    assert int(redis.hget(keys.LANE + "default", "in") or 0) == counted + 1
    lost(redis, run.key, "default")
    stock.worker("--burst", "default")
    until(lambda: redis.hget(b"rq:job:" + run.key, "status") == b"failed", what="it fails again")
    until(lambda: line(redis, run.key)[1] == "failed", what="the history has it")
    assert int(line(redis, run.key)[5]) > int(ended[5])
    assert redis.zscore(keys.WAITING + "default", run.key) is None


def test_what_our_keys_hold_does_not_keep_a_run_from_its_queue(redis: Redis, stock: Stock) -> None:
    run = ended_run(redis, stock)
    for key in (keys.WAITING + "default", keys.ONGOING + "default", keys.MISSING, keys.LANES):
        redis.delete(key)
        redis.set(key, "something else")
    assert codes(act(redis, Requeue(), run)) == ["done"]
    assert redis.lrange("rq:queue:default", 0, -1) == [run.key]


def waiting_run(redis: Redis) -> JobSeen:
    """A run in its queue."""
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    run = controls.run_now(redis, "ada", "ok").run
    assert run is not None
    return seen(redis, run, "default", "queued")


def lost(redis: Redis, run: bytes, lane: str) -> None:
    """A worker pops a run and dies, and the heartbeat puts it back."""
    assert redis.lpop(f"rq:queue:{lane}") == run
    heartbeat.beat(redis)
    mark = redis.hget(keys.MISSING, run)
    assert mark is not None
    redis.hset(keys.MISSING, run, b"1 " + mark.partition(b" ")[2])
    assert heartbeat.beat(redis)["recovered"] == 1
    assert redis.lrange(f"rq:queue:{lane}", 0, -1) == [run]


def test_a_retry_that_is_brought_forward_waits_in_its_lane(redis: Redis) -> None:
    run = waiting_run(redis)
    redis.delete("rq:queue:default")
    redis.zrem(keys.WAITING + "default", run.key)
    redis.zadd(keys.ONGOING + "default", {run.key: time.time() + 60})
    redis.hset(b"rq:job:" + run.key, "status", "scheduled")
    redis.zadd("rq:scheduled:default", {run.key: time.time() + 60})
    before = line(redis, run.key, "ok")
    assert codes(act(redis, RetryNow(), seen(redis, run.key.decode(), "default", "retrying"))) == ["done"]
    assert redis.zrange(keys.WAITING + "default", 0, -1) == [run.key]
    assert not redis.exists(keys.ONGOING + "default")
    assert line(redis, run.key, "ok") == before
    lost(redis, run.key, "default")


def test_a_run_that_was_moved_is_watched_in_its_new_lane(redis: Redis) -> None:
    run = waiting_run(redis)
    assert codes(act(redis, Move(b"low"), run)) == ["done"]
    assert redis.zrange(keys.WAITING + "low", 0, -1) == [run.key]
    assert not redis.exists(keys.WAITING + "default")
    assert redis.sismember(keys.LANES, "low")
    lost(redis, run.key, "low")


def test_a_copy_is_a_run_of_its_schedule_and_none_of_a_slot(redis: Redis, stock: Stock) -> None:
    ended = ended_run(redis, stock)
    old = line(redis, ended.key)
    [outcome] = act(redis, RunAgain(), ended)
    assert outcome.new is not None
    assert outcome.new.startswith(schedule_id("ada", "hopeless").encode() + b"-again_")
    assert line(redis, ended.key) == old
    kind, state, slot, *rest = line(redis, outcome.new)
    assert (kind, state, rest) == ("again", "queued", ["", "", "0"])
    assert float(slot) == pytest.approx(time.time(), abs=5)
    assert redis.zrange(keys.WAITING + "default", 0, -1) == [outcome.new]
    # It counts as a run that has not ended, for a schedule that lets none overlap.
    assert controls.run_now(redis, "ada", "hopeless").reason == "overlap"
    lost(redis, outcome.new, "default")
    stock.worker("--burst", "default")
    copy = outcome.new
    until(lambda: redis.hget(b"rq:job:" + copy, "status") == b"failed", what="the copy fails")
    until(lambda: line(redis, copy)[1] == "failed", what="the history has it")
    until(lambda: not redis.exists(keys.WAITING + "default"), what="it waits no more")
    assert redis.exists(keys.ATTEMPTS.encode() + copy)


def test_a_copy_of_a_run_without_a_schedule_is_watched_as_well(redis: Redis, stock: Stock) -> None:
    ended = ended_run(redis, stock)
    remove_schedule(redis, "ada", "hopeless")
    [outcome] = act(redis, RunAgain(), ended)
    assert outcome.new is not None
    assert not redis.exists(keys.RUNS + schedule_id("ada", "hopeless"))
    lost(redis, outcome.new, "default")
