"""What every duty works on, read once a beat, and what a duty is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.client import Pipeline
from rq_scheduler import Scheduler

from jobs import keys


@dataclass(frozen=True, slots=True)
class Scene:
    """One beat's view. `now` is the server's time (epoch seconds); `queues` are the lanes and RQ's other queues, each the bytes
    of its name, which need not be UTF-8; `noted` is what earlier beats left in keys.HEARTBEAT; `scheduler` is the one whose
    pass this is, if it is one's."""

    now: float
    lanes: tuple[bytes, ...]
    queues: tuple[bytes, ...]
    schedules: int
    noted: dict[str, str]
    scheduler: Scheduler | None

    def count(self, name: str) -> int:
        """A number that an earlier beat left, 0 without one."""
        text = self.noted.get(name, "0")
        return int(text) if text.isdecimal() and len(text) < 20 else 0


@dataclass(frozen=True, slots=True)
class Duty:
    """`ask` adds commands to the beat's pipeline; `answer` gets their replies, None for each that failed, does what they call
    for, and returns how many things it mended. The counts add up under `name` in keys.HEARTBEAT."""

    name: str
    ask: Callable[[Pipeline, Scene], None]
    answer: Callable[[Redis, Scene, Sequence[Any]], int]


def key(prefix: str, queue: bytes) -> bytes:
    """The key of a queue."""
    return prefix.encode() + queue


def look(connection: Redis, scheduler: Scheduler | None) -> Scene:
    """Read the scene in one round trip. A key of the wrong type reads as empty."""
    with connection.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.smembers(keys.LANES)
        pipe.smembers(keys.RQ_QUEUES)
        pipe.hgetall(keys.HEARTBEAT)
        pipe.zcard(keys.SCHEDULES)
        (seconds, micros), *replies = pipe.execute(raise_on_error=False)
    lanes, queues, noted, schedules = replies
    named, prefix = _members(lanes), keys.RQ_QUEUE.encode()
    others = [member.removeprefix(prefix) for member in _members(queues) if member.startswith(prefix)]
    return Scene(
        now=seconds + micros / 1e6,
        lanes=tuple(named),
        queues=tuple(dict.fromkeys([*named, *others])),
        schedules=schedules if isinstance(schedules, int) else 0,
        noted={_text(name): _text(value) for name, value in noted.items()} if isinstance(noted, dict) else {},
        scheduler=scheduler,
    )


def _members(reply: object) -> list[bytes]:
    return sorted(reply) if isinstance(reply, set) else []


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
