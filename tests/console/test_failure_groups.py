"""Failures in groups: of real workers, by the thousand, as they come and go, and as strangers write them."""

from __future__ import annotations

import base64
import os
import pickle
import random
import threading
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from rq import Queue
from rq.command import send_stop_job_command
from rq.job import Job, JobStatus
from rq.registry import StartedJobRegistry

from console.model import failure_groups as model
from console.model.commands import JobSeen, Requeue
from console.model.failure_groups import Failure, Group, Groups, Tally
from console.model.filters import parse
from console.model.fingerprints import Kind
from console.model.job_terms import FIELDS
from console.model.ports import ReadError
from console.model.queries import FailuresQuery, GroupsQuery
from console.model.raised import Said
from console.store import decoding, failure_batches, failure_facts, failure_groups, failure_listing, plain_pickles
from console.store.owner import owner
from console.store.reader import StoreReader, open_reader
from jobs import keys
from tests import failed_jobs, hostile
from tests.conftest import Server, Stock, until
from tests.console.giving import codes, do, writer_of
from tests.console.whole_site import nothing_changes
from tests.failed_jobs import KINDS
from tests.failing_tasks import ELSEWHERE, SAID

ROOT = Path(__file__).parents[2]
TASKS = "tests.failing_tasks"


@pytest.fixture
def reader(redis: Redis, server: Server) -> Iterator[StoreReader]:
    opened = open_reader(server.url)
    yield opened
    opened.close()


def told(reader: StoreReader, query: GroupsQuery | None = None, now: float | None = None) -> list[Groups]:
    return list(reader.groups(query or GroupsQuery(), now or time.time(), lambda: False))


def last(reader: StoreReader, query: GroupsQuery | None = None) -> Groups:
    found = told(reader, query)[-1]
    assert (found.done, found.sampled) == (True, False)
    return found


def counts(found: Groups) -> list[int]:
    return [group.count for group in found.groups]


# --- of real workers ----------------------------------------------------------------------------------


def work_off(stock: Stock, *queues: str) -> None:
    env = {"PYTHONPATH": str(ROOT)}
    for worker in [stock.worker("--burst", "--quiet", queue, **env) for queue in queues]:
        assert worker.wait(120) == 0, stock.logs()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def running(job: Job, worker: int) -> bool:
    return job.get_status() == JobStatus.STARTED and bool(children(worker))


