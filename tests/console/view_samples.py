"""Frozen snapshots as a reader would give them: an installation as it was on 14 March 2025 at 14:02:11 UTC."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from console.model.activity import ActivityPage, Happened, OperationRow
from console.model.job import Attempt, JobDetail, Place, Related
from console.model.operations import Counts
from console.model.pages import JobRow
from console.model.payload import Call, Many, Pairs
from console.model.schedules import RunRow, ScheduleRow, SchedulesPage, UserPage
from console.model.status import ScheduleCounts, SchedulerStatus, ServerInfo, Status, WorkerStatus
from console.model.why.reasons import Reason
from console.model.workers import WorkerRow, WorkersPage

NOW = 1_741_960_931.0

HOSTILE = "\x1b]52;c;aGFja2Vk\x07\x1b[2J[red]x[/]\u202egnp\x9b31m\n\r"
"""What a stranger may write anywhere: clipboard, clear screen, markup, an override of direction, C1, ends of lines."""

TRACEBACK = """Traceback (most recent call last):
  File "/srv/venv/lib/python3.12/site-packages/httpx/_transports/default.py", line 101, in map_httpcore_exceptions
    yield
  File "/usr/lib/python3.12/ssl.py", line 1167, in read
    return self._sslobj.read(len, buffer)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
TimeoutError: The read operation timed out

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/venv/lib/python3.12/site-packages/rq/job.py", line 1320, in perform
    self._result = self._execute()
  File "/srv/app/shop/scrape.py", line 88, in scrape_for_user
    page = fetch(url, timeout=limits.read_s)
  File "/srv/app/shop/fetch.py", line 31, in fetch
    return client.get(url)
