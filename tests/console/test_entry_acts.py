"""Commands on plain rq-scheduler entries: what is left of them, beside a pass of a real scheduler too."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq_scheduler import Scheduler

from console.model.commands import Command, Pause, PutBack, QuarantineSeen, Remove, Reschedule, RunNow, ScheduleSeen
from console.store.writer import StoreWriter
from jobs import User, keys, quarantine, set_user
from jobs.schedules import schedule_id
from tests.conftest import Server, Stock, until
from tests.console.acting import acted
from tests.console.giving import codes, do, held, only, operation, undo, writer_of
from tests.fast_tiers import fast_tiers

__all__ = ["fast_tiers"]

LATER = 3_600.0


@pytest.fixture
def writer(redis: Redis, server: Server) -> Iterator[StoreWriter]:
    with writer_of(server) as made:
        yield made


def plain(redis: Redis, name: str, after: float = LATER, **options: Any) -> ScheduleSeen:
    """A plain entry, as an application makes it, and as the console sees it."""
    when = datetime.now(UTC) + timedelta(seconds=after)
    Scheduler("default", connection=redis).schedule(when, "operator.add", [1, 2], id=name, **{"interval": 600, **options})
    return seen(redis, name)


def seen(redis: Redis, name: str) -> ScheduleSeen:
    return ScheduleSeen(name.encode(), "entries", redis.zscore(keys.ENTRIES, name))


def test_a_fire_is_brought_forward_and_rqscheduler_makes_it(redis: Redis, stock: Stock, writer: StoreWriter) -> None:
    entry = plain(redis, "nightly")
    assert codes(do(writer, RunNow(), entry)) == ["done"]
    assert abs(redis.zscore(keys.ENTRIES, "nightly") - time.time()) < 5
    assert redis.llen("rq:queue:default") == 0
    assert stock.scheduler("-b", "-i", "1").wait(30) == 0
    assert redis.lrange("rq:queue:default", 0, -1) == [b"nightly"]
    assert redis.zscore(keys.ENTRIES, "nightly") > time.time() + 500
    # Its runs are one job: another beside it would run under the same id.
    assert codes(do(writer, RunNow(), seen(redis, "nightly"))) == ["overlap"]
    Queue("default", connection=redis).empty()


def test_what_is_due_already_stays(redis: Redis, writer: StoreWriter) -> None:
    entry = plain(redis, "due", -60)
    assert codes(do(writer, RunNow(), entry)) == ["same"]
    assert redis.zscore(keys.ENTRIES, "due") == entry.score


def test_an_entry_is_given_another_time(redis: Redis, writer: StoreWriter) -> None:
    due = time.time() + 7_200
    entry = plain(redis, "nightly")
    before = redis.hgetall("rq:job:nightly")
    assert codes(do(writer, Reschedule(due), entry)) == ["done"]
    assert redis.zscore(keys.ENTRIES, "nightly") == due
    assert redis.hgetall("rq:job:nightly") == before
    assert codes(do(writer, Reschedule(due), seen(redis, "nightly"))) == ["same"]
    assert codes(do(writer, Reschedule(float("nan")), seen(redis, "nightly"))) == ["invalid"]
    assert only(do(writer, Pause(), entry)).reason == "source"


@pytest.mark.parametrize("command", [RunNow(), Reschedule(2e9), Remove()], ids=lambda command: command.WORD)
def test_only_what_was_seen_is_changed(redis: Redis, writer: StoreWriter, command: Command) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    moved, gone, lost = plain(redis, "moved"), plain(redis, "gone"), plain(redis, "lost")
    redis.zincrby(keys.ENTRIES, 1, "moved")
    redis.zrem(keys.ENTRIES, "gone")
    redis.delete("rq:job:lost")
    ours, beat = seen(redis, schedule_id("ada", "ok")), seen(redis, keys.HEARTBEAT_ENTRY)
    before = held(redis)
    assert codes(do(writer, command, moved, gone, ours, beat)) == ["changed", "gone", "source", "source"]
    assert held(redis) == before
    # An entry without its job can be taken away, and only that: rqscheduler would drop it when it is due.
    assert codes(do(writer, command, lost)) == ["done" if isinstance(command, Remove) else "gone"]
    assert redis.hgetall(keys.OPERATION + "op1")[b"source"] == b"2"


def test_removing_and_undoing_leaves_everything_as_it_was(redis: Redis, writer: StoreWriter) -> None:
    entries = [
        plain(redis, "nightly"),
        plain(redis, "once", interval=None),
        plain(redis, "bad"),
        plain(redis, "lost"),
        plain(redis, "in-the-past", -60),
    ]
    redis.delete("rq:job:lost", "rq:job:bad")
    redis.rpush("rq:job:bad", "no", "hash")
    redis.expire("rq:job:once", 5_000)
    before = held(redis)
    assert codes(do(writer, Remove(), *entries)) == ["done"] * 5
    assert redis.zcard(keys.ENTRIES) == 0
    assert not redis.exists("rq:job:nightly", "rq:job:once", "rq:job:bad")
    assert 0 < redis.ttl(f"{keys.TRASHED_KEY}op1:rq:job:nightly") <= 3_600
    assert undo(writer, [one.key for one in reversed(entries)]) == ["done"] * 5
    assert held(redis) == before


def test_a_job_that_runs_or_is_listed_stays_without_its_entry(redis: Redis, writer: StoreWriter) -> None:
    entries = [plain(redis, name) for name in ("runs", "failed", "retried")]
    redis.hset("rq:job:runs", "status", "started")
    redis.hset("rq:job:failed", "status", "failed")
    redis.zadd("rq:failed:default", {"failed": 2e9})
    redis.zadd("rq:scheduled:default", {"retried": 2e9})
    before = held(redis)
    assert codes(do(writer, Remove(), *entries)) == ["done"] * 3
    assert redis.zcard(keys.ENTRIES) == 0
    for name in ("runs", "failed", "retried"):
        assert redis.hgetall(f"rq:job:{name}") == before[f"rq:job:{name}".encode()][0]
    assert undo(writer, [b"runs", b"retried"]) == ["done"] * 2
    # Somebody scheduled it again.
    redis.zadd(keys.ENTRIES, {"failed": 2_000.0})
    assert undo(writer, [b"failed"]) == ["exists"]
    assert redis.zscore(keys.ENTRIES, "failed") == 2_000.0


SLOW_QUEUE = """
from rq import Queue

