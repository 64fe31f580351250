"""Reading a status changes no key, and needs no right to."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue, Retry

from console.commands.status import EVERYTHING
from console.model.status import Status
from console.store import status as store
from console.store.seen import Seen
from jobs import heartbeat_entry, keys
from tests.conftest import BIN, Server, Stock, until
from tests.console.rights import RIGHTS, reading_user


def read(redis: Redis, now: float) -> Status:
    """The first reading of one who has seen nothing yet, of every queue in full."""
    return store.read(redis, EVERYTHING, now, Seen())


def all_keys(redis: Redis) -> list[bytes]:
    return list(redis.scan_iter(count=1_000))


def everything(redis: Redis) -> dict[bytes, tuple[bytes | None, int]]:
    """Every key with its content and the instant it expires."""
    found = {}
    for key in all_keys(redis):
        found[key] = (redis.dump(key), redis.pexpiretime(key))
    return found


@pytest.fixture
def installation(redis: Redis, stock: Stock) -> Redis:
    """Jobs in every state, expired registry entries, a worker and two schedulers that were killed, one job abandoned."""
    heartbeat_entry.install(redis)
    mail = Queue("mail", connection=redis)
    mail.enqueue("operator.add", 1, 2)
    mail.enqueue("operator.truediv", 1, 0)
    mail.enqueue("operator.truediv", 1, 0, retry=Retry(max=3, interval=1))
    mail.enqueue_in(timedelta(hours=1), "operator.add", 1, 2)
    mail.enqueue("operator.add", 1, 2).cancel()
    assert stock.worker("--burst", "mail").wait(30) == 0
    killed = [stock.scheduler("-i", "1"), stock.worker("mail", "--with-scheduler")]
    mail.enqueue("time.sleep", 60)
    until(lambda: redis.zcard(keys.RQ_WIP + "mail") and redis.exists(keys.SCHEDULERS), what="a running job and rqscheduler")
    # Its horse and its scheduler are its children, and would write on.
    children = subprocess.run(["ps", "--ppid", str(killed[1].pid), "-o", "pid="], capture_output=True, text=True, check=True)
    for pid in [*(process.pid for process in killed), *map(int, children.stdout.split())]:
        os.kill(pid, 9)
    for process in killed:
        process.wait()
    waiting = mail.enqueue("time.sleep", 0)
    mail.enqueue("time.sleep", 0, depends_on=waiting)
    redis.rpush(keys.RQ_QUEUE + "mail", "an-id-without-a-hash")
    redis.zadd(keys.RQ_FAILED + "mail", {"expired": 1, "kept": -1})
    redis.zadd(keys.RQ_WIP + "mail", {"abandoned:execution": 1})
    redis.zadd("rq:ready:mail", {"ready": 1})
    redis.set(keys.ENTRIES_LOCK, time.time(), ex=600)
    # Keys that would expire while the test compares say nothing about the reading.
    for key in all_keys(redis):
        if 0 < redis.pttl(key) < 120_000:
            redis.expire(key, 600)
    return redis


def test_no_key_changes(installation: Redis) -> None:
    before, changes = everything(installation), installation.info()["rdb_changes_since_last_save"]
    status = read(installation, time.time())
    read(installation, time.time() + 86_400)
    assert status.workers
    assert status.schedulers
    assert installation.info()["rdb_changes_since_last_save"] == changes
    assert everything(installation) == before


@pytest.fixture
def reader(installation: Redis, server: Server) -> Iterator[str]:
    """The URL of a user who has RIGHTS and no other."""
    with reading_user(installation, server.url) as url:
        yield url


def test_a_user_who_may_only_read_sees_all_of_it(installation: Redis, reader: str) -> None:
    now = time.time()
    with Redis.from_url(reader) as client:
        theirs = read(client, now)
    ours = read(installation, now)
    assert theirs.refused == ()
    assert (theirs.queues, theirs.workers, theirs.schedulers) == (ours.queues, ours.workers, ours.schedulers)
    assert (theirs.schedules, theirs.problems) == (ours.schedules, ours.problems)


def test_the_command_runs_for_a_user_who_may_only_read(reader: str) -> None:
    done = subprocess.run(
        [str(BIN / "tq-console"), "status", "--json"],
        env={**os.environ, "RQ_REDIS_URL": reader},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "hunter2" not in done.stdout
    assert '"unreadable"' not in done.stdout


@pytest.mark.parametrize("right", [right for right in RIGHTS if right != "+ping"])
def test_what_a_right_that_is_missing_leaves_unread_is_told(installation: Redis, server: Server, right: str) -> None:
    left = tuple(one for one in RIGHTS if one != right)
    with reading_user(installation, server.url, left) as url, Redis.from_url(url) as client:
        status = read(client, time.time())
    assert status.refused
    assert "unreadable" in {problem.code for problem in status.problems}
