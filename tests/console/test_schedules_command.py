"""`tq-console schedules` as an operator or a program meets it, with runs made by a stock worker."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from console.cli import run
from console.commands import output
from console.commands import schedule_list as command
from console.model.due import LATE
from console.store.cadence_words import cadence_in_words
from jobs import controls, keys, quarantine, schedules, settings
from jobs.cadence import Cadence, Cron, Every
from jobs.registering import set_schedule, set_user, set_users
from jobs.schedules import schedule_id
from jobs.users import User
from tests.conftest import Stock
from tests.console.terminal import on_a_terminal
from tests.contents import contents

ROOT = Path(__file__).parents[2]

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command line of `schedules`; its exit status and what it wrote to both streams."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run(["schedules", *arguments])
        return status, *capsys.readouterr()

    return call


@pytest.fixture(autouse=True)
def sample_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own tasks, beside scrape and deliver, for this process and for stock ones."""
    monkeypatch.setenv("TQ_TASKS", "tests.sample_tasks")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    settings.current.cache_clear()


def one_line(text: str) -> str:
    assert text.endswith("\n")
    assert text.count("\n") == 1
    assert "Traceback" not in text
    return text


def listed(say: Say, *arguments: str) -> list[dict[str, Any]]:
    status, out, _ = say("list", "--json", *arguments)
    assert status == 0
    found: list[dict[str, Any]] = json.loads(out)["schedules"]
    return found


# --- list ---------------------------------------------------------------------------------------


