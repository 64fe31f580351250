"""Measuring two things in one run, turn by turn, so that what the machine does meanwhile weighs on both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from redis import Redis


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def medians(ours: Callable[[], object], theirs: Callable[[], object], turns: int = 5) -> tuple[float, float]:
    """The median seconds of each, measured in turns."""
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(turns)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


class RoundTrips:
    """Counts what one client sends and waits for: each command, and each pipeline as one."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.count = 0

    def __enter__(self) -> RoundTrips:
        pool = self.redis.connection_pool
        connection = pool.get_connection()
        pool.release(connection)
        self._send = connection.send_packed_command
        counter = self

        def send(*args: object, **kwargs: object) -> object:
            counter.count += 1
            return self._send(*args, **kwargs)

        self._connection = connection
        connection.send_packed_command = send  # type: ignore[method-assign]
        return self

    def __exit__(self, *exc: object) -> None:
        self._connection.send_packed_command = self._send  # type: ignore[method-assign]
