"""Each command on workers by its key, with stock ones: what they do is what the console says of them."""

from __future__ import annotations

from typing import Any

from redis import Redis
from rq import Queue
from rq.job import JobStatus

from tests.catalogue import ROOT
from tests.catalogue_tasks import echo
from tests.conftest import Stock, until
from tests.console.driven import confirm, drive, mail
from tests.fast_tiers import fast_tiers

__all__ = ["drive", "fast_tiers", "mail"]


def running(mail: Queue, stock: Stock, id: str = "long", name: str = "w1") -> Any:
    """A job that a worker runs."""
    job = mail.enqueue("tests.catalogue_tasks.dawdle", job_id=id)
    stock.worker("mail", "--name", name, "-w", "rq.Worker", PYTHONPATH=str(ROOT))
    until(lambda: job.get_status() == JobStatus.STARTED, what="it runs")
    return job


async def test_x_stops_the_job_of_a_worker(redis: Redis, mail: Queue, stock: Stock, drive: Any) -> None:
    job = running(mail, stock)
    async with drive("workers") as driver:
        await driver.shows("w1", "1 busy", "X stop job")
        await driver.press("X")
        await confirm(driver, "Stop the job of 1 worker", "worker w1")
        await driver.until(lambda: "stopped 1 · long is stopped" in driver.text, "seen to be stopped", timeout=20)
        assert job.get_status() == JobStatus.STOPPED
        await driver.until(lambda: driver.app.view.table.row().job_key is None, "its worker is idle", timeout=20)
        await driver.press("X")
        await driver.says("no job runs there")
    assert redis.hget("rq:worker:w1", "state") in (b"idle", b"busy")


async def test_k_kills_the_work_horse(redis: Redis, mail: Queue, stock: Stock, drive: Any) -> None:
    job = running(mail, stock)
    async with drive("workers") as driver:
        await driver.shows("w1", "1 busy")
        await driver.press("K")
        await confirm(driver, "Kill the work-horse of 1 worker", "worker w1")
        await driver.until(lambda: "killed 1 · long is failed" in driver.text, "seen to be killed", timeout=20)
        assert job.get_status() == JobStatus.FAILED
        # The worker lives on, and takes the next job.
        after = mail.enqueue(echo, job_id="after")
        await driver.until(lambda: after.get_status() == JobStatus.FINISHED, "the worker goes on", timeout=20)


async def test_marked_workers_are_shut_down_and_the_busy_one_ends_after_its_job(
    redis: Redis, mail: Queue, stock: Stock, drive: Any
) -> None:
    mail.enqueue("tests.catalogue_tasks.until_open", job_id="short")
    busy = stock.worker("mail", "--name", "busy", PYTHONPATH=str(ROOT))
    until(lambda: redis.hget("rq:worker:busy", "state") == b"busy", what="it is busy")
    idle = stock.worker("mail", "--name", "idle", PYTHONPATH=str(ROOT))
    until(lambda: redis.hget("rq:worker:idle", "state") == b"idle", what="it is idle")
    async with drive("workers") as driver:
        await driver.shows("busy", "idle", "2 workers")
        await driver.press("asterisk", "S")
        await confirm(driver, "Shut down 2 workers, each after its job")
        await driver.until(lambda: "shut down 2" in driver.text, "told", timeout=20)
        await driver.press("v")
        await driver.shows("it still runs short, and ends after that", "it has ended")
        await driver.press("escape")
        await driver.until(lambda: idle.poll() is not None, "the idle one has ended", timeout=20)
        assert busy.poll() is None
        redis.set("test:gate", 1)
        await driver.until(lambda: busy.poll() is not None, "the busy one has ended", timeout=20)
