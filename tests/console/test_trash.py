"""The trash: it ends by itself, is listed in the order in which it is undone, and never takes the place of something."""

from __future__ import annotations

import time

import pytest
from redis import Redis
from rq import Queue

from console.model.commands import Delete, JobSeen, TrashSeen
from console.model.operations import Operation
from console.model.ports import WriteError
from console.model.queries import TrashQuery
from console.model.selection import Selected
from console.store import trash
from console.store.writer import StoreWriter
from jobs import keys
from tests.catalogue_tasks import echo
from tests.conftest import Stock, until
from tests.console.acting import acted, seen
from tests.console.catalogued import catalogued, of_states
from tests.contents import contents

STATES = ("rate limited", "queued", "scheduled", "retrying", "deferred", "ready", "finished", "failed", "stopped", "canceled")


def delete(redis: Redis, *jobs: JobSeen, operation: str = "op1", trash_s: float = 3_600) -> None:
    writer = StoreWriter(redis, "redis://the-test", trash_s=trash_s)
    asked = Operation(operation, "ann", "host", time.time(), "delete", "", "these jobs", len(jobs), "")
    done = acted(writer, asked, Delete(with_entry=True, with_dependents=True), jobs, time.time())
    assert {one.result for one in done} == {"done"}


def queued(redis: Redis, count: int) -> list[JobSeen]:
    queue = Queue("q", connection=redis)
    made = queue.enqueue_many([Queue.prepare_data(echo, (n,)) for n in range(count)])
    return [seen(redis, job.id, "q", "queued") for job in made]


def of_the_trash(redis: Redis) -> list[bytes]:
    return list(redis.scan_iter("tq:trash*"))


def selected(redis: Redis, query: TrashQuery) -> list[Selected]:
    return list(trash.select(redis, query, lambda: False))


def test_every_key_in_it_expires(redis: Redis, stock: Stock) -> None:
    jobs = of_states(redis, catalogued(redis, stock), *STATES)
    delete(redis, *jobs)
    found = {key: redis.pttl(key) for key in of_the_trash(redis)}
    assert len(found) > len(jobs)
    assert all(0 < left <= 3_600_000 for left in found.values())
    assert abs(redis.zscore(keys.TRASH, "op1") - time.time() - 3_600) < 60


def test_nothing_is_left_of_it_after_its_time(redis: Redis) -> None:
    delete(redis, *queued(redis, 20), trash_s=0.5)
    until(lambda: not of_the_trash(redis))
    assert set(redis.scan_iter()) == {b"rq:queues", b"tq:operation:op1"}


def test_operations_of_which_nothing_is_left_are_dropped(redis: Redis) -> None:
    first, second, third = queued(redis, 3)
    delete(redis, first, operation="brief", trash_s=0.2)
    delete(redis, second, operation="long")
    until(lambda: not redis.exists(keys.TRASHED + "brief"))
    # Its score, of whole seconds, may be one behind.
    until(lambda: redis.zscore(keys.TRASH, "brief") < time.time() - 1)
    delete(redis, third, operation="longer", trash_s=7_200)
    assert redis.zrange(keys.TRASH, 0, -1) == [b"long", b"longer"]
    assert redis.pttl(keys.TRASH) > 3_000_000


def test_of_an_operation_that_goes_on_the_first_that_expires_says_until_when_all_can_be_undone(redis: Redis) -> None:
    first, second = queued(redis, 2)
    delete(redis, first, trash_s=60)
    until_when = redis.zscore(keys.TRASH, "op1")
    delete(redis, second, trash_s=600)
    assert redis.zscore(keys.TRASH, "op1") == until_when
    assert redis.ttl(keys.TRASHED + "op1") > 60
    assert redis.ttl(keys.TRASHED_PLACE + "op1") > 60


def test_an_operation_that_goes_on_for_longer_than_the_trash_keeps_can_be_undone_as_far_as_that_goes(redis: Redis) -> None:
    first, second, third = queued(redis, 3)
    delete(redis, first, trash_s=1)
    until_when = redis.zscore(keys.TRASH, "op1")
    assert until_when is not None
    delete(redis, second, trash_s=600)
    until(lambda: (redis.zscore(keys.TRASH, "op1") or 0) < time.time() - 1)
    delete(redis, third, trash_s=600)
    assert redis.zscore(keys.TRASH, "op1") > time.time() + 500
    assert redis.ttl(keys.TRASH) > 500


def test_it_is_told_from_the_last_to_the_first_chunk_by_chunk(redis: Redis) -> None:
    jobs = queued(redis, 2_300)
    for start in range(0, len(jobs), 200):
        delete(redis, *jobs[start : start + 200])
    chunks = selected(redis, TrashQuery("op1"))
    assert [(chunk.read, len(chunk.seen), chunk.done) for chunk in chunks] == [
        (1_000, 1_000, False), (2_000, 1_000, False), (2_300, 300, False), (2_300, 0, True),
    ]  # fmt: skip
    assert [one.key for chunk in chunks for one in chunk.seen] == [job.key for job in reversed(jobs)]
    [named] = selected(redis, TrashQuery("op1", (jobs[3].key, b"nobody", jobs[7].key)))
    assert named.seen == (TrashSeen(jobs[7].key), TrashSeen(jobs[3].key))
    assert named.in_way == {"gone": 1}
    assert [chunk.seen for chunk in selected(redis, TrashQuery("unheard-of"))] == [()]
    assert [chunk.seen for chunk in selected(redis, TrashQuery("op1", ()))] == [()]


def test_a_console_whose_clock_is_behind_loses_nothing(redis: Redis) -> None:
    [job] = queued(redis, 1)
    writer = StoreWriter(redis, "redis://the-test")
    asked = Operation("op1", "ann", "host", 0.0, "delete", "", "these jobs", 1, "")
    assert acted(writer, asked, Delete(), [job], 1_000.0)[0].result == "done"
    assert redis.exists(keys.TRASHED_KEY + f"op1:rq:job:{job.key.decode()}")


def test_where_its_list_is_something_else_nothing_is_taken(redis: Redis) -> None:
    jobs = queued(redis, 3)
    redis.set(keys.TRASH, "no set")
    before = contents(redis)
    with pytest.raises(WriteError, match=r"the server refuses: WRONGTYPE .* wrong kind of value$"):
        delete(redis, *jobs)
    assert contents(redis) == before
