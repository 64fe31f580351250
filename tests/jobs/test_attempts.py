"""Every attempt of a run is on record, whatever ended it; retries happen under a plain `rq worker high default low`."""

from __future__ import annotations

import json
import os
import pickle
import signal
import time
from collections.abc import Callable

import psutil
import pytest
from redis import Redis
from rq.command import send_stop_job_command
from rq.exceptions import AbandonedJobError
from rq.job import Job

from jobs import (
    PermanentError,
    RetryAfter,
    User,
    attempts,
    batches,
    controls,
    heartbeat,
    keys,
    log,
    remove_schedule,
    remove_user,
    set_user,
)
from jobs.prototype import rq_time
from jobs.schedules import schedule_id
from tests.conftest import Stock, until
from tests.fast_tiers import attempts_of, runs_of, until_run


def start(redis: Redis, stock: Stock, task: str) -> str:
    """One run of `task` under one worker and one scheduler, which keep the schedule's own slots an hour away."""
    set_user(redis, User("ada", "slow"), tasks=[task])
    run = controls.run_now(redis, "ada", task).run
    assert run is not None
    stock.scheduler()
    stock.worker()
    return run


def outcomes(redis: Redis, run: str) -> list[str]:
    return [attempt.outcome for attempt in attempts_of(redis, run)]


@pytest.mark.parametrize(
    ("task", "state", "expected"),
    [
        ("ok", "finished", ["finished"]),
        ("flaky", "finished", ["retrying", "retrying", "finished"]),
        ("broken", "failed", ["retrying", "retrying", "retrying", "failed"]),
        ("hopeless", "failed", ["failed"]),
        ("polite", "finished", ["retrying", "finished"]),
        ("endless", "timeout", ["timeout", "timeout", "timeout", "timeout"]),
        ("suicidal", "finished", ["killed", "finished"]),
    ],
)
def test_a_run_ends_with_every_attempt_on_record(
    redis: Redis, stock: Stock, task: str, state: str, expected: list[str]
) -> None:
    run = start(redis, stock, task)
    record = until_run(redis, "ada", task, lambda run: run.state == state)
    assert outcomes(redis, run) == expected
    assert record.attempts == len(expected)
    kept = attempts_of(redis, run)
    assert all(attempt.ended_at and attempt.ended_at >= attempt.started_at for attempt in kept)
    assert all(attempt.worker for attempt in kept)
    assert [attempt.will_retry for attempt in kept if attempt.outcome != "killed"] == [
        one in ("retrying", "timeout") and n + 1 < len(expected) for n, one in enumerate(expected) if one != "killed"
    ]
    failed = {attempt.error.partition(":")[0] for attempt in kept if attempt.traceback}
    assert failed <= {"ConnectionError", "ValueError", "PermanentError", "RetryAfter", "JobTimeoutException"}
    assert redis.zcard(keys.WAITING + "default") == redis.zcard(keys.ONGOING + "default") == 0
    assert redis.zscore(keys.FAILING, schedule_id("ada", task)) == (None if state == "finished" else 1)


def test_retries_back_off_as_the_policy_says(redis: Redis, stock: Stock) -> None:
    run = start(redis, stock, "broken")
    until_run(redis, "ada", "broken", lambda run: run.state == "failed")
    ends = [attempt.ended_at or 0 for attempt in attempts_of(redis, run)]
    starts = [attempt.started_at for attempt in attempts_of(redis, run)]
    gaps = [later - earlier for earlier, later in zip(ends, starts[1:], strict=False)]
    # RQ rounds the due time down to the second.
    assert all(gap >= interval - 1 for gap, interval in zip(gaps, [1, 2, 2], strict=True)), gaps


def test_attempts_outlive_the_retry_and_expire_with_the_run(redis: Redis, stock: Stock) -> None:
    run = start(redis, stock, "flaky")
    until_run(redis, "ada", "flaky", lambda run: run.state == "finished")
    until(lambda: redis.ttl(keys.RQ_JOB + run) > 0, 20, "the run's expiry")
    assert abs(redis.ttl(keys.ATTEMPTS + run) - redis.ttl(keys.RQ_JOB + run)) < 60


def test_a_work_horse_killed_in_every_attempt_ends_as_killed(redis: Redis, stock: Stock) -> None:
    run = start(redis, stock, "gated")
    for n in range(1, 5):
        until(lambda n=n: len(attempts_of(redis, run)) == n and redis.exists(f"test:pid:{run}"), 40, f"attempt {n}")
        pid = int(redis.getdel(f"test:pid:{run}") or 0)
        os.kill(pid, signal.SIGKILL)
    until_run(redis, "ada", "gated", lambda run: run.state == "killed", 60)
    assert outcomes(redis, run) == ["killed"] * 4
    assert all(attempt.ended_at for attempt in attempts_of(redis, run))
    assert Job.fetch(run, connection=redis).get_status() == "failed"
    assert redis.zscore(keys.FAILING, schedule_id("ada", "gated")) == 1


