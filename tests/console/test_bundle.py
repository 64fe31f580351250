"""Incident bundles of a job, a queue and a user on a real server: what is in them, and what never is."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from console import bundle, private_file
from console.cli import run
from console.model.incident import MAX_TEXT, Incident, Subject, document, folder_name
from console.model.incident_text import markdown
from console.model.job import Attempt
from console.model.operations import Operation
from console.model.payload import Call, Many
from console.store.reader import open_reader
from console.store.writer import open_writer
from jobs.registering import set_schedule, set_user
from jobs.users import User
from tests.conftest import BIN, Server
from tests.console.driven import drive as drive
from tests.console.fakes import NOW, FakeReader, detail, status
from tests.console.opened import console
from tests.console.pilots import Driver, driving
from tests.contents import contents
from tests.hostile import EVIL, MARKERS, QUEUE, USER
from tests.hostile import build as build_hostile

HERE = "tests.console.test_bundle"
ROOT = Path(__file__).parents[2]
SECRET = "hunter2-s3cret"

Drive = Callable[..., AbstractAsyncContextManager[Driver]]


def leak(*arguments: object, **named: object) -> None:
    """Fails with its secret in a line of source that the traceback quotes, in the message, and in a URL."""
    login(password="hunter2-s3cret")


def login(password: str) -> None:
    """Does not let anybody in."""
    raise RuntimeError(f"login failed: password={SECRET} at https://ann:{SECRET}@shop.example/?token={SECRET}")


@pytest.fixture
def failed(redis: Redis, server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A job that a stock worker ran and that failed, with a secret wherever a job can have one."""
    Queue("mail", connection=redis).enqueue(
        f"{HERE}.leak",
        f"https://ann:{SECRET}@shop.example",
        {"password": SECRET},
        api_key=SECRET,
        job_id="leaks",
        meta={"session_token": SECRET, "note": f"Authorization: Bearer {SECRET}"},
        description=f"log in with password={SECRET}",
    )
    _work(server, tmp_path_factory.mktemp("worker"))
    return "leaks"


