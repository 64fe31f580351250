"""What RQ and rq-scheduler can do to more than one job, to entries and to all workers: ours against their own calls."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from redis import Redis
from rq import Queue
from rq.job import Job
from rq.suspension import resume, suspend
from rq_scheduler import Scheduler

from console.model.commands import Command, Delete, Everything, Remove, Reschedule, ResumeAll, ScheduleSeen, Seen, Suspend
from console.model.queries import JobsQuery
from console.store.reader import StoreReader
from tests.catalogue_tasks import echo
from tests.conftest import Server, Stock
from tests.console.acting import act, codes, differences, only_meant
from tests.console.catalogued import catalogued, of_states

ENTRIES = "rq:scheduler:scheduled_jobs"


def do(redis: Redis, command: Command, *seen: Seen, result: str = "done") -> None:
    assert codes(act(redis, command, *seen)) == [result] * len(seen)  # type: ignore[arg-type]


def test_leaves_what_emptying_a_queue_leaves(redis: Redis, stock: Stock, server: Server) -> None:
    names = {one.queue for one in of_states(redis, catalogued(redis, stock), "queued")}
    found = []
    for name in sorted(names):
        chunks = StoreReader(redis, server.url).select(JobsQuery("queued", name), time.time(), lambda: False, details=False)
        here = [one for chunk in chunks for one in chunk.seen]

        def ours(here: list[Seen] = here) -> None:
            do(redis, Delete(with_entry=True, with_dependents=True), *here)

        found += differences(redis, Queue(name.decode(), connection=redis).empty, ours)
    only_meant("empty", found)


def test_suspends_and_resumes_as_rq_does(redis: Redis) -> None:
    everything = Everything()
    found = differences(redis, lambda: suspend(redis), lambda: do(redis, Suspend(), everything, result="sent"))
    found += differences(redis, lambda: resume(redis), lambda: do(redis, ResumeAll(), everything, result="sent"))
    found += differences(redis, lambda: suspend(redis, 600), lambda: do(redis, Suspend(600), everything, result="sent"))
    only_meant("suspend", found)


def entry(redis: Redis) -> tuple[Job, ScheduleSeen]:
    """An entry that repeats, and is due in an hour."""
    at = datetime.now(UTC).replace(microsecond=0, tzinfo=None) + timedelta(hours=1)
    job = Scheduler(connection=redis).schedule(at, echo, (1,), interval=3_600)
    return job, ScheduleSeen(job.id.encode(), "entries", redis.zscore(ENTRIES, job.id))


def test_reschedules_an_entry_as_rq_scheduler_does(redis: Redis) -> None:
    job, seen = entry(redis)
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)

    def theirs() -> None:
        Scheduler(connection=redis).change_execution_time(job, due.replace(tzinfo=None))

    found = differences(redis, theirs, lambda: do(redis, Reschedule(due.timestamp()), seen))
    only_meant("reschedule", found)


def test_removes_an_entry_as_rq_scheduler_does_and_its_job(redis: Redis) -> None:
    job, seen = entry(redis)
    found = differences(redis, lambda: Scheduler(connection=redis).cancel(job), lambda: do(redis, Remove(), seen))
    only_meant("remove", found)
