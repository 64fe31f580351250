"""When a user's schedule would be due after a change, worked out and not tried. Writes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from redis import Redis

from console.model.commands import Backfill, Change, Spread
from console.model.queries import SlotsQuery
from console.model.schedules import SlotsPage
from console.model.text import visible
from console.store import bounded
from console.store.steps import Line, alone
from console.store.values import number, text, whole
from jobs import controls, keys, planning, schedules
from jobs.batches import Wish
from jobs.cadence import Cron, Every
from jobs.errors import InvalidCadence, JobsError
from jobs.users import User

SHOWN: Final = 5


def read(connection: Redis, query: SlotsQuery, now: float) -> SlotsPage:
    """The next slots at `now` (epoch seconds), in three round trips, four of a backfill.

    What a change would be refused for is said in its place. Raises redis' ConnectionError and TimeoutError.
    """
    line = Line(connection)
    [raw] = alone(line, bounded.hashes(line, [keys.SCHEDULE.encode() + query.key]))
    try:
        old = schedules.restore(text(query.key), raw)
    except JobsError:
        old = None
    if old is None:
        return SlotsPage(now, query.key, said="the schedule is gone" if raw == {} else "its definition cannot be read")
    entry = line.ask("ZSCORE", keys.ENTRIES, query.key)
    of_user = line.ask("HMGET", keys.USER + old.user, "tier", "zone")
    line.go()
    due = number(entry.value)
    if due is not None:
        old = replace(old, next_at=int(due))
    before: tuple[float, ...] = ()
    try:
        if isinstance(query.command, Backfill):
            slots = controls.slots_to_backfill(old, query.command.start, query.command.end)
            kept = [line.ask("EXISTS", *batch) for batch in controls.kept_runs(old, slots)]
            line.go()
            runs = len(slots) - sum(whole(one.value) or 0 for one in kept)
            return SlotsPage(now, query.key, runs=runs, counted=1, lane=controls.BACKFILL_LANE)
        first = old.next_at if old.next_at is not None else old.slots.next_after(now)
        before = _told(schedules.slots_from(first, old.slots, SHOWN, now))
        user = _user(old.user, of_user.rows())
        if user is None:
            return SlotsPage(now, query.key, before, said="its user is not in the directory")
        plan = wish(query.command).plan(user, old)
        after = _told(planning.next_slots(old, plan, user, SHOWN, now))
        return SlotsPage(now, query.key, before, after, lane=plan.tier.lane, lane_before=old.lane, user=old.user, task=old.task)
    except (JobsError, ValueError, OverflowError, StopIteration) as error:
        return SlotsPage(now, query.key, before, said=visible(str(error)) or "its slots cannot be worked out")


def wish(command: Change | Spread) -> Wish:
    """What a command makes of a schedule. Raises JobsError where that makes no sense."""
    if isinstance(command, Spread):
        # The jitter of the cadence: each slot is moved by a number of its own, from its schedule's id and itself.
        return Wish(jitter=command.over_s)
    if command.every is not None and command.cron is not None:
        raise InvalidCadence("a period and a cron cadence exclude each other; give one")
    if command.every is not None and command.zone is not None:
        raise InvalidCadence("a time zone says where a cron cadence is meant, not a period")
    if command.every is not None:
        return Wish(Every(command.every), tier=command.tier)
    return Wish(Cron(command.cron) if command.cron is not None else None, command.zone, command.tier)


def _told(slots: list[int]) -> tuple[float, ...]:
    return tuple(map(float, slots))


def _user(one: str, told: list[Any]) -> User | None:
    tier, zone = (*told, None, None)[:2]
    return None if tier is None else User(one, text(tier), text(zone or b"UTC"))
