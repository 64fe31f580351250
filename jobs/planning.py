"""Plans: what a schedule is to become, worked out before anything of it is written (registering.py)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from jobs import defining, runs, tiers
from jobs.cadence import MAX_JITTER, Cadence, Cron, Jittered
from jobs.defining import RegisteredTask
from jobs.errors import InvalidCadence, InvalidSchedule, InvalidUser
from jobs.schedules import OVERLAPS, Policy, Schedule, jittered, schedule_id, slots_from
from jobs.tiers import Tier
from jobs.users import User

MIN_CATCH_UP = 120
"""Seconds: two looks of rqscheduler as it comes."""

Moves = Mapping[str, tuple[int, int]]
"""By a schedule's id, a slot that its entry may wait for, and the one that comes in its place."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What many schedules have in common: the task, the tier's policy, and how runs meet. `own` is a cadence chosen by hand;
    `own_tier` says that the tier was."""

    task: RegisteredTask
    tier: Tier
    policy: Policy
    own: Cadence | None = None
    overlap: str = "skip"
    catch_up: int | None = None
    jitter: int = 0
    own_tier: bool = False

    def cadence(self, one: str, zone: str) -> Cadence:
        """The cadence of the schedule `one` of a user in `zone`."""
        return self.own or self.tier.cadence.bound_to(one, zone)

    def first_slot(self, one: str, cadence: Cadence, now: float) -> int:
        """The slot with which it begins. Jitter moves a slot later, so one that is past by now is not moved and run again."""
        base = cadence.next_after(now)
        slots = jittered(cadence, self.jitter, one)
        return slots.moved(base) if isinstance(slots, Jittered) else base


def plan(
    name: str,
    tier_name: str,
    *,
    own: Cadence | None = None,
    overlap: str = "skip",
    catch_up: int | None = None,
    jitter: int = 0,
    own_tier: bool = False,
) -> Plan:
    """The plan of schedules of one task and one tier. Raises UnknownTask, InvalidUser (no such tier), InvalidSchedule,
    InvalidCadence."""
    of = defining.lookup(name)
    tier = tiers.current().get(tier_name)
    if tier is None:
        raise InvalidUser(f"tier {tier_name[:40]!r} is unknown; use one of {', '.join(tiers.current())}")
    if overlap not in OVERLAPS:
        raise InvalidSchedule(f"overlap {overlap!r}: use one of {', '.join(OVERLAPS)}")
    if catch_up is not None and catch_up < MIN_CATCH_UP:
        raise InvalidSchedule(f"catch-up window {catch_up} s: at least {MIN_CATCH_UP} s, as rqscheduler looks once a minute")
    if not 0 <= jitter <= MAX_JITTER:
        raise InvalidCadence(f"jitter {jitter} s: jitter is 0 s to {MAX_JITTER} s")
    return Plan(of, tier, runs.policy(tier, of), own, overlap, catch_up, jitter, own_tier)


def changed(
    user: User,
    task_name: str,
    old: Schedule | None,
    cadence: Cadence | None,
    zone: str | None,
    tier: str | None,
    overlap: str | None,
    catch_up: int | None,
    jitter: int | None,
) -> Plan:
    """The plan of a schedule that was `old`, with what is given changed and all else as it was.

    Raises UnknownTask, InvalidUser (no such tier), InvalidCadence, InvalidSchedule.
    """
    before = old.cadence if old else None
    if cadence is None and zone is not None:
        if not isinstance(before, Cron):
            raise InvalidSchedule("a time zone says where a cron cadence is meant; give one too")
        cadence = before
    if zone is None and old is not None and old.own and isinstance(before, Cron):
        zone = before.zone
    one = schedule_id(user.id, task_name)
    kept = old.tier if old and old.own_tier else user.tier
    found = plan(
        task_name,
        tier or kept,
        own=cadence.bound_to(one, zone or user.zone) if cadence else old.cadence if old and old.own else None,
        overlap=overlap or (old.overlap if old else "skip"),
        catch_up=catch_up if catch_up is not None else (old.catch_up if old else None),
        jitter=jitter if jitter is not None else (old.jitter if old else 0),
        own_tier=(tier or kept) != user.tier,
    )
    if found.jitter and found.jitter >= (gap := found.cadence(one, user.zone).shortest_gap(time.time())):
        raise InvalidCadence(f"jitter {found.jitter} s: jitter must be shorter than the {gap} s between slots")
    return found


def moved_slots(old: Schedule, plan: Plan, user: User, now: float) -> Moves:
    """Where a plan that gives `old` another jitter, and leaves its cadence, moves the slot that its entry waits for; empty
    where that stays. A slot whose own instant is past stays: it has its one run when it is due.
    """
    if old.next_at is None or plan.jitter == old.jitter or plan.cadence(old.id, user.zone) != old.cadence:
        return {}
    base = old.next_at
    if isinstance(old.slots, Jittered):
        try:
            base = old.slots.base_of(base)
        except InvalidCadence:
            return {}
    if base <= now or old.cadence.latest(base) != base:
        return {}
    slots = jittered(old.cadence, plan.jitter, old.id)
    return {old.id: (old.next_at, slots.moved(base) if isinstance(slots, Jittered) else base)}


def next_slots(old: Schedule, plan: Plan, user: User, n: int, now: float) -> list[int]:
    """The next `n` slots of `old` once it is as `plan` says, as lua/register.lua and firing find them. Writes nothing.

    The slot that its entry waits for is taken from its definition.
    """
    cadence = plan.cadence(old.id, user.zone)
    return slots_from(_first(old, plan, user, cadence, now), jittered(cadence, plan.jitter, old.id), n, now)


def _first(old: Schedule, plan: Plan, user: User, cadence: Cadence, now: float) -> int:
    due, new = old.next_at, plan.first_slot(old.id, cadence, now)
    if due is None:
        return new
    moves = moved_slots(old, plan, user, now)
    if old.id in moves:
        return moves[old.id][1]
    if cadence == old.cadence and plan.jitter == old.jitter:
        return due
    return due if due < new and cadence.shortest_gap(now) <= old.cadence.shortest_gap(now) else new
