"""Poisoned entries are set aside before they end rqscheduler; the others fire, and what was set aside can be put back."""

from __future__ import annotations

import pickle
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rq import Queue
from rq_scheduler import Scheduler

from jobs import User, keys, pass_guard, quarantine, schedules, set_schedule, set_user
from jobs.schedules import schedule_id
from tests.conftest import Stock, until

DUE = 1_000.0
"""Long ago, so a poisoned entry comes before every other but the heartbeat's."""

QUEUE_CLASS = """
from rq import Queue

class Raising(Queue):
    def enqueue_job(self, *args, **kwargs):
        raise RuntimeError("no")
"""


FAILS_AT_FIRST = """
from rq import get_current_job

def call():
    if get_current_job().retries_left:
        raise ValueError("not yet")
"""


def plain(redis: Redis, name: str, **meta: object) -> str:
    """A plain rq-scheduler entry, as an application makes it, not yet due."""
    scheduler = Scheduler("default", connection=redis)
    job = scheduler.schedule(
        scheduled_time=datetime.now(UTC) + timedelta(hours=1), func="tests.sample_tasks.ok", args=["x"], id=name, interval=3600
    )
    if meta:
        job.meta.update(meta)
        job.save()
    return name


def comes_due(redis: Redis, entry: bytes | str) -> bytes | str:
    redis.zadd(keys.ENTRIES, {entry: DUE})
    return entry


def undecodable_data(redis: Redis) -> bytes:
    redis.hset("rq:job:" + plain(redis, "bad-data"), "data", zlib.compress(b"\x80\x05garbage"))
    return b"bad-data"


def missing_class(redis: Redis) -> bytes:
    redis.hset("rq:job:" + plain(redis, "bad-class"), "data", zlib.compress(b"cno_such_module\nThing\n."))
    return b"bad-class"


def invalid_status(redis: Redis) -> bytes:
    redis.hset("rq:job:" + plain(redis, "bad-status"), "status", "nonsense")
    return b"bad-status"


def meta_is_a_list(redis: Redis) -> bytes:
    redis.hset("rq:job:" + plain(redis, "bad-meta"), "meta", pickle.dumps([1]))
    return b"bad-meta"


def undecodable_meta(redis: Redis) -> bytes:
    redis.hset("rq:job:" + plain(redis, "worse-meta"), "meta", b"\x80\x05garbage")
    return b"worse-meta"


def unimportable_queue_class(redis: Redis) -> bytes:
    plain(redis, "bad-queue-class", queue_class_name="no.such.Queue")
    return b"bad-queue-class"


def raising_queue_class(redis: Redis) -> bytes:
    plain(redis, "raising-queue-class", queue_class_name="poison_queue.Raising")
    return b"raising-queue-class"


def wrong_type(redis: Redis) -> bytes:
    plain(redis, "bad-type")
    redis.delete("rq:job:bad-type")
    redis.rpush("rq:job:bad-type", "not", "a", "hash")
    return b"bad-type"


def invalid_id(redis: Redis) -> bytes:
    return b"user@example.com daily"


def unreadable_id(redis: Redis) -> bytes:
    return b"\xff\xfe\x80"


def bad_cron(redis: Redis) -> bytes:
    plain(redis, "bad-cron", cron_string="every day")
    redis.hset("rq:job:bad-cron", "meta", pickle.dumps({"cron_string": "every day"}))
    return b"bad-cron"


def cron_that_never_comes(redis: Redis) -> bytes:
    plain(redis, "never-cron")
    redis.hset("rq:job:never-cron", "meta", pickle.dumps({"cron_string": "0 0 30 2 *"}))
    return b"never-cron"


def interval_is_no_number(redis: Redis) -> bytes:
    plain(redis, "bad-interval")
    redis.hset("rq:job:bad-interval", "meta", pickle.dumps({"interval": "soon"}))
    return b"bad-interval"


def interval_is_infinite(redis: Redis) -> bytes:
    plain(redis, "endless-interval", interval=float("inf"))
    return b"endless-interval"


def repeat_is_infinite(redis: Redis) -> bytes:
    plain(redis, "endless-repeat", repeat=float("inf"))
    return b"endless-repeat"


def interval_is_no_score(redis: Redis) -> bytes:
    plain(redis, "long-interval", interval=10**400)
    return b"long-interval"


