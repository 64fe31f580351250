"""What is wrong with an installation, judged from one reading of it.

Each rule looks at the status and names what it finds; RULES is their order, the gravest first. A code never changes its
meaning, because monitors match on it. A rule says nothing about what could not be read: `unreadable` does.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence

from console.model.counting import counted
from console.model.status import Problem, QueueStatus, SchedulerStatus, Severity, Status

NAMED = 3
"""How many subjects a message names before it counts the others."""

LOCK_HELD = 10.0
"""Seconds for which a pass of rqscheduler may hold its lock: thousands of entries fire in that time."""

FAILURES = 5
"""How many runs have to fail before a lane counts as failing."""

EVICTING = ("allkeys-", "volatile-")


def find(status: Status) -> tuple[Problem, ...]:
    """Every problem of `status`: errors first, in the order of RULES."""
    found = [problem for rule in RULES for problem in rule(status)]
    return tuple(sorted(found, key=lambda problem: problem.severity != "error"))


def suspended(status: Status) -> Iterator[Problem]:
    """`suspended`: no worker of this database takes a job."""
    if status.suspended:
        yield _error("suspended", "workers", "every worker is suspended: none takes another job", "rq resume")


def no_worker(status: Status) -> Iterator[Problem]:
    """`no_worker`: jobs wait where nobody listens. One for each lane, and one for all other queues together."""
    left = [queue for queue in status.queues if queue.waiting and not queue.workers]
    others = [queue for queue in left if not queue.lane]
    for queue in left:
        if queue.lane:
            yield _error(
                "no_worker", queue.name, f"{_jobs(queue)} and no worker listens", "start one: rq worker high default low"
            )
    if others:
        waiting = sum(queue.waiting or 0 for queue in others)
        yield _error(
            "no_worker",
            _subject([queue.name for queue in others], "queues"),
            f"{counted(waiting, 'job waits', 'jobs wait')} and no worker listens: {_named([queue.name for queue in others])}",
            f"start one: rq worker {shlex.quote(others[0].name) if len(others) == 1 else 'with these queues'}",
        )


def promise_broken(status: Status) -> Iterator[Problem]:
    """`promise_broken`: the next job of a lane has waited longer than the shortest promise of the tiers on that lane."""
    for queue in status.queues:
        if queue.promise_s is not None and queue.oldest_s is not None and queue.oldest_s > queue.promise_s:
            yield _error(
                "promise_broken",
                queue.name,
                f"the next job has waited {queue.oldest_s:,.0f} s, and {queue.promise_s:,} s are promised; {_jobs(queue)}",
                "start more workers on this lane, or see what occupies those it has"
                if queue.workers
                else "start a worker on this lane",
            )


def no_scheduler(status: Status) -> Iterator[Problem]:
    """`no_scheduler`: schedules are armed, or entries are late, and no rqscheduler is seen at work."""
    seen = [scheduler for scheduler in status.schedulers if scheduler.kind == "rqscheduler"]
    armed, late = status.schedules.armed or 0, status.schedules.late or 0
    if any(scheduler.verdict == "live" for scheduler in seen) or not (armed or late):
        return
    ages = [scheduler.seen_s for scheduler in seen if scheduler.seen_s is not None]
    since = f"no rqscheduler for {min(ages):,.0f} s" if ages else "no rqscheduler is seen"
    what = counted(armed, "schedule is armed", "schedules are armed") if armed else _entries(late, "late")
    yield _error("no_scheduler", "rqscheduler", f"{what}, {since}: nothing fires", "start one: rqscheduler")


def schedules_late(status: Status) -> Iterator[Problem]:
    """`schedules_late`: an rqscheduler is at work, and entries are more than two minutes past due all the same."""
    live = any(scheduler.kind == "rqscheduler" and scheduler.verdict == "live" for scheduler in status.schedulers)
    if live and status.schedules.late:
        yield _warning(
            "schedules_late",
            "schedules",
            f"{_entries(status.schedules.late, 'more than 2 min past due')}: rqscheduler does not keep up",
            "let it catch up; if it is like this every day, spread the schedules over more of it",
        )


def pass_lock_held(status: Status) -> Iterator[Problem]:
    """`pass_lock_held`: rq-scheduler's lock has outlived any likely pass, as it does when its holder was killed in one."""
    lock = status.pass_lock
    if lock is None or (lock.age_s <= LOCK_HELD and lock.ends_s is not None):
        return
    rqschedulers = [scheduler for scheduler in status.schedulers if scheduler.kind == "rqscheduler"]
    dead = all(scheduler.verdict == "gone" for scheduler in rqschedulers)
    holder = "its holder is dead" if dead else "its holder is dead, or its pass is a very long one"
    held = f"the lock of rqscheduler's pass is held for {lock.age_s:,.0f} s: {holder}, and no other scheduler can fire"
    if lock.ends_s is None:
        yield _error("pass_lock_held", "rqscheduler", held, "it never ends by itself: DEL rq:scheduler_lock")
    else:
        remedy = f"it ends by itself in {lock.ends_s:,.0f} s; see that an rqscheduler is running then"
        yield _warning("pass_lock_held", "rqscheduler", held, remedy)


