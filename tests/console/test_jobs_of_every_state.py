"""The lists of jobs and of failures, and a search, over one job in each state: what they show, and that they only read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq.job import Job

from console.model import job_terms
from console.model.filters import parse
from console.model.pages import JobRow, JobsPage
from console.model.queries import JOB_STATES, FailuresQuery, JobsQuery, JobState
from console.model.secrets import DEFAULT
from console.store import failures, jobs, search
from console.store.job_lists import AMONG
from console.store.seen import Seen
from tests.conftest import Server, Stock
from tests.console import every_state
from tests.console.test_status_reads_only import everything

MAIL = every_state.QUEUE.encode()
INDEXED = [state for state in JOB_STATES if state not in AMONG]


@pytest.fixture(scope="module")
def site(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Redis, dict[str, Job]]]:
    folder: Path = tmp_path_factory.mktemp("every-state")
    stock = Stock(server.url, folder)
    redis = Redis.from_url(server.url)
    redis.flushall()
    made = every_state.make(redis, stock)
    # Keys that would expire while the tests compare say nothing about the reading.
    for key in redis.scan_iter():
        if 0 < redis.pttl(key) < 120_000:
            redis.expire(key, 600)
    yield redis, made
    stock.end()
    redis.close()


def page(redis: Redis, state: JobState, queue: bytes | None = MAIL, **more: Any) -> JobsPage:
    return jobs.read(redis, JobsQuery(state, queue, **more), time.time(), Seen(), DEFAULT)


def row(found: JobsPage, job: Job) -> JobRow:
    return next(row for row in found.rows if row.key == job.id.encode())


@pytest.mark.parametrize("state", INDEXED)
@pytest.mark.parametrize("queue", [MAIL, None])
def test_a_job_is_on_the_list_of_its_state(site: tuple[Redis, dict[str, Job]], state: JobState, queue: bytes | None) -> None:
    redis, made = site
    found = page(redis, state, queue)
    job = made[state]
    shown = row(found, job)
    assert found.total == found.counts[state] == len(found.rows)
    assert found.refused == ()
    assert (shown.id, shown.queue, shown.state, shown.missing) == (job.id, "mail", state, False)
    assert shown.call == job.description
    assert shown.created_at == pytest.approx(job.created_at.timestamp(), abs=0.001)


def test_all_states_are_counted_that_have_a_list(site: tuple[Redis, dict[str, Job]]) -> None:
    redis, _ = site
    expected = dict.fromkeys(INDEXED, 1) | {"queued": 2, "failed": 2, "scheduled": 2}
    assert page(redis, "queued").counts == page(redis, "queued", None).counts == expected
    assert page(redis, "queued", b"elsewhere").counts == dict.fromkeys(INDEXED, 0) | {"rate limited": 1}


def test_retrying_and_stopped_jobs_are_told_apart_on_the_lists_that_have_them(site: tuple[Redis, dict[str, Job]]) -> None:
    redis, made = site
    assert row(page(redis, "scheduled"), made["retrying"]).state == "retrying"
    assert row(page(redis, "failed"), made["stopped"]).state == "stopped"
    for state in AMONG:
        found = page(redis, state)
        assert (found.total, found.rows) == (None, ())


def test_rate_limited_jobs_are_shown_for_any_queue_and_it_is_said(site: tuple[Redis, dict[str, Job]]) -> None:
    redis, made = site
    found = page(redis, "rate limited", b"elsewhere")
    assert [row.key for row in found.rows] == [made["rate limited"].id.encode()]
    assert found.note == jobs.NO_QUEUE
    assert page(redis, "rate limited", None).note == ""


def test_rows_tell_who_the_job_is_for_and_what_it_has_come_to(site: tuple[Redis, dict[str, Job]]) -> None:
    redis, made = site
    finished = row(page(redis, "finished"), made["finished"])
    assert (finished.user, finished.tier, finished.task) == ("ada@example.com", "pro", "scrape")
    assert finished.started_at is not None
    assert finished.ended_at is not None
    assert finished.started_at <= finished.ended_at
    assert finished.at == pytest.approx(finished.ended_at + 500, abs=5)
    assert finished.worker is not None
    failed = row(page(redis, "failed"), made["failed"])
    assert failed.error == "ZeroDivisionError: division by zero"
    retrying = row(page(redis, "scheduled"), made["retrying"])
    assert (retrying.retries_left, retrying.error) == (2, None)
    assert retrying.at == pytest.approx(time.time() + 600, abs=60)


def test_failures_are_the_failed_and_the_stopped_the_latest_first(site: tuple[Redis, dict[str, Job]]) -> None:
    redis, made = site
    for queue in (MAIL, None):
        found = failures.read(redis, FailuresQuery(queue), time.time(), Seen(), DEFAULT)
        told = {row.key.decode(): (row.state, row.error) for row in found.rows}
        assert told == {
            made["stopped"].id: ("stopped", "Job stopped by user, work-horse terminated."),
            made["failed"].id: ("failed", "ZeroDivisionError: division by zero"),
        }
        assert [row.at for row in found.rows] == sorted((row.at for row in found.rows), reverse=True)
        assert found.total == 2


@pytest.mark.parametrize("state", JOB_STATES)
def test_jobs_that_a_search_has_found_tell_their_state_themselves(site: tuple[Redis, dict[str, Job]], state: JobState) -> None:
    redis, made = site
    ids = (made[state].id.encode(), b"never-was")
    for found in (
        page(redis, "queued", None, only=ids),
        failures.read(redis, FailuresQuery(only=ids), time.time(), Seen(), DEFAULT),
    ):
        first, second = found.rows
        assert (first.key, first.state, first.queue, first.missing) == (ids[0], state, "mail", False)
        assert (second.key, second.state, second.missing) == (ids[1], "", True)
        assert found.total == 2
        assert (first.at is not None) == (state not in ("queued", "running", "rate limited"))


@pytest.mark.parametrize("state", JOB_STATES)
def test_a_search_finds_the_jobs_of_each_state(site: tuple[Redis, dict[str, Job]], state: JobState) -> None:
    redis, made = site
    told = list(search.jobs(redis, JobsQuery(state), time.time(), lambda: False, Seen(), DEFAULT))
    found = {key.decode() for part in told for key in part.keys}
    assert made[state].id in found
    assert found <= {page_row.id for page_row in page(redis, AMONG.get(state, state)).rows}
    if state in AMONG:
        assert found == {made[state].id}
    assert (told[-1].done, told[-1].more) == (True, "")


def look_at_everything(redis: Redis) -> None:
    for queue in (MAIL, None):
        for state in JOB_STATES:
            assert page(redis, state, queue).refused == ()
            page(redis, state, queue, reverse=True)
            found = list(search.jobs(redis, JobsQuery(state, queue), time.time(), lambda: False, Seen(), DEFAULT))
            assert found[-1].more == ""
            page(redis, state, queue, only=tuple(key for part in found for key in part.keys))
        query = FailuresQuery(queue, filter=parse("error:division", job_terms.FIELDS))
        assert failures.read(redis, query, time.time(), Seen(), DEFAULT).refused == ()
        assert next(search.jobs(redis, query, time.time(), lambda: False, Seen(), DEFAULT)).keys


def test_looking_changes_no_key(site: tuple[Redis, dict[str, Job]]) -> None:
    redis, _ = site
    before, changes = everything(redis), redis.info()["rdb_changes_since_last_save"]
    look_at_everything(redis)
    assert redis.info()["rdb_changes_since_last_save"] == changes
    assert everything(redis) == before


def test_a_user_who_may_only_read_sees_all_of_it(site: tuple[Redis, dict[str, Job]], server: Server) -> None:
    redis, _ = site
    redis.execute_command("ACL", "SETUSER", "lister", "reset", "on", ">hunter2", "%R~*", "+@read")
    try:
        with Redis.from_url(server.url.replace("unix://", "unix://lister:hunter2@")) as reader:
            look_at_everything(reader)
    finally:
        redis.execute_command("ACL", "DELUSER", "lister")


def test_only_reading_commands_are_sent(site: tuple[Redis, dict[str, Job]]) -> None:
    redis, _ = site
    redis.config_resetstat()
    look_at_everything(redis)
    sent = {name.removeprefix("cmdstat_") for name in redis.info("commandstats")} - {"info", "config|resetstat"}
    assert sent <= {
        "llen", "zcard", "zcount", "zscore", "lrange", "zrange", "zrevrange", "srandmember", "scard", "hlen", "hstrlen",
        "hmget", "memory|usage", "xrevrange",
    }  # fmt: skip
