"""Scenarios: what is made to happen on the stage (why_stage.py), and what has to be told of it, by codes."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from rq.job import Job, JobStatus
from rq.registry import ReadyJobRegistry

from console.model.queries import WhyQuery
from jobs import controls, keys
from jobs.schedules import schedule_id
from tests.catalogue_tasks import echo
from tests.conftest import until
from tests.console.why_stage import Stage, canceled_in_vain, child_of, limited, of_another, plain_entry

Meanwhile = AbstractContextManager[Any]


def of_job(job: Job | str) -> WhyQuery:
    return WhyQuery("job", (job if isinstance(job, str) else job.id).encode())


def of_queue(name: str) -> WhyQuery:
    return WhyQuery("queue", name.encode())


def of_schedule(user: str, task: str = "ok") -> WhyQuery:
    return WhyQuery("schedule", user.encode(), task)


def of_user(name: str) -> WhyQuery:
    return WhyQuery("user", name.encode())


@dataclass(frozen=True)
class Scenario:
    """What is made to happen, what is asked, and exactly what is answered, the most decisive first."""

    name: str
    codes: str
    make: Callable[[Stage], WhyQuery]
    meanwhile: Callable[[Stage], Meanwhile] = lambda stage: nullcontext()

    @property
    def expected(self) -> list[str]:
        return self.codes.split()


def made(name: str) -> Callable[[Stage], WhyQuery]:
    return lambda stage: of_job(stage.jobs[name])


def parked(**options: Any) -> Callable[[Stage], WhyQuery]:
    return lambda stage: of_job(stage.queue("parked").enqueue(echo, 1, at_front=True, **options))


def with_status(status: str) -> Callable[[Stage], WhyQuery]:
    def make(stage: Stage) -> WhyQuery:
        job = stage.queue("parked").enqueue(echo, 1)
        stage.redis.hset(job.key, "status", status)
        return of_job(job)

    return make


def without(change: Callable[[Stage, Job], object], queue: str = "parked") -> Callable[[Stage], WhyQuery]:
    """A job that was enqueued, and then changed."""

    def make(stage: Stage) -> WhyQuery:
        job = stage.queue(queue).enqueue(echo, 1)
        change(stage, job)
        return of_job(job)

    return make


def entry(change: Callable[[Stage, Job], object] = lambda stage, job: None) -> Callable[[Stage], WhyQuery]:
    """An entry of rq-scheduler that is due in an hour, changed."""

    def make(stage: Stage) -> WhyQuery:
        job = plain_entry(stage, 3_600)
        change(stage, job)
        return of_job(job)

    return make


def waiting(queue: str) -> Callable[[Stage], WhyQuery]:
    return lambda stage: of_job(stage.queue(queue).enqueue(echo, 1, at_front=True))


def first_of(queue: str) -> Callable[[Stage], WhyQuery]:
    return lambda stage: WhyQuery("job", stage.redis.lindex(f"rq:queue:{queue}", 0))


held = waiting("held")
"""A job for whose queue one worker listens, that takes none."""


def paused(stage: Stage) -> WhyQuery:
    controls.pause(stage.redis, "paused", "ok", "asked", "ann")
    return of_schedule("paused")


def overtaken(stage: Stage) -> WhyQuery:
    """What is served first came later."""
    for earlier in stage.queue("above").get_jobs():
        earlier.cancel()
    stage.queue("above").enqueue(echo, 2)
    return first_of("below")(stage)


def enqueued_again(stage: Stage) -> WhyQuery:
    job = stage.jobs["failed, enqueued again"]
    # As rqscheduler does when the run of a plain entry has failed, and the entry is due again.
    stage.queue("once").enqueue_job(Job.fetch(job.id, connection=stage.redis))
    return of_job(job)


def poisoned(stage: Stage) -> WhyQuery:
    job = plain_entry(stage, 3_600)
    stage.redis.hset(job.key, "data", "no pickle")
    stage.due(job.id, -1)
    until(lambda: stage.redis.zscore(keys.ENTRIES, job.id) is None, what="rqscheduler sets it aside")
    return of_job(job)


def missed(stage: Stage) -> WhyQuery:
    one = schedule_id("late", "ok")
    stage.due(one, -7_300)
    until(lambda: stage.redis.hget(keys.SCHEDULE + one, "skip:missed"), what="the slot is missed")
    return of_schedule("late")


def overlapping(stage: Stage) -> WhyQuery:
    until(lambda: stage.redis.hget(keys.SCHEDULE + schedule_id("overlapping", "gated"), "skip:overlap"), what="a skip")
    return of_schedule("overlapping", "gated")


def overdue_entry(stage: Stage) -> WhyQuery:
    stage.due(schedule_id("armed", "ok"), -300)
    return of_schedule("armed")


def no_entry(stage: Stage) -> WhyQuery:
    stage.redis.zrem(keys.ENTRIES, schedule_id("armed", "ok"))
    return of_schedule("armed")


def in_the_middle(stage: Stage) -> WhyQuery:
    job = stage.queue("long").enqueue(echo, 1)
    stage.redis.lpush("rq:queue:long", *range(1_100))
    stage.redis.rpush("rq:queue:long", *range(1_100))
    return of_job(job)


def ready(stage: Stage) -> WhyQuery:
    job = Job.create(echo, (1,), connection=stage.redis, origin="parked", status=JobStatus.READY_TO_ENQUEUE)
    job.save()
    ReadyJobRegistry("parked", connection=stage.redis).add(job)
    return of_job(job)


def unheld(stage: Stage) -> WhyQuery:
    holder, waiting = limited(stage)
    stage.redis.zrem(f"rq:rl:{holder.rate_limit_key}:allowed", holder.id)
    return of_job(waiting)


def scheduler_asleep(stage: Stage) -> Meanwhile:
    return stage.asleep("scheduler")


def scheduler_gone(stage: Stage) -> Meanwhile:
    """It sleeps, and its last word is a minute old."""
    stack = ExitStack()
    stack.enter_context(stage.asleep("scheduler"))
    before = stage.redis.zrange(keys.SCHEDULERS, 0, -1, withscores=True)
    stage.redis.zadd(keys.SCHEDULERS, {name: at - 60 for name, at in before})
    stack.callback(lambda: stage.redis.zadd(keys.SCHEDULERS, dict(before)))
    return stack


def scheduler_locked(stage: Stage) -> Meanwhile:
    stack = ExitStack()
    stack.enter_context(stage.asleep("scheduler"))
    stack.enter_context(stage.key_is(keys.ENTRIES_LOCK, time.time() - 20, px=30_000))
    return stack


def silent(worker: str) -> Callable[[Stage], Meanwhile]:
    return lambda stage: stage.hash_says(f"rq:worker:{worker}", last_heartbeat="2026-01-01T00:00:00.000000Z")


def lock_of_the_dead(stage: Stage) -> Meanwhile:
    return stage.key_is("rq:scheduler-lock:parked", "dead", px=20_000)


def in_an_hour(queue: str, **options: Any) -> Callable[[Stage], WhyQuery]:
    return lambda stage: of_job(stage.queue(queue).enqueue_in(timedelta(hours=1), echo, 1, **options))


FULL: Final = {"maxmemory": 1_000_000, "maxmemory-policy": "noeviction"}

SCENARIOS: Final = (
    # Nothing is wrong.
    Scenario("a job runs", "running", made("running")),
    Scenario("a job has finished", "finished", made("finished")),
    Scenario("the next one of a queue whose worker is free", "next", held),
    Scenario("one after it", "in_line", lambda stage: of_job(stage.queue("held").enqueue(echo, 1))),
    Scenario("a queue whose worker is free", "served", lambda stage: of_queue("held")),
    Scenario("a queue with nothing in it", "empty", lambda stage: of_queue("moved")),
    Scenario("a schedule that waits for its slot", "armed", lambda stage: of_schedule("armed")),
    Scenario("a user whose schedules are armed", "armed", lambda stage: of_user("armed")),
    Scenario("an entry of rq-scheduler", "scheduled", entry()),
    Scenario("the heartbeat's entry", "scheduled", lambda stage: of_job(keys.HEARTBEAT_ENTRY)),
    # There is none.
    Scenario("a job that never was", "no_such_job", lambda stage: of_job("nobody")),
    Scenario("a queue that never was", "no_such_queue", lambda stage: of_queue("nobody")),
    Scenario("a schedule that never was", "no_such_schedule", lambda stage: of_schedule("armed", "scrape")),
    Scenario("a user who never was", "no_such_user", lambda stage: of_user("nobody")),
    Scenario("a user without schedules", "no_schedule", lambda stage: of_user("idle")),
    Scenario("a hash that is none", "unreadable", without(lambda stage, job: stage.redis.set(job.key, "a text"))),
    Scenario("a hash that has expired", "expired", without(lambda stage, job: stage.redis.delete(job.key))),
    # Workers.
    Scenario("nobody listens", "no_worker", parked()),
    Scenario("nobody listens on a queue", "no_worker", lambda stage: of_queue("parked")),
    Scenario("nobody listens who is not gone", "no_worker", waiting("doomed")),
    Scenario("everybody is busy", "workers_busy", waiting("above")),
    Scenario("everybody is busy in a queue", "workers_busy", lambda stage: of_queue("above")),
    Scenario("a higher lane has older work", "workers_busy", waiting("below")),
    Scenario("overtaken by a higher lane", "starved workers_busy", overtaken),
    Scenario("a queue that is overtaken", "starved workers_busy", lambda stage: of_queue("below")),
    Scenario("suspended", "suspended", held, lambda stage: stage.key_is("rq:suspended", 1)),
    Scenario("suspended, and nobody listens", "suspended no_worker", parked(), lambda stage: stage.key_is("rq:suspended", 1)),
    Scenario("all workers are silent", "workers_late", held, silent("held")),
    Scenario("its worker is silent", "worker_late", made("running"), silent("busy")),
    Scenario("its worker is gone", "worker_gone", made("of the dead")),
    Scenario("a queue whose only worker is gone, with its job", "worker_gone no_worker", lambda stage: of_queue("doomed")),
    Scenario("its worker runs another one", "worker_gone", without(of_another)),
    Scenario("in the middle of a long queue", "no_worker in_line", in_the_middle),
    Scenario("the server is full", "out_of_memory", first_of("held"), lambda stage: stage.config(**FULL)),
    # Where it is.
    Scenario("popped, and never started", "lost", made("lost")),
    Scenario("taken by a worker of one queue", "taken", made("taken")),
    Scenario("failed, and enqueued again", "listed_twice no_worker", enqueued_again),
    Scenario("a status that is none", "invalid_status", with_status("odd")),
    Scenario("about to expire", "no_worker expiring", parked(ttl=50)),
    Scenario("not about to expire", "no_worker", parked(ttl=500)),
    # Ended.
    Scenario("failed", "failed", made("failed")),
    Scenario("its module is missing", "not_importable", made("not importable")),
    Scenario("stopped", "stopped", made("stopped")),
    Scenario("canceled", "canceled", without(lambda stage, job: job.cancel())),
    Scenario("canceled while it runs", "canceled_running", made("canceled, running")),
    Scenario("canceled while it ran, and finished", "finished", without(canceled_in_vain)),
    # Waiting for its time.
    Scenario("waits for a retry", "waiting_retry", made("retrying")),
    Scenario("waits for a retry that nobody moves", "unmoved waiting_retry", made("retrying, unmoved")),
    Scenario("scheduled, and nobody moves it", "unmoved scheduled", in_an_hour("parked")),
    Scenario("scheduled, and moved by its worker", "scheduled", in_an_hour("moved")),
    Scenario("scheduled, and moved by the heartbeat", "scheduled", in_an_hour("high")),
    Scenario("scheduled, and the heartbeat is silent", "unmoved scheduled", in_an_hour("high"), scheduler_gone),
    Scenario("scheduled, and locked by a dead one", "unmoved scheduled", in_an_hour("parked"), lock_of_the_dead),
    Scenario("expires before it is due", "scheduled expiring", in_an_hour("moved", ttl=60)),
    # Waiting for others.
    Scenario("waits for one that waits", "dependency_waiting", lambda stage: of_job(child_of(stage, "queued"))),
    Scenario("waits for one that failed", "dependency_failed", lambda stage: of_job(child_of(stage, "failed"))),
    Scenario("waits for one that was canceled", "dependency_canceled", lambda stage: of_job(child_of(stage, "canceled"))),
    Scenario("waits for one that is gone", "dependency_gone", lambda stage: of_job(child_of(stage, None))),
    Scenario("waits for one that has finished", "unreleased", lambda stage: of_job(child_of(stage, "finished"))),
    Scenario("rate limited", "rate_limited", lambda stage: of_job(limited(stage)[1])),
    Scenario("rate limited by nobody", "rate_limit_free", unheld),
    Scenario("ready, and not pushed", "ready_unpushed", ready),
    # Schedules.
    Scenario("paused", "paused", paused),
    Scenario("the schedule of an inactive user", "user_inactive", lambda stage: of_schedule("inactive")),
    Scenario("an inactive user", "user_inactive", lambda stage: of_user("inactive")),
    Scenario("a run has not ended", "no_worker overlap", overlapping),
    Scenario("nobody fired it in time", "missed", missed),
    Scenario("its definition is gone", "orphaned", lambda stage: of_schedule("orphaned")),
    Scenario("set aside", "poisoned", poisoned),
    Scenario("the job of an entry is gone", "entry_expired", entry(lambda stage, job: stage.redis.delete(job.key))),
    Scenario("the job of an entry expires", "expiring scheduled", entry(lambda stage, job: stage.redis.expire(job.key, 500))),
    Scenario("rqscheduler is gone", "no_scheduler", lambda stage: of_schedule("armed"), scheduler_gone),
    Scenario("rqscheduler does not come to it", "scheduler_slow", overdue_entry, scheduler_asleep),
    Scenario("a dead rqscheduler holds the lock", "scheduler_locked", overdue_entry, scheduler_locked),
    Scenario("its entry is gone", "entry_missing", no_entry, scheduler_asleep),
)  # fmt: skip
