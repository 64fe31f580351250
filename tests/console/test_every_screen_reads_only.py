"""Looking at everything there is, over jobs of every kind that RQ knows: all of it is shown, and nothing of it is touched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, cast

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from console.app import Console
from console.model.activity import ActivityPage, OperationPage
from console.model.job import JobDetail
from console.model.operations import Counts
from console.model.pages import JobRow, JobsPage
from console.model.ports import Reader, Snapshot, Target
from console.model.queries import (
    JOB_STATES,
    SOURCES,
    ActivityQuery,
    FailuresQuery,
    JobQuery,
    JobsQuery,
    JobState,
    OperationQuery,
    SchedulesQuery,
    UserQuery,
)
from console.model.schedules import SchedulesPage, UserPage
from console.model.status import ServerInfo, Status
from console.screens.place import Place
from console.screens.schedules import TITLES
from console.store.reader import open_reader
from jobs import keys
from jobs.schedules import schedule_id
from tests.conftest import Server
from tests.console import whole_site
from tests.console.pilots import driving
from tests.console.rights import RIGHTS, reading_user
from tests.console.whole_site import UNKNOWN, Site, found_by, nothing_changes, questions, searches, seen_by

pytestmark = pytest.mark.filterwarnings("ignore:Version 0.22.0. of crontab:FutureWarning")


@pytest.fixture(scope="module")
def site(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with whole_site.site(server.url, tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def reader(site: Site) -> Iterator[Reader]:
    reader = open_reader(site.url)
    yield reader
    reader.close()


def test_reading_and_searching_change_no_key_and_no_expiry(site: Site) -> None:
    with nothing_changes(site.redis):
        seen_by(site.url, questions(site), time.time())
        found = found_by(site.url, searches(site), time.time())
    assert all(told[-1].done for told in found)
    assert {told[-1].more for told in found} == {""}


# --- all of it is shown, and nothing that is not there ------------------------------------------------


def listed(redis: Redis, prefix: str, queue: str, now: float) -> list[str]:
    """The ids in one of RQ's lists, as its own commands tell, without those that have expired."""
    key = prefix + queue
    if redis.type(key) == b"list":
        waiting: Any = redis.lrange(key, 0, -1)
        return [job.decode() for job in waiting]
    ends = prefix in (keys.RQ_FINISHED, keys.RQ_FAILED)
    members: Any = redis.zrange(key, 0, -1, withscores=True)
    return [job.decode().partition(":")[0] for job, score in members if not (ends and 0 <= score <= now)]


LISTS: Final = {
    "queued": keys.RQ_QUEUE, "running": keys.RQ_WIP, "scheduled": keys.RQ_SCHEDULED, "deferred": keys.RQ_DEFERRED,
    "finished": keys.RQ_FINISHED, "failed": keys.RQ_FAILED, "canceled": "rq:canceled:", "ready": "rq:ready:",
}  # fmt: skip


def rows_of(reader: Reader, query: JobsQuery | FailuresQuery) -> dict[str, JobRow]:
    page = reader.read(query, time.time())
    assert isinstance(page, JobsPage)
    assert page.refused == ()
    assert page.total == len(page.rows)
    return {row.id: row for row in page.rows}


def test_each_list_shows_what_is_in_it_and_nothing_else(site: Site, reader: Reader) -> None:
    for state, prefix in LISTS.items():
        for queue in site.queues:
            there = listed(site.redis, prefix, queue.decode(), time.time())
            shown = rows_of(reader, JobsQuery(cast(JobState, state), queue))
            assert sorted(shown) == sorted(there), (state, queue)
            assert {row.queue for row in shown.values()} <= {queue.decode()}
        everywhere = [job for queue in site.queues for job in listed(site.redis, prefix, queue.decode(), time.time())]
        assert sorted(rows_of(reader, JobsQuery(cast(JobState, state)))) == sorted(everywhere), state
    assert list(rows_of(reader, JobsQuery("rate limited"))) == [site.catalogue["rate limited"].id]


def test_each_job_is_on_its_lists_as_what_it_is(site: Site, reader: Reader) -> None:
    shown = {state: rows_of(reader, JobsQuery(cast(JobState, state))) for state in [*LISTS, "rate limited"]}
    failures = rows_of(reader, FailuresQuery())
    now = time.time()
    for name, job in site.catalogue.jobs.items():
        kept = [state for state, prefix in LISTS.items() if job.id in listed(site.redis, prefix, job.queue, now)]
        kept += ["rate limited"] if "rq:rl:vendor:rate_limited" in job.lists else []
        rows = [shown[state][job.id] for state in kept] + [failures[job.id] for state in kept if state == "failed"]
        assert rows or keys.ENTRIES in job.lists or name == "failed, hash gone", name
        assert not rows or job.state in {row.state for row in rows}, name
        for row in rows:
            assert (row.id, row.key, row.queue) == (job.id, job.id.encode(), job.queue), name
            assert row.missing == (job.status is None), name
            assert "hunter2" not in repr(row), name
            if "hunter2" not in (job.description or ""):
                assert row.call == (job.description or ""), name


def test_each_failure_tells_why_and_when(site: Site, reader: Reader) -> None:
    failures = rows_of(reader, FailuresQuery())
    for name, job in site.catalogue.jobs.items():
        row = failures.get(job.id)
        if row is not None and not row.missing:
            assert row.error, name
            assert row.started_at is not None, name
            assert row.ended_at is not None, name
            assert row.started_at <= row.ended_at < time.time(), name
    assert failures[site.catalogue["stopped"].id].error == "Job stopped by user, work-horse terminated."


