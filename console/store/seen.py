"""What one reader remembers between its reads: the names that it has met, so that a refresh need not ask first who is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.model.status import QueueStatus, Status
from console.store.own_readings import OwnReadings
from console.store.throughput import Recorded

if TYPE_CHECKING:
    from console.model.outlook import Outlook
    from console.store.curves import Probes
    from console.store.run_errors import RunErrors

MAX_QUEUES = 5_000
MAX_WORKERS = 2_000
MAX_LIMITS = 1_000
MAX_NAME = 1_000


@dataclass(slots=True)
class Seen:
    """Names of queues and workers, as Redis has them, that a list, a worker, an entry or a job has named.

    Used by one thread at a time. What was met stays until it is forgotten, MAX_QUEUES and MAX_WORKERS at the most.
    `registered` are those of the queues that are on RQ's own list. A name of more than MAX_NAME bytes is not remembered.
    `doubted` are those that nothing named when the last overview was read: they are forgotten as soon as they are empty.
    `origins` are the queues of rq-scheduler's soonest entries, by these.
    `in_short` is what the last overview has told of the queues off screen.
    """

    queues: set[bytes] = field(default_factory=set)
    workers: set[bytes] = field(default_factory=set)
    registered: set[bytes] = field(default_factory=set)
    doubted: frozenset[bytes] = frozenset()
    origins: dict[bytes, bytes] = field(default_factory=dict)
    in_short: dict[bytes, QueueStatus] = field(default_factory=dict)
    recorded: dict[str, Recorded] = field(default_factory=dict)
    """The last hour of the lanes' samples."""
    limits: set[bytes] = field(default_factory=set)
    """Names of rate limits, MAX_LIMITS at the most."""
    own: OwnReadings = field(default_factory=OwnReadings)
    """What was read of queues, for where no heartbeat records it."""
    process: str = ""
    """The run id of the server's process."""
    changed_at: float | None = None
    """When another one was met than before."""
    status: Status | None = None
    """The last overview."""
    outlook: Outlook | None = None
    """What the last overview has told beside the present state."""
    _errors: RunErrors | None = None
    _probes: Probes | None = None

    @property
    def errors(self) -> RunErrors:
        """Why runs of schedules failed."""
        if self._errors is None:
            from console.store.run_errors import RunErrors

            self._errors = RunErrors()
        return self._errors

    @property
    def probes(self) -> Probes:
        """Looks into the past."""
        if self._probes is None:
            from console.store.curves import Probes

            self._probes = Probes()
        return self._probes

    def meet_process(self, id: str, now: float) -> None:
        """Remember the process that answers."""
        if id and self.process not in ("", id):
            self.changed_at = now
        self.process = id or self.process

    def meet_queues(self, names: Iterable[bytes]) -> None:
        """Remember these queues, as long as there is room."""
        for name in names:
            if len(self.queues) >= MAX_QUEUES:
                return
            if len(name) <= MAX_NAME:
                self.queues.add(name)

    def meet_registered(self, names: Iterable[bytes]) -> None:
        """Remember these queues, which are on RQ's list; where there is no room, in place of others that are not."""
        fresh = {name for name in names if len(name) <= MAX_NAME} - self.registered
        self.registered.update(sorted(fresh)[: MAX_QUEUES - len(self.registered)])
        self.queues |= self.registered
        if len(self.queues) > MAX_QUEUES:
            self.queues = self.registered | set(sorted(self.queues - self.registered)[: MAX_QUEUES - len(self.registered)])

    def meet_workers(self, names: Iterable[bytes]) -> None:
        """Remember these workers, as long as there is room."""
        for name in names:
            if len(self.workers) >= MAX_WORKERS:
                return
            if len(name) <= MAX_NAME:
                self.workers.add(name)

    def meet_limits(self, names: Iterable[bytes]) -> None:
        """Remember these rate limits, as long as there is room."""
        for name in names:
            if len(self.limits) >= MAX_LIMITS:
                return
            if len(name) <= MAX_NAME:
                self.limits.add(name)

    def forget_queues(self, names: Iterable[bytes]) -> None:
        """Forget these queues, because they are no more."""
        gone = set(names)
        self.queues -= gone
        self.registered -= gone

    def forget_workers(self, names: Iterable[bytes]) -> None:
        """Forget these workers, because they are no more."""
        self.workers.difference_update(names)
