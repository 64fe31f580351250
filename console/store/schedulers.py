"""Schedulers of all three kinds, found without a scan, and the counts of schedules.

- rqscheduler: the heartbeat lists every one that it runs in (keys.SCHEDULERS); where the job layer is not installed, a plain
  one leaves no trace but its lock.
- RQ's own (`rq`): its name is the value of the lock of each queue that it serves.
- `rq cron`: RQ lists them in one sorted set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from console.model.due import LATE
from console.model.status import FAILING_RUNS, PassLock, ScheduleCounts, SchedulerStatus, Verdict
from console.store import rq_keys
from console.store.trip import Answer, Answers, Trip
from console.store.values import age, instant, number, pairs, text, text_or_none, whole
from jobs import keys

NEWEST = 50
"""How many schedulers of each kind are read, those that were seen last."""

SOONEST = 100
"""Entries of rq-scheduler that are looked at for the queue that each will be put on: those that are due first."""

FORGOTTEN = 3_600.0
"""Seconds after which a scheduler that is gone is not shown any more."""

PAUSED = 200
"""Paused schedules that are looked at for when their slots would be."""

RQ_BEAT = 15.0
"""Seconds after which RQ's scheduler is late: it beats every second, but not while it moves a thousand jobs."""

MAX_LOCK = 40
"""Bytes of rq-scheduler's lock that are read: since when it is held, as a number."""

RQ_LOCK = 61.0
"""Seconds for which its locks and its hash outlive its last beat."""

CRON_BEAT, CRON_EXPIRY = 70.0, 120.0
"""`rq cron` beats once a minute at least; RQ forgets it after two."""


@dataclass(frozen=True, slots=True)
class AskedNames:
    """The questions about who may be scheduling, and whether there is anything to schedule."""

    seen: Answer
    cron: Answer
    total: Answer
    paused: Answer
    longest_due: Answer

    @property
    def armed(self) -> int | None:
        """How many users' schedules are not paused."""
        total, paused = self.total.count(), self.paused.count()
        return None if total is None or paused is None else max(0, total - paused)


@dataclass(frozen=True, slots=True)
class AskedSchedules:
    """The other questions about schedules."""

    quarantined: Answer
    orphaned: Answer
    failing: Answer
    late: Answer
    due_next_hour: Answer
    entries: Answer
    first: Answer
    lock: Answer
    lock_ttl: Answer


@dataclass(frozen=True, slots=True)
class AskedScheduler:
    """The questions about one scheduler: its hash; for an rqscheduler the one that rq-scheduler keeps, too; for RQ's own how
    long it keeps a lock that it holds."""

    name: bytes
    seen_at: float | None
    fields: Answer
    instance: Answer | None = None
    lock_ttl: Answer | None = None


def ask_names(trip: Trip, now: float) -> AskedNames:
    """Ask who may be scheduling."""
    return AskedNames(
        seen=trip.ask("ZREVRANGE", keys.SCHEDULERS, 0, NEWEST - 1, "WITHSCORES"),
        cron=trip.ask("ZREVRANGE", rq_keys.CRON_SCHEDULERS, 0, NEWEST - 1, "WITHSCORES"),
        total=trip.ask("ZCARD", keys.SCHEDULES),
        paused=trip.ask("SCARD", keys.PAUSED),
        longest_due=trip.ask("ZRANGEBYSCORE", keys.ENTRIES, "(0", now, "WITHSCORES", "LIMIT", 0, 1),
    )


def ask_schedules(trip: Trip, now: float) -> AskedSchedules:
    """Ask for the other counts, and for rq-scheduler's lock."""
    return AskedSchedules(
        quarantined=trip.ask("ZCARD", keys.QUARANTINE),
        orphaned=trip.ask("HGET", keys.HEARTBEAT, "orphaned"),
        failing=trip.ask("ZCOUNT", keys.FAILING, FAILING_RUNS, "+inf"),
        # The heartbeat's entry has the score 0: it is always due, and never late.
        late=trip.ask("ZCOUNT", keys.ENTRIES, "(0", now - LATE),
        due_next_hour=trip.ask("ZCOUNT", keys.ENTRIES, "(0", now + 3_600),
        entries=trip.ask("ZCOUNT", keys.ENTRIES, "(0", "+inf"),
        # The heartbeat's entry sorts before every other. ZSCORE would say nothing whether it is refused or not there.
        first=trip.ask("ZRANGE", keys.ENTRIES, 0, 0),
        lock=trip.ask("GETRANGE", keys.ENTRIES_LOCK, 0, MAX_LOCK - 1),
        lock_ttl=trip.ask("PTTL", keys.ENTRIES_LOCK),
    )