def _work(server: Server, folder: Path) -> None:
    subprocess.run(
        [str(BIN / "rq"), "worker", "--burst", "--url", server.url, "--path", str(ROOT), "mail"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=60,
    )


def written(folder: Path) -> tuple[dict[str, Any], str]:
    """Both files of the only bundle in `folder`, which only its owner may read."""
    (found,) = folder.glob("incident-*")
    assert stat.S_IMODE(found.stat().st_mode) == 0o700
    files = {file.name: file for file in found.iterdir()}
    assert set(files) == {"incident.md", "incident.json"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o600}
    read: dict[str, Any] = json.loads(files["incident.json"].read_text())
    return read, files["incident.md"].read_text("utf-8")


def bundled(server: Server, subject: Subject, now: float) -> Incident:
    reader = open_reader(server.url)
    try:
        return bundle.gather(reader, subject, now)
    finally:
        reader.close()


# --- from the shell -----------------------------------------------------------------------------


def test_a_failed_job_is_explained_and_nothing_that_is_secret_is_in_either_file(
    redis: Redis, server: Server, failed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = open_writer(server.url)
    writer.begin(
        Operation(
            id="op-1",
            who="ann",
            host="desk",
            command="requeue",
            options="",
            scope="",
            target="here",
            why="by night",
            matched=1,
            at=NOW,
        )
    )
    writer.close()
    before = contents(redis)
    assert run(["bundle", failed, "--to", str(tmp_path)]) == 0
    assert contents(redis) == before
    assert re.fullmatch(rf"{re.escape(str(tmp_path))}/incident-job-leaks-\d{{8}}T\d{{6}}Z\n", capsys.readouterr().out)
    found, text = written(tmp_path)
    for whole in (text, json.dumps(found), json.dumps(found, ensure_ascii=False)):
        assert SECRET not in whole
    assert found["incident"]["name"] == "leaks"
    assert [reason["code"] for reason in found["reasons"]] == ["failed"]
    assert found["job"]["call"]["function"] == f"{HERE}.leak"
    traceback = found["job"]["attempts"][0]["traceback"]
    for masked in ('login(password="…")', "RuntimeError: login failed: password=…", "://…"):
        assert masked in traceback
    assert found["job"]["meta"]["session_token"] == "…"
    assert found["job"]["call"]["kwargs"] == {"api_key": "…"}
    assert [queue["name"] for queue in found["queues"]] == ["mail"]
    assert found["queues"][0]["failed"] == 1
    assert [row["id"] for row in found["audit"]] == ["op-1"]
    assert set(found["versions"]) == {"python", "tq-console", "rq", "rq-scheduler", "redis"}
    assert found["server"]["version"]
    for said in ("## Why", "✗ ", "(failed)", "RuntimeError: login failed", "in leak", "## Queues", "by night", "## Versions"):
        assert said in text


def test_a_queue_brings_its_failed_jobs_and_a_user_what_runs_for_them(
    redis: Redis, server: Server, failed: str, tmp_path: Path, stock: Any
) -> None:
    Queue("mail", connection=redis).enqueue("time.sleep", 0, job_id="waits")
    # The folder is made.
    assert run(["bundle", "--queue", "mail", "--to", str(tmp_path / "q" / "deeper")]) == 0
    found, text = written(tmp_path / "q" / "deeper")
    kept = {job["id"]: job.get("kept_until") for job in found["jobs"]}
    assert kept["waits"] is None
    assert kept["leaks"] > found["incident"]["as_of"]
    assert all(not job.keys() & {"at", "score", "rank", "missing"} for job in found["jobs"])
    assert [job["id"] for job in found["failed_jobs"]] == ["leaks"]
    assert {job["id"] for job in found["jobs"]} == {"leaks", "waits"}
    assert "no_worker" in [reason["code"] for reason in found["reasons"]]
    assert SECRET not in text + json.dumps(found)

    set_user(redis, User("ada@example.com", "pro"))
    set_schedule(redis, "ada@example.com", "scrape")
    (tmp_path / "u").mkdir()
    assert run(["bundle", "--user", "ada@example.com", "--to", str(tmp_path / "u")]) == 0
    found, text = written(tmp_path / "u")
    assert (found["user"]["id"], found["user"]["schedules"][0]["task"]) == ("ada@example.com", "scrape")
    assert [queue["name"] for queue in found["queues"]] == [found["user"]["schedules"][0]["lane"]]
    assert "every" in text


@pytest.mark.parametrize("asked", [("none",), ("--queue", "none"), ("--user", "none")])
def test_what_there_is_not_gets_a_line_and_no_folder(
    redis: Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: tuple[str, ...]
) -> None:
    assert run(["bundle", *asked, "--to", str(tmp_path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("asked", [(), ("job", "--queue", "mail"), ("--queue", "mail", "--user", "ada")])
def test_one_thing_is_named(redis: Redis, capsys: pytest.CaptureFixture[str], asked: tuple[str, ...]) -> None:
    assert run(["bundle", *asked]) == 2
    assert "name one thing" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_is_one_line(
    redis: Redis, failed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    for parent, why in (("file", "File exists"), ("file/in", "Not a directory")):
        assert run(["bundle", failed, "--to", str(tmp_path / parent)]) == 1
        err = capsys.readouterr().err
        assert why in err
        assert len(err.splitlines()) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_names_that_an_installation_masks_are_masked(redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TQ_MASK", "iban")
    Queue("mail", connection=redis).enqueue("time.sleep", iban="DE00-1", job_id="pays", meta={"iban": "DE00-1"})
    assert run(["bundle", "pays", "--to", str(tmp_path)]) == 0
    found, text = written(tmp_path)
    assert "DE00-1" not in text + json.dumps(found)


# --- what is in it ------------------------------------------------------------------------------


def incident(**given: Any) -> Incident:
    plain = Incident(NOW, Subject("job", b"job-1"), (), status().server, {"rq": "2"}, job=detail(b"job-1", NOW))
    return replace(plain, **given)


def test_what_strangers_wrote_is_neither_markup_nor_anything_that_a_terminal_obeys() -> None:
    evil = f"{EVIL}\n```\n# A heading\n![x](http://evil.example/x.png)<script>alert(1)</script>\n````"
    job = replace(
        detail(b"job-1", NOW),
        id=evil,
        description=evil,
        attempts=(Attempt(1, NOW, NOW, evil, "failed", evil, evil),),
        fields={evil: evil},
        call=Call(evil, None, (evil,), ((evil, evil),)),
    )
    found = document(incident(job=job, subject=Subject("job", evil.encode("utf-8", "surrogateescape"))))
    text = markdown(found)
    assert json.loads(json.dumps(found)) == found
    assert json.dumps(found).isascii()
    assert all(character == "\n" or character.isprintable() for character in text)
    assert not any(marker.decode("utf-8", "surrogateescape") in text for marker in MARKERS)
    fence = ""
    for line in text.splitlines():
        if not fence and (begins := re.match("(`{3,})text$", line)):
            fence = begins[1]
        elif line == fence:
            fence = ""
        elif not fence:
            assert "evil" not in line
            assert line in ("", "# Incident") or line.startswith(("## ", "Secrets are masked")), line
    assert fence == "", "the last block is closed"
    assert "A heading" in text


def test_bundles_of_whatever_a_stranger_left_on_a_server_are_written_and_execute_nothing(
    redis: Redis, server: Server, tmp_path: Path
) -> None:
    hostile = build_hostile(redis, tmp_path / "canary")
    subjects = [Subject("job", job) for job in hostile.jobs.values()]
    texts = [os.fsencode(USER), QUEUE.encode("utf-8", "surrogateescape")]
    subjects += [Subject("user", texts[0]), Subject("queue", texts[1])]
    (tmp_path / "bundles").mkdir()
    for subject in subjects:
        folder = bundle.write(tmp_path / "bundles", bundled(server, subject, time.time()))
        text = (folder / "incident.md").read_text("utf-8")
        assert all(character == "\n" or character.isprintable() for character in text), subject
        assert (folder / "incident.json").read_text("utf-8").isascii()
        assert sum(file.stat().st_size for file in folder.iterdir()) < 8_000_000
    assert len(list((tmp_path / "bundles").iterdir())) == len(subjects)
    assert not hostile.executed


def test_a_bundle_is_bounded_and_keeps_the_newest_attempts_and_the_end_of_each_traceback() -> None:
    attempts = tuple(Attempt(n, NOW, NOW, "w", "failed", "e", f"begin {n}" + "x" * 60_000 + f"end {n}") for n in range(40))
    huge = Many("list", tuple(Many("list", ("y" * 5_000,) * 200) for _ in range(200)))
    job = replace(detail(b"job-1", NOW), attempts=attempts, meta=huge, call=Call("f", None, (huge, huge), ()))
    found = document(incident(job=job, failed=(job, job, job)))
    assert len(json.dumps(found, indent=2)) < 4_000_000
    assert len(markdown(found)) < 4_000_000
    assert [attempt["n"] for attempt in found["job"]["attempts"]] == list(range(39, 29, -1))
    newest = found["job"]["attempts"][0]["traceback"]
    assert newest.startswith("begin 39")
    assert newest.endswith("end 39")
    assert len(newest) < MAX_TEXT + 100


def test_what_json_cannot_say_is_null_or_text() -> None:
    job = replace(detail(b"job-1", NOW), created_at=1e300, expires_s=float("inf"), meta=Many("tuple", (float("nan"), b"\xff")))
    found = document(incident(job=job))
    assert json.loads(json.dumps(found, allow_nan=False))["job"]["created_at"] is None
    assert found["job"]["expires_s"] is None


@pytest.mark.parametrize("name", [b"../../etc/passwd", b"a/b", b"\xff\n", b"", b"..", b"x" * 5_000, b"password=hunter2"])
def test_the_name_of_a_folder_leads_nowhere_else(name: bytes) -> None:
    found = folder_name(incident(subject=Subject("queue", name)))
    assert re.fullmatch(r"incident-queue(-[A-Za-z0-9_][A-Za-z0-9._-]*)?-20\d{6}T\d{6}Z", found)
    assert len(found) < 120
    assert "hunter2" not in found


# --- the folder ---------------------------------------------------------------------------------


def test_a_folder_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    first, second = (bundle.write(tmp_path, incident(why=())) for _ in range(2))
    assert second.name == f"{first.name}-2"
    (first / "incident.md").write_text("mine")
    (tmp_path / f"{first.name}-3").symlink_to(tmp_path / "elsewhere")
    assert bundle.write(tmp_path, incident()).name == f"{first.name}-4"
    assert (first / "incident.md").read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


def test_of_a_folder_that_cannot_be_written_whole_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        private_file.write_folder(tmp_path, "x", {"one": "1", "two/three": "2"})
    assert list(tmp_path.iterdir()) == []


def test_it_is_for_its_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        bundle.write(tmp_path, incident())
    finally:
        os.umask(before)
    written(tmp_path)


# --- in the console -----------------------------------------------------------------------------


async def test_a_key_on_the_page_of_a_job_writes_it_and_says_where(
    redis: Redis, failed: str, drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with drive("failures") as driver:
        await driver.shows("leak")
        await driver.press("enter")
        await driver.shows("RuntimeError")
        await driver.press("i")
        await driver.says(f"bundle written to {tmp_path}/incident-job-leaks-")
    found, text = written(tmp_path)
    assert found["job"]["id"] == "leaks"
    assert SECRET not in text + json.dumps(found)


async def test_a_key_on_the_page_of_a_user_writes_it(
    redis: Redis, drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    set_user(redis, User("ada@example.com", "pro"))
    set_schedule(redis, "ada@example.com", "scrape")
    async with drive("schedules") as driver:
        await driver.shows("ada@example.com")
        await driver.press("o")
        await driver.until(lambda: driver.app.screen_name == "user")
        await driver.press("i")
        await driver.says("bundle written to")
    assert written(tmp_path)[0]["user"]["id"] == "ada@example.com"


async def test_where_nothing_may_be_written_the_console_says_so(
    redis: Redis, failed: str, drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    async with drive("failures") as driver:
        await driver.shows("leak")
        await driver.press("enter")
        await driver.shows("RuntimeError")
        await driver.press("i")
        await driver.says("No such file or directory; start tq-console where you may write")


async def test_keys_work_while_the_server_is_slow_and_one_bundle_is_written_at_a_time(tmp_path: Path) -> None:
    reader = FakeReader()
    async with driving(console(reader, screen="failures")) as driver:
        await driver.shows("'user-0'")
        await driver.press("enter")
        await driver.until(lambda: driver.app.screen_name == "job")
        reader.failing = "the server has gone"
        reader.gate.clear()
        try:
            await driver.press("i", "i")
            await driver.says("a bundle is being written already")
            await driver.press("question_mark")
            await driver.shows("Keys on job")
        finally:
            reader.gate.set()
        await driver.says("the server has gone")
