"""History on a real server: bounded reads of what was recorded, hostile records, and the audit around an instant."""

from __future__ import annotations

import pytest
from redis import Redis
from rq import Queue

from console.app import Console
from console.model.history import GRIDS, SPANS, HistoryPage, Span, of_column, window
from console.model.ports import Target
from console.model.queries import HistoryQuery, OverviewQuery
from console.model.secrets import Secrets
from console.store import history, outlook, status
from console.store.own_readings import EVERY, MOST, MOST_QUEUES
from console.store.reader import open_reader
from console.store.seen import Seen
from jobs import keys
from tests.benchmarks.ratios import RoundTrips
from tests.conftest import Server
from tests.console.pilots import driving
from tests.console.whole_site import nothing_changes

NOW = 1_764_079_331.0


def record(redis: Redis, queue: str, start: float, end: float, per_min: int = 60, **odd: object) -> None:
    """Samples as the heartbeat records them."""
    with redis.pipeline(transaction=False) as pipe:
        for at in range(int(start) // 30 * 30, int(end) + 1, 30):
            done = (at - int(start)) * per_min // 60
            fields = {"waiting": 7, "oldest_s": 3, "failed": 2, "in": done, "done": done, "failed_runs": 0, "retried": 0} | odd
            pipe.xadd(keys.SAMPLES + queue, fields, id=f"{at}000-0")
        pipe.execute()


def read(redis: Redis, query: HistoryQuery, seen: Seen | None = None, now: float = NOW, most: int = 4) -> HistoryPage:
    with RoundTrips(redis) as trips:
        found = history.read(redis, query, now, seen or Seen(), Secrets())
    assert trips.count <= most
    return found


@pytest.mark.parametrize("span", SPANS)
def test_each_span_is_told_of_samples_in_four_round_trips(redis: Redis, span: Span) -> None:
    record(redis, "high", NOW - GRIDS[span].columns * GRIDS[span].step_s - 600, NOW)
    with nothing_changes(redis):
        [found] = read(redis, HistoryQuery(span)).curves
    assert found.queue == "high"
    assert all(value == pytest.approx(60, rel=0.04) for value in found.done[:-1])
    assert set(found.waiting[:-1]) == {7}
    assert found.forecast is not None
    assert found.forecast.services_per_min == pytest.approx(60, rel=0.1)
    assert found.forecast.verdict == "steady"


def test_a_week_is_read_in_bounded_parts_and_only_once(redis: Redis) -> None:
    record(redis, "high", NOW - 7 * 86_400, NOW)
    assert redis.xlen(keys.SAMPLES + "high") > 20_000
    seen = Seen()
    redis.config_resetstat()
    first = read(redis, HistoryQuery("7d"), seen)
    bytes_read = redis.info()["total_net_output_bytes"]
    ranges = redis.info("commandstats")["cmdstat_xrange"]["calls"]
    assert ranges <= 3 * GRIDS["7d"].columns * GRIDS["7d"].probes
    assert bytes_read < 300_000
    redis.config_resetstat()
    assert read(redis, HistoryQuery("7d"), seen).curves == first.curves
    assert redis.info("commandstats")["cmdstat_xrange"]["calls"] <= 3


def test_a_queue_that_is_no_lane_is_told_when_it_is_asked_for(redis: Redis) -> None:
    record(redis, "mail", NOW - 3_600, NOW)
    assert read(redis, HistoryQuery()).curves == ()
    [found] = read(redis, HistoryQuery(queue=b"mail")).curves
    assert (found.key, set(found.waiting[1:-1])) == (b"mail", {7})


def test_records_of_strangers_are_told_as_gaps(redis: Redis) -> None:
    start, _ = window("1h", NOW)
    odd: list[dict[str, object]] = [
        {"waiting": "many"}, {"waiting": "-5", "done": "1e400"}, {"waiting": "nan", "in": "\x1b[2J"}, {"": ""},
        {"waiting": "9" * 60}, {"done": "7.5", "failed_runs": "inf"},
    ]  # fmt: skip
    for n, fields in enumerate(odd):
        redis.xadd(keys.SAMPLES + "high", fields, id=f"{int(start) + n * 60}000-7")  # type: ignore[arg-type]
    record(redis, "high", start + 1_800, NOW)
    redis.set(keys.SAMPLES + "low", "of another kind")
    redis.set(keys.LANE + "low", "of another kind")
    redis.xadd(keys.SAMPLES + "high", {"waiting": 10**6}, id=f"{int(NOW) + 500_000}000-0")
    found = read(redis, HistoryQuery())
    assert {one.what for one in found.refused} == {keys.SAMPLES + "low", keys.LANE + "low"}
    [high] = [one for one in found.curves if one.queue == "high"]
    assert set(high.waiting[:30]) == {None}
    assert set(high.done[:29]) == {None}
    assert set(high.waiting[30:-1]) == {7}


def test_without_a_heartbeat_this_console_s_own_readings_are_told(redis: Redis) -> None:
    mail = Queue("mail", connection=redis)
    seen = Seen()
    for minute in range(30):
        mail.enqueue("time.sleep", 0)
        status.read(redis, OverviewQuery(), NOW + minute * 60, seen)
    later = NOW + 30 * 60
    [found] = read(redis, HistoryQuery(queue=b"mail"), seen, later).curves
    known = [value for value in found.waiting if value is not None]
    assert known == list(range(1, 31))
    assert found.own
    assert found.forecast is not None
    assert found.forecast.verdict == "never"
    assert set(found.done) == {None}


def test_own_readings_are_bounded_and_a_clock_that_is_set_back_takes_what_lay_ahead(redis: Redis) -> None:
    for n in range(40):
        Queue(f"q{n:02}", connection=redis).enqueue("time.sleep", 0)
    seen = Seen()
    for second in range(200):
        status.read(redis, OverviewQuery(), NOW + second, seen)
    assert len(seen.own.points) == MOST_QUEUES
    assert {len(points) for points in seen.own.points.values()} == {int(200 / EVERY) + 1}
    assert {points.maxlen for points in seen.own.points.values()} == {MOST}
    status.read(redis, OverviewQuery(), NOW + 100, seen)
    assert all(points[-1].at <= NOW + 100 for points in seen.own.points.values())


def test_the_audit_is_told_around_the_instant_of_the_cursor(redis: Redis) -> None:
    for n in range(200):
        at = int(NOW) - 20_000 + n * 100
        begun = {"event": "begun", "operation": f"op-{n}", "who": "ann", "command": "requeue", "scope": "all"}
        redis.xadd(keys.ACTIVITY, begun, id=f"{at}000-0")  # type: ignore[arg-type]
        redis.xadd(keys.ACTIVITY, {"event": "ended", "operation": f"op-{n}", "how": "done", "done": 1}, id=f"{at}500-0")
    at = NOW - 20_000 + 100 * 100 + 50
    with nothing_changes(redis):
        found = read(redis, HistoryQuery("24h", at=at))
    names = [row.id for row in found.near]
    until = of_column("24h", NOW, at)[1]
    last = max(n for n in range(111) if int(NOW) - 20_000 + n * 100 < until)
    assert names == [f"op-{n}" for n in range(last, 80, -1)]
    assert {row.how for row in found.near} == {"done"}
    assert found.outlook is None
    # Of what was done later nothing is told, however near it is to the present.
    assert read(redis, HistoryQuery("1h", at=at)).near[0].id == "op-100"
    newest = read(redis, HistoryQuery("24h")).near
    assert [row.id for row in newest] == [f"op-{n}" for n in range(199, 179, -1)]
    assert read(redis, HistoryQuery(at=-1e18)).near == ()
    assert read(redis, HistoryQuery(at=1e18)).near[0].id == "op-199"


def test_the_overview_s_outlook_takes_three_trips_and_is_kept_for_a_while(redis: Redis) -> None:
    record(redis, "high", NOW - 3_600, NOW)
    seen = Seen()
    for span, later, most in (("1h", 0, 3), ("1h", 5, 0), ("24h", 5, 3), ("24h", 20, 3)):
        with nothing_changes(redis), RoundTrips(redis) as trips:
            found = outlook.read(redis, span, NOW + later, seen)  # type: ignore[arg-type]
        assert trips.count <= most
        assert found.span == span
        assert [one.queue for one in found.curves] == ["high"]
        assert found.due is not None
        assert found.promises is not None
        assert found.busiest is not None


async def test_from_the_overview_to_what_was_done_at_an_instant_and_back(redis: Redis, server: Server) -> None:
    record(redis, "high", NOW - 3_600, NOW)
    begun = {"event": "begun", "operation": "op-1", "who": "ann", "command": "requeue", "scope": "all failed jobs"}
    redis.xadd(keys.ACTIVITY, begun, id=f"{int(NOW) - 90}000-0")  # type: ignore[arg-type]
    here = Target("", server.url, lambda: open_reader(server.url))
    async with driving(Console([here], here, refresh_s=0.2, clock=lambda: NOW)) as driver:
        await driver.shows("high")
        await driver.press("e")
        await driver.shows("in/min", "▲", "requeue all failed jobs")
        await driver.press("left", "left")
        await driver.shows("until", "ann")
        await driver.press("tab")
        await driver.shows("[24 h]", "until")
        await driver.press("escape")
        await driver.shows("OLDEST")
        assert driver.app.fault == ""
