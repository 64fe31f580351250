"""Each command on schedules, entries and scheduled jobs by its key, on a real server: what Redis holds afterwards."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.registry import CanceledJobRegistry, ScheduledJobRegistry
from rq.suspension import is_suspended
from rq_scheduler import Scheduler

from jobs import controls, keys, quarantine, schedules
from jobs.registering import set_user, set_users
from jobs.schedules import schedule_id
from jobs.users import User
from tests.catalogue_tasks import echo
from tests.console.driven import confirm, drive, failed, mail, of_rq
from tests.fast_tiers import fast_tiers, runs_of

__all__ = ["drive", "fast_tiers", "mail"]


def plain(redis: Redis, *names: str) -> None:
    """Plain entries, as an application makes them, that are due in an hour."""
    for name in names:
        when = datetime.now(UTC) + timedelta(hours=1)
        Scheduler("mail", connection=redis).schedule(when, echo, [1, 2], id=name, interval=600)


def due_in(redis: Redis, key: str, name: str) -> float:
    score = redis.zscore(key, name)
    assert score is not None
    return score - time.time()


# --- users' schedules -------------------------------------------------------------------------------


async def test_b_backfills_a_range(redis: Redis, drive: Any) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    async with drive("schedules") as driver:
        await driver.shows("ada")
        await driver.press("b")
        await driver.shows("Backfill: schedule ok of ada", "slots of")
        await driver.write("last week")
        await driver.press("enter")
        await driver.shows("✗")
        await driver.press(*["backspace"] * 9)
        await driver.write("last 5h")
        await driver.shows(" to ")
        await driver.press("enter")
        await driver.shows("▲ no worker listens on low: what comes there waits until one does")
        assert "queue" not in driver.text.partition("Backfill 1 schedule")[2].partition("reason")[0]
        await confirm(driver, "Backfill 1 schedule from", "5, one for each slot that has none yet, all on low")
        await driver.shows("backfilled 1", "5 runs on low")
        await driver.press("6", "enter")
        await driver.shows("said", "5 runs on low")
    assert len(runs_of(redis, "ada", "ok")) == redis.llen("rq:queue:low") == 5


async def test_a_change_of_the_tier_says_into_which_queue_runs_go_then(redis: Redis, drive: Any) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    assert schedules.get(redis, "ada", "ok").lane == "default"
    async with drive("schedules") as driver:
        await driver.shows("ada", "1 schedule")
        await driver.press("c")
        await driver.write("tier pro")
        await driver.press("enter")
        await driver.shows("Change 1 schedule to tier pro", "next now", "then ", "y does it")
        then = driver.text.partition("then ")[2].partition("queue")[0]
        assert len(re.findall(r"\d\d:\d\d:\d\d", then)) == 5
        await confirm(driver, "queue      default", "queue then high")
        await driver.shows("changed 1")
    assert schedules.get(redis, "ada", "ok").lane == "high"


async def test_s_spreads_what_is_due_all_at_once(redis: Redis, drive: Any) -> None:
    set_users(redis, [User(f"user-{n}", "slow") for n in range(30)], tasks=["ok"])
    before = {redis.zscore(keys.ENTRIES, schedule_id(f"user-{n}", "ok")) for n in range(30)}
    async with drive("schedules") as driver:
        await driver.shows("user-0", "30 schedules")
        await driver.press("asterisk", "c")
        await driver.write("cron 0 9 * * * in UTC")
        await driver.press("enter")
        await confirm(driver, "Change 30 schedules")
        await driver.shows("changed 30")
        assert len({redis.zscore(keys.ENTRIES, schedule_id(f"user-{n}", "ok")) for n in range(30)}) == 1 < len(before)
        await driver.press("asterisk", "S")
        await driver.shows("Spread: all that are listed", "over")
        await driver.write("30m")
        await driver.press("enter")
        await confirm(driver, "Spread 30 schedules over 30 min", "next now", "then ")
        await driver.shows("spread 30")
    after = {redis.zscore(keys.ENTRIES, schedule_id(f"user-{n}", "ok")) for n in range(30)}
    assert len(after) > 20
    assert max(after) - min(after) <= 1_800


async def test_r_repairs_all_schedules(redis: Redis, drive: Any) -> None:
    set_users(redis, [User("ada", "slow"), User("bob", "slow")], tasks=["ok"])
    lost = schedule_id("ada", "ok")
    redis.zrem(keys.ENTRIES, lost)
    async with drive("schedules") as driver:
        await driver.shows("ada", "bob")
        await driver.press("R")
        await confirm(driver, "Repair all schedules")
        await driver.shows("repaired 1", "1 entry put back; 2 looked at")
    assert redis.zscore(keys.ENTRIES, lost) is not None


async def test_the_schedules_of_a_lane_are_paused_in_place_of_the_lane(redis: Redis, mail: Queue, drive: Any) -> None:
    set_users(redis, [User("ada", "slow"), User("bob", "free")], tasks=["ok"])
    async with drive("overview") as driver:
        await driver.shows("default", "low")
        await driver.until(lambda: driver.app.view.table.row() is not None)
        while driver.app.view.table.row().name != "default":
            await driver.press("j")
        await driver.press("P")
        await driver.shows("Pause default", "RQ cannot pause one queue", "suspend all workers", "esc leaves")
        await driver.press("p")
        await confirm(driver, "Pause 1 schedule", "all users' schedules of default", "ada")
        await driver.shows("paused 1")
        assert schedules.get(redis, "ada", "ok").paused
        assert not schedules.get(redis, "bob", "ok").paused
        await driver.press("P")
        await driver.shows("r  resume the schedules of default")
        await driver.press("r")
        await confirm(driver, "Resume 1 schedule", "all users' schedules of default", "ada", "state      paused")
        await driver.shows("resumed 1")
        assert not schedules.get(redis, "ada", "ok").paused
        await driver.press("P", "escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1)
        await driver.press("P", "s")
        await driver.shows("until they are resumed")
        await driver.write("1h")
        await driver.press("enter")
        await confirm(driver, "Suspend all workers for 1 h")
        await driver.until(lambda: is_suspended(redis) and driver.app.acting.running is None, timeout=20)
        await driver.until(lambda: driver.app.view.snapshot.suspended)
        await driver.press("P")
        await confirm(driver, "Resume all workers")
        await driver.until(lambda: not is_suspended(redis) and driver.app.acting.running is None, timeout=20)


async def test_what_waits_in_a_queue_is_moved_away_in_place_of_pausing_it(redis: Redis, mail: Queue, drive: Any) -> None:
    for n in range(3):
        mail.enqueue(echo, job_id=f"q{n}")
    async with drive("overview", filter="queue=mail") as driver:
        await driver.shows("mail")
        await driver.until(lambda: driver.app.view.table.row() is not None)
        await driver.press("P", "m")
        await driver.shows("Move: all that is queued in mail")
        await driver.write("parked")
        await driver.press("enter")
        await confirm(driver, "Move 3 queued jobs to parked")
        await driver.shows("moved 3")
    assert mail.job_ids == []
    assert Queue("parked", connection=redis).job_ids == ["q0", "q1", "q2"]


async def test_what_is_marked_says_whether_it_is_paused_or_resumed(redis: Redis, drive: Any) -> None:
    for name in ("ada", "bob", "cyd"):
        set_user(redis, User(name, "slow"), tasks=["ok"])
    for name in ("ada", "bob"):
        controls.pause(redis, name, "ok")
    async with drive("schedules") as driver:
        await driver.shows("3 schedules", "cyd")
        table = driver.app.view.query_one("#rows")
        for row in [row for row in table.known() if row.state == "paused"]:
            table.marks[row.key] = None
        table.move_to(next(n for n, row in enumerate(table.known()) if row.state != "paused"))
        await driver.shows("P resume")
        await driver.press("P")
        await confirm(driver, "Resume 2 schedules")
        await driver.shows("resumed 2")
    assert not any(schedules.get(redis, name, "ok").paused for name in ("ada", "bob", "cyd"))


# --- one user ---------------------------------------------------------------------------------------


async def test_on_the_page_of_a_user_all_schedules_or_the_one_under_the_cursor(redis: Redis, mail: Queue, drive: Any) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok", "flaky"])
    set_user(redis, User("bob", "slow"), tasks=["ok"])
    async with drive("schedules", filter="user=ada") as driver:
        await driver.shows("2 schedules")
        await driver.press("enter")
        await driver.shows("SCHEDULE ok", "P pause", "r requeue")
        await driver.press("P")
        await confirm(driver, "Pause 2 schedules", "all schedules of ada")
        await driver.shows("paused 2")
        assert schedules.get(redis, "ada", "ok").paused
        assert not schedules.get(redis, "bob", "ok").paused
        await driver.until(lambda: driver.text.count("paused") >= 3)
        await driver.press("P")
        await confirm(driver, "Resume 2 schedules")
        await driver.shows("resumed 2")
        assert not schedules.get(redis, "ada", "flaky").paused
        while "SCHEDULE ok" not in driver.app.view.page.text():
            await driver.press("j")
        await driver.shows("r run now", "D remove")
        await driver.press("r")
        await confirm(driver, "Run 1 schedule now", "schedule ok of ada")
        await driver.shows("queued 1", "QUEUED JOBS")
        [run] = Queue("default", connection=redis).job_ids
        while driver.app.view.page.target() != ("job", run.encode()):
            await driver.press("j")
        await driver.shows("x cancel")
        await driver.press("x")
        await confirm(driver, "Cancel 1 queued job", "1 is a run of a user's schedule")
        await driver.shows("canceled 1")
    assert Queue("default", connection=redis).job_ids == []


async def test_all_failed_jobs_of_a_user(redis: Redis, mail: Queue, drive: Any) -> None:
    for user in ("ada", "bob"):
        for n in range(2):
            job = failed(mail, f"{user}-{n}")
            job.meta = {"user": user, "tier": "slow", "task": "ok"}
            job.save()
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    async with drive("schedules", filter="user=ada") as driver:
        await driver.shows("1 schedule")
        await driver.press("enter")
        await driver.shows("SCHEDULE ok", "r requeue")
        await driver.press("r")
        await confirm(driver, "Requeue 2 failed jobs", "all failed jobs of ada")
        await driver.shows("requeued 2")
    assert sorted(mail.job_ids) == ["ada-0", "ada-1"]


# --- plain entries ----------------------------------------------------------------------------------


async def test_plain_entries_are_fired_soon_rescheduled_removed_and_put_back(redis: Redis, drive: Any) -> None:
    plain(redis, "hourly", "nightly")
    async with drive("schedules") as driver:
        await driver.press("tab")
        await driver.shows("2 schedules", "echo", "r run now", "D remove")
        await driver.press("d")
        await driver.shows("Due: entry")
        await driver.write("in 3h")
        await driver.press("enter")
        await confirm(driver, "Make 1 entry due at", "entry hourly")
        await driver.shows("rescheduled 1")
        assert abs(due_in(redis, keys.ENTRIES, "hourly") - 10_800) < 60
        await driver.until(lambda: driver.app.view.table.row().id == "hourly")
        await driver.press("r")
        await confirm(driver, "Run 1 entry now")
        await driver.shows("queued 1")
        assert due_in(redis, keys.ENTRIES, "hourly") <= 0
        before = of_rq(redis)
        await driver.until(lambda: driver.app.view.table.row().id == "hourly")
        await driver.press("D")
        await confirm(driver, "Remove 1 entry", "entry hourly")
        await driver.shows("removed 1", "1 schedule", "u undoes until")
        assert redis.zscore(keys.ENTRIES, "hourly") is None
        assert not redis.exists("rq:job:hourly")
        assert redis.exists("rq:job:nightly")
        await driver.press("u")
        await confirm(driver, "Put back 1 entry")
        await driver.shows("put back 1")
    assert of_rq(redis) == before


@pytest.mark.parametrize(
    ("key", "asked", "done", "left"), [("D", "Delete", "deleted", None), ("x", "Cancel", "canceled", b"canceled")]
)
async def test_the_job_of_an_entry_is_kept_unless_it_is_told_otherwise(
    redis: Redis, mail: Queue, drive: Any, key: str, asked: str, done: str, left: bytes | None
) -> None:
    plain(redis, "hourly")
    mail.enqueue_job(mail.fetch_job("hourly"))
    mail.enqueue(echo, job_id="other")
    async with drive(filter="state:queued") as driver:
        await driver.shows("2 jobs")
        await driver.press("asterisk", key)
        await confirm(driver, f"{asked} 2 queued jobs", "1 is the job of an rq-scheduler entry: left alone")
        await driver.shows(f"{done} 1, skipped 1 (entry)")
        assert redis.zscore(keys.ENTRIES, "hourly") is not None
        assert mail.job_ids == ["hourly"]
        await driver.press(key, "e")
        await driver.shows("e [x]", "1 is the job of an rq-scheduler entry: the schedule ends with it")
        await confirm(driver, f"{asked} 1 queued job")
        await driver.shows(f"{done} 1")
        await driver.until(lambda: mail.job_ids == [])
    assert redis.zscore(keys.ENTRIES, "hourly") is None
    assert redis.hget("rq:job:hourly", "status") == left


async def test_what_others_wait_for_is_told_before_it_is_deleted(redis: Redis, mail: Queue, drive: Any) -> None:
    mail.enqueue(echo, job_id="first")
    mail.enqueue(echo, job_id="second", depends_on="first")
    async with drive(filter="state:queued") as driver:
        await driver.shows("1 job")
        await driver.press("D")
        await confirm(driver, "Delete 1 queued job", "1 has jobs that wait for it: left alone, or those would wait for ever")
        await driver.shows("not deleted: other jobs wait for it")
        await driver.press("D", "w")
        await confirm(driver, "1 has jobs that wait for it: those then wait for ever")
        await driver.shows("deleted 1")
    assert mail.job_ids == []


async def test_r_puts_back_entries_that_were_set_aside(redis: Redis, drive: Any) -> None:
    plain(redis, "poison", "worse", "well")
    before = {name: redis.zscore(keys.ENTRIES, name) for name in ("poison", "worse")}
    for name in before:
        assert quarantine.set_aside(redis, name.encode(), "its description cannot be read", "the test")
    async with drive("activity") as driver:
        await driver.shows("set aside")
        await driver.press("r")
        assert len(driver.app.screen_stack) == 1
        await driver.press("tab")
        await driver.shows("r put back", "entry poison set aside")
        await driver.press("space", "space", "r")
        await confirm(driver, "Put back 2 entries", "2 entries that were marked")
        await driver.shows("put back 2")
        await driver.until(lambda: not driver.app.view.table.marks)
        await driver.shows_not("entry poison set aside")
    assert quarantine.count(redis) == 0
    assert {name: redis.zscore(keys.ENTRIES, name) for name in before} == before


# --- RQ's scheduled jobs ----------------------------------------------------------------------------


async def test_rqs_scheduled_jobs_are_rescheduled_run_and_canceled(redis: Redis, mail: Queue, drive: Any) -> None:
    for n in range(3):
        mail.enqueue_in(timedelta(hours=n + 1), echo, job_id=f"later-{n}")
    async with drive("schedules") as driver:
        await driver.press("tab", "tab")
        await driver.shows("3 schedules", "r run now", "x cancel", "D delete")
        await driver.press("d")
        await driver.write("in 5h")
        await driver.press("enter")
        await confirm(driver, "Make 1 scheduled job due at", "job later-0")
        await driver.shows("rescheduled 1")
        assert abs(due_in(redis, "rq:scheduled:mail", "later-0") - 18_000) < 60
        await driver.press("g")
        await driver.until(lambda: driver.app.view.table.row().id == "later-1")
        await driver.press("r")
        await confirm(driver, "Run 1 scheduled job now", "job later-1")
        await driver.shows("queued 1", "2 schedules")
        assert mail.job_ids == ["later-1"]
        await driver.press("asterisk", "x")
        await confirm(driver, "Cancel 2 scheduled jobs")
        await driver.shows("canceled 2")
    assert sorted(CanceledJobRegistry("mail", connection=redis).get_job_ids()) == ["later-0", "later-2"]
    assert ScheduledJobRegistry("mail", connection=redis).count == 0
