"""`tq-console schedules` as an operator or a program meets it, with runs made by a stock worker."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from console.cli import run
from console.commands import schedules as command
from console.commands.schedule_rows import LATE_AFTER, cadence_in_words
from jobs import controls, keys, quarantine, schedules, settings
from jobs.cadence import Cadence, Cron, Every
from jobs.registering import set_schedule, set_user, set_users
from jobs.schedules import schedule_id
from jobs.users import User
from tests.conftest import Stock

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
        "fired": 0,
        "skipped": {},
        "note": "vendor asked",
        "noted_by": "ann@desk",
    }


def test_list_tells_the_states_apart_and_filters_by_them(redis: Redis, say: Say) -> None:
    names = ["armed", "inactive", "late", "orphaned", "paused"]
    set_users(redis, [User(name, "pro", active=name != "inactive") for name in names])
    controls.pause(redis, "paused", "scrape")
    redis.zadd(keys.ENTRIES, {schedule_id("late", "scrape"): time.time() - LATE_AFTER - 5})
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


def test_remove_removes_one_schedule(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    set_schedule(redis, "ada", "deliver")
    assert say("remove", "ada", "deliver") == (0, "removed ada deliver\n", "")
    assert [one["task"] for one in listed(say)] == ["scrape"]
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
        "--to 2026-01-01T12:00:00 names no zone; it is taken as UTC\n",
    )
    assert redis.llen(keys.RQ_QUEUE + "low") == 13
    assert say(*arguments)[1] == "0 runs enqueued on low, 13 slots had one already\n"
    assert redis.llen(keys.RQ_QUEUE + "low") == 13


def test_repair_puts_back_what_is_missing(redis: Redis, say: Say) -> None:
    set_users(redis, [User("ada", "pro"), User("bob", "pro")])
    redis.zrem(keys.ENTRIES, schedule_id("ada", "scrape"))
    status, out, err = say("repair")
    assert (status, err) == (0, "")
    assert out == "2 schedules looked at: 1 put back into rq-scheduler's set\n0 made anew, 0 without a user dropped\n"
    assert redis.zscore(keys.ENTRIES, schedule_id("ada", "scrape")) is not None
    status, out, _ = say("repair", "--json")
    assert (status, json.loads(out)) == (0, {"rearmed": 0, "remade": 0, "dropped": 0, "looked_at": 2})


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
    assert say("put-back", str(number)) == (0, f"number {number} is back in rq-scheduler's set\n", "")
    assert redis.zscore(keys.ENTRIES, b"poi\xff\x1bson") == 1_767_225_600
    assert json.loads(say("quarantined", "--json")[1]) == {"total": 0, "quarantined": []}
    status, _, err = say("put-back", str(number))
    assert status == 2
    assert f"nothing is set aside under number {number}" in one_line(err)


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
        (["set", "ada", "scrape", "--cron", "0 0 30 2 *"], "bad day-of-month"),
        (["set", "ada", "scrape", "--cron", "@reboot"], "write five fields"),
        (["set", "ada", "scrape", "--cron", "0 9 * * *", "--tz", "Mars/Olympus"], "time zone 'Mars/Olympus' is unknown"),
        (["set", "ada", "scrape", "--tz", "Europe/Rome"], "give --cron too"),
        (["set", "ada", "scrape", "--tier", "gold"], "tier 'gold' is unknown"),
        (["set", "ada", "scrape", "--overlap", "sometimes"], "--overlap"),
        (["set", "ada", "scrape", "--jitter", "2h"], "jitter"),
        (["set", "ada", "scrape", "--catch-up", "0"], "catch-up window 0 s"),
        (["pause", "ada", "deliver"], "has no schedule for 'deliver'"),
        (["pause", "ada", "scrape", "--note", "x" * 501], "the note has 501 characters"),
        (["resume", "nobody", "scrape"], "has no schedule for 'scrape'"),
        (["run-now", "nobody", "scrape"], "user 'nobody' is not in the directory"),
        (["run-now", "ada", "deliver"], "has no schedule for 'deliver'"),
        (["remove", "nobody", "scrape"], "has no schedule for 'scrape'"),
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
    assert {key: redis.dump(key) for key in redis.keys("*")} == before
