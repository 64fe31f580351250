"""What explanations cost: round trips, and how much one command brings, whatever the size of the server.

The counted figures always run, on a smaller server; those of a million jobs are printed by `pytest -m benchmark -s
tests/benchmarks/test_why.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from redis import Redis

from console.model.queries import DoctorQuery, JobQuery, ViewQuery, WhyQuery
from console.store.reader import open_reader
from jobs import keys
from jobs.schedules import schedule_id
from tests.benchmarks.big_server import BIGGEST, BigServer, seeded
from tests.benchmarks.ratios import RoundTrips, seconds
from tests.console.recorded_trips import counted_trips

USER = "user-000000@example.com"


def asked(redis: Redis) -> dict[str, ViewQuery]:
    """One of each that can be asked about: jobs in every list of the biggest queue, it, a schedule, and a user."""

    def first(registry: str) -> bytes:
        key = f"rq:{registry}:{BIGGEST}"
        found = redis.lindex(key, 0) if registry == "queue" else redis.zrange(key, 0, 0)[0]
        assert isinstance(found, bytes)
        return found

    registries = ("queue", "failed", "finished", "scheduled", "deferred", "canceled")
    return {
        **{f"why of a job in {registry}": WhyQuery("job", first(registry)) for registry in registries},
        "why of a running job": WhyQuery("job", b"running-0"),
        "why of a job that is gone": WhyQuery("job", b"nobody"),
        "why of an entry": WhyQuery("job", schedule_id(USER, "scrape").encode()),
        "why of a queue": WhyQuery("queue", BIGGEST.encode()),
        "why of a schedule": WhyQuery("schedule", USER.encode(), "scrape"),
        "why of a user": WhyQuery("user", USER.encode()),
        "the page of a job": JobQuery(first("queue")),
        "doctor": DoctorQuery(),
    }


MOST = {"doctor": 20, "the page of a job": 4}
"""Round trips at the most; 3 of what is not named."""


@pytest.fixture(scope="module")
def some() -> Iterator[BigServer]:
    """More entries than doctor looks at."""
    with seeded(jobs=10_000, queues=5, schedules=2_000, workers=6) as server:
        yield server


def check(server: BigServer) -> None:
    """Each by a reader that has read nothing before, as from the shell."""
    with Redis.from_url(server.url) as redis:
        assert int(redis.zcard(keys.ENTRIES)) > 1_000
        queries = asked(redis)
    for name, query in queries.items():
        reader = open_reader(server.url)
        with RoundTrips(reader._connection) as round_trips, counted_trips() as trips:
            took = seconds(lambda reader=reader, query=query: reader.read(query, time.time()))
        reader.close()
        most = MOST.get(name, 3)
        commands = sum(map(len, trips.commands))
        print(
            f"\n{name}: {round_trips.count} round trips (at most {most}), {commands:,} commands, at most {trips.members:,} "
            f"members a command (at most 1,000), {took * 1e3:.1f} ms",
            end="",
        )
        # The first use of a client connects, which RoundTrips does not count.
        assert 0 < round_trips.count == trips.count <= most, name
        assert trips.members <= 1_000, name


def test_explanations_are_read_in_few_round_trips_and_short_ranges(some: BigServer) -> None:
    check(some)


@pytest.mark.benchmark
def test_explanations_on_the_big_server() -> None:
    with seeded(jobs=1_000_000, queues=1_000, schedules=100_000, workers=300) as server:
        check(server)