def test_failures_of_real_workers_are_grouped_by_kind(redis: Redis, stock: Stock, reader: StoreReader) -> None:
    """Each kind is one group whatever its ids, hosts, numbers, dates, line breaks and languages, and no group has two kinds."""
    kinds: dict[str, str] = {}
    queues = [Queue("first", connection=redis), Queue("second", connection=redis)]
    seeds = range(3)
    for seed in seeds:
        for at, kind in enumerate(SAID):
            job = queues[at % 2].enqueue(f"{TASKS}.fail", kind, seed, meta={"user": f"user-{seed}", "tier": "pro"})
            kinds[job.id] = kind
        for at, call in enumerate(ELSEWHERE):
            kinds[queues[at % 2].enqueue(f"{TASKS}.{call.__name__}", seed).id] = call.__name__
        kinds[queues[0].enqueue(f"{TASKS}.asks_again", seed).id] = "asks again"
        kinds[queues[1].enqueue("no.such.module.task", seed).id] = "no such module"
        unreadable = queues[0].enqueue(f"{TASKS}.fail", "silent", seed)
        redis.hset(unreadable.key, "data", b"no pickle")
        kinds[unreadable.id] = "unreadable"
        if seed < 2:
            kinds[queues[seed].enqueue(f"{TASKS}.too_long", seed, job_timeout=1).id] = "timed out"
    work_off(stock, "first", "second")

    slow = Queue("slow", connection=redis)
    stopped, lost = (slow.enqueue(f"{TASKS}.waits", seed) for seed in range(2))
    worker = stock.worker("slow", PYTHONPATH=str(ROOT))
    until(lambda: running(stopped, worker.pid))
    send_stop_job_command(redis, stopped.id)
    until(lambda: stopped.get_status() == JobStatus.STOPPED and running(lost, worker.pid))
    for pid in (worker.pid, *children(worker.pid)):
        os.kill(pid, 9)
    worker.wait()
    StartedJobRegistry("slow", connection=redis).cleanup(time.time() + 3_600)
    kinds |= {stopped.id: "stopped", lost.id: "lost worker"}

    with nothing_changes(redis):
        found = last(reader)
    assert (found.read, found.of, found.more, found.refused) == (len(kinds), len(kinds), "", ())
    groups = {group.fingerprint: group for group in found.groups}
    in_group: dict[str, set[str]] = defaultdict(set)
    of_kind: dict[str, Group] = {}
    for fingerprint, group in groups.items():
        for seen in members(reader, fingerprint):
            in_group[fingerprint].add(kinds[seen.key.decode()])
            of_kind[kinds[seen.key.decode()]] = group
    assert [names for names in in_group.values() if len(names) != 1] == []
    assert sorted(name for names in in_group.values() for name in names) == sorted(set(kinds.values()))
    assert len(groups) >= 30

    causes = {
        "timed out": "timed out", "killed": "killed", "crashed": "killed", "left": "killed", "lost worker": "lost worker",
        "stopped": "stopped", "unreadable": "undecodable", "asks again": "gave up",
    }  # fmt: skip
    assert {kind: group.cause for kind, group in of_kind.items() if group.cause != "raised"} == causes
    assert of_kind["killed"].message == "work-horse ended by signal 9 (out of memory?)"
    refused = of_kind["refused"]
    assert (refused.count, refused.users, refused.tiers) == (3, 3, (("pro", 3),))
    assert (refused.function, refused.exception) == (f"{TASKS}.fail", "ConnectionRefusedError")
    assert refused.frame == "tests/failing_tasks.py in fail"
    assert of_kind["chained"].because.startswith("json.decoder.JSONDecodeError")
    assert of_kind["no such module"].frame.startswith("rq/utils.py")
    assert kinds[of_kind["refused"].sample.decode()] == "refused"


# --- by the thousand ----------------------------------------------------------------------------------


def forty_groups(redis: Redis, reader: StoreReader, count: int) -> None:
    made = failed_jobs.make(redis, count, queues=("default", "low", "other"))
    answers = told(reader)
    found = answers[-1]
    assert (found.read, found.of, found.done, found.more) == (count, count, True, "")
    assert counts(found) == failed_jobs.counts(made)
    assert len(found.groups) == len(KINDS) == 40
    assert [one.read for one in answers if not one.sampled] == sorted(one.read for one in answers if not one.sampled)


def test_two_thousand_failures_of_forty_kinds_are_forty_groups(redis: Redis, reader: StoreReader) -> None:
    forty_groups(redis, reader, 2_000)


@pytest.mark.drill
def test_a_hundred_thousand_failures_of_forty_kinds_are_forty_groups(redis: Redis, reader: StoreReader) -> None:
    forty_groups(redis, reader, 100_000)


