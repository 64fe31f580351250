"""Commands on workers, against stock ones: what the console says is what they do."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import psutil
import pytest
from redis import Redis
from rq import Queue, Retry, SimpleWorker
from rq.job import Job, JobStatus

from console.model import bulk
from console.model.bulk import Control, Report, carry_out
from console.model.commands import (
    Command,
    Everything,
    KillHorse,
    Outcome,
    ResumeAll,
    Seen,
    Shutdown,
    StopJob,
    Suspend,
    WorkerSeen,
    outcome,
)
from console.model.operations import Operation
from console.store.acts import workers
from console.store.writer import StoreWriter
from jobs import keys
from tests.catalogue import ROOT
from tests.conftest import Server, Stock, until
from tests.console.acting import acted

SLEEP = "tests.catalogue_tasks.dawdle"


@pytest.fixture
def writer(redis: Redis, server: Server) -> Iterator[StoreWriter]:
    made = StoreWriter(Redis.from_url(server.url), server.url)
    yield made
    made.close()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines for those that do nothing, so that the tests need not wait for long."""
    monkeypatch.setattr(bulk, "WATCH_S", 2.0)
    monkeypatch.setattr(workers, "PATIENCE", 1.0)


@pytest.fixture
def queue(redis: Redis) -> Queue:
    return Queue("mail", connection=redis)


def start(
    stock: Stock, redis: Redis, *options: str, name: str = "w1", queues: tuple[str, ...] = ("mail",)
) -> subprocess.Popen[bytes]:
    process = stock.worker(*queues, "--name", name, *options, PYTHONPATH=str(ROOT))
    until(lambda: redis.hget(f"rq:worker:{name}", "state") == b"idle" and listeners(redis, name), what=f"{name} waits for jobs")
    return process


def listeners(redis: Redis, name: str) -> int:
    [(_, count)] = redis.pubsub_numsub(f"rq:pubsub:{name}")
    return int(count)


def until_runs(job: Job) -> Job:
    until(lambda: job.get_status() == JobStatus.STARTED, what="the job runs")
    return job


def do(writer: StoreWriter, command: Command, *seen: Seen) -> Report:
    operation = Operation("op-1", "ann", "desk", 1.0, command.WORD, "", "these", len(seen), "redis://here")
    return carry_out(writer, operation, command, seen, Control(), lambda progress: None)


def one(report: Report) -> Outcome:
    [found] = report.outcomes
    return found


def seen(job: Job | None = None, name: str = "w1") -> WorkerSeen:
    return WorkerSeen(name.encode(), job.id.encode() if job else None)


def test_a_job_is_stopped_and_seen_to_be(redis: Redis, stock: Stock, queue: Queue, writer: StoreWriter) -> None:
    worker = start(stock, redis)
    job = until_runs(queue.enqueue(SLEEP, retry=Retry(max=3)))
    found = one(do(writer, StopJob(), seen(job)))
    assert (found.result, found.said) == ("done", f"{job.id} is stopped")
    assert job.get_status() == JobStatus.STOPPED
    assert redis.zscore("rq:failed:mail", job.id) is not None
    assert worker.poll() is None
    again = queue.enqueue("operator.add", 1, 2)
    until(lambda: again.get_status() == JobStatus.FINISHED, what="it takes the next job")
    assert redis.hgetall(keys.OPERATION + "op-1")[b"sent"] == b"1"


def test_only_the_job_that_was_seen_is_stopped(redis: Redis, stock: Stock, queue: Queue, writer: StoreWriter) -> None:
    start(stock, redis)
    other = queue.enqueue("operator.add", 1, 2)
    job = until_runs(queue.enqueue(SLEEP))
    for command in (StopJob(), KillHorse()):
        assert one(do(writer, command, seen(other))) == outcome(b"w1", "changed")
        assert one(do(writer, command, seen())).reason == "state"
        assert one(do(writer, command, seen(job, "nobody"))) == outcome(b"nobody", "gone")
    assert job.get_status() == JobStatus.STARTED