def test_how_many_runs_of_a_schedule_failed_in_a_row_is_counted_until_one_is_done(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "slow"), tasks=["fickle", "flaky"])
    one = schedule_id("ada", "fickle")
    redis.set("test:broken", 1)
    counted = []
    for n in range(4):
        if n == 2:
            redis.delete("test:broken")
        controls.run_now(redis, "ada", "fickle")
        assert stock.worker("--burst", "default").wait(60) == 0
        counted.append(redis.zscore(keys.FAILING, one))
        if n == 2:
            redis.set("test:broken", 1)
    assert counted == [1, 2, None, 1]
    # One that is tried again has not failed.
    controls.run_now(redis, "ada", "flaky")
    assert stock.worker("--burst", "default").wait(60) == 0
    assert runs_of(redis, "ada", "flaky")[0].state == "retrying"
    assert redis.zrange(keys.FAILING, 0, -1) == [one.encode()]


def test_a_run_whose_job_fails_without_an_attempt_counts_as_failed(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    run = controls.run_now(redis, "ada", "ok").run
    assert run is not None
    redis.hset(keys.RQ_JOB + run, mapping={"data": pickle.dumps(("no.such.module.call", None, (), {})), "retries_left": 0})
    assert stock.worker("--burst", "default").wait(60) == 0
    assert Job.fetch(run, connection=redis).get_status() == "failed"
    heartbeat.beat(redis)
    assert runs_of(redis, "ada", "ok")[0].state == "failed"
    assert redis.zscore(keys.FAILING, schedule_id("ada", "ok")) == 1


@pytest.mark.parametrize(
    "seen_to",
    [
        lambda redis: controls.pause(redis, "ada", "ok"),
        lambda redis: batches.set_paused(redis, [schedule_id("ada", "ok")], True),
        lambda redis: remove_schedule(redis, "ada", "ok"),
        lambda redis: remove_user(redis, "ada"),
        lambda redis: controls.resume(redis, "ada", "ok"),
        lambda redis: set_user(redis, User("ada", "slow", active=False)),
    ],
    ids=["pause", "pause many", "remove", "remove user", "resume", "user inactive"],
)
def test_a_schedule_that_somebody_has_seen_to_fails_no_more(
    redis: Redis, seen_to: Callable[[Redis], object], request: pytest.FixtureRequest
) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    redis.hset(keys.SCHEDULE + schedule_id("ada", "ok"), "paused", int("resume" in request.node.name))
    redis.zadd(keys.FAILING, {schedule_id("ada", "ok"): 7, "another": 1})
    seen_to(redis)
    assert redis.zrange(keys.FAILING, 0, -1) == [b"another"]


def test_a_run_that_was_taken_for_killed_before_its_attempt_ended_counts_once(redis: Redis) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    run = controls.run_now(redis, "ada", "ok").run
    assert run is not None

    def fails_too_late() -> None:
        redis.hset(keys.RQ_JOB + run, "status", "failed")
        redis.zadd(keys.ONGOING + "default", {run: 0})
        heartbeat.beat(redis)
        assert runs_of(redis, "ada", "ok")[0].state == "killed"
        raise PermanentError("at last")

    with pytest.raises(PermanentError):
        attempts.recorded(Job.fetch(run, connection=redis), fails_too_late)
    assert runs_of(redis, "ada", "ok")[0].state == "failed"
    assert redis.zscore(keys.FAILING, schedule_id("ada", "ok")) == 1


@pytest.mark.parametrize("meant", [lambda redis: controls.pause(redis, "ada", "hopeless"), None], ids=["paused", "inactive"])
def test_a_run_of_what_is_not_meant_to_run_counts_for_nothing(
    redis: Redis, stock: Stock, meant: Callable[[Redis], object] | None
) -> None:
    set_user(redis, User("ada", "slow"), tasks=["hopeless"])
    controls.run_now(redis, "ada", "hopeless")
    if meant is None:
        set_user(redis, User("ada", "slow", active=False))
    else:
        meant(redis)
    assert stock.worker("--burst", "default").wait(60) == 0
    assert runs_of(redis, "ada", "hopeless")[0].state == "failed"
    assert not redis.exists(keys.FAILING)


def test_what_is_no_sorted_set_of_failing_schedules_keeps_nothing_from_its_end(redis: Redis, stock: Stock) -> None:
    for name in ("ada", "bob"):
        set_user(redis, User(name, "slow"), tasks=["ok"])
    redis.set(keys.FAILING, "something else")
    worked, fell = (controls.run_now(redis, name, "ok").run for name in ("ada", "bob"))
    redis.hset(
        keys.RQ_JOB + str(fell), mapping={"data": pickle.dumps(("no.such.module.call", None, (), {})), "retries_left": 0}
    )
    assert stock.worker("--burst", "default").wait(60) == 0
    assert heartbeat.beat(redis)["recovered"] == 0
    assert [runs_of(redis, name, "ok")[0].state for name in ("ada", "bob")] == ["finished", "failed"]
    assert not redis.exists(keys.ONGOING + "default", keys.WAITING + "default")
    assert controls.pause(redis, "ada", "ok")
    remove_schedule(redis, "ada", "ok")
    set_user(redis, User("bob", "slow", active=False))
    remove_user(redis, "bob")
    assert redis.get(keys.FAILING) == b"something else"
    assert worked != fell


def test_a_stopped_job_is_stopped(redis: Redis, stock: Stock) -> None:
    run = start(redis, stock, "gated")
    until(lambda: redis.exists(f"test:pid:{run}"), 40, "a started run")
    send_stop_job_command(redis, run)
    until_run(redis, "ada", "gated", lambda run: run.state == "stopped")
    assert outcomes(redis, run) == ["stopped"]


def test_a_lost_worker_is_told_from_a_killed_work_horse(redis: Redis, stock: Stock) -> None:
    run = start(redis, stock, "gated")
    worker = stock.running[-1]
    until(lambda: redis.exists(f"test:pid:{run}"), 40, "a started run")
    for process in [psutil.Process(worker.pid), *psutil.Process(worker.pid).children()]:
        process.kill()
    worker.wait(10)
    # The heartbeat's deadline passes: what 90 s of waiting would bring. Maintenance runs when a worker starts.
    [execution] = redis.zrange(keys.RQ_WIP + "default", 0, -1)
    redis.zadd(keys.RQ_WIP + "default", {execution: 1}, xx=True)
    redis.delete("rq:clean_registries:default")
    redis.set("test:gate", 1)
    stock.worker()
    until_run(redis, "ada", "gated", lambda run: run.state == "finished", 60)
    assert outcomes(redis, run) == ["lost", "finished"]


def test_a_run_popped_by_a_worker_that_died_is_enqueued_again(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    run = controls.run_now(redis, "ada", "ok").run
    assert run is not None
    # What BLPOP by a worker that is killed before it starts the job leaves behind.
    assert redis.lpop("rq:queue:default") == run.encode()
    stock.scheduler()
    stock.worker()
    until_run(redis, "ada", "ok", lambda run: run.state == "finished", 60)
    assert redis.hget(keys.LANE + "default", "recovered") == b"1"
    assert redis.lrange("test:executed:ok", 0, -1) == [run.encode()]


def test_a_run_that_waits_behind_others_is_not_taken_for_lost(redis: Redis, stock: Stock) -> None:
    for n in range(5):
        set_user(redis, User(f"user-{n}", "slow"), tasks=["ok"])
        controls.run_now(redis, f"user-{n}", "ok")
    # A job put at the front was enqueued last, so queue order alone would call all the others lost.
    last = redis.rpop("rq:queue:default")
    redis.lpush("rq:queue:default", last)
    before = redis.lrange("rq:queue:default", 0, -1)
    stock.scheduler()
    beats: set[bytes | None] = set()
    until(lambda: beats.add(redis.hget(keys.HEARTBEAT, "at")) or len(beats) > 6, 60, "six heartbeats")
    assert redis.lrange("rq:queue:default", 0, -1) == before
    assert redis.hget(keys.LANE + "default", "recovered") is None


def test_progress_and_log_of_a_run(redis: Redis, stock: Stock) -> None:
    run = start(redis, stock, "gated")
    until(lambda: redis.hget(keys.ATTEMPTS + run, "progress"), 40, "progress")
    assert b"half way" in (redis.hget(keys.ATTEMPTS + run, "progress") or b"")
    assert b"waiting at the gate" in until(lambda: redis.lindex(keys.LOG + run, 0), 20)
    assert redis.ttl(keys.LOG + run) > 0
    redis.set("test:gate", 1)
    until_run(redis, "ada", "gated", lambda run: run.state == "finished")
    assert len(runs_of(redis, "ada", "gated")) == 1


def test_a_run_missed_before_is_not_lost_when_it_is_enqueued_again(redis: Redis) -> None:
    """A mark that an earlier enqueueing left must not make the next one, which a worker has just taken, run twice."""
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    run = controls.run_now(redis, "ada", "ok").run
    assert run is not None
    redis.lpop("rq:queue:default")
    heartbeat.beat(redis)
    [mark] = redis.hvals(keys.MISSING)
    redis.hset(keys.MISSING, run, b"1 " + mark.partition(b" ")[2])
    redis.hset(keys.RQ_JOB + run, "enqueued_at", rq_time(time.time()))
    heartbeat.beat(redis)
    assert redis.llen("rq:queue:default") == 0
    assert float(redis.hget(keys.MISSING, run).split()[0]) > 1


def job_of(redis: Redis, task: str = "ok") -> Job:
    """A run as a worker has it in its hands."""
    set_user(redis, User("ada", "slow"), tasks=[task])
    run = controls.run_now(redis, "ada", task).run
    assert run is not None
    return Job.fetch(run, connection=redis)


def raising(error: Exception) -> Callable[[], None]:
    def call() -> None:
        raise error

    return call


def test_attempts_are_bounded_in_number_and_size(redis: Redis) -> None:
    job = job_of(redis)
    for _ in range(25):
        with pytest.raises(ValueError):
            attempts.recorded(job, raising(ValueError("x" * 100_000)))
    kept = attempts_of(redis, job.id)
    assert [attempt.n for attempt in kept] == list(range(6, 26))
    assert redis.hlen(keys.ATTEMPTS + job.id) == 21
    assert all(len(attempt.error) <= 500 and len(attempt.traceback) <= 8_000 for attempt in kept)
    for _ in range(25):
        attempts.note_failure(job, redis, AbandonedJobError, AbandonedJobError(), None)
    assert len(attempts_of(redis, job.id)) == 20


def test_a_log_keeps_its_newest_lines(redis: Redis) -> None:
    job = job_of(redis)
    attempts.recorded(job, lambda: [log(f"{n} " + "x" * 1_000) for n in range(300)])
    lines = [json.loads(line) for line in redis.lrange(keys.LOG + job.id, 0, -1)]
    assert [int(line["message"].split()[0]) for line in lines] == list(range(100, 300))
    assert all(len(line["message"]) == 500 for line in lines)


def test_an_attempt_that_is_retried_keeps_the_run_under_watch(redis: Redis) -> None:
    job = job_of(redis)
    assert redis.zrange(keys.WAITING + "default", 0, -1) == [job.id.encode()]
    redis.hset(keys.MISSING, job.id, "1 x")
    with pytest.raises(ValueError):
        attempts.recorded(job, raising(ValueError("again")))
    assert redis.zrange(keys.WAITING + "default", 0, -1) == []
    assert redis.zrange(keys.ONGOING + "default", 0, -1) == [job.id.encode()]
    assert not redis.exists(keys.MISSING)
    assert redis.ttl(keys.ATTEMPTS + job.id) > job.failure_ttl
    job.retries_left = 0
    with pytest.raises(ValueError):
        attempts.recorded(job, raising(ValueError("and out")))
    assert redis.zrange(keys.ONGOING + "default", 0, -1) == []
    assert redis.hmget(keys.LANE + "default", "in", "retried", "failed", "done") == [b"1", b"1", b"1", None]


def test_an_attempt_cut_off_is_counted_as_retried_when_the_next_one_starts(redis: Redis) -> None:
    job = job_of(redis)
    attempts._note_start(job, time.time() - 5)
    attempts.recorded(job, lambda: None)
    assert [attempt.outcome for attempt in attempts_of(redis, job.id)] == ["killed", "finished"]
    assert redis.hmget(keys.LANE + "default", "retried", "done") == [b"1", b"1"]


@pytest.mark.parametrize(
    ("error", "left", "intervals"),
    [
        (RetryAfter(7.2), 3, [8, 2, 2]),
        (RetryAfter(10**9), 3, [86_400, 2, 2]),
        (RetryAfter(float("nan")), 3, [86_400, 2, 2]),
        (RetryAfter(-5), 3, [1, 2, 2]),
        (PermanentError("no"), 0, [1, 2, 2]),
        (ValueError("no"), 3, [1, 2, 2]),
    ],
)
def test_what_an_error_says_about_the_next_attempt(redis: Redis, error: Exception, left: int, intervals: list[int]) -> None:
    job = job_of(redis)
    with pytest.raises(type(error)):
        attempts.recorded(job, raising(error))
    assert (job.retries_left, job.retry_intervals) == (left, intervals)


def test_a_run_is_looked_at_again_when_its_retry_is_due(redis: Redis) -> None:
    job = job_of(redis)
    due = time.time() + 5_000
    redis.lpop("rq:queue:default")
    redis.hset(job.key, "status", "scheduled")
    redis.zadd("rq:scheduled:default", {job.id: due})
    heartbeat.beat(redis)
    assert abs((redis.zscore(keys.ONGOING + "default", job.id) or 0) - due) <= 31


def test_recording_never_ends_a_task(redis: Redis) -> None:
    """A server that takes no writes loses records, not work."""
    job = job_of(redis)
    redis.set(keys.ATTEMPTS + job.id, "not a hash")
    assert attempts.recorded(job, lambda: "done") == "done"
