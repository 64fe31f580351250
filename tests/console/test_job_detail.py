"""One job, whole: each of the catalogue as RQ left it, ours with what only we know, and hostile ones at their worst."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from console.model.job import JobDetail, Place
from console.model.masking import MASK
from console.model.payload import BigInt, Call, Long, Many, Name, Pairs, Thing, Undecodable
from console.model.queries import JobQuery
from console.model.secrets import DEFAULT
from console.store.job import read
from console.store.trip import Trip
from tests.catalogue import BINARY, MEGABYTE, PARKED, Catalogue, build
from tests.conftest import Server, Stock, until
from tests.contents import contents
from tests.fast_tiers import ROOT
from tests.fast_tiers import fast_tiers as with_fast_tiers
from tests.hostile import HUGE, WORKER, Hostile
from tests.hostile import build as build_hostile

__all__ = ["with_fast_tiers"]

MODULE = "tests.catalogue_tasks"


def detail(redis: Redis, job: str | bytes) -> JobDetail:
    return read(redis, JobQuery(job if isinstance(job, bytes) else job.encode()), time.time(), DEFAULT)


class Trips:
    """Counts the round trips that are made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        go = Trip.go

        def counted(trip: Trip) -> None:
            self.count += 1
            go(trip)

        monkeypatch.setattr(Trip, "go", counted)


# --- the catalogue ------------------------------------------------------------------------------


