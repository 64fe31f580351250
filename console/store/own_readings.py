"""What this console has read of queues itself, kept for where no heartbeat records samples."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from console.model.drain import Flow, flow
from console.model.history import Point
from console.model.status import QueueStatus

EVERY: Final = 15.0
"""Seconds between two readings that are kept."""

MOST: Final = 2_880
"""Readings that are kept of a queue: those of twelve hours."""

MOST_QUEUES: Final = 16
"""Queues of which readings are kept, the lanes among them: those that were met first."""


@dataclass(slots=True)
class OwnReadings:
    """The readings of one reader, by queue, the oldest first."""

    points: dict[bytes, deque[Point]] = field(default_factory=dict)

    def of(self, queue: bytes) -> Iterable[Point]:
        """The readings of a queue."""
        return self.points.get(queue, ())

    def flow(self, queue: bytes, waiting: int | None, now: float) -> Flow:
        """How fast it fills or empties by what was read of it so far, and reads now; nothing before EVERY seconds of that."""
        kept = self.points.get(queue)
        if not kept or now - kept[0].at < EVERY:
            return flow((), waiting, now)
        return flow((*kept, replace(kept[-1], at=now, waiting=waiting)), waiting, now)

    def keep(self, queue: bytes, point: Point) -> None:
        """Keep a reading, where none was kept just before. What a clock that was set back has left in the future goes."""
        if queue not in self.points and len(self.points) >= MOST_QUEUES:
            return
        kept = self.points.setdefault(queue, deque(maxlen=MOST))
        anew = kept[-1].anew if kept else 0
        if kept and kept[-1].at > point.at:
            anew += 1
            while kept and kept[-1].at > point.at:
                kept.pop()
        if not kept or point.at - kept[-1].at >= EVERY or kept[-1].anew != anew:
            kept.append(replace(point, anew=anew))

    def keep_all(self, queues: Iterable[QueueStatus], now: float) -> None:
        """Keep what an overview has told of the queues that it was told of in full."""
        for queue in queues:
            if queue.finished is not None and queue.waiting is not None:
                self.keep(queue.key, Point(now, queue.waiting, queue.oldest_s, queue.failed, own=True))
