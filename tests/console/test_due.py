"""What is due, against a brute count of every entry."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from redis import Redis

from console.model.due import MINUTE, QUARTER, QUARTERS, Due, spread_per_min
from console.store import due
from console.store.steps import Line, alone
from jobs import keys
from tests.benchmarks.ratios import RoundTrips
from tests.console.whole_site import nothing_changes

NOW = 1_764_079_331.0
START = NOW // QUARTER * QUARTER
END = START + QUARTERS * QUARTER


def read(redis: Redis) -> Due:
    line = Line(redis)
    with RoundTrips(redis) as trips:
        found = alone(line, due.read(line, NOW))
    assert trips.count <= 3
    return found


def slots(kind: str) -> list[float]:
    random.seed(11)
    spread = [random.uniform(NOW - 3_000, END + 3_000) for _ in range(6_000)]
    if kind == "spread":
        return spread
    nine = [START + 40 * QUARTER + random.choice((0.0, 59.999, 7.0)) for _ in range(900)]
    if kind == "peak":
        return [*spread, *nine]
    if kind == "hidden":
        # Ten fuller quarters that are even, and one with less that has its slots in one minute.
        even = [START + (50 + n) * QUARTER + m * MINUTE for n in range(10) for m in range(15) for _ in range(40)]
        return [*even, *[START + 3 * QUARTER + 3 * MINUTE] * 400]
    if kind == "edges":
        return [START, NOW - 0.001, NOW, NOW + 0.001, END, END - 0.001, START + QUARTER, START + QUARTER - 0.001]
    return []


@pytest.mark.parametrize("kind", ["spread", "peak", "hidden", "edges", "none"])
def test_the_chart_is_what_counting_every_entry_gives(redis: Redis, kind: str) -> None:
    scores = slots(kind)
    if scores:
        redis.zadd(keys.ENTRIES, {f"entry-{n}": score for n, score in enumerate(scores)})
    redis.zadd(keys.ENTRIES, {keys.HEARTBEAT_ENTRY: 0})
    with nothing_changes(redis):
        found = read(redis)
    coming = [score for score in scores if NOW <= score < END]
    quarters = Counter(int((score - START) // QUARTER) for score in coming)
    assert found.quarters == tuple(quarters[n] for n in range(QUARTERS))
    assert (found.start, found.total) == (START, len(coming))
    assert found.late == sum(score < NOW for score in scores)
    minutes = Counter(score // MINUTE * MINUTE for score in coming)
    if not minutes:
        assert found.peak is None
        return
    assert found.peak is not None
    most = max(minutes.values())
    assert (found.peak.count, found.peak.at) == (most, min(at for at, count in minutes.items() if count == most))


def test_what_is_no_set_of_entries_is_not_known(redis: Redis) -> None:
    redis.set(keys.ENTRIES, "of another kind")
    found = read(redis)
    assert set(found.quarters) == {None}
    assert (found.peak, found.total, found.late) == (None, 0, None)


def test_spreading_is_arithmetic() -> None:
    assert spread_per_min(12_400, 3_600) == pytest.approx(206.67, rel=0.01)
    assert spread_per_min(1_440, 86_400) == 1
