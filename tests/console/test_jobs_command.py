"""`tq-console jobs` as an operator or a program meets it, over jobs in every state made by stock workers."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue, Retry

from console.cli import run
from console.store import search
from jobs import keys
from tests.conftest import BIN, Server, until

ROOT = Path(__file__).parents[2]
HERE = "tests.console.test_jobs_command"
HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e[red]x[/]"
RIGHTS = ("+@read", "+info", "+ping", "+pubsub|numsub")
PROMISED = {"id", "queue", "state", "call", "user", "enqueued_at", "started_at", "ended_at", "error"}


def shout(text: str) -> None:
    """Fails with that text."""
    raise RuntimeError(text)


Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run `jobs`; its exit status and what it wrote to both streams, in which nothing acts on a terminal."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run(["jobs", *arguments])
        out, err = capsys.readouterr()
        assert all(character == "\n" or character.isprintable() for character in out + err)
        assert "s3cret" not in out + err
        return status, out, err

    return call


@pytest.fixture(scope="module")
def made(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[bytes, tuple[bytes, int]]:
    """Jobs of `mail` in every state that stock workers make, each with an id that says which; one that runs in `slow`; and what
    a stranger wrote: every key with its content and the instant (ms) it expires."""
    with Redis.from_url(server.url) as redis:
        redis.flushall()
        mail, slow = Queue("mail", connection=redis), Queue("slow", connection=redis)
        mail.enqueue("operator.add", 1, 2, job_id="finished", meta={"user": "ada", "tier": "pro", "task": "sum"})
        mail.enqueue("operator.truediv", 1, 0, job_id="failed")
        mail.enqueue(f"{HERE}.shout", f"{HOSTILE} password=s3cret", job_id="shouted")
        mail.enqueue("operator.truediv", 1, 0, job_id="retrying", retry=Retry(max=3, interval=3_600))
        mail.enqueue_in(timedelta(hours=1), "operator.add", 1, 2, job_id="scheduled")
        mail.enqueue("operator.add", 1, 2, job_id="canceled").cancel()
        slow.enqueue("time.sleep", 60, job_id="running")
        quiet: dict[str, Any] = {
            "env": {**os.environ, "RQ_REDIS_URL": server.url, "PYTHONPATH": str(ROOT)},
            "cwd": tmp_path_factory.mktemp("workers"),
            "stderr": subprocess.DEVNULL,
        }
        subprocess.run([str(BIN / "rq"), "worker", "--burst", "mail"], check=True, timeout=60, **quiet)
        worker = subprocess.Popen([str(BIN / "rq"), "worker", "--name", "w-1", "slow"], **quiet)
        until(lambda: redis.hget(keys.RQ_JOB + "running", "status") == b"started", what="a running job")
        horses = subprocess.run(["ps", "--ppid", str(worker.pid), "-o", "pid="], capture_output=True, text=True, check=True)
        for pid in (worker.pid, *map(int, horses.stdout.split())):
            os.kill(pid, 9)
        worker.wait()
        waiting = mail.enqueue(
            "operator.add", 1, 2, job_id="queued", description="a sum for https://ann:s3cret@a.example/x?key=s3cret"
        )
        mail.enqueue("operator.add", 1, 2, job_id="deferred", depends_on=waiting)
        Queue(f"q{HOSTILE}", connection=redis).enqueue("operator.add", 1, 2, job_id="hostile", description=HOSTILE)
        return {key: (redis.dump(key) or b"", max(0, redis.pexpiretime(key))) for key in redis.scan_iter(count=1_000)}


@pytest.fixture
def installation(redis: Redis, made: dict[bytes, tuple[bytes, int]]) -> Redis:
    """What was made once for all tests, as it was then."""
    for key, (content, expires) in made.items():
        redis.restore(key, expires, content, absttl=bool(expires))
    return redis


def listed(say: Say, *arguments: str) -> list[dict[str, Any]]:
    status, out, _ = say(*arguments, "--json")
    assert status == 0
    found: list[dict[str, Any]] = json.loads(out)["jobs"]
    return found


def ids(say: Say, *arguments: str) -> list[str]:
    return [job["id"] for job in listed(say, *arguments)]


# --- lists --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("queued", ["queued"]),
        ("finished", ["finished"]),
        ("failed", ["shouted", "failed"]),
        ("retrying", ["retrying"]),
        ("scheduled", ["retrying", "scheduled"]),
        ("canceled", ["canceled"]),
        ("deferred", ["deferred"]),
        ("stopped", []),
        ("rate limited", []),
        ("rate-limited", []),
        ("ready", []),
    ],
)
def test_each_state_of_one_queue(installation: Redis, say: Say, state: str, expected: list[str]) -> None:
    assert sorted(ids(say, "--queue", "mail", "--state", state)) == sorted(expected)


def test_without_options_the_queued_ones_of_every_queue(installation: Redis, say: Say) -> None:
    status, out, err = say("--json")
    said = json.loads(out)
    assert (status, err) == (0, "")
    assert (said["total"], said["looked_at"]) == (2, None)
    assert [(job["id"], job["state"]) for job in said["jobs"]] == [("queued", "queued"), ("hostile", "queued")]


def test_a_job_as_json_has_the_promised_fields(installation: Redis, say: Say) -> None:
    [job] = listed(say, "--state", "finished")
    assert set(job) >= PROMISED
    times = {
        name: datetime.fromisoformat(job.pop(name)) for name in ("created_at", "enqueued_at", "started_at", "ended_at", "at")
    }
    assert all(at.utcoffset() == UTC.utcoffset(None) for at in times.values())
    assert times["created_at"] <= times["enqueued_at"] <= times["started_at"] <= times["ended_at"] < times["at"]
    assert job == {
        "id": "finished",
        "queue": "mail",
        "state": "finished",
        "call": "operator.add(1, 2)",
        "user": "ada",
        "tier": "pro",
        "task": "sum",
        "worker": job["worker"],
        "error": None,
        "retries_left": None,
        "missing": False,
    }


def test_why_a_job_failed_and_who_runs_one(installation: Redis, say: Say) -> None:
    errors = {job["id"]: job["error"] for job in listed(say, "--state", "failed")}
    assert errors["failed"] == "ZeroDivisionError: division by zero"
    [running] = listed(say, "--state", "running")
    assert (running["id"], running["queue"], running["worker"], running["ended_at"]) == ("running", "slow", "w-1", None)


def test_a_table_for_people_with_times_as_seen_from_now(installation: Redis, say: Say) -> None:
    status, out, err = say("--state", "failed", "--queue", "mail")
    head, *rows = out.splitlines()
    assert (status, err) == (0, "")
    assert head.split() == ["ID", "CALL", "STATE", "ENDED", "ERROR", "USER"]
    row = next(row for row in rows if row.startswith("failed"))
    assert re.fullmatch(
        r"failed +operator.truediv\(1, 0\) +failed +(\d+ (s|min) ago|now) +ZeroDivisionError: division by zero", row
    )
    assert "mail" in say("--state", "failed")[1]
    assert re.search(r"scheduled +operator.add\(1, 2\) +scheduled +in \d+ min", say("--state", "scheduled")[1])
    assert re.search(r"retrying +operator.truediv\(1, 0\) +in \d+ min", say("--state", "retrying")[1])


def test_the_limit_says_how_many_more_there_are(installation: Redis, say: Say) -> None:
    status, out, err = say("--limit", "1", "--json")
    assert (status, json.loads(out)["total"], len(json.loads(out)["jobs"])) == (0, 2, 1)
    assert err == "1 of 2 jobs; --limit shows more\n"


def test_a_job_whose_hash_is_gone_is_listed_as_such(redis: Redis, say: Say) -> None:
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + "mail")
    redis.rpush(keys.RQ_QUEUE + "mail", "gone")
    assert [(job["id"], job["missing"]) for job in listed(say)] == [("gone", True)]
    assert "gone  (it is listed, and its hash is gone)" in say()[1]


# --- filters ------------------------------------------------------------------------------------


def test_a_filter_is_looked_for_in_the_list(installation: Redis, say: Say) -> None:
    assert ids(say, "--state", "failed", "--filter", "func:operator.*") == ["failed"]
    assert ids(say, "--state", "failed", "--filter", "-error:ZeroDivision") == ["shouted"]
    assert ids(say, "--state", "finished", "--filter", "user=ada ran<1h") == ["finished"]
    status, out, err = say("--state", "finished", "--filter", "user=bob", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == {"total": 0, "jobs": [], "looked_at": {"read": 1, "of": 1, "ended_early": None}}


def test_state_and_queue_of_a_filter_choose_the_list(installation: Redis, say: Say) -> None:
    assert ids(say, "--filter", "state:retrying") == ["retrying"]
    assert ids(say, "--filter", "state:running queue:slow") == ["running"]
    assert ids(say, "--filter", "queue:slow") == []
    assert ids(say, "--filter", "lane:mail state:canceled func:operator.add") == ["canceled"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--filter", "usr:ada"], "'--filter': column 1: there is no field usr: did you mean user?"),
        (["--filter", "user:ada age>soon"], "'--filter': column 14: age wants a duration like 30s"),
        (["--filter", 'user:"\x1b[2J'], "'--filter': column 7: the character ␛ cannot be looked for"),
        (["--state", "sleepy\x1b"], "'--state': sleepy␛ is no state; write one of queued, running, retrying"),
        (["--limit", "0"], "'--limit': 0 is no whole number from 1 to 10,000"),
    ],
)
def test_bad_input_is_one_line(redis: Redis, say: Say, arguments: list[str], reason: str) -> None:
    status, out, err = say(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert reason in err


def test_a_search_that_ends_early_says_how_much_it_has_looked_at(
    redis: Redis, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = Queue("mail", connection=redis)
    for number in range(30):
        mail.enqueue("operator.add", number, 2, job_id=f"job-{number:02}")
    monkeypatch.setattr(search, "CHUNK", 10)
    monkeypatch.setattr(search, "MAX_READ", 20)
    status, out, err = say("--filter", "id:job-?5", "--json")
    said = json.loads(out)
    assert (status, [job["id"] for job in said["jobs"]]) == (0, ["job-05", "job-15"])
    assert (said["looked_at"]["read"], said["looked_at"]["of"]) == (20, 30)
    assert said["looked_at"]["ended_early"]
    assert err.startswith("looked at 20 of 30 jobs: ")
    status, out, err = say("--filter", "id:job-1?", "--limit", "3", "--json")
    assert [job["id"] for job in json.loads(out)["jobs"]] == ["job-10", "job-11", "job-12"]
    assert json.loads(out)["total"] == 10
    assert err.splitlines()[1] == "3 of 10 jobs; --limit shows more"


# --- nothing to show, and what is not trusted ---------------------------------------------------


def test_an_empty_list_says_where_there_is_something(installation: Redis, say: Say) -> None:
    status, out, err = say("--queue", "slow", "--state", "failed")
    assert (status, out, err) == (0, "", "no failed job in the queue slow; --state shows others: 1 running\n")
    status, out, err = say("--queue", "nobody")
    assert (status, out, err) == (1, "", "there is no queue nobody; see the names: tq-console status\n")
    assert say("--queue", "slow", "--filter", "user:nobody")[0] == 0
    assert say("--queue", "nobody", "--json")[1] == '{\n  "total": 0,\n  "jobs": [],\n  "looked_at": null\n}\n'


def test_an_empty_server_says_so(redis: Redis, say: Say) -> None:
    assert say() == (0, "", "no queued job; there are no jobs at all\n")


def test_hostile_text_is_visible_and_secrets_are_masked(installation: Redis, say: Say) -> None:
    status, out, _ = say()
    assert status == 0
    assert "␛[2J␛]0;owned␇\\u202e[red]x[/]" in out
    assert "a sum for https://…@a.example/x?…" in out
    status, out, _ = say("--state", "failed")
    assert "RuntimeError: ␛[2J␛]0;owned␇\\u202e[red]x[/] password=…" in out
    by_name = say("--queue", f"q{HOSTILE}", "--json")[1]
    assert [job["id"] for job in json.loads(by_name)["jobs"]] == ["hostile"]


def test_names_of_secrets_can_be_added(redis: Redis, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    Queue("mail", connection=redis).enqueue("operator.add", 1, 2, description="pay(iban='DE-s3cret')")
    monkeypatch.setenv("TQ_MASK", "iban")
    assert "pay(iban='…')" in say()[1]


# --- as a program -------------------------------------------------------------------------------


def program(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "console.cli", "jobs", *arguments],
        check=False,
        timeout=60,
        text=True,
        capture_output=True,
        **options,
    )


def test_it_works_for_a_user_who_may_only_read(installation: Redis, server: Server) -> None:
    installation.execute_command("ACL", "SETUSER", "reader", "reset", "on", ">hunter2", "%R~*", *RIGHTS)
    try:
        env = {**os.environ, "RQ_REDIS_URL": server.url.replace("://", "://reader:hunter2@")}
        done = program("--state", "failed", "--filter", "error:zero", "--json", env=env)
    finally:
        installation.execute_command("ACL", "DELUSER", "reader")
    assert (done.returncode, done.stderr) == (0, "")
    assert [job["id"] for job in json.loads(done.stdout)["jobs"]] == ["failed"]


def test_a_server_that_cannot_be_reached_is_one_line_without_the_password() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"redis://ann:s3cret@127.0.0.1:{taken.getsockname()[1]}/0"
        done = program("--json", env={**os.environ, "RQ_REDIS_URL": url})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "cannot be reached" in done.stderr
    assert "s3cret" not in done.stderr


@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal_every_line_fits_and_ids_are_whole(redis: Redis, columns: int) -> None:
    job = Queue("mail", connection=redis).enqueue("operator.add", "x" * 200, 2, meta={"user": "ada@example.com"})
    main, child = pty.openpty()
    with open(main, "rb", buffering=0) as terminal:
        process = subprocess.Popen(
            [sys.executable, "-m", "console.cli", "jobs"],
            env={**os.environ, "TERM": "xterm", "COLUMNS": str(columns)},
            stdout=child,
            stderr=subprocess.PIPE,
        )
        os.close(child)
        shown = b""
        try:
            while chunk := terminal.read(65_536):
                shown += chunk
        except OSError:
            pass  # Linux tells by an error that the other end is closed.
        process.communicate(timeout=60)
    lines = shown.decode().splitlines()
    assert max(map(len, lines)) <= columns
    assert job.id in shown.decode()
    assert ("ada@example.com" in shown.decode()) is (columns == 120)
