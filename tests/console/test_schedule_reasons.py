"""Why each row of the list of schedules is not as it should be: as the explanation of it says, with no trip for it."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import add

import pytest
from redis import Redis
from rq import Queue
from rq_scheduler import Scheduler

from console.model.queries import OverviewQuery, SchedulesQuery, Source, WhyQuery
from console.model.schedules import ScheduleRow
from console.model.secrets import DEFAULT
from console.model.status import SchedulerStatus
from console.model.why import in_short
from console.store import schedules, status, why
from console.store.seen import Seen
from jobs import controls, keys, quarantine
from jobs.registering import set_user
from jobs.schedules import schedule_id
from jobs.users import User
from tests.benchmarks.ratios import RoundTrips
from tests.conftest import Stock, until
from tests.fast_tiers import fast_tiers  # noqa: F401 - autouse

SHORT = {
    "armed": None,
    "paused": ("paused", "vendor asked, ann"),
    "resting": ("paused", "by ann"),
    "inactive": ("user_inactive", "user inactive"),
    "orphaned": ("orphaned", "no definition"),
    "unreadable": ("orphaned", "definition unreadable"),
    "missing": ("entry_missing", "no entry"),
    "poisoned": ("poisoned", "set aside: its meta is a list, not a dict"),
    "waiting": ("no_worker", "no worker on default"),
    "missed": ("missed", "3 slots missed"),
    "overlapping": ("no_worker", "no worker on default"),
    "failed": ("failed", "PermanentError: it is gone for good"),
}
"""What is told of a user who is named after what is the matter, where rqscheduler is at work, and no worker."""


@pytest.fixture
def known(redis: Redis, stock: Stock) -> Seen:
    """All of these on one server; what its overview has told is remembered."""
    set_user(redis, User("failed", "slow"), ["hopeless"])
    controls.run_now(redis, "failed", "hopeless")
    assert stock.worker("--burst").wait(60) == 0, stock.logs()
    for user in SHORT:
        if user != "failed":
            set_user(redis, User(user, "slow", active=user != "inactive"), ["ok"])
    controls.pause(redis, "paused", "ok", "vendor asked", "ann")
    controls.pause(redis, "resting", "ok", "", "ann")
    for user in ("waiting", "overlapping"):
        controls.run_now(redis, user, "ok")
    redis.hset(keys.SCHEDULE + of("overlapping"), "skip:overlap", 2)
    redis.hset(keys.SCHEDULE + of("missed"), "skip:missed", 3)
    stock.scheduler("-i", "60")
    until(lambda: redis.zcard(keys.SCHEDULERS) and not redis.exists(keys.ENTRIES_LOCK), what="rqscheduler has beaten")
    redis.delete(keys.SCHEDULE + of("orphaned"))
    redis.hset(keys.SCHEDULE + of("unreadable"), "cadence", "now and then")
    redis.zrem(keys.ENTRIES, of("missing"))
    assert quarantine.set_aside(redis, of("poisoned").encode(), "its meta is a list, not a dict", "me")
    seen = Seen()
    overview(redis, seen)
    return seen


def of(user: str) -> str:
    return schedule_id(user, "ok")


def overview(redis: Redis, seen: Seen) -> None:
    for _ in range(2):
        status.read(redis, OverviewQuery(), time.time(), seen)


def listed(redis: Redis, seen: Seen, source: Source = "user") -> dict[str, ScheduleRow]:
    for _ in range(2):
        with RoundTrips(redis) as trips:
            found = schedules.read(redis, SchedulesQuery(source), time.time(), seen, DEFAULT)
    assert trips.count <= 4
    return {row.user or row.id: row for row in found.rows}


def told(rows: dict[str, ScheduleRow]) -> dict[str, tuple[str, str] | None]:
    return {user: None if row.why is None else (row.why.code, row.why.message) for user, row in rows.items()}


def test_each_row_says_what_the_explanation_says_first(redis: Redis, known: Seen) -> None:
    rows = listed(redis, known)
    assert told(rows) == SHORT
    explained = {}
    for user, row in rows.items():
        page = why.read(redis, WhyQuery("schedule", user.encode(), row.task or ""), time.time(), DEFAULT)
        explained[user] = None if page.reasons[0].weight == "well" else page.reasons[0].code
    assert explained == {user: None if short is None else short[0] for user, short in SHORT.items()}


def test_what_keeps_all_of_them_is_told_of_those_that_it_keeps(redis: Redis, known: Seen) -> None:
    redis.set("rq:suspended", 1)
    overview(redis, known)
    assert told(listed(redis, known)) == SHORT | {
        "waiting": ("suspended", "suspended"),
        "overlapping": ("suspended", "suspended"),
    }
    redis.delete("rq:suspended")
    redis.zadd(keys.ENTRIES, {of("armed"): time.time() - 600})
    overview(redis, known)
    assert told(listed(redis, known)) == SHORT | {"armed": ("scheduler_slow", "rqscheduler is behind")}
    assert known.status is not None
    gone = tuple(replace(one, verdict="gone") for one in known.status.schedulers)
    known.status = replace(known.status, schedulers=gone)
    assert told(listed(redis, known))["armed"] == ("no_scheduler", "no rqscheduler")
    known.status = replace(known.status, as_of=time.time() - in_short.RECENT - 1)
    assert told(listed(redis, known))["armed"] is None, "nobody knows whether one is at work"
    assert told(listed(redis, known))["waiting"] is None, "nor whether somebody listens"


def test_entries_and_scheduled_jobs_say_that_their_jobs_are_gone_or_that_nobody_moves_them(redis: Redis) -> None:
    scheduler = Scheduler("mail", connection=redis)
    first = datetime.now(UTC) + timedelta(hours=1)
    gone, odd, well = (scheduler.schedule(first, add, (1, n), interval=3_600).id for n in range(3))
    redis.delete(keys.RQ_JOB + gone, keys.RQ_JOB + odd)
    redis.set(keys.RQ_JOB + odd, "a text")
    assert told(listed(redis, Seen(), "entries")) == {
        gone: ("entry_expired", "its job is gone"),
        odd: ("unreadable", "its job is no hash"),
        well: None,
    }
    mail = Queue("mail", connection=redis)
    expired, late, later = (mail.enqueue_in(timedelta(hours=1), add, 1, n).id for n in range(3))
    redis.delete(keys.RQ_JOB + expired)
    redis.zadd("rq:scheduled:mail", {late: time.time() - 600})
    jobs = listed(redis, Seen(), "rq")
    assert told(jobs) == {
        late: ("unmoved", "nobody moves it"),
        expired: ("expired", "its job is gone"),
        later: None,
    }
    assert (why := jobs[late].why) is not None
    assert why.remedy == "start a worker that does: rq worker --with-scheduler mail"


def test_of_a_late_cron_job_the_overview_knows_who_is_gone() -> None:
    cron = SchedulerStatus("rq-cron", "cron-1", None, None, None, 300.0, "gone")
    gone = in_short.Beside(in_short.beside(None, 1.0).around, known=True, cron={cron.name: cron.verdict})
    assert in_short.of_cron("cron-1", gone).message == "rq cron is gone"
    assert in_short.of_cron("cron-2", gone).code == "scheduler_slow"
