"""The state of an installation, in two round trips however many queues, jobs and workers there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from redis import Redis

from console.model import problems
from console.model.masking import mask_url
from console.model.queries import OverviewQuery
from console.model.status import QueueStatus, ServerInfo, Status, Unread, WorkerStatus
from console.store import queues, rate_limits, rq_keys, schedulers, throughput, workers
from console.store.queues import AskedQueues
from console.store.seen import MAX_NAME, Seen
from console.store.trip import Answer, Trip
from console.store.values import text, whole
from jobs import keys, settings, tiers


def read(connection: Redis, query: OverviewQuery, now: float, seen: Seen, url: str | None = None) -> Status:
    """The installation at `now` (epoch seconds), with its problems. `url` is where it is, by default what the settings say.

    The first trip asks who is there, and counts whatever `seen` remembers; the second looks at what the first has named: the
    jobs that are next, queues and workers that are new. A third is made only when the second has named something new, as in the
    very first reading; since when the next job of a queue waits that turns up this late is unknown until the next reading.
    What the server refuses is unknown, and named; it never spoils the rest. Writes nothing, and decodes no job.
    Raises redis' errors of the connection, and InvalidTiers.
    """
    asked = AskedQueues(query, now)

    first = Trip(connection)
    installed = first.ask("EXISTS", keys.SCHEDULES, keys.USERS, keys.HEARTBEAT, keys.LANES)
    suspended = first.ask("EXISTS", rq_keys.SUSPENDED)
    info = first.ask("INFO")
    queue_names, queues_total = queues.ask_names(first)
    worker_names, workers_total = workers.ask_names(first)
    limit_names, limited = rate_limits.ask_names(first), rate_limits.ask(first, seen.limits)
    counted_limits = frozenset(seen.limits)
    scheduling, schedules = schedulers.ask_names(first, now), schedulers.ask_schedules(first, now)
    soonest, some_paused = schedulers.ask_soonest(first), schedulers.ask_some_paused(first)
    recorded = throughput.ask(first, seen.recorded, now)
    asked.ask(first, seen.queues, in_full=seen.doubted)
    known = workers.ask_hashes(first, sorted(seen.workers))
    first.go()

    registered, truncated = queues.registered(queue_names), _unread("queues", queue_names, queues_total)
    if not truncated:
        seen.registered &= registered
    seen.meet_registered(registered)
    seen.meet_queues(workers.queues_of(known))
    entries = soonest.rows()
    # An entry's queue does not change while it waits, so it is asked once.
    seen.origins = {entry: seen.origins[entry] for entry in entries if entry in seen.origins}
    named = seen.registered | workers.queues_of(known) | set(seen.origins.values())
    doubted = frozenset() if truncated else frozenset(seen.queues - named)
    present = frozenset(workers.names(worker_names))
    if not _unread("workers", worker_names, workers_total):
        seen.forget_workers(seen.workers - present)
    seen.meet_workers(present)
    seen.meet_limits(limit_names.rows())

    second = Trip(connection)
    asked.ask_jobs(second)
    asked.ask(second, seen.queues, in_full=doubted)
    known = workers.ask_executions(second, known)
    new = workers.ask_hashes(second, sorted(seen.workers.difference(known.names)))
    new_limited = rate_limits.ask(second, seen.limits - counted_limits)
    paused = schedulers.ask_paused(second, some_paused)
    asked_rqschedulers = schedulers.ask_rqschedulers(second, scheduling)
    asked_rq = schedulers.ask_rq(second, asked.locks())
    fresh = [entry for entry in entries if entry not in seen.origins]
    origins = schedulers.ask_origins(second, fresh)
    second.go()

    seen.meet_queues(workers.queues_of(new))
    seen.origins |= {entry: origin[: MAX_NAME + 1] for entry, origin in zip(fresh, origins.values, strict=False) if origin}
    seen.meet_queues(seen.origins.values())

    third = Trip(connection)
    asked.ask_jobs(third)
    asked.ask(third, seen.queues)
    new = workers.ask_executions(third, new)
    asked_rq += schedulers.ask_rq(third, asked.locks(), asked_rq)
    third.go()

    found_info = info.value if isinstance(info.value, dict) else {}
    seen.meet_process(str(found_info.get("run_id", "")), now)
    changed_s = None if seen.changed_at is None else max(0.0, now - seen.changed_at)
    both = [*workers.restore(known, now, _is_replica(found_info)), *workers.restore(new, now, _is_replica(found_info))]
    found_workers = sorted((worker for worker in both if worker.name in seen.workers), key=lambda worker: worker.name)
    listening: defaultdict[bytes, list[WorkerStatus]] = defaultdict(list)
    for worker in found_workers:
        for name in worker.queues:
            listening[name].append(worker.status)
    found = asked.restore(listening, _promises() if installed.value else {}, seen.in_short, seen.own)
    # A queue that RQ took off its list, or that was met through what is gone, is forgotten as soon as nothing is left of it.
    seen.doubted = doubted.difference(listening, seen.origins.values())
    seen.forget_queues({name for name in seen.doubted if _is_empty(found[name])})
    seen.doubted &= seen.queues
    seen.in_short = {name: queue for name, queue in found.items() if not asked.in_full(name)}
    status = Status(
        as_of=now,
        server=_server(found_info, _latency(first, second), url or settings.current().redis_url, changed_s),
        queues=tuple(_paced(found[name], suspended.value) for name in queues.ordered(seen.queues)),
        workers=tuple(worker.status for worker in found_workers),
        schedulers=(
            *schedulers.rqschedulers(scheduling, asked_rqschedulers, now),
            *schedulers.rq(asked_rq, now),
            *schedulers.cron(scheduling, now),
        ),
        schedules=schedulers.counts(scheduling, schedules, paused, now),
        suspended=None if suspended.value is None else bool(suspended.value),
        held_back=rate_limits.held_back(limit_names, limited, new_limited),
        pass_lock=schedulers.pass_lock(schedules, now),
        refused=tuple({refused.what: refused for trip in (first, second, third) for refused in trip.refused}.values()),
        throughput=throughput.restore(recorded, seen.recorded, now),
        unread=(*truncated, *_unread("workers", worker_names, workers_total)),
    )
    seen.own.keep_all(status.queues, now)
    seen.status = replace(status, problems=problems.find(status))
    return seen.status


def _paced(queue: QueueStatus, suspended: object) -> QueueStatus:
    """The queue without a time to empty where it has jobs that no worker takes, however fast it went a minute ago."""
    return replace(queue, drain_s=None) if suspended and queue.waiting and queue.drain_s is not None else queue


def _is_empty(queue: QueueStatus) -> bool:
    """Whether a queue that was read in full holds nothing."""
    counts = (queue.waiting, queue.running, queue.retrying, queue.scheduled, queue.deferred)
    return all(count == 0 for count in (*counts, queue.finished, queue.failed, queue.canceled))


def _latency(*trips: Trip) -> float:
    """Seconds to the first reply, of the trip that had the fewest questions before it."""
    return min((trip.first_reply_s for trip in trips if trip.first_reply_s is not None), default=0.0)


def _is_replica(info: Mapping[str, Any]) -> bool:
    return info.get("role") == "slave"


def _promises() -> dict[str, int]:
    """The shortest promise of the tiers on each lane, in seconds."""
    shortest: dict[str, int] = {}
    for tier in tiers.current().values():
        shortest[tier.lane] = min(tier.promise, shortest.get(tier.lane, tier.promise))
    return shortest


def _server(info: Mapping[str, Any], latency_s: float, url: str, changed_s: float | None) -> ServerInfo:
    valkey = info.get("valkey_version")
    version, policy = valkey or info.get("redis_version"), info.get("maxmemory_policy")
    return ServerInfo(
        url=mask_url(url),
        kind="valkey" if valkey else "redis" if version else "unknown",
        version=text(str(version)) if version else None,
        latency_ms=round(latency_s * 1000, 2),
        used_memory=whole(info.get("used_memory")),
        maxmemory=whole(info.get("maxmemory")),
        maxmemory_policy=text(str(policy)) if policy else None,
        refuses_writes="it is a replica" if _is_replica(info) and whole(info.get("slave_read_only")) != 0 else "",
        changed_s=changed_s,
    )


def _unread(what: str, names: Answer, total: Answer) -> list[Unread]:
    count = total.count() or 0
    return [Unread(what, len(names.rows()), count)] if count > len(names.rows()) else []