def slow_poll(status: Status) -> Iterator[Problem]:
    """`slow_poll`: a scheduler looks for due entries less often than the shortest promise needs."""
    promises = [queue.promise_s for queue in status.queues if queue.promise_s is not None]
    shortest = min(promises, default=None)
    slow = [scheduler for scheduler in status.schedulers if shortest is not None and _polls_slower(scheduler, shortest)]
    if slow and shortest is not None:
        longest = max(scheduler.poll_s or 0 for scheduler in slow)
        yield _warning(
            "slow_poll",
            _subject([scheduler.name for scheduler in slow], "schedulers"),
            f"polls every {longest:g} s, and the shortest promise is {shortest:,} s: runs can start late by that much",
            "start it as rqscheduler -i 5",
        )


def retries_unmoved(status: Status) -> Iterator[Problem]:
    """`retries_unmoved`: retries or scheduled jobs are more than a minute past due, so nobody moves them to their queue."""
    stuck = [queue for queue in status.queues if queue.overdue]
    if stuck:
        names = [queue.name for queue in stuck]
        total = sum(queue.overdue or 0 for queue in stuck)
        yield _error(
            "retries_unmoved",
            _subject(names, "queues"),
            f"{counted(total, 'retry or scheduled job is', 'retries or scheduled jobs are')} more than 1 min past due, "
            f"and nothing moves {'it' if total == 1 else 'them'}: {_named(names)}",
            ("run rqscheduler, or " if all(queue.lane for queue in stuck) else "start ")
            + "one worker of the queue with --with-scheduler",
        )


def worker_gone(status: Status) -> Iterator[Problem]:
    """`worker_gone`: workers that are registered still, and ended without saying goodbye."""
    names = [worker.name for worker in status.workers if worker.verdict == "gone"]
    if names:
        yield _warning(
            "worker_gone",
            _subject(names, "workers"),
            "ended without saying goodbye, as after kill -9 or a lost host" + (f": {_named(names)}" if len(names) > 1 else ""),
            "see what ended it, and start another; a job that it had is retried or failed by the maintenance of RQ",
        )


def quarantined(status: Status) -> Iterator[Problem]:
    """`quarantined`: entries that would have ended rqscheduler are set aside and do not fire."""
    if count := status.schedules.quarantined:
        yield _warning(
            "quarantined",
            "schedules",
            f"{_entries(count, 'set aside')}, because rqscheduler would have died of "
            + ("it; it does not fire" if count == 1 else "them; they do not fire"),
            "see why: tq-console schedules quarantined; mend it, and put it back: tq-console schedules put-back N",
        )


def failing(status: Status) -> Iterator[Problem]:
    """`failing`: within about an hour, more runs of a lane have failed than were done, or not one attempt has succeeded."""
    for queue in status.queues:
        if (ended := queue.ended) is None:
            continue
        within = f"in the last {ended.since_s / 60:,.0f} min" if ended.since_s is not None else "so far"
        if ended.failed >= FAILURES and ended.failed > ended.done:
            what = f"{ended.failed:,} of {counted(ended.failed + ended.done, 'run')} failed {within}"
        elif not ended.done and ended.failed + ended.retried >= FAILURES:
            what = f"{counted(ended.failed + ended.retried, 'attempt')} failed {within}, and no run was done"
        else:
            continue
        yield _error("failing", queue.name, what, "see what they raise: tq-console schedules runs USER TASK")


