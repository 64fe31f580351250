"""`doctor` and `check`, as an operator or a monitor meets them: each problem where its cause is, and none on a sound server."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.job import JobStatus
from rq_scheduler import Scheduler

from console.cli import run
from console.model import versions
from console.model.doctor import Clock, Examined, Growth, PlainEntry, find
from console.model.queries import DoctorQuery
from console.model.status import SchedulerStatus
from console.model.why.page import Checkup
from console.store.facts import installation
from console.store.reader import open_reader
from jobs import keys, settings, tiers
from jobs.registering import set_user
from jobs.users import User
from tests.catalogue_tasks import echo
from tests.conftest import Server, Stock, until
from tests.console.recorded_trips import counted_trips
from tests.console.test_problems import WELL
from tests.console.whole_site import nothing_changes
from tests.fast_tiers import ROOT
from tests.hostile import EVIL
from tests.hostile import build as build_hostile

TOMORROW = datetime.now(UTC) + timedelta(days=1)

plain_cron = pytest.mark.filterwarnings("ignore:Version 0.22.0. of crontab:FutureWarning")
"""rq-scheduler calls crontab without saying which clock it means."""

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run the program; its exit status and what it wrote to both streams, in which nothing acts on a terminal."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run(list(arguments))
        out, err = capsys.readouterr()
        assert all(character == "\n" or character.isprintable() for character in out + err)
        return status, out, err

    return call


def problems(say: Say) -> dict[str, dict[str, Any]]:
    status, out, err = say("doctor", "--json")
    assert err == ""
    document = json.loads(out)
    assert status == (1 if document["problems"] else 0)
    assert all(one["message"] and one["remedy"] for one in document["problems"])
    return {one["code"]: one for one in document["problems"]}


def plain(redis: Redis, *arguments: Any, at: datetime = TOMORROW, **options: Any) -> str:
    job = Scheduler("mail", connection=redis).schedule(at, echo, arguments, **{"interval": 3_600, **options})
    return str(job.id)


# --- doctor -------------------------------------------------------------------------------------


@plain_cron
def test_a_sound_server_has_no_problem(redis: Redis, say: Say) -> None:
    plain(redis, "ada")
    plain(redis, "bob")
    plain(redis, "bob", interval=7_200)
    plain(redis, "bob", interval=None, result_ttl=60)
    Scheduler("mail", connection=redis).cron("0 9 * * *", echo, ("bob",))
    assert problems(say) == {}
    assert say("doctor") == (0, "no problem was found\n", "")


@plain_cron
def test_what_is_wrong_with_plain_entries_is_found(redis: Redis, say: Say) -> None:
    short = [
        plain(redis, "short", result_ttl=500),
        Scheduler("mail", connection=redis).cron("0 9 * * *", echo, result_ttl=60).id,
    ]
    forgotten = plain(redis, "forgotten")
    redis.delete(f"rq:job:{forgotten}")
    spent = plain(redis, "spent")
    redis.hset(f"rq:job:{spent}", mapping={"retries_left": 0, "retry_intervals": "[60]"})
    kept = plain(redis, "kept")
    redis.hset(f"rq:job:{kept}", mapping={"retries_left": 2, "retry_intervals": "[60]"})
    twice = [plain(redis, "twice") for _ in range(3)]
    plain(redis, "twice", interval=7_200)
    found = problems(say)
    assert {code: sorted(one["evidence"]) for code, one in found.items()} == {
        "ttl_ends_schedule": sorted(short),
        "entry_job_gone": [forgotten],
        "retries_spent": [spent],
        "duplicate_schedules": sorted(twice),
    }
    assert "3 times" in found["duplicate_schedules"]["message"]
    status, out, err = say("doctor")
    assert (status, err) == (1, "")
    assert out.endswith("4 problems\n")


def test_a_clock_that_differs_from_the_servers_is_found_of_a_real_worker(redis: Redis, stock: Stock, say: Say) -> None:
    job = Queue("mail", connection=redis).enqueue("tests.catalogue_tasks.dawdle")
    stock.worker("--name", "w", "mail", PYTHONPATH=str(ROOT))
    until(lambda: job.get_status() == JobStatus.STARTED and redis.exists(f"rq:executions:{job.id}"), what="it runs")
    assert "clock_skew" not in problems(say)
    [execution] = redis.zrange(f"rq:executions:{job.id}", 0, -1)
    # What a worker leaves whose clock is 40 s behind the server's.
    redis.zincrby(f"rq:executions:{job.id}", -40, execution)
    assert "behind the server's" in problems(say)["clock_skew"]["message"]
    redis.zincrby(f"rq:executions:{job.id}", 40, execution)
    assert "clock_skew" not in problems(say)
    ahead = datetime.now(UTC) + timedelta(seconds=90)
    redis.delete(f"rq:executions:{job.id}")
    redis.hset("rq:worker:w", "last_heartbeat", ahead.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    found = problems(say)["clock_skew"]
    assert (found["subject"], "ahead of the server's" in found["message"]) == (os.uname().nodename, True)


def test_a_registry_of_failed_jobs_that_grows_is_found_by_its_samples(redis: Redis, say: Say) -> None:
    redis.sadd("rq:queues", "rq:queue:mail")
    redis.zadd("rq:failed:mail", {f"job-{n}": time.time() + 9_999 for n in range(300)})
    now = time.time()
    redis.xadd(f"{keys.SAMPLES}mail", {"waiting": 0, "failed": 290}, id=int((now - 1_200) * 1_000))
    redis.xadd(f"{keys.SAMPLES}mail", {"waiting": 0, "failed": 300}, id=int(now * 1_000))
    assert problems(say) == {}
    redis.delete(f"{keys.SAMPLES}mail")
    redis.xadd(f"{keys.SAMPLES}mail", {"waiting": 0, "failed": 100}, id=int((now - 1_200) * 1_000))
    redis.xadd(f"{keys.SAMPLES}mail", {"waiting": 0, "failed": 300}, id=int(now * 1_000))
    found = problems(say)
    assert list(found) == ["failed_grows"]
    assert "failed jobs are kept, 200 more than 20 min ago; " in found["failed_grows"]["message"]


def test_versions_that_break_with_each_other_are_told_with_their_source() -> None:
    def told(**given: Any) -> list[tuple[str, str]]:
        return [(one.code, one.subject) for one in find(Examined(WELL, **given))]

    assert told(packages=installation.packages(), worker_versions={"w": "3.0.0"}) == []
    assert told(packages={"rq": "1.14.0", "rq-scheduler": "0.13.0"}) == [("broken_versions", "this host")]
    assert told(packages={"rq": "1.14.0", "rq-scheduler": "0.13.1"}) == []
    assert told(packages={"rq": "1.13.0", "rq-scheduler": "0.13.0"}) == []
    assert told(packages={"rq": "0.12.0", "redis": "3.0.0"}) == [("broken_versions", "this host")]
    assert told(packages={"rq": EVIL, "redis": "", "rq-scheduler": "9" * 50}) == []
    assert all(pair.source.startswith("https://") for pair in versions.BROKEN)


def test_a_poll_that_is_longer_than_a_tier_comes_due_is_found_and_the_quickest_of_several_counts() -> None:
    def found(gap: float, *polls: float | None) -> list[str]:
        seen = [SchedulerStatus("rqscheduler", f"s-{n}", None, poll, 0.0, 1.0, "live") for n, poll in enumerate(polls)]
        status = replace(WELL, schedulers=tuple(seen), schedules=replace(WELL.schedules, armed=3))
        return [problem.message for problem in find(Examined(status, gaps={"pro": gap, "free": 86_400.0}))]

    assert found(20.0, 60.0) == [
        "polls every 60 s, and pro comes due every 20 s: of several slots between two looks one run is made"
    ]
    # One start at the shortest interval is enough, where a promise needs it shorter still.
    short = replace(WELL.queues[0], promise_s=5)
    late = SchedulerStatus("rqscheduler", "s", None, 60.0, 0.0, 1.0, "live")
    status = replace(WELL, queues=(short,), schedulers=(late,), schedules=replace(WELL.schedules, armed=3))
    [problem] = find(Examined(status, gaps={"pro": 20.0}))
    assert problem.remedy == "start it as rqscheduler -i 5"
    assert found(20.0, 60.0, 5.0) == []
    assert found(3_600.0, 60.0) == []
    assert found(20.0, None) == []
    assert found(20.0) == []


def test_a_tier_that_comes_due_more_often_than_a_real_rqscheduler_looks_is_found(
    redis: Redis, stock: Stock, say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "tiers.toml"
    file.write_text('[tiers.pro]\nevery = "20s"\npromise = "5m"\n')
    monkeypatch.setenv("TQ_TIERS", str(file))
    settings.current.cache_clear()
    tiers.current.cache_clear()
    set_user(redis, User("ada", "pro"))
    stock.scheduler("-i", "60")
    until(lambda: redis.zcard(keys.SCHEDULERS), what="rqscheduler beats")
    assert problems(say)["poll_skips_slots"]["remedy"] == "start it as rqscheduler -i 10"
    monkeypatch.undo()
    settings.current.cache_clear()
    tiers.current.cache_clear()


def test_each_rule_says_nothing_of_what_is_not_known() -> None:
    entry = PlainEntry("e", 1.0)
    well = Examined(
        WELL,
        entries=(entry, PlainEntry("once", 1.0, True, result_ttl=0, retries_left=0, same=b"x")),
        clocks=(Clock("h", 4.0),),
        growth=(Growth("q", b"q", 500, 500, 60.0), Growth("q", b"q", 500, 99, 3_600.0)),
    )
    assert list(find(well)) == []


def test_doctor_writes_nothing_and_survives_what_strangers_wrote(redis: Redis, server: Server, tmp_path: Any, say: Say) -> None:
    hostile = build_hostile(redis, tmp_path / "canary")
    for name in ("huge", "executes", "nested"):
        redis.zadd(keys.ENTRIES, {hostile.jobs[name]: time.time() + 99})
    reader = open_reader(server.url)
    with nothing_changes(redis), counted_trips() as trips:
        page = reader.read(DoctorQuery(), time.time())
    reader.close()
    assert isinstance(page, Checkup)
    assert trips.count <= 20
    assert not hostile.executed
    assert problems(say)


# --- check --------------------------------------------------------------------------------------


def test_check_holds_thresholds_in_one_line(redis: Redis, say: Say) -> None:
    mail = Queue("mail", connection=redis)
    job = mail.enqueue(echo, 1, retry=Retry(max=1))
    old = datetime.now(UTC) - timedelta(minutes=10)
    redis.hset(job.key, "enqueued_at", old.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    redis.zadd("rq:failed:mail", {"x": time.time() + 99, "y": time.time() + 99})
    for arguments, expected in (
        (("--max-age", "mail=15m"), 0),
        (("--max-age", "high=0"), 0),
        (("--max-age", "mail=5m"), 1),
        (("--max-age", "high=5s", "--max-age", "mail=5m"), 1),
        (("--max-failed", "2"), 0),
        (("--max-failed", "1"), 1),
        (("--min-workers", "1"), 1),
        (("--max-age", "mail=15m", "--max-failed", "2", "--min-workers", "1"), 1),
        # Without thresholds: that nobody listens is an error.
        ((), 1),
    ):
        status, out, err = say("check", *arguments)
        assert (status, err, out.count("\n")) == (expected, "", 1), arguments
        assert out.startswith("failed: " if expected else "ok: "), arguments
    redis.flushall()
    assert say("check")[0] == 0


def test_a_queue_that_has_had_no_job_yet_keeps_its_threshold_and_is_named(redis: Redis, say: Say) -> None:
    status, out, err = say("check", "--max-age", "mail\x1b=60s", "--max-age", "high=60s")
    assert (status, out, err) == (0, "ok: 0 jobs wait, 0 failed, 0 workers, RQ knows no queue mail␛ yet\n", "")
    redis.set("rq:queues", "of another type")
    status, out, err = say("check", "--max-age", "mail=60s")
    assert (status, out, err) == (1, "failed: mail: it is not among the queues that could be read\n", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--max-age", "60s"), "like high=60s"),
        (("--max-age", "high=60"), "has no unit"),
        (("--max-age", "=60s"), "like high=60s"),
        (("--max-failed", "-1"), "no whole number"),
        (("--max-failed", "many"), "no whole number"),
        (("--min-workers", "0"), "no whole number"),
        (("--max-age", "\x1b[31m"), "like high=60s"),
    ],
)
def test_a_threshold_that_is_none_is_wrong_usage(redis: Redis, say: Say, arguments: tuple[str, ...], words: str) -> None:
    status, out, err = say("check", *arguments)
    assert (status, out) == (2, "")
    assert words in err


@pytest.mark.parametrize("command", ["doctor", "check", "why x"])
def test_a_server_that_cannot_be_reached_is_status_3(monkeypatch: pytest.MonkeyPatch, say: Say, command: str) -> None:
    monkeypatch.setenv("RQ_REDIS_URL", "unix:///nowhere.sock")
    from jobs import settings

    settings.current.cache_clear()
    status, out, err = say(*command.split())
    assert (status, out, err.count("\n")) == (3, "", 1)
