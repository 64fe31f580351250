"""The audit: noted before anything is done and after it, whoever is killed in between, without secrets and without an end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from console.model.bulk import Report, settled
from console.model.commands import Delete, JobSeen, Outcome, Requeue, outcome
from console.model.operations import Counts, Ended, Operation, resolved
from console.model.ports import WriteError
from console.operator import operation_id, operator, signature
from console.store.acts import audit
from console.store.writer import StoreWriter, open_writer
from jobs import keys
from tests.conftest import Server
from tests.console.acting import acted
from tests.console.giving import codes, do
from tests.console.replicas import primary_and_replica
from tests.console.rights import RIGHTS, reading_user
from tests.contents import contents


def operation(**given: Any) -> Operation:
    now = time.time()
    plain: dict[str, Any] = {
        "id": operation_id(now), "who": "ann", "host": "ops-1", "at": now, "command": "requeue", "options": "",
        "scope": "everything that failed in the queue mail", "matched": 3, "target": "redis://cache-1:6379/0", "why": "fixed",
    }  # fmt: skip
    return Operation(**{**plain, **given})


def entries(redis: Redis) -> list[dict[str, str]]:
    """The audit's entries, the oldest first."""
    found: Any = redis.xrange(keys.ACTIVITY)
    return [{name.decode(): value.decode() for name, value in fields.items()} for _, fields in found]


@pytest.fixture
def writer(redis: Redis, server: Server) -> Iterator[StoreWriter]:
    made = open_writer(server.url, mask=("iban",))
    yield made
    made.close()


def test_both_ends_of_an_operation_are_noted(redis: Redis, writer: StoreWriter) -> None:
    asked = operation(options="at-front")
    writer.begin(asked)
    assert entries(redis) == [
        {
            "event": "begun", "operation": asked.id, "who": "ann", "host": "ops-1", "command": "requeue",
            "options": "at-front", "scope": "everything that failed in the queue mail", "matched": "3",
            "target": "redis://cache-1:6379/0", "why": "fixed",
        }
    ]  # fmt: skip
    counts = Counts(1, 2, {"changed": 3, "gone": 4}, {"unknown": 5})
    assert writer.end(asked, Ended(time.time(), "broken off", counts, "the server went away")) is None
    assert entries(redis)[1] == {
        "event": "ended", "operation": asked.id, "how": "broken off", "done": "1", "sent": "2", "skipped:changed": "3",
        "skipped:gone": "4", "failed:unknown": "5", "said": "the server went away",
    }  # fmt: skip
    assert 6 * 86_400 < redis.ttl(keys.OPERATION + asked.id) <= 7 * 86_400


def test_what_went_into_the_trash_can_be_undone_until_it_is_emptied(redis: Redis, writer: StoreWriter) -> None:
    asked, until_then = operation(command="delete"), time.time() + 3_600
    writer.begin(asked)
    redis.zadd(keys.TRASH, {asked.id: until_then, "another": until_then + 60})
    assert writer.end(asked, Ended(time.time(), "done", Counts(3))) == pytest.approx(until_then)
    assert float(entries(redis)[1]["undo_until"]) == pytest.approx(until_then, abs=0.01)


def test_no_secret_and_no_text_without_an_end_is_written(redis: Redis, writer: StoreWriter) -> None:
    asked = operation(
        why="they sent token=hunter2, iban: hunter2",
        scope="func:x password=hunter2 " + "and more " * 10_000,
        options="to redis://ops:hunter2@cache-1/0?x=hunter2",
        target="rediss://ops:hunter2@cache-1/0",
        who="\udcff ann \x1b[2J",
    )
    writer.begin(asked)
    writer.end(asked, Ended(time.time(), "broken off", Counts(), "redis://ops:hunter2@cache-1/0 " + "x" * 100_000))
    told = entries(redis)
    assert "hunter2" not in repr(told)
    assert max(len(value) for entry in told for value in entry.values()) <= audit.MAX_TEXT
    assert told[0]["who"] == "? ann \x1b[2J"
    assert "and more" in told[0]["scope"]
    assert told[0]["scope"].endswith("…")