def orphaned(status: Status) -> Iterator[Problem]:
    """`orphaned`: schedules that are listed and cannot be read any more, so they cannot be put back."""
    if count := status.schedules.orphaned:
        yield _warning(
            "orphaned",
            "schedules",
            f"{counted(count, 'schedule is', 'schedules are')} listed and cannot be read any more: nothing of "
            + ("it fires" if count == 1 else "them fires"),
            "register their users again: tq-console users import FILE",
        )


def other_prefix(status: Status) -> Iterator[Problem]:
    """`other_prefix`: the job layer has entries in this database, and neither schedules nor schedulers under this prefix."""
    counts = status.schedules
    ours = counts.armed or counts.paused or any(scheduler.kind == "rqscheduler" for scheduler in status.schedulers)
    if counts.entries and counts.heartbeat and counts.armed == 0 and not ours:
        yield _warning(
            "other_prefix",
            "schedules",
            f"{counted(counts.entries, 'entry is', 'entries are')} here that this prefix has no schedules for",
            "if they are yours, set RQ_KEY_PREFIX as it is where the users were registered",
        )


def evicting(status: Status) -> Iterator[Problem]:
    """`evicting`: a full server would drop keys, and with them jobs. An error where there is a limit that it can reach."""
    server = status.server
    policy = server.maxmemory_policy or ""
    if not policy.startswith(EVICTING):
        return
    when = f"at {server.maxmemory:,} bytes" if server.maxmemory else "as soon as maxmemory is set"
    problem = _error if server.maxmemory else _warning
    yield problem(
        "evicting",
        "server",
        f"maxmemory-policy is {policy}: {when} the server drops keys, and jobs and schedules are lost silently",
        "CONFIG SET maxmemory-policy noeviction",
    )


def unreadable(status: Status) -> Iterator[Problem]:
    """`unreadable`: keys or commands that the server refused, so what they would say is missing from this status."""
    if status.refused:
        first = status.refused[0]
        more = f" (and {len(status.refused) - 1:,} others)" if len(status.refused) > 1 else ""
        yield _warning(
            "unreadable",
            first.what,
            f"{first.reason}{more}; what depends on it is left out",
            "give this user the read commands, or see who writes another type to that key",
        )


def not_all_read(status: Status) -> Iterator[Problem]:
    """`not_all_read`: there are more queues or workers than one reading takes in."""
    for unread in status.unread:
        yield _warning(
            "not_all_read",
            unread.what,
            f"{unread.read:,} of {unread.total:,} {unread.what} are shown",
            f"see whether so many {unread.what} are meant; old ones can be removed",
        )


RULES: tuple[Callable[[Status], Iterator[Problem]], ...] = (
    suspended,
    no_scheduler,
    no_worker,
    promise_broken,
    failing,
    retries_unmoved,
    pass_lock_held,
    evicting,
    worker_gone,
    quarantined,
    orphaned,
    other_prefix,
    slow_poll,
    schedules_late,
    unreadable,
    not_all_read,
)


def _polls_slower(scheduler: SchedulerStatus, promise: int) -> bool:
    return scheduler.verdict != "gone" and scheduler.poll_s is not None and scheduler.poll_s > promise


def _jobs(queue: QueueStatus) -> str:
    return counted(queue.waiting or 0, "job waits", "jobs wait")


def _entries(count: int, what: str) -> str:
    return f"{counted(count, 'entry is', 'entries are')} {what}"


def _subject(names: Sequence[str], noun: str) -> str:
    return names[0] if len(names) == 1 else f"{len(names):,} {noun}"


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} others" if more > 0 else "")


def _error(code: str, subject: str, message: str, remedy: str) -> Problem:
    return _problem(code, "error", subject, message, remedy)


def _warning(code: str, subject: str, message: str, remedy: str) -> Problem:
    return _problem(code, "warning", subject, message, remedy)


def _problem(code: str, severity: Severity, subject: str, message: str, remedy: str) -> Problem:
    return Problem(code, severity, subject, message, remedy)
