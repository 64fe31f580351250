"""Schedules of every source, page by page, on a real server: states, links, bounds, and what strangers may have left there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import add
from typing import Any, cast

import pytest
from redis import Redis
from rq import Queue, Repeat, Retry
from rq.cron import CronScheduler
from rq_scheduler import Scheduler

from console.model import filters
from console.model.queries import SchedulesQuery, Source
from console.model.schedule_terms import FIELDS
from console.model.schedules import ScheduleRow, SchedulesPage
from console.model.secrets import DEFAULT
from console.store import schedules
from console.store.seen import Seen
from jobs import controls, heartbeat_entry, keys
from jobs.cadence import Every
from jobs.registering import set_schedule, set_user, set_users
from jobs.schedules import schedule_id
from jobs.users import User
from tests.benchmarks.ratios import RoundTrips
from tests.conftest import Server, Stock, until
from tests.console.test_status_reads_only import everything
from tests.fast_tiers import fast_tiers, runs_of  # noqa: F401 - autouse

pytestmark = pytest.mark.filterwarnings("ignore:Version 0.22.0. of crontab:FutureWarning")

NOW = 1_800_000_000.0
SECRET = "hunter2"


def page(
    redis: Redis, source: Source = "user", *, now: float | None = None, seen: Seen | None = None, **more: Any
) -> SchedulesPage:
    at = time.time() if now is None else now
    return schedules.read(redis, SchedulesQuery(source, **more), at, seen or Seen(), DEFAULT)


def rows(redis: Redis, source: Source = "user", **more: Any) -> dict[str, ScheduleRow]:
    return {row.id: row for row in page(redis, source, **more).rows}


def one(redis: Redis, **more: Any) -> ScheduleRow:
    [row] = page(redis, **more).rows
    return row


def users(redis: Redis, *ids: str, tier: str = "slow") -> None:
    for user in ids:
        set_user(redis, User(user, tier))


# --- users' schedules ---------------------------------------------------------------------------


def test_a_schedule_is_told_with_its_definition_and_its_next_slot(redis: Redis) -> None:
    users(redis, "ada")
    row = one(redis)
    assert (row.key, row.id, row.source, row.state) == (b"tq-scrape-" + row.id[-20:].encode(), row.id, "user", "armed")
    assert (row.user, row.tier, row.task, row.lane, row.zone) == ("ada", "slow", "scrape", "default", "UTC")
    assert row.cadence.startswith("every hour, at :")
    assert row.call.endswith("('ada')")
    assert row.next_at == redis.zscore(keys.ENTRIES, row.id)
    assert (row.runs, row.fired, row.skipped, row.note, row.last_error) == ((), 0, {}, "", None)
    assert row.next_at is not None
    assert row.next_slots == tuple(row.next_at + 3_600 * n for n in range(5))


def test_pages_are_in_the_order_of_users_with_the_totals_of_every_source(redis: Redis) -> None:
    set_users(redis, [User(f"user-{n:03}", "slow") for n in range(120)])
    Queue("mail", connection=redis).enqueue_in(timedelta(hours=1), add, 1, 2)
    found = page(redis, start=100, size=50)
    assert [row.user for row in found.rows] == [f"user-{n:03}" for n in range(100, 120)]
    assert (found.total, found.start, found.refused) == (120, 100, ())
    assert found.counts == {"user": 120, "entries": 121, "rq": 1, "cron": 0}


def test_a_user_in_the_filter_is_looked_up(redis: Redis) -> None:
    users(redis, "ada", "ada@example.com", "bob")

    def of(filter: str) -> tuple[list[str | None], int | None]:
        found = page(redis, filter=filters.parse(filter, FIELDS))
        return [row.user for row in found.rows], found.total

    assert of("user:ada") == (["ada", "ada@example.com"], 2)
    assert of("user=ada") == (["ada"], 1)
    assert of("user:ada*") == (["ada", "ada@example.com", "bob"], 3)


def test_states_that_need_no_run(redis: Redis) -> None:
    users(redis, "armed", "paused", "inactive", "late", "orphaned")
    controls.pause(redis, "paused", "scrape", "vendor asked", "ann@desk")
    set_user(redis, User("inactive", "slow", active=False))
    redis.zadd(keys.ENTRIES, {schedule_id("late", "scrape"): time.time() - 121})
    redis.zrem(keys.ENTRIES, schedule_id("orphaned", "scrape"))
    found = page(redis).rows
    assert {row.user: row.state for row in found} == {
        name: name for name in ("armed", "paused", "inactive", "late", "orphaned")
    }
    assert [(row.note, row.noted_by) for row in found if row.user == "paused"] == [("vendor asked", "ann@desk")]


@pytest.fixture
def worked(redis: Redis, stock: Stock) -> Iterator[Redis]:
    """One schedule each that failed, that is well, that runs and that waits, by a stock worker."""
    for task in ("hopeless", "ok"):
        set_user(redis, User(task, "slow"), [task])
        controls.run_now(redis, task, task)
    assert stock.worker("--burst").wait(60) == 0, stock.logs()
    set_user(redis, User("gated", "slow"), ["gated"])
    set_user(redis, User("waiting", "slow"), ["ok"])
    controls.run_now(redis, "gated", "gated")
    stock.worker("default")
    until(lambda: runs_of(redis, "gated", "gated")[0].state == "started", what="a running job")
    controls.run_now(redis, "waiting", "ok")
    yield redis
    redis.set("test:gate", 1)


def test_states_of_runs_and_the_error_of_the_second_read(worked: Redis) -> None:
    seen = Seen()
    first = {row.user: row for row in page(worked, seen=seen).rows}
    assert {user: row.state for user, row in first.items()} == {
        "hopeless": "failing",
        "ok": "armed",
        "gated": "running",
        "waiting": "armed",
    }
    assert [(run.kind, run.state, run.attempts) for run in first["hopeless"].runs] == [("now", "failed", 1)]
    assert [(run.kind, run.state) for run in first["ok"].runs] == [("now", "finished")]
    assert first["ok"].runs[0].duration_s is not None
    assert first["waiting"].runs[0].state == "queued"
    assert first["waiting"].fired == 1
    with RoundTrips(worked) as trips:
        second = {row.user: row for row in page(worked, seen=seen).rows}
    assert trips.count == 4
    assert second["hopeless"].last_error == "PermanentError: it is gone for good"
    assert second["ok"].last_error is None
    with RoundTrips(worked) as trips:
        assert {row.user: row for row in page(worked, seen=seen).rows} == second
    assert trips.count == 3


def test_a_page_of_found_schedules_has_these_alone(redis: Redis) -> None:
    users(redis, "ada", "bob", "cy")
    wanted = (schedule_id("cy", "scrape").encode(), b"tq-nobody", schedule_id("ada", "scrape").encode())
    found = page(redis, only=wanted)
    assert [(row.user, row.state) for row in found.rows] == [("cy", "armed"), (None, "orphaned"), ("ada", "armed")]
    assert found.total == 3
    assert page(redis, only=()).rows == ()


# --- entries of rq-scheduler ---------------------------------------------------------------------


def test_plain_entries_are_told_by_their_jobs(redis: Redis) -> None:
    users(redis, "ada")
    plain = Scheduler("mail", connection=redis)
    soon = datetime.now(UTC) + timedelta(minutes=5)
    plain.schedule(soon, add, [1, 2], interval=5_400, repeat=3, id="every")
    plain.schedule(soon, add, [1, 2], interval=60, id="minute")
    plain.cron("30 9 * * 1-5", add, [1, 2], id="cron", queue_name="reports")
    plain.enqueue_in(timedelta(hours=1), add, 1, 2, job_id="once", job_description="https://ann:hunter2@example.com/x?key=1")
    plain.enqueue_at(datetime.now(UTC) - timedelta(minutes=3), add, 1, 2, job_id="late")
    heartbeat_entry.install(redis)
    seen = Seen()
    found = {row.id: row for row in page(redis, "entries", seen=seen).rows}
    ours = found.pop(schedule_id("ada", "scrape"))
    assert (ours.source, ours.user, ours.task, ours.state) == ("user", "ada", "scrape", "armed")
    assert {name: row.cadence for name, row in found.items()} == {
        "every": "every 1 hour and 30 minutes, 3 more",
        "minute": "every minute",
        "cron": "at 09:30, Monday through Friday",
        "once": "once",
        "late": "once",
        keys.HEARTBEAT_ENTRY: "every pass",
    }
    assert {name: row.state for name, row in found.items()} == {
        **dict.fromkeys(("every", "minute", "cron", "once"), "foreign"),
        "late": "late",
        keys.HEARTBEAT_ENTRY: "armed",
    }
    assert (found["every"].lane, found["cron"].lane) == ("mail", "reports")
    assert found["every"].call == "_operator.add(1, 2)"
    assert found["every"].next_at == int(soon.timestamp())
    assert SECRET not in found["once"].call
    assert {b"mail", b"reports"} <= seen.queues
    assert page(redis, "entries").total == 7


def test_entries_are_in_the_order_of_their_slots_at_any_depth(redis: Redis) -> None:
    redis.zadd(keys.ENTRIES, {f"job-{n:03}": NOW + n for n in range(120)})
    found = page(redis, "entries", start=110, size=20, now=NOW)
    assert [row.id for row in found.rows] == [f"job-{n:03}" for n in range(110, 120)]
    assert {row.state for row in found.rows} == {"orphaned"}
    assert {row.note for row in found.rows} == {"its job is gone"}
    only = page(redis, "entries", only=(b"nobody", b"job-007"), now=NOW)
    assert [(row.id, row.state, row.next_at) for row in only.rows] == [
        ("nobody", "gone", None),
        ("job-007", "orphaned", NOW + 7),
    ]


# --- RQ's scheduled jobs -------------------------------------------------------------------------


def test_scheduled_jobs_tell_retries_and_repeats(redis: Redis, stock: Stock) -> None:
    mail = Queue("mail", connection=redis)
    retried = mail.enqueue("operator.truediv", 1, 0, retry=Retry(max=3, interval=3_600))
    repeated = mail.enqueue(add, 1, 2, repeat=Repeat(times=4, interval=7_200))
    assert stock.worker("--burst", "mail").wait(60) == 0, stock.logs()
    once = mail.enqueue_in(timedelta(minutes=1), add, 1, 2)
    found = page(redis, "rq")
    assert [row.id for row in found.rows] == [once.id, retried.id, repeated.id]
    assert [(row.state, row.cadence) for row in found.rows] == [
        ("foreign", "once"),
        ("retrying", "a retry, 2 more"),
        ("foreign", "every 2 hours, 3 more"),
    ]
    assert [row.call for row in found.rows] == ["_operator.add(1, 2)", "operator.truediv(1, 0)", "_operator.add(1, 2)"]
    assert {(row.source, row.lane) for row in found.rows} == {("rq", "mail")}
    assert found.rows[0].next_at == redis.zscore(keys.RQ_SCHEDULED + "mail", once.id)
    late = page(redis, "rq", now=time.time() + 600).rows[0]
    assert (late.id, late.state) == (once.id, "late")
    only = page(redis, "rq", only=(b"nobody", retried.id.encode()))
    assert [(row.id, row.source, row.lane) for row in only.rows] == [("nobody", "rq", None), (retried.id, "rq", "mail")]


def test_scheduled_jobs_of_many_queues_are_paged_at_any_depth(redis: Redis) -> None:
    wanted = []
    for queue in ("high", "low", "a", "b", "empty"):
        redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + queue)
        for n in range(0 if queue == "empty" else 7):
            redis.zadd(keys.RQ_SCHEDULED + queue, {f"{queue}-{n}": NOW + n})
            redis.hset(keys.RQ_JOB + f"{queue}-{n}", mapping={"description": "f()", "origin": queue})
            wanted.append(f"{queue}-{n}")
    seen = Seen()
    found = page(redis, "rq", now=NOW, seen=seen)
    assert ([row.id for row in found.rows], found.total) == (wanted, 28)
    for start in range(0, 28, 3):
        with RoundTrips(redis) as trips:
            part = page(redis, "rq", now=NOW, seen=seen, start=start, size=3)
        assert trips.count == 4
        assert [row.id for row in part.rows] == wanted[start : start + 3]


# --- rq cron -------------------------------------------------------------------------------------


def test_cron_jobs_are_told_with_what_came_of_them(redis: Redis, stock: Stock) -> None:
    cron = CronScheduler(connection=redis, name="cron-1")
    cron.register(add, "mail", args=(1, 2), interval=90, name="sums")
    cron.register(add, "mail", kwargs={"a": 1, "b": 2}, cron="0 4 * * *", name="nightly")
    cron.register(add, "mail", args=(3, 4), interval=3_600, name="sums")
    cron.register_birth()
    cron.enqueue_jobs()
    cron.save()
    assert stock.worker("--burst", "mail").wait(60) == 0, stock.logs()
    found = page(redis, "cron")
    assert (found.total, found.counts["cron"]) == (3, 3)
    assert [(row.key, row.id, row.cadence) for row in found.rows] == [
        (b"sums", "sums", "every 1 minute and 30 seconds"),
        (b"nightly", "nightly", "at 04:00"),
        (b"sums\x002", "sums", "every hour"),
    ]
    assert [row.call for row in found.rows] == ["_operator.add(1, 2)", "_operator.add(a=1, b=2)", "_operator.add(3, 4)"]
    assert {(row.source, row.state, row.lane, row.note) for row in found.rows} == {("rq-cron", "foreign", "mail", "of cron-1")}
    assert [run.state for run in found.rows[0].runs] == ["finished", "finished"]
    assert found.rows[0].runs[0].duration_s is not None
    assert found.rows[1].runs == ()
    assert found.rows[0].next_at == pytest.approx(time.time() + 90, abs=60)
    only = page(redis, "cron", only=(b"nobody", b"nightly"))
    assert [(row.id, row.note) for row in only.rows[:1]] == [("nobody", "it is no more")]
    assert [row.id for row in only.rows] == ["nobody", "nightly"]
    assert {row.state for row in page(redis, "cron", now=time.time() + 7_200).rows if row.id == "sums"} == {"late"}


# --- reading only --------------------------------------------------------------------------------


def test_reading_changes_no_key_and_needs_no_right_to(worked: Redis, server: Server) -> None:
    plain = Scheduler("mail", connection=worked)
    plain.cron("0 9 * * *", add, [1, 2])
    Queue("mail", connection=worked).enqueue_in(timedelta(hours=1), add, 1, 2)
    cron = CronScheduler(connection=worked, name="cron-1")
    cron.register(add, "mail", args=(1, 2), interval=90)
    cron.register_birth()
    rights = ("+@read", "+info", "+ping", "+pubsub|numsub")
    worked.execute_command("ACL", "SETUSER", "reader", "reset", "on", ">hunter2", "%R~*", *rights)
    watched = [key for key in worked.scan_iter(count=1_000) if b"worker" not in key and b"execution" not in key]
    settled = {key: (worked.dump(key), worked.pexpiretime(key)) for key in watched}
    with Redis.from_url(server.url.replace("unix://", "unix://reader:hunter2@")) as reader:
        seen = Seen()
        for source in ("user", "entries", "rq", "cron", "user"):
            found = page(reader, cast(Source, source), seen=seen)
            assert found.rows
            assert found.refused == ()
    worked.execute_command("ACL", "DELUSER", "reader")
    changed = {key for key, was in settled.items() if (worked.dump(key), worked.pexpiretime(key)) != was}
    # The worker that runs one of the jobs renews what says that it lives.
    assert {key for key in changed if not key.startswith((b"rq:wip:", b"rq:job:"))} == set()


def test_no_page_takes_more_than_four_round_trips_or_changes_a_key(redis: Redis) -> None:
    set_users(redis, [User(f"user-{n}", "slow") for n in range(100)])
    set_schedule(redis, "user-1", "ok", cadence=Every(60))
    Scheduler("mail", connection=redis).cron("0 9 * * *", add, [1, 2])
    for n in range(60):
        Queue(f"q-{n}", connection=redis).enqueue_in(timedelta(hours=1), add, 1, 2)
    cron = CronScheduler(connection=redis, name="cron-1")
    cron.register(add, "mail", args=(1, 2), interval=90)
    cron.register_birth()
    seen, before = Seen(), everything(redis)
    page(redis, seen=seen)
    for source in ("user", "entries", "rq", "cron"):
        with RoundTrips(redis) as trips:
            assert page(redis, cast(Source, source), seen=seen).rows
        assert trips.count <= 4, source
    assert everything(redis) == before