shop.fetch.ReadTimeout: shop.example did not answer within 20 s
"""


def run(ago_s: float, state: str = "finished", took_s: float | None = 4.1, reason: str = "") -> RunRow:
    return RunRow(f"tq-scrape-0123456789-{NOW - ago_s:.0f}", "slot", state, NOW - ago_s, NOW - ago_s, took_s, 1, reason)


def runs(states: str, every_s: float = 3_600) -> tuple[RunRow, ...]:
    """Runs from the oldest to the newest, a letter each: . finished, x failed."""
    return tuple(
        run(2_880 + at * every_s, "finished" if one == "." else "failed", 4.1 if one == "." else 20.0)
        for at, one in enumerate(reversed(states))
    )


def schedule(user: str = "ada@example.com", **changes: Any) -> ScheduleRow:
    row = ScheduleRow(
        key=f"tq-scrape-{user}".encode("utf-8", "surrogateescape"),
        id=f"tq-scrape-{user}",
        source="user",
        state="armed",
        user=user,
        tier="pro",
        task="scrape",
        lane="high",
        cadence="every hour, at :17",
        next_at=NOW + 769,
        runs=runs("......x..."),
        fired=212,
    )
    return replace(row, **changes)


SCHEDULES = (
    schedule(),
    schedule("bob", tier="free", lane="low", cadence="daily 09:00, Europe/Rome", zone="Europe/Rome", state="failing",
             next_at=NOW + 68_000,
             runs=runs("........xx"), last_error="ReadTimeout: shop.example did not answer within 20 s"),
    schedule("cy", cadence="every hour, at :41", state="paused", next_at=None, runs=runs("....."), note="vendor asked",
             noted_by="ann", why=Reason("paused", "vendor asked, ann")),
    schedule("dora@a-very-long-domain-name.example.org", tier="standard", lane="default", state="late", next_at=NOW - 4_000,
             runs=(), skipped={"overlapping": 3, "too late": 1}, why=Reason("no_scheduler", "no rqscheduler")),
    schedule("日本語ユーザー", state="running", runs=(run(30, "running", None), *runs("..."))),
)  # fmt: skip


def entry(number: int, **changes: Any) -> ScheduleRow:
    row = ScheduleRow(
        key=f"entry-{number}".encode(),
        id=f"entry-{number}",
        source="rq-scheduler",
        state="foreign",
        lane="mail",
        cadence="every 15 min",
        call=f"shop.mail.digest({number})",
        next_at=NOW + number * 60,
    )
    return replace(row, **changes)


def schedules_page(
    rows: tuple[ScheduleRow, ...] = SCHEDULES, start: int = 0, total: int | None = None, **more: Any
) -> SchedulesPage:
    counts = {"user": 100_000, "entries": 100_012, "rq": 41, "cron": 0}
    return SchedulesPage(NOW, start, len(rows) if total is None else total, rows, counts, **more)


def worker(name: str, verdict: Any = "live", state: str = "idle", **changes: Any) -> WorkerRow:
    status = WorkerStatus(name, "jobs-1", ("high", "default", "low"), state, verdict, None, 7.0, 1_204, 3)
    row = WorkerRow(name.encode("utf-8", "surrogateescape"), status, None, "", None, None, NOW - 90_000, 0.42, "3.0.0")
    named = {"host", "queues", "job", "heartbeat_s", "done", "failed"}
    row = replace(row, status=replace(status, **{field: value for field, value in changes.items() if field in named}))
    return replace(row, **{field: value for field, value in changes.items() if field not in named})


WORKERS = (
    worker("worker-a.1834", state="busy", job="j-1", job_key=b"j-1", call="shop.scrape.scrape_for_user('ada@example.com')",
           running_s=12.0, progress=(0.4, "page 4 of 10")),
    worker("worker-b.1835"),
    worker("0f3c9a5be1d24a6a9d0d6c4f5b1e8a77", "gone", "busy", host=None, heartbeat_s=1_900.0, job="j-2", job_key=b"j-2",
           call="shop.report.monthly('2025-02')", running_s=1_905.0, failed=0, done=17),
    worker("worker-d.77", "late", heartbeat_s=110.0, queues=("mail",), version=None, busy_share=None),
)  # fmt: skip

SCHEDULERS = (
    SchedulerStatus("rqscheduler", "d5a1e9b2", "jobs-1", 5.0, 0.0, 2.0, "live"),
    SchedulerStatus("rq", "scheduler-77", "jobs-2", None, None, 300.0, "gone"),
    SchedulerStatus("rq-cron", "cron-1", None, None, None, 12.0, "live"),
)


def workers_page(rows: tuple[WorkerRow, ...] = WORKERS, **changes: Any) -> WorkersPage:
    return replace(WorkersPage(NOW, rows, SCHEDULERS, False), **changes)


def status(**changes: Any) -> Status:
    gone = WORKERS[2].status
    counts = ScheduleCounts(99_000, 1_000, 0, 0, 0, 8_000, 100_012, True, 0)
    server = ServerInfo("redis://cache-1:6379/0", "valkey", "9.1.0", 0.4, 1_000_000, 0, "noeviction")
    return replace(Status(NOW, server, (), (WORKERS[0].status, gone), (), counts, False, None), **changes)


JOB = JobDetail(
    as_of=NOW,
    key=b"tq-scrape-0123456789-1741957020",
    id="tq-scrape-0123456789-1741957020",
    found=True,
    queue="high",
    status="failed",
    description="scrape ada@example.com",
    call=Call("shop.scrape.scrape_for_user", None, ("ada@example.com", Many("list", ("https://shop.example/p/1",))),
              (("limit", 20),)),
    meta=Pairs((("user_id", "ada@example.com"), ("trace", Pairs((("id", 7),))))),
    user="ada@example.com",
    tier="pro",
    task="scrape",
    schedule="tq-scrape-0123456789",
    slot=NOW - 3_911,
    created_at=NOW - 3_910,
    enqueued_at=NOW - 3_910,
    started_at=NOW - 3_600,
    ended_at=NOW - 3_580,
    worker="worker-a.1834",
    expires_s=600_000.0,
    retries_left=0,
    retries=2,
    attempts=(
        Attempt(1, NOW - 3_900, NOW - 3_880, "worker-b.1835", "retried",
                "ReadTimeout: shop.example did not answer within 20 s"),
        Attempt(2, NOW - 3_600, NOW - 3_580, "worker-a.1834", "failed",
                "shop.fetch.ReadTimeout: shop.example did not answer within 20 s", TRACEBACK),
    ),
    attempts_total=2,
    depends_on=(Related(b"parent-1", "parent-1", "finished", "shop.login.session('ada@example.com')"),),
    dependents=(Related(b"child-1", "child-1", "deferred", "shop.mail.send('ada@example.com')"),
                Related(b"child-2", "child-2", None)),
    dependents_total=9,
    places=(Place("rq:failed:high", 3, NOW + 600_000),),
    progress=(0.4, "page 4 of 10"),
    log=tuple((NOW - 3_600 + at, f"page {at} read") for at in range(12)),
    fields={"timeout": "180", "result_ttl": "3600", "failure_ttl": "604800", "group_id": "morning " + "x" * 200},
)  # fmt: skip


def job_row(name: str, state: str, **changes: Any) -> JobRow:
    row = JobRow(name.encode(), name, "high", state, f"shop.scrape.scrape_for_user('{name}')", "ada@example.com", "pro",
                 "scrape", NOW - 4_000, NOW - 4_000, NOW - 3_600, NOW - 3_580)  # fmt: skip
    return replace(row, **changes)


USER = UserPage(
    as_of=NOW,
    id="ada@example.com",
    found=True,
    tier="pro",
    zone="Europe/Rome",
    active=True,
    sources=("https://shop.example/p/1", "https://shop.example/p/2"),
    webhook="https://hooks.example/ada",
    created_at=NOW - 9_000_000,
    updated_at=NOW - 90_000,
    schedules=(
        schedule(next_slots=tuple(NOW + 769 + 3_600 * at for at in range(5))),
        schedule(task="deliver", key=b"tq-deliver-ada", id="tq-deliver-ada", state="failing", runs=runs("....xx"),
                 last_error="HTTPStatusError: 410 hooks.example", skipped={"overlapping": 2}),
    ),
    jobs=(
        job_row("run-1", "running", ended_at=None),
        job_row("run-2", "failed", error="shop.fetch.ReadTimeout: shop.example did not answer within 20 s"),
    ),
    changes=3,
    delivered=1_204,
)  # fmt: skip


def operation(number: int = 1, **changes: Any) -> OperationRow:
    row = OperationRow(
        key=f"{(NOW - 60 * number) * 1_000:.0f}-0".encode(),
        id=f"1k6z0q{number:x}b7rt",
        at=NOW - 60 * number,
        who="ann",
        host="ops-1",
        command="requeue",
        scope="all failed jobs of every queue, under error:Timeout",
        target="rediss://…@cache-1/0",
        why="the vendor is back",
        matched=1_947,
        ended_at=NOW - 60 * number + 4,
        how="done",
        counts=Counts(1_944, 0, {"changed": 3}, {}),
    )
    return replace(row, **changes)


OPERATIONS = (
    operation(1, how="", ended_at=None, counts=Counts(1_200), matched=18_240, command="delete", options="with_dependents",
              undo_until=NOW + 3_540, in_trash=1_200, why=""),
    operation(2),
    operation(9, who="bob", command="cancel", how="canceled", counts=Counts(200), matched=412, why=""),
    operation(12, how="broken off", counts=Counts(400, 2, {}, {"unknown": 200}), said="rediss://…@cache-1/0 is gone"),
    operation(40, command="delete", how="done", matched=12, counts=Counts(12), undo_until=NOW + 1_200, in_trash=11),
    operation(70, how="stopped", counts=Counts(5, 0, {}, {}), matched=212, said="of 5 that have ended 5 failed again (100%)"),
    OperationRow(b"1741950000000-0", "", NOW - 10_931, said="hello=world", foreign=True),
)  # fmt: skip

HAPPENED = (
    Happened(b"worker 0f3c9a5b", "gone", "0f3c9a5be1d24a6a9d0d6c4f5b1e8a77", at=NOW - 1_900, why="j-2", job=b"j-2"),
    Happened(b"entry 7", "set aside", "old-report", at=NOW - 7_200, why="its id cannot be decoded"),
    Happened(b"orphaned", "orphaned", count=3),
    Happened(b"recovered", "recovered", count=2),
    Happened(b"skipped overlap", "skipped", "overlap", 41),
)


def activity_page(rows: tuple[OperationRow, ...] = OPERATIONS, **changes: Any) -> ActivityPage:
    return replace(ActivityPage(NOW, 0, len(rows), rows, HAPPENED), **changes)