def test_jobs_without_a_list_of_their_own_are_found(site: Site) -> None:
    for state in ("retrying", "stopped"):
        [told] = found_by(site.url, [JobsQuery(state)], time.time())
        ids = {key.decode() for part in told for key in part.keys}
        assert ids == {job.id for job in site.catalogue.jobs.values() if job.state == state}


def test_operations_and_what_happened_on_its_own_are_shown(site: Site, reader: Reader) -> None:
    page = reader.read(ActivityQuery(), time.time())
    assert isinstance(page, ActivityPage)
    assert page.refused == ()
    told = [(row.id, row.how, row.counts, row.undo_until, row.in_trash) for row in page.rows]
    assert told == [("op-2", "", Counts(1), 4_000_000_000.0, 1), ("op-1", "done", Counts(2), None, None)]
    assert ("set aside", "poison", "it cannot be read") in {(one.kind, one.subject, one.why) for one in page.happened}
    for row in page.rows:
        found = reader.read(OperationQuery(row.key), time.time())
        assert isinstance(found, OperationPage)
        assert found.row == row


def test_what_is_not_there_is_told_to_be_not_there(site: Site, reader: Reader) -> None:
    job = reader.read(JobQuery(UNKNOWN), time.time())
    assert isinstance(job, JobDetail)
    assert (job.found, job.status, job.places, job.attempts, job.refused) == (False, None, (), (), ())
    user = reader.read(UserQuery("nobody"), time.time())
    assert isinstance(user, UserPage)
    assert (user.found, user.schedules, user.jobs, user.refused) == (False, (), (), ())


def test_schedules_of_every_source_are_shown(site: Site, reader: Reader) -> None:
    told = {}
    for source in SOURCES:
        page = reader.read(SchedulesQuery(source), time.time())
        assert isinstance(page, SchedulesPage)
        assert page.refused == ()
        told[source] = {row.id for row in page.rows}
    ours = schedule_id("ada", "scrape")
    later = {job.id for job in site.catalogue.jobs.values() if keys.RQ_SCHEDULED + job.queue in job.lists}
    assert told["user"] == {ours}
    assert told["entries"] == {ours, site.catalogue["rq-scheduler's"].id, keys.HEARTBEAT_ENTRY}
    assert told["rq"] == later
    assert told["cron"] == {"sums"}


# --- who may look -----------------------------------------------------------------------------------


def lasting(snapshot: Snapshot) -> Snapshot:
    """A snapshot without what another moment's reading changes: how far the server is, and how long is left of something."""
    if isinstance(snapshot, Status):
        return replace(snapshot, server=ServerInfo("", "", None, 0.0, None, None, None), problems=())
    return replace(snapshot, expires_s=None) if isinstance(snapshot, JobDetail) else snapshot


def test_a_user_who_may_only_read_sees_all_of_it(site: Site) -> None:
    asked, now = questions(site), time.time()
    with reading_user(site.redis, site.url) as url:
        site.redis.acl_log_reset()
        theirs, found = seen_by(url, asked, now), found_by(url, searches(site), now)
        denied = {entry["object"] for entry in site.redis.acl_log()}
    ours = seen_by(site.url, asked, now)
    for query, one, other in zip(asked, theirs, ours, strict=True):
        assert one.refused == (), query
        assert lasting(one) == lasting(other), query
    assert found == found_by(site.url, searches(site), now)
    assert denied <= {"client|setinfo"}


@pytest.mark.parametrize("right", RIGHTS)
def test_each_of_the_rights_is_needed(site: Site, right: str) -> None:
    left = tuple(one for one in RIGHTS if one != right)
    with reading_user(site.redis, site.url, left) as url:
        if right == "+ping":
            # redis-py asks whether a connection that was idle is still there.
            with Redis.from_url(url) as client, pytest.raises(NoPermissionError):
                client.ping()
            return
        refused = [one for snapshot in seen_by(url, questions(site), time.time()) for one in snapshot.refused]
    assert refused


# --- the screens ------------------------------------------------------------------------------------


async def test_every_screen_and_every_job_opens_and_changes_nothing(site: Site) -> None:
    here = Target("", site.url, lambda: open_reader(site.url))
    failed = sum(len(listed(site.redis, keys.RQ_FAILED, queue.decode(), time.time())) for queue in site.queues)
    with nothing_changes(site.redis):
        async with driving(Console([here], here), (120, 24)) as driver:
            await driver.shows("parked", "steady")
            await driver.press("2")
            for state in JOB_STATES:
                await driver.shows(f"[{state}", "every queue")
                await driver.shows_not("Reading …")
                await driver.press("tab")
            await driver.press("3")
            await driver.shows("ConnectionError: the far", f"{failed} failures")
            await driver.press("tab")
            await driver.shows("[in groups]", f"grouped {failed} of {failed}", "ConnectionError")
            await driver.press("enter")
            await driver.shows("of the group", "searched")
            await driver.press("4")
            for title in TITLES.values():
                await driver.shows(f"[{title} ")
                await driver.press("tab")
            await driver.press("5")
            await driver.shows("steady", "cron-1")
            await driver.press("6")
            await driver.shows("[done from consoles 2]", "… unfinished", "✓ done", "entry poison set aside")
            await driver.press("enter")
            await driver.shows("op-2", "1 thing is in the trash")
            await driver.press("escape", "tab")
            await driver.shows("[on its own ")
            for job in site.catalogue.jobs.values():
                await driver.app.go(Place("job", JobQuery(job.id.encode())))
                await driver.shows(f"job {job.id}")
                await driver.shows_not("Reading …")
                await driver.press("f")
            await driver.app.go(Place("user", UserQuery("ada")))
            await driver.shows("user ada", "scrape")
            assert driver.app.fault == ""
