"""An incident bundle of a group of failures on a real server: what is in it, and what never is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from console.cli import run
from tests import failed_jobs, hostile
from tests.console.driven import drive as drive
from tests.console.opened import console
from tests.console.pilots import driving
from tests.console.test_bundle import Drive, written
from tests.console.test_failure_groups import kept, packed
from tests.console.test_groups_view import grouping
from tests.contents import contents

SECRET = "hunter2-s3cret"


def groups(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run(["failures", "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["groups"]
    return found


def test_a_group_is_explained_with_the_jobs_that_failed_last(
    redis: Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = failed_jobs.make(redis, 200, kinds=("refused", "refused", "killed"), queues=("a", "b"))
    refused, killed = groups(capsys)
    before = contents(redis)
    assert run(["bundle", "--group", killed["fingerprint"], "--to", str(tmp_path)]) == 0
    assert contents(redis) == before
    assert capsys.readouterr().out.startswith(f"{tmp_path}/incident-group-{killed['fingerprint']}-")
    found, text = written(tmp_path)
    assert found["incident"]["subject"] == "group"
    group = found["group"]
    assert (group["fingerprint"], group["count"], group["window"]) == (killed["fingerprint"], 66, "grouped 200 of 200")
    assert group["what"] == "killed by signal 9: out of memory?"
    assert "memory" in group["what_helps"]
    assert (group["sample"], group["last_at"]) == (killed["sample"], killed["last_at"])
    assert group["tiers"] == killed["tiers"]
    latest = [one.id for one in sorted(made, key=lambda one: -one.at) if one.kind == "killed"][:20]
    assert [job["id"] for job in found["jobs"]] == latest
    assert latest[0] == killed["sample"]
    assert len(found["failed_jobs"]) == 3
    assert "waitpid returned 9" in found["failed_jobs"][0]["attempts"][-1]["traceback"]
    assert {queue["name"] for queue in found["queues"]} == {"a", "b"}
    for said in ("## The group of failures", "out of memory?", "## The jobs that failed last", killed["sample"]):
        assert said in text
    assert refused["fingerprint"] not in text


def test_neither_secrets_nor_what_acts_on_a_terminal_is_in_it(
    redis: Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = f"RuntimeError: {hostile.EVIL} password={SECRET} at https://ann:{SECRET}@x.example/?key={SECRET}"
    kept(redis, "leaks", packed(said), {"status": "failed", "description": f"{hostile.EVIL}(token='{SECRET}')"})
    (group,) = groups(capsys)
    assert run(["bundle", "--group", group["fingerprint"], "--to", str(tmp_path)]) == 0
    found, text = written(tmp_path)
    for whole in (text, json.dumps(found), json.dumps(found, ensure_ascii=False)):
        assert SECRET not in whole
    assert all(character == "\n" or character.isprintable() for character in text)
    assert "leaks" in text


def test_a_group_that_is_not_there_and_a_name_that_is_none(
    redis: Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed_jobs.make(redis, 3, kinds=("refused",))
    assert run(["bundle", "--group", "0123456789ab", "--to", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "no failure is of the group 0123456789ab; grouped 3 of 3\n"
    assert run(["bundle", "--group", "low", "--to", str(tmp_path)]) == 2
    assert "is no group" in capsys.readouterr().err
    assert run(["bundle", "--group", "0123456789ab", "--queue", "low"]) == 2
    assert "--group FP" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


async def test_a_key_on_the_screen_of_groups_writes_that_of_the_one_under_the_cursor(
    redis: Redis, drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    failed_jobs.make(redis, 30, kinds=("refused", "refused", "killed"))
    _, killed = groups(capsys)
    async with drive("failures") as driver:
        await driver.shows("30 failures")
        await driver.press("tab")
        await driver.shows("grouped 30 of 30", "i bundle")
        await driver.press("j", "i")
        await driver.says(f"bundle written to {tmp_path}/incident-group-{killed['fingerprint']}-")
    assert written(tmp_path)[0]["group"]["count"] == 10


async def test_the_name_of_a_file_is_told_in_one_piece() -> None:
    path = "/home/ann/incidents/incident-job-0fdc3c5a-7c8b-4d5e-9f00-123456789abc-20261125T211300Z"
    async with driving(console(grouping()), (120, 40)) as driver:
        driver.app.say(f"bundle written to {path}")
        await driver.shows(path)
