"""Where everything is only looked at, no writer exists, no key acts, and the header says why."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from console.actions import ACTIONS
from console.app import Console
from console.model.ports import Target, Writer
from console.store.reader import open_reader
from console.store.writer import open_writer
from jobs import keys
from tests.conftest import Server
from tests.console.pilots import driving
from tests.console.replicas import primary_and_replica
from tests.console.rights import reading_user
from tests.contents import contents

DANGEROUS = sorted({key for action in ACTIONS if action.danger for key in action.keys})

PROGRAM = """
import asyncio, sys
from console import cli
from console.app import Console

async def look(app):
    async with app.run_test(size=(120, 40)) as pilot:
        while not app.read_only:
            await pilot.pause(0.02)
        for key in ("1", "2", "3", "4", "5", "6", "enter", "escape"):
            await pilot.press(key)
            await pilot.pause()
        await pilot.press(*sys.argv[1].split())
        await pilot.pause(0.5)
        app.exit()

Console.run = lambda self: asyncio.run(look(self))
for name in ("stdin", "stdout", "stderr"):
    getattr(sys, name).isatty = lambda: True
status = cli.run(sys.argv[2:])
acting = [name for name in sys.modules if name.startswith(("console.store.writer", "console.store.acts"))]
print("status", status, "reader", "console.store.reader" in sys.modules, "acting", acting)
"""


@pytest.mark.parametrize("by", ["flag", "environment", "context", "user"])
def test_the_writer_does_not_exist_in_the_process(redis: Redis, server: Server, tmp_path: Path, by: str) -> None:
    Queue("mail", connection=redis).enqueue("operator.add", 1, 2)
    with reading_user(redis, server.url) if by == "user" else nullcontext(server.url) as url:
        only_looked_at(redis, url, tmp_path, by)


def only_looked_at(redis: Redis, url: str, tmp_path: Path, by: str) -> None:
    program, file = tmp_path / "look.py", tmp_path / "contexts.toml"
    program.write_text(textwrap.dedent(PROGRAM))
    file.write_text(f'[prod]\nurl = "{url}"\nread_only = true\n')
    arguments = {"flag": ["--read-only"], "context": ["--context", "prod"]}.get(by, [])
    environ = {**os.environ, "RQ_REDIS_URL": url, "TQ_CONTEXTS": str(file), "PYTHONPATH": str(Path(__file__).parents[2])}
    environ |= {"TQ_READ_ONLY": "1"} if by == "environment" else {}
    before = redis.info()["rdb_changes_since_last_save"]
    done = subprocess.run(
        [sys.executable, str(program), " ".join(DANGEROUS), *arguments],
        capture_output=True,
        text=True,
        env=environ,
        timeout=120,
    )
    assert done.stdout.splitlines()[-1:] == ["status 0 reader True acting []"], done.stderr
    assert redis.info()["rdb_changes_since_last_save"] == before


def target(url: str) -> Target:
    return Target("", url, lambda: open_reader(url, acts=True), write=lambda: open_writer(url))


async def test_a_replica_is_only_looked_at_until_it_is_promoted(tmp_path: Path) -> None:
    with primary_and_replica(tmp_path) as (primary, replica):
        with Redis.from_url(primary) as client:
            job = Queue("mail", connection=client).enqueue("operator.add", 1, 2)
            client.wait(1, 10_000)
        made: list[Writer] = []

        def write() -> Writer:
            made.append(open_writer(replica))
            return made[-1]

        here = replace(target(replica), write=write)
        async with driving(Console([here], here, refresh_s=0.2), (120, 40)) as driver:
            await driver.shows("READ-ONLY: it is a replica  live", "1 problem")
            await driver.press("2")
            await driver.shows("add(1, 2)")
            assert driver.app.read_only
            assert not [action for action in driver.app.offered() if action.danger]
            assert "delete" not in driver.text
            for key in DANGEROUS:
                await driver.press(key)
            assert len(driver.app.screen_stack) == 1
            await driver.press("question_mark")
            await driver.shows("the filter")
            assert "trash" not in driver.text
            await driver.press("escape")
            assert not made
            with Redis.from_url(replica) as client:
                client.replicaof("NO", "ONE")
                await driver.press("1")
                await driver.shows_not("READ-ONLY")
                assert not driver.app.read_only
                await driver.press("2")
                await driver.shows("add(1, 2)")
                assert [action.id for action in driver.app.offered() if action.danger]
                assert client.exists(job.key)


async def test_a_writable_replica_is_no_reason_to_only_look(tmp_path: Path) -> None:
    with primary_and_replica(tmp_path) as (_, replica), Redis.from_url(replica) as client:
        client.config_set("replica-read-only", "no")
        here = target(replica)
        async with driving(Console([here], here), (120, 40)) as driver:
            await driver.shows("no problem")
            assert "READ-ONLY" not in driver.text
            assert not driver.app.read_only


async def test_a_narrow_screen_says_that_it_is_read_only_at_least(redis: Redis, server: Server) -> None:
    here = replace(target(server.url), read_only=True, write=None)
    async with driving(Console([here], here), (80, 24)) as driver:
        await driver.shows("READ-ONLY")
        for number in "123456":
            await driver.press(number)
            assert not [action for action in driver.app.offered() if action.danger]


def test_a_primary_and_its_replica_are_told_apart(tmp_path: Path) -> None:
    from console.model.queries import OverviewQuery
    from console.model.status import Status

    with primary_and_replica(tmp_path) as (primary, replica):
        for url, why in ((primary, ""), (replica, "it is a replica")):
            reader = open_reader(url)
            status = reader.read(OverviewQuery(), 0.0)
            assert isinstance(status, Status)
            assert status.server.refuses_writes == why
            reader.close()


def failed_job(redis: Redis) -> str:
    """The id of a failed job."""
    job = Queue("mail", connection=redis).enqueue("operator.truediv", 1, 0)
    redis.lrem("rq:queue:mail", 0, job.id)
    redis.hset(job.key, "status", "failed")
    redis.zadd(keys.RQ_FAILED + "mail", {job.id: 4_000_000_000})
    return str(job.id)


async def test_a_user_who_may_not_write_only_looks(redis: Redis, server: Server) -> None:
    failed_job(redis)
    before = contents(redis)
    redis.config_resetstat()
    with reading_user(redis, server.url) as url:
        here = target(url)
        async with driving(Console([here], here), (120, 40)) as driver:
            await driver.shows("READ-ONLY: this user may not write")
            await driver.press("3")
            await driver.shows("truediv(1, 0)")
            assert not [action for action in driver.app.offered() if action.danger]
            for key in DANGEROUS:
                await driver.press(key)
            assert len(driver.app.screen_stack) == 1
            assert "requeue" not in driver.text
            await driver.press("question_mark")
            await driver.shows("the filter")
            assert "Put failed jobs back" not in driver.text
            await driver.press("escape", "colon")
            await driver.write("requeue")
            await driver.shows("by its exact name")
            assert "Put failed jobs back" not in driver.text
    assert contents(redis) == before
    assert calls_to_write(redis) == {}


def calls_to_write(redis: Redis) -> dict[str, int]:
    """How often each command was carried out that may write, by the server's own word."""
    flags = {name: command["flags"] for name, command in redis.command().items()}
    called = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in redis.info("commandstats").items()}
    return {name: calls for name, calls in called.items() if calls and "write" in flags.get(name.partition("|")[0], ())}