def test_the_stream_is_capped(redis: Redis, writer: StoreWriter) -> None:
    with redis.pipeline(transaction=False) as pipe:
        for n in range(audit.ENTRIES + 500):
            pipe.xadd(keys.ACTIVITY, {"n": n})
        pipe.execute()
    for _ in range(3):
        writer.begin(operation())
    assert audit.ENTRIES <= redis.xlen(keys.ACTIVITY) < audit.ENTRIES + 200
    assert entries(redis)[-1]["event"] == "begun"


def test_a_script_counts_what_it_does_while_it_does_it(redis: Redis, writer: StoreWriter) -> None:
    queue = Queue("mail", connection=redis)
    failed = [queue.enqueue("operator.truediv", 1, 0) for _ in range(3)]
    for job in failed:
        redis.lrem(queue.key, 0, job.id)
        redis.hset(job.key, "status", "failed")
        redis.zadd(keys.RQ_FAILED + "mail", {job.id: 4_000_000_000})
    seen = [JobSeen(job.id.encode(), b"mail", "failed", 4_000_000_000) for job in failed]
    redis.zadd(keys.RQ_FAILED + "mail", {failed[2].id: 5_000_000_000})
    asked = operation()
    writer.begin(asked)
    assert [one.result for one in acted(writer, asked, Requeue(), seen, time.time())] == ["done", "done", "skipped"]
    counted: Any = redis.hgetall(keys.OPERATION + asked.id)
    assert (counted[b"done"], counted[b"changed"]) == (b"2", b"1")


def test_what_no_script_counts_is_counted_all_the_same(redis: Redis, writer: StoreWriter) -> None:
    asked = operation(command="stop")
    writer.begin(asked)
    told = [Outcome(b"a", "sent"), Outcome(b"b", "done"), Outcome(b"c", "failed", "ignored"), Outcome(b"d", "done")]
    audit.count(redis, asked.id, told[:2])
    audit.count(redis, asked.id, told[2:])
    found: Any = redis.hgetall(keys.OPERATION + asked.id)
    assert {name: value for name, value in found.items() if name != b"begun"} == {
        b"sent": b"1",
        b"done": b"2",
        b"ignored": b"1",
    }


KILLED = """
import sys, time
from console.model.commands import Requeue, JobSeen
from console.model.operations import Operation
from console.store.writer import open_writer

writer = open_writer(sys.argv[1])
now = time.time()
asked = Operation(sys.argv[2], "ann", "ops-1", now, "requeue", "", "two of four", 4, "redis://cache-1/0")
writer.begin(asked)
seen = [JobSeen(one.encode(), b"mail", "failed", 4_000_000_000.0) for one in sys.argv[3:]]
list(writer.act(asked, Requeue(), seen, lambda: now))
print("acted", flush=True)
time.sleep(600)
"""


