"""Searching schedules on a real server: what is found, what is read for it, and where it ends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from operator import add
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.cron import CronScheduler
from rq_scheduler import Scheduler

from console.model import filters
from console.model.pages import Found
from console.model.queries import SchedulesQuery, Source
from console.model.schedule_terms import FIELDS
from console.model.secrets import DEFAULT
from console.store import schedule_search
from console.store.seen import Seen
from jobs import controls, keys
from jobs.registering import set_users
from jobs.schedules import schedule_id
from jobs.users import User
from tests.benchmarks.ratios import RoundTrips
from tests.fast_tiers import fast_tiers  # noqa: F401 - autouse

USERS, CHUNK = 260, 100


def never() -> bool:
    return False


def search(
    redis: Redis, expression: str, source: Source = "user", stopped: Callable[[], bool] = never, **more: Any
) -> list[Found]:
    query = SchedulesQuery(source, filter=filters.parse(expression, FIELDS))
    return list(schedule_search.search(redis, query, more.get("now", time.time()), stopped, Seen(), DEFAULT))


def keys_of(found: list[Found]) -> list[bytes]:
    return [key for part in found for key in part.keys]


def scrape(*users: str) -> list[bytes]:
    return [schedule_id(user, "scrape").encode() for user in users]


@pytest.fixture
def many(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Redis:
    monkeypatch.setattr(schedule_search, "CHUNK", CHUNK)
    set_users(redis, [User(f"user-{n:04}", "slow" if n % 2 else "pro") for n in range(USERS)])
    controls.pause(redis, "user-0007", "scrape", "vendor asked", "ann")
    redis.hset(keys.RUNS + schedule_id("user-0011", "scrape"), "5", "slot;failed;5;5;1;2")
    redis.hset(
        f"{keys.ATTEMPTS}{schedule_id('user-0011', 'scrape')}-5", "2", json.dumps({"error": "ReadTimeout: shop.example"})
    )
    redis.hset(keys.RUNS + schedule_id("user-0012", "scrape"), "5", "slot;started;5;5;;1")
    redis.zadd(keys.ENTRIES, {schedule_id("user-0013", "scrape"): time.time() - 600})
    return redis


def test_every_schedule_is_looked_at_in_chunks(many: Redis) -> None:
    found = search(many, "-tier:gold")
    assert [part.read for part in found] == [100, 200, USERS, USERS]
    assert {part.of for part in found} == {USERS}
    assert len(set(keys_of(found))) == USERS
    assert [part.done for part in found] == [False, False, False, True]
    assert found[-1].more == ""


@pytest.mark.parametrize(
    ("expression", "users"),
    [
        ("state:paused", ["user-0007"]),
        ("note:vendor tier:slow", ["user-0007"]),
        ("vendor", ["user-0007"]),
        ("state:failing", ["user-0011"]),
        ("error:timeout", ["user-0011"]),
        ("state:running", ["user-0012"]),
        ("state:late", ["user-0013"]),
        ("late>5m", ["user-0013"]),
        ("user=user-0013", ["user-0013"]),
        ("user:0013", ["user-0013"]),
        ("user:USER-001 -state:armed tier:slow", ["user-0011", "user-0013"]),
        ("user:*-0010 task:scrape", ["user-0010"]),
        ("user=nobody", []),
        ("task:deliver", []),
    ],
)
def test_what_is_found(many: Redis, expression: str, users: list[str]) -> None:
    assert keys_of(search(many, expression)) == scrape(*users)


def test_users_that_begin_so_are_found_first(many: Redis) -> None:
    set_users(many, [User("a-user-0011", "slow")])
    found = search(many, "user:user-0011")
    assert found[0].keys == tuple(scrape("user-0011"))
    assert found[0].read == 1
    assert keys_of(found) == scrape("user-0011", "a-user-0011")
    assert found[-1].read == USERS + 1


def test_one_user_is_looked_up_and_nobody_else_is_read(many: Redis) -> None:
    with RoundTrips(many) as trips:
        found = search(many, "user=user-0011 state:failing")
    assert keys_of(found) == scrape("user-0011")
    assert (found[-1].read, found[-1].of) == (1, 1)
    assert trips.count <= 4


def commands(redis: Redis, name: str) -> int:
    return int(redis.info("commandstats").get(f"cmdstat_{name}", {}).get("calls", 0))


@pytest.mark.parametrize(("expression", "hashes"), [("user:0013 task:scrape", 0), ("tier:pro", 1), ("state:failing", 2)])
def test_no_more_is_read_than_the_filter_asks_for(many: Redis, expression: str, hashes: int) -> None:
    many.config_resetstat()
    search(many, expression)
    # Hashes are measured before they are read: those of runs that there are none of are not read at all.
    assert commands(many, "memory|usage") == hashes * USERS


def test_a_search_ends_between_two_chunks_when_it_is_told_to(many: Redis) -> None:
    asked = 0

    def stopped() -> bool:
        nonlocal asked
        asked += 1
        return asked > 1

    found = search(many, "tier:pro", stopped=stopped)
    assert [part.read for part in found] == [100, 100]
    assert (found[-1].done, found[-1].more) == (True, "it was stopped")


def test_a_search_ends_at_its_bounds_and_says_so(many: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule_search, "MAX_FOUND", 30)
    found = search(many, "tier:pro")
    assert (len(keys_of(found)), found[-1].more) == (30, "30 were found")
    monkeypatch.setattr(schedule_search, "MAX_READ", 200)
    found = search(many, "user=nobody-0 tier:pro")
    assert (found[-1].read, found[-1].more) == (0, "")
    found = search(many, "tier:gold")
    assert (found[-1].read, found[-1].of, found[-1].more) == (200, USERS, "200 were looked at")


@pytest.mark.filterwarnings("ignore:Version 0.22.0. of crontab:FutureWarning")
def test_the_other_sources_are_searched(redis: Redis) -> None:
    set_users(redis, [User("ada", "slow")])
    plain = Scheduler("mail", connection=redis)
    plain.cron("0 9 * * *", add, [1, 2], id="sum")
    plain.cron("0 9 * * *", add, [3, 4], id="other", queue_name="reports")
    later = [Queue(f"q-{n}", connection=redis).enqueue_in(timedelta(hours=1), add, n, 2) for n in range(3)]
    cron = CronScheduler(connection=redis, name="cron-1")
    cron.register(add, "mail", args=(1, 2), interval=90, name="nightly")
    cron.register_birth()
    assert keys_of(search(redis, 'call:"(1, 2)"', "entries")) == [b"sum"]
    assert keys_of(search(redis, "lane:reports source=rq-scheduler", "entries")) == [b"other"]
    assert keys_of(search(redis, "user:ada", "entries")) == scrape("ada")
    assert keys_of(search(redis, "state:orphaned", "entries")) == []
    assert keys_of(search(redis, 'lane:q "(2, 2)"', "rq")) == [later[2].id.encode()]
    assert keys_of(search(redis, "late>30m", "rq", now=time.time() + 7_200)) == [job.id.encode() for job in later]
    assert keys_of(search(redis, "id:nightly lane:mail", "cron")) == [b"nightly"]
    assert keys_of(search(redis, "lane:other", "cron")) == []


def test_a_search_where_nothing_is(redis: Redis) -> None:
    for source in ("user", "entries", "rq", "cron"):
        [found] = search(redis, "x", source) if source not in ("cron",) else search(redis, "x", source)[-1:]
        assert (found.read, found.keys, found.done) == (0, (), True)


def test_hostile_names_are_searched(redis: Redis) -> None:
    redis.zadd(keys.SCHEDULES, {b"u" * 10_000 + b"\x00scrape": 0, b"\xff\x1b\x00\xfe": 0, b"\x00": 0})
    redis.zadd(keys.ENTRIES, {b"\xff id": "inf", b"": 5})
    assert len(keys_of(search(redis, "-user:x"))) == 3
    assert len(keys_of(search(redis, "-user:x", "entries"))) == 2
