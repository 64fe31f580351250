"""What an unforeseen error leaves: a line for the operator, and a log that only its owner may read, without secrets."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from console import crash
from console.cli import run
from console.store.writer import StoreWriter


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this test's crash log."""
    import platformdirs

    folder = tmp_path / "logs"
    monkeypatch.setattr(platformdirs, "user_log_path", lambda name: folder / name)
    return folder / "tq-console"


def failed(error: BaseException) -> str:
    """What is told of `error`, raised where a local variable holds a password."""
    kept_secret = "l0cal-s3cret"
    try:
        raise error
    except BaseException as caught:
        assert kept_secret
        return crash.note(caught)


def test_the_line_says_what_kind_of_error_and_where_more_is(logs: Path) -> None:
    assert failed(KeyError("job")) == (
        f"it failed unexpectedly (KeyError); please report it with the end of {logs / 'crash.log'}"
    )
    text = (logs / "crash.log").read_text()
    assert text.splitlines()[1] == "Traceback (most recent call last):"
    assert "raise error" in text
    assert text.rstrip().endswith("KeyError: 'job'")


def test_only_its_owner_may_read_the_log(logs: Path) -> None:
    before = os.umask(0)
    try:
        failed(ValueError("x"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((logs / "crash.log").stat().st_mode) == 0o600


def test_neither_the_line_nor_the_log_has_a_secret(logs: Path) -> None:
    cause = RuntimeError("cannot log in with password='s3cret'")
    error = ValueError("Error 111 connecting to rediss://ops:s3cret@cache-1/0?token=s3cret")
    error.__cause__ = cause
    line = failed(error)
    text = (logs / "crash.log").read_text()
    assert "s3cret" not in line + text
    assert "connecting to rediss://…@cache-1/0" in text
    assert "cannot log in" in text


def test_what_an_installation_adds_to_the_secret_names_is_masked_too(logs: Path) -> None:
    crash.note(ValueError("session=s3cret"), ["session"])
    assert "session=…" in (logs / "crash.log").read_text()


def test_a_second_error_is_added(logs: Path) -> None:
    failed(ValueError("one"))
    failed(ValueError("two \ud800"))
    text = (logs / "crash.log").read_text()
    assert text.index("ValueError: one") < text.index("ValueError: two ?")


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_log_that_cannot_be_written_is_told(logs: Path, what: str) -> None:
    if what == "folder":
        logs.parent.write_text("in the way")
    else:
        (logs / "crash.log").mkdir(parents=True)
    reason = "Not a directory" if what == "folder" else "Is a directory"
    assert failed(KeyError("job")) == (
        f"it failed unexpectedly (KeyError), and {logs / 'crash.log'} cannot be written: {reason}"
    )


# --- commands -----------------------------------------------------------------------------------


def breaks(*given: object) -> None:
    raise RuntimeError("password=hunter2")


def test_a_command_that_fails_while_it_acts_says_so_in_one_line(
    redis: Redis, logs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Queue("low", connection=redis).enqueue("operator.add", 1, 2, job_id="a")
    monkeypatch.setattr(StoreWriter, "act", breaks)
    assert run(["delete", "a", "--yes"]) == 1
    assert capsys.readouterr() == (
        "",
        f"tq-console: delete: it failed unexpectedly (RuntimeError); please report it with the end of {logs / 'crash.log'}; "
        "see what was done before you try again\n",
    )
    text = (logs / "crash.log").read_text()
    assert "in breaks" in text
    assert "hunter2" not in text


def test_a_command_that_fails_otherwise_says_so_in_one_line(
    redis: Redis, logs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("jobs.users.get", breaks)
    assert run(["users", "remove", "ada", "--yes"]) == 1
    assert capsys.readouterr() == (
        "", f"tq-console: it failed unexpectedly (RuntimeError); please report it with the end of {logs / 'crash.log'}\n"
    )  # fmt: skip
    assert "hunter2" not in (logs / "crash.log").read_text()
