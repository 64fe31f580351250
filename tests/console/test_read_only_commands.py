"""Where everything is only looked at, no command changes anything, whoever has said so."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from redis import Redis

from console.cli import COMMANDS, run
from console.commands.quarantine import drop, put_back
from console.commands.schedules import schedules
from console.commands.users import users
from console.commands.worker_acts import worker
from jobs.registering import set_user
from jobs.users import User
from tests.conftest import Server

CHANGES = {
    "users": ("import", "set", "remove"),
    "schedules": ("set", "pause", "resume", "run-now", "remove", "backfill", "repair", "put-back", "drop"),
    "worker": ("stop-job", "shutdown", "kill-horse"),
}

LINES = (
    ("users", "set", "ada", "--tier", "free"),
    ("users", "remove", "ada", "--yes"),
    ("users", "import", "users.csv"),
    ("schedules", "set", "ada", "scrape", "--every", "2h"),
    ("schedules", "pause", "ada", "scrape"),
    ("schedules", "resume", "ada", "scrape"),
    ("schedules", "run-now", "ada", "scrape"),
    ("schedules", "remove", "ada", "scrape"),
    ("schedules", "backfill", "ada", "scrape", "--from", "2026-01-01", "--to", "2026-01-02"),
    ("schedules", "repair"),
    ("schedules", "put-back", "1"),
    ("schedules", "drop", "1", "--yes"),
    ("worker", "stop-job", "w-1", "--yes"),
    ("worker", "shutdown", "w-1", "--yes"),
    ("worker", "kill-horse", "w-1", "--yes"),
)

ALONE = (
    ("requeue", "job", "--yes"),
    ("requeue", "job", "--dry-run"),
    ("retry-now", "job", "--yes"),
    ("run-again", "job", "--yes"),
    ("cancel", "job", "--yes"),
    ("stop", "job", "--yes"),
    ("delete", "job", "--yes"),
    ("move", "job", "--to", "low", "--yes"),
    ("to-front", "job", "--yes"),
    ("reschedule", "job", "--due", "now", "--yes"),
    ("empty", "low", "--yes"),
    ("undo", "operation", "--yes"),
    ("suspend", "--yes"),
    ("resume", "--yes"),
)
"""Commands that are in no group."""


@pytest.fixture(params=["flag", "environment", "context"])
def only_looking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server) -> list[str]:
    """How a command line begins where everything is only looked at."""
    match request.param:
        case "flag":
            return ["--read-only"]
        case "environment":
            monkeypatch.setenv("TQ_READ_ONLY", "1")
            return []
        case _:
            file = tmp_path / "contexts.toml"
            file.write_text(f'[prod]\nurl = "{server.url}"\nread_only = true\n')
            monkeypatch.setenv("TQ_CONTEXTS", str(file))
            return ["--context", "prod"]


@pytest.mark.parametrize("line", LINES + ALONE, ids=" ".join)
def test_it_refuses_and_changes_nothing(
    redis: Redis, only_looking: list[str], line: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "users.csv").write_text("id,tier\nbob,pro\n")
    set_user(redis, User("ada", "pro"))
    before = redis.info()["rdb_changes_since_last_save"]
    assert run([*only_looking, *line]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("tq-console: nothing is changed here: ")
    assert said.err.count("\n") == 1
    assert redis.info()["rdb_changes_since_last_save"] == before


def test_what_only_looks_is_not_refused(redis: Redis, capsys: pytest.CaptureFixture[str]) -> None:
    set_user(redis, User("ada", "pro"))
    assert run(["--read-only", "users", "show", "ada"]) == 0
    assert run(["--read-only", "schedules", "next", "ada", "scrape"]) == 0


def test_every_command_that_changes_something_is_among_these() -> None:
    """A command that is added has to be sorted in: those that only look are named here."""
    looks = {"users": {"list", "show"}, "schedules": {"list", "next", "runs", "quarantined"}, "worker": set()}
    for group, name in ((users, "users"), (schedules, "schedules"), (worker, "worker")):
        assert isinstance(group, click.Group)
        assert set(group.commands) == set(CHANGES[name]) | looks[name]
    assert {tuple(line[:2]) for line in LINES} == {(group, name) for group, names in CHANGES.items() for name in names}
    assert {put_back.name, drop.name} == {"put-back", "drop"}
    acts = {name for name, where in COMMANDS.items() if where.split(":")[0].endswith(("job_acts", "worker_acts", "undo"))}
    assert {line[0] for line in ALONE} == acts - {"worker"}
