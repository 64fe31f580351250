"""`tq-console why`, the page of a job that says why, and what strangers wrote in the way of both."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from redis import Redis
from rq import Queue
from rq.rate_limit import RateLimit

from console.actions import BY_ID
from console.cli import run
from console.model.job import JobDetail
from console.model.queries import JobQuery, WhyQuery
from console.model.why.facts import Around, JobFacts, Listed, QueueFacts
from console.model.why.jobs import why
from console.model.why.page import WhyPage
from console.model.why.reasons import ORDER, Reason, Weight, ranked
from console.screens import job_lines
from console.screens.why_lines import Keys, key
from console.store.reader import open_reader
from jobs import keys
from jobs.schedules import schedule_id
from tests.catalogue_tasks import echo
from tests.conftest import Server
from tests.console.fakes import detail
from tests.console.recorded_trips import counted_trips
from tests.console.rights import reading_user
from tests.console.whole_site import nothing_changes
from tests.fast_tiers import fast_tiers  # noqa: F401 - autouse
from tests.hostile import EVIL, MARKERS, QUEUE, USER
from tests.hostile import build as build_hostile

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run `why`; its exit status and what it wrote to both streams, in which nothing acts on a terminal."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run(["why", *arguments])
        out, err = capsys.readouterr()
        assert all(character == "\n" or character.isprintable() for character in out + err)
        return status, out, err

    return call


# --- the engine ---------------------------------------------------------------------------------


def test_the_most_decisive_reason_comes_first_each_once_and_that_all_is_well_only_alone() -> None:
    wait, well, bad = Reason("in_line", "w"), Reason("next", "x"), Reason("suspended", "y")
    assert ranked([wait, well, bad, wait]) == (bad, wait)
    assert ranked([well]) == (well,)
    assert ranked([]) == ()
    assert set(ORDER.values()) == set(get_args(Weight))


def test_nothing_is_told_of_what_is_not_known() -> None:
    unknown = Around(now=1.0)
    assert why(JobFacts("j", None), unknown) == ()
    queued = JobFacts("j", True, status="queued", lists=(Listed("queued", "rq:queue:q", 0),))
    assert [reason.code for reason in why(queued, unknown)] == ["next"]
    lost = JobFacts("j", True, status="queued", searched=False)
    assert why(lost, unknown) == ()
    scheduled = JobFacts("j", True, status="scheduled", lists=(Listed("scheduled", "x", 0, 9.0),), queue=QueueFacts("q"))
    assert [reason.code for reason in why(scheduled, unknown)] == ["scheduled"]


# --- the command --------------------------------------------------------------------------------


def test_why_says_the_cause_and_the_way_out(redis: Redis, say: Say) -> None:
    job = Queue("mail", connection=redis).enqueue(echo, 1)
    assert say(job.id) == (0, "✗ no worker listens on mail\n  → start one: rq worker mail\n", "")
    status, out, err = say(job.id, "--json")
    document = json.loads(out)
    assert (status, err, document["subject"]) == (0, "", job.id)
    assert [(one["code"], one["message"], one["remedy"]) for one in document["reasons"]] == [
        ("no_worker", "no worker listens on mail", "start one: rq worker mail")
    ]
    assert json.loads(say("--queue", "mail", "--json")[1])["reasons"][0]["code"] == "no_worker"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nobody",), "no_such_job"),
        (("--queue", "nowhere"), "no_such_queue"),
        (("--user", "nobody"), "no_such_user"),
        (("--schedule", "nobody", "scrape"), "no_such_schedule"),
    ],
)
def test_what_is_not_there_is_status_1(redis: Redis, say: Say, arguments: tuple[str, ...], code: str) -> None:
    status, out, _ = say(*arguments, "--json")
    assert (status, [one["code"] for one in json.loads(out)["reasons"]]) == (1, [code])
    assert say(*arguments)[0] == 1


@pytest.mark.parametrize("arguments", [(), ("x", "--queue", "q"), ("--queue", "q", "--user", "u"), ("--schedule", "u")])
def test_one_thing_is_asked_about(redis: Redis, say: Say, arguments: tuple[str, ...]) -> None:
    status, out, err = say(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)


def test_who_may_only_read_is_told_all_of_it(redis: Redis, server: Server) -> None:
    job = Queue("mail", connection=redis).enqueue(echo, 1)
    with reading_user(redis, server.url) as url:
        reader = open_reader(url)
        page = reader.read(WhyQuery("job", job.id.encode()), time.time())
        reader.close()
    assert isinstance(page, WhyPage)
    assert ([reason.code for reason in page.reasons], page.refused) == (["no_worker"], ())


# --- the page of a job --------------------------------------------------------------------------


def test_the_page_of_a_job_says_first_why_it_does_not_run_and_which_key_helps() -> None:
    from dataclasses import replace

    reason = Reason("failed", "it failed: ValueError: no", "see its traceback", "requeue")
    shown = replace(detail(b"j", 1.0), why=(reason,))
    rows = ["".join(text for text, _ in row.line) for row in job_lines.lines(shown, 80, True, None)]
    assert rows[0].split("  ")[0] == "why"
    assert "✗ it failed: ValueError: no" in rows[0]
    assert f"→ see its traceback ({BY_ID['requeue'].keys[0]})" in rows[1]
    looked_at = job_lines.lines(shown, 80, True, None, read_only=True)
    assert "→ see its traceback" in str(looked_at[1].line)
    assert "(r)" not in str(looked_at), "a console that only looks has no such key"
    running = replace(shown, why=(Reason("running", "w runs it"),))
    assert "w runs it" not in str(job_lines.lines(running, 80, True, None))


@pytest.mark.parametrize(
    ("action", "keys", "said"),
    [
        ("requeue", Keys("job", "failed"), "r"),
        ("requeue", Keys("job", "failed", read_only=True), ""),
        ("delete", Keys("job", "odd"), "D on Jobs"),
        ("suspend", Keys("job", "queued"), "P on Workers"),
        ("stop_job", Keys("job", "canceled"), "X on Workers"),
        ("put_back", Keys("user", "user", "schedule"), "r on Activity, on its own"),
        ("repair", Keys("user", "user", "schedule"), "R on Schedules"),
        ("run_now", Keys("user", "user", "schedule"), "r on the schedule"),
        ("run_now", Keys("job", "queued"), "r on Schedules"),
    ],
)
def test_the_key_is_one_that_is_there_or_the_screen_is_named_where_it_is(action: str, keys: Keys, said: str) -> None:
    assert key(BY_ID[action], keys) == said


def test_a_job_for_programs_has_its_reasons(redis: Redis, server: Server) -> None:
    job = Queue("mail", connection=redis).enqueue(echo, 1)
    reader = open_reader(server.url)
    found = reader.read(JobQuery(job.id.encode()), time.time())
    reader.close()
    assert isinstance(found, JobDetail)
    assert [reason.code for reason in found.why] == ["no_worker"]


def test_of_an_empty_queue_it_is_told_what_waits_for_a_rate_limit(redis: Redis, server: Server) -> None:
    for _ in range(3):
        Queue("elsewhere", connection=redis).enqueue(echo, 1, rate_limit=RateLimit("vendor", concurrency=1))
    redis.sadd("rq:queues", "rq:queue:mail")
    reader = open_reader(server.url)
    with counted_trips() as trips:
        page = reader.read(WhyQuery("queue", b"mail"), time.time())
    reader.close()
    assert isinstance(page, WhyPage)
    assert trips.count <= 3
    assert [reason.message for reason in page.reasons] == [
        "nothing waits in it; 2 jobs of any queues wait for a rate limit: rate limits know no queue"
    ]


# --- what strangers wrote -----------------------------------------------------------------------


def test_hostile_facts_execute_nothing_take_little_and_reach_nobody(
    redis: Redis, server: Server, tmp_path: Path, say: Say
) -> None:
    hostile = build_hostile(redis, tmp_path / "canary")
    _more(redis)
    asked = [
        *(WhyQuery("job", job) for job in hostile.jobs.values()),
        WhyQuery("job", EVIL.encode()),
        WhyQuery("job", schedule_id(USER, "scrape").encode()),
        WhyQuery("queue", QUEUE.encode()),
        WhyQuery("queue", b"default"),
        WhyQuery("queue", b"\xff\x00"),
        WhyQuery("user", USER.encode()),
        WhyQuery("user", b"\xff"),
        WhyQuery("schedule", USER.encode(), "scrape"),
        WhyQuery("schedule", USER.encode(), EVIL),
    ]
    reader = open_reader(server.url)
    with nothing_changes(redis):
        for query in asked:
            tracemalloc.start()
            page = reader.read(query, time.time())
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert isinstance(page, WhyPage)
            assert peak < 64 << 20, query
            assert all(reason.code in ORDER for reason in page.reasons)
    reader.close()
    assert not hostile.executed
    for arguments in (("--queue", QUEUE), ("--user", USER), ("--schedule", USER, "scrape")):
        for out in (say(*arguments)[1], say(*arguments, "--json")[1]):
            assert not any(marker in out.encode() for marker in MARKERS)


def _more(redis: Redis) -> None:
    """Under every key that an explanation reads, something of another kind, or of no sense."""
    values: dict[str, Any] = {keys.ENTRIES_LOCK: EVIL, "rq:suspended": EVIL, f"rq:scheduler-lock:{QUEUE}": EVIL}
    for name, value in values.items():
        redis.set(name, value)
    redis.set(keys.QUARANTINE, EVIL)
    redis.zadd(keys.SCHEDULERS, {EVIL: 1e300})
    redis.set(keys.LANES, EVIL)
    redis.set("rq:queue:high", EVIL)
