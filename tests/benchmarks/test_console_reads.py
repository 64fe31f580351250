"""The figures of what the console reads, as ratios of one run: `pytest -m benchmark -s tests/benchmarks/test_console_reads.py`.

The counted figures (round trips, commands, bytes) always run, on smaller servers. The timed ones, and those of a million jobs,
are printed with the bound that they are meant to keep.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest
from redis import Redis

from console.model.queries import (
    FailuresQuery,
    JobQuery,
    JobsQuery,
    OverviewQuery,
    SchedulesQuery,
    UserQuery,
    ViewQuery,
    WorkersQuery,
)
from console.store.reader import open_reader
from console.store.rows import FIELDS
from tests.benchmarks.big_server import BIGGEST, BigServer, seeded
from tests.benchmarks.ratios import RoundTrips, medians, seconds

QUEUE = BIGGEST.encode()
JOB = b"00000001-0000-4000-8000-000000000000"
"""The first waiting job of the biggest queue."""

SCREENS: dict[str, ViewQuery] = {
    "overview": OverviewQuery(),
    "waiting jobs of a queue": JobsQuery("queued", QUEUE),
    "finished jobs of a queue": JobsQuery("finished", QUEUE),
    "scheduled jobs of a queue": JobsQuery("scheduled", QUEUE),
    "canceled jobs of a queue": JobsQuery("canceled", QUEUE),
    "waiting jobs of all queues": JobsQuery("queued"),
    "failures of a queue": FailuresQuery(QUEUE),
    "failures of all queues": FailuresQuery(),
    "a job": JobQuery(JOB),
    "schedules of users": SchedulesQuery("user"),
    "entries of rq-scheduler": SchedulesQuery("entries"),
    "RQ's scheduled jobs": SchedulesQuery("rq"),
    "workers": WorkersQuery(),
    "a user": UserQuery("user-000000@example.com"),
}


@dataclass(frozen=True)
class Cost:
    """What one refresh asks of the server."""

    commands: int
    bytes: int
    server_us: float


def refreshing(server: BigServer, query: ViewQuery) -> Callable[[], object]:
    """One refresh of a screen that has been read before, by one reader."""
    reader = open_reader(server.url)
    for _ in range(3):
        reader.read(query, time.time())
    return lambda: reader.read(query, time.time())


def cost(server: BigServer, query: ViewQuery, refreshes: int = 3) -> Cost:
    """Of one refresh, without what asking for it costs itself."""
    refresh = refreshing(server, query)
    with Redis.from_url(server.url) as redis:
        start = _spent(redis)
        nothing = _spent(redis)
        for _ in range(refreshes):
            refresh()
        end = _spent(redis)
    return Cost(
        *(
            round((after - between - (between - before)) / refreshes)
            for before, between, after in zip(start, nothing, end, strict=True)
        )
    )


def _spent(redis: Redis) -> tuple[float, float, float]:
    """Commands, bytes both ways, and microseconds of all commands since the server started."""
    calls = [stat for name, stat in redis.info("commandstats").items() if "info" not in name]
    stats = redis.info("stats")
    return (
        sum(stat["calls"] for stat in calls),
        stats["total_net_input_bytes"] + stats["total_net_output_bytes"],
        sum(stat["usec"] for stat in calls),
    )


@pytest.fixture(scope="module")
def few() -> Iterator[BigServer]:
    with seeded(jobs=10_000, queues=5, schedules=200, workers=6) as server:
        yield server


@pytest.fixture(scope="module")
def many() -> Iterator[BigServer]:
    with seeded(jobs=100_000, queues=5, schedules=2_000, workers=6) as server:
        yield server


@pytest.fixture(scope="module")
def million() -> Iterator[BigServer]:
    """The server of the figures."""
    with seeded(jobs=1_000_000, queues=1_000, schedules=100_000, workers=300) as server:
        yield server


@pytest.mark.parametrize("screen", SCREENS)
def test_round_trips_of_a_refresh(many: BigServer, screen: str) -> None:
    """At most 2 on Overview, and 4 on any other screen."""
    bound = 2 if screen == "overview" else 4
    reader = open_reader(many.url)
    for _ in range(3):
        reader.read(SCREENS[screen], time.time())
    with RoundTrips(reader._connection) as trips:
        reader.read(SCREENS[screen], time.time())
    print(f"\nround trips of {screen}: {trips.count} (at most {bound})")
    assert 0 < trips.count <= bound


@pytest.mark.parametrize("screen", SCREENS)
def test_a_refresh_costs_the_same_with_ten_times_the_jobs(few: BigServer, many: BigServer, screen: str) -> None:
    """Commands and bytes within 1.2 times, over as many queues and workers."""
    small, large = cost(few, SCREENS[screen]), cost(many, SCREENS[screen])
    print(
        f"\n{screen}: {large.commands:,} commands, {large.bytes:,} bytes; "
        f"{large.commands / small.commands:.2f} and {large.bytes / small.bytes:.2f} times those of a tenth (at most 1.2)"
    )
    assert large.commands <= small.commands * 1.2
    assert large.bytes <= small.bytes * 1.2


@pytest.mark.benchmark
def test_cost_of_a_refresh_between_ten_thousand_and_a_million_jobs(few: BigServer) -> None:
    """Bytes and server time within 1.2 times, over as many queues, schedules and workers. Printed beside it, without a bound:
    with a hundred times the schedules too, since a sorted set is looked into by the logarithm of its size."""
    queues, workers = 5, 6
    with (
        seeded(jobs=10_000, queues=queues, schedules=100_000, workers=workers) as small,
        seeded(jobs=1_000_000, queues=queues, schedules=100_000, workers=workers) as large,
    ):
        for screen, query in SCREENS.items():
            best = [min(turn, key=lambda one: one.server_us) for turn in zip(*costs(query, (few, small, large)), strict=True)]
            print(
                f"\n{screen}: {best[2].bytes:,} bytes, {best[2].bytes / best[1].bytes:.2f} times; {best[2].server_us:,} µs, "
                f"{best[2].server_us / best[1].server_us:.2f} times (at most 1.2); "
                f"{best[2].server_us / best[0].server_us:.2f} times with a hundred times the schedules",
                end="",
            )


def costs(query: ViewQuery, servers: Sequence[BigServer]) -> list[list[Cost]]:
    """What a refresh costs on each of these servers, in some rounds: in each the servers take turns."""
    return [[cost(server, query, 10) for server in servers] for _ in range(9)]


@pytest.mark.benchmark
def test_time_of_a_refresh_on_the_big_server(million: BigServer) -> None:
    """No bound of its own."""
    for screen, query in SCREENS.items():
        refresh = refreshing(million, query)
        print(f"\n{screen}: {sorted(seconds(refresh) for _ in range(11))[5] * 1e3:.1f} ms", end="")


@pytest.mark.benchmark
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_page_of_failures_against_a_bare_pipeline(million: BigServer, share: float) -> None:
    """Within 2 times of what a pipeline of redis-py takes for the same fields and newest results, at any depth."""
    with Redis.from_url(million.url) as redis:
        depth = int((redis.zcard(f"rq:failed:{BIGGEST}") - 50) * share)

        def bare() -> None:
            ids = redis.zrange(f"rq:failed:{BIGGEST}", depth, depth + 49, desc=True, withscores=True)
            pipe = redis.pipeline(transaction=False)
            for job, _ in ids:
                pipe.hmget(b"rq:job:" + job, FIELDS)
                pipe.xrevrange(b"rq:results:" + job, count=1)
            pipe.execute()

        ours, theirs = medians(refreshing(million, FailuresQuery(QUEUE, start=depth)), bare, turns=51)
    took = f"{ours * 1e3:.1f} ms, bare {theirs * 1e3:.1f} ms"
    print(f"\n50 failures from {depth:,} on: {took}: {ours / theirs:.2f} times (at most 2)")


@pytest.mark.benchmark
def test_overview_against_rq_info(million: BigServer) -> None:
    """At least 60 times as fast as `rq info --raw` in process. It writes; nothing here has expired, so it changes little."""
    from rq.cli.cli import main

    def rq_info() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            main.main(["info", "--raw", "-u", million.url], standalone_mode=False)

    refresh = refreshing(million, OverviewQuery())
    pairs = [(sorted(seconds(refresh) for _ in range(7))[3], seconds(rq_info)) for _ in range(3)]
    ours, theirs = sorted(pairs, key=lambda pair: pair[1] / pair[0])[1]
    print(f"\noverview: {ours * 1e3:.1f} ms, rq info {theirs * 1e3:,.0f} ms: {theirs / ours:.1f} times (at least 60)")
