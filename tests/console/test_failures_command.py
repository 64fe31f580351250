"""`tq-console failures` as an operator or a program meets it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import click
import pytest
from redis import Redis

from console.cli import run
from console.commands.parameters import fingerprint
from console.store import failure_groups
from jobs import keys
from tests import failed_jobs, hostile
from tests.conftest import Server
from tests.console.rights import reading_user
from tests.console.test_failure_groups import kept, packed

PROMISED = {
    "fingerprint", "count", "function", "exception", "message", "frame", "users", "tiers", "first_at", "last_at", "sample",
}  # fmt: skip

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run `failures`; its exit status and what it wrote to both streams, in which nothing acts on a terminal."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run(["failures", *arguments])
        out, err = capsys.readouterr()
        assert all(character == "\n" or character.isprintable() for character in out + err)
        assert "hunter2" not in out + err
        return status, out, err

    return call


def groups(say: Say, *arguments: str) -> list[dict[str, Any]]:
    status, out, err = say("--json", *arguments)
    assert (status, err) == (0, "")
    found: list[dict[str, Any]] = json.loads(out)["groups"]
    return found


def test_programs_get_the_promised_fields(redis: Redis, say: Say) -> None:
    made = failed_jobs.make(redis, 90, kinds=("refused", "refused", "killed"))
    status, out, err = say("--json")
    said = json.loads(out)
    assert (status, err, said["read"], said["of"]) == (0, "", 90, 90)
    refused, killed = said["groups"]
    assert set(refused) >= PROMISED
    assert (refused["count"], killed["count"]) == (60, 30)
    assert (refused["exception"], refused["frame"]) == ("ConnectionRefusedError", "tests/failing_tasks.py in fail")
    assert killed["cause"] == "killed"
    named = [one.user for one in made if one.kind == "refused" and one.user]
    assert refused["users"] == len(set(named))
    assert sum(refused["tiers"].values()) == len(named)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", refused["last_at"])
    assert refused["first_at"] < refused["last_at"]
    assert refused["sample"] in {one.id for one in made}
    assert len(refused["by_hour"]) == 24


def test_people_get_a_table_and_the_window(redis: Redis, say: Say) -> None:
    failed_jobs.make(redis, 90, kinds=("refused", "refused", "killed"))
    status, out, err = say()
    head, first, second, window = out.splitlines()
    assert (status, err, window) == (0, "", "grouped 90 of 90")
    assert re.split(r"  +", head) == [
        "GROUP", "COUNT", "FUNCTION", "ERROR", "AT", "USERS", "TIERS", "LAST 24 h", "FIRST", "LAST",
    ]  # fmt: skip
    assert re.search(
        r"^[0-9a-f]{12} +60  tests\.failing_tasks\.fail +ConnectionRefusedError: \[Errno 111\] \S.*?"
        r" +tests/failing_tasks\.py in ",
        first,
    )
    assert "KilledByOS: work-horse ended by signal 9 (out of memory?)" in second
    assert re.search(r"free pro|pro free", first)


def test_a_queue_a_filter_and_a_limit(redis: Redis, say: Say) -> None:
    made = failed_jobs.make(redis, 200, kinds=("refused", "killed"), queues=("a", "b"))
    in_a = [one for one in made if one.queue == "a"]
    for arguments in (("--queue", "a"), ("--filter", "queue:a"), ("--filter", "lane:a age>1s")):
        assert [group["count"] for group in groups(say, *arguments)] == failed_jobs.counts(in_a)
    assert [group["cause"] for group in groups(say, "--filter", "error:waitpid")] == ["killed"]
    status, out, err = say("--limit", "1")
    assert (status, len(out.splitlines()), err) == (0, 3, "1 of 2 groups; --limit shows more\n")
    assert say("--filter", "user:nobody")[2] == "no failure for which that holds; 200 of 200 were looked at\n"


def test_where_nothing_failed_it_says_so(redis: Redis, say: Say) -> None:
    assert say() == (0, "", "no failures\n")
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + "a")
    assert say("--queue", "a") == (0, "", "no failures in the queue a\n")
    for more in ((), ("--group", "0123456789ab"), ("--filter", "age>1s")):
        assert say("--queue", "b", *more) == (1, "", "there is no queue b; see the names: tq-console status\n")
    status, out, err = say("--queue", "b", "--json")
    assert (status, json.loads(out)["groups"], err) == (1, [], "there is no queue b; see the names: tq-console status\n")
    assert json.loads(say("--json")[1]) == {"read": 0, "of": 0, "groups": []}


def test_what_was_not_read_is_said(redis: Redis, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    failed_jobs.make(redis, 30)
    redis.set(keys.RQ_FAILED + "broken", "no sorted set")
    redis.sadd(keys.RQ_QUEUES, keys.RQ_QUEUE + "broken")
    monkeypatch.setattr(failure_groups, "MOST_READ", 20)
    status, _, err = say("--json")
    assert (status, err.splitlines()[0]) == (0, f"grouped 20 of 30: {failure_groups.MORE}")
    assert err.splitlines()[1].startswith("rq:failed:broken could not be read: WRONGTYPE")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--filter", "usr:ada"], "'--filter': column 1: there is no field usr: did you mean user?"),
        (["--limit", "0"], "'--limit': 0 is no whole number from 1 to 2,000"),
    ],
)
def test_bad_input_is_one_line(redis: Redis, say: Say, arguments: list[str], reason: str) -> None:
    status, out, err = say(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert reason in err


def test_hostile_text_is_visible_and_secrets_are_masked(redis: Redis, say: Say) -> None:
    kept(redis, "a", packed(f"RuntimeError: {hostile.EVIL} password=hunter2 at https://ann:hunter2@x.example/?key=hunter2"))
    kept(redis, "b", packed("x"), {"status": "failed", "description": f"{hostile.EVIL} token=hunter2"})
    for arguments in ((), ("--json",), ("--filter", "age<1h")):
        status, out, _ = say(*arguments)
        assert status == 0
        assert "TQ-MARKUP" in out


def test_a_group_is_named_by_its_fingerprint() -> None:
    assert fingerprint(" 0123456789AB ") == "0123456789ab"
    for wrong in ("", "0123", "others", "0123456789abc", "\x1b[2J"):
        with pytest.raises(click.BadParameter, match="is no group; `tq-console failures` shows them"):
            fingerprint(wrong)


def test_it_works_for_a_user_who_may_only_read(redis: Redis, server: Server) -> None:
    failed_jobs.make(redis, 30, kinds=("refused",))
    with reading_user(redis, server.url) as url:
        done = subprocess.run(
            [sys.executable, "-m", "console.cli", "failures", "--json"],
            env={**os.environ, "RQ_REDIS_URL": url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert [group["count"] for group in json.loads(done.stdout)["groups"]] == [30]
