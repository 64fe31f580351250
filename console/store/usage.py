"""Who takes the most worker time, and who fails the most: from the records of each hour (jobs/usage.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from console.model.outlook import DAY, Busiest, UserUse
from console.store.affordable import Size
from console.store.steps import Line, Steps
from console.store.trip import Answer
from console.store.values import number, pairs, text
from jobs import keys, usage

CANDIDATES: Final = 40
"""Users of each hour that are looked at: those that took the most in it."""

SHOWN: Final = 20
"""Users that are told of either kind."""

MAX_BYTES: Final = 65_536
"""What the candidates of one hour may take."""


def read(line: Line, now: float) -> Steps[Busiest]:
    """The busiest users of the last day, in three trips."""
    hours = usage.hours(now, DAY + 1)
    kinds = [
        [Size(line, "ZCARD", (prefix + hour).encode()) for hour in hours] for prefix in (keys.WORKED, keys.FAILED_ATTEMPTS)
    ]
    yield
    asked = [
        [
            line.ask("ZRANGE", one.key, 0, CANDIDATES - 1, "REV", "WITHSCORES")
            for one in sizes
            if one.affords(CANDIDATES, MAX_BYTES)
        ]
        for sizes in kinds
    ]
    if any(asked):
        yield
    found = [_candidates(answers) for answers in asked]
    users = sorted({user for known, _ in found for user in known})
    totals = _ask_totals(line, hours, users)
    if users:
        yield
    seconds, failed = _totals(users, totals[0]), _totals(users, totals[1])
    rows = [UserUse(text(user), seconds[user], int(failed[user])) for user in users]
    by_seconds = sorted(rows, key=lambda row: (-row.seconds, row.user))[:SHOWN]
    by_failures = [row for row in sorted(rows, key=lambda row: (-row.failed, row.user)) if row.failed][:SHOWN]
    sure = _sure([row.seconds for row in by_seconds], found[0][1]) and _sure([row.failed for row in by_failures], found[1][1])
    return Busiest(tuple(by_seconds), tuple(by_failures), sure)


def of_user(line: Line, user: bytes, now: float) -> Steps[tuple[float, int]]:
    """Worker seconds and failed attempts of one user in the last day, in one trip."""
    totals = _ask_totals(line, usage.hours(now, DAY + 1), [user])
    yield
    seconds, failed = (_totals([user], answers)[user] for answers in totals)
    return seconds, int(failed)


def _candidates(answers: Sequence[Answer]) -> tuple[set[bytes], float]:
    """Those of any hour, the SHOWN busiest by what is known of them so far; and what one that is not looked at can have at the
    most."""
    known: dict[bytes, float] = {}
    unseen = 0.0
    for answer in answers:
        rows = [(user, amount) for user, amount in pairs(answer.rows()) if amount is not None and amount > 0]
        for user, amount in rows:
            known[user] = known.get(user, 0.0) + amount
        unseen += rows[-1][1] if len(rows) >= CANDIDATES else 0.0
    chosen = sorted(known, key=lambda user: (-known[user], user))
    # One that was left out here may still be among the candidates of hours in which it had less than their last one.
    left = known[chosen[2 * SHOWN]] if len(chosen) > 2 * SHOWN else 0.0
    return set(chosen[: 2 * SHOWN]), left + unseen


def _ask_totals(line: Line, hours: Sequence[str], users: Sequence[bytes]) -> list[list[Answer]]:
    return [
        [line.ask("ZMSCORE", prefix + hour, *users) for hour in hours] if users else []
        for prefix in (keys.WORKED, keys.FAILED_ATTEMPTS)
    ]


def _totals(users: Sequence[bytes], answers: Sequence[Answer]) -> dict[bytes, float]:
    found = dict.fromkeys(users, 0.0)
    for answer in answers:
        for user, score in zip(users, answer.rows(), strict=False):
            found[user] += max(0.0, number(score) or 0.0)
    return found


def _sure(told: Sequence[float], unseen: float) -> bool:
    return unseen <= 0 or (len(told) >= SHOWN and told[-1] >= unseen)
