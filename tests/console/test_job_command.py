"""`tq-console job` as an operator or a program meets it: jobs of real RQ and of our job layer, and what strangers wrote."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.serializers import JSONSerializer

from console.cli import run
from jobs import controls, keys, settings
from jobs.registering import set_schedule, set_user
from jobs.schedules import schedule_id
from jobs.users import User
from tests.conftest import BIN, Server

ROOT = Path(__file__).parents[2]
HERE = "tests.console.test_job_command"
HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e[red]x[/]"
RIGHTS = ("+@read", "+info", "+ping", "+pubsub|numsub")
PROMISED = {"id", "queue", "state", "function", "args", "kwargs", "user", "schedule", "slot", "attempts", "why"}
PROMISED_OF_ATTEMPTS = {"n", "started_at", "ended_at", "worker", "outcome", "error", "traceback"}


def shout(text: str) -> None:
    """Fails with that text."""
    raise RuntimeError(text)


def answer(*arguments: object, **named: object) -> dict[str, Any]:
    """What is no JSON, among what is."""
    return {"share": float("nan"), "token": "s3cret", "rows": [1, 2.5, None, True], "raw": b"\x00\xff", "text": HOSTILE}


class Mailer:
    """Has a method that a job calls."""

    def send(self, to: str) -> str:
        """Send nothing."""
        return f"sent to {to}"


Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run `job`; its exit status and what it wrote to both streams, in which nothing acts on a terminal."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run(["job", *arguments])
        out, err = capsys.readouterr()
        assert all(character == "\n" or character.isprintable() for character in out + err)
        assert "s3cret" not in out + err
        return status, out, err

    return call


def told(say: Say, job_id: str) -> dict[str, Any]:
    status, out, err = say(job_id, "--json")
    assert (status, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    assert set(found) >= PROMISED
    assert all(set(attempt) >= PROMISED_OF_ATTEMPTS for attempt in found["attempts"])
    return found


def section(out: str, title: str) -> list[str]:
    """The lines under a title."""
    _, found, rest = out.partition(f"\n{title}:\n")
    assert found, f"{title!r} is not in {out}"
    return [line.removeprefix("  ") for line in rest.partition("\n\n")[0].splitlines()]


@pytest.fixture(scope="module")
def made(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[bytes, tuple[bytes, int]]:
    """Jobs that a stock worker has run or left, ours and others': every key with its content and when (ms) it expires."""
    environ = {"RQ_REDIS_URL": server.url, "PYTHONPATH": str(ROOT), "TQ_TASKS": "tests.sample_tasks"}
    with Redis.from_url(server.url) as redis, pytest.MonkeyPatch.context() as patch:
        redis.flushall()
        for name, value in environ.items():
            patch.setenv(name, value)
        settings.current.cache_clear()
        redis.set("test:gate", 1)
        set_user(redis, User("ada@example.com", "pro"))
        for task in ("gated", "hopeless"):
            set_schedule(redis, "ada@example.com", task)
            started = controls.run_now(redis, "ada@example.com", task)
            redis.set(f"test:run:{task}", started.run or "")
        mail = Queue("mail", connection=redis)
        mail.enqueue(
            f"{HERE}.answer", 1, "two", [3, None], api_key="s3cret", to={"a": 1}, job_id="answered", meta={"tags": ["a"]}
        )
        mail.enqueue(f"{HERE}.answer", b"\x00\xff", 10**30, {1, 2}, float("inf"), {1: 2}, job_id="odd")
        mail.enqueue(Mailer().send, "ada", job_id="method")
        mail.enqueue(f"{HERE}.shout", f"{HOSTILE} password=s3cret", job_id="shouted", on_failure=None)
        mail.enqueue("operator.truediv", 1, 0, job_id="retrying", retry=Retry(max=3, interval=3_600))
        Queue("json", connection=redis, serializer=JSONSerializer).enqueue("operator.add", 1, 2, job_id="as-json")
        subprocess.run(
            [str(BIN / "rq"), "worker", "--burst", "--name", "w-1", "high", "mail"],
            env={**os.environ, **environ},
            cwd=tmp_path_factory.mktemp("workers"),
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )
        parent = mail.enqueue("operator.add", 1, 2, job_id="parent")
        mail.enqueue("operator.add", 3, 4, job_id="child", depends_on=parent)
        return {key: (redis.dump(key) or b"", max(0, redis.pexpiretime(key))) for key in redis.scan_iter(count=1_000)}


@pytest.fixture
def installation(redis: Redis, made: dict[bytes, tuple[bytes, int]]) -> Redis:
    """What was made once for all tests, as it was then."""
    for key, (content, expires) in made.items():
        redis.restore(key, expires, content, absttl=bool(expires))
    return redis


# --- for programs -------------------------------------------------------------------------------


