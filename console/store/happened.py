"""What happened on its own, as far as the server knows: workers that are gone, entries that were set aside, and the counts of
the heartbeat and of the lanes. Nobody keeps a history of it: what has no instant was counted since the installation began."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from console.model.activity import KINDS, Happened
from console.model.secrets import Secrets, masked_text
from console.store import bounded, rq_keys, schedulers, workers
from console.store.seen import Seen
from console.store.steps import Line, Reading, Steps, beside
from console.store.trip import Answer
from console.store.values import number, text, whole
from jobs import keys
from jobs.lanes import LANES

SET_ASIDE: Final = 20
"""Entries in quarantine that are told, the newest."""

SILENT: Final = 20
"""Workers that are told, those that are gone first."""

MENDED: Final = ("recovered", "rearmed", "moved")
"""Counts of the heartbeat, which are kinds of what happened."""

SKIPS: Final = ("overlap", "missed", "paused", "inactive")
"""Why a slot gets no run (jobs/firing.py)."""


def read(line: Line, now: float, seen: Seen, secrets: Secrets) -> Steps[tuple[Happened, ...]]:
    """All of it at `now` (epoch seconds), in three trips, what wants to be looked at first."""
    suspended = line.ask("EXISTS", rq_keys.SUSPENDED)
    names = schedulers.ask_names(line.trip, now)
    schedules = schedulers.ask_schedules(line.trip, now)
    mended = line.ask("HMGET", keys.HEARTBEAT, *MENDED)
    lanes = line.trip.ask_each("HMGET", [(keys.LANE + lane).encode() for lane in LANES], *(f"skip:{one}" for one in SKIPS))
    silent, quarantined = Reading(_silent(line, now, seen)), Reading(_set_aside(line, secrets))
    yield from beside(silent, quarantined)
    found = [*silent.result, *quarantined.result]
    if suspended.value:
        found.append(Happened(b"suspended", "suspended"))
    counts = schedulers.counts(names, schedules)
    told = {"orphaned": counts.orphaned, "overdue": counts.late}
    told |= dict(zip(MENDED, map(whole, mended.rows()), strict=False))
    found += [Happened(kind.encode(), kind, count=count) for kind, count in told.items() if count and count > 0]
    found += _skipped([row for row in lanes.values if row])
    return tuple(sorted(found, key=lambda one: KINDS.index(one.kind)))


def _silent(line: Line, now: float, seen: Seen) -> Steps[list[Happened]]:
    """Registered workers of which nothing is heard, in two trips."""
    replication = line.ask("INFO", "replication")
    answer, total = workers.ask_names(line.trip)
    yield
    present = workers.names(answer)
    if answer.value is not None and (total.count() or 0) <= len(present):
        seen.forget_workers(seen.workers - set(present))
    seen.meet_workers(present)
    asked = workers.ask(line.trip, sorted(seen.workers))
    yield
    replica = isinstance(replication.value, dict) and replication.value.get("role") == "slave"
    found: list[Happened] = []
    for worker, job in zip(workers.restore(asked, now, replica), workers.running(asked), strict=True):
        status = worker.status
        if status.verdict != "live":
            beat = None if status.heartbeat_s is None else now - status.heartbeat_s
            key = b"worker " + worker.name
            found.append(Happened(key, status.verdict, status.name, at=beat, why=status.job or "", job=job))
    return sorted(found, key=lambda one: (KINDS.index(one.kind), -(one.at or 0.0), one.key))[:SILENT]


def _set_aside(line: Line, secrets: Secrets) -> Steps[list[Happened]]:
    """Entries in quarantine, the newest first, in three trips; and how many older ones there are."""
    newest = line.ask("ZREVRANGE", keys.QUARANTINE, 0, SET_ASIDE - 1)
    total: Answer = line.ask("ZCARD", keys.QUARANTINE)
    yield
    numbers = [member for member in newest.rows() if len(member) <= 20][:SET_ASIDE]
    hashes = yield from bounded.hashes(line, [keys.QUARANTINED.encode() + number for number in numbers])
    found = []
    for name, fields in zip(numbers, hashes, strict=True):
        told = {field: masked_text(text(value), secrets) for field, value in (fields or {}).items()}
        found.append(
            Happened(
                b"entry " + name,
                "set aside",
                told.get(b"id") or f"number {text(name)}",
                at=number((fields or {}).get(b"at")),
                why=told.get(b"reason", ""),
                number=name,
            )
        )
    older = (total.count() or 0) - len(found)
    return [*found, Happened(b"entries", "set aside", count=older)] if older > 0 else found


def _skipped(lanes: Sequence[Sequence[bytes | None]]) -> Iterator[Happened]:
    """Slots that got no run, of all lanes together, by reason."""
    for at, reason in enumerate(SKIPS):
        count = sum(whole(row[at]) or 0 for row in lanes)
        if count > 0:
            yield Happened(f"skipped {reason}".encode(), "skipped", reason, count)
