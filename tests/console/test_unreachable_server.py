"""With no server, or one that refuses, each command exits 3 with one line that says what and where, and keeps the password."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import click
import pytest
from redis import Redis

from console.commands.schedules import schedules
from console.commands.users import users
from jobs.registering import set_user
from jobs.users import User
from tests.conftest import Server

FROM_TO = ("--from", "2026-01-01T00:00Z", "--to", "2026-01-02T00:00Z")

COMMANDS = {
    "users import": ("users.csv", "--prune"),
    "users list": ("--json",),
    "users show": ("ada",),
    "users set": ("ada", "--tier", "pro"),
    "users remove": ("ada", "--yes"),
    "schedules list": ("--state", "late"),
    "schedules set": ("ada", "scrape", "--every", "1h"),
    "schedules next": ("ada", "scrape"),
    "schedules runs": ("ada", "scrape"),
    "schedules pause": ("ada", "scrape"),
    "schedules resume": ("ada", "scrape"),
    "schedules run-now": ("ada", "scrape"),
    "schedules remove": ("ada", "scrape"),
    "schedules backfill": ("ada", "scrape", *FROM_TO),
    "schedules repair": (),
    "schedules quarantined": (),
    "schedules put-back": ("1",),
    "schedules drop": ("1", "--yes"),
}


def test_no_command_is_left_out() -> None:
    found = {
        f"{group.name} {name}" for group in (users, schedules) if isinstance(group, click.Group) for name in group.commands
    }
    assert found == set(COMMANDS)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of the loopback that is taken and on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


def refused(url: str, *arguments: str) -> str:
    """Run the program on that server; the line with which it exits 3."""
    done = subprocess.run(
        [sys.executable, "-m", "console.cli", *arguments],
        env={**os.environ, "RQ_REDIS_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (3, ""), done.stderr
    assert done.stderr.startswith("tq-console: ")
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith("\n")
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_with_no_server(command: str, closed_port: int, tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("id,tier\nada,pro\n")
    line = refused(f"redis://ann:s3cret@127.0.0.1:{closed_port}/0", *command.split(), *COMMANDS[command])
    assert f"127.0.0.1:{closed_port}/0: cannot be reached" in line


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("unix://:s3cret@/nowhere/valkey.sock", "cannot be reached"),
        ("redis://:s3cret@127.0.0.1:99999/0", "is no Redis URL"),
        ("redis://:s3cret@127.0.0.1:port/0", "is no Redis URL"),
        ("redis://:s3/cret@127.0.0.1:6379/0", "is no Redis URL"),
        ("redis://:s3cret@[::1/0", "is no Redis URL"),
        ("http://:s3cret@127.0.0.1/0", "is no Redis URL"),
        ("ann:s3cret@127.0.0.1", "is no Redis URL"),
        ("redis://127.0.0.1:6379/0?password=s3cret&socket_timeout=soon", "is no Redis URL"),
        ("redis://:s3cret@host.invalid:6379/0", "cannot be reached"),
    ],
)
def test_a_url_that_leads_nowhere(url: str, reason: str) -> None:
    assert reason in refused(url, "users", "list")


def test_a_server_that_refuses_the_password(redis: Redis, server: Server) -> None:
    redis.config_set("requirepass", "right")
    try:
        for user, reason in (
            ("", "the server wants a password; put it into RQ_REDIS_URL"),
            (":s3cret@", "the server refuses this user or password"),
            ("ann:s3cret@", "the server refuses this user or password"),
        ):
            assert reason in refused(server.url.replace("://", f"://{user}"), "users", "list")
            assert reason in refused(server.url.replace("://", f"://{user}"), "schedules", "repair")
    finally:
        redis.config_set("requirepass", "")


def test_a_user_who_may_not_write_is_told(redis: Redis, server: Server) -> None:
    redis.acl_setuser("reader", enabled=True, passwords=["+s3cret"], categories=["+@read"], keys=["*"], reset=True)
    try:
        line = refused(server.url.replace("://", "://reader:s3cret@"), "users", "set", "ada", "--tier", "pro")
        assert "refuses" in line
        assert "this user may not do that" in line
        assert_plain(line)
        assert redis.dbsize() == 0
    finally:
        redis.acl_deluser("reader")


def assert_plain(line: str) -> None:
    """Nothing of redis-py, of scripts or of the bytes that were sent is in it."""
    for leak in ("of pipeline", "Command #", "script:", "bytes", "tq:"):
        assert leak not in line


@pytest.mark.parametrize("command", [("users", "set", "ada", "--tier", "pro"), ("users", "remove", "ada", "--yes")])
def test_a_replica_is_told_with_the_way_out(redis: Redis, server: Server, command: tuple[str, ...]) -> None:
    set_user(redis, User("ada", "free"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        redis.execute_command("CONFIG", "SET", "replica-serve-stale-data", "yes")
        redis.execute_command("REPLICAOF", "127.0.0.1", str(taken.getsockname()[1]))
        try:
            line = refused(server.url, *command)
            assert "let RQ_REDIS_URL name the primary" in line
            assert_plain(line)
            redis.execute_command("CONFIG", "SET", "replica-serve-stale-data", "no")
            line = refused(server.url, "users", "list")
            assert "has lost its primary; let RQ_REDIS_URL name the primary" in line
        finally:
            redis.execute_command("CONFIG", "SET", "replica-serve-stale-data", "yes")
            redis.execute_command("REPLICAOF", "NO", "ONE")


def test_a_full_server_is_told_with_the_way_out(redis: Redis, server: Server) -> None:
    redis.config_set("maxmemory", "1")
    try:
        line = refused(server.url, "users", "set", "ada", "--tier", "pro")
        assert "its memory is full; raise maxmemory" in line
        assert_plain(line)
    finally:
        redis.config_set("maxmemory", "0")


def test_something_that_is_no_redis_server() -> None:
    def answer() -> None:
        peer, _ = listening.accept()
        with peer:
            peer.recv(1_000)
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        other = Thread(target=answer)
        other.start()
        refused(f"redis://:s3cret@127.0.0.1:{listening.getsockname()[1]}/0", "users", "list")
        other.join()
