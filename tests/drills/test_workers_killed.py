"""kill -9 of a work-horse, of a worker, of both, and of a worker between pop and start: each run ends, honestly recorded."""

from __future__ import annotations

import os
import signal
import subprocess

import psutil
import pytest
from redis import Redis

from jobs import User, controls, keys, set_user
from tests.conftest import Stock, until
from tests.fast_tiers import attempts_of, runs_of, until_run


def start_gated(redis: Redis, stock: Stock) -> tuple[str, subprocess.Popen[bytes], int]:
    """A run that waits at its gate, its worker and its work-horse."""
    set_user(redis, User("ada", "slow"), tasks=["gated"])
    stock.scheduler()
    worker = stock.worker()
    run = controls.run_now(redis, "ada", "gated").run
    assert run is not None
    return run, worker, int(until(lambda: redis.get(f"test:pid:{run}"), 40, "a started run"))


def assert_nothing_lost(redis: Redis) -> None:
    """No run of ours is `queued` in no list."""
    listed = set(redis.lrange("rq:queue:default", 0, -1))
    for run in runs_of(redis, "ada", "gated") + runs_of(redis, "ada", "ok"):
        if redis.hget(keys.RQ_JOB + run.id, "status") == b"queued":
            assert run.id.encode() in listed


def test_a_killed_work_horse_is_retried(redis: Redis, stock: Stock) -> None:
    run, _, horse = start_gated(redis, stock)
    redis.set("test:gate", 1)
    os.kill(horse, signal.SIGKILL)
    until_run(redis, "ada", "gated", lambda run: run.state == "finished", 60)
    outcomes = [attempt.outcome for attempt in attempts_of(redis, run)]
    # The gate may open before the kill lands; then the one attempt finished.
    assert outcomes in (["killed", "finished"], ["finished"])
    assert_nothing_lost(redis)


def test_a_killed_worker_leaves_a_work_horse_that_finishes(redis: Redis, stock: Stock) -> None:
    run, worker, horse = start_gated(redis, stock)
    worker.kill()
    worker.wait(10)
    assert psutil.pid_exists(horse)
    redis.set("test:gate", 1)
    until_run(redis, "ada", "gated", lambda run: run.state == "finished", 60)
    assert [attempt.outcome for attempt in attempts_of(redis, run)] == ["finished"]
    until(lambda: not psutil.pid_exists(horse), 20, "the orphaned work-horse ends")
    assert_nothing_lost(redis)


@pytest.mark.drill
def test_a_worker_and_its_work_horse_killed_are_found_by_the_deadline_of_their_heartbeat(redis: Redis, stock: Stock) -> None:
    """The long form of test_attempts.test_a_lost_worker_is_told_from_a_killed_work_horse, with the real wait of 90 s."""
    run, worker, horse = start_gated(redis, stock)
    os.kill(worker.pid, signal.SIGKILL)
    os.kill(horse, signal.SIGKILL)
    worker.wait(10)
    until(lambda: redis.zrangebyscore("rq:wip:default", 0, redis.time()[0]), 120, "the deadline of the heartbeat")
    redis.set("test:gate", 1)
    redis.delete("rq:clean_registries:default")
    stock.worker()
    until_run(redis, "ada", "gated", lambda run: run.state == "finished", 60)
    assert [attempt.outcome for attempt in attempts_of(redis, run)] == ["lost", "finished"]
    assert_nothing_lost(redis)


@pytest.mark.parametrize("rounds", [2, pytest.param(10, marks=pytest.mark.drill)])
def test_a_worker_killed_between_pop_and_start(redis: Redis, stock: Stock, rounds: int) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    stock.scheduler()
    runs = []
    for n in range(rounds):
        worker = stock.worker()
        until(lambda n=n: redis.scard("rq:workers") == n + 1, 40, "the worker's birth")
        name = max(redis.smembers("rq:workers"), key=lambda key: float(redis.hget(key, "pid") == str(worker.pid).encode()))
        until(lambda name=name: redis.hget(name, "state") == b"idle" and _is_blocked(redis), 40, "the worker waits in BLPOP")
        os.kill(worker.pid, signal.SIGSTOP)
        run = controls.run_now(redis, "ada", "ok").run
        assert run is not None
        runs.append(run)
        # The server has given the job to the stopped worker, which will never start it.
        assert redis.llen("rq:queue:default") == 0
        worker.kill()
        worker.wait(10)
        rescue = stock.worker("--burst", "high", "default", "low")
        rescue.wait(40)
        # On a slow machine the rescue is still there then, and takes it.
        until(lambda n=n: redis.hget(keys.LANE + "default", "recovered") == str(n + 1).encode(), 60, "the run back in its lane")
        stock.worker("--burst", "high", "default", "low").wait(40)
        until_run(redis, "ada", "ok", lambda record, run=run: record.id == run and record.state == "finished", 60)
    assert redis.lrange("test:executed:ok", 0, -1) == [run.encode() for run in runs]
    assert all([attempt.outcome for attempt in attempts_of(redis, run)] == ["finished"] for run in runs)
    assert_nothing_lost(redis)


def _is_blocked(redis: Redis) -> bool:
    return int(redis.info("clients")["blocked_clients"]) > 0
