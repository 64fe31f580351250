"""What strangers may have left where schedules are kept: each row says what is known, and nothing is executed."""

from __future__ import annotations

import json
import pickle
import time
from pathlib import Path
from typing import Any, cast

import pytest
from redis import Redis

from console.model.queries import Source
from console.store.seen import Seen
from jobs import keys
from jobs.schedules import schedule_id
from tests.console.test_schedule_pages import NOW, SECRET, page, users
from tests.fast_tiers import fast_tiers  # noqa: F401 - autouse


class Executed:
    """Writes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.file, "x"))


HUGE = b"x" * 5_000_000


def test_definitions_that_are_none_are_told_as_orphaned(redis: Redis) -> None:
    hostile: dict[str, dict[str, str | bytes]] = {
        "policy": {"policy": "99 1 2 3 4 5 6"},
        "cadence": {"cadence": "cron ../../etc * * * * *"},
        "next": {"next": "1e400"},
        "huge": {"note": HUGE},
        "many": {f"field-{n}": "x" for n in range(500)},
    }
    users(redis, *hostile, "wrong", "fine")
    for user, mapping in hostile.items():
        redis.hset(keys.SCHEDULE + schedule_id(user, "scrape"), mapping=mapping)  # type: ignore[arg-type]
    redis.delete(keys.SCHEDULE + schedule_id("wrong", "scrape"))
    redis.set(keys.SCHEDULE + schedule_id("wrong", "scrape"), "no hash")
    found = page(redis)
    assert {row.user: row.state for row in found.rows} == {**dict.fromkeys([*hostile, "wrong"], "orphaned"), "fine": "armed"}
    assert {row.task for row in found.rows} == {"scrape"}
    assert any("WRONGTYPE" in refused.reason for refused in found.refused)


def test_lines_of_runs_that_are_none_are_told_as_far_as_they_are_known(redis: Redis) -> None:
    users(redis, "ada", "wrong")
    one_id = schedule_id("ada", "scrape")
    redis.hset(
        keys.RUNS + one_id,
        mapping={"a": b"\xff;\xfe", "b": "now;finished;nan;inf;x;1e99", "c": "", "d": "now;failed;5;;;" + "9" * 5_000},
    )
    redis.set(keys.RUNS + schedule_id("wrong", "scrape"), "no hash")
    ada, wrong = page(redis).rows
    assert [(run.id, run.state) for run in ada.runs] == [
        (f"{one_id}-d", "failed"), (f"{one_id}-c", ""), (f"{one_id}-b", "finished"), (f"{one_id}-a", "\\xfe"),
    ]  # fmt: skip
    assert {(run.slot, run.started_at, run.attempts) for run in ada.runs[1:]} == {(None, None, None)}
    assert (wrong.state, wrong.runs) == ("armed", ())


def test_an_error_that_is_too_long_is_not_fetched(redis: Redis) -> None:
    users(redis, "huge", "broken", "fine")
    for user, record in (("huge", HUGE), ("broken", b"[1]"), ("fine", json.dumps({"error": "token=hunter2 went"}).encode())):
        name = schedule_id(user, "scrape")
        redis.hset(keys.RUNS + name, "1", "now;failed;1;1;1;1")
        redis.hset(f"{keys.ATTEMPTS}{name}-1", "1", record)
    seen = Seen()
    page(redis, seen=seen)
    told = {row.user: row.last_error for row in page(redis, seen=seen).rows}
    assert (told["huge"], told["broken"]) == (None, None)
    assert told["fine"] is not None
    assert SECRET not in told["fine"]
    assert {row.state for row in page(redis, seen=seen).rows} == {"failing"}


def test_users_of_any_bytes_and_length_are_listed(redis: Redis) -> None:
    redis.zadd(keys.SCHEDULES, {b"u" * 10_000 + b"\x00scrape": 0, b"\xff\x1b[31m\x00\xfe": 0, b"no task": 0, b"": 0})
    found = page(redis).rows
    assert len(found) == 4
    assert {row.state for row in found} == {"orphaned"}
    assert max(len(row.user or "") for row in found) < 1_100


def test_entries_of_any_kind_are_listed_and_nothing_in_them_is_executed(redis: Redis, tmp_path: Path) -> None:
    executed = tmp_path / "executed"
    job = keys.RQ_JOB.encode()
    metas: dict[bytes, bytes] = {
        b"executes": pickle.dumps({"interval": 60, "x": Executed(executed)}),
        b"no pickle": b"\x00nonsense",
        b"json": b'{"interval": 120}',
        b"huge": HUGE,
        b"list": pickle.dumps([1]),
        b"absurd": pickle.dumps({"interval": 10**300, "repeat": 10**300}),
        b"bad cron": pickle.dumps({"cron_string": "99 99 99 99 99"}),
        b"long cron": pickle.dumps({"cron_string": "*" * 5_000}),
        b"spaced id \xff\x1b": pickle.dumps({"interval": True}),
    }
    for name, meta in metas.items():
        redis.hset(job + name, mapping={"meta": meta, "origin": b"q\xff"})
    redis.set(job + b"wrong", "no hash")
    redis.hset(job + b"long", mapping={"description": HUGE, "origin": "q"})
    redis.zadd(
        keys.ENTRIES, {**dict.fromkeys([*metas, b"wrong", b"long", b"gone"], NOW + 60), b"never": "inf", b"ever": "-inf"}
    )
    found = {row.key: row for row in page(redis, "entries", now=NOW).rows}
    assert len(found) == len(metas) + 5
    assert {key: found[key].cadence for key in metas} == {
        b"executes": "every minute",
        b"no pickle": "",
        b"json": "every 2 minutes",
        b"huge": "",
        b"list": "",
        b"absurd": found[b"absurd"].cadence,
        b"bad cron": "cron 99 99 99 99 99",
        b"long cron": found[b"long cron"].cadence,
        b"spaced id \xff\x1b": "every second",
    }
    assert (found[b"wrong"].state, found[b"gone"].state, found[b"never"].next_at) == ("orphaned", "orphaned", None)
    assert found[b"long"].call == ""
    assert not executed.exists()


def test_what_is_no_scheduled_job_is_listed(redis: Redis) -> None:
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + "mail", "x" * 50, b"\xff")
    redis.zadd(keys.RQ_SCHEDULED + "mail", {b"gone \xff": "inf", b"repeats": 1, b"wrong": 2})
    redis.hset(
        keys.RQ_JOB + "repeats", mapping={"repeats_left": "1e300", "repeat_intervals": "[[[", "description": b"\xff\x1b"}
    )
    redis.set(keys.RQ_JOB + "wrong", "x")
    redis.set(keys.RQ_SCHEDULED + "\\xff", "no zset")
    found = {row.key: row for row in page(redis, "rq", now=NOW).rows}
    assert {key: row.state for key, row in found.items()} == {
        b"gone \xff": "orphaned",
        b"repeats": "late",
        b"wrong": "orphaned",
    }


@pytest.mark.parametrize(
    ("interval", "period"),
    [(10**400, "every 100 years or more"), (-5, None), (0, None), (-(10**400), None), (90, "every 1 minute and 30 seconds")],
)
def test_a_period_of_any_size_spoils_no_list(redis: Redis, interval: int, period: str | None) -> None:
    """Neither Python nor humanize can say 10⁴⁰⁰ as a duration."""
    for one, fields in {
        "entry": {"meta": pickle.dumps({"interval": interval})},
        "repeats": {"repeats_left": "3", "repeat_intervals": json.dumps([interval])},
    }.items():
        redis.hset(keys.RQ_JOB + one, mapping={"origin": "mail", **fields})  # type: ignore[dict-item]
    redis.zadd(keys.ENTRIES, {"entry": NOW})
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + "mail")
    redis.zadd(keys.RQ_SCHEDULED + "mail", {"repeats": NOW})
    redis.zadd("rq:cron_schedulers", {"cron-1": NOW})
    redis.hset("rq:cron_scheduler:cron-1", "cron_jobs", json.dumps([{"name": "n", "interval": interval}]))
    assert [row.cadence for row in page(redis, "entries", now=NOW).rows] == [period or "once"]
    assert [row.cadence for row in page(redis, "rq", now=NOW).rows] == [f"{period or 'again'}, 3 more"]
    assert [row.cadence for row in page(redis, "cron", now=NOW).rows] == [period or ""]


def test_a_number_of_any_length_spoils_no_other_cron_job(redis: Redis) -> None:
    redis.zadd("rq:cron_schedulers", {"cron-1": NOW})
    told = b'[{"name": "a", "interval": ' + b"9" * 5_000 + b'}, {"name": "b", "interval": 60}, {"name": "c", "interval": NaN}]'
    redis.hset("rq:cron_scheduler:cron-1", "cron_jobs", told)
    found = page(redis, "cron", now=NOW).rows
    assert [(row.id, row.cadence) for row in found] == [("a", ""), ("b", "every minute"), ("c", "")]


@pytest.mark.parametrize(
    "told",
    [
        b"no JSON",
        b"[" * 100_000,
        b'{"name": 1}',
        b"[1, null, []]",
        json.dumps([{"name": 1, "cron": 5, "interval": "x", "args": "[", "kwargs": 7, "next_enqueue_time": "soon"}]).encode(),
        json.dumps([{"name": "\ud800", "interval": 1e308, "args": '{"a": 1}', "kwargs": "[1]", "queue_name": []}]).encode(),
        b'[{"name": "n", "interval": 1e999, "cron": "\\u001b[31m"}]',
        b"[" + b"9" * 10_000 + b"]",
        HUGE,
    ],
)
def test_cron_jobs_that_are_none_spoil_nothing(redis: Redis, told: bytes) -> None:
    redis.zadd("rq:cron_schedulers", {"cron-1": time.time(), b"\xff": time.time(), "gone": time.time()})
    redis.hset("rq:cron_scheduler:cron-1", "cron_jobs", told)
    redis.set(b"rq:cron_scheduler:\xff", "no hash")
    redis.zadd("rq:cron_jobs", {"1": 5, b"\xff": 6})
    redis.set("rq:cron_job:1:jobs", "no zset")
    found = page(redis, "cron")
    assert all(row.source == "rq-cron" for row in found.rows)
    assert found.refused


@pytest.mark.parametrize("key", [keys.SCHEDULES, keys.ENTRIES, keys.RQ_QUEUES, "rq:cron_schedulers", "rq:cron_jobs"])
def test_lists_of_the_wrong_type_are_named(redis: Redis, key: str) -> None:
    redis.set(key, "x")
    for source in ("user", "entries", "rq", "cron"):
        found = page(redis, cast(Source, source))
        assert found.rows == ()
        assert key in {refused.what for refused in found.refused} or key == "rq:cron_jobs"
