"""Everything of one user, on a real server."""

from __future__ import annotations

import json
import time
from datetime import UTC

import pytest
from redis import Redis

from console.cli import run
from console.model.queries import UserQuery
from console.model.schedules import UserPage
from console.model.secrets import DEFAULT
from console.screens import user_lines
from console.store import user
from console.store.run_errors import RunErrors
from jobs import changes, controls, keys
from jobs.cadence import Cron
from jobs.changes import Snapshot
from jobs.registering import remove_user, set_schedule, set_user
from jobs.schedules import schedule_id
from jobs.users import User
from tests.benchmarks.ratios import RoundTrips
from tests.conftest import Server, Stock, until
from tests.console.test_status_reads_only import everything
from tests.fast_tiers import fast_tiers, runs_of  # noqa: F401 - autouse

ADA = User(
    "ada@example.com",
    "slow",
    zone="Europe/Rome",
    sources=("https://ann:hunter2@example.com/news?key=hunter2", "https://example.com/more"),
    webhook="https://hooks.example.com/in?token=hunter2",
)


def read(redis: Redis, one: str = ADA.id, errors: RunErrors | None = None) -> UserPage:
    return user.read(redis, UserQuery(one), time.time(), DEFAULT, errors)


def test_a_user_is_told_with_schedules_and_slots_and_without_secrets(redis: Redis) -> None:
    set_user(redis, ADA, ["scrape", "ok"])
    set_user(redis, User("ada@example.com.au", "slow"))
    set_schedule(redis, ADA.id, "ok", cadence=Cron("0 9 * * *"), zone="Europe/Rome")
    for n, text in enumerate("aab"):
        seen = Snapshot("https://example.com/more", "t", text * 40, ())
        changes.record(redis, ADA.id, "https://example.com/more", seen, keep_change=n > 0)
    [change] = changes.pending(redis, ADA.id)
    changes.mark_delivered(redis, ADA.id, change.id)
    redis.hset(keys.CHANGES + ADA.id, "another", "{}")
    page = read(redis)
    assert (page.found, page.id, page.tier, page.zone, page.active) == (True, ADA.id, "slow", "Europe/Rome", True)
    assert page.sources == ("https://…@example.com/news", "https://example.com/more")
    assert page.webhook == "https://hooks.example.com/…"
    assert page.created_at == pytest.approx(time.time(), abs=60)
    assert page.updated_at is not None
    assert (page.changes, page.delivered, page.jobs, page.refused) == (1, 1, (), ())
    ok, scrape = page.schedules
    assert (ok.task, ok.cadence, ok.zone) == ("ok", "at 09:00, Europe/Rome", "Europe/Rome")
    assert (scrape.task, scrape.user) == ("scrape", ADA.id)
    for row in page.schedules:
        assert len(row.next_slots) == 5
        assert row.next_slots[0] == row.next_at
        assert list(row.next_slots) == sorted(set(row.next_slots))
    assert {later - sooner for sooner, later in zip(scrape.next_slots, scrape.next_slots[1:], strict=False)} == {3_600}
    assert "hunter2" not in repr(page)


def test_runs_that_are_on_their_way_or_have_failed_are_jobs(redis: Redis, stock: Stock) -> None:
    set_user(redis, ADA, ["ok", "hopeless", "broken", "gated", "scrape"])
    for task in ("ok", "hopeless", "broken"):
        controls.run_now(redis, ADA.id, task)
    assert stock.worker("--burst").wait(60) == 0, stock.logs()
    controls.run_now(redis, ADA.id, "gated")
    stock.worker("default")
    until(lambda: runs_of(redis, ADA.id, "gated")[0].state == "started", what="a running job")
    controls.run_now(redis, ADA.id, "scrape")
    errors = RunErrors()
    read(redis, errors=errors)
    with RoundTrips(redis) as trips:
        page = read(redis, errors=errors)
    assert trips.count <= 4
    jobs = {job.task: job for job in page.jobs}
    assert {task: job.state for task, job in jobs.items()} == {
        "hopeless": "failed", "broken": "retrying", "gated": "running", "scrape": "queued",
    }  # fmt: skip
    assert jobs["hopeless"].error == "PermanentError: it is gone for good"
    assert jobs["broken"].error == "ValueError: always wrong"
    assert jobs["broken"].retries_left == 2
    assert jobs["gated"].started_at is not None
    assert jobs["gated"].call == f"gated({ADA.id!r})"
    assert {(job.user, job.tier, job.queue, job.missing) for job in page.jobs} == {(ADA.id, "slow", "default", False)}
    assert [job.key for job in page.jobs] == [job.id.encode() for job in page.jobs]
    assert {row.task: row.last_error for row in page.schedules}["hopeless"] == "PermanentError: it is gone for good"
    assert {row.task: row.state for row in page.schedules}["gated"] == "running"
    redis.delete(keys.RQ_JOB + jobs["hopeless"].id, keys.RQ_JOB + jobs["scrape"].id)
    left = {job.task: job for job in read(redis).jobs}
    assert "hopeless" not in left
    assert left["scrape"].missing
    redis.set("test:gate", 1)


