"""What a command on schedules is about to be done to, of every source; and the slots that a change would give."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from rq import Queue, Retry
from rq_scheduler import Scheduler

from console.model import schedule_terms
from console.model.commands import Backfill, Change, JobSeen, Pause, ScheduleSeen, Seen, Spread
from console.model.filters import parse
from console.model.queries import SchedulesQuery, SlotsQuery
from console.model.schedules import SlotsPage
from console.model.selection import Preview
from console.store.reader import StoreReader
from console.store.writer import StoreWriter
from jobs import User, controls, keys, registering, schedules, set_schedule, set_user
from jobs.cadence import Cron
from jobs.schedules import schedule_id
from tests.conftest import Server, Stock
from tests.console.giving import codes, do, held, writer_of
from tests.fast_tiers import fast_tiers

__all__ = ["fast_tiers"]


@pytest.fixture
def reader(redis: Redis, server: Server) -> Iterator[StoreReader]:
    made = StoreReader(Redis.from_url(server.url), server.url)
    yield made
    made.close()


@pytest.fixture
def writer(redis: Redis, server: Server) -> Iterator[StoreWriter]:
    with writer_of(server) as made:
        yield made


def selected(reader: StoreReader, query: SchedulesQuery, *, details: bool = True) -> Preview:
    preview = Preview(time.time())
    for chunk in reader.select(query, time.time(), lambda: False, details=details):
        preview.add(chunk)
    assert preview.done
    return preview


def test_users_schedules_are_selected_by_a_filter_and_by_name(redis: Redis, reader: StoreReader) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok", "flaky"])
    set_user(redis, User("bob", "free"), tasks=["ok"])
    controls.pause(redis, "ada", "flaky")
    ada, flaky, bob = (schedule_id(*name) for name in (("ada", "ok"), ("ada", "flaky"), ("bob", "ok")))
    before = held(redis)
    for details in (True, False):
        found = selected(reader, SchedulesQuery(), details=details)
        assert {one.key.decode() for one in found.seen} == {ada, flaky, bob}
        assert {type(one) for one in found.seen} == {ScheduleSeen}
        found = selected(reader, SchedulesQuery(filter=parse("lane:low", schedule_terms.FIELDS)), details=details)
        assert found.seen == [ScheduleSeen(bob.encode(), "user", redis.zscore(keys.ENTRIES, bob))]
        found = selected(reader, SchedulesQuery(filter=parse("state:paused", schedule_terms.FIELDS)), details=details)
        assert [one.key.decode() for one in found.seen] == [flaky]
    by_name = selected(reader, SchedulesQuery(only=(ada.encode(), b"tq-ok-none", bob.encode())))
    assert [one.key.decode() for one in by_name.seen] == [ada, bob]
    assert by_name.in_way == Counter({"gone": 1})
    tallies = {tally.what: dict(tally.counts) for tally in selected(reader, SchedulesQuery()).tallies()}
    assert tallies["user"] == {"ada": 2, "bob": 1}
    assert tallies["queue"] == {"default": 2, "low": 1}
    assert tallies["state"] == {"armed": 2, "paused": 1}
    assert held(redis) == before


def test_entries_are_selected_as_what_they_are(redis: Redis, reader: StoreReader) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    ada = schedule_id("ada", "ok").encode()
    when = datetime.now(UTC) + timedelta(hours=1)
    Scheduler("default", connection=redis).schedule(when, "operator.add", [1, 2], id="nightly", interval=600)
    wanted = [
        ScheduleSeen(one, source, redis.zscore(keys.ENTRIES, one)) for one, source in ((ada, "user"), (b"nightly", "entries"))
    ]
    found = selected(reader, SchedulesQuery("entries"))
    assert sorted(found.seen, key=str) == sorted(wanted, key=str)
    assert found.in_way == Counter({"source": 1})
    only = (ada, keys.HEARTBEAT_ENTRY.encode(), b"nightly", b"gone")
    found = selected(reader, SchedulesQuery("entries", only=only))
    assert found.seen == wanted
    assert found.in_way == Counter({"source": 1, "gone": 1})


def test_rq_scheduled_jobs_are_selected_as_jobs(redis: Redis, stock: Stock, reader: StoreReader) -> None:
    queue = Queue("mail", connection=redis)
    retried = queue.enqueue("operator.truediv", 1, 0, retry=Retry(max=3, interval=600))
    stock.worker("--burst", "mail").wait(30)
    later = queue.enqueue_in(timedelta(hours=1), "operator.add", 1, 2)
    wanted: list[Seen] = [
        JobSeen(job.id.encode(), b"mail", state, redis.zscore("rq:scheduled:mail", job.id))
        for job, state in ((retried, "retrying"), (later, "scheduled"))
    ]
    for details in (True, False):
        assert selected(reader, SchedulesQuery("rq"), details=details).seen == wanted
    # Overdue, it is still a retry.
    redis.zadd("rq:scheduled:mail", {retried.id: 1_000})
    found = selected(reader, SchedulesQuery("rq", only=(retried.id.encode(), b"gone")))
    assert found.seen == [JobSeen(retried.id.encode(), b"mail", "retrying", 1_000.0)]
    assert found.in_way == Counter({"gone": 1})
    assert selected(reader, SchedulesQuery("cron", only=(b"a",))).in_way == Counter({"source": 1})


def test_the_schedules_of_one_lane_are_paused_as_they_were_selected(
    redis: Redis, reader: StoreReader, writer: StoreWriter
) -> None:
    """What is offered in place of pausing a lane."""
    registering.set_users(redis, [User(f"free-{n}", "free") for n in range(700)], tasks=["ok"])
    registering.set_users(redis, [User(f"slow-{n}", "slow") for n in range(300)], tasks=["ok"])
    found = selected(reader, SchedulesQuery(filter=parse("lane:low", schedule_terms.FIELDS)), details=False)
    assert len(found.seen) == 700
    assert set(codes(do(writer, Pause("low is stopped"), *found.seen))) == {"done"}
    assert redis.scard(keys.PAUSED) == 700
    assert not schedules.get(redis, "slow-1", "ok").paused


def test_a_selection_can_be_stopped(redis: Redis, reader: StoreReader) -> None:
    registering.set_users(redis, [User(f"user-{n}", "free") for n in range(600)], tasks=["ok"])
    *_, last = reader.select(SchedulesQuery(), time.time(), lambda: True, details=False)
    assert (last.done, last.more, last.read) == (True, "it was stopped", 500)


def test_the_slots_of_a_change_are_shown_before_it_is_made(redis: Redis, reader: StoreReader, writer: StoreWriter) -> None:
    set_user(redis, User("ada", "slow", "Europe/Rome"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", cadence=Cron("0 9 * * *"))
    one = schedule_id("ada", "ok").encode()
    for command in (
        Change(cron="30 6 * * *"),
        Change(zone="Asia/Tokyo"),
        Spread(1_800),
        Change(tier="free"),
        Change(every=3_600),
    ):
        before, lane = held(redis), schedules.get(redis, "ada", "ok").lane
        shown = reader.read(SlotsQuery(one, command), time.time())
        assert held(redis) == before
        assert isinstance(shown, SlotsPage)
        assert list(shown.before) == schedules.next_slots(schedules.get(redis, "ada", "ok"), 5)
        assert codes(do(writer, command, ScheduleSeen(one, "user"))) == ["done"]
        assert list(shown.after) == schedules.next_slots(schedules.get(redis, "ada", "ok"), 5)
        assert (shown.said, shown.lane_before, shown.lane) == ("", lane, schedules.get(redis, "ada", "ok").lane)


def test_a_backfill_is_told_by_the_runs_that_it_makes(redis: Redis, reader: StoreReader) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    set_schedule(redis, "ada", "ok", cadence=Cron("0 9 * * *"))
    end = time.time() - 86_400
    command, one = Backfill(end - 10 * 86_400, end), schedule_id("ada", "ok")

    def runs() -> int:
        page = reader.read(SlotsQuery(one.encode(), command), time.time())
        assert isinstance(page, SlotsPage)
        return page.runs

    assert runs() == 10
    first, second, *_ = controls.slots_to_backfill(schedules.get(redis, "ada", "ok"), command.start, command.end)
    controls.backfill(redis, "ada", "ok", first, second)
    assert runs() == 8
    assert controls.backfill(redis, "ada", "ok", command.start, command.end).enqueued == 8
    assert runs() == 0


def test_why_there_are_no_slots_is_said(redis: Redis, reader: StoreReader) -> None:
    set_user(redis, User("ada", "slow"), tasks=["ok"])
    one = schedule_id("ada", "ok").encode()

    def said(key: bytes, command: Change | Spread) -> str:
        page = reader.read(SlotsQuery(key, command), time.time())
        assert isinstance(page, SlotsPage)
        assert page.after == ()
        return page.said

    assert "write five fields" in said(one, Change(cron="0 9"))
    assert "jitter is 0 s to 3600 s" in said(one, Spread(90_000))
    assert "unknown" in said(one, Change(tier="gold"))
    assert said(b"tq-ok-none", Spread(5)) == "the schedule is gone"
    redis.delete(keys.USER + "ada")
    assert said(one, Spread(5)) == "its user is not in the directory"
    redis.hset(keys.SCHEDULE + one.decode(), "cadence", "sometimes")
    assert said(one, Spread(5)) == "its definition cannot be read"