class Slow(Queue):
    def enqueue_job(self, job, *args, **kwargs):
        self.connection.rpush("test:at", job.id)
        self.connection.blpop("test:go", 30)
        return super().enqueue_job(job, *args, **kwargs)
"""


def test_beside_a_pass_nothing_is_lost_and_nothing_comes_back(
    redis: Redis, stock: Stock, tmp_path: Path, writer: StoreWriter
) -> None:
    """The scheduler has made its list, and stands at its first entry."""
    (tmp_path / "slow_queue.py").write_text(SLOW_QUEUE)
    for n, name in enumerate(("first", "second", "third")):
        plain(redis, name, -60 + n, meta={"queue_class_name": "slow_queue.Slow"} if name == "first" else None)
    later = plain(redis, "later")
    away = plain(redis, "away")
    scheduler = stock.scheduler("-b", "-i", "1", "--path", str(tmp_path))
    until(lambda: redis.llen("test:at"), what="it is about to push the first")
    for command in (RunNow(), Reschedule(2e9), Remove()):
        assert codes(do(writer, command, *(seen(redis, name) for name in ("first", "second", "third")))) == ["firing"] * 3
    assert codes(do(writer, Reschedule(2e9), later)) == ["done"]
    assert codes(do(writer, Remove(), away, name="op2")) == ["done"]
    redis.rpush("test:go", 1)
    assert scheduler.wait(30) == 0, stock.logs()
    assert redis.lrange("rq:queue:default", 0, -1) == [b"first", b"second", b"third"]
    assert redis.zscore(keys.ENTRIES, "later") == 2e9
    assert redis.zscore(keys.ENTRIES, "away") is None
    assert not redis.exists("rq:job:away")
    assert sorted(redis.zrange(keys.ENTRIES, 0, -1)) == [b"first", b"later", b"second", b"third"]
    # Once the pass is over they can be changed.
    assert codes(do(writer, Remove(), *(seen(redis, name) for name in ("second", "third")))) == ["done"] * 2


def test_two_consoles_remove_the_same_entries_once(redis: Redis, server: Server) -> None:
    entries = [plain(redis, f"entry-{n}") for n in range(300)]
    before = held(redis)
    found: dict[str, list[str]] = {}

    def console(name: str) -> None:
        with writer_of(server) as writer:
            found[name] = codes(do(writer, Remove(), *entries, name=name))

    both = [threading.Thread(target=console, args=(name,)) for name in ("one", "two")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert [sorted(pair) for pair in zip(found["one"], found["two"], strict=True)] == [["done", "gone"]] * 300
    with writer_of(server) as writer:
        for name in ("one", "two"):
            taken = [entry.key for entry, code in zip(entries, found[name], strict=True) if code == "done"]
            assert undo(writer, taken[::-1], name) == ["done"] * len(taken)
    assert held(redis) == before


def test_what_was_set_aside_is_put_back(redis: Redis, writer: StoreWriter) -> None:
    for name in ("a", "b"):
        plain(redis, name)
        quarantine.set_aside(redis, name.encode(), "why", "me")
    plain(redis, "b")
    aside = [QuarantineSeen(key) for key in (b"1", b"2", b"3", b"x")]
    report = do(writer, PutBack(), *aside, ScheduleSeen(b"a", "entries"))
    assert codes(report) == ["done", "exists", "gone", "gone", "source"]
    assert [one.entry for one in quarantine.listed(redis)] == ["b"]
    assert redis.zscore(keys.ENTRIES, "a") is not None


@pytest.mark.parametrize("ahead", [LATER, -LATER])
def test_the_console_s_clock_does_not_say_what_is_due(redis: Redis, ahead: float) -> None:
    entry, due = plain(redis, "nightly", 2 * LATER), plain(redis, "due", -60)
    redis.set(keys.ENTRIES_LOCK, "x")
    asked = operation(RunNow())
    writer = StoreWriter(redis, "redis://here")
    came = acted(writer, asked, RunNow(), [entry, due], time.time() + ahead)
    assert [one.reason or one.result for one in came] == ["done", "firing"]
    assert abs(redis.zscore(keys.ENTRIES, "nightly") - time.time()) < 60
