"""The state of an installation, in three round trips however many queues, jobs and workers there are."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from redis import Redis

from console.model import problems
from console.model.masking import mask_url
from console.model.status import ServerInfo, Status, Unread, WorkerStatus
from console.store import queues, schedulers, workers
from console.store.trip import Answer, Trip
from console.store.values import text, whole
from jobs import keys, settings, tiers

SUSPENDED = f"{keys.RQ_QUEUES.rpartition(':')[0]}:suspended"


def read(connection: Redis, now: float) -> Status:
    """The installation at `now` (epoch seconds), with its problems.

    The first trip asks who is there, the second counts, the third looks at the jobs that the second named. A queue that
    only a worker knows of is counted in the third, so since when its next job has been waiting stays unknown.
    What the server refuses is unknown, and named; it never spoils the rest. Writes nothing, and decodes no job.
    Raises redis' ConnectionError and TimeoutError, and InvalidTiers.
    """
    first = Trip(connection)
    info = first.ask("INFO")
    queue_names, queues_total = queues.ask_names(first)
    worker_names, workers_total = workers.ask_names(first)
    schedules = schedulers.ask_schedules(first, now)
    suspended = first.ask("EXISTS", SUSPENDED)
    installed = first.ask("EXISTS", keys.SCHEDULES, keys.USERS, keys.HEARTBEAT, keys.LANES)
    latency = _timed(first)

    second = Trip(connection)
    counted = queues.ask(second, queues.names(queue_names), now)
    asked_workers = workers.ask(second, workers.names(worker_names))
    asked_rqschedulers = schedulers.ask_rqschedulers(second, schedules)
    second.go()
    found_info = info.value if isinstance(info.value, dict) else {}
    found_workers = workers.restore(asked_workers, now, replica=found_info.get("role") == "slave")

    third = Trip(connection)
    jobs = [queues.ask_jobs(third, queue) for queue in counted]
    known = {queue.name for queue in counted}
    unknown = {name for worker in found_workers for name in worker.queues if name not in known}
    counted_late = queues.ask(third, sorted(unknown)[: queues.MAX_QUEUES], now)
    asked_rq = schedulers.ask_rq(third, {queue.name: queue.lock for queue in counted})
    third.go()

    promises = _promises() if installed.value else {}
    listening: defaultdict[bytes, list[WorkerStatus]] = defaultdict(list)
    for worker in found_workers:
        for name in worker.queues:
            listening[name].append(worker.status)
    status = Status(
        as_of=now,
        server=_server(found_info, latency),
        queues=tuple(
            queues.restore(queue, about, listening[queue.name], promises, now)
            for queue, about in [*zip(counted, jobs, strict=True), *((queue, None) for queue in counted_late)]
        ),
        workers=tuple(worker.status for worker in found_workers),
        schedulers=(
            *schedulers.rqschedulers(schedules, asked_rqschedulers, now),
            *schedulers.rq(asked_rq, now),
            *schedulers.cron(schedules, now),
        ),
        schedules=schedulers.counts(schedules),
        suspended=None if suspended.value is None else bool(suspended.value),
        pass_lock=schedulers.pass_lock(schedules, now),
        refused=tuple({refused.what: refused for trip in (first, second, third) for refused in trip.refused}.values()),
        unread=(*_unread("queues", queue_names, queues_total), *_unread("workers", worker_names, workers_total)),
    )
    return replace(status, problems=problems.find(status))


def _timed(trip: Trip) -> float:
    start = time.perf_counter()
    trip.go()
    return round((time.perf_counter() - start) * 1000, 2)


def _promises() -> dict[str, int]:
    """The shortest promise of the tiers on each lane, in seconds."""
    shortest: dict[str, int] = {}
    for tier in tiers.current().values():
        shortest[tier.lane] = min(tier.promise, shortest.get(tier.lane, tier.promise))
    return shortest


def _server(info: Mapping[str, Any], latency: float) -> ServerInfo:
    valkey = info.get("valkey_version")
    version, policy = valkey or info.get("redis_version"), info.get("maxmemory_policy")
    return ServerInfo(
        url=mask_url(settings.current().redis_url),
        kind="valkey" if valkey else "redis" if version else "unknown",
        version=text(str(version)) if version else None,
        latency_ms=latency,
        used_memory=whole(info.get("used_memory")),
        maxmemory=whole(info.get("maxmemory")),
        maxmemory_policy=text(str(policy)) if policy else None,
    )


def _unread(what: str, names: Answer, total: Answer) -> list[Unread]:
    count = total.count() or 0
    return [Unread(what, len(names.rows()), count)] if count > len(names.rows()) else []
