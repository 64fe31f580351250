"""Whether promises are kept: from the delays with which runs started (jobs/delays.py), and from the runs that wait."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from console.model.due import skips
from console.model.promises import HOUR, LOOK, Overdue, Promises, TierPromise, delays, over, unfired_after
from console.store.affordable import Size
from console.store.steps import Line, Reading, Steps, beside
from console.store.values import age, number, pairs, text, whole
from jobs import delays as bins
from jobs import keys, tiers
from jobs.lanes import LANES

LOOKED_AT: Final = 50
"""Runs of each lane that are looked at, those that wait longest."""

MAX_FIELDS: Final = 4_200
MAX_BYTES: Final = 1 << 20
"""Fields and bytes of one record of delays; the job layer's own ones have no more."""

_RUN: Final = re.compile(rb"(tq-\w+-[0-9a-f]+)-\w+")
_SCHEDULE: Final = re.compile(rb"tq-[\w-]{1,300}")
_TOLD: Final = ("user", "tier", "lane", "paused", "active")
_FIELD: Final = re.compile(rb"([^;]{1,100});([^;]{1,32});(wait|late);(\d{1,3}|max)")


@dataclass(slots=True)
class _Counted:
    """The delays of one kind: by what their bins are taken for, and the longest one."""

    by_seconds: Counter[float] = field(default_factory=Counter)
    longest: float | None = None


def read(line: Line, now: float) -> Steps[Promises]:
    """Every tier that ran in the last hour, waits now, or has slots that nobody fires, in two trips. Raises InvalidTiers."""
    known = tiers.current()
    shortest: dict[str, int] = {}
    for tier in known.values():
        shortest[tier.lane] = min(tier.promise, shortest.get(tier.lane, tier.promise))
    counting = Reading(_counted(line, now))
    waiting = Reading(_waiting(line, now))
    beyond = {lane: line.ask("ZCOUNT", keys.WAITING + lane, "-inf", f"({now - promise}") for lane, promise in shortest.items()}
    unfired = Reading(_unfired(line, now))
    yield from beside(counting, waiting, unfired)
    longest: dict[tuple[str, str], float] = {}
    overdue: list[Overdue] = []
    for run in (*waiting.result, *unfired.result):
        promise = known[run.tier].promise if run.tier in known else None
        if run.unfired and (promise is None or run.waited_s <= unfired_after(promise)):
            continue
        longest[run.lane, run.tier] = max(run.waited_s, longest.get((run.lane, run.tier), 0.0))
        if promise is not None and run.waited_s > promise:
            overdue.append(run)
    over_now = Counter((run.lane, run.tier) for run in overdue)
    order = {lane: at for at, lane in enumerate(LANES)}
    named = {*longest, *(group[:2] for group in counting.result)}
    return Promises(
        since_s=HOUR + now % bins.EVERY,
        tiers=tuple(
            replace(_tier(lane, tier, counting.result, longest.get((lane, tier)), known), over_now=over_now[lane, tier])
            for lane, tier in sorted(named, key=lambda one: (order.get(one[0], len(order)), one))
        ),
        overdue=tuple(sorted(overdue, key=lambda run: -run.waited_s)),
        waiting_over={lane: answer.count() or 0 for lane, answer in beyond.items()},
        looked_at=LOOKED_AT,
    )


def _tier(
    lane: str,
    tier: str,
    counted: Mapping[tuple[str, str, str], _Counted],
    longest_now: float | None,
    known: Mapping[str, tiers.Tier],
) -> TierPromise:
    promise = known[tier].promise if tier in known else None
    waits, late = (counted.get((lane, tier, kind), _Counted()) for kind in ("wait", "late"))
    return TierPromise(
        lane,
        tier,
        promise,
        delays(waits.by_seconds, waits.longest),
        delays(late.by_seconds, late.longest),
        over(waits.by_seconds, promise, waits.longest),
        longest_now,
    )


def _counted(line: Line, now: float) -> Steps[dict[tuple[str, str, str], _Counted]]:
    """The delays of the last hour by lane, tier and kind."""
    sizes = [Size(line, "HLEN", key.encode()) for key in bins.records(now, HOUR)]
    yield
    asked = [line.ask("HGETALL", one.key) for one in sizes if one.count <= MAX_FIELDS and one.affords(one.count, MAX_BYTES)]
    if asked:
        yield
    found: defaultdict[tuple[str, str, str], _Counted] = defaultdict(_Counted)
    for answer in asked:
        for name, value in answer.value.items() if isinstance(answer.value, Mapping) else ():
            _count(found, name, value)
    return found


def _count(found: defaultdict[tuple[str, str, str], _Counted], name: bytes, value: Any) -> None:
    match = _FIELD.fullmatch(name)
    if match is None:
        return
    lane, tier, kind = (text(part) for part in match.groups()[:3])
    if match[4] == b"max":
        longest = number(value)
        if longest is not None and longest >= 0:
            counted = found[lane, tier, kind]
            counted.longest = max(longest, counted.longest or 0.0)
    elif (count := whole(value)) is not None and count > 0:
        found[lane, tier, kind].by_seconds[bins.seconds_of(int(match[4]))] += count


def _waiting(line: Line, now: float) -> Steps[Sequence[Overdue]]:
    """The runs that wait longest in each lane, with whose they are."""
    asked = [(lane, line.ask("ZRANGE", keys.WAITING + lane, 0, LOOKED_AT - 1, "WITHSCORES")) for lane in LANES]
    yield
    runs = [
        (lane, run, at, match[1])
        for lane, answer in asked
        for run, at in pairs(answer.rows())
        if (match := _RUN.fullmatch(run)) is not None
    ]
    told = line.trip.ask_each("HMGET", [keys.SCHEDULE.encode() + schedule for *_, schedule in runs], "user", "tier")
    if runs:
        yield
    found = []
    for (lane, run, at, _), fields in zip(runs, told.values, strict=True):
        user, tier = fields if isinstance(fields, list) and len(fields) == 2 else (None, None)
        if isinstance(user, bytes) and isinstance(tier, bytes):
            found.append(Overdue(text(run), text(user), text(tier), lane, age(at, now) or 0.0))
    return found


def _unfired(line: Line, now: float) -> Steps[Sequence[Overdue]]:
    """The users' slots that are longest due, with whose they are; not those of schedules that skip them."""
    asked = line.ask("ZRANGEBYSCORE", keys.ENTRIES, "(0", f"({now - LOOK}", "WITHSCORES", "LIMIT", 0, LOOKED_AT)
    yield
    due = [(one, at) for one, at in pairs(asked.rows()) if _SCHEDULE.fullmatch(one)]
    told = line.trip.ask_each("HMGET", [keys.SCHEDULE.encode() + one for one, _ in due], *_TOLD)
    if due:
        yield
    found = []
    for (one, at), fields in zip(due, told.values, strict=True):
        user, tier, lane, paused, active = fields if isinstance(fields, list) and len(fields) == len(_TOLD) else [None] * 5
        if skips(paused, active):
            continue
        if isinstance(user, bytes) and isinstance(tier, bytes) and isinstance(lane, bytes):
            found.append(Overdue(text(one), text(user), text(tier), text(lane), age(at, now) or 0.0, unfired=True))
    return found