def test_a_group_tells_whom_it_hits_and_when(redis: Redis, reader: StoreReader) -> None:
    made = failed_jobs.make(redis, 400, kinds=("refused", "killed"))
    now = time.time()
    found = {group.exception: group for group in told(reader, now=now)[-1].groups}
    for kind, exception in (("refused", "ConnectionRefusedError"), ("killed", "KilledByOS")):
        mine, group = [one for one in made if one.kind == kind], found[exception]
        named = [one.user for one in mine if one.user]
        assert (group.count, group.users) == (200, len(set(named)))
        assert group.top_users[0][1] == max(map(named.count, named))
        tiers = [one.tier for one in mine if one.user]
        assert dict(group.tiers) == {tier: tiers.count(tier) for tier in set(tiers)}
        assert group.first_at == pytest.approx(min(one.at for one in mine), abs=0.002)
        assert group.last_at == pytest.approx(max(one.at for one in mine), abs=0.002)
        assert group.sample.decode() == max(mine, key=lambda one: one.at).id
        assert sum(group.by_hour) == 200
        hours = [sum(1 for one in mine if int(now // 3_600) - int(one.at // 3_600) == back) for back in range(23, -1, -1)]
        assert list(group.by_hour) == hours


def test_a_first_answer_is_estimated_from_a_few(redis: Redis, reader: StoreReader) -> None:
    made = failed_jobs.make(redis, 4_000, kinds=("refused", "refused", "refused", "killed"), queues=("a", "b", "c"))
    kept = [one.id for one in made if one.queue == "b"][:300]
    redis.zadd("rq:failed:b", dict.fromkeys(kept, -1))
    first, *_, end = told(reader)
    assert (first.sampled, first.done, first.read, first.of) == (True, False, failure_groups.DRAWN, 4_000)
    assert model.window(first) == "estimated from 200 of 4,000, drawn by chance"
    assert abs(sum(counts(first)) - 4_000) <= 1
    # Six standard deviations of a share that is drawn 500 times.
    assert abs(first.groups[0].count - 3_000) < 480
    assert (counts(end), end.sampled, model.window(end)) == ([3_000, 1_000], False, "grouped 4,000 of 4,000")
    assert not told(reader)[0].sampled


def test_one_queue_is_grouped_by_itself(redis: Redis, reader: StoreReader) -> None:
    made = failed_jobs.make(redis, 300, queues=("a", "b"))
    for queue in ("a", "b", "a"):
        found = last(reader, GroupsQuery(queue.encode()))
        assert counts(found) == failed_jobs.counts(one for one in made if one.queue == queue)
    assert last(reader, GroupsQuery(b"nobody")).groups == ()
    assert counts(last(reader)) == failed_jobs.counts(made)


def test_a_filter_groups_what_it_wants(redis: Redis, reader: StoreReader) -> None:
    made = failed_jobs.make(redis, 600)
    for expression, wanted in (
        ("user:user-7@", lambda one: one.user is not None and one.user.startswith("user-7@")),
        ("tier=pro func:*.in_*", lambda one: one.user is not None and one.tier == "pro" and one.kind.startswith("in_")),
        ("age>1s", lambda one: True),
        ("error:waitpid", lambda one: one.kind in failed_jobs.ENDED),
        ("error:KilledByOS", lambda one: False),
    ):
        found = last(reader, GroupsQuery(filter=parse(expression, FIELDS)))
        assert (found.read, found.of) == (600, 600)
        assert counts(found) == failed_jobs.counts(one for one in made if wanted(one)), expression


# --- as they come and go ------------------------------------------------------------------------------


def test_what_has_come_and_gone_is_all_that_is_read_again(redis: Redis, reader: StoreReader, server: Server) -> None:
    """After any changes the groups are those of somebody who reads everything."""
    chance = random.Random(4)
    made = failed_jobs.make(redis, 1_500, queues=("a", "b", "c"))
    last(reader)
    for turn in range(6):
        gone = chance.sample(made, chance.randrange(1, 200))
        failed_jobs.remove(redis, gone)
        made = [one for one in made if one not in set(gone)]
        come = failed_jobs.make(redis, chance.randrange(0, 60), queues=("a", "c", "d"), seed=100 + turn) if turn else []
        # The same ids once more, having failed again of something else; and one queue that is empty by now.
        again = [replace(one, kind=chance.choice(KINDS), at=one.at + 100) for one in chance.sample(gone, 1 + len(gone) // 3)]
        again += [replace(one, kind="killed", at=one.at + 7) for one in made[:5]]
        failed_jobs.add(redis, again)
        made = [one for one in made if one.id not in {other.id for other in again}] + come + again
        if turn == 3:
            failed_jobs.remove(redis, [one for one in made if one.queue == "b"])
            made = [one for one in made if one.queue != "b"]
        now = time.time()
        redis.config_resetstat()
        kept = told(reader, now=now)[-1]
        read = redis.info("commandstats").get("cmdstat_hmget", {"calls": 0})["calls"]
        fresh = open_reader(server.url)
        assert kept == replace(told(fresh, now=now)[-1], groups=kept.groups)
        anew = {group.fingerprint: group for group in told(fresh, now=now)[-1].groups}
        fresh.close()
        # An example is what one of them said, whichever was met first.
        assert {one.fingerprint: replace(one, example="", because="") for one in kept.groups} == {
            name: replace(one, example="", because="") for name, one in anew.items()
        }
        assert counts(kept) == failed_jobs.counts(made)
        assert read <= len(come) + len(again)


def fail_again(redis: Redis, made: list[failed_jobs.Made]) -> None:
    """As jobs that were requeued and have failed of the same: each is listed with another score."""
    for one in made:
        redis.zadd(keys.RQ_FAILED + one.queue, {one.id: int(time.time()) + failed_jobs.YEAR + 60}, xx=True)


def test_what_fails_again_of_the_same_stays_in_its_group(redis: Redis, reader: StoreReader) -> None:
    """The only one of its kind, and all of a kind at once."""
    (one,), many = failed_jobs.make(redis, 1, kinds=("refused",)), failed_jobs.make(redis, 40, kinds=("killed",), seed=1)
    assert counts(last(reader)) == [40, 1]
    for again in ([one], many, [one, *many]):
        fail_again(redis, again)
        found = last(reader)
        assert (counts(found), found.read, found.of) == ([40, 1], 41, 41)
    failed_jobs.remove(redis, [one])
    assert counts(last(reader)) == [40]
    more = failed_jobs.make(redis, 3, kinds=("refused",), seed=2)
    assert counts(last(reader)) == [40, 3]
    failed_jobs.remove(redis, [*many, *more])
    assert last(reader).groups == ()


def test_failures_that_expire_are_counted_out(redis: Redis, reader: StoreReader) -> None:
    made = failed_jobs.make(redis, 200, kinds=("refused",))
    assert counts(last(reader)) == [200]
    redis.zadd(keys.RQ_FAILED + "default", {one.id: int(time.time()) - 5 for one in made[:50]})
    redis.zadd(keys.RQ_FAILED + "default", {one.id: -1 for one in made[50:60]})
    assert counts(last(reader)) == [150]
    redis.delete(keys.RQ_FAILED + "default")
    assert last(reader).groups == ()


def test_it_can_be_stopped_and_goes_on_where_it_was(redis: Redis, reader: StoreReader, monkeypatch: pytest.MonkeyPatch) -> None:
    made = failed_jobs.make(redis, 1_200)
    monkeypatch.setattr(failure_listing, "CHUNK", 100)
    stop = iter([False] * 20)
    *_, found = reader.groups(GroupsQuery(), time.time(), lambda: next(stop, True))
    assert (found.done, found.more, found.of) == (True, failure_groups.STOPPED, 1_200)
    assert 0 < found.read < 1_200
    assert sum(counts(found)) == found.read
    redis.config_resetstat()
    assert counts(last(reader)) == failed_jobs.counts(made)
    assert redis.info("commandstats")["cmdstat_hmget"]["calls"] <= 1_200 - found.read


def test_an_answer_that_nobody_waits_for_leaves_nothing_behind(redis: Redis, reader: StoreReader) -> None:
    made = failed_jobs.make(redis, 4_100)
    answers = reader.groups(GroupsQuery(), time.time(), lambda: False)
    next(answers)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert counts(last(reader)) == failed_jobs.counts(made)


def test_two_threads_may_group_at_once(redis: Redis, reader: StoreReader) -> None:
    made = failed_jobs.make(redis, 1_000)
    found: list[Groups] = []
    threads = [threading.Thread(target=lambda: found.append(last(reader))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [counts(one) for one in found] == [failed_jobs.counts(made)] * 3


def test_more_than_can_be_held_is_said(redis: Redis, reader: StoreReader, monkeypatch: pytest.MonkeyPatch) -> None:
    failed_jobs.make(redis, 900, queues=("a", "b"))
    monkeypatch.setattr(failure_groups, "MOST_READ", 600)
    found = last(reader)
    assert (found.read, found.of, found.more) == (600, 900, failure_groups.MORE)
    monkeypatch.setattr(model, "MOST_GROUPS", 5)
    fresh = last(StoreReader(redis, "", ()))
    assert [group.fingerprint for group in fresh.groups].count("others") == 1
    assert (len(fresh.groups), sum(counts(fresh))) == (6, 600)


def test_a_lost_server_is_one_line(reader: StoreReader, redis: Redis, tmp_path: Path) -> None:
    away = open_reader(f"unix://{tmp_path}/nowhere.sock")
    with pytest.raises(ReadError, match="cannot be reached"):
        told(away)


# --- the failures of one group ------------------------------------------------------------------------


def members(reader: StoreReader, group: str, **more: Any) -> list[JobSeen]:
    chunks = list(reader.select(FailuresQuery(group=group, **more), time.time(), lambda: False, details=False))
    assert (chunks[-1].done, chunks[-1].more) == (True, "")
    return [seen for chunk in chunks for seen in chunk.seen if isinstance(seen, JobSeen)]


def test_the_failures_of_a_group_are_listed_with_the_latest_first(redis: Redis, reader: StoreReader) -> None:
    """Those too that have come since the group was listed before."""
    made = failed_jobs.make(redis, 30, kinds=("refused",), queues=("a", "b"))
    (group,) = last(reader).groups
    assert len(members(reader, group.fingerprint)) == 30
    made += failed_jobs.make(redis, 5, kinds=("refused",), queues=("a", "b"), seed=1)
    latest = sorted(made, key=lambda one: one.at, reverse=True)
    assert [one.key.decode() for one in members(reader, group.fingerprint)] == [one.id for one in latest]


def test_the_failures_of_a_group_can_be_acted_on(redis: Redis, reader: StoreReader, server: Server) -> None:
    made = failed_jobs.make(redis, 700, kinds=("refused", "killed"), queues=("a", "b"))
    killed = next(group for group in last(reader).groups if group.cause == "killed")
    wanted = {one.id: one for one in made if one.kind == "killed"}
    seen = members(reader, killed.fingerprint)
    assert {one.key.decode() for one in seen} == set(wanted)
    for one in seen:
        job = wanted[one.key.decode()]
        assert (one.queue, one.state, one.score) == (job.queue.encode(), "failed", int(job.at) + failed_jobs.YEAR)
    assert [one.key for one in members(reader, killed.fingerprint, queue=b"a")] == [
        one.key for one in seen if one.queue == b"a"
    ]
    assert members(reader, "0" * 12) == []
    found = list(reader.search(FailuresQuery(group=killed.fingerprint), time.time(), lambda: False))
    assert {key.decode() for part in found for key in part.keys} == set(wanted)

    detailed = list(reader.select(FailuresQuery(group=killed.fingerprint), time.time(), lambda: False, details=True))
    assert {row.id for part in detailed for row in part.rows} == set(wanted)
    assert {one.key for part in detailed for one in part.seen} == {one.key for one in seen}
    assert detailed[-1].done
    with writer_of(server) as writer:
        assert codes(do(writer, Requeue(), *seen)) == ["done"] * len(seen)
    assert [group.cause for group in last(reader).groups] == ["raised"]


def test_a_filter_narrows_a_group(redis: Redis, reader: StoreReader) -> None:
    made = failed_jobs.make(redis, 300, kinds=("refused", "killed"))
    killed = next(group for group in last(reader).groups if group.cause == "killed")
    user = next(one.user for one in made if one.kind == "killed" and one.user)
    found = members(reader, killed.fingerprint, filter=parse(f"user={user}", FIELDS))
    assert {one.key.decode() for one in found} == {one.id for one in made if one.kind == "killed" and one.user == user}


# --- as strangers write them --------------------------------------------------------------------------


def kept(redis: Redis, job: str, exc: bytes | None, fields: dict[str, Any] | None = None, **result: Any) -> None:
    """One failure with that for a traceback."""
    redis.zadd(keys.RQ_FAILED + "mail", {job: time.time() + 600})
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + "mail")
    if fields != {}:
        redis.hset(keys.RQ_JOB + job, mapping=fields or {"status": "failed", "description": "a.b()", "origin": "mail"})
    told = {"type": 2, **({} if exc is None else {"exc_string": exc}), **result}
    redis.xadd(f"rq:results:{job}", told)


def packed(text: str) -> bytes:
    return base64.b64encode(zlib.compress(text.encode()))


def cause(reader: StoreReader) -> tuple[str, str]:
    [group] = last(reader).groups
    return group.cause, group.message


@pytest.mark.parametrize(
    ("exc", "result", "found"),
    [
        (b"no base64!", {}, ("undecodable", "what was kept of its failure cannot be read")),
        (packed(""), {}, ("unknown", "nothing is kept of its failure")),
        (None, {}, ("unknown", "nothing is kept of its failure")),
        (None, {"type": 5}, ("gave up", "it asked for another try, and had no more")),
        (packed("x"), {"type": 1}, ("unknown", "its newest result is a success: it has run again since it failed")),
        (base64.b64encode(b"no zlib"), {}, ("raised", "no zlib")),
        (base64.b64encode(zlib.compress(b"\xff\xfe")), {}, ("raised", "��")),
        (base64.b64encode(zlib.compress(b"x" * (5 << 20))), {}, ("undecodable", "what was kept of its failure cannot be read")),
        (b"A" * 300_000, {}, ("unknown", "what was kept of its failure is too large to be read")),
    ],
)
def test_results_that_are_none_say_so(
    redis: Redis, reader: StoreReader, exc: bytes | None, result: dict[str, Any], found: tuple[str, str]
) -> None:
    kept(redis, "a", exc, **result)
    assert cause(reader) == found


def test_a_job_whose_results_or_hash_are_gone_says_so(redis: Redis, reader: StoreReader) -> None:
    for job in ("a", "b", "c"):
        kept(redis, job, packed("x"))
    redis.delete("rq:results:a", "rq:job:a", "rq:results:b")
    redis.hset("rq:job:c", "status", "stopped")
    redis.delete("rq:results:c")
    found = {group.cause: group for group in last(reader).groups if group.message != "its hash is gone"}
    assert set(found) == {"unknown", "stopped"}
    assert [group.sample for group in last(reader).groups if group.message == "its hash is gone"] == [b"a"]
    assert found["stopped"].sample == b"c"


def test_keys_of_the_wrong_type_are_named_and_spoil_nothing_else(redis: Redis, reader: StoreReader) -> None:
    for job in ("a", "b", "c"):
        kept(redis, job, packed("ValueError: x"))
    redis.delete("rq:job:a", "rq:results:b")
    redis.set("rq:job:a", "no hash")
    redis.lpush("rq:results:b", "no stream")
    redis.set(keys.RQ_FAILED + "broken", "no sorted set")
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + "broken")
    found = last(reader)
    assert {one.what for one in found.refused} == {"rq:job:a", "rq:results:b", "rq:failed:broken"}
    assert (found.read, sum(counts(found))) == (3, 3)


def test_huge_fields_are_not_fetched(redis: Redis, reader: StoreReader) -> None:
    for n, field in enumerate(("description", "meta", "ended_at", "status", "unknown", "data")):
        kept(redis, f"job-{n}", packed("ValueError: x"), {"status": "failed", "description": "a.b()", field: "x" * (8 << 20)})
    redis.hset("rq:job:job-5", "meta", b"\x80\x04}\x94\x8c\x04user\x94\x8c\x03ada\x94s.")
    redis.config_resetstat()
    found = last(reader)
    assert redis.info("stats")["total_net_output_bytes"] < 100_000
    assert sum(counts(found)) == 6
    assert sum(group.users for group in found.groups) == 1
    assert max(found.groups, key=lambda group: group.count).function == "a.b"


def test_what_is_fetched_together_is_bounded(redis: Redis, reader: StoreReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred tracebacks that do not pack, of 100 KB each, come in parts."""
    chance = random.Random(1)
    for n in range(60):
        kept(redis, f"job-{n}", packed(f"ValueError: {chance.randbytes(50_000).hex()}"))
    sent: list[int] = []
    send = failure_batches.Ahead.send

    def counting(self: Any, commands: bytes, count: int) -> None:
        sent.append(commands.count(b"XREVRANGE"))
        send(self, commands, count)

    monkeypatch.setattr(failure_batches.Ahead, "send", counting)
    monkeypatch.setattr(failure_batches, "MOST_IN_FLIGHT", 1 << 20)
    assert counts(last(reader)) == [60]
    assert max(sent) <= 14
    assert sum(sent) == 60


def test_the_hostile_corpus_executes_nothing_and_changes_nothing(redis: Redis, reader: StoreReader, tmp_path: Path) -> None:
    corpus = hostile.build(redis, tmp_path / "canary")
    with nothing_changes(redis):
        found = last(reader)
        for group in found.groups:
            members(reader, group.fingerprint)
    assert found.read == found.of == sum(counts(found)) > 0
    assert not corpus.executed


def test_any_value_of_meta_is_told_as_the_slow_reader_tells_it(redis: Redis) -> None:
    for meta in (
        {"user": "ada", "tier": "pro"}, {"user": 7}, {"user": 70_000}, {"user": -5}, {"user": True}, {"user": None}, {},
        {"user": 1.5}, {"tier": "pro", "user": "pro"}, {"a": {"user": "x"}}, {"a": {}, "user": "x"}, {"user": {"user": "x"}},
        {"user": "ünï" * 99}, {"users": "x"}, {"x": "user"}, {"user": ""}, {"user": "user"}, ["user", "x"], "user",
        {"user": 1 << 70}, {"user": b"x"},
    ):  # fmt: skip
        for protocol in range(6):
            data = pickle.dumps(meta, protocol)
            quick, slow = failure_facts._owner(data), owner(decoding.value(data))
            assert quick == (slow.get("user", "")[:200], slow.get("tier", "")[:200]), (meta, protocol)
    named = [(b"user", plain_pickles.key(b"user"))]
    assert plain_pickles.texts(pickle.dumps({"user": "ada"}), named) == ["ada"]
    for cut in range(2, 40):
        assert plain_pickles.texts(pickle.dumps({"user": "ada"})[:cut], named) in (None, [""], ["ada"])


def test_secrets_are_in_no_group(redis: Redis, reader: StoreReader) -> None:
    kept(redis, "a", packed("RuntimeError: login failed: password=hunter2 at redis://ann:hunter2@cache-1/0?x=hunter2"))
    kept(redis, "b", packed("x"), {"status": "failed", "description": "see https://ann:hunter2@x/?token=hunter2"})
    assert "hunter2" not in repr(last(reader))
    assert any("password=…" in group.example for group in last(reader).groups)


def failure_of(user: str, job: bytes, members: model.Members) -> Failure:
    return Failure(job, b"default", b"1", False, members, user, "", 1.0)


def test_a_failure_that_is_told_twice_is_counted_once() -> None:
    """As by a registry that moves on while it is listed: in one chunk, or in two."""
    grouping = failure_groups.Grouping(None)
    members = grouping.tally.begin(Kind("f", "a.b", "ValueError", "", "", "raised"), Said())
    one, other = failure_of("ada", b"1", members), failure_of("bob", b"2", members)
    grouping.add([other, one, one])
    grouping.add([one])
    (group,) = grouping.tally.groups(1.0)
    assert (grouping.tally.count, group.count, group.top_users) == (2, 2, (("ada", 1), ("bob", 1)))
    assert sum(members.by_hour.values()) == 2


def test_a_kind_that_was_empty_in_between_is_counted_on() -> None:
    """A grouping has asked for it before, and counts into what it was told then."""
    kind, tally = Kind("f", "a.b", "ValueError", "", "", "raised"), Tally()
    members = tally.begin(kind, Said())
    for job in (b"1", b"2"):
        tally.add([failure_of("ada", job, members)])
        assert [group.count for group in tally.groups(1.0)] == [1]
        tally.drop(failure_of("ada", job, members))
    assert tally.of(kind) is members
    tally.forget_empty()
    assert tally.of(kind) is None


@given(st.lists(st.tuples(st.sampled_from(["add", "add", "drop", "tell"]), st.integers(0, 11)), max_size=120))
def test_the_most_frequent_users_are_those_whatever_comes_and_goes(steps: list[tuple[str, int]]) -> None:
    """Told on the way or not, they are those that one would find who counts all anew."""
    kind, tally, there = Kind("f", "a.b", "ValueError", "", "", "raised"), Tally(), []
    members = tally.begin(kind, Said())
    tally.add([failure_of("first", b"first", members)])
    for n, (step, of) in enumerate(steps):
        if step == "add":
            there.append(failure_of(f"user-{of}", b"%d" % n, members))
            tally.add(there[-1:])
        elif step == "drop" and there:
            tally.drop(there.pop(of % len(there)))
        elif step == "tell":
            tally.groups(1.0)
    (group,) = tally.groups(1.0)
    counted = Counter(["first", *(one.user for one in there)])
    assert group.top_users == tuple(sorted(counted.items(), key=lambda one: (-one[1], one[0])))[: model.MOST_NAMED]
