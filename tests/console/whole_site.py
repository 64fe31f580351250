"""An installation with jobs of every kind that RQ knows and schedules of every source, and all that can be asked of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from redis import Redis
from rq.cron import CronScheduler

import jobs
from console.model import job_terms, schedule_terms
from console.model.filters import parse
from console.model.history import SPANS
from console.model.operations import Counts, Ended, Operation
from console.model.pages import Found
from console.model.ports import Snapshot
from console.model.queries import (
    JOB_STATES,
    SOURCES,
    ActivityQuery,
    FailuresQuery,
    HistoryQuery,
    JobQuery,
    JobsQuery,
    OperationQuery,
    OverviewQuery,
    SchedulesQuery,
    SearchQuery,
    UserQuery,
    ViewQuery,
    WorkersQuery,
)
from console.store.reader import open_reader
from console.store.writer import open_writer
from jobs import heartbeat_entry, keys, quarantine
from jobs.users import User
from tests.catalogue import Catalogue, build
from tests.catalogue_tasks import echo
from tests.conftest import Stock
from tests.contents import contents

UNKNOWN = b"never was"


@dataclass(frozen=True)
class Site:
    """A server with the catalogue, and schedules of every source."""

    redis: Redis
    url: str
    catalogue: Catalogue

    @property
    def queues(self) -> list[bytes]:
        return sorted({listed.queue.encode() for listed in self.catalogue.jobs.values()})


@contextmanager
def site(url: str, folder: Path) -> Iterator[Site]:
    """Make it on the server at `url`, which is emptied first, and end its processes afterwards."""
    stock = Stock(url, folder)
    redis = Redis.from_url(url)
    redis.flushall()
    catalogue = build(redis, stock)
    heartbeat_entry.install(redis)
    jobs.set_user(redis, User("ada", "free"), ["scrape"])
    cron = CronScheduler(connection=redis, name="cron-1")
    cron.register(echo, "mail", args=(1, 2), interval=90, name="sums")
    cron.register_birth()
    cron.save()
    operations(redis, url)
    redis.zadd(keys.ENTRIES, {"poison": 1})
    quarantine.set_aside(redis, b"poison", "it cannot be read", "a test")
    # Keys that would expire while the tests compare say nothing about the reading.
    for key in redis.scan_iter(count=1_000):
        if 0 < redis.pttl(key) < 120_000:
            redis.expire(key, 600)
    try:
        yield Site(redis, url, catalogue)
    finally:
        catalogue.end()
        stock.end()
        redis.close()


def operations(redis: Redis, url: str) -> None:
    """An operation that has ended, and one that has not, of which something can be undone."""
    writer = open_writer(url)
    first = Operation("op-1", "ann", "ops-1", 0.0, "requeue", "", "two failed jobs", 2, "redis://cache-1", "fixed")
    second = replace(first, id="op-2", command="delete")
    writer.begin(first)
    writer.end(first, Ended(0.0, "done", Counts(2)))
    writer.begin(second)
    redis.hset(keys.OPERATION + second.id, "done", 1)
    redis.zadd(keys.TRASH, {second.id: 4_000_000_000})
    redis.zadd(keys.TRASHED + second.id, {"a-job": 0})
    writer.close()


def questions(site: Site) -> list[ViewQuery]:
    """Everything that a screen can ask."""
    queues = [None, *site.queues, UNKNOWN]
    entries: Any = site.redis.xrange(keys.ACTIVITY)
    return [
        *(OverviewQuery(start, size) for start, size in ((0, 50), (0, 500), (1, 2), (10_000, 50), (0, 0))),
        *(JobsQuery(state, queue, reverse=turn) for state in JOB_STATES for queue in queues for turn in (False, True)),
        *(JobsQuery(state, start=2, size=3) for state in JOB_STATES),
        *(FailuresQuery(queue) for queue in queues),
        *(FailuresQuery(start=start, size=3) for start in (1, 10_000)),
        *(SchedulesQuery(source, start) for source in SOURCES for start in (0, 10_000)),
        SchedulesQuery(filter=parse("user=ada", schedule_terms.FIELDS)),
        WorkersQuery(),
        *(ActivityQuery(start, size) for start, size in ((0, 500), (1, 1), (10_000, 50))),
        *(OperationQuery(entry) for entry, _ in entries),
        OperationQuery(UNKNOWN),
        *(JobQuery(listed.id.encode()) for listed in site.catalogue.jobs.values()),
        JobQuery(UNKNOWN),
        UserQuery("ada"),
        UserQuery("nobody"),
        *(OverviewQuery(span=span) for span in SPANS),
        *(HistoryQuery(span, queue, at) for span in SPANS for queue in (None, b"mail", UNKNOWN) for at in (None, 1e9, 9e9)),
    ]


def searches(site: Site) -> list[SearchQuery]:
    """Searches by fields of every kind, and by a bare word."""
    expressions = ("echo", "error:hung", "user:bob", "func:*echo age<1h", "-id:nothing", "worker:x retries>0")
    return [
        *(
            JobsQuery(state, queue, filter=parse(said, job_terms.FIELDS))
            for state in JOB_STATES
            for queue in (None, b"mail")
            for said in expressions
        ),
        *(FailuresQuery(filter=parse(said, job_terms.FIELDS)) for said in expressions),
        FailuresQuery(group="0" * 12),
        *(SchedulesQuery(source, filter=parse("-id:nothing", schedule_terms.FIELDS)) for source in SOURCES),
    ]


def seen_by(url: str, asked: Sequence[ViewQuery], now: float) -> list[Snapshot]:
    """What a user sees who looks at everything twice: the second time the reader knows its way about."""
    reader = open_reader(url)
    try:
        for query in asked:
            reader.read(query, now)
        return [reader.read(query, now) for query in asked]
    finally:
        reader.close()


def found_by(url: str, asked: Sequence[SearchQuery], now: float) -> list[list[Found]]:
    reader = open_reader(url)
    try:
        return [list(reader.search(query, now, lambda: False)) for query in asked]
    finally:
        reader.close()


def reading_commands(redis: Redis) -> set[str]:
    """What the server counts as reading, and what goes with every connection."""
    named: Any = redis.execute_command("ACL", "CAT", "read")
    words = {word.decode() if isinstance(word, bytes) else word for word in named}
    return words | {"info", "ping", "pubsub|numsub", "client|setinfo", "hello", "auth"}


@contextmanager
def nothing_changes(redis: Redis) -> Iterator[None]:
    """Every key, its content and its end are afterwards what they were, and nothing but reading was asked."""
    before = contents(redis)
    changes = redis.info()["rdb_changes_since_last_save"]
    redis.config_resetstat()
    yield
    sent = {name.removeprefix("cmdstat_") for name in redis.info("commandstats")} - {"config|resetstat"}
    assert sent - reading_commands(redis) == set()
    assert redis.info()["rdb_changes_since_last_save"] == changes
    assert contents(redis) == before
