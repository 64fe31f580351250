"""Pages of jobs by rank: any depth, any number of queues, whatever is in the hashes; and what a page costs."""

from __future__ import annotations

import math
import pickle
import time
import zlib
from typing import Any

import pytest
from redis import Redis
from rq import Queue, Repeat
from rq.rate_limit import RateLimit

from console.model.pages import JobsPage
from console.model.queries import MAX_PAGE, FailuresQuery, JobsQuery, JobState
from console.model.secrets import DEFAULT
from console.store import failures, job_lists, jobs, rows, rq_keys
from console.store.seen import MAX_LIMITS, Seen
from jobs import keys
from tests.benchmarks.ratios import RoundTrips

NOW = 1_700_000_000.0
MAIL = b"mail"


def page(redis: Redis, state: JobState = "queued", queue: bytes | None = MAIL, **more: Any) -> JobsPage:
    return jobs.read(redis, JobsQuery(state, queue, **more), NOW, Seen(), DEFAULT)


def ids(found: JobsPage) -> list[str]:
    return [row.id for row in found.rows]


def fill(redis: Redis, names: list[str], each: int) -> list[str]:
    """Queues of these names with `each` waiting jobs, and the ids in the order in which they are shown."""
    with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + name)
            for n in range(each):
                job = f"{name}-{n}"
                pipe.rpush(keys.RQ_QUEUE + name, job)
                pipe.hset(keys.RQ_JOB + job, mapping={"status": "queued", "origin": name, "description": f"f({n})"})
        pipe.execute()
    return [f"{name}-{n}" for name in names for n in range(each)]


# --- ranks --------------------------------------------------------------------------------------


def test_pages_follow_one_another(redis: Redis) -> None:
    shown = fill(redis, ["mail"], 25)
    assert [ids(page(redis, start=start, size=10)) for start in (0, 10, 20, 30)] == [shown[:10], shown[10:20], shown[20:], []]
    assert page(redis, start=30).total == 25


def test_a_reversed_list_begins_with_its_last(redis: Redis) -> None:
    shown = fill(redis, ["mail"], 25)[::-1]
    assert [ids(page(redis, start=start, size=10, reverse=True)) for start in (0, 20, 30)] == [shown[:10], shown[20:], []]


def test_a_page_of_all_queues_spans_them_the_lanes_first(redis: Redis) -> None:
    shown = fill(redis, ["high", "default", "low", "apples", "mail", "pears"], 3)
    for start, size in ((0, 50), (0, 4), (2, 5), (8, 2), (17, 50), (18, 1)):
        found = page(redis, queue=None, start=start, size=size)
        assert ids(found) == shown[start : start + size]
        assert (found.start, found.total) == (start, 18)
    turned = [f"{name}-{n}" for name in ("high", "default", "low", "apples", "mail", "pears") for n in (2, 1, 0)]
    assert ids(page(redis, queue=None, start=2, size=7, reverse=True)) == turned[2:9]


def test_any_page_of_a_thousand_queues_costs_four_trips(redis: Redis) -> None:
    shown = fill(redis, [f"q{n:04}" for n in range(1_000)], 2)
    seen = Seen()
    jobs.read(redis, JobsQuery(), NOW, seen, DEFAULT)
    for start in (0, 1_001, 1_990):
        with RoundTrips(redis) as trips:
            found = jobs.read(redis, JobsQuery(start=start, size=50), NOW, seen, DEFAULT)
        assert ids(found) == shown[start : start + 50]
        assert found.counts["queued"] == 2_000
        assert trips.count == 4


def test_the_first_reading_of_all_queues_takes_one_trip_more(redis: Redis) -> None:
    fill(redis, ["mail", "post"], 2)
    seen = Seen()
    for expected in (5, 4):
        with RoundTrips(redis) as trips:
            assert len(jobs.read(redis, JobsQuery(), NOW, seen, DEFAULT).rows) == 4
        assert trips.count == expected
    assert {b"mail", b"post"} <= seen.queues


def test_a_queue_that_only_a_job_names_is_remembered(redis: Redis) -> None:
    redis.hset(keys.RQ_JOB + "lost", mapping={"status": "queued", "origin": "secluded"})
    redis.rpush(keys.RQ_QUEUE + "secluded", "other")
    seen = Seen()
    jobs.read(redis, JobsQuery(only=(b"lost",)), NOW, seen, DEFAULT)
    assert ids(jobs.read(redis, JobsQuery(), NOW, seen, DEFAULT)) == ["other"]


