"""All failures of a group in a file: from the shell and by a key, without secrets, and never over a file that is there."""

from __future__ import annotations

import csv
import json
import re
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from console import bundle, export, exporting
from console.commands.parameters import fingerprint
from console.model.failure_records import FIELDS
from console.model.incident import Subject
from console.model.ports import ReadError, Snapshot, Target
from console.model.queries import FailuresQuery, SelectQuery, ViewQuery
from console.model.selection import Selected
from console.store.reader import open_reader
from jobs import keys
from tests import failed_jobs, hostile
from tests.conftest import Server, until
from tests.console.driven import drive as drive
from tests.console.fakes import NOW, FakeReader, job
from tests.console.opened import console
from tests.console.pilots import driving
from tests.console.test_bundle import Drive
from tests.console.test_failure_groups import kept, packed
from tests.console.test_failures_command import Say, say
from tests.console.test_groups_view import FIRST, SECOND, answer, grouping, to_groups
from tests.contents import contents

__all__ = ["drive", "say"]

SECRET = "hunter2-s3cret"


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("ascii").splitlines()]


def named(say: Say) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(say("--json")[1])["groups"]
    return found


# --- from the shell -----------------------------------------------------------------------------


def test_each_failure_of_a_group_is_a_line_of_json(redis: Redis, say: Say, tmp_path: Path) -> None:
    made = failed_jobs.make(redis, 1_800, kinds=("refused", "refused", "killed"), queues=("a", "b"))
    _, killed = named(say)
    file, before = tmp_path / "killed.jsonl", contents(redis)
    status, out, err = say("--group", killed["fingerprint"].upper(), "--export", str(file))
    assert (status, out, err) == (0, f"600 failures written to {file}\n", "")
    assert contents(redis) == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = {one["id"]: one for one in lines(file)}
    wanted = {one.id: one for one in made if one.kind == "killed"}
    assert found.keys() == wanted.keys()
    for id, one in found.items():
        assert tuple(one) == FIELDS
        assert (one["queue"], one["user"], one["state"]) == (wanted[id].queue, wanted[id].user, "failed")
        assert one["group"] == killed["fingerprint"]
        assert "waitpid returned 9" in one["error"]
    status, out, _ = say("--group", killed["fingerprint"], "--queue", "a", "--export", str(tmp_path / "a"))
    in_a = {id for id, one in wanted.items() if one.queue == "a"}
    assert (status, {one["id"] for one in lines(tmp_path / "a")}) == (0, in_a)


def test_what_a_filter_wants_and_all_of_it(redis: Redis, say: Say, tmp_path: Path) -> None:
    made = failed_jobs.make(redis, 60, kinds=("refused", "killed"), queues=("a", "b"))
    assert say("--export", str(tmp_path / "all"))[0] == 0
    assert {one["id"] for one in lines(tmp_path / "all")} == {one.id for one in made}
    of = {group["fingerprint"]: group["count"] for group in named(say)}
    assert Counter(one["group"] for one in lines(tmp_path / "all")) == of
    assert say("--filter", "error:waitpid queue:b", "--export", str(tmp_path / "some"))[0] == 0
    assert {one["id"] for one in lines(tmp_path / "some")} == {
        one.id for one in made if (one.kind, one.queue) == ("killed", "b")
    }


def test_a_file_that_ends_with_csv_is_csv_which_no_spreadsheet_computes(redis: Redis, say: Say, tmp_path: Path) -> None:
    description = f"=cmd|' /C calc'!A1 {hostile.EVIL}, \"quoted\"\nsecond line"
    kept(redis, "-1+2", packed("ValueError: no"), {"status": "failed", "description": description})
    file = tmp_path / "one.CSV"
    assert say("--export", str(file))[:2] == (0, f"1 failure written to {file}\n")
    text = file.read_bytes().decode()
    assert all(character == "\n" or character.isprintable() for character in text)
    head, row = csv.reader(text.splitlines())
    assert tuple(head) == FIELDS
    found = dict(zip(head, row, strict=True))
    assert found["id"] == "'-1+2"
    assert found["call"].startswith("'=cmd")
    assert "second line" in found["call"]
    assert (found["user"], found["missing"]) == ("", "")


