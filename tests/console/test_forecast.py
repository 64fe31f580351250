"""What becomes of a backlog, against simulated arrivals of known rates."""

from __future__ import annotations

import random

import pytest

from console.model.forecast import Forecast, forecast
from console.model.history import Point

NOW = 1_764_079_331.0
WAITING = 20_000


def simulated(
    arrivals: float,
    services: float,
    minutes: int = 40,
    waiting: int = WAITING,
    by_chance: int | None = None,
    counted: bool = True,
) -> list[Point]:
    """Samples, every 30 s, of a queue with these rates a minute; `by_chance` is the seed of arrivals and services that come by
    chance, each independent of all others, rather than in step."""
    chance = random.Random(by_chance)
    came = done = 0
    points: list[Point] = []
    for step in range(minutes * 2, -1, -1):
        depth = max(0, waiting + came - done)
        points.append(
            Point(NOW - step * 30, depth, 1.0, 0, *((came, done - done // 20, done // 20) if counted else (None, None, None)))
        )
        more, less = arrivals / 2, services / 2
        if by_chance is not None:
            more, less = (max(0, round(chance.gauss(rate, rate**0.5))) for rate in (more, less))
        came += round(more)
        done += round(min(less, depth + more))
    return points


def told(points: list[Point], now: float = NOW) -> Forecast:
    return forecast(points, points[-1].waiting, now)


@pytest.mark.parametrize(("arrivals", "services"), [(0, 60), (60, 120), (300, 340), (1_000, 1_200), (10, 14)])
def test_a_backlog_drains_when_its_rates_say_so(arrivals: float, services: float) -> None:
    points = simulated(arrivals, services)
    found = told(points)
    assert found.verdict == "drains"
    assert found.drain_s == pytest.approx((points[-1].waiting or 0) / (services - arrivals) * 60, rel=0.1)
    assert found.arrivals_per_min == pytest.approx(arrivals, rel=0.1)
    assert found.services_per_min == pytest.approx(services, rel=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_what_comes_by_chance_is_told_within_a_tenth(seed: int) -> None:
    points = simulated(600, 900, by_chance=seed)
    found = told(points)
    assert found.drain_s == pytest.approx((points[-1].waiting or 0) / 300 * 60, rel=0.1)
    assert found.arrivals_per_min == pytest.approx(600, rel=0.1)
    assert found.services_per_min == pytest.approx(900, rel=0.1)


@pytest.mark.parametrize(("arrivals", "services", "verdict"), [(120, 60, "grows"), (60, 0, "never"), (0, 0, "never")])
@pytest.mark.parametrize("counted", [True, False])
def test_a_queue_that_cannot_drain_says_so(arrivals: float, services: float, verdict: str, counted: bool) -> None:
    found = told(simulated(arrivals, services, counted=counted))
    # What nobody counts, and what never gets shorter, nobody is known to get through with.
    assert found.verdict == (verdict if counted else "never")
    assert found.drain_s is None


@pytest.mark.parametrize(("arrivals", "services", "verdict"), [(116, 114, "steady"), (116, 116, "steady"), (128, 116, "grows")])
def test_a_queue_that_hardly_grows_is_steady(arrivals: float, services: float, verdict: str) -> None:
    found = told(simulated(arrivals, services))
    assert (found.verdict, found.drain_s) == (verdict, None)


def test_jobs_that_nobody_counts_drain_by_their_number() -> None:
    points = simulated(0, 60, counted=False)
    found = told(points)
    assert found.verdict == "drains"
    assert found.drain_s == pytest.approx((points[-1].waiting or 0), rel=0.1)
    assert (found.arrivals_per_min, found.services_per_min) == (None, None)


def test_a_restart_and_a_gap_leave_the_rates_what_they_were() -> None:
    points = simulated(60, 120)
    restarted = [
        point if at < 50 else Point(point.at, point.waiting, 1.0, 0, (at - 50) * 30, (at - 50) * 57, (at - 50) * 3)
        for at, point in enumerate(points)
    ]
    for some in (restarted, [*points[:30], *points[45:]]):
        found = told(some)
        assert found.verdict == "drains"
        assert found.drain_s == pytest.approx((points[-1].waiting or 0), rel=0.1)
        assert found.services_per_min == pytest.approx(120, rel=0.1)


def test_an_empty_queue_is_empty_and_what_is_old_says_nothing() -> None:
    assert forecast([], 0, NOW).verdict == "empty"
    assert told(simulated(60, 120, waiting=0)).verdict == "empty"
    assert forecast([], 5, NOW).verdict == "unknown"
    assert forecast([], None, NOW).verdict == "unknown"
    points = simulated(60, 120)
    assert told(points, NOW + 600).verdict == "unknown"
    assert told(points[-1:]).verdict == "unknown"