@pytest.mark.parametrize("state", ["queued", "running", "scheduled", "deferred", "finished", "failed", "canceled", "ready"])
def test_any_page_of_one_queue_costs_three_trips(redis: Redis, state: JobState) -> None:
    registry = job_lists.REGISTRIES[state]
    names = [f"job-{n:03}" for n in range(200)]
    if state == "queued":
        redis.rpush(registry.prefix + "mail", *names)
    else:
        redis.zadd(registry.prefix + "mail", {name: NOW + n for n, name in enumerate(names, 1)})
    with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hset(keys.RQ_JOB + name, mapping={"status": state, "origin": "mail"})
        pipe.execute()
    shown = names[::-1] if registry.newest_first else names
    for start in (0, 120, 180):
        with RoundTrips(redis) as trips:
            found = page(redis, state, start=start, size=50)
        assert ids(found) == shown[start : start + 50]
        assert trips.count == 3
    assert ids(page(redis, state, start=20, size=30, reverse=True)) == shown[::-1][20:50]


# --- what expires -------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["finished", "failed"])
@pytest.mark.parametrize("queue", [MAIL, None])
def test_expired_jobs_are_passed_over_and_kept_ones_come_last(redis: Redis, state: JobState, queue: bytes | None) -> None:
    registry = job_lists.REGISTRIES[state].prefix + "mail"
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + "mail")
    redis.zadd(registry, {f"kept-{n}": -1 for n in range(4)})
    redis.zadd(registry, {f"expired-{n}": NOW - n for n in range(30)} | {"at-zero": 0})
    redis.zadd(registry, {f"there-{n}": NOW + 100 + n for n in range(5)})
    redis.zadd(registry, {"forever": math.inf})
    shown = ["forever", *(f"there-{n}" for n in (4, 3, 2, 1, 0)), *(f"kept-{n}" for n in (3, 2, 1, 0))]
    for start in range(12):
        for size in (1, 3, 6, 20):
            found = page(redis, state, queue, start=start, size=size)
            assert ids(found) == shown[start : start + size]
            assert found.total == found.counts[state] == 10
            assert ids(page(redis, state, queue, start=start, size=size, reverse=True)) == shown[::-1][start : start + size]
    at = {row.id: row.at for row in page(redis, state, queue).rows}
    assert (at["forever"], at["there-0"], at["kept-0"]) == (None, NOW + 100, None)


def test_results_that_rq_keeps_for_good_are_on_the_list(redis: Redis) -> None:
    from rq import SimpleWorker

    mail = Queue("mail", connection=redis)
    job = mail.enqueue("operator.add", 1, 2, result_ttl=-1)
    repeated = mail.enqueue("operator.add", 1, 2, repeat=Repeat(times=1, interval=600))
    SimpleWorker([mail], connection=redis).work(burst=True)
    found = jobs.read(redis, JobsQuery("finished", MAIL), time.time(), Seen(), DEFAULT)
    assert (job.id, None) in {(row.id, row.at) for row in found.rows}
    assert repeated.id in ids(jobs.read(redis, JobsQuery("scheduled", MAIL), time.time(), Seen(), DEFAULT))


# --- strange installations ----------------------------------------------------------------------


def test_what_only_a_list_remembers_is_a_row(redis: Redis) -> None:
    redis.rpush(keys.RQ_QUEUE + "mail", "gone")
    (row,) = page(redis).rows
    assert (row.key, row.missing, row.queue, row.state, row.call) == (b"gone", True, "mail", "queued", "")


def test_ids_that_rq_refuses_are_rows_like_any_other(redis: Redis) -> None:
    names = [b"with blank", b"a.b@c", b"\xff\xfe", "grüße".encode(), b"", b"two:parts"]
    for name in names:
        redis.rpush(keys.RQ_QUEUE + "mail", name)
        redis.hset(keys.RQ_JOB.encode() + name, mapping={"status": "queued", "description": b"f(\xff\x1b[31m)"})
    found = page(redis)
    assert [row.key for row in found.rows] == names
    assert [row.id for row in found.rows] == ["with blank", "a.b@c", "\\xff\\xfe", "grüße", "", "two:parts"]
    assert {(row.call, row.missing) for row in found.rows} == {("f(\\xff\x1b[31m)", False)}