def test_no_secret_is_in_it(redis: Redis, say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TQ_MASK", "iban")
    said = f"RuntimeError: password={SECRET} at https://ann:{SECRET}@x.example/?key={SECRET} iban={SECRET}"
    kept(redis, f"token={SECRET}", packed(said), {"status": "failed", "description": f"f(token='{SECRET}', iban='{SECRET}')"})
    for name in ("leaks.jsonl", "leaks.csv"):
        assert say("--export", str(tmp_path / name))[0] == 0
        text = (tmp_path / name).read_text()
        assert "RuntimeError" in text
        assert SECRET not in text


def test_what_this_installation_masks_is_in_no_file_of_the_console(redis: Redis, server: Server, tmp_path: Path) -> None:
    kept(redis, "leaks", packed(f"RuntimeError: iban={SECRET}"), {"status": "failed", "description": f"f(iban='{SECRET}')"})
    here = Target("", "", lambda: open_reader(server.url), mask=("iban",))
    assert "1 written" in exporting.said(here, [FailuresQuery()], tmp_path, time.time, lambda: False, lambda far: None)
    assert "bundle written" in bundle.said(here, Subject("job", b"leaks"), tmp_path, time.time())
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} == {".jsonl", ".json", ".md"}
    for file in files:
        assert "RuntimeError" in file.read_text()
        assert SECRET not in file.read_text(), file


def test_a_failure_whose_hash_is_gone_is_in_it_and_one_that_is_none_any_more_is_not(
    redis: Redis, say: Say, tmp_path: Path
) -> None:
    gone, requeued, stays = failed_jobs.make(redis, 3, kinds=("refused",), queues=("a",))
    redis.delete(keys.RQ_JOB + gone.id)
    redis.hset(keys.RQ_JOB + requeued.id, "status", "queued")
    status, _, err = say("--export", str(tmp_path / "f"))
    assert (status, err) == (0, "left out what was no failure any more when it was read: 1 job\n")
    found = {one["id"]: one for one in lines(tmp_path / "f")}
    assert found.keys() == {gone.id, stays.id}
    assert (found[gone.id]["missing"], found[gone.id]["queue"], found[gone.id]["state"]) == (True, "a", "failed")
    assert found[stays.id]["missing"] is False


def test_a_file_that_is_there_is_left_as_it_is(redis: Redis, say: Say, tmp_path: Path) -> None:
    failed_jobs.make(redis, 3, kinds=("refused",))
    file = tmp_path / "mine"
    file.write_text("mine")
    status, out, err = say("--export", str(file))
    assert (status, out, err) == (1, "", f"{file} is there already, and is left as it is; give another name\n")
    assert file.read_text() == "mine"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    assert say("--export", str(link))[0] == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link", "mine"]


def test_where_there_is_nothing_to_write_no_file_is_left(redis: Redis, say: Say, tmp_path: Path) -> None:
    failed_jobs.make(redis, 3, kinds=("refused",))
    status, out, err = say("--group", "0123456789ab", "--export", str(tmp_path / "f"))
    assert (status, out, err) == (1, "", "no file was written: there is no such failure\n")
    status, _, err = say("--export", str(tmp_path / "none" / "f"))
    assert (status, err) == (1, f"{tmp_path}/none/f: No such file or directory; nothing of it is left\n")
    assert say("--export", str(tmp_path / "f"), "--json")[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_one_group_alone_is_shown(redis: Redis, say: Say) -> None:
    failed_jobs.make(redis, 30, kinds=("refused", "refused", "killed"))
    refused, killed = named(say)
    status, out, err = say("--group", killed["fingerprint"])
    told = dict(re.split(r"  +", line, maxsplit=1) for line in out.splitlines()[:-1])
    assert (status, out.splitlines()[-1], err) == (0, "grouped 30 of 30", "")
    assert (told["group"], told["failures"]) == (killed["fingerprint"], "10")
    assert told["cause"] == "killed by signal 9: out of memory?"
    assert told["RQ wrote"].startswith("Work-horse terminated unexpectedly; waitpid returned 9")
    assert told["sample"] == killed["sample"]
    assert "memory" in told["what helps"]
    assert told["bundle"] == f"tq-console bundle --group {killed['fingerprint']}"
    assert refused["fingerprint"] not in out
    assert json.loads(say("--json", "--group", killed["fingerprint"])[1])["groups"] == [killed]
    none = fingerprint("0123456789ab")
    assert say("--group", none) == (1, "", f"no failure is of the group {none}; grouped 30 of 30\n")
    status, out, _ = say("--group", none, "--json")
    assert (status, json.loads(out)["groups"]) == (1, [])


# --- while it is written ------------------------------------------------------------------------


class Large(FakeReader):
    """More failures than fit in a page."""

    def __init__(self, **given: Any) -> None:
        super().__init__(failures=[job(n, "failed") for n in range(3_000)], **given)
        self.sizes: list[int] = []

    def read(self, query: ViewQuery, now: float) -> Snapshot:
        if isinstance(query, FailuresQuery) and query.only is not None:
            self.sizes.append(len(query.only))
        return super().read(query, now)


def test_no_more_than_a_page_is_held_and_it_is_told_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "TELL_S", 0.0)
    reader, told = Large(), list[str]()
    done = export.write(tmp_path / "f", reader, [FailuresQuery()], lambda: NOW, tell=lambda far: told.append(far.said))
    assert done.written == len(lines(tmp_path / "f")) == 3_000
    assert max(reader.sizes) == 500
    assert told == ["1,500 written, 1,500 of 3,000", "3,000 written, 3,000 of 3,000"]


