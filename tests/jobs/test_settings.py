"""A line of `.env` that cannot be read costs itself only, and is told once."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from jobs import User, set_user, settings
from jobs.tasks.for_user import connected, user_of
from tests.conftest import Server


def test_a_bad_line_is_told_once_with_its_place_and_the_others_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text("TQ_TASKS=a.b\n\nthis is s3cret\nTQ_WEBHOOK_SECRET='x y'\n")
    with caplog.at_level(logging.WARNING):
        found = settings.read({}, file)
    assert (found.task_modules, found.webhook_secret) == (("a.b",), "x y")
    assert [record.getMessage() for record in caplog.records] == [f"{file}:3: is no NAME=value, and is passed over"]


@pytest.mark.parametrize("content", [None, b"TQ_TASKS=\xff"])
def test_a_file_that_cannot_be_read_is_told_and_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    file = tmp_path / ".env"
    file.mkdir() if content is None else file.write_bytes(content)
    assert settings.read({}, file) == settings.Settings()
    assert [f"{file}: cannot be read" in record.getMessage() for record in caplog.records] == [True]


def test_it_is_told_on_standard_error_where_no_logging_is_set_up(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("oops oops\n")
    code = "from jobs import settings; settings.current(); settings.current()"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == f"{tmp_path / '.env'}:1: is no NAME=value, and is passed over\n"


@pytest.mark.parametrize("asked", ["", "?decode_responses=true"])
def test_a_task_that_is_called_outside_of_a_run_reads_bytes_whatever_the_url_says(
    redis: Redis, server: Server, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    set_user(redis, User("ada", "slow"), tasks=[])
    monkeypatch.setenv("RQ_REDIS_URL", f"{server.url}{asked}")
    settings.current.cache_clear()
    with connected() as connection:
        assert user_of(connection, "ada").tier == "slow"
