"""What a longer look at an installation finds: plain entries, clocks, versions, and registries that grow, in five trips."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib import metadata
from typing import Any, Final

from console.model.doctor import Clock, Examined, Growth, PlainEntry
from console.model.payload import Pairs
from console.model.secrets import Secrets, masked_text
from console.model.status import QueueStatus, Status
from console.store import bounded, decoding, rq_keys, samples
from console.store.cadence_words import cron_in_words, period_in_words
from console.store.plain_entries import OURS
from console.store.steps import Line, Reading, Steps, beside
from console.store.trip import Answer
from console.store.values import instant, number, scored, text, text_or_none, whole
from jobs import keys, tiers
from jobs.cadence import Cron
from jobs.errors import JobsError

MAX_ENTRIES: Final = 1_000
"""Entries that are looked at, those that are due first."""

MAX_ALIKE: Final = 200
"""Entries whose calls are compared byte by byte, among those that look alike."""

MAX_GROWING: Final = 300
"""Queues whose samples are read: those with the most failed jobs."""

MAX_CLOCKS: Final = 200
"""Busy workers whose clocks are read of what they run."""

FIELD: Final = 4_096
"""Bytes of one field of an entry's job that are read."""

SHORT: Final = ("origin",)
LONG: Final = ("description", "meta", "retries_left", "result_ttl", "failure_ttl")

PACKAGES: Final = ("rq", "rq-scheduler", "redis")


def read(line: Line, status: Status, now: float, secrets: Secrets) -> Steps[Examined]:
    """The installation of `status`, examined at `now`."""
    entries = Reading(_entries(line, secrets))
    workers = Reading(_workers(line, status, now))
    growth = Reading(_growth(line, status.queues, now))
    yield from beside(entries, workers, growth)
    clocks, worker_versions = workers.result
    return Examined(
        status=status,
        entries=tuple(entries.result),
        clocks=tuple(clocks),
        growth=tuple(growth.result),
        packages=packages(),
        worker_versions=worker_versions,
        gaps={tier.name: float(tier.cadence.shortest_gap(now)) for tier in tiers.current().values()},
    )