@pytest.mark.parametrize("ends", ["stopped", "failing", "interrupted"])
def test_of_a_file_that_is_not_finished_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str) -> None:
    reader = Large()
    file = tmp_path / "f"

    def select(query: SelectQuery, now: float, stopped: Callable[[], bool], *, details: bool) -> Iterator[Selected]:
        first, second = FakeReader.select(reader, query, now, stopped, details=details)
        yield first
        assert file.exists()
        if ends == "failing":
            raise ReadError("the server has gone")
        if ends == "interrupted":
            raise KeyboardInterrupt
        yield second

    monkeypatch.setattr(reader, "select", select)
    stop = iter((False, True))
    with pytest.raises((export.NotWritten, ReadError, KeyboardInterrupt)):
        export.write(file, reader, [FailuresQuery()], lambda: NOW, stopped=lambda: ends == "stopped" and next(stop))
    assert list(tmp_path.iterdir()) == []


# --- in the console -----------------------------------------------------------------------------


async def test_a_key_writes_the_group_under_the_cursor(
    redis: Redis, drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = failed_jobs.make(redis, 30, kinds=("refused", "refused", "killed"))
    async with drive("failures") as driver:
        await driver.shows("30 failures")
        await driver.press("tab")
        await driver.shows("grouped 30 of 30", "e export")
        await driver.press("j", "e")
        await driver.says(f"10 written to {tmp_path}/failures-")
        await driver.shows_not("⟳")
        (file,) = tmp_path.iterdir()
        assert {one["id"] for one in lines(file)} == {one.id for one in made if one.kind == "killed"}
        await driver.press("asterisk", "e")
        await driver.says(f"30 written to {tmp_path}/failures-all-")
    assert len(list(tmp_path.iterdir())) == 2


async def test_marked_groups_go_into_one_file_one_at_a_time_and_the_header_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    reader = grouping()
    async with driving(console(reader)) as driver:
        await to_groups(driver)
        await driver.shows("1,944")
        await driver.press("space", "j", "space")
        await driver.shows("2 marked")
        reader.select_gate.clear()
        try:
            await driver.press("e", "e")
            await driver.says("one at a time")
            await driver.shows("⟳ export")
        finally:
            reader.select_gate.set()
        await driver.says(f"80 written to {tmp_path}/failures-of-2-groups-")
        await driver.shows_not("⟳")
    assert sorted(map(str, reader.selected)) == sorted(map(str, (FailuresQuery(group=FIRST), FailuresQuery(group=SECOND))))


async def test_who_leaves_meanwhile_leaves_no_half_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    reader = grouping()
    async with driving(console(reader)) as driver:
        await to_groups(driver)
        await driver.shows("1,944")
        reader.select_gate.clear()
        await driver.press("e")
        await driver.until(lambda: list(tmp_path.iterdir()), "a file that is begun")
        driver.app.exit()
        reader.select_gate.set()
    until(lambda: not list(tmp_path.iterdir()), what="the file is gone")


async def test_where_nothing_can_be_written_the_console_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    reader = grouping(answer(0, 0, groups=()))
    async with driving(console(reader)) as driver:
        await to_groups(driver)
        await driver.shows("Nothing has failed.")
        await driver.press("e")
        await driver.says("there is nothing here to write to a file")
    reader = grouping()
    async with driving(console(reader)) as driver:
        await to_groups(driver)
        await driver.shows("1,944")
        reader.failures = []
        await driver.press("e")
        await driver.says("no file was written: there is no such failure")
    assert list(tmp_path.iterdir()) == []