def test_list_as_json_has_the_promised_fields(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    set_schedule(redis, "ada", "scrape", cadence=Cron("30 9 * * 1-5"), zone="Europe/Rome")
    controls.pause(redis, "ada", "scrape", "vendor asked", "ann@desk")
    status, out, err = say("list", "--json")
    said = json.loads(out)
    assert (status, err, said["total"]) == (0, "", 1)
    [one] = said["schedules"]
    next_at = datetime.fromisoformat(one.pop("next_at"))
    assert next_at.timestamp() == redis.zscore(keys.ENTRIES, one["id"])
    assert next_at.utcoffset() == UTC.utcoffset(None)
    assert one == {
        "id": schedule_id("ada", "scrape"),
        "user": "ada",
        "tier": "pro",
        "task": "scrape",
        "lane": "high",
        "cadence": "cron Europe/Rome 30 9 * * 1-5",
        "cadence_in_words": "at 09:30, Monday through Friday, Europe/Rome",
        "tz": "Europe/Rome",
        "state": "paused",
        "last": None,
        "failed": 0,
        "last_error": None,
        "fired": 0,
        "skipped": {},
        "note": "vendor asked",
        "noted_by": "ann@desk",
        "source": "user",
        "why": {"code": "paused", "message": "vendor asked, ann@desk"},
        "call": "scrape_for_user('ada')",
    }


def test_list_tells_the_states_apart_and_filters_by_them(redis: Redis, say: Say) -> None:
    names = ["armed", "inactive", "late", "orphaned", "paused"]
    set_users(redis, [User(name, "pro", active=name != "inactive") for name in names])
    controls.pause(redis, "paused", "scrape")
    redis.zadd(keys.ENTRIES, {schedule_id("late", "scrape"): time.time() - LATE - 5})
    redis.zrem(keys.ENTRIES, schedule_id("orphaned", "scrape"))
    assert [(one["user"], one["state"]) for one in listed(say)] == [(name, name) for name in names]
    assert [one["next_at"] is None for one in listed(say)] == [name == "orphaned" for name in names]
    for name in names:
        status, out, _ = say("list", "--json", "--state", name)
        assert (status, json.loads(out)["total"]) == (0, 1)
        assert [one["user"] for one in json.loads(out)["schedules"]] == [name]
    status, out, _ = say("list")
    assert [line.split()[5:6] for line in out.splitlines()[:1]] == [["STATE"]]
    assert "ago" in next(line for line in out.splitlines() if line.startswith("late"))


def test_list_filters_by_user_and_tier(redis: Redis, say: Say) -> None:
    set_users(redis, [User("ada", "pro"), User("ada-too", "free"), User("bob", "free")])
    set_schedule(redis, "ada", "deliver", tier="free")
    assert [(one["user"], one["task"]) for one in listed(say, "--user", "ada")] == [("ada", "deliver"), ("ada", "scrape")]
    assert [(one["user"], one["task"]) for one in listed(say, "--user", "ada", "--tier", "free")] == [("ada", "deliver")]
    assert [one["user"] for one in listed(say, "--tier", "free")] == ["ada", "ada-too", "bob"]
    status, _, err = say("list", "--user", "ad")
    assert status == 2
    assert "user 'ad' is not in the directory" in one_line(err)


def test_list_says_how_much_it_does_not_show(redis: Redis, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    for start in range(0, 1_200, 200):
        set_users(redis, [User(f"user-{n:04}", "pro" if n % 2 else "free") for n in range(start, start + 200)])
    status, out, err = say("list", "--json", "--limit", "700")
    assert [one["user"] for one in json.loads(out)["schedules"]] == [f"user-{n:04}" for n in range(700)]
    assert (status, json.loads(out)["total"], err) == (0, 1_200, "700 of 1,200 schedules; --limit shows more\n")
    status, out, err = say("list", "--json", "--tier", "pro", "--limit", "3")
    assert [one["user"] for one in json.loads(out)["schedules"]] == ["user-0001", "user-0003", "user-0005"]
    assert json.loads(out)["total"] == 600
    assert err == "3 of 600 schedules; --limit shows more\n"
    monkeypatch.setattr(command, "MAX_SCANNED", 1_000)
    status, out, err = say("list", "--json", "--tier", "pro", "--limit", "600")
    assert (status, json.loads(out)["total"], json.loads(out)["not_looked_at"]) == (0, 500, 200)
    assert err == "the filter looked at the first 1,000 schedules; 200 more were not looked at\n"


def test_list_reads_in_a_number_of_commands_that_does_not_grow_with_the_rows(redis: Redis, say: Say) -> None:
    def round_trips(limit: int) -> int:
        before = redis.info("stats")["total_reads_processed"]
        assert len(listed(say, "--limit", str(limit))) == limit
        return int(redis.info("stats")["total_reads_processed"]) - int(before)

    set_users(redis, [User(f"user-{n:04}", "free") for n in range(200)])
    assert round_trips(200) < round_trips(1) + 20


# --- set and next -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cadence", "words"),
    [
        (Every(3_600, 17 * 60), "every hour, at :17"),
        (Every(3_600, 17 * 60 + 5), "every hour, at :17:05"),
        (Every(900, 130), "every 15 minutes, from :02:10"),
        (Every(60), "every minute, from :00"),
        (Every(30, 7), "every 30 seconds"),
        (Every(6 * 3_600, 2 * 3_600), "every 6 hours, from 02:00 UTC"),
        (Every(86_400, 9 * 3_600 + 61), "every day, at 09:01:01 UTC"),
        (Every(7 * 86_400), "every 7 days"),
        (Every(5_400), "every 1 hour and 30 minutes, from 00:00 UTC"),
        (Every(366 * 86_400), "every 366 days"),
        (Cron("0 9 * * *", "Europe/Rome"), "at 09:00, Europe/Rome"),
        (Cron("*/15 * * * *"), "every 15 minutes, UTC"),
        (Cron("0 9 L * *"), "at 09:00, on the last day of the month, UTC"),
    ],
)
def test_a_cadence_in_words(redis: Redis, cadence: Cadence, words: str) -> None:
    set_user(redis, User("ada", "pro"))
    made = schedules.get(redis, "ada", "scrape")
    fields = {name: getattr(made, name) for name in type(made).__slots__}
    assert cadence_in_words(type(made)(**{**fields, "cadence": cadence})) == words


def test_set_changes_what_is_given_and_shows_the_next_slots(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "free", "Europe/Rome"))
    status, out, err = say("set", "ada", "deliver", "--cron", "0 9 * * *", "--jitter", "30s", "--overlap", "queue")
    made = schedules.get(redis, "ada", "deliver")
    assert (status, err) == (0, "")
    assert (made.cadence, made.jitter, made.overlap, made.catch_up) == (Cron("0 9 * * *", "Europe/Rome"), 30, "queue", None)
    lines = out.splitlines()
    assert lines[0] == "ada deliver: at 09:00, Europe/Rome, up to 30 s later; tier free, lane low"
    assert lines[1].split() == ["NEXT", "UTC", "Europe/Rome"]
    slots = [datetime.fromtimestamp(slot, UTC) for slot in schedules.next_slots(made, 5)]
    assert [slot.strftime("%Y-%m-%dT%H:%M:%SZ") in line for slot, line in zip(slots, lines[2:], strict=True)] == [True] * 5
    assert all(" 09:00:" in line for line in lines[2:])
    say("set", "ada", "deliver", "--tier", "pro", "--catch-up", "1h", "--jitter", "0")
    changed = schedules.get(redis, "ada", "deliver")
    assert (changed.cadence, changed.jitter, changed.overlap, changed.catch_up) == (made.cadence, 0, "queue", 3_600)
    assert (changed.tier, changed.lane) == ("pro", "high")
    say("set", "ada", "deliver", "--cron", "0 8 * * *", "--tz", "America/New_York")
    assert schedules.get(redis, "ada", "deliver").cadence == Cron("0 8 * * *", "America/New_York")
    say("set", "ada", "deliver", "--every", "90m")
    every = schedules.get(redis, "ada", "deliver").cadence
    assert isinstance(every, Every)
    assert every.period == 5_400


