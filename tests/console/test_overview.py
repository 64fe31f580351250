"""The overview read again and again by one reader: two round trips, and nothing that was there is missed or kept too long."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue, Worker
from rq_scheduler import Scheduler

from console.model.queries import OverviewQuery
from console.model.status import QueueStatus, Status, as_json
from console.store import status
from console.store.seen import MAX_NAME, MAX_QUEUES, Seen
from jobs import keys
from tests.benchmarks.ratios import RoundTrips
from tests.conftest import Stock, until

ALL = OverviewQuery(size=100)


def names(found: Status) -> list[str]:
    return [queue.name for queue in found.queues]


def queue(found: Status, name: str) -> QueueStatus:
    return next(queue for queue in found.queues if queue.name == name)


def trips_and(redis: Redis, query: OverviewQuery, seen: Seen) -> tuple[int, Status]:
    with RoundTrips(redis) as trips:
        found = status.read(redis, query, time.time(), seen)
    return trips.count, found


@pytest.fixture
def twenty(redis: Redis) -> Redis:
    """Queues q00 to q19, of which each has a waiting job, a failed one, and one that is due tomorrow."""
    for n in range(20):
        one = Queue(f"q{n:02}", connection=redis)
        one.enqueue("time.sleep", 0)
        one.enqueue_in(timedelta(days=1), "time.sleep", 0)
        redis.zadd(f"{keys.RQ_FAILED}q{n:02}", {"failed": time.time() + 600, "expired": time.time() - 600})
    return redis


def test_two_round_trips_once_everybody_is_known(twenty: Redis, stock: Stock) -> None:
    stock.worker("q01", "nightly", "--with-scheduler", "--name", "ann")
    until(lambda: twenty.exists(keys.RQ_SCHEDULER_LOCK + "q01"), what="a worker with a scheduler")
    seen = Seen()
    first, before = trips_and(twenty, ALL, seen)
    assert first == 3
    second, found = trips_and(twenty, ALL, seen)
    assert second == 2
    assert names(found) == names(before) == ["high", "default", "low", "nightly", *(f"q{n:02}" for n in range(20))]
    assert [worker.name for worker in found.workers] == ["ann"]
    assert [scheduler.kind for scheduler in found.schedulers] == ["rq"]
    assert queue(found, "q05").oldest_s is not None


def test_of_queues_off_screen_the_counts_are_read_and_no_more(twenty: Redis) -> None:
    seen = Seen()
    status.read(twenty, ALL, time.time(), seen)
    found = status.read(twenty, OverviewQuery(start=4, size=2), time.time(), seen)
    assert [one.name for one in found.queues if one.finished is not None] == ["high", "default", "low", "q04", "q05"]
    shown, hidden = queue(found, "q05"), queue(found, "q06")
    assert (shown.waiting, shown.failed, shown.scheduled, shown.retrying) == (1, 1, 1, 0)
    assert (hidden.waiting, hidden.failed, hidden.overdue, hidden.retrying) == (1, 1, 0, None)
    assert shown.oldest_s is not None
    assert hidden.oldest_s is None


def test_a_queue_off_screen_is_told_anew_when_it_changes_and_in_full_when_it_comes_on_screen(twenty: Redis) -> None:
    seen, off_screen = Seen(), OverviewQuery(size=0)
    before = status.read(twenty, off_screen, time.time(), seen)
    Queue("q05", connection=twenty).enqueue("time.sleep", 0)
    after = status.read(twenty, off_screen, time.time(), seen)
    assert (queue(before, "q05").waiting, queue(after, "q05").waiting) == (1, 2)
    assert queue(before, "q06") == queue(after, "q06")
    assert queue(status.read(twenty, ALL, time.time(), seen), "q06").finished == 0
    assert queue(status.read(twenty, off_screen, time.time(), seen), "q06").finished is None


def test_a_queue_that_comes_up_is_there_at_once_and_so_is_since_when_its_next_job_waits(twenty: Redis) -> None:
    seen = Seen()
    status.read(twenty, ALL, time.time(), seen)
    Queue("new", connection=twenty).enqueue("time.sleep", 0)
    trips, found = trips_and(twenty, ALL, seen)
    assert trips == 3
    assert queue(found, "new").waiting == 1
    assert queue(found, "new").oldest_s is not None
    assert trips_and(twenty, ALL, seen)[0] == 2


def test_a_queue_that_only_an_entry_names_is_listed(redis: Redis) -> None:
    Scheduler("reports", connection=redis).enqueue_in(timedelta(hours=1), "time.sleep")
    redis.zadd(keys.ENTRIES, {"without a hash": time.time() + 60})
    assert "reports" in names(status.read(redis, ALL, time.time(), Seen()))
    assert not redis.exists(keys.RQ_QUEUES)


def test_a_deleted_queue_is_forgotten_and_one_that_still_holds_something_is_not(twenty: Redis) -> None:
    seen = Seen()
    status.read(twenty, ALL, time.time(), seen)
    twenty.delete(keys.RQ_SCHEDULED + "q03", keys.RQ_FAILED + "q03")
    for name in ("q03", "q04"):
        Queue(name, connection=twenty).delete(delete_jobs=True)
    found = status.read(twenty, ALL, time.time(), seen)
    assert "q03" not in names(found)
    assert queue(found, "q04").failed == 1
    twenty.delete(keys.RQ_SCHEDULED + "q04", keys.RQ_FAILED + "q04")
    assert "q04" not in names(status.read(twenty, ALL, time.time(), seen))


def test_a_queue_that_nothing_names_any_more_is_forgotten_once_it_is_empty(redis: Redis) -> None:
    Scheduler("reports", connection=redis).enqueue_in(timedelta(hours=1), "time.sleep")
    worker = Worker([Queue("nightly", connection=redis)], name="ann", connection=redis)
    worker.register_birth()
    redis.rpush(keys.RQ_QUEUE + "left", "job")
    seen = Seen()
    seen.meet_queues([b"left", b"was never"])
    for _ in range(2):
        found = status.read(redis, ALL, time.time(), seen)
        assert names(found)[3:] == ["left", "nightly", "reports"]
    redis.delete(keys.ENTRIES)
    worker.register_death()
    status.read(redis, ALL, time.time(), seen)
    trips, found = trips_and(redis, ALL, seen)
    assert (trips, names(found)[3:], queue(found, "left").waiting) == (2, ["left"], 1)
    redis.delete(keys.RQ_QUEUE + "left")
    assert names(status.read(redis, ALL, time.time(), seen))[3:] == []
    assert seen.queues == set()


def test_the_queue_of_an_entry_is_asked_for_once(redis: Redis) -> None:
    Scheduler("reports", connection=redis).enqueue_in(timedelta(hours=1), "time.sleep")
    seen = Seen()
    status.read(redis, ALL, time.time(), seen)
    redis.config_resetstat()
    assert "reports" in names(status.read(redis, ALL, time.time(), seen))
    assert redis.info("commandstats").get("cmdstat_hget", {"calls": 0})["calls"] == 1, "how many schedules are orphaned"


def test_a_worker_that_leaves_is_forgotten(redis: Redis) -> None:
    workers = [Worker([Queue("low", connection=redis)], name=name, connection=redis) for name in ("ann", "bob")]
    for worker in workers:
        worker.register_birth()
    seen = Seen()
    assert len(status.read(redis, ALL, time.time(), seen).workers) == 2
    workers[0].register_death()
    assert [worker.name for worker in status.read(redis, ALL, time.time(), seen).workers] == ["bob"]
    assert seen.workers == {b"bob"}


def test_what_is_remembered_is_bounded() -> None:
    seen = Seen()
    seen.meet_queues([b"x" * (MAX_NAME + 1), *(b"%d" % n for n in range(MAX_QUEUES + 9))])
    assert len(seen.queues) == MAX_QUEUES


def test_queues_on_the_list_take_the_place_of_others() -> None:
    seen = Seen()
    seen.meet_queues(b"stranger %d" % n for n in range(MAX_QUEUES))
    seen.meet_registered([b"mail", b"x" * (MAX_NAME + 1)])
    assert (len(seen.queues), seen.registered) == (MAX_QUEUES, {b"mail"})
    assert b"mail" in seen.queues
    seen.meet_registered(b"q%d" % n for n in range(MAX_QUEUES + 9))
    assert len(seen.queues) == MAX_QUEUES
    assert seen.queues == seen.registered >= {b"mail"}


def test_the_key_of_a_queue_is_its_name_as_redis_has_it_and_no_part_of_the_document(redis: Redis) -> None:
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE.encode() + b"q\xff")
    found = status.read(redis, ALL, time.time(), Seen())
    assert [(one.name, one.key) for one in found.queues[3:]] == [("q\\xff", b"q\xff")]
    assert all("key" not in one for one in as_json(found)["queues"])