def test_a_user_who_is_not_there_shows_what_is_left(redis: Redis) -> None:
    page = read(redis, "nobody")
    assert (page.found, page.schedules, page.jobs, page.changes, page.delivered) == (False, (), (), 0, 0)
    set_user(redis, ADA)
    left = redis.hgetall(keys.SCHEDULE + schedule_id(ADA.id, "scrape"))
    remove_user(redis, ADA.id)
    redis.hset(keys.SCHEDULE + schedule_id(ADA.id, "scrape"), mapping=left)
    redis.zadd(keys.SCHEDULES, {f"{ADA.id}\x00scrape": 0})
    page = read(redis)
    assert page.found is False
    assert [(row.task, row.state) for row in page.schedules] == [("scrape", "orphaned")]


@pytest.mark.parametrize("one", ["x" * 10_000, "\ud800", "\x00", "", "a\x00scrape", "\x1b[31m"])
def test_any_text_may_be_asked_for(redis: Redis, one: str) -> None:
    assert read(redis, one).found is False


def test_records_that_are_none_are_told_as_far_as_they_are_known(redis: Redis) -> None:
    redis.zadd(keys.USERS, {"ada": 0, "wrong": 0, "huge": 0})
    redis.hset(
        keys.USER + "ada",
        mapping={
            "tier": b"\xff",
            "sources": "[[[",
            "webhook": "hunter2",
            "created_at": "soon",
            "updated_at": "1e999",
            "active": "x",
        },
    )
    redis.set(keys.USER + "wrong", "no hash")
    redis.set(keys.CHANGES + "wrong", "no hash")
    redis.set(keys.DELIVERED + "wrong", "no zset")
    redis.hset(keys.USER + "huge", "sources", json.dumps(["x" * 5_000_000]))
    ada, wrong, huge = (read(redis, one) for one in ("ada", "wrong", "huge"))
    assert (ada.found, ada.tier, ada.sources, ada.webhook, ada.created_at, ada.active) == (
        True, "\\xff", (), "the URL", None, False,
    )  # fmt: skip
    assert (wrong.found, wrong.tier, wrong.changes, wrong.delivered) == (True, None, None, None)
    assert wrong.refused
    assert (huge.found, huge.sources) == (True, ())


def test_why_nothing_runs_for_a_user_is_told(redis: Redis) -> None:
    set_user(redis, ADA, ["ok"])
    assert [(reason.code, reason.message.partition(":")[0]) for reason in read(redis).why] == [("no_scheduler", "ok")]
    controls.pause(redis, ADA.id, "ok", "vendor asked", "ann")
    [reason] = read(redis).why
    assert (reason.code, reason.message) == ("paused", "ok: it is paused by ann: vendor asked")


def test_what_was_done_to_a_user_is_told_and_nothing_that_was_done_to_another(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TQ_OPERATOR", "ann")
    for one in (ADA, User("ada", "slow"), User("bob-ada", "slow")):
        set_user(redis, one, ["ok"])
    for command in (
        ["users", "set", "ada", "--tier", "pro"],
        ["users", "set", "bob-ada", "--tier", "pro"],
        ["users", "set", ADA.id, "--tier", "pro"],
        ["schedules", "pause", "ada", "ok", "--note", "vendor asked"],
        ["schedules", "run-now", "bob-ada", "ok"],
    ):
        assert run(command) == 0
    with RoundTrips(redis) as trips:
        page = read(redis, "ada")
    assert trips.count <= 4
    done = [(row.command, row.scope, row.options, row.who, row.why, row.how) for row in page.operations]
    assert done == [
        ("pause", "schedule of ok for ada", "", "ann", "vendor asked", "done"),
        ("change", "user ada", "tier pro", "ann", "", "done"),
    ]
    lines = user_lines.lines(page, 120, True, UTC)
    told = ["".join(text for text, _ in row.line) for row in lines if row.target == ("operation", page.operations[0].key)]
    assert len(told) == 1
    assert "✓ done  ann  pause schedule of ok for ada  vendor asked" in told[0]


def test_reading_changes_no_key_and_needs_no_right_to(redis: Redis, server: Server) -> None:
    set_user(redis, ADA, ["scrape", "ok"])
    controls.run_now(redis, ADA.id, "ok")
    redis.execute_command("ACL", "SETUSER", "reader", "reset", "on", ">hunter2", "%R~*", "+@read", "+ping")
    before = everything(redis)
    with Redis.from_url(server.url.replace("unix://", "unix://reader:hunter2@")) as reader:
        assert read(reader).refused == ()
        assert read(reader, "nobody").refused == ()
    redis.execute_command("ACL", "DELUSER", "reader")
    assert everything(redis) == before
