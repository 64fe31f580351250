"""What a command is about to be done to: every job of a list, with the state and the score that it was seen with."""

from __future__ import annotations

import pickle
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from redis import Redis

from console.model.commands import JobSeen
from console.model.job_terms import parsed
from console.model.queries import JOB_STATES, FailuresQuery, JobsQuery, JobState, NamedQuery, SelectQuery
from console.model.selection import Preview
from console.store import selection
from console.store.reader import StoreReader, open_reader
from jobs import keys
from tests import failed_jobs
from tests.catalogue import Catalogue, build
from tests.conftest import Server, Stock
from tests.console.recorded_trips import counted_trips


@pytest.fixture
def reader(server: Server) -> Iterator[StoreReader]:
    found = open_reader(server.url)
    yield found
    found.close()


@pytest.fixture
def catalogue(redis: Redis, stock: Stock) -> Iterator[Catalogue]:
    made = build(redis, stock)
    yield made
    made.end()


def select(reader: StoreReader, query: SelectQuery, *, details: bool = False) -> tuple[list[JobSeen], Counter[str], str]:
    """All that was seen, what was in the way, and why it ended early."""
    seen: list[JobSeen] = []
    in_way: Counter[str] = Counter()
    more = ""
    for chunk in reader.select(query, time.time(), lambda: False, details=details):
        assert all(isinstance(one, JobSeen) for one in chunk.seen)
        seen += chunk.seen
        in_way += chunk.in_way
        more = chunk.more
        assert not chunk.rows or [row.key for row in chunk.rows] == [one.key for one in chunk.seen]
    assert chunk.done
    assert chunk.read == chunk.of
    return seen, in_way, more


def test_each_list_of_the_catalogue_alike_with_and_without_details(catalogue: Catalogue, reader: StoreReader) -> None:
    """Of bare ids the state is the list's: a hash that is gone, and whether it was stopped or tried, is for the script."""
    lists: dict[JobState, str] = {
        "running": "rq:wip:", "retrying": "rq:scheduled:", "stopped": "rq:failed:", "queued": "rq:queue:",
        "rate limited": "rq:rl:vendor:rate_limited",
    }  # fmt: skip
    for state in JOB_STATES:
        bare, _, _ = select(reader, JobsQuery(state))
        full, in_way, _ = select(reader, JobsQuery(state), details=True)
        key = lists.get(state, f"rq:{state}:")
        names = {one.id.encode() for one in catalogue.jobs.values() if any(name.startswith(key) for name in one.lists)}
        if state in ("retrying", "stopped"):
            names = {one.id.encode() for one in catalogue.jobs.values() if one.state == state}
        there = {one.id.encode() for one in catalogue.jobs.values() if one.status is not None}
        every = {one.id.encode() for one in catalogue.jobs.values()}
        assert {one.key for one in full} & every == names & there, state
        # What has expired is passed over in either case.
        gone = {one.key for one in bare} - {one.key for one in full}
        if state not in ("retrying", "stopped"):
            assert gone <= names - there, state
            assert sum(in_way.values()) == len(gone), state
        places = {one.key: (one.queue, one.score) for one in bare}
        assert {one.key: (one.queue, one.score) for one in full}.items() <= places.items(), state


@pytest.mark.parametrize("expression", ["user:user-1", "error:refused", "func:fail"])
def test_whatever_a_filter_takes_a_preview_tells_all(redis: Redis, reader: StoreReader, expression: str) -> None:
    """Of failures by their user also the error, of those by their error also whose they are."""
    failed_jobs.make(redis, 60, kinds=("refused",), users=3)
    found = Preview(time.time())
    wanted = parsed(expression)
    for chunk in reader.select(FailuresQuery(filter=wanted), time.time(), lambda: False, details=True):
        found.add(chunk)
    assert found.seen
    assert {tally.what for tally in found.tallies()} >= {"function", "user", "tier", "error", "age", "queue", "state", "task"}


def test_jobs_by_their_ids_in_whatever_state(catalogue: Catalogue, reader: StoreReader, redis: Redis) -> None:
    jobs = list(catalogue.jobs.values())
    query = NamedQuery((*(one.id.encode() for one in jobs), b"no-such-job"))
    seen, in_way, _ = select(reader, query)
    there = [one for one in jobs if one.status is not None]
    assert [(one.key.decode(), one.state, one.queue.decode()) for one in seen] == [
        (one.id, one.state, one.queue) for one in there
    ]
    assert in_way == {"gone": len(jobs) - len(there) + 1}
    for one, listed in zip(seen, there, strict=True):
        places = [key for key in listed.lists if key.endswith(f":{listed.queue}") and ":wip:" not in key]
        scores = {redis.zscore(key, one.key) for key in places if redis.type(key) == b"zset"}
        assert one.score in (scores or {None}), listed
    assert select(reader, query, details=True)[:2] == (seen, in_way)