def test_a_finished_job_as_json(installation: Redis, say: Say) -> None:
    job = told(say, "answered")
    assert (job["queue"], job["state"], job["function"]) == ("mail", "finished", f"{HERE}.answer")
    assert job["args"] == [1, "two", [3, None]]
    assert job["kwargs"] == {"api_key": "…", "to": {"a": 1}}
    assert (job["user"], job["schedule"], job["slot"], job["undecodable"]) == (None, None, None, None)
    assert [reason["code"] for reason in job["why"]] == ["finished"]
    assert job["meta"] == {"tags": ["a"]}
    [attempt] = job["attempts"]
    assert (attempt["n"], attempt["outcome"], attempt["worker"]) == (None, "finished", "w-1")
    assert (attempt["error"], attempt["traceback"]) == (None, None)
    started, ended = datetime.fromisoformat(attempt["started_at"]), datetime.fromisoformat(attempt["ended_at"])
    assert started <= ended
    assert attempt["started_at"].endswith("Z")
    assert attempt["result"] == {
        "share": "nan",
        "token": "…",
        "rows": [1, 2.5, None, True],
        "raw": "b'\\x00\\xff'",
        "text": HOSTILE,
    }
    assert [place["name"] for place in job["places"]] == ["rq:finished:mail"]
    assert 0 < job["expires_s"] <= 500


def test_arguments_that_json_has_not_are_texts(installation: Redis, say: Say) -> None:
    assert told(say, "odd")["args"] == ["b'\\x00\\xff'", 10**30, "{1, 2}", "inf", "{1: 2}"]


def test_a_method_of_an_object_and_another_serializer(installation: Redis, say: Say) -> None:
    job = told(say, "method")
    assert (job["function"], job["args"], job["attempts"][0]["result"]) == ("send", ["ada"], "sent to ada")
    assert job["instance"].startswith(f"{HERE}.Mailer")
    job = told(say, "as-json")
    assert (job["function"], job["args"], job["kwargs"], job["state"]) == ("operator.add", [1, 2], {}, "queued")


def test_a_failed_job_has_its_traceback(installation: Redis, say: Say) -> None:
    job = told(say, "shouted")
    [attempt] = job["attempts"]
    assert (job["state"], attempt["outcome"], attempt["error"]) == ("failed", "failed", f"RuntimeError: {HOSTILE} password=…")
    assert attempt["traceback"].startswith("Traceback (most recent call last):\n")
    assert attempt["traceback"].rstrip().endswith(f"RuntimeError: {HOSTILE} password=…")


def test_a_run_of_a_user_has_its_schedule_and_its_attempts(installation: Redis, say: Say) -> None:
    run_id = (installation.get("test:run:hopeless") or b"").decode()
    job = told(say, run_id)
    assert (job["user"], job["tier"], job["task"]) == ("ada@example.com", "pro", "hopeless")
    assert job["schedule"] == schedule_id("ada@example.com", "hopeless")
    assert (job["queue"], job["state"]) == ("high", "failed")
    assert [(attempt["n"], attempt["outcome"], attempt["worker"]) for attempt in job["attempts"]] == [(1, "failed", "w-1")]
    assert "it is gone for good" in job["attempts"][0]["error"]
    assert "in hopeless" in job["attempts"][0]["traceback"]


def test_progress_and_log_of_a_run(installation: Redis, say: Say) -> None:
    run_id = (installation.get("test:run:gated") or b"").decode()
    job = told(say, run_id)
    assert job["progress"] == {"fraction": 0.5, "message": "half way"}
    assert [line["message"] for line in job["log"]] == ["waiting at the gate"]
    status, out, _ = say(run_id)
    assert status == 0
    assert section(out, "progress") == ["50% half way"]
    assert section(out, "log")[0].endswith(" waiting at the gate")
    assert section(out, "result of attempt 1") == ["'done'"]


def test_a_job_that_will_be_tried_again(installation: Redis, say: Say) -> None:
    job = told(say, "retrying")
    assert (job["state"], job["retries_left"], [place["name"] for place in job["places"]]) == (
        "retrying",
        2,
        ["rq:scheduled:mail"],
    )
    assert "rq:scheduled:mail (due in 59 min)" in say("retrying")[1]


def test_dependencies_both_ways(installation: Redis, say: Say) -> None:
    parent, child = told(say, "parent"), told(say, "child")
    assert parent["dependents"] == [{"id": "child", "state": "deferred", "call": "operator.add(3, 4)"}]
    assert child["depends_on"] == [{"id": "parent", "state": "queued", "call": "operator.add(1, 2)"}]
    assert section(say("child")[1], "waits for") == ["parent  queued  operator.add(1, 2)"]
    assert section(say("parent")[1], "waited for by") == ["child  deferred  operator.add(3, 4)"]


# --- for people ---------------------------------------------------------------------------------


