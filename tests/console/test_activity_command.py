"""`tq-console activity`: the same as the screen, for people and for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from console.cli import run
from console.model.operations import Counts, Ended
from console.store.writer import StoreWriter, open_writer
from jobs import keys
from tests.conftest import Server
from tests.console.replicas import primary_and_replica
from tests.console.rights import reading_user
from tests.console.test_audit import operation
from tests.console.whole_site import nothing_changes

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def said(*arguments: str) -> tuple[int, str, str]:
        status = run(list(arguments))
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return said


@pytest.fixture
def writer(redis: Redis, server: Server) -> Iterator[StoreWriter]:
    made = open_writer(server.url)
    yield made
    made.close()


def carried_out(writer: StoreWriter, redis: Redis, undo: bool = False, **given: Any) -> str:
    asked = operation(**given)
    writer.begin(asked)
    if undo:
        redis.zadd(keys.TRASH, {asked.id: time.time() + 3_590})
        redis.zadd(keys.TRASHED + asked.id, {"a": 0, "b": 1})
    writer.end(asked, Ended(time.time(), "done", Counts(7, 0, {"changed": 2, "gone": 1}, {"unknown": 3})))
    return asked.id


def test_operations_for_people(redis: Redis, writer: StoreWriter, say: Say) -> None:
    first = carried_out(writer, redis)
    second = carried_out(writer, redis, undo=True, command="delete", options="with_dependents", who="bob", why="")
    redis.hset(keys.HEARTBEAT, "recovered", 2)
    status, out, err = say("activity")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["OPERATION", "WHEN", "WHO", "COMMAND", "SCOPE", "DONE", "SKIPPED", "FAILED", "OUTCOME", "UNDO"]
    assert lines[1].startswith(second)
    for word in (
        "bob",
        "delete with_dependents",
        "everything that failed",
        "2 changed, 1 gone",
        "3 unknown",
        "partly",
        "59 min",
    ):
        assert word in lines[1]
    assert lines[2].startswith(first)
    assert "everything that failed in the queue mail · fixed" in lines[2]
    assert lines[4].startswith("WHEN")
    assert "2 lost runs enqueued again" in lines[5]


def test_operations_for_programs(redis: Redis, writer: StoreWriter, say: Say) -> None:
    open_one = operation(why="token=hunter2")
    writer.begin(open_one)
    name = carried_out(writer, redis, undo=True, options="at_front", matched=13)
    redis.xadd(keys.ACTIVITY, {"hello": "\x1b[2J world"})
    status, out, err = say("activity", "--json")
    assert (status, err) == (0, "")
    assert out.isascii()
    assert "hunter2" not in out
    told = json.loads(out)
    foreign, ended, unfinished = told["operations"]
    assert {**ended, "begun_at": "", "ended_at": "", "undo_until": ""} == {
        "operation": name, "begun_at": "", "ended_at": "", "who": "ann", "host": "ops-1", "target": "redis://cache-1:6379/0",
        "command": "requeue", "options": "at_front", "scope": "everything that failed in the queue mail", "reason": "fixed",
        "matched": 13, "done": 7, "sent": 0, "skipped": {"changed": 2, "gone": 1}, "failed": {"unknown": 3},
        "outcome": "partly", "said": None, "undo_until": "", "in_trash": 2,
    }  # fmt: skip
    assert ended["undo_until"].endswith("Z")
    assert (unfinished["outcome"], unfinished["ended_at"], unfinished["done"]) == ("unfinished", None, 0)
    assert (foreign["outcome"], foreign["operation"], foreign["said"]) == ("foreign", None, "hello=\x1b[2J world")
    assert told["more"] is False


def test_a_limit_shows_the_newest_and_says_so(redis: Redis, writer: StoreWriter, say: Say) -> None:
    names = [carried_out(writer, redis) for _ in range(5)]
    status, out, err = say("activity", "--limit", "2")
    assert (status, err) == (0, "the newest 2; --limit shows more\n")
    assert [line.split()[0] for line in out.splitlines()[1:]] == names[:2:-1]
    assert len(json.loads(say("activity", "--json", "--limit", "5000")[1])["operations"]) == 5
    assert say("activity", "--limit", "0")[0] == 2


def test_nothing_yet_is_said_and_is_no_error(redis: Redis, say: Say) -> None:
    assert say("activity") == (0, "", "nothing was done from a console yet; what one changes is listed here\n")
    assert json.loads(say("activity", "--json")[1]) == {"operations": [], "happened": [], "more": False}


def test_what_strangers_wrote_acts_on_no_terminal(redis: Redis, say: Say) -> None:
    bad = "\x1b]52;c;aGFja2Vk\x07\u202e"
    redis.xadd(keys.ACTIVITY, {"event": "begun", "operation": "a", "who": bad, "command": bad, "scope": bad, "why": bad})
    redis.xadd(keys.ACTIVITY, {bad: bad})
    status, out, _ = say("activity")
    assert status == 0
    assert all(character.isprintable() for line in out.splitlines() for character in line)
    assert "␛]52" in out


def test_one_who_may_only_read_sees_it_and_nothing_is_written(
    redis: Redis, server: Server, writer: StoreWriter, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = carried_out(writer, redis)
    from jobs import settings

    with reading_user(redis, server.url) as url:
        monkeypatch.setenv("RQ_REDIS_URL", url)
        settings.current.cache_clear()
        with nothing_changes(redis):
            status, out, err = say("--read-only", "activity")
    assert (status, err) == (0, "")
    assert name in out


def test_a_replica_shows_it_too(say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    from jobs import settings

    with primary_and_replica(tmp_path_factory.mktemp("pair")) as (primary, replica):
        writer = open_writer(primary)
        asked = operation()
        writer.begin(asked)
        writer.close()
        with Redis.from_url(primary) as client:
            assert client.wait(1, 10_000) == 1
        monkeypatch.setenv("RQ_REDIS_URL", replica)
        settings.current.cache_clear()
        status, out, _ = say("activity")
        assert status == 0
        assert asked.id in out
        told = json.loads(say("status", "--json")[1])
        assert told["server"]["refuses_writes"] == "it is a replica"
        assert "READ-ONLY: it is a replica" in say("status")[1].splitlines()[0]


def test_what_could_not_be_read_is_told(redis: Redis, say: Say) -> None:
    redis.set(keys.ACTIVITY, "x")
    status, out, err = say("activity")
    assert (status, out) == (0, "")
    assert f"{keys.ACTIVITY} could not be read: WRONGTYPE" in err
