"""`tq-console schedules list` with a filter, and over schedules that are no users'."""

from __future__ import annotations

import json
import operator
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.cron import CronScheduler
from rq_scheduler import Scheduler

from console.cli import run
from console.model.queries import OverviewQuery, SchedulesQuery
from console.model.status import Status
from console.store.reader import open_reader
from jobs import controls, keys
from jobs.registering import set_user, set_users
from jobs.schedules import schedule_id
from jobs.users import User
from tests.conftest import Server

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e[red]x[/]"

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run `schedules list`; its exit status and what it wrote to both streams, in which nothing acts on a terminal."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run(["schedules", "list", *arguments])
        out, err = capsys.readouterr()
        assert all(character == "\n" or character.isprintable() for character in out + err)
        assert "s3cret" not in out + err
        return status, out, err

    return call


def listed(say: Say, *arguments: str) -> list[dict[str, Any]]:
    status, out, _ = say("--json", *arguments)
    assert status == 0
    found: list[dict[str, Any]] = json.loads(out)["schedules"]
    return found


def status(redis: Redis) -> Status:
    found = open_reader(os.environ["RQ_REDIS_URL"]).read(OverviewQuery(size=0), time.time())
    assert isinstance(found, Status)
    return found


def unwrapped(table: str) -> str:
    """A table's text without the breaks of its lines, as far as one column was broken."""
    return " ".join(table.split())


def users(say: Say, *arguments: str) -> list[str]:
    return [one["user"] for one in listed(say, *arguments)]


# --- filters ------------------------------------------------------------------------------------


def test_a_problem_names_the_filter_for_the_very_schedules_that_it_counts(redis: Redis, say: Say) -> None:
    set_users(redis, [User("ada", "pro"), User("bob", "free"), User("cy", "pro"), User("dora", "pro")])
    for name, failed in (("ada", 2), ("bob", 1), ("cy", 9)):
        redis.zadd(keys.FAILING, {schedule_id(name, "scrape"): failed})
    # Whatever else they are.
    redis.zadd(keys.ENTRIES, {schedule_id("cy", "scrape"): time.time() - 900})
    [problem] = [one for one in status(redis).problems if one.code == "schedules_failing"]
    assert (problem.touches, problem.message) == (2, "2 schedules have failed at least 2 times in a row")
    command = shlex.split(problem.remedy.rpartition(": ")[2])
    assert command[:3] == ["tq-console", "schedules", "list"]
    assert users(say, *command[3:]) == ["ada", "cy"]
    assert isinstance(problem.opens, SchedulesQuery)
    assert str(problem.opens.filter) == command[-1]
    assert users(say, "--filter", "failed:0") == ["dora"]


def test_a_filter_says_more_than_the_options_and_goes_with_them(redis: Redis, say: Say) -> None:
    set_users(redis, [User("ada", "pro"), User("bob", "free"), User("cy", "pro")])
    controls.pause(redis, "bob", "scrape", "vendor asked")
    redis.zadd(keys.ENTRIES, {schedule_id("cy", "scrape"): time.time() - 900})
    assert users(say, "--filter", "late>10m") == ["cy"]
    assert users(say, "--filter", "note:vendor") == ["bob"]
    assert users(say, "--filter", "-state:paused") == ["ada", "cy"]
    assert users(say, "--tier", "pro", "--filter", "-state:late") == ["ada"]
    assert users(say, "--filter", "user=cy") == ["cy"]
    assert users(say, "--filter", "user:a user=ada") == ["ada"]
    status, out, err = say("--filter", "lat>10m")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "'--filter': column 1: there is no field lat: did you mean late?" in err


def test_a_filter_knows_why_the_last_run_failed(redis: Redis, say: Say) -> None:
    set_users(redis, [User("ada", "pro"), User("bob", "pro")])
    run_id = controls.run_now(redis, "ada", "scrape").run
    one = schedule_id("ada", "scrape")
    redis.hset(keys.RUNS + one, str(run_id).removeprefix(f"{one}-"), "now;failed;1767225600;1767225600;1.5;1")
    record = {"started": 1_767_225_600, "ended": 1_767_225_601, "outcome": "failed", "error": "ValueError: always wrong"}
    redis.hset(f"{keys.ATTEMPTS}{run_id}", "1", json.dumps(record))
    assert users(say, "--filter", "error:always") == ["ada"]
    assert [(one["user"], one["last"]["outcome"]) for one in listed(say, "--state", "failing")] == [("ada", "failed")]
    # Of one that has failed and does not recover it is told without being asked for.
    redis.zadd(keys.FAILING, {one: 3})
    assert [(row["failed"], row["last_error"]) for row in listed(say)] == [(3, "ValueError: always wrong"), (0, None)]
    assert "failed 3 times in a row: ValueError: always wrong" in unwrapped(say("--user", "ada")[1])
    controls.pause(redis, "ada", "scrape", "vendor asked", by="ann")
    redis.zadd(keys.FAILING, {one: 3})
    assert "vendor asked (ann)" in unwrapped(say("--user", "ada")[1])