def test_a_job_runs_under_its_id_whatever_its_execution(redis: Redis) -> None:
    redis.zadd(keys.RQ_WIP + "mail", {"one:execution": NOW + 60, "two": NOW + 30})
    assert [(row.key, row.at) for row in page(redis, "running").rows] == [(b"two", NOW + 30), (b"one", NOW + 60)]


def test_nonsense_in_a_hash_is_nothing_known(redis: Redis) -> None:
    redis.rpush(keys.RQ_QUEUE + "mail", "odd")
    fields = dict.fromkeys(rows.FIELDS, b"\xff\x00nonsense")
    redis.hset(keys.RQ_JOB + "odd", mapping=fields | {"meta": b"\x80\x05user nonsense", "retries_left": "1e999"})
    (row,) = page(redis).rows
    assert (row.state, row.queue, row.missing) == ("queued", "mail", False)
    assert (row.created_at, row.started_at, row.retries_left, row.user) == (None, None, None, None)


def test_keys_of_the_wrong_type_are_named_and_spoil_nothing_else(redis: Redis) -> None:
    fill(redis, ["mail", "post"], 1)
    redis.set(keys.RQ_QUEUE + "broken", "no list")
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + "broken")
    redis.set(keys.RQ_FAILED + "mail", "no sorted set")
    redis.rpush(keys.RQ_QUEUE + "mail", "odd")
    redis.set(keys.RQ_JOB + "odd", "no hash")
    found = page(redis, queue=None)
    assert ids(found) == ["mail-0", "odd", "post-0"]
    assert [row.missing for row in found.rows] == [False, False, False]
    assert {one.what for one in found.refused} == {"rq:queue:broken", "rq:failed:mail", "rq:job:odd"}
    assert (page(redis, queue=b"broken").total, page(redis, "failed").total) == (None, None)


def test_what_a_server_refuses_is_named(redis: Redis) -> None:
    fill(redis, ["mail"], 1)
    redis.execute_command("ACL", "SETUSER", "default", "-hstrlen", "-llen")
    try:
        found = page(redis, queue=None)
        assert (found.total, found.rows) == (None, ())
        assert any("rq:queue:mail" in one.what for one in found.refused)
    finally:
        redis.execute_command("ACL", "SETUSER", "default", "+@all")


def test_rate_limits_are_listed_by_name_and_their_jobs_by_how_long_they_wait(redis: Redis) -> None:
    for name, queue in (("vendor-b", "mail"), ("vendor-a", "post")):
        target = Queue(queue, connection=redis)
        for n in range(3):
            target.enqueue("operator.add", 1, n, rate_limit=RateLimit(name, concurrency=1), job_id=f"{name}-{n}")
    redis.sadd(rq_keys.RATE_LIMITS, b"empty")
    seen = Seen()
    for expected in (4, 3):
        with RoundTrips(redis) as trips:
            found = jobs.read(redis, JobsQuery("queued", MAIL), NOW, seen, DEFAULT)
        assert (found.counts["rate limited"], trips.count) == (4, expected)
    with RoundTrips(redis) as trips:
        found = jobs.read(redis, JobsQuery("rate limited", None), NOW, seen, DEFAULT)
    assert ids(found) == ["vendor-a-1", "vendor-a-2", "vendor-b-1", "vendor-b-2"]
    assert [row.queue for row in found.rows] == ["post", "post", "mail", "mail"]
    assert trips.count <= 5
    assert len(seen.limits) == 3 < MAX_LIMITS


# --- what is large, and what is secret ----------------------------------------------------------


@pytest.mark.parametrize("field", ["description", "meta", "worker_name", "created_at", "origin", "data"])
def test_a_field_of_five_megabytes_is_not_fetched(redis: Redis, field: str) -> None:
    fill(redis, ["mail"], 1)
    redis.hset(keys.RQ_JOB + "mail-0", field, b"x" * 5_000_000)
    redis.config_resetstat()
    (row,) = page(redis).rows
    assert redis.info("stats")["total_net_output_bytes"] < 100_000
    assert row.state == "queued"
    assert row.call == ("(a description of 4.8 MiB, too long for a list)" if field == "description" else "f(0)")