def killed_between_begin_and_end(redis: Redis, url: str, folder: Path) -> str:
    """The id of an operation on four failed jobs of which two were done when its process was killed."""
    queue = Queue("mail", connection=redis)
    failed = [queue.enqueue("operator.truediv", 1, 0) for _ in range(4)]
    for job in failed:
        redis.lrem(queue.key, 0, job.id)
        redis.hset(job.key, "status", "failed")
        redis.zadd(keys.RQ_FAILED + "mail", {job.id: 4_000_000_000})
    redis.zadd(keys.RQ_FAILED + "mail", {failed[1].id: 5_000_000_000})
    program = folder / "killed.py"
    program.write_text(textwrap.dedent(KILLED))
    name = operation_id(time.time())
    process = subprocess.Popen(
        [sys.executable, str(program), url, name, *(job.id for job in failed[:3])],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=folder,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"acted\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
    return name


def test_a_killed_process_leaves_its_beginning_and_true_counts(redis: Redis, server: Server, tmp_path: Path) -> None:
    name = killed_between_begin_and_end(redis, server.url, tmp_path)
    assert [(one["event"], one["operation"], one["matched"]) for one in entries(redis)] == [("begun", name, "4")]
    counted: Any = redis.hgetall(keys.OPERATION + name)
    assert (counted[b"done"], counted[b"changed"]) == (b"2", b"1")
    assert redis.llen("rq:queue:mail") == 2


# --- a server that refuses --------------------------------------------------------------------------


def test_a_user_who_may_only_read_is_refused_and_nothing_is_done(redis: Redis, server: Server) -> None:
    Queue("mail", connection=redis).enqueue("operator.add", 1, 2)
    before = redis.info()["rdb_changes_since_last_save"]
    with reading_user(redis, server.url, RIGHTS) as url:
        writer = open_writer(url)
        asked = operation(command="delete")
        with pytest.raises(WriteError, match=r"the server refuses.*put another user into RQ_REDIS_URL") as caught:
            writer.begin(asked)
        assert caught.value.refused
        assert "hunter2" not in str(caught.value)
        with pytest.raises(WriteError) as caught:
            acted(writer, asked, Requeue(), [JobSeen(b"a", b"mail", "failed", 1.0)], time.time())
        assert caught.value.refused
        writer.close()
    assert redis.info()["rdb_changes_since_last_save"] == before


def test_a_replica_refuses_and_that_is_told(tmp_path: Path) -> None:
    with primary_and_replica(tmp_path) as (_, replica):
        writer = open_writer(replica)
        with pytest.raises(WriteError, match="it is a replica; let RQ_REDIS_URL name the primary") as caught:
            writer.begin(operation())
        assert caught.value.refused
        writer.close()


def test_a_server_that_is_not_there_may_be_tried_again() -> None:
    writer = open_writer("unix:///nowhere/valkey.sock")
    with pytest.raises(WriteError, match="cannot be reached") as caught:
        writer.begin(operation())
    assert not caught.value.refused
    with pytest.raises(WriteError, match="is no Redis URL"):
        open_writer("cache-1:6379")


def test_a_stream_that_is_none_lets_nothing_be_done(redis: Redis, writer: StoreWriter) -> None:
    redis.set(keys.ACTIVITY, "x")
    with pytest.raises(WriteError, match="WRONGTYPE"):
        writer.begin(operation())


# --- who -------------------------------------------------------------------------------------------


def test_who_acts_is_the_named_operator_or_the_user_of_the_machine() -> None:
    assert operator({"TQ_OPERATOR": " ann "}).who == "ann"
    assert operator({}).who
    assert operator({"TQ_OPERATOR": "x" * 5_000}).who == "x" * 200
    assert operator({}).host == os.uname().nodename
    assert signature({"TQ_OPERATOR": "ann"}) == "ann"
    assert signature({}) == f"{operator({}).who}@{operator({}).host}"


def test_names_of_operations_sort_by_time_and_can_be_typed() -> None:
    names = [operation_id(1_764_079_331.0 + n) for n in range(50)]
    assert sorted(names) == names
    assert all(re.fullmatch(r"[0-9a-z]{6,16}", name) for name in names)
    assert len({operation_id(1_764_079_331.0) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("told", "kept", "whole", "expected"),
    [
        (Counts(2, 0, {"state": 3}, {"unknown": 4}), Counts(5), True, Counts(5, 0, {"state": 3})),
        (Counts(2, 0, {"state": 3}, {"unknown": 4}), Counts(2), True, Counts(2, 0, {"state": 3})),
        (Counts(2, 0, {}, {"unknown": 4, "x": 1}), Counts(3, 0, {"y": 1}, {"x": 1}), True, Counts(3, 0, {"y": 1}, {"x": 1})),
        (Counts(0, 2, {}, {"unknown": 4}), Counts(0, 3), False, Counts(0, 3, {}, {"unknown": 3})),
        (Counts(7), Counts(), True, Counts(7)),
    ],
)  # fmt: skip
def test_what_the_server_has_counted_settles_what_nobody_knew(
    told: Counts, kept: Counts, whole: bool, expected: Counts
) -> None:
    assert resolved(told, kept, whole=whole) == expected


@pytest.mark.parametrize(
    ("done", "expected"),
    [(1, ["done"]), (3, ["done", "done", "done"]), (2, ["done", "failed", "failed"])],
    ids=["none of it", "all of it", "nobody knows which"],
)
def test_what_was_under_way_is_told_as_the_server_has_counted_it(done: int, expected: list[str]) -> None:
    outcomes = (Outcome(b"a", "done"), outcome(b"b", "unknown"), outcome(b"c", "unknown"))
    report = Report(operation(), outcomes, Ended(1.0, "broken off", Counts(1, 0, {}, {"unknown": 2})))
    counts = Counts(done) if done != 2 else Counts(2, 0, {"changed": 1})
    found = settled(report, replace(report.ended, counts=counts))
    assert [one.result for one in found.outcomes] == expected
    assert found.ended.counts == counts


def test_a_call_that_is_late_does_nothing_of_what_was_settled(redis: Redis, server: Server) -> None:
    job = Queue("mail", connection=redis).enqueue("operator.truediv", 1, 0)
    redis.lrem("rq:queue:mail", 0, job.id)
    redis.hset(job.key, "status", "failed")
    redis.zadd(keys.RQ_FAILED + "mail", {job.id: 4_000_000_000})
    writer, asked = open_writer(server.url), operation()
    writer.begin(asked)
    ended = Ended(time.time(), "broken off", Counts(failed={"unknown": 1}))
    assert writer.settle(asked, Requeue(), ended).counts == Counts()
    before = contents(redis)
    with pytest.raises(WriteError, match="the operation is over"):
        acted(writer, asked, Requeue(), [JobSeen(job.id.encode(), b"mail", "failed", 4_000_000_000)], time.time())
    assert contents(redis) == before
    assert 0 < redis.ttl(keys.OPERATION + asked.id) <= audit.KEPT_S
    writer.close()


def failed(redis: Redis, *names: str) -> list[JobSeen]:
    for name in names:
        redis.hset(keys.RQ_JOB + name, mapping={"status": "failed", "origin": "mail"})
        redis.zadd(keys.RQ_FAILED + "mail", {name: 4_000_000_000})
    return [JobSeen(name.encode(), b"mail", "failed", 4_000_000_000) for name in names]


def test_a_script_that_fails_in_the_middle_ends_what_it_began_and_that_is_told(redis: Redis, writer: StoreWriter) -> None:
    earlier, one, odd, other = failed(redis, "earlier", "one", "odd", "other")
    assert codes(do(writer, Delete(), earlier)) == ["done"]
    redis.hset(keys.TRASHED_PLACE + "op1", "odd", b"\xc1 is no message")
    report = do(writer, Delete(), one, odd, other)
    assert codes(report) == ["unknown"] * 3
    assert (report.ended.how, report.ended.counts.failed["unknown"]) == ("broken off", 1)
    # The one before it is in the trash as a whole, the others are where they were.
    assert redis.zrange(keys.RQ_FAILED + "mail", 0, -1) == [b"odd", b"other"]
    assert redis.zrange(keys.TRASHED + "op1", 0, -1) == [b"earlier", b"one"]
    assert entries(redis)[-1]["failed:unknown"] == "1"


def test_a_script_that_fails_at_its_end_is_not_told_as_one_that_did_nothing(redis: Redis, writer: StoreWriter) -> None:
    jobs = failed(redis, "one", "other")
    redis.set(keys.TRASHED_PLACE + "op1", "no hash")
    report = do(writer, Delete(), *jobs)
    assert codes(report) == ["unknown"] * 2
    assert report.ended.counts == Counts(failed={"unknown": 2})
    assert entries(redis)[-1]["failed:unknown"] == "2"