def test_one_users_schedules_are_found_without_looking_at_the_others(redis: Redis, say: Say) -> None:
    for start in range(0, 1_200, 200):
        set_users(redis, [User(f"user-{n:04}", "free") for n in range(start, start + 200)])
    before = int(redis.info("stats")["total_net_output_bytes"])
    assert users(say, "--user", "user-0777") == ["user-0777"]
    assert int(redis.info("stats")["total_net_output_bytes"]) - before < 50_000
    assert users(say, "--user", "user-0777", "--tier", "pro") == []


# --- other sources ------------------------------------------------------------------------------


def test_entries_of_rq_scheduler_ours_and_others(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    plain = Scheduler("mail", connection=redis).schedule(datetime.now(UTC), "operator.add", [1, 2], interval=3_600, id="plain")
    entries = {one["id"]: one for one in listed(say, "--source", "entries")}
    assert (entries["plain"]["source"], entries["plain"]["lane"], entries["plain"]["call"]) == (
        "rq-scheduler",
        "mail",
        plain.description,
    )
    assert entries[schedule_id("ada", "scrape")]["user"] == "ada"
    status, out, _ = say("--source", "entries", "--filter", "call:operator")
    assert status == 0
    header, row = out.splitlines()
    assert header.split() == ["ID", "CALL", "QUEUE", "CADENCE", "STATE", "NEXT", "LAST", "RUN", "NOTE"]
    assert row.startswith("plain  operator.add(1, 2)  mail")
    assert "every hour" in row


def test_jobs_that_rq_has_scheduled(redis: Redis, say: Say) -> None:
    mail = Queue("mail", connection=redis)
    mail.enqueue_in(timedelta(hours=4, minutes=30), "operator.add", 1, 2, job_id="later")
    [one] = listed(say, "--source", "rq")
    assert (one["id"], one["source"], one["cadence"], one["state"]) == ("later", "rq", "once", "foreign")
    assert "in 4 hours" in say("--source", "rq")[1]


@pytest.mark.filterwarnings("ignore:Version 0.22.0. of crontab:FutureWarning")
def test_jobs_of_rq_cron(redis: Redis, say: Say) -> None:
    cron = CronScheduler(connection=redis, name="cron-1")
    cron.register(operator.add, "mail", args=(1, 2), interval=90, name="sums")
    cron.register(operator.add, "mail", args=(3, 4), cron="0 4 * * *", name="nightly")
    cron.register_birth()
    cron.save()
    assert [(one["id"], one["source"], one["lane"]) for one in listed(say, "--source", "cron", "--filter", "id:sums")] == [
        ("sums", "rq-cron", "mail")
    ]
    assert "nightly" in say("--source", "cron")[1]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("user", "no schedules yet"),
        ("entries", "rq-scheduler has no entries"),
        ("rq", "no job is scheduled"),
        ("cron", "no `rq cron` has told its jobs"),
    ],
)
def test_an_empty_source_says_what_would_fill_it(redis: Redis, say: Say, source: str, words: str) -> None:
    status, out, err = say("--source", source)
    assert (status, out, err.count("\n")) == (0, "", 1)
    assert err.startswith(words)
    assert say("--source", source, "--filter", "lane:x")[2].startswith("no schedule is so; without")


@pytest.mark.parametrize("due", ["1e15", "-1e15", "+inf", "-inf", "1e300"])
def test_entries_with_hostile_names_and_dates_are_listed(redis: Redis, say: Say, due: str) -> None:
    redis.hset(keys.RQ_JOB + HOSTILE, mapping={"origin": f"q{HOSTILE}", "description": f"{HOSTILE}(token='s3cret')"})
    redis.zadd(keys.ENTRIES, {HOSTILE: due})
    [one] = listed(say, "--source", "entries")
    assert (one["id"], one["next_at"]) == (HOSTILE, None)
    status, out, _ = say("--source", "entries")
    assert status == 0
    assert "␛[2J␛]0;owned␇\\u202e[red]x[/](token='…')" in out


def test_it_works_for_a_user_who_may_only_read(redis: Redis, server: Server) -> None:
    set_user(redis, User("ada", "pro"))
    rights = ("+@read", "+info", "+ping", "+pubsub|numsub")
    redis.execute_command("ACL", "SETUSER", "reader", "reset", "on", ">hunter2", "%R~*", *rights)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "console.cli", "schedules", "list", "--filter", "tier:pro", "--json"],
            env={**os.environ, "RQ_REDIS_URL": server.url.replace("://", "://reader:hunter2@")},
            check=False,
            timeout=60,
            text=True,
            capture_output=True,
        )
    finally:
        redis.execute_command("ACL", "DELUSER", "reader")
    assert (done.returncode, done.stderr) == (0, "")
    assert [one["user"] for one in json.loads(done.stdout)["schedules"]] == ["ada"]