def packages() -> dict[str, str]:
    """The versions of PACKAGES where this process runs."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


# --- plain entries --------------------------------------------------------------------------------


def _entries(line: Line, secrets: Secrets) -> Steps[list[PlainEntry]]:
    """The plain ones among the entries that are due first."""
    asked = line.ask("ZRANGEBYSCORE", keys.ENTRIES, "(0", "+inf", "WITHSCORES", "LIMIT", 0, MAX_ENTRIES)
    yield
    plain = [(one, due) for one, due in scored(asked.rows()) if not one.startswith(OURS)]
    jobs = [keys.RQ_JOB.encode() + one for one, _ in plain]
    told = yield from bounded.fields(line, jobs, SHORT, LONG, FIELD)
    found = [_entry(one, due, fields, secrets) for (one, due), fields in zip(plain, told, strict=True)]
    alike = Counter(looks for _, looks in found if looks)
    doubtful = [at for at, (_, looks) in enumerate(found) if alike[looks] > 1][:MAX_ALIKE]
    calls = yield from bounded.fields(line, [jobs[at] for at in doubtful], (), ("data",), FIELD)
    same = {at: _digest(found[at][1], call) for at, call in zip(doubtful, calls, strict=True)}
    return [replace(entry, same=same.get(at, b"")) for at, (entry, _) in enumerate(found)]


def _entry(one: bytes, due: float | None, fields: dict[str, bytes] | None, secrets: Secrets) -> tuple[PlainEntry, bytes]:
    """An entry, and what those have in common that may be the same: nothing where that cannot be told."""
    job = fields or {}
    spec, words, gap = _cadence(job.get("meta"), due)
    entry = PlainEntry(
        id=text(one),
        due=due,
        found=None if fields is None else bool(fields),
        call=masked_text(text(job.get("description", b"")), secrets),
        cadence=words,
        gap_s=gap,
        retries_left=whole(job.get("retries_left") or None),
        result_ttl=whole(job.get("result_ttl") or None),
        failure_ttl=whole(job.get("failure_ttl") or None),
    )
    looks = b"\0".join((spec.encode("utf-8", "replace"), job.get("origin", b""), job.get("description", b""))) if spec else b""
    return entry, looks


def _digest(looks: bytes, call: Mapping[str, bytes] | None) -> bytes:
    data = (call or {}).get("data")
    return hashlib.sha256(looks + b"\0" + data).digest() if data else b""


def _cadence(meta: bytes | None, due: float | None) -> tuple[str, str, float | None]:
    """When an entry comes due, as its meta says it (rq_scheduler.Scheduler.schedule and cron): for comparing, in words, and the
    time from one slot to the next."""
    found = decoding.value(meta) if meta else None
    told: dict[Any, Any] = (
        {key: value for key, value in found.items if isinstance(key, str)} if isinstance(found, Pairs) else {}
    )
    interval, cron = told.get("interval"), told.get("cron_string")
    if isinstance(interval, int) and not isinstance(interval, bool) and 0 < interval < 10**9:
        return f"every {interval}", period_in_words(interval), float(interval)
    if isinstance(cron, str) and 0 < len(cron) <= 200 and due is not None:
        return f"cron {cron}", cron_in_words(text(cron)), _gap(cron, int(due))
    return "", "", None


@lru_cache(maxsize=1_000)
def _gap(cron: str, due: int) -> float | None:
    try:
        return float(Cron(cron).next_after(due) - due)
    except (JobsError, ValueError, OverflowError, StopIteration):
        return None


# --- clocks and versions ----------------------------------------------------------------------------


def _workers(line: Line, status: Status, now: float) -> Steps[tuple[list[Clock], dict[str, str]]]:
    """Clocks of workers' hosts against the server's, and the version of RQ of each worker.

    A beat that lies in the server's future tells that its clock is ahead. What a worker runs tells more: when it is trusted no
    more, by the worker's clock, and when its key expires, by the server's, are the same instant (rq.executions).
    """
    present = [worker for worker in status.workers if worker.verdict != "gone"]
    hashes = line.trip.ask_each("HMGET", [_key(worker.name) for worker in present], "last_heartbeat", "hostname", "version")
    running = [worker for worker in present if worker.job][:MAX_CLOCKS]
    executions = [rq_keys.EXECUTIONS + (worker.job or "") for worker in running]
    trusted = [line.ask("ZREVRANGE", key, 0, 0, "WITHSCORES") for key in executions]
    expiring = [line.ask("PEXPIRETIME", key) for key in executions]
    info = line.ask("INFO", "server")
    yield
    server: Mapping[str, Any] = info.value if isinstance(info.value, dict) else {}
    micros = number(server.get("server_time_usec"))
    at = now if micros is None else micros / 1e6
    found: dict[str, float] = {}
    versions: dict[str, str] = {}
    for worker, fields in zip(present, hashes.values, strict=True):
        beat, host, version = fields or (None, None, None)
        seen = instant(beat)
        if seen is not None and seen > at and host:
            _keep(found, text(host), seen - at)
        if told := text_or_none(version):
            versions[worker.name] = told
    for worker, score, expires in zip(running, trusted, expiring, strict=True):
        ahead = _ahead(score, expires)
        if ahead is not None and worker.host:
            found[worker.host] = ahead
    if micros is not None:
        _keep(found, "this host", now - at)
    return [Clock(host, round(ahead, 1)) for host, ahead in sorted(found.items())], versions


def _keep(found: dict[str, float], host: str, ahead: float) -> None:
    if abs(ahead) > abs(found.get(host, 0.0)):
        found[host] = ahead


def _ahead(score: Answer, expires: Answer) -> float | None:
    newest, at = scored(score.rows()), expires.count()
    if not newest or newest[0][1] is None or at is None or at < 0:
        return None
    return newest[0][1] - at / 1000


def _key(worker: str) -> bytes:
    return (rq_keys.WORKER + worker).encode("utf-8", "replace")


# --- growth -------------------------------------------------------------------------------------


def _growth(line: Line, queues: Sequence[QueueStatus], now: float) -> Steps[list[Growth]]:
    """How registries of failed jobs have grown within about an hour, of queues that are sampled."""
    most = sorted((queue for queue in queues if queue.failed), key=lambda queue: -(queue.failed or 0))[:MAX_GROWING]
    streams = [keys.SAMPLES.encode() + queue.key for queue in most]
    newest = line.trip.ask_each("XREVRANGE", streams, "+", "-", "COUNT", 1)
    hour = line.trip.ask_each("XRANGE", streams, int((now - samples.HOUR) * 1000), "+", "COUNT", 1)
    yield
    found = []
    for queue, *both in zip(most, newest.values, hour.values, strict=True):
        last, first = (next((samples.point_of(*entry) for entry in entries or ()), None) for entries in both)
        # Where recording began anew between them, nobody knows how long that took.
        if last is not None and first is not None and last.anew == first.anew and None not in (last.failed, first.failed):
            grown = (last.failed or 0) - (first.failed or 0)
            found.append(Growth(queue.name, queue.key, queue.failed or 0, grown, last.at - first.at))
    return found