def test_a_large_payload_costs_no_trip_more(redis: Redis) -> None:
    fill(redis, ["mail"], 1)
    redis.hset(keys.RQ_JOB + "mail-0", "data", zlib.compress(pickle.dumps(("f", None, (b"x" * 1_000_000,), {}))))
    with RoundTrips(redis) as trips:
        page(redis)
    assert trips.count == 3


def test_a_hash_that_holds_much_besides_its_payload_costs_one_trip_more(redis: Redis) -> None:
    fill(redis, ["mail"], 2)
    redis.hset(keys.RQ_JOB + "mail-0", mapping={"result": b"x" * 5_000_000, "meta": '{"user": "ada"}'})
    with RoundTrips(redis) as trips:
        first, second = page(redis).rows
    assert (first.call, first.user, second.call) == ("f(0)", "ada", "f(1)")
    assert trips.count == 4


def test_rows_are_whole_where_the_server_does_not_tell_what_takes_how_much_memory(redis: Redis) -> None:
    fill(redis, ["mail"], 2)
    redis.rpush(keys.RQ_QUEUE + "mail", "gone")
    whole = page(redis)
    redis.execute_command("ACL", "SETUSER", "default", "-memory|usage")
    try:
        assert page(redis) == whole
    finally:
        redis.execute_command("ACL", "SETUSER", "default", "+@all")


def test_a_results_stream_that_is_large_is_not_fetched(redis: Redis) -> None:
    redis.zadd(keys.RQ_FAILED + "mail", {"job": NOW + 60})
    redis.hset(keys.RQ_JOB + "job", mapping={"status": "failed", "origin": "mail"})
    redis.xadd(rq_keys.RESULTS + "job", {"type": 2, "exc_string": b"x" * 5_000_000})
    redis.config_resetstat()
    (row,) = page(redis, "failed").rows
    assert redis.info("stats")["total_net_output_bytes"] < 100_000
    assert row.error == "(results too large for a list)"


def test_secrets_of_a_call_are_masked_even_where_it_is_cut(redis: Redis) -> None:
    fill(redis, ["mail"], 1)
    call = "f('" + "x" * 980 + " redis://ada:hunter2@cache/0')"
    redis.hset(keys.RQ_JOB + "mail-0", "description", call)
    (row,) = page(redis).rows
    assert "hunt" not in row.call
    assert len(row.call) <= 1_001


def test_a_meta_that_would_execute_something_does_not(redis: Redis, tmp_path: Any) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return open, (str(tmp_path / "sprung"), "w")

    fill(redis, ["mail"], 2)
    redis.hset(keys.RQ_JOB + "mail-0", "meta", pickle.dumps({"user": "ada", "tier": Trap()}))
    redis.hset(keys.RQ_JOB + "mail-1", "meta", '{"user": 42, "task": ["no", "text"]}')
    assert [(row.user, row.tier, row.task) for row in page(redis).rows] == [("ada", None, None), ("42", None, None)]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("start", "size"), [(-7, 0), (-1, -5), (0, 0)])
def test_no_page_is_the_whole_of_a_list_whatever_is_asked_for(redis: Redis, start: int, size: int) -> None:
    """To LRANGE -1 is the last one: a page of nothing would be all of a queue."""
    redis.rpush(keys.RQ_QUEUE + "mail", *(f"job-{n}" for n in range(600)))
    redis.zadd(keys.RQ_FAILED + "mail", {f"job-{n}": NOW + 60 + n for n in range(600)})
    for reverse in (False, True):
        page = jobs.read(redis, JobsQuery("queued", b"mail", start, size, reverse=reverse), NOW, Seen(), DEFAULT)
        assert (page.start, [row.id for row in page.rows]) == (0, ["job-599" if reverse else "job-0"])
    failed = failures.read(redis, FailuresQuery(b"mail", start, size), NOW, Seen(), DEFAULT)
    assert (failed.start, [row.id for row in failed.rows]) == (0, ["job-599"])
    assert len(jobs.read(redis, JobsQuery("queued", b"mail", 0, 10**6), NOW, Seen(), DEFAULT).rows) == MAX_PAGE
