"""What is wrong with schedules and those who fire them, judged from one reading of an installation: rules of problems.py."""

from __future__ import annotations

from collections.abc import Iterator

from console.model import starting, words
from console.model.counting import counted
from console.model.problem_words import ENTRIES, FAILING, WORKERS, entries, error, subject, warning
from console.model.queries import ActivityQuery, SchedulesQuery
from console.model.status import FAILING_RUNS, Problem, SchedulerStatus, Status

LOCK_HELD = 10.0
"""Seconds for which a pass of rqscheduler may hold its lock: thousands of entries fire in that time."""


def no_scheduler(status: Status) -> Iterator[Problem]:
    """`no_scheduler`: schedules are armed, or entries are late, and no rqscheduler is seen at work."""
    seen = [scheduler for scheduler in status.schedulers if scheduler.kind == "rqscheduler"]
    armed, late = status.schedules.armed or 0, status.schedules.late or 0
    if any(scheduler.verdict == "live" for scheduler in seen) or not (armed or late):
        return
    ages = [scheduler.seen_s for scheduler in seen if scheduler.seen_s is not None]
    since = f"no rqscheduler for {words.age(int(min(ages)))}" if ages else "no rqscheduler is seen"
    what = counted(armed, "schedule is armed", "schedules are armed") if armed else entries(late, "late")
    remedy = f"start one: {starting.scheduler(shortest_promise(status))}"
    yield error("no_scheduler", "rqscheduler", f"{what}, {since}: nothing fires", remedy, armed or late, WORKERS)


def schedules_late(status: Status) -> Iterator[Problem]:
    """`schedules_late`: an rqscheduler is at work, and entries are more than two minutes past due all the same."""
    live = any(scheduler.kind == "rqscheduler" and scheduler.verdict == "live" for scheduler in status.schedulers)
    if live and status.schedules.late:
        yield warning(
            "schedules_late",
            "schedules",
            f"{entries(status.schedules.late, 'more than 2 min past due')}: rqscheduler does not keep up",
            "let it catch up; if it is like this every day, spread the schedules over more of it",
            status.schedules.late,
            ENTRIES,
        )


def pass_lock_held(status: Status) -> Iterator[Problem]:
    """`pass_lock_held`: rq-scheduler's lock has outlived any likely pass, as it does when its holder was killed in one."""
    lock = status.pass_lock
    if lock is None or (lock.age_s <= LOCK_HELD and lock.ends_s is not None):
        return
    rqschedulers = [scheduler for scheduler in status.schedulers if scheduler.kind == "rqscheduler"]
    dead = all(scheduler.verdict == "gone" for scheduler in rqschedulers)
    holder = "its holder is dead" if dead else "its holder is dead, or its pass is a very long one"
    held = f"the lock of rqscheduler's pass is held for {words.age(int(lock.age_s))}: {holder}, and no other scheduler can fire"
    if lock.ends_s is None:
        remedy = "it never ends by itself: DEL rq:scheduler_lock"
        yield error("pass_lock_held", "rqscheduler", held, remedy, status.schedules.armed or 0, WORKERS)
    else:
        remedy = f"it ends by itself in {words.age(int(lock.ends_s))}; see that an rqscheduler is running then"
        yield warning("pass_lock_held", "rqscheduler", held, remedy, status.schedules.late or 0, WORKERS)


def slow_poll(status: Status) -> Iterator[Problem]:
    """`slow_poll`: a scheduler looks for due entries less often than the shortest promise needs."""
    shortest = shortest_promise(status)
    slow = [scheduler for scheduler in status.schedulers if shortest is not None and _polls_slower(scheduler, shortest)]
    if slow and shortest is not None:
        longest = max(scheduler.poll_s or 0 for scheduler in slow)
        yield warning(
            "slow_poll",
            subject([scheduler.name for scheduler in slow], "schedulers"),
            f"polls every {words.age(longest)}, and the shortest promise is {words.age(shortest)}: runs can start late by that "
            "much",
            f"start it as {starting.scheduler(shortest)}",
            status.schedules.armed or 0,
            WORKERS,
            [scheduler.name for scheduler in slow],
        )


def shortest_promise(status: Status) -> int | None:
    """The shortest promise of the tiers, in seconds; None where nothing is promised."""
    return min((queue.promise_s for queue in status.queues if queue.promise_s is not None), default=None)


def schedules_failing(status: Status) -> Iterator[Problem]:
    """`schedules_failing`: schedules of which FAILING_RUNS runs or more have failed since one was done, however well their
    lane does."""
    if count := status.schedules.failing:
        yield warning(
            "schedules_failing",
            "schedules",
            f"{counted(count, 'schedule has', 'schedules have')} failed at least {FAILING_RUNS} times in a row",
            f"see whose, and why: tq-console schedules list --filter '{FAILING.filter}'",
            count,
            FAILING,
        )


def quarantined(status: Status) -> Iterator[Problem]:
    """`quarantined`: entries that would have ended rqscheduler are set aside and do not fire."""
    if count := status.schedules.quarantined:
        yield warning(
            "quarantined",
            "schedules",
            f"{entries(count, 'set aside')}, because rqscheduler would have died of "
            + ("it; it does not fire" if count == 1 else "them; they do not fire"),
            "see why: tq-console schedules quarantined; mend it, and put it back: tq-console schedules put-back N",
            count,
            ActivityQuery(),
        )


def orphaned(status: Status) -> Iterator[Problem]:
    """`orphaned`: schedules that are listed and cannot be read any more, or whose users are gone: they have no entry."""
    if count := status.schedules.orphaned:
        yield warning(
            "orphaned",
            "schedules",
            f"{counted(count, 'schedule is', 'schedules are')} listed without a definition or a user: nothing of "
            + ("it fires" if count == 1 else "them fires"),
            "import users who were lost again, and make anew or drop the rest: tq-console schedules repair",
            count,
            SchedulesQuery("user"),
        )


def other_prefix(status: Status) -> Iterator[Problem]:
    """`other_prefix`: the job layer has entries in this database, and neither schedules nor schedulers under this prefix."""
    counts = status.schedules
    ours = counts.armed or counts.paused or any(scheduler.kind == "rqscheduler" for scheduler in status.schedulers)
    if counts.entries and counts.heartbeat and counts.armed == 0 and not ours:
        yield warning(
            "other_prefix",
            "schedules",
            f"{counted(counts.entries, 'entry is', 'entries are')} here that this prefix has no schedules for",
            "if they are yours, set RQ_KEY_PREFIX as it is where the users were registered",
            counts.entries,
            ENTRIES,
        )


def _polls_slower(scheduler: SchedulerStatus, promise: int) -> bool:
    return scheduler.verdict != "gone" and scheduler.poll_s is not None and scheduler.poll_s > promise