def test_next_tells_the_slots_that_the_entry_will_have(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    status, out, _ = say("next", "ada", "scrape", "-n", "30", "--json")
    told = [datetime.fromisoformat(slot).timestamp() for slot in json.loads(out)["next"]]
    assert status == 0
    assert told[0] == redis.zscore(keys.ENTRIES, schedule_id("ada", "scrape"))
    assert [later - earlier for earlier, later in pairwise(told)] == [3_600] * 29
    status, out, _ = say("next", "ada", "scrape", "-n", "3")
    assert [line.split()[-1] for line in out.splitlines()[2:]] == [
        datetime.fromtimestamp(slot, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for slot in told[:3]
    ]


# --- pause, resume, run now, remove -------------------------------------------------------------


def test_pause_and_resume_keep_the_note_and_its_author(redis: Redis, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    set_user(redis, User("ada", "pro"))
    monkeypatch.setenv("TQ_OPERATOR", "ann")
    assert say("pause", "ada", "scrape", "--note", "vendor asked") == (0, "paused ada scrape: vendor asked\n", "")
    [one] = listed(say)
    assert (one["state"], one["note"], one["noted_by"]) == ("paused", "vendor asked", "ann")
    assert "vendor asked (ann)" in say("list")[1]
    monkeypatch.delenv("TQ_OPERATOR")
    assert say("resume", "ada", "scrape", "--note", "all clear") == (0, "resumed ada scrape: all clear\n", "")
    [one] = listed(say)
    assert (one["state"], one["note"]) == ("armed", "all clear")
    assert "@" in one["noted_by"]


def test_no_note_is_lost_when_nothing_changes(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    say("pause", "ada", "scrape", "--note", "vendor asked")
    assert say("pause", "ada", "scrape") == (0, "was paused already: ada scrape\n", "")
    assert [(one["state"], one["note"]) for one in listed(say)] == [("paused", "vendor asked")]
    assert (
        say("pause", "ada", "scrape", "--note", "till May")[1] == "was paused already, the note is new: ada scrape: till May\n"
    )
    assert [(one["state"], one["note"]) for one in listed(say)] == [("paused", "till May")]
    say("resume", "ada", "scrape", "--note", "all clear")
    for arguments in (("--note", "again"), ()):
        status, out, _ = say("resume", "ada", "scrape", *arguments)
        assert (status, out) == (0, "nothing changed, it is not paused: ada scrape\n")
        assert [(one["state"], one["note"]) for one in listed(say)] == [("armed", "all clear")]


def test_a_note_cannot_act_on_the_terminal(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    note = "\x1b]0;owned\x07\u202e\n"
    for arguments in (("pause", "ada", "scrape", "--note", note), ("list",), ("list", "--json")):
        status, out, err = say(*arguments)
        assert status == 0
        assert all(character == "\n" or character.isprintable() for character in out + err)
    assert listed(say)[0]["note"] == note


def test_a_run_now_is_done_by_a_stock_worker_and_shown(redis: Redis, say: Say, stock: Stock) -> None:
    set_user(redis, User("ada", "pro"))
    set_schedule(redis, "ada", "ok")
    status, out, err = say("run-now", "ada", "ok", "--note", "to be sure")
    run_id = f"{schedule_id('ada', 'ok')}-"
    assert (status, err) == (0, "")
    assert out.startswith(f"enqueued {run_id}now_")
    assert out.endswith(": ada ok: to be sure\n")
    status, _, err = say("run-now", "ada", "ok")
    assert status == 1
    assert one_line(err) == "not started: ada ok: a run of this schedule has not ended\n"
    before = time.time()
    assert stock.worker("--burst", "high", "default", "low").wait(60) == 0, stock.logs()
    status, out, _ = say("runs", "ada", "ok", "--json")
    [done] = json.loads(out)["runs"]
    assert (status, done["kind"], done["outcome"], done["attempts"]) == (0, "now", "finished", 1)
    assert before - 1 < datetime.fromisoformat(done["started_at"]).timestamp() < time.time()
    assert done["duration_s"] >= 0
    last = next(one for one in listed(say, "--user", "ada") if one["task"] == "ok")["last"]
    assert {name: last[name] for name in ("run", "outcome", "started_at", "duration_s")} == {
        name: done[name] for name in ("run", "outcome", "started_at", "duration_s")
    }
    assert "finished" in say("list", "--user", "ada")[1]
    assert done["run"] in say("runs", "ada", "ok")[1]


def test_why_a_run_failed_is_told_by_each_command_that_shows_it(redis: Redis, say: Say, stock: Stock) -> None:
    set_user(redis, User("ada", "pro"))
    set_schedule(redis, "ada", "hopeless")
    say("run-now", "ada", "hopeless")
    assert stock.worker("--burst", "high").wait(60) == 0, stock.logs()
    status, out, _ = say("runs", "ada", "hopeless", "--json")
    [failed] = json.loads(out)["runs"]
    assert (status, failed["outcome"], failed["error"]) == (0, "failed", "PermanentError: it is gone for good")
    header, line = say("runs", "ada", "hopeless")[1].splitlines()
    assert "ERROR" in header
    assert "PermanentError: it is gone for good" in line
    short = failed["run"].removeprefix(schedule_id("ada", "hopeless") + "-")
    for name in (failed["run"], short):
        said = json.loads(say("runs", "ada", "hopeless", name, "--json")[1])
        [attempt] = said["attempts"]
        assert (attempt["n"], attempt["outcome"], attempt["error"]) == (1, "failed", "PermanentError: it is gone for good")
        assert "in hopeless" in attempt["traceback"]
        assert attempt["worker"]
        assert attempt["started_at"] <= attempt["ended_at"]
        assert "traceback of attempt 1:" in say("runs", "ada", "hopeless", name)[1]
    [listed_attempt] = json.loads(say("runs", "ada", "hopeless", "--attempts", "--json")[1])["attempts"]
    assert listed_attempt == {"run": failed["run"], **attempt}
    assert "it is gone for good" in say("runs", "ada", "hopeless", "--attempts")[1]


def test_one_run_tells_its_attempts_progress_and_log_without_secrets(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    run_id = json.loads(_enqueued(redis, say))["runs"][0]["run"]
    error = "HTTPError: https://ann:s3cret@a.example/x?key=s3cret said 500\x1b[2J"
    record = {"started": 1_767_225_600, "ended": 1_767_225_601.5, "worker": "w1", "outcome": "retrying", "error": error}
    record |= {"traceback": f"Traceback:\n  line\n{error}", "retry": True}
    redis.hset(keys.ATTEMPTS + run_id, "1", json.dumps(record))
    redis.hset(keys.ATTEMPTS + run_id, "2", json.dumps({"started": 1_767_225_700, "ended": "", "outcome": "running"}))
    redis.hset(keys.ATTEMPTS + run_id, "progress", json.dumps({"fraction": 0.25, "message": "a quarter", "at": 1_767_225_701}))
    redis.rpush(keys.LOG + run_id, json.dumps({"at": 1_767_225_702, "attempt": 2, "message": "here we go"}), b"\xffnoise")
    said = json.loads(say("runs", "ada", "scrape", run_id, "--json")[1])
    assert said["runs"][0]["error"] == "HTTPError: https://…@a.example/x?… said 500\x1b[2J"
    assert [(one["n"], one["outcome"], one["ended_at"]) for one in said["attempts"]] == [
        (1, "retrying", "2026-01-01T00:00:01.500Z"),
        (2, "running", None),
    ]
    assert said["progress"] == {"fraction": 0.25, "message": "a quarter", "at": "2026-01-01T00:01:41Z"}
    assert said["log"] == [{"at": "2026-01-01T00:01:42Z", "attempt": 2, "message": "here we go"}]
    for arguments in (("runs", "ada", "scrape", run_id), ("runs", "ada", "scrape"), ("runs", "ada", "scrape", "--attempts")):
        status, out, err = say(*arguments)
        assert (status, err) == (0, "")
        assert "HTTPError: https://…@a.example/x?… said 500␛[2J" in out
        assert "s3cret" not in out
        assert all(character == "\n" or character.isprintable() for character in out)
    out = say("runs", "ada", "scrape", run_id)[1]
    assert "progress: 25% a quarter" in out
    assert "attempt 2: here we go" in out


def test_users_show_tells_the_last_error_of_a_schedule(redis: Redis, say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    set_user(redis, User("ada", "pro"))
    run_id = json.loads(_enqueued(redis, say))["runs"][0]["run"]
    record = {"started": 1_767_225_600, "ended": 1_767_225_601, "outcome": "failed", "error": "ValueError: always wrong"}
    redis.hset(keys.ATTEMPTS + run_id, "1", json.dumps(record))
    capsys.readouterr()
    assert run(["users", "show", "ada"]) == 0
    assert "last error: ValueError: always wrong" in capsys.readouterr().out
    assert run(["users", "show", "ada", "--json"]) == 0
    [schedule] = json.loads(capsys.readouterr().out)["schedules"]
    assert (schedule["last_error"], schedule["runs"][0]["error"]) == ("ValueError: always wrong", "ValueError: always wrong")


def _enqueued(redis: Redis, say: Say) -> str:
    """A run of ada's scrape that has not begun; what `runs --json` says of it."""
    assert say("run-now", "ada", "scrape")[0] == 0
    return say("runs", "ada", "scrape", "--json")[1]


def test_errors_are_read_in_a_number_of_commands_that_does_not_grow_with_the_runs(redis: Redis, say: Say) -> None:
    def round_trips(number: int) -> int:
        before = redis.info("stats")["total_reads_processed"]
        assert len(json.loads(say("runs", "ada", "scrape", "--json")[1])["runs"]) == number
        return int(redis.info("stats")["total_reads_processed"]) - int(before)

    set_user(redis, User("ada", "pro"))
    say("backfill", "ada", "scrape", "--from", "2026-01-01T00:00Z", "--to", "2026-01-01T01:00Z")
    few = round_trips(1)
    say("backfill", "ada", "scrape", "--from", "2026-01-01T00:00Z", "--to", "2026-01-02T12:00Z")
    assert round_trips(36) < few + 10


def test_list_tells_skipped_slots_and_what_is_due(redis: Redis, say: Say) -> None:
    set_users(redis, [User("ada", "pro"), User("bob", "pro"), User("cy", "pro", active=False)])
    redis.hset(keys.SCHEDULE + schedule_id("ada", "scrape"), mapping={"skip:overlap": 30, "skip:missed": 2})
    redis.zadd(keys.ENTRIES, {schedule_id("ada", "scrape"): time.time() - 18})
    controls.pause(redis, "bob", "scrape")
    header, ada, bob, cy = say("list")[1].splitlines()
    assert "SKIPPED" in header
    assert "missed × 2, overlap × 30" in ada
    assert " due 1" in ada
    assert " s ago" in ada
    for line in (bob, cy):
        assert " in " not in line
        assert "—" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("list",), "no schedules yet; `users set`, `users import` or `schedules set` makes them"),
        (("list", "--tier", "pro"), "no schedule is so"),
        (("quarantined",), "nothing is set aside"),
    ],
)
def test_an_empty_list_says_what_would_fill_it(redis: Redis, say: Say, arguments: tuple[str, ...], words: str) -> None:
    status, out, err = say(*arguments)
    assert (status, out) == (0, "")
    assert words in one_line(err)


def test_a_schedule_without_runs_says_how_to_get_one(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    status, out, err = say("runs", "ada", "scrape")
    assert (status, out) == (0, "")
    assert "`schedules run-now ada scrape` runs it at once" in one_line(err)


def test_a_backfill_that_fails_says_only_why(redis: Redis, say: Say) -> None:
    status, out, err = say("backfill", "nobody", "scrape", "--from", "2026-01-01", "--to", "2026-01-02")
    assert (status, out) == (2, "")
    assert "user 'nobody' is not in the directory" in one_line(err)
    set_user(redis, User("ada", "pro"))
    status, out, err = say("backfill", "ada", "scrape", "--from", "2026-01-01T00:00", "--to", "2026-01-01T01:00")
    assert (status, out) == (0, "1 run enqueued on low, 0 slots had one already\n")
    assert "--from 2026-01-01T00:00:00 and --to 2026-01-01T01:00:00 named no zone" in one_line(err)


def test_an_entry_that_was_set_aside_is_dropped(redis: Redis, say: Say) -> None:
    redis.zadd(keys.ENTRIES, {"poison": 1_767_225_600})
    redis.hset("rq:job:poison", "status", "nonsense")
    number = quarantine.set_aside(redis, b"poison", "no status", "host:7")
    assert say("drop", str(number))[0] == 2
    assert quarantine.count(redis) == 1
    assert say("drop", str(number), "--yes") == (0, f"entry poison, number {number} of the quarantine is dropped\n", "")
    assert quarantine.count(redis) == 0
    assert not redis.exists(f"{keys.QUARANTINED_JOB}{number}")


@pytest.mark.parametrize(("answer", "status", "left"), [("n", 1, 1), ("y", 0, 0)])
def test_drop_asks_at_a_terminal(redis: Redis, tmp_path: Path, answer: str, status: int, left: int) -> None:
    redis.zadd(keys.ENTRIES, {"poison": 1_767_225_600})
    number = quarantine.set_aside(redis, b"poison", "no status", "host:7")
    with on_a_terminal([sys.executable, "-m", "console.cli", "schedules", "drop", str(number)], tmp_path) as terminal:
        terminal.shows(f"Drop entry poison, number {number} of the quarantine for good on unix://", "[y/N]:")
        terminal.press(answer, "enter")
        assert terminal.ends() == status
    assert quarantine.count(redis) == left


def test_remove_removes_one_schedule_and_can_be_undone(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    set_schedule(redis, "ada", "deliver")
    before = whole(redis)
    status, out, err = say("remove", "ada", "deliver")
    assert (status, err) == (0, "")
    assert out.startswith("removed ada deliver\nuntil ")
    assert [one["task"] for one in listed(say)] == ["scrape"]
    assert whole(redis) != before

    operation = out.split()[-1]
    assert out.endswith(f"it is undone by: tq-console undo {operation}\n")
    assert run(["undo", operation, "--yes"]) == 0
    assert whole(redis) == before


def test_what_a_program_removes_it_can_put_back(redis: Redis, say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    set_user(redis, User("ada", "pro"))
    before = whole(redis)
    status, out, err = say("remove", "ada", "scrape", "--json", "--dry-run")
    assert (status, err, json.loads(out)["would"], whole(redis)) == (0, "", 1, before)
    status, out, err = say("remove", "ada", "scrape", "--json")
    came = json.loads(out)
    assert (status, err) == (0, "")
    assert {name: came[name] for name in ("matched", "done", "skipped", "failed", "not_done")} == {
        "matched": 1, "done": 1, "skipped": {}, "failed": {}, "not_done": [],
    }  # fmt: skip
    assert came["undo_until"] == output.utc(redis.zscore(keys.TRASH, came["operation"]))
    assert whole(redis) != before
    assert run(["undo", came["operation"], "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["done"] == 1
    assert whole(redis) == before
    status, out, err = say("remove", "ada", "nothing", "--json")
    assert (status, out, "has no schedule for" in err) == (2, "", True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("pause", "ada", "scrape"), {"done": 1}),
        (("resume", "ada", "scrape"), {"done": 0, "skipped": {"same": 1}}),
        (("run-now", "ada", "scrape"), {"done": 1, "said": None}),
        (("set", "ada", "scrape", "--every", "2h"), {"done": 1}),
        (
            ("backfill", "ada", "scrape", "--from", "2020-01-01T00:00Z", "--to", "2020-01-01T02:00Z"),
            {"done": 1, "enqueued": 2, "existing": 0, "left": None},
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_programs_are_told_the_operation(redis: Redis, say: Say, arguments: tuple[str, ...], told: dict[str, Any]) -> None:
    set_user(redis, User("ada", "pro"))
    before = contents(redis)
    status, out, err = say(*arguments, "--json", "--dry-run")
    assert (status, err, json.loads(out)["dry_run"], contents(redis)) == (0, "", True, before)
    status, out, err = say(*arguments, "--json")
    came = json.loads(out)
    assert (status, err) == (0, "")
    assert came | {"matched": 1, "undo_until": None} | told == came
    [(_, begun), (_, ended)] = redis.xrange(keys.ACTIVITY)
    assert begun[b"operation"] == ended[b"operation"] == came["operation"].encode()
    assert int(ended[b"done"]) == came["done"]
    if arguments[0] == "run-now":
        [made] = came["made"]
        assert redis.hget(keys.RQ_JOB + made["new"], "status") == b"queued"
        status, out, err = say(*arguments, "--json")
        assert (status, err, json.loads(out)["said"]) == (1, "", "a run of this schedule has not ended")
    if arguments[0] == "set":
        assert came["next"] == json.loads(say("next", "ada", "scrape", "--json")[1])["next"]


def whole(redis: Redis) -> dict[bytes, Any]:
    """All that the server holds but the audit."""
    audited = (keys.ACTIVITY.encode(), keys.OPERATION.encode(), keys.TRASH.encode())
    return {key: content for key, content in contents(redis).items() if not key.startswith(audited)}


def test_a_schedule_that_is_gone_cannot_be_removed(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    status, _, err = say("remove", "ada", "deliver")
    assert status == 2
    assert "has no schedule for 'deliver'" in one_line(err)


# --- backfill, repair, quarantine ---------------------------------------------------------------


def test_backfill_enqueues_each_slot_once_and_says_which_zone_it_took(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    arguments = ("backfill", "ada", "scrape", "--from", "2026-01-01T00:00+01:00", "--to", "2026-01-01T12:00")
    assert say(*arguments) == (
        0,
        "13 runs enqueued on low, 0 slots had one already\n",
        "--to 2026-01-01T12:00:00 named no zone; taken as UTC\n",
    )
    assert redis.llen(keys.RQ_QUEUE + "low") == 13
    assert say(*arguments)[1] == "0 runs enqueued on low, 13 slots had one already\n"
    assert redis.llen(keys.RQ_QUEUE + "low") == 13


def test_backfill_says_which_slot_it_leaves_to_rqscheduler(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    set_schedule(redis, "ada", "scrape", cadence=Cron("0 0 * * *"))
    newest = int(time.time()) // 86_400 * 86_400
    redis.hset(keys.SCHEDULE + schedule_id("ada", "scrape"), "next", newest - 2 * 86_400)
    first, last, now = (
        f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (newest - 2 * 86_400, newest, time.time())
    )
    assert say("backfill", "ada", "scrape", "--from", first, "--to", now)[1].splitlines() == [
        "2 runs enqueued on low, 0 slots had one already",
        f"the slot of {last} is due and left to rqscheduler, which runs it in its own lane",
    ]


def test_repair_puts_back_what_is_missing(redis: Redis, say: Say) -> None:
    set_users(redis, [User("ada", "pro"), User("bob", "pro")])
    redis.zrem(keys.ENTRIES, schedule_id("ada", "scrape"))
    status, out, err = say("repair")
    assert (status, err) == (0, "")
    assert out == (
        "2 schedules looked at: 1 put back into rq-scheduler's set\n0 made anew, 0 without a user dropped, 0 left as they are\n"
    )
    assert redis.zscore(keys.ENTRIES, schedule_id("ada", "scrape")) is not None
    status, out, _ = say("repair", "--json")
    assert (status, json.loads(out)) == (
        0,
        json.loads(out) | {"rearmed": 0, "remade": 0, "dropped": 0, "unknown": 0, "looked_at": 2},
    )


def test_repair_tells_what_it_left(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    redis.zrem(keys.ENTRIES, schedule_id("ada", "scrape"))
    redis.delete(keys.SCHEDULE + schedule_id("ada", "scrape"))
    redis.hset(keys.USER + "ada", "tier", "platinum")
    status, out, err = say("repair")
    assert status == 0
    assert out.startswith("1 schedule looked at:")
    assert "1 left as they are" in out
    assert "check TQ_TIERS and TQ_TASKS" in one_line(err)


def test_a_schedule_whose_definition_is_gone_is_told_and_repaired(redis: Redis, say: Say) -> None:
    set_users(redis, [User("ada", "pro"), User("bob", "pro")])
    redis.zrem(keys.ENTRIES, schedule_id("ada", "scrape"))
    redis.delete(keys.SCHEDULE + schedule_id("ada", "scrape"))
    for arguments in ((), ("--tier", "pro")):
        status, out, err = say("list", "--json", *arguments)
        assert status == 0
        assert [one["user"] for one in json.loads(out)["schedules"]] == ["bob"]
        assert one_line(err) == "schedules that cannot be read: 1; `tq-console schedules repair` makes them anew\n"
    assert "1 made anew" in say("repair")[1]
    assert [(one["user"], one["state"]) for one in listed(say)] == [("ada", "armed"), ("bob", "armed")]


def test_an_entry_that_was_set_aside_is_listed_and_put_back(redis: Redis, say: Say) -> None:
    redis.zadd(keys.ENTRIES, {b"poi\xff\x1bson": 1_767_225_600})
    redis.hset(b"rq:job:poi\xff\x1bson", "status", "nonsense")
    number = quarantine.set_aside(redis, b"poi\xff\x1bson", "ValueError: 'nonsense' is no status\x1b[2J", "host:7")
    status, out, err = say("quarantined", "--json")
    [one] = json.loads(out)["quarantined"]
    assert (status, err, one["n"], one["due_at"], one["by"]) == (0, "", number, "2026-01-01T00:00:00Z", "host:7")
    status, out, _ = say("quarantined")
    assert "poi\\xff␛son" in out
    assert all(character == "\n" or character.isprintable() for character in out)
    told = f"entry poi\\xff␛son, number {number} of the quarantine is back in rq-scheduler's set\n"
    assert say("put-back", str(number)) == (0, told, "")
    assert redis.zscore(keys.ENTRIES, b"poi\xff\x1bson") == 1_767_225_600
    assert json.loads(say("quarantined", "--json")[1]) == {"total": 0, "quarantined": []}
    status, _, err = say("put-back", str(number))
    assert status == 2
    assert f"nothing is set aside under {number}" in one_line(err)


def test_an_entry_is_put_back_by_its_id(redis: Redis, say: Say) -> None:
    names = [b"poi\xff\x1bson", b"2"]
    redis.zadd(keys.ENTRIES, dict.fromkeys(names, 1_767_225_600))
    numbers = [quarantine.set_aside(redis, name, "no status", "host:7") for name in names]
    status, _, err = say("put-back", str(numbers[1]))
    assert (status, numbers) == (0, [1, 2]), err
    assert say("put-back", os.fsdecode(names[0]))[0] == 0
    assert (redis.zscore(keys.ENTRIES, names[0]), quarantine.count(redis)) == (1_767_225_600, 0)


def test_an_id_that_names_several_entries_is_asked_for_by_number(redis: Redis, say: Say) -> None:
    for _ in range(2):
        redis.zadd(keys.ENTRIES, {"poison": 1_767_225_600})
        quarantine.set_aside(redis, b"poison", "no status", "host:7")
    status, _, err = say("put-back", "poison")
    assert (status, quarantine.count(redis)) == (2, 2)
    assert "entry poison was set aside 2 times; give the number of one: 2, 1" in one_line(err)
    assert say("drop", "1", "--yes")[0] == 0
    # What is the number of one and the id of another is neither.
    redis.zadd(keys.ENTRIES, {"2": 1_767_225_600})
    assert quarantine.set_aside(redis, b"2", "no status", "host:7") == 3
    status, _, err = say("put-back", "2")
    assert (status, "2 is the number of one entry, and the id of number 3; give the number" in one_line(err)) == (2, True)


# --- bad input ----------------------------------------------------------------------------------

FROM_TO = ("--from", "2026-01-01T00:00Z", "--to", "2026-01-02T00:00Z")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["set", "nobody", "scrape"], "user 'nobody' is not in the directory"),
        (["set", "ada", "nothing"], "task 'nothing' is not registered"),
        (["set", "ada", "\x1b[2J"], "is not registered"),
        (["set", "ada", "scrape", "--every", "1x"], "1x is no duration"),
        (["set", "ada", "scrape", "--every", "0"], "a period is 1 s to 366 days"),
        (["set", "ada", "scrape", "--every", "500d"], "a period is 1 s to 366 days"),
        (["set", "ada", "scrape", "--every", "1h", "--cron", "* * * * *"], "exclude each other"),
        (["set", "ada", "scrape", "--cron", "61 * * * *"], "cron '61 * * * *'"),
        (["set", "ada", "scrape", "--cron", "0 0 30 2 *"], "never comes due"),
        (["set", "ada", "scrape", "--every", "5"], "5 has no unit; write it like 90s"),
        (["list", "--tier", "nosuch"], "tier 'nosuch' is unknown; use one of pro"),
        (["list", "--limit", "x"], "x is no whole number from 1 to 10,000"),
        (["runs", "ada", "scrape", "now_1"], "'now_1' is none of the runs"),
        (["runs", "nobody", "scrape"], "user 'nobody' is not in the directory"),
        (["drop", "7"], "nothing is set aside under 7"),
        (["drop", "7", "--yes"], "nothing is set aside under 7"),
        (["drop", "0", "--yes"], "nothing is set aside under 0"),
        (["set", "ada", "scrape", "--cron", "@reboot"], "write five fields"),
        (["set", "ada", "scrape", "--cron", "0 9 * * *", "--tz", "Mars/Olympus"], "time zone 'Mars/Olympus' is unknown"),
        (["set", "ada", "scrape", "--tz", "Europe/Rome"], "give --cron too"),
        (["set", "ada", "scrape", "--tier", "gold"], "tier 'gold' is unknown"),
        (["set", "ada", "scrape", "--overlap", "sometimes"], "--overlap"),
        (["set", "ada", "scrape", "--jitter", "2h"], "jitter"),
        (["set", "ada", "scrape", "--catch-up", "0"], "catch-up window 0 s"),
        (["pause", "ada", "deliver"], "has no schedule for 'deliver'"),
        (["pause", "ada", "scrape", "--note", "x" * 501], "the note has 501 characters"),
        (["resume", "nobody", "scrape"], "user 'nobody' is not in the directory"),
        (["pause", "nobody", "scrape"], "user 'nobody' is not in the directory"),
        (["run-now", "nobody", "scrape"], "user 'nobody' is not in the directory"),
        (["run-now", "ada", "deliver"], "has no schedule for 'deliver'"),
        (["remove", "nobody", "scrape"], "user 'nobody' is not in the directory"),
        (["runs", "ada", "deliver"], "has no schedule for 'deliver'"),
        (["next", "ada", "deliver"], "has no schedule for 'deliver'"),
        (["next", "ada", "scrape", "-n", "0"], "-n"),
        (["backfill", "nobody", "scrape", *FROM_TO], "user 'nobody' is not in the directory"),
        (["backfill", "ada", "deliver", *FROM_TO], "has no schedule for 'deliver'"),
        (["backfill", "ada", "scrape", "--from", "yesterday", "--to", "today"], "yesterday is no instant in ISO 8601"),
        (
            ["backfill", "ada", "scrape", "--from", "2026-01-02T00:00Z", "--to", "2026-01-01T00:00Z"],
            "from a time to a later one",
        ),
        (["backfill", "ada", "scrape", "--from", "2026-01-01T00:00Z", "--to", "9999-01-01T00:00Z"], "neither in the future"),
        (["backfill", "ada", "scrape", "--from", "1990-01-01T00:00Z", "--to", "2026-01-01T00:00Z"], "more than 10000 slots"),
        (["backfill", "ada", "scrape", "--from", "2026-01-01T00:00Z"], "--to"),
        (["put-back", "x"], "x"),
        (["list", "--state", "odd"], "--state"),
        (["pause", "ada"], "TASK"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(redis: Redis, say: Say, arguments: list[str], reason: str) -> None:
    set_user(redis, User("ada", "pro"))
    before = {key: redis.dump(key) for key in redis.keys("*")}
    status, out, err = say(*arguments)
    assert (status, out) == (2, "")
    assert reason in one_line(err)
    assert err[:-1].isprintable()
    # What the job layer refuses is in the audit all the same: somebody has asked for it.
    audited = (keys.ACTIVITY.encode(), keys.OPERATION.encode())
    assert {key: redis.dump(key) for key in redis.keys("*") if not key.startswith(audited)} == before


# --- the audit ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected", "came"),
    [
        (
            ["set", "ada", "scrape", "--every", "2h", "--tier", "free"],
            {"command": "change", "options": "every 2 h, tier free"}, "done",
        ),
        (["pause", "ada", "scrape", "--note", "vendor asked"], {"command": "pause", "why": "vendor asked"}, "done"),
        (["resume", "ada", "scrape"], {"command": "resume"}, "skipped:same"),
        (["run-now", "ada", "scrape"], {"command": "run-now"}, "done"),
        (["run-now", "bob", "scrape"], {"command": "run-now", "scope": "schedule of scrape for bob"}, "failed:invalid"),
        (["remove", "ada", "scrape"], {"command": "remove", "scope": "schedule of scrape for ada"}, "done"),
        (
            ["backfill", "ada", "scrape", "--from", "2096-01-01T00:00Z", "--to", "2096-01-01T01:00Z"],
            {"command": "backfill", "options": "2096-01-01T00:00:00+00:00 to 2096-01-01T01:00:00+00:00"}, "failed:invalid",
        ),
        (["repair"], {"command": "repair", "scope": "all schedules"}, "done"),
        (["put-back", "poison"], {"command": "put-back", "scope": "entry poison, number 1 of the quarantine"}, "done"),
        (["drop", "1", "--yes"], {"command": "drop", "scope": "entry poison, number 1 of the quarantine"}, "done"),
    ],
)  # fmt: skip
def test_it_is_in_the_audit(
    redis: Redis, say: Say, monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: dict[str, str], came: str
) -> None:
    monkeypatch.setenv("TQ_OPERATOR", "ann")
    set_user(redis, User("ada", "pro"))
    redis.zadd(keys.ENTRIES, {"poison": 1_767_225_600})
    assert quarantine.set_aside(redis, b"poison", "no status", "host:7") == 1
    say(*arguments)
    begun, ended = (fields for _, fields in redis.xrange(keys.ACTIVITY))
    assert begun.items() >= {name.encode(): value.encode() for name, value in {**expected, "who": "ann"}.items()}.items()
    assert (ended[b"operation"], ended[came.encode()]) == (begun[b"operation"], b"1")