def missing_origin(redis: Redis) -> bytes:
    redis.hdel("rq:job:" + plain(redis, "no-origin"), "origin")
    return b"no-origin"


POISONS: list[Callable[[Redis], bytes]] = [
    undecodable_data,
    missing_class,
    invalid_status,
    meta_is_a_list,
    undecodable_meta,
    unimportable_queue_class,
    raising_queue_class,
    wrong_type,
    invalid_id,
    unreadable_id,
    bad_cron,
    cron_that_never_comes,
    interval_is_no_number,
    interval_is_infinite,
    repeat_is_infinite,
    interval_is_no_score,
    missing_origin,
]


def dump(redis: Redis, key: str | bytes) -> bytes | None:
    return redis.dump(key)


def test_the_scheduler_lives_the_others_fire_and_the_poison_is_listed(redis: Redis, stock: Stock, tmp_path: Path) -> None:
    (tmp_path / "poison_queue.py").write_text(QUEUE_CLASS)
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", overlap="allow")
    comes_due(redis, plain(redis, "healthy"))
    scheduler = stock.scheduler()
    until(lambda: redis.exists("rq:queue:default"), 40, "the healthy plain entry fired")
    before = {poison(redis): poison for poison in POISONS}
    kept = {entry: dump(redis, b"rq:job:" + entry) for entry in before}
    for entry in before:
        comes_due(redis, entry)
    fired = schedules.get(redis, "ada", "ok").fired
    until(lambda: quarantine.count(redis) == len(POISONS), 40, f"all set aside, not {quarantine.listed(redis)}")
    until(lambda: schedules.get(redis, "ada", "ok").fired > fired, 40, "a user's slot fired after the poison")
    assert scheduler.poll() is None
    listed = quarantine.listed(redis)
    assert {one.entry.encode().decode("unicode_escape").encode("latin-1") for one in listed} == set(before)
    assert {one.due_at for one in listed} == {DUE}
    assert all(one.reason and one.by for one in listed)
    for one in listed:
        entry = one.entry.encode().decode("unicode_escape").encode("latin-1")
        assert dump(redis, f"{keys.QUARANTINED_JOB}{one.n}") == kept[entry]
        assert redis.zscore(keys.ENTRIES, entry) is None
    assert redis.zscore(keys.ENTRIES, "healthy") is not None


@pytest.mark.parametrize("poison", POISONS, ids=lambda poison: poison.__name__)
def test_each_poison_alone_in_the_first_pass_of_a_scheduler(
    redis: Redis, stock: Stock, tmp_path: Path, poison: Callable[[Redis], bytes]
) -> None:
    (tmp_path / "poison_queue.py").write_text(QUEUE_CLASS)
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    entry = comes_due(redis, poison(redis))
    assert stock.scheduler("-b", "-i", "1").wait(30) == 0, stock.logs()
    assert [one.due_at for one in quarantine.listed(redis)] == [DUE]
    assert redis.zscore(keys.ENTRIES, entry) is None
    assert "Traceback" not in stock.logs()


