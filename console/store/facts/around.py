"""What surrounds every job, queue and schedule: who works, who schedules, and how the server is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from console.model.status import Refused
from console.model.why.facts import Around
from console.store import rq_keys, schedulers, workers
from console.store.steps import Line, Reading, Steps, after
from console.store.values import text, whole
from console.store.workers import AskedWorkers
from jobs import keys, tiers
from jobs.errors import InvalidTiers

TOLD_ELSEWHERE: Final = (rq_keys.WORKER, rq_keys.WORKERS, rq_keys.CHANNEL, rq_keys.SUSPENDED, keys.ENTRIES_LOCK, "INFO")
"""What the names of things begin with that are read of the surroundings; the overview names them when they are refused."""


def beside(refused: Iterable[Refused]) -> tuple[Refused, ...]:
    """What was refused beside the surroundings: what a page of one thing has to tell."""
    return tuple(one for one in refused if not one.what.startswith(TOLD_ELSEWHERE))


def registered(line: Line) -> Steps[AskedWorkers]:
    """Who works, in two trips; what they run is not asked yet."""
    names, _ = workers.ask_names(line.trip)
    yield
    asked = workers.ask_hashes(line.trip, workers.names(names))
    if asked.names:
        yield
    return asked


def read(line: Line, asked: Reading[AskedWorkers], now: float) -> Steps[Around]:
    """Everything around, in three trips; `asked` is `registered`."""
    suspended, info = line.ask("EXISTS", rq_keys.SUSPENDED), line.ask("INFO")
    scheduling, schedules = schedulers.ask_names(line.trip, now), schedulers.ask_schedules(line.trip, now)
    yield
    rqschedulers = schedulers.ask_rqschedulers(line.trip, scheduling)
    if rqschedulers:
        yield
    found = yield from after(asked)
    running = workers.ask_executions(line.trip, found)
    if running.executions and running.executions.keys:
        yield
    server: Mapping[str, Any] = info.value if isinstance(info.value, dict) else {}
    # The heartbeat's entry may be that of another prefix, whose schedulers are told elsewhere.
    told = bool(schedulers.counts(scheduling, schedules).heartbeat and scheduling.total.count())
    return Around(
        now=now,
        suspended=None if suspended.value is None else bool(suspended.value),
        workers=tuple(worker.status for worker in workers.restore(running, now, server.get("role") == "slave")),
        rqschedulers=schedulers.rqschedulers(scheduling, rqschedulers, now),
        told=told,
        pass_lock=schedulers.pass_lock(schedules, now),
        used_memory=whole(server.get("used_memory")),
        maxmemory=whole(server.get("maxmemory")),
        policy=text(str(server.get("maxmemory_policy") or "")),
        evicted=whole(server.get("evicted_keys")),
        promise_s=_promise() if told else None,
    )


def _promise() -> float | None:
    """The shortest promise of the tiers; None where these cannot be read, which whoever needs them says."""
    try:
        return min((float(tier.promise) for tier in tiers.current().values()), default=None)
    except InvalidTiers:
        return None