async def test_a_user_who_may_not_write_any_more_is_refused_once_and_then_only_looks(redis: Redis, server: Server) -> None:
    failed_job(redis)
    before = redis.info()["rdb_changes_since_last_save"]
    with reading_user(redis, server.url, ("~*", "+@all")) as url:
        here = target(url)
        async with driving(Console([here], here), (120, 40)) as driver:
            await driver.press("3")
            await driver.shows("truediv(1, 0)")
            await driver.until(lambda: driver.app.status, "an overview")
            assert not driver.app.read_only
            redis.execute_command("ACL", "SETUSER", "reader", "resetkeys", "%R~*")
            await driver.press("r")
            await driver.shows("Requeue", "mail", "y does it")
            await driver.until(lambda: driver.app.screen.query("#leave"), "a dialog")
            await driver.press("y")
            await driver.shows("READ-ONLY")
            assert driver.app.read_only
            await driver.until(lambda: len(driver.app.screen_stack) == 1, "no dialog")
            for key in DANGEROUS:
                await driver.press(key)
            assert len(driver.app.screen_stack) == 1
            assert "requeue" not in driver.text
    assert redis.info()["rdb_changes_since_last_save"] == before


async def test_what_a_key_did_is_on_the_activity_screen(redis: Redis, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TQ_OPERATOR", "ann")
    job = failed_job(redis)
    here = target(server.url)
    async with driving(Console([here], here, refresh_s=0.2), (120, 40)) as driver:
        await driver.press("3")
        await driver.shows("truediv(1, 0)")
        await driver.press("r")
        await driver.until(lambda: driver.app.screen.query("#leave"), "a dialog")
        await driver.shows("mail", "y does it")
        await driver.press("y")
        await driver.until(lambda: redis.lrange("rq:queue:mail", 0, -1) == [job.encode()], "a requeued job")
        await driver.press("6")
        await driver.shows("[done from consoles 1]", "ann", "requeue", f"job {job[:8]}", "✓ done")
        await driver.press("enter")
        await driver.shows("WHAT CAME OF IT", "ann on", "matched     1", "done        1", "cannot be undone")
