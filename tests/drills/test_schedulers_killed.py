"""Two rqscheduler processes, either killed with -9 at random moments: no schedule lost, no slot run twice, next slots exact."""

from __future__ import annotations

import random
import subprocess
import time

import pytest
from redis import Redis

from jobs import User, keys, schedules, set_schedule
from jobs.cadence import Every
from jobs.registering import set_users
from jobs.schedules import schedule_id
from tests.conftest import Stock, until

USERS = [f"user-{n}" for n in range(40)]
PERIOD = 2


@pytest.mark.parametrize("rounds", [5, pytest.param(20, marks=pytest.mark.drill)])
def test_two_schedulers_killed_at_random_moments(redis: Redis, stock: Stock, rounds: int) -> None:
    chance = random.Random(rounds)
    set_users(redis, [User(user, "pro") for user in USERS], tasks=["ok"])
    for user in USERS:
        set_schedule(redis, user, "ok", overlap="allow", cadence=Every(PERIOD))
    first = {user: schedules.get(redis, user, "ok").next_at for user in USERS}
    stock.worker()
    stock.worker()
    pair = [stock.scheduler("-i", "0.1"), stock.scheduler("-i", "0.1")]
    for round_ in range(rounds):
        beat = redis.hget(keys.HEARTBEAT, "at")
        until(lambda beat=beat: redis.hget(keys.HEARTBEAT, "at") != beat, 60, f"a pass in round {round_}")
        # Every other round waits for a moment inside a pass; the lock of the dead holder then holds the other one up.
        if round_ % 2:
            until(lambda: redis.exists(keys.ENTRIES_LOCK), 30)
        else:
            time.sleep(chance.random() * 0.2)
        victim = chance.randrange(2)
        pair[victim].kill()
        pair[victim].wait(10)
        pair[victim] = stock.scheduler("-i", "0.1")
    done = {user: schedules.get(redis, user, "ok").fired for user in USERS}
    until(lambda: all(schedules.get(redis, user, "ok").fired > done[user] for user in USERS), 90, "every schedule fires on")
    _end(pair)
    # A job that a worker has just taken is neither in the queue nor among those that run.
    fired = sum(schedules.get(redis, user, "ok").fired for user in USERS)
    until(lambda: redis.llen("test:executed:ok") >= fired, 120, "the runs done")

    executed = [run.decode() for run in redis.lrange("test:executed:ok", 0, -1)]
    assert len(executed) == len(set(executed))
    now = redis.time()[0]
    for user in USERS:
        schedule = schedules.get(redis, user, "ok")
        slots = {int(run.rpartition("-")[2]) for run in executed if run.startswith(schedule.id)}
        assert {slot % PERIOD for slot in slots} == {schedule.slots.next_after(0) % PERIOD}
        # Each slot since the start was run once, or is counted as missed while the dead holder's lock lasted.
        last = schedule.next_at or 0
        expected = len(range(first[user] or 0, last, PERIOD))
        assert len(slots) + schedule.skipped.get("missed", 0) == expected
        assert redis.zscore(keys.ENTRIES, schedule_id(user, "ok")) == last
        assert last > now - 30
        assert (last - (first[user] or 0)) % PERIOD == 0


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("due", [2_000, pytest.param(20_000, marks=pytest.mark.drill)])
def test_two_passes_over_the_same_entries_at_once(redis: Redis, stock: Stock, due: int) -> None:
    """rq-scheduler's lock is not renewed in a pass, so a long one is overtaken by another one (field guide, 4g)."""
    users = [User(f"user-{n:05}", "slow") for n in range(due)]
    for start in range(0, due, 1_000):
        set_users(redis, users[start : start + 1_000], tasks=["ok"])
    past = redis.time()[0] - 5
    with redis.pipeline() as pipe:
        for user in users:
            pipe.zadd(keys.ENTRIES, {schedule_id(user.id, "ok"): past})
        pipe.execute()
    stock.scheduler("-i", "60")
    until(lambda: redis.llen("rq:queue:default") > due // 20, 60, "the first pass is under way")
    # What the lock's expiry does in a pass of more than interval + 10 s.
    assert redis.delete(keys.ENTRIES_LOCK) == 1
    stock.scheduler("-i", "60")
    until(lambda: redis.llen("rq:queue:default") >= due, 120, "every entry fired")
    until(lambda: not redis.exists(keys.ENTRIES_LOCK), 120, "both passes are over")
    runs = redis.lrange("rq:queue:default", 0, -1)
    assert len(runs) == len(set(runs)) == due
    now = redis.time()[0]
    soonest, latest = (redis.zrange(keys.ENTRIES, at, at, withscores=True)[0][1] for at in (1, -1))
    assert past < soonest <= latest <= now + 3_600
