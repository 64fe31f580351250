"""The audit and what happened on its own, as they are read: joined, counted live, and whatever strangers have written there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from console.model.activity import KINDS, ActivityPage, Happened, OperationPage, OperationRow, told
from console.model.commands import Outcome
from console.model.operations import Counts, Ended
from console.model.queries import ActivityQuery, OperationQuery
from console.model.secrets import DEFAULT
from console.store import activity
from console.store.acts import audit
from console.store.seen import Seen
from console.store.writer import StoreWriter, open_writer
from jobs import keys, quarantine
from tests.benchmarks.ratios import RoundTrips
from tests.conftest import Server, Stock, until
from tests.console.test_audit import killed_between_begin_and_end, operation
from tests.console.whole_site import nothing_changes


def read(redis: Redis, query: ActivityQuery | None = None, now: float | None = None) -> ActivityPage:
    return activity.read(redis, query or ActivityQuery(), time.time() if now is None else now, Seen(), DEFAULT)


def one(redis: Redis, key: bytes) -> OperationPage:
    return activity.read_one(redis, OperationQuery(key), time.time(), DEFAULT)


def row_of(redis: Redis, key: bytes) -> OperationRow:
    row = one(redis, key).row
    assert row is not None
    return row


@pytest.fixture
def writer(redis: Redis, server: Server) -> Iterator[StoreWriter]:
    made = open_writer(server.url)
    yield made
    made.close()


def carried_out(writer: StoreWriter, counts: Counts, how: str = "done", said: str = "", **given: Any) -> str:
    asked = operation(**given)
    writer.begin(asked)
    writer.end(asked, Ended(time.time(), how, counts, said))
    return asked.id


# --- operations -------------------------------------------------------------------------------------


def test_an_operation_is_its_beginning_and_its_end(redis: Redis, writer: StoreWriter) -> None:
    counts = Counts(7, 0, {"changed": 2, "gone": 1}, {"unknown": 3})
    name = carried_out(writer, counts, "broken off", "the server went away", options="at-front", matched=13)
    page = read(redis)
    [row] = page.rows
    assert (row.id, row.who, row.host, row.command, row.options) == (name, "ann", "ops-1", "requeue", "at-front")
    assert (row.scope, row.target) == ("everything that failed in the queue mail", "redis://cache-1:6379/0")
    assert (row.why, row.matched, row.counts, row.how) == ("fixed", 13, counts, "broken off")
    assert (row.said, row.left, row.foreign) == ("the server went away", 0, False)
    assert row.at is not None
    assert row.ended_at is not None
    assert abs(row.at - time.time()) < 60
    assert row.at <= row.ended_at
    assert (row.undo_until, row.in_trash) == (None, None)
    assert (page.start, page.total, page.more, page.refused) == (0, 1, False, ())
    assert row_of(redis, row.key) == row


def test_the_newest_come_first_page_by_page(redis: Redis, writer: StoreWriter) -> None:
    names = [carried_out(writer, Counts(n)) for n in range(30)][::-1]
    page = read(redis)
    assert [row.id for row in page.rows] == names
    assert [row.counts for row in page.rows] == [Counts(29 - n) for n in range(30)]
    part = read(redis, ActivityQuery(10, 5))
    assert ([row.id for row in part.rows], part.start, part.more) == (names[10:15], 10, True)
    assert read(redis, ActivityQuery(25, 50)).rows == page.rows[25:]
    assert read(redis, ActivityQuery(1_000, 50)).rows == ()
    assert read(redis, ActivityQuery(0, 0)).rows == ()


def test_operations_that_ran_side_by_side_keep_their_own_ends(redis: Redis, writer: StoreWriter) -> None:
    first, second = operation(who="ann"), operation(who="bob")
    writer.begin(first)
    writer.begin(second)
    writer.end(first, Ended(time.time(), "done", Counts(1)))
    writer.end(second, Ended(time.time(), "canceled", Counts(2)))
    assert [(row.who, row.how, row.counts) for row in read(redis).rows] == [
        ("bob", "canceled", Counts(2)),
        ("ann", "done", Counts(1)),
    ]


def test_one_without_an_end_tells_what_was_done_so_far(redis: Redis, writer: StoreWriter) -> None:
    asked = operation(matched=40)
    writer.begin(asked)
    assert [(row.how, row.counts, row.left) for row in read(redis).rows] == [("", Counts(), 40)]
    outcomes = [Outcome(b"a", "done"), Outcome(b"b", "sent"), Outcome(b"c", "skipped", "changed")]
    audit.count(redis, asked.id, [*outcomes, Outcome(b"d", "failed", "ignored"), Outcome(b"e", "done")])
    [row] = read(redis).rows
    assert (row.how, row.ended_at, row.left) == ("", None, 35)
    assert row.counts == Counts(2, 1, {"changed": 1}, {"ignored": 1})
    assert row_of(redis, row.key) == row
    redis.delete(keys.OPERATION + asked.id)
    assert [(row.how, row.counts, row.left) for row in read(redis).rows] == [("", None, None)]


def test_a_killed_console_leaves_an_operation_without_an_end_and_with_true_counts(
    redis: Redis, server: Server, tmp_path: Path
) -> None:
    name = killed_between_begin_and_end(redis, server.url, tmp_path)
    [row] = read(redis).rows
    assert (row.id, row.how, row.matched, row.left) == (name, "", 4, 1)
    assert row.counts == Counts(2, 0, {"changed": 1}, {})


def test_what_is_in_the_trash_can_be_undone(redis: Redis, writer: StoreWriter) -> None:
    end = time.time() + 3_600
    names = []
    for lasts in (end, None, time.time() - 5):
        asked = operation(command="delete")
        names.append(asked.id)
        writer.begin(asked)
        if lasts is not None:
            redis.zadd(keys.TRASH, {asked.id: lasts})
            redis.zadd(keys.TRASHED + asked.id, {"a": 0, "b": 1})
        writer.end(asked, Ended(time.time(), "done", Counts(2)))
    rows = {row.id: row for row in read(redis).rows}
    assert [(rows[name].undo_until, rows[name].in_trash) for name in names] == [
        (pytest.approx(end), 2),
        (None, None),
        (None, None),
    ]
    assert row_of(redis, rows[names[0]].key).in_trash == 2


def test_an_end_whose_beginning_the_audit_has_dropped_is_told(redis: Redis, writer: StoreWriter) -> None:
    first = carried_out(writer, Counts(1), how="canceled")
    second = carried_out(writer, Counts(2))
    [(oldest, _), *_] = redis.xrange(keys.ACTIVITY, count=1)
    redis.xdel(keys.ACTIVITY, oldest)
    newer, older = read(redis).rows
    assert newer.id == second
    assert (older.id, older.at, older.who, older.how, older.counts) == (first, None, "", "canceled", Counts(1))
    assert row_of(redis, older.key) == older


def test_an_end_far_from_its_beginning_is_found(redis: Redis, writer: StoreWriter) -> None:
    asked = operation()
    writer.begin(asked)
    for _ in range(3 * activity.NEAR // 2):
        redis.xadd(keys.ACTIVITY, {"event": "begun", "operation": "another"})
    writer.end(asked, Ended(time.time(), "done", Counts(3)))
    [(oldest, _)] = redis.xrange(keys.ACTIVITY, count=1)
    assert (row_of(redis, oldest).how, row_of(redis, oldest).counts) == ("done", Counts(3))
    # What is beyond the page is not told as if it had no beginning.
    assert [row.id for row in read(redis, ActivityQuery(0, 5)).rows] == ["another"] * 5


def test_one_that_is_not_there_is_not_there(redis: Redis, writer: StoreWriter) -> None:
    carried_out(writer, Counts(1))
    for key in (b"1-1", b"9999999999999-0", b"x", b"", b"+", b"-", b"1-1 COUNT", b"9" * 40):
        page = one(redis, key)
        assert page.row is None or key == b"", key
        assert page.refused == ()


def test_an_empty_installation_has_nothing(redis: Redis) -> None:
    page = read(redis)
    assert (page.rows, page.happened, page.total, page.more, page.refused) == ((), (), 0, False, ())


def test_it_takes_four_round_trips_and_writes_nothing(redis: Redis, server: Server, writer: StoreWriter) -> None:
    for n in range(60):
        asked = operation()
        writer.begin(asked)
        redis.zadd(keys.TRASH, {asked.id: time.time() + 60})
        if n % 2:
            writer.end(asked, Ended(time.time(), "done", Counts(1)))
    for n in range(30):
        quarantined(redis, n)
    redis.sadd("rq:workers", *(f"rq:worker:{n}" for n in range(50)))
    redis.hset("rq:worker:1", "state", "busy")
    with nothing_changes(redis), Redis.from_url(server.url) as client:
        with RoundTrips(client) as trips:
            page = activity.read(client, ActivityQuery(), time.time(), Seen(), DEFAULT)
        assert trips.count == 4
        assert page.refused == ()
        with RoundTrips(client) as trips:
            assert activity.read_one(client, OperationQuery(page.rows[0].key), time.time(), DEFAULT).row == page.rows[0]
        assert trips.count == 4


# --- what strangers have written --------------------------------------------------------------------


HOSTILE: tuple[dict[Any, Any], ...] = (
    {"x": "y"},
    {"event": "begun"},
    {"event": "begun", "operation": ""},
    {"event": "exploded", "operation": "a"},
    {"event": "begun", "operation": b"\xff\x1b[2J", "who": b"\x9b31m", "command": "\u202eevil", "matched": "many"},
    {"event": "begun", "operation": "x" * 5_000, "scope": b"\x00" * 5_000, "matched": "-7"},
    {"event": "begun", "operation": "twice", "matched": "1e400"},
    {"event": "begun", "operation": "twice", "matched": "nan", "why": "token=hunter2 redis://a:hunter2@b/0"},
    {"event": "ended", "operation": "twice", "done": "-5", "sent": "\xff", "undo_until": "soon", "how": "done"},
    {"event": "ended", "operation": "twice", "done": "9" * 400, "how": ""},
    {"event": "ended", "operation": "nobody", **{f"skipped:{n}": n for n in range(500)}, b"failed:\xff": b"1"},
    {"event": "ended", "operation": "nobody", "skipped:": "3", "failed:changed": "x"},
    {f"password=hunter2 {n}": "hunter2" for n in range(300)},
    {"operation": "a", "event": b"\xff" * 900, "token": "hunter2"},
)


def test_whatever_is_written_there_is_read_bounded_and_without_secrets(redis: Redis, writer: StoreWriter) -> None:
    mine = carried_out(writer, Counts(5))
    for fields in HOSTILE:
        redis.xadd(keys.ACTIVITY, fields)
    redis.hset(keys.OPERATION + "twice", mapping={"done": "x", b"\xff": b"1", "changed": "-4", "gone": "3"})
    redis.set(keys.TRASH, "no sorted set")
    page = read(redis)
    rows = page.rows
    assert rows[-1].id == mine
    assert rows[-1].counts == Counts(5)
    assert "hunter2" not in repr(page)
    assert len(repr(page)) < 40_000
    assert sum(row.foreign for row in rows) == 6
    assert {row.said for row in rows if row.foreign} >= {"x=y", "event=begun"}
    twice = [row for row in rows if row.id == "twice"]
    assert [(row.how, row.matched) for row in twice] == [("?", None), ("done", None), ("", None)]
    assert twice[1].counts == Counts()
    assert {refused.what for refused in page.refused} == {keys.TRASH}
    for row in rows:
        found = one(redis, row.key).row
        assert found is not None
        assert (found.id, found.foreign) == (row.id, row.foreign)


def test_what_is_no_audit_is_named(redis: Redis) -> None:
    redis.set(keys.ACTIVITY, "x")
    redis.set(keys.QUARANTINE, "x")
    redis.set(keys.HEARTBEAT, "x")
    redis.set(keys.LANE + "high", "x")
    redis.set("rq:workers", "x")
    page = read(redis)
    assert (page.rows, page.happened) == ((), ())
    named = {refused.what for refused in page.refused}
    assert named >= {keys.ACTIVITY, keys.QUARANTINE, keys.HEARTBEAT, keys.LANE + "high", "rq:workers"}


def test_entries_that_are_too_large_are_not_fetched(redis: Redis) -> None:
    for _ in range(3):
        redis.xadd(keys.ACTIVITY, {"event": "begun", "operation": "a", "why": b"x" * 20_000_000})
    page = read(redis)
    assert page.rows == ()
    assert [(one.what, one.reason) for one in page.refused] == [(keys.ACTIVITY, "it takes 57 MiB, too much to be read")]


def test_counts_that_are_no_hash_or_too_large_are_left_out(redis: Redis, writer: StoreWriter) -> None:
    asked = operation(), operation()
    for each in asked:
        writer.begin(each)
    redis.set(keys.OPERATION + asked[0].id, "x")
    redis.hset(keys.OPERATION + asked[1].id, mapping={f"n{n}": n for n in range(1_000)})
    assert [row.counts for row in read(redis).rows] == [None, None]


def test_the_audit_of_another_time_is_read_within_bounds(redis: Redis, writer: StoreWriter) -> None:
    with redis.pipeline(transaction=False) as pipe:
        for n in range(6_000):
            pipe.xadd(keys.ACTIVITY, {"event": "begun", "operation": f"o{n}", "who": "ann", "command": "delete"})
            pipe.xadd(keys.ACTIVITY, {"event": "ended", "operation": f"o{n}", "how": "done", "done": n})
        pipe.execute()
    page = read(redis)
    assert (len(page.rows), page.more, page.rows[0].id) == (500, True, "o5999")
    whole = read(redis, ActivityQuery(0, 100_000))
    assert (len(whole.rows), whole.more) == (activity.MAX_OPERATIONS, True)


# --- what happened on its own -----------------------------------------------------------------------


def quarantined(redis: Redis, n: int) -> None:
    redis.zadd(keys.ENTRIES, {f"entry-{n}": time.time()})
    quarantine.set_aside(redis, f"entry-{n}".encode(), f"it cannot be read, token=hunter2 {n}", "firing")


def kinds(page: ActivityPage) -> list[str]:
    return [each.kind for each in page.happened]


def test_what_the_heartbeat_and_the_lanes_have_counted_is_told(redis: Redis) -> None:
    redis.hset(keys.HEARTBEAT, mapping={"recovered": 3, "rearmed": 1, "moved": 41, "orphaned": 2, "unreadable": 0})
    redis.hset(keys.LANE + "high", mapping={"skip:overlap": 4, "skip:paused": 1, "done": 12})
    redis.hset(keys.LANE + "low", mapping={"skip:overlap": 8, "skip:missed": "x"})
    redis.set("rq:suspended", 1)
    redis.zadd(keys.ENTRIES, {"late": time.time() - 4_000})
    page = read(redis)
    assert {(each.kind, each.subject, each.count) for each in page.happened} == {
        ("suspended", "", 1), ("orphaned", "", 2), ("overdue", "", 1), ("recovered", "", 3), ("rearmed", "", 1),
        ("skipped", "overlap", 12), ("skipped", "paused", 1), ("moved", "", 41),
    }  # fmt: skip
    assert kinds(page) == sorted(kinds(page), key=KINDS.index)


def test_entries_that_were_set_aside_are_told_with_their_reasons(redis: Redis) -> None:
    for n in range(25):
        quarantined(redis, n)
    told_of = read(redis).happened
    assert len(told_of) == 21
    assert (told_of[0].subject, told_of[0].why) == ("entry-24", "it cannot be read, token=… 24")
    assert told_of[0].at == pytest.approx(time.time(), abs=60)
    assert told(told_of[-1], 0)[0] == "5 older entries set aside"
    redis.delete(f"{keys.QUARANTINED}25")
    assert told(read(redis).happened[0], 0)[0] == "entry number 25 set aside"


def test_a_worker_that_was_killed_is_told(redis: Redis, stock: Stock) -> None:
    Queue("mail", connection=redis).enqueue("time.sleep", 600)
    process = stock.worker("mail", "--name", "killed")
    until(lambda: redis.scard("rq:worker:killed:executions"), what="a running job")
    assert read(redis).happened == ()
    # The worker first: it would note that its work-horse has died.
    for child in (process.pid, *children(process.pid)):
        os.kill(child, 9)
    process.wait(10)
    [gone] = until(lambda: read(redis, now=time.time() + 10).happened, what="a worker that is gone")
    assert (gone.kind, gone.subject) == ("gone", "killed")
    assert gone.job is not None
    assert gone.why == gone.job.decode()
    assert gone.at is not None
    what, why = told(gone, gone.at + 65)
    assert (what, why) == ("worker killed gone", f"silent for 1 min, with job {gone.why}")


def children(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def test_many_silent_workers_are_told_within_bounds(redis: Redis) -> None:
    redis.sadd("rq:workers", *(f"rq:worker:{n}" for n in range(300)))
    assert kinds(read(redis)) == ["gone"] * 20


@pytest.mark.parametrize("kind", [*KINDS, "another"])
def test_every_kind_has_words(kind: str) -> None:
    for count in (1, 2):
        what, why = told(Happened(b"k", kind, "overlap", count, at=5.0, why="because"), 70.0)
        assert what
        assert why