def test_a_failed_job_for_people(installation: Redis, say: Say) -> None:
    status, out, err = say("shouted")
    assert (status, err) == (0, "")
    facts = dict(line.split(maxsplit=1) for line in out.partition("\n\n")[0].splitlines())
    assert (facts["id"], facts["state"], facts["queue"], facts["worker"]) == ("shouted", "failed", "mail", "w-1")
    assert facts["ended"].endswith(")")
    assert section(out, "call")[0].startswith(f"{HERE}.shout(")
    assert "␛[2J␛]0;owned␇\\u202e[red]x[/] password=…" in out
    trace = section(out, "traceback")
    assert trace[0] == "Traceback (most recent call last):"
    assert any(f'File "{Path(__file__)}", line' in line for line in trace)
    assert trace[-1] == "RuntimeError: ␛[2J␛]0;owned␇\\u202e[red]x[/] password=…"
    head = next(line for line in out.splitlines() if "OUTCOME" in line)
    assert head.split() == ["N", "OUTCOME", "STARTED", "TOOK", "ERROR", "WORKER"]


def test_a_result_meta_and_arguments_are_folded_into_lines(installation: Redis, say: Say) -> None:
    status, out, _ = say("answered")
    assert status == 0
    assert section(out, "call") == [f"{HERE}.answer(1, 'two', [3, None], api_key='…', to={{'a': 1}})"]
    assert section(out, "meta") == ["{'tags': ['a']}"]
    assert "    'share': nan," in section(out, "result")
    assert "kept" in out


# --- what is not there, and what is not trusted -------------------------------------------------


def test_an_unknown_job_is_one_line_and_exit_1(redis: Redis, say: Say) -> None:
    for json_too in ((), ("--json",)):
        status, out, err = say(f"no{HOSTILE}", *json_too)
        assert (status, out) == (1, "")
        assert err == "there is no job no␛[2J␛]0;owned␇\\u202e[red]x[/]: it has expired, was deleted, or never was\n"


def test_a_job_whose_hash_is_gone_says_where_it_is_listed(redis: Redis, say: Say) -> None:
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + "mail")
    redis.zadd(keys.RQ_FAILED + "mail", {"gone": 2e9})
    status, out, err = say("gone")
    assert (status, out) == (1, "")
    assert err == "there is no job gone: it has expired, was deleted, or never was; it is still in rq:failed:mail\n"


def test_what_is_no_job_at_all(redis: Redis, say: Say) -> None:
    redis.set(keys.RQ_JOB + "text", "no hash")
    status, out, err = say("text")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "it is a string, and no hash" in err


@pytest.mark.parametrize("data", [b"\x80\x05junk", zlib.compress(b"\x00" * 100), b""])
def test_a_payload_that_nobody_can_read(redis: Redis, say: Say, data: bytes) -> None:
    redis.hset(keys.RQ_JOB + "odd", mapping={"status": "queued", "origin": "mail", "data": data, "meta": b"\xff"})
    job = told(say, "odd")
    assert (job["function"], job["args"], job["kwargs"]) == (None, None, None)
    assert (job["undecodable"] is None) is (data == b"")
    status, out, err = say("odd")
    assert (status, err) == (0, "")
    assert ("\ncall:\n  undecodable: " in out) is (data != b"")


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.file, "executed"))


def test_nothing_in_a_payload_is_executed(redis: Redis, say: Say, tmp_path: Path) -> None:
    trap = pickle.dumps((f"{HERE}.answer", None, (Trap(tmp_path / "trap"),), {"token": Trap(tmp_path / "trap")}))
    redis.hset(
        keys.RQ_JOB + "trap",
        mapping={
            "status": "queued",
            "origin": "mail",
            "data": zlib.compress(trap),
            "meta": pickle.dumps(Trap(tmp_path / "trap")),
        },
    )
    assert "write_text" in told(say, "trap")["args"][0]
    assert say("trap")[0] == 0
    assert not (tmp_path / "trap").exists()


def test_nonsense_in_every_field_is_shown_and_never_a_number_that_json_has_not(redis: Redis, say: Say) -> None:
    names = ["status", "origin", "description", "created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat",
             "worker_name", "retries_left", "number_of_retries", "timeout", "ttl", "group_id"]  # fmt: skip
    for value in (HOSTILE, "nan", "inf", "-1e400", "9" * 300, "9999-12-31T23:59:59.999999Z", "\x00"):
        redis.hset(keys.RQ_JOB + "odd", mapping=dict.fromkeys(names, value))
        told(say, "odd")
        assert say("odd")[0] == 0


# --- as a program -------------------------------------------------------------------------------


def test_it_works_for_a_user_who_may_only_read(installation: Redis, server: Server) -> None:
    installation.execute_command("ACL", "SETUSER", "reader", "reset", "on", ">hunter2", "%R~*", *RIGHTS)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "console.cli", "job", "shouted", "--json"],
            env={**os.environ, "RQ_REDIS_URL": server.url.replace("://", "://reader:hunter2@")},
            check=False,
            timeout=60,
            text=True,
            capture_output=True,
        )
    finally:
        installation.execute_command("ACL", "DELUSER", "reader")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["state"], found["unread"]) == ("failed", [])
