"""Each problem is found when it is there, and not when it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from console.model import starting
from console.model.problems import codes as all_codes
from console.model.problems import find
from console.model.status import (
    Ended,
    PassLock,
    Problem,
    QueueStatus,
    Refused,
    ScheduleCounts,
    SchedulerStatus,
    ServerInfo,
    Status,
    Unread,
    WorkerStatus,
)

HIGH = QueueStatus(
    name="high",
    lane=True,
    waiting=0,
    oldest_s=None,
    promise_s=5,
    in_per_min=None,
    out_per_min=None,
    drain_s=0,
    running=0,
    retrying=0,
    scheduled=0,
    overdue=0,
    deferred=0,
    finished=0,
    failed=0,
    canceled=0,
    workers=1,
    busy=0,
)
MAIL = replace(HIGH, name="mail", lane=False, promise_s=None)
WORKER = WorkerStatus("w1", "host", ("high",), "idle", "live", None, 1.0, 0, 0)
SCHEDULER = SchedulerStatus("rqscheduler", "s1", "host", 1.0, 0.0, 0.5, "live")
WELL = Status(
    as_of=1_700_000_000.0,
    server=ServerInfo("redis://localhost", "valkey", "9.1.2", 0.4, 1_000_000, 0, "noeviction"),
    queues=(HIGH, MAIL),
    workers=(WORKER,),
    schedulers=(SCHEDULER,),
    schedules=ScheduleCounts(
        armed=100, paused=0, late=0, orphaned=0, quarantined=0, due_next_hour=100, entries=100, heartbeat=True, failing=0
    ),
    suspended=False,
    pass_lock=None,
)


def high(**changes: Any) -> Status:
    return replace(WELL, queues=(replace(HIGH, **changes), MAIL))


def schedulers(*found: SchedulerStatus, **counts: Any) -> Status:
    return replace(WELL, schedulers=found, schedules=replace(WELL.schedules, **counts))


def limits(**changes: Any) -> Status:
    return replace(WELL, server=replace(WELL.server, **changes))


def ended(done: int, failed: int, retried: int = 0, since_s: float | None = 3_600.0) -> Status:
    return high(ended=Ended(since_s, done, failed, retried))


def held(age_s: float, ends_s: float | None) -> Status:
    return replace(WELL, pass_lock=PassLock(age_s, ends_s))


def codes(status: Status) -> list[tuple[str, str, str]]:
    return [(problem.code, problem.severity, problem.subject) for problem in find(status)]


def overtaken(by_s: float, verdict: Any = "live") -> Status:
    """One worker that serves high before mail, and is busy; the head of high came so long before now, that of mail 100 s."""
    return replace(
        WELL,
        queues=(
            replace(HIGH, waiting=7, oldest_s=by_s, promise_s=9_999, busy=1),
            replace(MAIL, waiting=3, oldest_s=100.0, busy=1),
        ),
        workers=(replace(WORKER, queues=("high", "mail"), state="busy", job="j", verdict=verdict),),
    )


def waiting_in_mail(status: Status, oldest_s: float, promise_s: int | None = None) -> Status:
    high, mail = status.queues
    return replace(status, queues=(high, replace(mail, oldest_s=oldest_s, promise_s=promise_s)))


GONE, LATE = replace(SCHEDULER, verdict="gone", seen_s=300.0), replace(SCHEDULER, verdict="late", seen_s=40.0)


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (WELL, []),
        (replace(WELL, suspended=True), [("suspended", "error", "workers")]),
        (high(waiting=3, workers=0), [("no_worker", "error", "high")]),
        (high(waiting=0, workers=0), []),
        (high(waiting=None, workers=0), []),
        (replace(WELL, queues=(HIGH, replace(MAIL, waiting=2, workers=0))), [("no_worker", "error", "mail")]),
        (high(waiting=1, oldest_s=5.0), []),
        (high(waiting=1, oldest_s=5.1), [("promise_broken", "error", "high")]),
        (high(waiting=1, oldest_s=9_999.0, promise_s=None), []),
        (ended(4, 5), [("failing", "error", "high")]),
        (ended(5, 5), []),
        (ended(3, 4), []),
        (ended(0, 1, 4), [("failing", "error", "high")]),
        (ended(0, 1, 3), []),
        (ended(1, 1, 40), []),
        (schedulers(SCHEDULER, orphaned=2), [("orphaned", "warning", "schedules")]),
        (schedulers(SCHEDULER, orphaned=None), []),
        (schedulers(armed=0, entries=7), [("other_prefix", "warning", "schedules")]),
        (schedulers(armed=0, paused=1, entries=7), []),
        (schedulers(armed=None, entries=7), []),
        # Plain rq-scheduler, without the job layer; and the job layer beside plain entries, without users yet.
        (schedulers(armed=0, entries=7, heartbeat=False), []),
        (schedulers(SCHEDULER, armed=0, entries=7), []),
        (high(overdue=2), [("retries_unmoved", "error", "high")]),
        (schedulers(), [("no_scheduler", "error", "rqscheduler")]),
        (schedulers(GONE), [("no_scheduler", "error", "rqscheduler")]),
        (schedulers(LATE), [("no_scheduler", "error", "rqscheduler")]),
        (schedulers(GONE, SCHEDULER), []),
        (schedulers(replace(SCHEDULER, kind="rq")), [("no_scheduler", "error", "rqscheduler")]),
        (schedulers(armed=0, entries=0), []),
        (schedulers(armed=None), []),
        (schedulers(armed=0, late=4, heartbeat=False), [("no_scheduler", "error", "rqscheduler")]),
        (schedulers(SCHEDULER, late=4), [("schedules_late", "warning", "schedules")]),
        (schedulers(SCHEDULER, quarantined=1), [("quarantined", "warning", "schedules")]),
        (schedulers(SCHEDULER, failing=1), [("schedules_failing", "warning", "schedules")]),
        (schedulers(SCHEDULER, failing=None), []),
        (schedulers(replace(SCHEDULER, poll_s=5.0)), []),
        (schedulers(replace(SCHEDULER, poll_s=60.0)), [("slow_poll", "warning", "s1")]),
        (schedulers(SCHEDULER, replace(GONE, poll_s=60.0)), []),
        (held(9.0, 2.0), []),
        (held(11.0, 2.0), [("pass_lock_held", "warning", "rqscheduler")]),
        (held(1.0, None), [("pass_lock_held", "error", "rqscheduler")]),
        (limits(maxmemory_policy="allkeys-lru"), [("evicting", "warning", "server")]),
        (limits(maxmemory_policy="volatile-ttl", maxmemory=1 << 30), [("evicting", "error", "server")]),
        (limits(maxmemory_policy=None), []),
        (limits(maxmemory=999_999), [("out_of_memory", "error", "server")]),
        (limits(maxmemory=2_000_000), []),
        (overtaken(99.0), [("starved", "error", "mail")]),
        (overtaken(101.0), []),
        (waiting_in_mail(overtaken(0.5), 31.0), [("starved", "error", "mail")]),
        (waiting_in_mail(overtaken(0.5), 29.0), []),
        (waiting_in_mail(overtaken(0.5), 60.0, promise_s=60), []),
        (replace(WELL, workers=(replace(WORKER, verdict="gone"),)), [("worker_gone", "warning", "w1")]),
        (replace(WELL, workers=(replace(WORKER, verdict="late"),)), []),
        (replace(WELL, refused=(Refused("rq:queues", "WRONGTYPE"),)), [("unreadable", "warning", "rq:queues")]),
        (replace(WELL, unread=(Unread("queues", 5_000, 9_000),)), [("not_all_read", "warning", "queues")]),
    ],
)
def test_a_problem_is_found_when_it_is_there(status: Status, found: list[tuple[str, str, str]]) -> None:
    assert codes(status) == found


def test_errors_come_before_warnings() -> None:
    status = replace(high(waiting=3, workers=0, oldest_s=60.0), pass_lock=PassLock(11.0, 2.0), schedulers=())
    assert [problem.severity for problem in find(status)] == ["error", "error", "error", "warning"]


def test_what_touches_more_of_users_work_comes_first_by_its_order_of_magnitude() -> None:
    few, many = replace(HIGH, waiting=3, workers=0), replace(HIGH, name="low", waiting=900, workers=0)
    more = replace(HIGH, name="default", waiting=400, workers=0)
    found = find(replace(WELL, queues=(few, more, many)))
    assert [(problem.subject, problem.touches) for problem in found] == [("default", 400), ("low", 900), ("high", 3)]
    assert all(problem.opens is not None for problem in found)


def test_every_problem_has_a_message_and_a_remedy() -> None:
    everything = replace(
        high(waiting=3, workers=0, oldest_s=60.0, overdue=1, ended=Ended(None, 0, 5, 0)),
        suspended=True,
        pass_lock=PassLock(11.0, 2.0),
        server=replace(WELL.server, maxmemory_policy="allkeys-lru"),
        workers=(replace(WORKER, verdict="gone"),),
        schedules=replace(WELL.schedules, quarantined=2, late=2, orphaned=2, failing=2),
        schedulers=(replace(SCHEDULER, poll_s=60.0),),
        refused=(Refused("rq:queues", "WRONGTYPE"),),
        unread=(Unread("queues", 5_000, 9_000),),
    )
    found = [*find(everything), *find(replace(everything, schedulers=()))]
    assert len({problem.code for problem in found}) == 16
    assert all(problem.message and problem.remedy for problem in found)
    assert {problem.code for problem in found} <= set(all_codes())


def test_many_of_a_kind_are_one_problem_that_counts_them() -> None:
    queues = tuple(replace(MAIL, name=f"q{n}", waiting=1, workers=0, overdue=1) for n in range(1_000))
    workers = tuple(replace(WORKER, name=f"w{n}", verdict="gone") for n in range(300))
    found = find(replace(WELL, queues=queues, workers=workers))
    assert [(problem.code, problem.subject) for problem in found] == [
        ("no_worker", "1,000 queues"),
        ("retries_unmoved", "1,000 queues"),
        ("worker_gone", "300 workers"),
    ]
    assert all(len(problem.message) < 200 for problem in found)


def test_the_others_are_counted_as_one_counts_them() -> None:
    workers = tuple(replace(WORKER, name=f"w{n}", verdict="gone") for n in range(5))
    for count, said in ((3, "w0, w1, w2"), (4, "w0, w1, w2 and 1 other"), (5, "w0, w1, w2 and 2 others")):
        assert message(replace(WELL, workers=workers[:count]), "worker_gone").endswith(f": {said}")


def test_a_broken_promise_tells_by_how_much_in_the_units_of_the_screen() -> None:
    said = message(high(waiting=1, oldest_s=80.0, promise_s=60), "promise_broken")
    assert said == "the next job has waited 20 s longer than the 1 min that is promised; 1 job waits"


def test_a_lane_that_fails_leads_to_the_failures_themselves() -> None:
    (problem,) = find(ended(1, 9))
    assert problem.remedy == "see what fails: tq-console failures --queue high"


def test_a_lock_whose_every_scheduler_is_gone_has_a_dead_holder() -> None:
    (dead,) = [found for found in find(replace(held(11.0, 2.0), schedulers=(GONE,))) if found.code == "pass_lock_held"]
    (doubtful,) = find(held(11.0, 2.0))
    assert "its holder is dead," in dead.message
    assert "or its pass is a very long one" in doubtful.message


def test_a_message_carries_the_name_as_it_is() -> None:
    (problem,) = find(replace(WELL, workers=(replace(WORKER, name="w\x1b[31m", verdict="gone"),)))
    assert isinstance(problem, Problem)
    assert problem.subject == "w\x1b[31m"


def message(status: Status, code: str) -> str:
    return next(problem.message for problem in find(status) if problem.code == code)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (schedulers(armed=1), "no_scheduler", "1 schedule is armed"),
        (schedulers(armed=2), "no_scheduler", "2 schedules are armed"),
        (schedulers(armed=0, late=1), "no_scheduler", "1 entry is late"),
        (schedulers(SCHEDULER, late=1), "schedules_late", "1 entry is more than 2 min past due"),
        (schedulers(SCHEDULER, quarantined=1), "quarantined", "1 entry is set aside"),
        (schedulers(SCHEDULER, orphaned=1), "orphaned", "1 schedule is listed"),
        (schedulers(SCHEDULER, failing=1), "schedules_failing", "1 schedule has failed at least 2 times in a row"),
        (schedulers(armed=0, entries=1), "other_prefix", "1 entry is here"),
        (high(overdue=1), "retries_unmoved", "1 retry or scheduled job is more than"),
        (replace(WELL, queues=(HIGH, replace(MAIL, waiting=1, workers=0))), "no_worker", "1 job waits and"),
        (ended(1, 9), "failing", "9 of 10 runs failed in the last 60 min"),
        (ended(0, 5, since_s=None), "failing", "5 of 5 runs failed so far"),
        (ended(0, 0, 6), "failing", "6 attempts failed in the last 60 min, and no run was done"),
    ],
)
def test_a_message_counts_in_words_that_fit_the_number(status: Status, code: str, words: str) -> None:
    assert message(status, code).startswith(words)


def test_a_scheduler_is_started_as_the_promises_need_it() -> None:
    remedies = {problem.code: problem.remedy for problem in find(schedulers(replace(LATE, poll_s=60.0)))}
    assert remedies == {"no_scheduler": "start one: rqscheduler -i 5", "slow_poll": "start it as rqscheduler -i 5"}
    plain = replace(schedulers(armed=0, late=4, heartbeat=False), queues=(MAIL,))
    assert [problem.remedy for problem in find(plain)] == ["start one: rqscheduler"]
    assert [starting.scheduler(promise) for promise in (None, 300, 60, 30, 2, 0.4)] == [
        "rqscheduler", "rqscheduler", "rqscheduler", "rqscheduler -i 5", "rqscheduler -i 2", "rqscheduler -i 1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "remedy"),
    [
        (["x; reboot"], "start one: rq worker 'x; reboot'"),
        (["über\nline"], "start one: rq worker $'über\\nline'"),
        (["-v"], "start one: rq worker -- -v"),
        (["a", "b"], "start one: rq worker a b"),
        (list("abcdefghijkl"), "start one: rq worker a b c d e f g h i j; then see the other 2 queues: tq-console status"),
    ],
)
def test_queues_of_any_names_are_told_as_a_shell_takes_them(names: list[str], remedy: str) -> None:
    waiting = replace(WELL, queues=(HIGH, *(replace(MAIL, name=name, waiting=1, workers=0) for name in names)))
    assert [problem.remedy for problem in find(waiting)] == [remedy]
    stuck = replace(WELL, queues=(HIGH, *(replace(MAIL, name=name, overdue=1) for name in names)))
    assert [problem.remedy for problem in find(stuck)] == [remedy.replace("rq worker", "rq worker --with-scheduler")]