def ask_soonest(trip: Trip) -> Answer:
    """Ask which entries of rq-scheduler are due first, SOONEST at the most."""
    return trip.ask("ZRANGEBYSCORE", keys.ENTRIES, "(0", "+inf", "LIMIT", 0, SOONEST)


def ask_origins(trip: Trip, entries: Iterable[bytes]) -> Answers:
    """Ask for the queue that each of these entries will be put on, which is fetched whatever its size."""
    return trip.ask_each("HGET", [keys.RQ_JOB.encode() + entry for entry in entries], "origin")


def ask_some_paused(trip: Trip) -> Answer:
    """Ask which schedules are paused, PAUSED at the most."""
    return trip.ask("SRANDMEMBER", keys.PAUSED, PAUSED)


def ask_paused(trip: Trip, some: Answer) -> Answer | None:
    """Ask when the slots would be of these paused schedules: their entries stay, and skip."""
    return trip.ask("ZMSCORE", keys.ENTRIES, *some.rows()) if some.rows() else None


def ask_rqschedulers(trip: Trip, names: AskedNames) -> tuple[AskedScheduler, ...]:
    """Ask about each rqscheduler that the heartbeat has listed. Two fields of each hash are fetched whatever their size."""
    return tuple(
        AskedScheduler(
            name=name,
            seen_at=seen_at,
            fields=trip.ask("HMGET", keys.SCHEDULER.encode() + name, "host", "poll_s"),
            instance=trip.ask("HMGET", rq_keys.RQSCHEDULER.encode() + name, "birth", "death"),
        )
        for name, seen_at in pairs(names.seen.rows())
    )


def ask_rq(trip: Trip, locks: Mapping[bytes, bytes], asked: Iterable[AskedScheduler] = ()) -> tuple[AskedScheduler, ...]:
    """Ask about each scheduler of RQ's own that holds the lock of a queue, but for those that were `asked` about before;
    `locks` has the name of the holder by that of the queue. Two fields of each hash are fetched whatever their size."""
    queue_of = {holder: queue for queue, holder in locks.items()}
    for scheduler in asked:
        queue_of.pop(scheduler.name, None)
    return tuple(
        AskedScheduler(
            name=name,
            seen_at=None,
            fields=trip.ask("HMGET", rq_keys.SCHEDULER.encode() + name, "hostname", "last_heartbeat"),
            lock_ttl=trip.ask("PTTL", keys.RQ_SCHEDULER_LOCK.encode() + queue),
        )
        for name, queue in sorted(queue_of.items())[:NEWEST]
    )


def counts(names: AskedNames, asked: AskedSchedules, paused: Answer | None = None, now: float = 0.0) -> ScheduleCounts:
    """The counts of schedules. `paused`, as ask_paused has asked, are not counted as due at `now`: of more than PAUSED of them
    as large a share as of those that were looked at."""
    due = asked.due_next_hour.count()
    if due is not None and paused is not None:
        scores = paused.rows()
        skipping = sum(score is not None and 0 < score < now + 3_600 for score in map(number, scores))
        due = max(0, due - round(skipping * (names.paused.count() or 0) / max(1, len(scores))))
    return ScheduleCounts(
        armed=names.armed,
        paused=names.paused.count(),
        late=asked.late.count(),
        orphaned=whole(asked.orphaned.value),
        quarantined=asked.quarantined.count(),
        due_next_hour=due,
        entries=asked.entries.count(),
        heartbeat=asked.first.rows()[:1] == [keys.HEARTBEAT_ENTRY.encode()] if asked.first.value is not None else None,
        failing=asked.failing.count(),
    )