def test_what_has_only_just_been_taken_is_not_stopped(redis: Redis, stock: Stock, queue: Queue, writer: StoreWriter) -> None:
    """Before its horse is there, a worker that is told to kill it kills its own process group."""
    start(stock, redis)
    job = until_runs(queue.enqueue(SLEEP))
    redis.hset(f"rq:job:{job.id}", "status", "queued")
    found = one(do(writer, StopJob(), seen(job)))
    assert (found.result, found.reason) == ("skipped", "changed")
    assert "only just" in found.said
    redis.hset(f"rq:job:{job.id}", "status", "started")
    assert one(do(writer, StopJob(), seen(job))).result == "done"


def test_an_idle_worker_shuts_down(redis: Redis, stock: Stock, writer: StoreWriter) -> None:
    worker = start(stock, redis)
    found = one(do(writer, Shutdown(), seen()))
    assert (found.result, found.said) == ("done", "it has ended")
    assert worker.wait(10) == 0
    assert one(do(writer, Shutdown(), seen())).reason == "gone"


def test_a_busy_worker_ends_after_its_job_and_is_told_once(
    redis: Redis, stock: Stock, queue: Queue, writer: StoreWriter
) -> None:
    worker = start(stock, redis)
    job = until_runs(queue.enqueue("tests.catalogue_tasks.until_open"))
    found = one(do(writer, Shutdown(), seen(job)))
    assert found.result == "done"
    assert found.said == f"it still runs {job.id}, and ends after that"
    assert worker.poll() is None
    # A second one would be a cold one.
    assert one(do(writer, Shutdown(), seen(job))) == outcome(b"w1", "same")
    assert job.get_status() == JobStatus.STARTED
    redis.set("test:gate", 1)
    assert worker.wait(20) == 0
    assert job.get_status() == JobStatus.FINISHED


def test_a_work_horse_is_killed(redis: Redis, stock: Stock, queue: Queue, writer: StoreWriter) -> None:
    worker = start(stock, redis)
    job = until_runs(queue.enqueue(SLEEP))
    found = one(do(writer, KillHorse(), seen(job)))
    assert (found.result, found.said) == ("done", f"{job.id} is failed")
    assert job.get_status() == JobStatus.FAILED
    retried = until_runs(queue.enqueue(SLEEP, retry=Retry(max=2)))
    found = one(do(writer, KillHorse(), seen(retried)))
    assert found.result == "done"
    assert found.said.startswith(f"{retried.id} will be tried again")
    assert worker.poll() is None


@pytest.mark.usefixtures("soon")
def test_a_simple_worker_ignores_it_and_that_is_said(redis: Redis, stock: Stock, queue: Queue, writer: StoreWriter) -> None:
    start(stock, redis, "-w", f"{SimpleWorker.__module__}.SimpleWorker")
    job = until_runs(queue.enqueue("tests.catalogue_tasks.until_open"))
    for command in (StopJob(), KillHorse()):
        found = one(do(writer, command, seen(job)))
        assert (found.result, found.reason) == ("failed", "ignored")
        assert f"{job.id} still runs" in found.said
        assert "SimpleWorker" in found.said
    assert job.get_status() == JobStatus.STARTED
    redis.set("test:gate", 1)
    until(lambda: job.get_status() == JobStatus.FINISHED, what="the job ends by itself")


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("busy", [False, True])
def test_a_halted_worker_ignores_it_and_that_is_said(
    redis: Redis, stock: Stock, queue: Queue, writer: StoreWriter, busy: bool
) -> None:
    worker = start(stock, redis)
    job = until_runs(queue.enqueue("tests.catalogue_tasks.until_open")) if busy else None
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        commands: list[Command] = [Shutdown(), StopJob(), KillHorse()] if busy else [Shutdown()]
        found = [one(do(writer, command, seen(job))) for command in commands]
        assert [(outcome.result, outcome.reason) for outcome in found] == [("failed", "ignored")] * len(commands)
        assert "goes on as it was" in found[0].said
        assert worker.poll() is None
    finally:
        # What it was told waits for it: whether RQ still obeys when it goes on is RQ's.
        for process in (halted := psutil.Process(worker.pid), *halted.children()):
            process.kill()
    worker.wait(20)