@pytest.mark.parametrize("details", [False, True])
def test_in_chunks_whatever_is_kept_for_good(
    redis: Redis, reader: StoreReader, monkeypatch: pytest.MonkeyPatch, details: bool
) -> None:
    monkeypatch.setattr(selection, "BARE", 7)
    monkeypatch.setattr("console.store.search.CHUNK", 7)
    now = time.time()
    scores = {"past": now - 60, "never": float("inf"), **{f"f-{n}": now + 60 + n for n in range(20)}}
    scores |= {f"kept-{n}": -1.0 - n for n in range(10)}
    for queue in ("low", "mail"):
        for name, score in scores.items():
            redis.hset(f"rq:job:{queue}-{name}", mapping={"status": "failed", "origin": queue, "created_at": ""})
            redis.zadd(f"rq:failed:{queue}", {f"{queue}-{name}": score})
        redis.sadd("rq:queues", f"rq:queue:{queue}")
    del scores["past"]
    for query in (FailuresQuery(), JobsQuery("failed")):
        seen, in_way, more = select(reader, query, details=details)
        expected = {
            (f"{queue}-{name}".encode(), queue.encode(), at) for queue in ("low", "mail") for name, at in scores.items()
        }
        assert {(one.key, one.queue, one.score) for one in seen} == expected
        assert (len(seen), in_way, more) == (len(expected), {}, "")
    seen, _, _ = select(reader, FailuresQuery(b"mail"), details=details)
    assert {one.queue for one in seen} == {b"mail"}


def test_a_queue_in_its_order(redis: Redis, reader: StoreReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "BARE", 7)
    names = [b"j-%d" % n for n in range(30)]
    redis.rpush("rq:queue:mail", *names, names[0], names[29])
    seen, _, _ = select(reader, JobsQuery("queued", b"mail"))
    assert [(one.key, one.state, one.score) for one in seen] == [(name, "queued", None) for name in names]


def test_what_a_filter_wants(redis: Redis, reader: StoreReader) -> None:
    for n in range(4):
        redis.hset(f"rq:job:j-{n}", mapping={"status": "queued", "origin": "mail", "description": f"send({n % 2})"})
        redis.rpush("rq:queue:mail", f"j-{n}")
    seen, _, _ = select(reader, JobsQuery("queued", b"mail", filter=parsed("call:send(1)")))
    assert [one.key for one in seen] == [b"j-1", b"j-3"]


def test_there_is_a_most(redis: Redis, reader: StoreReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "BARE", 7)
    monkeypatch.setattr(selection, "MAX_SELECTED", 14)
    redis.rpush("rq:queue:mail", *(f"j-{n}" for n in range(30)))
    *chunks, last = reader.select(JobsQuery("queued", b"mail"), time.time(), lambda: False, details=False)
    assert sum(len(chunk.seen) for chunk in chunks) == 14
    assert (last.done, last.read, last.of, last.more) == (True, 14, 30, selection.MOST_TOLD)


def test_it_can_be_stopped(redis: Redis, reader: StoreReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "BARE", 7)
    redis.rpush("rq:queue:mail", *(f"j-{n}" for n in range(30)))
    for query in (JobsQuery("queued", b"mail"), NamedQuery((b"j-1",))):
        *_, last = reader.select(query, time.time(), lambda: True, details=False)
        assert (last.done, last.read, last.more) == (True, 0, "it was stopped")


def test_a_hundred_thousand_bare_ids_take_a_trip_for_each_five_thousand(redis: Redis, reader: StoreReader) -> None:
    pipe = redis.pipeline(transaction=False)
    for start in range(0, 100_000, 1_000):
        pipe.zadd("rq:failed:mail", {f"j-{n}": 1e12 + n for n in range(start, start + 1_000)})
    pipe.execute()
    before = redis.info("commandstats")
    seen, _, _ = select(reader, FailuresQuery(b"mail"))
    after = redis.info("commandstats")
    calls = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    assert len(seen) == 100_000
    assert calls["cmdstat_zrevrange"] == 20
    assert sum(calls.values()) < 30


def test_what_hangs_on_jobs_is_told_in_the_same_trips(redis: Redis, reader: StoreReader) -> None:
    for n in range(6):
        meta = pickle.dumps({"user": "ada", "tier": "pro", "task": "scrape"}) if n == 5 else b""
        redis.hset(f"rq:job:j-{n}", mapping={"status": "queued", "origin": "mail", "created_at": "", "meta": meta})
        redis.rpush("rq:queue:mail", f"j-{n}")
    redis.zadd(keys.ENTRIES, {"j-1": 1e12, "j-2": 1e12, "other": 1e12})
    redis.sadd("rq:job:j-2:dependents", "child")
    redis.set("rq:job:j-4:dependents", "somebody else's")
    queries = (JobsQuery("queued", b"mail"), JobsQuery(only=tuple(b"j-%d" % n for n in range(6))),
               NamedQuery(tuple(b"j-%d" % n for n in range(6))))  # fmt: skip
    for query in queries:
        preview = Preview(time.time())
        for chunk in reader.select(query, time.time(), lambda: False, details=True):
            preview.add(chunk)
        assert preview.ties == {"entry": 2, "dependents": 1, "run": 1}
        assert not preview.more
    redis.hset("rq:job:j-2", "status", "finished")
    redis.zadd("rq:finished:mail", {"j-2": -1})
    [chunk, _] = reader.select(JobsQuery("finished", b"mail"), time.time(), lambda: False, details=True)
    assert {code for code, tied in chunk.ties.items() if tied} == {"entry"}
    # They cost no trip of their own.
    with counted_trips() as with_ties:
        list(reader.select(queries[1], time.time(), lambda: False, details=True))
    with counted_trips() as without:
        list(reader.select(queries[1], time.time(), lambda: False, details=False))
    assert with_ties.count == without.count