def pass_lock(asked: AskedSchedules, now: float) -> PassLock | None:
    """rq-scheduler's lock, when somebody holds it."""
    taken_at, ttl = number(asked.lock.value), asked.lock_ttl.count()
    held = age(taken_at, now)
    if held is None or ttl is None or ttl == -2:
        return None
    return PassLock(held, None if ttl == -1 else ttl / 1000)


def rqschedulers(names: AskedNames, ours: Iterable[AskedScheduler], now: float) -> tuple[SchedulerStatus, ...]:
    """Those rqschedulers that are at work, or that ended badly a few minutes ago at the most.

    When there is none, and schedules are armed, the one that was at work last within the hour: since then nothing fires.
    """
    due = pairs(names.longest_due.rows())
    lag = (age(due[0][1], now) if due else 0.0) if names.longest_due.value is not None else None
    found = [(scheduler, status) for scheduler in ours if (status := _rqscheduler(scheduler, lag, now))]
    if any(status.verdict == "live" for _, status in found):
        found = [(asked, one if one.verdict == "live" else replace(one, lag_s=None)) for asked, one in found]
    known = tuple(status for scheduler, status in found if not _expired(scheduler))
    if known or not names.armed:
        return known
    return tuple(status for _, status in found[:1])


def rq(asked: Iterable[AskedScheduler], now: float) -> tuple[SchedulerStatus, ...]:
    """RQ's own schedulers that hold a lock."""
    return tuple(_rq(scheduler, now) for scheduler in asked)


def cron(names: AskedNames, now: float) -> tuple[SchedulerStatus, ...]:
    """The `rq cron` processes of the last hour."""
    found = [(name, age(at, now) or 0.0) for name, at in pairs(names.cron.rows())]
    return tuple(
        SchedulerStatus("rq-cron", text(name), None, None, None, seen, _by_age(seen, CRON_BEAT, CRON_EXPIRY))
        for name, seen in found
        if seen <= FORGOTTEN
    )


def _expired(asked: AskedScheduler) -> bool:
    """Whether the heartbeat's hash of an rqscheduler has expired, three polls and a minute after its last pass."""
    fields = asked.fields.rows()
    return bool(fields) and not any(fields)


def _rqscheduler(asked: AskedScheduler, lag: float | None, now: float) -> SchedulerStatus | None:
    host, raw_poll = asked.fields.value or (None, None)
    instance = asked.instance.rows() if asked.instance else []
    birth, death = instance or (None, None)
    poll, seen = number(raw_poll), age(asked.seen_at, now) or 0.0
    judged: Verdict = "gone" if poll is None else _by_age(seen, 2 * poll + 10, 3 * poll + 60)
    # rq-scheduler's own hash outlives each pass by a poll and 10 s; without it, none has begun for so long.
    if (judged == "gone" and birth is not None) or (judged == "live" and instance and birth is None):
        judged = "late"
    if death is not None or (judged == "gone" and seen > FORGOTTEN):
        return None
    lag = lag if judged == "live" else lag or None
    return SchedulerStatus("rqscheduler", text(asked.name), text_or_none(host), poll, lag, seen, judged)


def _rq(asked: AskedScheduler, now: float) -> SchedulerStatus:
    host, beat = asked.fields.value or (None, None)
    ttl = asked.lock_ttl.count() if asked.lock_ttl else None
    seen = age(instant(beat), now)
    if seen is None and ttl is not None and ttl > 0:
        # It takes its locks, for as long as it renews them, a moment before it writes its hash.
        seen = round(max(0.0, RQ_LOCK - ttl / 1000), 3)
    judged: Verdict = "gone" if seen is None else _by_age(seen, RQ_BEAT, RQ_LOCK)
    return SchedulerStatus("rq", text(asked.name), text_or_none(host), None, None, seen, judged)


def _by_age(seen: float, late: float, gone: float) -> Verdict:
    if seen <= late:
        return "live"
    return "late" if seen <= gone else "gone"
