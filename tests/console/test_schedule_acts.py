"""Commands on users' schedules, one and many, and what is left of them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from redis import Redis
from rq import Queue

from console.model.commands import (
    Backfill,
    Change,
    Command,
    Everything,
    JobSeen,
    Pause,
    Remove,
    Repair,
    Reschedule,
    Resume,
    RunNow,
    ScheduleSeen,
    Spread,
)
from console.store.acts import schedules as acts
from console.store.writer import StoreWriter
from jobs import User, controls, keys, registering, schedules, set_schedule, set_user, users
from jobs.cadence import Cron, Every
from jobs.schedules import schedule_id
from tests.conftest import Server, Stock, until
from tests.console.acting import acted
from tests.console.giving import codes, do, held, only, operation, undo, writer_of
from tests.fast_tiers import fast_tiers, runs_of, until_run

__all__ = ["fast_tiers"]


@pytest.fixture
def writer(redis: Redis, server: Server) -> Iterator[StoreWriter]:
    with writer_of(server) as made:
        yield made


def of_users(redis: Redis, *names: str) -> list[ScheduleSeen]:
    """Schedules of new users of a tier that comes due once an hour."""
    registering.set_users(redis, [User(name, "slow", "Europe/Rome") for name in names], tasks=["ok"])
    return [seen(schedule_id(name, "ok")) for name in names]


def seen(one: str) -> ScheduleSeen:
    return ScheduleSeen(one.encode(), "user", 1.0)


NOBODY = seen(schedule_id("nobody", "ok"))


def test_schedules_are_paused_and_resumed_by_name(redis: Redis, writer: StoreWriter) -> None:
    ada, bob = of_users(redis, "ada", "bob")
    controls.pause(redis, "bob", "ok")
    redis.set(keys.SCHEDULE + "broken", "no hash")
    report = do(writer, Pause("vendor asked"), ada, bob, NOBODY, seen("broken"), seen("\xff"))
    assert codes(report) == ["done", "same", "gone", "unreadable", "gone"]
    schedule = schedules.get(redis, "ada", "ok")
    assert (schedule.paused, schedule.note, schedule.noted_by) == (True, "vendor asked", "ann")
    assert codes(do(writer, Resume("again"), ada, bob)) == ["done", "done"]
    assert not redis.exists(keys.PAUSED)
    counts = redis.hgetall(keys.OPERATION + "op1")
    assert (counts[b"done"], counts[b"same"], counts[b"gone"]) == (b"3", b"1", b"2")
    found = only(do(writer, Pause("x" * 501), ada))
    assert (found.reason, found.said) == ("invalid", "the note has 501 characters; at most 500")


def test_a_run_at_once_is_made_and_runs(redis: Redis, stock: Stock, writer: StoreWriter) -> None:
    ada, bob = of_users(redis, "ada", "bob")
    before = schedules.get(redis, "ada", "ok").next_at
    report = do(writer, RunNow(), ada, bob, NOBODY)
    assert codes(report) == ["done", "done", "gone"]
    assert [one.new for one in report.outcomes[:2]] == redis.lrange("rq:queue:default", 0, -1)
    assert codes(do(writer, RunNow(), ada)) == ["overlap"]
    stock.worker("--burst", "default").wait(30)
    assert until_run(redis, "ada", "ok", lambda run: run.state == "finished").kind == "now"
    assert schedules.get(redis, "ada", "ok").next_at == before


def test_a_change_is_carried_out_or_says_why_not(redis: Redis, writer: StoreWriter) -> None:
    ada, bob = of_users(redis, "ada", "bob")
    assert codes(do(writer, Change(every=7_200), ada, NOBODY)) == ["done", "gone"]
    cadence = schedules.get(redis, "ada", "ok").cadence
    assert isinstance(cadence, Every)
    assert cadence.period == 7_200
    assert codes(do(writer, Change(cron="0 9 * * *", zone="Asia/Tokyo", tier="pro"), ada)) == ["done"]
    schedule = schedules.get(redis, "ada", "ok")
    assert (schedule.cadence, schedule.tier, schedule.lane) == (Cron("0 9 * * *", "Asia/Tokyo"), "pro", "high")
    assert codes(do(writer, Change(zone="Europe/Rome"), ada)) == ["done"]
    assert schedules.get(redis, "ada", "ok").cadence == Cron("0 9 * * *", "Europe/Rome")
    assert codes(do(writer, Change(tier="pro"), ada)) == ["same"]
    wrong = {
        Change(tier="gold"): "tier 'gold' is unknown",
        Change(cron="0 9 * *"): "write five fields",
        Change(cron="0 0 30 2 *"): "never comes due",
        Change(every=0): "a period is 1 s to 366 days",
        Change(every=60, cron="0 9 * * *"): "exclude each other",
        Change(zone="Mars/Olympus"): "time zone",
        Change(every=60, zone="Asia/Tokyo"): "not a period",
        Spread(4_000): "jitter is 0 s to 3600 s",
    }
    before = held(redis)
    for command, said in wrong.items():
        found = only(do(writer, command, bob))
        assert (found.result, found.reason) == ("failed", "invalid")
        assert said in found.said
    assert held(redis) == before


def test_what_is_due_all_at_once_is_spread(redis: Redis, writer: StoreWriter) -> None:
    found = of_users(redis, *(f"user-{n}" for n in range(100)))
    assert set(codes(do(writer, Change(cron="0 9 * * *", zone="UTC"), *found))) == {"done"}
    [nine] = {redis.zscore(keys.ENTRIES, one.key) for one in found}
    assert set(codes(do(writer, Spread(1_800), *found))) == {"done"}
    slots = [redis.zscore(keys.ENTRIES, one.key) for one in found]
    assert all(nine <= slot <= nine + 1_800 for slot in slots)
    assert len(set(slots)) > 80
    assert set(codes(do(writer, Spread(1_800), *found))) == {"same"}
    assert set(codes(do(writer, Spread(0), *found))) == {"done"}
    assert {redis.zscore(keys.ENTRIES, one.key) for one in found} == {nine}


def test_a_range_is_backfilled_once(redis: Redis, writer: StoreWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, bob, cy = of_users(redis, "ada", "bob", "cy")
    now = time.time()
    report = do(writer, Backfill(now - 5 * 3_600, now), ada, NOBODY)
    assert codes(report) == ["done", "gone"]
    assert report.outcomes[0].said == "5 runs on low"
    assert len(runs_of(redis, "ada", "ok")) == redis.llen("rq:queue:low") == 5
    found = only(do(writer, Backfill(now - 5 * 3_600, now), ada))
    assert (found.reason, found.said) == ("same", "5 slots have their runs")
    assert only(do(writer, Backfill(now, now - 5), ada)).reason == "invalid"
    # One batch makes no more than so many runs, so that a cancel is not waited for.
    monkeypatch.setattr(acts, "MOST_BACKFILLED", 2)
    report = do(writer, Backfill(now - 2 * 3_600, now), bob, cy)
    assert codes(report) == ["done", "invalid"]
    assert "give it again" in report.outcomes[1].said
    assert len(runs_of(redis, "cy", "ok")) == 0


def test_a_backfill_says_that_the_newest_slot_is_left(redis: Redis, writer: StoreWriter) -> None:
    [ada] = of_users(redis, "ada")
    newest = schedules.get(redis, "ada", "ok").cadence.latest(time.time())
    redis.hset(keys.SCHEDULE.encode() + ada.key, "next", newest - 3_600)
    left = "the newest slot is due and left to rqscheduler"
    assert only(do(writer, Backfill(newest - 3_600, time.time()), ada)).said == f"1 runs on low; {left}"
    assert only(do(writer, Backfill(newest, time.time()), ada)).said == f"there is no other slot in that time; {left}"


def test_removing_and_undoing_leaves_everything_as_it_was(redis: Redis, stock: Stock, writer: StoreWriter) -> None:
    found = of_users(redis, "ada", "bob", "cy")
    set_schedule(redis, "ada", "broken", cadence=Cron("0 9 * * *"), overlap="allow", jitter=60)
    set_user(redis, User("dora", "slow"), tasks=["ok", "flaky"])
    found += [seen(schedule_id("ada", "broken")), seen(schedule_id("dora", "ok"))]
    controls.pause(redis, "bob", "ok", "vendor asked", by="bea")
    controls.run_now(redis, "cy", "ok")
    stock.worker("--burst", "default").wait(30)
    redis.zadd(keys.ENTRIES, {found[0].key: 1_234.5})
    redis.zrem(keys.ENTRIES, found[2].key)
    redis.zadd(keys.FAILING, {found[1].key: 3, "another": 2})
    before = held(redis)
    assert codes(do(writer, Remove(), *found, NOBODY)) == ["done"] * 5 + ["gone"]
    assert [schedule.user for schedule in schedules.page(redis)] == ["dora"]
    assert redis.hget(keys.USER + "ada", "tasks") == b""
    assert redis.hget(keys.USER + "dora", "tasks") == b"flaky"
    assert not redis.exists(keys.PAUSED)
    assert redis.zrange(keys.FAILING, 0, -1) == [b"another"]
    assert redis.zcard(keys.ENTRIES) == 2
    assert codes(do(writer, Remove(), found[0], name="op2")) == ["gone"]
    assert undo(writer, [one.key for one in reversed(found)]) == ["done"] * 5
    assert held(redis) == before


def test_a_set_of_failing_schedules_that_is_none_keeps_no_schedule_from_being_removed(
    redis: Redis, writer: StoreWriter
) -> None:
    [ada] = of_users(redis, "ada")
    redis.set(keys.FAILING, "something else")
    before = held(redis)
    assert codes(do(writer, Remove(), ada)) == ["done"]
    assert undo(writer, [ada.key]) == ["done"]
    assert held(redis) == before


def test_a_schedule_that_is_made_anew_is_not_undone_over(redis: Redis, writer: StoreWriter) -> None:
    [ada] = of_users(redis, "ada")
    assert codes(do(writer, Remove(), ada)) == ["done"]
    set_schedule(redis, "ada", "ok", cadence=Every(60))
    before = held(redis)
    assert undo(writer, [ada.key]) == ["exists"]
    assert held(redis) == before


def test_a_schedule_that_is_removed_while_it_is_fired_does_not_come_back(
    redis: Redis, stock: Stock, writer: StoreWriter
) -> None:
    set_user(redis, User("ada", "pro"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", cadence=Every(1), overlap="allow")
    scheduler = stock.scheduler("-i", "0.05")
    one = schedule_id("ada", "ok")
    for _ in range(5):
        fired = schedules.get(redis, "ada", "ok").fired
        until(lambda fired=fired: schedules.get(redis, "ada", "ok").fired > fired, what="it is fired")
        redis.zadd(keys.ENTRIES, {one: time.time()})
        assert codes(do(writer, Remove(), seen(one))) == ["done"]
        beat = redis.hget(keys.HEARTBEAT, "at")
        until(lambda beat=beat: redis.hget(keys.HEARTBEAT, "at") != beat, what="another pass")
        assert not redis.exists(keys.SCHEDULE + one, keys.RQ_JOB + one, keys.RUNS + one)
        assert redis.zrange(keys.ENTRIES, 0, -1) == [keys.HEARTBEAT_ENTRY.encode()]
        assert undo(writer, [one.encode()]) == ["done"]
    assert scheduler.poll() is None


def test_repairing_tells_what_was_mended(redis: Redis, writer: StoreWriter) -> None:
    ada, bob, cy = of_users(redis, "ada", "bob", "cy")
    redis.zrem(keys.ENTRIES, ada.key, bob.key, cy.key)
    redis.delete(keys.SCHEDULE + bob.key.decode())
    redis.delete(keys.SCHEDULE + cy.key.decode(), keys.USER + "cy")
    found = only(do(writer, Repair(), Everything()))
    assert found.said == "1 entry put back, 1 schedule made anew, 1 schedule without a user dropped; 3 looked at"
    assert only(do(writer, Repair(), Everything())).said == "nothing was amiss; 2 looked at"


@pytest.mark.parametrize("command", [RunNow(), Pause(), Change(every=60), Spread(5), Remove(), Reschedule(2e9)], ids=str)
def test_what_a_schedule_of_another_kind_cannot_do(redis: Redis, writer: StoreWriter, command: Command) -> None:
    others = [ScheduleSeen(b"nightly", "rq"), ScheduleSeen(b"nightly", "cron"), Everything()]
    assert codes(do(writer, command, *others)) == ["source"] * 3
    if not isinstance(command, Reschedule):
        assert codes(do(writer, command, JobSeen(b"a", b"q", "scheduled"))) == ["source"]
    ours = ScheduleSeen(b"nightly", "user")
    assert codes(do(writer, Reschedule(2e9), ours)) == ["source"]


def test_a_thousand_are_paused_in_a_round_trip_for_a_batch(redis: Redis, writer: StoreWriter) -> None:
    found = of_users(redis, *(f"user-{n}" for n in range(1_000)))
    before = redis.info("stats")["total_connections_received"]
    redis.config_resetstat()
    began = time.monotonic()
    assert set(codes(do(writer, Pause("maintenance"), *found))) == {"done"}
    took = time.monotonic() - began
    stats = redis.info("commandstats")
    assert stats["cmdstat_script|load"]["calls"] == 5
    assert stats["cmdstat_evalsha"]["calls"] == 1_000
    assert redis.info("stats")["total_connections_received"] - before <= 1
    print(f"1,000 paused in {took:.2f} s")
    assert redis.scard(keys.PAUSED) == 1_000


def test_two_consoles_remove_the_same_schedule_once(redis: Redis, writer: StoreWriter) -> None:
    found = of_users(redis, "ada")
    first = acted(writer, operation(Remove(), "one"), Remove(), found, 1.0)
    second = acted(writer, operation(Remove(), "two"), Remove(), found, 1.0)
    assert [first[0].result, second[0].reason] == ["done", "gone"]
    assert users.get(redis, "ada").id == "ada"
    assert Queue("default", connection=redis).count == 0


def test_a_schedule_whose_user_is_gone_is_not_put_back(redis: Redis, writer: StoreWriter) -> None:
    found = of_users(redis, "ada", "bob")
    assert codes(do(writer, Remove(), *found)) == ["done"] * 2
    registering.remove_user(redis, "ada")
    assert undo(writer, [one.key for one in found]) == ["gone", "done"]
    assert not redis.exists(keys.SCHEDULE + found[0].key.decode(), keys.USER + "ada")
    assert redis.zscore(keys.ENTRIES, found[0].key) is None
    assert [schedule.user for schedule in schedules.page(redis)] == ["bob"]


def test_a_schedule_that_is_back_follows_its_user_as_he_is_by_now(redis: Redis, writer: StoreWriter) -> None:
    found = of_users(redis, "ada", "bob", "cy")
    set_schedule(redis, "cy", "ok", tier="free", cadence=Every(90))
    assert codes(do(writer, Remove(), *found)) == ["done"] * 3
    registering.set_users(redis, [User("ada", "pro"), User("bob", "slow", active=False), User("cy", "pro")], tasks=[])
    assert undo(writer, [one.key for one in found]) == ["done"] * 3
    ada, bob, cy = (schedules.get(redis, user, "ok") for user in ("ada", "bob", "cy"))
    assert (ada.tier, ada.cadence, ada.active) == ("pro", Every(2).bound_to(ada.id, "UTC"), True)
    assert (bob.tier, bob.active) == ("slow", False)
    assert (cy.tier, cy.cadence, cy.active) == ("free", Every(90).bound_to(cy.id, "UTC"), True)