def test_putting_back_restores_the_entry_byte_for_byte(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    entry = undecodable_data(redis)
    redis.expire(b"rq:job:" + entry, 5_000)
    comes_due(redis, entry)
    before = dump(redis, b"rq:job:" + entry)
    assert stock.scheduler("-b", "-i", "1").wait(30) == 0
    [one] = quarantine.listed(redis)
    quarantine.put_back(redis, one.n)
    assert dump(redis, b"rq:job:" + entry) == before
    assert redis.zscore(keys.ENTRIES, entry) == DUE
    assert 4_000 < redis.ttl(b"rq:job:" + entry) <= 5_000
    assert quarantine.listed(redis) == []
    with pytest.raises(quarantine.NotPutBack, match="nothing is set aside under number"):
        quarantine.put_back(redis, one.n)


def test_our_own_entry_when_poisoned_is_set_aside_and_armed_anew(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    one = schedule_id("ada", "ok")
    redis.hset(keys.RQ_JOB + one, "data", b"garbage")
    scheduler = stock.scheduler()
    until(lambda: schedules.get(redis, "ada", "ok").fired >= 1, 40, "a run of the entry made anew")
    assert [found.entry for found in quarantine.listed(redis)] == [one]
    assert scheduler.poll() is None


def test_an_outage_is_not_taken_for_poison(redis: Redis, stock: Stock) -> None:
    """A server that refuses writes makes every enqueue fail; nothing is set aside for it."""
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    comes_due(redis, plain(redis, "healthy"))
    redis.zadd(keys.ENTRIES, {schedule_id("ada", "ok"): time.time() - 1})
    redis.config_set("maxmemory", 1)
    try:
        stock.scheduler("-b", "-i", "1").wait(30)
    finally:
        redis.config_set("maxmemory", 0)
    assert quarantine.count(redis) == 0
    assert redis.zscore(keys.ENTRIES, "healthy") == DUE
    assert redis.zscore(keys.ENTRIES, schedule_id("ada", "ok")) is not None


@pytest.mark.parametrize("status", ["queued", "started", "deferred"])
def test_a_job_hash_keeps_its_run_when_its_entry_is_poison(redis: Redis, stock: Stock, status: str) -> None:
    """A plain repeating entry shares its hash with its run: setting the entry aside must not take the hash of a run."""
    comes_due(redis, cron_that_never_comes(redis))
    redis.hset("rq:job:never-cron", "status", status)
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    assert stock.scheduler("-b", "-i", "1").wait(30) == 0
    [one] = quarantine.listed(redis)
    assert redis.exists("rq:job:never-cron")
    with pytest.raises(quarantine.NotPutBack, match="has not ended"):
        quarantine.put_back(redis, one.n)
    quarantine.drop(redis, one.n)
    assert quarantine.listed(redis) == []
    assert not redis.exists(f"{keys.QUARANTINED_JOB}{one.n}", f"{keys.QUARANTINED}{one.n}")
    with pytest.raises(quarantine.NotPutBack):
        quarantine.drop(redis, one.n)


def test_an_entry_is_put_back_with_its_job_once_its_run_has_ended(redis: Redis, stock: Stock) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    comes_due(redis, plain(redis, "report"))
    assert stock.scheduler("-b", "-i", "1").wait(30) == 0
    redis.hset("rq:job:report", "meta", pickle.dumps({"interval": 3_600, "queue_class_name": "no.such.Queue"}))
    comes_due(redis, "report")
    assert stock.scheduler("-b", "-i", "1").wait(30) == 0
    [one] = quarantine.listed(redis)
    stock.worker("--burst", "default").wait(30)
    assert redis.hget("rq:job:report", "status") == b"finished", stock.logs()
    before = dump(redis, "rq:job:report")
    quarantine.put_back(redis, one.n)
    assert (redis.zscore(keys.ENTRIES, "report"), dump(redis, "rq:job:report")) == (DUE, before)
    assert not redis.exists(keys.QUARANTINE, f"{keys.QUARANTINED_JOB}{one.n}", f"{keys.QUARANTINED}{one.n}")


def test_an_entry_whose_retry_waits_is_not_put_back_to_be_queued_twice(redis: Redis) -> None:
    comes_due(redis, plain(redis, "report"))
    redis.zadd("rq:scheduled:default", {"report": time.time() + 600})
    n = quarantine.set_aside(redis, b"report", "why", "me")
    assert quarantine.put_back_all(redis, [n]) == ["overlap"]
    redis.zrem("rq:scheduled:default", "report")
    assert quarantine.put_back_all(redis, [n]) == ["done"]


@pytest.mark.parametrize("func", ["tests.sample_tasks.ok", "tests.sample_tasks.broken"])
def test_an_entry_is_not_put_back_over_another_job_of_its_id(redis: Redis, func: str) -> None:
    comes_due(redis, plain(redis, "report"))
    n = quarantine.set_aside(redis, b"report", "why", "me")
    Queue("default", connection=redis).enqueue(func, "x", job_id="report")
    redis.hset("rq:job:report", "status", "finished")
    before = dump(redis, f"{keys.QUARANTINED_JOB}{n}")
    with pytest.raises(quarantine.NotPutBack, match="another job"):
        quarantine.put_back(redis, n)
    assert dump(redis, f"{keys.QUARANTINED_JOB}{n}") == before
    assert redis.zscore(keys.ENTRIES, "report") is None


@pytest.mark.parametrize("status", ["rate_limited", "ready_to_enqueue", "finished", "failed", "stopped", "canceled"])
def test_the_hash_of_a_run_stays_whatever_has_become_of_the_run(redis: Redis, status: str) -> None:
    redis.hset(b"rq:job:" + comes_due(redis, undecodable_data(redis)), "status", status)
    before = dump(redis, "rq:job:bad-data")
    n = quarantine.set_aside(redis, b"bad-data", "why", "me")
    assert dump(redis, "rq:job:bad-data") == dump(redis, f"{keys.QUARANTINED_JOB}{n}") == before


@pytest.mark.parametrize("registry", ["finished", "failed", "canceled", "scheduled", "deferred", "ready"])
def test_the_hash_of_a_job_that_a_registry_lists_stays(redis: Redis, registry: str) -> None:
    comes_due(redis, undecodable_data(redis))
    redis.zadd(f"rq:{registry}:default", {"bad-data": time.time() + 600})
    quarantine.set_aside(redis, b"bad-data", "why", "me")
    assert redis.exists("rq:job:bad-data")


def test_a_retry_that_waits_comes_although_its_entry_is_poison(redis: Redis, stock: Stock, tmp_path: Path) -> None:
    (tmp_path / "mended.py").write_text(FAILS_AT_FIRST)
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    Scheduler("default", connection=redis).schedule(datetime.now(UTC), "mended.call", id="report", interval=3600)
    redis.hset("rq:job:report", mapping={"retries_left": 1, "retry_intervals": "[600]"})
    comes_due(redis, "report")
    assert stock.scheduler("-b", "-i", "1").wait(30) == 0
    stock.worker("--burst", "default").wait(30)
    assert redis.zrange("rq:scheduled:default", 0, -1) == [b"report"], stock.logs()
    redis.hset("rq:job:report", "meta", pickle.dumps({"cron_string": "0 0 30 2 *"}))
    comes_due(redis, "report")
    assert stock.scheduler("-b", "-i", "1").wait(30) == 0
    assert [one.entry for one in quarantine.listed(redis)] == ["report"]
    redis.zadd("rq:scheduled:default", {"report": DUE})
    stock.worker("--burst", "--with-scheduler", "default").wait(30)
    assert redis.zrange("rq:finished:default", 0, -1) == [b"report"], stock.logs()


def test_only_entries_can_be_set_aside(redis: Redis) -> None:
    redis.hset("rq:job:not-an-entry", "status", "queued")
    assert quarantine.set_aside(redis, b"not-an-entry", "why", "me") == 0
    assert redis.exists("rq:job:not-an-entry")
    assert quarantine.count(redis) == 0


def test_a_connection_that_breaks_in_a_queue_class_is_no_poison(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    comes_due(redis, plain(redis, "healthy"))
    scheduler = Scheduler("default", connection=redis)
    pass_guard.protect(scheduler)

    def cut(*args: object, **kwargs: object) -> None:
        raise RedisConnectionError("the line is cut")

    monkeypatch.setattr(Queue, "enqueue_job", cut)
    with pytest.raises(RedisConnectionError):
        scheduler.enqueue_jobs()
    assert quarantine.count(redis) == 0
    assert redis.zscore(keys.ENTRIES, "healthy") == DUE


@pytest.mark.parametrize("meta", [{"repeat": -3}, {"interval": True}, {"interval": "60"}], ids=str)
def test_odd_numbers_that_rq_scheduler_can_use_are_left_to_it(redis: Redis, meta: dict[str, object]) -> None:
    comes_due(redis, plain(redis, "healthy", **meta))
    scheduler = Scheduler("default", connection=redis)
    pass_guard.protect(scheduler)
    scheduler.enqueue_jobs()
    assert quarantine.count(redis) == 0
    assert redis.lrange("rq:queue:default", 0, -1) == [b"healthy"]
    assert (redis.zscore(keys.ENTRIES, "healthy") or 0) > DUE


def test_a_scheduler_is_protected_once(redis: Redis) -> None:
    scheduler = Scheduler("default", connection=redis)
    pass_guard.protect(scheduler)
    before = (scheduler.job_class, scheduler.enqueue_job)
    pass_guard.protect(scheduler)
    assert (scheduler.job_class, scheduler.enqueue_job) == before