def test_the_catalogue(redis: Redis, stock: Stock, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """One catalogue for all that is asked of it: it takes seconds to make."""
    catalogue = build(redis, stock)
    try:
        trips = Trips(monkeypatch)
        before = contents(redis)
        redis.config_resetstat()
        found = {}
        for name, listed in catalogue.jobs.items():
            trips.count = 0
            found[name] = detail(redis, listed.id)
            assert trips.count <= 4, name
        commands = set(redis.info("commandstats"))
        assert contents(redis) == before
    finally:
        catalogue.end()
    writing = {f"cmdstat_{name}" for name, flags in _commands(redis).items() if "write" in flags}
    assert commands & writing == set()
    check_what_every_detail_says(catalogue, found)
    check_calls(found)
    check_attempts(found)
    check_relations(catalogue, found)
    check_other_fields(catalogue, found)


def _commands(redis: Redis) -> dict[str, list[str]]:
    return {name: command["flags"] for name, command in redis.command().items()}


def check_what_every_detail_says(catalogue: Catalogue, found: dict[str, JobDetail]) -> None:
    for name, listed in catalogue.jobs.items():
        job = found[name]
        assert (job.key, job.id, job.status) == (listed.id.encode(), listed.id, listed.status), name
        assert job.found == (listed.status is not None), name
        assert {place.name for place in job.places} >= set(listed.lists), name
        assert len(job.places) == len(listed.lists), name
        assert job.refused == (), name
        assert job.unsearched == (), name
        assert not isinstance(job.call, Undecodable), name
        if job.found:
            assert job.queue == listed.queue, name
            assert job.created_at is not None, name
        if listed.description is None or "hunter2" not in listed.description:
            assert job.description == listed.description, name
        assert "hunter2" not in repr(job), name


def call(job: JobDetail) -> Call:
    assert isinstance(job.call, Call)
    return job.call


def check_calls(found: dict[str, JobDetail]) -> None:
    echo = f"{MODULE}.echo"
    assert call(found["function"]) == Call(echo, None, (Pairs((("answer", 42),)),), (("subject", "x"),))
    mailer = Thing(Name(MODULE, "Mailer"), (), Pairs((("host", "cache-1"),)))
    assert call(found["instance method"]) == Call("send", mailer, ("ada",), ())
    assert call(found["callable instance"]) == Call("__call__", mailer, ("ada",), ())
    assert call(found["class method"]) == Call("check", Name(MODULE, "Mailer"), ("ada",), ())
    assert call(found["static method"]).function == f"{MODULE}.Mailer.quote"
    assert call(found["string reference"]) == Call("operator.add", None, (1, 2), ())
    assert call(found["unicode arguments"]).kwargs == (("schlüssel", "wert"),)
    assert call(found["unicode arguments"]).args == ("ünïcode ✓ \u202e \x1b[31m",)
    assert call(found["binary arguments"]).args == (BINARY,)
    assert call(found["megabyte arguments"]).args == (Long(MEGABYTE[:20_000], 1_000_000), 1)
    for name in ("json", "json, queued"):
        assert isinstance(found[name].call, Call), name
    assert call(found["json"]).args == (Pairs((("a", Many("list", (1, 2.5, None))),)),)
    assert found["json"].meta == Pairs((("token", MASK), ("n", 1)))
    assert found["failed"].meta == Pairs((("password", MASK), ("user", "bob")))
    assert (found["failed"].user, found["failed"].schedule) == ("bob", None)
    assert found["expired in its queue"].call is None


def check_attempts(found: dict[str, JobDetail]) -> None:
    outcomes = {name: [attempt.outcome for attempt in job.attempts] for name, job in found.items()}
    assert outcomes["function"] == ["finished"]
    assert outcomes["failed"] == outcomes["failed for good"] == outcomes["json, failed"] == ["failed"]
    assert outcomes["timeout"] == ["timeout"]
    assert outcomes["killed horse"] == ["killed"]
    assert outcomes["stopped"] == ["stopped"]
    assert outcomes["abandoned"] == outcomes["running"] == ["running"]
    assert outcomes["retrying"] == [], "RQ keeps nothing of an attempt that it tries again"
    assert outcomes["retrying by its result"] == ["retried"]
    assert outcomes["too many retries by its result"] == ["retried", "failed"]
    assert outcomes["repeating"] == ["finished"]
    for name in ("queued", "deferred", "scheduled", "canceled", "rate limited", "ready", "refused id", "rq-scheduler's"):
        assert outcomes[name] == [], name
    [attempt] = found["function"].attempts
    assert attempt.result == Pairs((("answer", 42),))
    assert attempt.has_result
    assert attempt.worker
    assert attempt.started_at is not None
    assert attempt.ended_at is not None
    assert attempt.started_at <= attempt.ended_at
    [attempt] = found["failed"].attempts
    assert attempt.error == "ConnectionError: the far end hung up"
    assert isinstance(attempt.traceback, str)
    assert attempt.traceback.startswith("Traceback")
    assert not attempt.has_result
    [attempt] = found["failed, saying a secret"].attempts
    assert attempt.error == "ConnectionError: refused: password='…' at https://…@db/x"
    assert found["running"].worker == found["running"].attempts[0].worker
    assert found["running"].attempts[0].started_at == found["running"].started_at
    for job in found.values():
        assert job.attempts_total == len(job.attempts)
    assert found["retrying"].retries_left == 2
    assert found["retrying by its result"].retries == 1


def check_relations(catalogue: Catalogue, found: dict[str, JobDetail]) -> None:
    first, group = catalogue["queued"], catalogue["in a group"]
    above = [(one.id, one.state, one.call) for one in found["deferred"].depends_on]
    assert above == [(first.id, "queued", first.description), (group.id, "queued", group.description)]
    waits = catalogue["deferred"]
    for name in ("queued", "in a group"):
        assert [(one.id, one.state) for one in found[name].dependents] == [(waits.id, "deferred")], name
        assert found[name].dependents_total == 1
    assert [one.id for one in found["deferred"].dependents] == [catalogue["deferred twice"].id]
    assert [one.id for one in found["after its dependency"].depends_on] == [catalogue["with dependents"].id]
    assert [name for name, job in found.items() if job.depends_on] == [
        "after its dependency", "deferred", "deferred twice",
    ]  # fmt: skip


def check_other_fields(catalogue: Catalogue, found: dict[str, JobDetail]) -> None:
    fields = found["failed with callbacks"].fields
    assert fields["success_callback_name"] == f"{MODULE}.on_success"
    assert fields["failure_callback_timeout"] == "7"
    assert found["in a group"].fields["group_id"] == "night"
    assert found["rate limited"].fields["rate_limit_key"] == "vendor"
    assert found["rate limited"].fields["rate_limit_concurrency"] == "1"
    assert found["queued again"].fields["retry_intervals"] == "[5]"
    assert found["queued again"].fields["repeats_left"] == "2"
    assert found["queued"].fields["timeout"] == "7200"
    hook = found["webhooks"].fields["webhooks"]
    assert "hooks.example/…" in hook
    assert '"job_status": "failed"' in hook
    assert hook.count(MASK) == 3
    assert found["queued"].expires_s is not None
    assert 3_500 < found["queued"].expires_s <= 3_600
    assert found["kept for good"].expires_s is None
    assert found["kept for good"].places == (Place("rq:finished:mail", found["kept for good"].places[0].rank),)
    assert found["failed for good"].places[0].score is None
    front, key = found["queued at the front"], f"rq:queue:{PARKED}"
    assert front.places == (Place(key, 0),)
    assert [place for place in found["expired in its queue"].places if place.name == key and place.rank]
    due = found["scheduled"].places[0].score
    assert due is not None
    assert 3_000 < due - time.time() <= 3_600
    assert {place.name for place in found["repeating"].places} == {"rq:scheduled:mail", "rq:finished:mail"}


# --- ours ---------------------------------------------------------------------------------------


def test_a_run_tells_every_attempt_and_what_it_said(redis: Redis, stock: Stock, with_fast_tiers: None) -> None:
    from jobs import runs, users

    user = users.User("ada@example.com", "pro")
    made = {task: runs.enqueue(redis, task, user, key="one") or "" for task in ("flaky", "hopeless", "suicidal", "gated")}
    redis.set("test:gate", 1)
    stock.worker("high", "--with-scheduler", PYTHONPATH=str(ROOT))
    until(lambda: all(_ended(redis, job) for job in made.values()), what="all of them have ended")
    flaky = detail(redis, made["flaky"])
    assert [(attempt.n, attempt.outcome) for attempt in flaky.attempts] == [(1, "retried"), (2, "retried"), (3, "finished")]
    assert [attempt.error for attempt in flaky.attempts] == ["ConnectionError: the far end hung up"] * 2 + [None]
    assert flaky.attempts[2].result == "done"
    assert flaky.attempts_total == 3
    assert (flaky.user, flaky.tier, flaky.task) == ("ada@example.com", "pro", "flaky")
    assert flaky.schedule
    assert flaky.id == f"{flaky.schedule}-one"
    assert flaky.slot is not None
    assert [attempt.outcome for attempt in detail(redis, made["hopeless"]).attempts] == ["failed"]
    gated = detail(redis, made["gated"])
    assert gated.progress == (0.5, "half way")
    assert [text for _, text in gated.log] == ["waiting at the gate"]
    killed = detail(redis, made["suicidal"])
    assert [attempt.outcome for attempt in killed.attempts] == ["killed", "finished"]
    assert all(job.refused == () for job in (flaky, gated, killed))


def _ended(redis: Redis, job: str) -> bool:
    return redis.hget(f"rq:job:{job}", "status") in (b"finished", b"failed")


# --- what is not there, or is something else ----------------------------------------------------


def test_a_job_that_never_was_is_not_found(redis: Redis) -> None:
    job = detail(redis, b"nobody \xff")
    assert [reason.code for reason in job.why] == ["no_such_job"]
    assert replace(job, why=()) == JobDetail(as_of=job.as_of, key=b"nobody \xff", id="nobody \\xff", found=False)


def test_what_is_left_of_a_job_without_its_hash_is_told(redis: Redis) -> None:
    redis.sadd("rq:queues", "rq:queue:mail", "rq:queue:other")
    redis.rpush("rq:queue:mail", "x", "gone")
    redis.zadd("rq:failed:other", {"gone": 1_800_000_000})
    redis.xadd("rq:results:gone", {"type": "1", "worker_name": "w"})
    redis.sadd("rq:job:gone:dependents", "child")
    job = detail(redis, "gone")
    assert not job.found
    assert set(job.places) == {Place("rq:queue:mail", 1), Place("rq:failed:other", 0, 1_800_000_000)}
    assert [attempt.outcome for attempt in job.attempts] == ["finished"]
    assert [(one.id, one.state) for one in job.dependents] == [("child", None)]


def test_a_job_in_the_middle_of_a_long_queue_is_said_to_be_searched_for_at_its_ends(redis: Redis) -> None:
    redis.hset("rq:job:x", mapping={"status": "queued", "origin": "mail", "data": b""})
    redis.eval("for i = 1, 2500 do redis.call('RPUSH', KEYS[1], i) end", 1, "rq:queue:mail")
    assert detail(redis, "x").unsearched == ("rq:queue:mail",)
    redis.rpush("rq:queue:mail", "x")
    job = detail(redis, "x")
    assert job.unsearched == ()
    assert job.places == (Place("rq:queue:mail", 2_500),)


@pytest.mark.parametrize("start", ["S", "I", "L", "F"])
def test_what_cannot_be_read_shows_no_secret(redis: Redis, start: str) -> None:
    leaking = f"{start}ession password=hunter2 x\n"
    redis.hset("rq:job:leaking", mapping=dict.fromkeys(("data", "meta", "result", "exc_info"), leaking))
    redis.xadd("rq:results:leaking", dict.fromkeys(("exc_string", "return_value"), leaking))
    found = detail(redis, "leaking")
    assert isinstance(found.attempts[0].traceback, Undecodable)
    assert bytes.fromhex(found.attempts[0].traceback.head) == f"{start}ession password=… x\n".encode()
    assert "hunter2" not in str(found)
    assert b"hunter2".hex(" ") not in str(found)


def test_a_running_job_whose_executions_have_expired_is_found_among_the_running_ones(redis: Redis) -> None:
    redis.hset("rq:job:x", mapping={"status": "started", "origin": "mail"})
    redis.zadd("rq:wip:mail", {"y:1": 1, "x:abc": 2, "x": 3})
    job = detail(redis, "x")
    assert {place.name for place in job.places} == {"rq:wip:mail"}
    redis.zrem("rq:wip:mail", "x")
    assert detail(redis, "x").places == (Place("rq:wip:mail", 1),)


@pytest.mark.parametrize("write", [
    lambda redis: redis.set("rq:job:x", "a text"),
    lambda redis: redis.rpush("rq:job:x", "a list"),
], ids=["text", "list"])  # fmt: skip
def test_a_hash_of_another_kind_is_refused(redis: Redis, write: Callable[[Redis], Any]) -> None:
    write(redis)
    job = detail(redis, "x")
    assert not job.found
    [refused] = job.refused
    assert refused.what == "rq:job:x"
    assert "no hash" in refused.reason


def test_a_user_who_may_only_read_sees_all_of_it(redis: Redis, server: Server) -> None:
    from rq import Queue

    one = Queue("mail", connection=redis).enqueue("operator.add", 1, 2)
    two = Queue("mail", connection=redis).enqueue("operator.add", 1, 2, depends_on=one)
    redis.execute_command("ACL", "SETUSER", "reader", "reset", "on", ">pw", "%R~*", "+@read", "+ping", "+info")
    try:
        with Redis.from_url(server.url.replace("unix://", "unix://reader:pw@")) as client:
            for job in (one, two):
                ours, theirs = detail(redis, job.id), detail(client, job.id)
                assert theirs.refused == ()
                assert (theirs.call, theirs.places, theirs.depends_on) == (ours.call, ours.places, ours.depends_on)
    finally:
        redis.execute_command("ACL", "DELUSER", "reader")


# --- hostile ones -------------------------------------------------------------------------------


@pytest.fixture
def hostile(redis: Redis, tmp_path: Path) -> Iterator[Hostile]:
    yield build_hostile(redis, tmp_path / "canary")
    # Hundreds of megabytes, which the next test should not find in the server.
    redis.flushall()


def test_hostile_jobs_execute_nothing_and_take_little(redis: Redis, hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(redis)
    trips = Trips(monkeypatch)
    found = {}
    for name, job in hostile.jobs.items():
        trips.count = 0
        tracemalloc.start()
        found[name] = detail(redis, job)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 64 << 20, name
        assert trips.count <= 4, name
    assert contents(redis) == before
    assert not hostile.executed

    executes = found["executes"]
    assert isinstance(executes.meta, Thing)
    assert isinstance(executes.call, Call)
    first = found["recursive"].attempts[0]
    assert (first.outcome, first.worker) == ("finished", WORKER)
    assert isinstance(first.result, Thing)
    assert isinstance(found["bomb"].call, Undecodable)
    assert "compressed" in found["bomb"].call.reason
    digits = found["digits"].call
    assert isinstance(digits, Call)
    assert digits.args == (BigInt("1" + "0" * 39, 100_001),)
    assert found["digits"].meta == BigInt("9" * 40, 100_000)
    huge = found["huge"]
    assert huge.description == "(a description of 70 MiB, too long to be read)"
    assert huge.fields["timeout"] == "(70 MiB, too long to be read)"
    assert huge.dependents == ()
    assert {refused.what for refused in huge.refused} == {f"rq:results:{huge.id}", f"rq:job:{huge.id}:dependents"}
    assert HUGE > 64 << 20
    assert {refused.reason[:9] for refused in found["a text for a list"].refused} == {"WRONGTYPE"}
    assert not found["a list for a hash"].found