def test_nobody_listens_where_a_worker_was_killed(redis: Redis, stock: Stock, writer: StoreWriter) -> None:
    worker = start(stock, redis)
    worker.kill()
    worker.wait()
    until(lambda: not listeners(redis, "w1"), what="its connection is closed")
    found = one(do(writer, Shutdown(), seen()))
    assert (found.result, found.reason) == ("skipped", "gone")
    assert "nobody listens" in found.said


def test_one_that_was_started_anew_under_the_same_name_is_another(redis: Redis, stock: Stock, writer: StoreWriter) -> None:
    start(stock, redis)
    [told] = acted(writer, operation(Shutdown()), Shutdown(), [seen()], 1.0)
    assert told.result == "sent"
    until(lambda: redis.hexists("rq:worker:w1", "death"), what="it has ended")
    start(stock, redis)
    [found] = writer.check(Shutdown(), [seen()])
    assert (found.result, found.said) == ("done", "it has ended")


def operation(command: Command) -> Operation:
    return Operation("op-1", "ann", "desk", 1.0, command.WORD, "", "these", 1, "redis://here")


def test_all_workers_are_suspended_and_resumed(redis: Redis, stock: Stock, queue: Queue, writer: StoreWriter) -> None:
    start(stock, redis)
    busy = start(stock, redis, name="w2", queues=("slow",))
    running = until_runs(Queue("slow", connection=redis).enqueue("tests.catalogue_tasks.until_open"))
    [told] = acted(writer, operation(Suspend()), Suspend(), [Everything()], 1.0)
    assert told.result == "sent"
    [found] = writer.check(Suspend(), [Everything()])
    assert found.result == "sent"
    still, notices = "1 worker still runs a job", "the idle worker takes one more job, if there is one, before it notices"
    assert found.said == f"{still}; {notices}"
    redis.set("test:gate", 1)
    until(lambda: running.get_status() == JobStatus.FINISHED, what="the job ends")
    until(lambda: writer.check(Suspend(), [Everything()]) == [Outcome(b"everything", "done", said=notices)], what="one is left")
    # As is said: one job more, and then none.
    jobs = [queue.enqueue("operator.add", 1, n) for n in range(3)]
    until(lambda: redis.hget("rq:worker:w1", "state") == b"suspended", what="it notices")
    assert [job.get_status() for job in jobs] == [JobStatus.FINISHED, JobStatus.QUEUED, JobStatus.QUEUED]
    assert one(do(writer, Suspend(), Everything())).reason == "same"
    found = one(do(writer, ResumeAll(), Everything()))
    assert (found.result, found.said) == ("done", "2 workers at work")
    until(lambda: jobs[-1].get_status() == JobStatus.FINISHED, what="all is done")
    assert one(do(writer, ResumeAll(), Everything())).reason == "same"
    assert busy.poll() is None


@pytest.mark.usefixtures("soon")
def test_suspending_does_not_wait_for_a_job_that_lasts(redis: Redis, stock: Stock, queue: Queue, writer: StoreWriter) -> None:
    start(stock, redis)
    until_runs(queue.enqueue("tests.catalogue_tasks.until_open"))
    found = one(do(writer, Suspend(for_s=30), Everything()))
    assert (found.result, found.said) == ("done", "1 worker still runs a job")
    assert 0 < redis.ttl("rq:suspended") <= 30
    assert one(do(writer, Suspend(for_s=0), Everything())).reason == "invalid"


def test_a_suspension_that_ends_before_a_job_was_one(redis: Redis, stock: Stock, queue: Queue, writer: StoreWriter) -> None:
    start(stock, redis)
    until_runs(queue.enqueue("tests.catalogue_tasks.until_open"))
    found = one(do(writer, Suspend(for_s=1), Everything()))
    assert (found.result, found.said) == ("done", "for 1 s, which are over")
    assert not redis.exists("rq:suspended")


def test_a_queue_of_another_type_would_end_its_worker(redis: Redis, stock: Stock, queue: Queue) -> None:
    """Why no lane can be paused by its key: who serves it ends, and who enqueues fails."""
    redis.set("rq:queue:mail", "paused")
    worker = stock.worker("high", "mail", "low")
    assert worker.wait(20) == 0
    assert "found an unhandled exception, quitting" in stock.logs()
    with pytest.raises(Exception, match="WRONGTYPE"):
        queue.enqueue("operator.add", 1, 2)
