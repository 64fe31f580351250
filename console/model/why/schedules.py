"""Why an entry of rq-scheduler does not fire, and why a user's schedule does not run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import Final

from console.model import starting, words
from console.model.counting import counted
from console.model.due import LATE
from console.model.text import shell_word
from console.model.why import queues
from console.model.why.facts import Around, EntryFacts, ScheduleFacts
from console.model.why.reasons import Reason, ranked

LOCK_HELD: Final = 10.0
"""Seconds for which a pass of rqscheduler may hold its lock: thousands of entries fire in that time."""

WAITING: Final = ("queued", "retrying")
ONGOING: Final = ("queued", "started", "retrying")
FAILED: Final = ("failed", "timeout", "killed", "lost", "stopped")
"""States of runs as a schedule remembers them (jobs.schedules.RunRecord)."""


def why(schedule: ScheduleFacts, around: Around) -> tuple[Reason, ...]:
    """Why the schedule does not run, the most decisive reason first."""
    return ranked(_why(schedule, around))


def _why(schedule: ScheduleFacts, around: Around) -> Iterator[Reason]:
    entry = schedule.entry
    if entry is not None and entry.set_aside is not None:
        yield poisoned(entry)
        return
    if not schedule.found and not schedule.listed and (entry is None or entry.due is None):
        yield Reason(
            "no_such_schedule",
            f"user {schedule.user} has no schedule for {schedule.task}",
            f"make one: tq-console schedules set {_named(schedule)}",
        )
        return
    if schedule.found is None:
        return
    if not schedule.readable:
        what = "its definition cannot be read" if schedule.found else "its definition is gone"
        yield Reason(
            "orphaned", f"{what}, so it never fires", "register its user again: tq-console users import FILE", "repair"
        )
        return
    if not schedule.active:
        yield Reason(
            "user_inactive",
            f"user {schedule.user} is inactive: every slot is skipped",
            f"tq-console users set {shell_word(schedule.user)} --active",
        )
    if schedule.paused:
        yield _paused(schedule)
    if schedule.paused or not schedule.active:
        return
    yield from _skips(schedule)
    yield from _runs(schedule, around)
    if entry is not None:
        yield from kept(entry, around, ours=True)
        yield from not_fired(entry, around)
        if entry.due is None:
            yield Reason(
                "entry_missing",
                "it has no entry in rq-scheduler's set, so it never fires",
                "rqscheduler puts it back within minutes while it runs; at once: tq-console schedules repair",
                "repair",
            )
        else:
            yield Reason("armed", f"its next slot is {words.relative(entry.due, around.now)}")


def _paused(schedule: ScheduleFacts) -> Reason:
    who = f" by {schedule.noted_by}" if schedule.noted_by else ""
    note = f": {schedule.note}" if schedule.note else ""
    return Reason("paused", f"it is paused{who}{note}", f"tq-console schedules resume {_named(schedule)}", "pause")


def _skips(schedule: ScheduleFacts) -> Iterator[Reason]:
    """Why slots that have passed got no run, as far as the last of them has none."""
    if schedule.slot is None or any(run.slot is not None and run.slot >= schedule.slot for run in schedule.runs):
        return
    overlap, missed = schedule.skipped.get("overlap", 0), schedule.skipped.get("missed", 0)
    ongoing = next((run for run in schedule.runs if run.state in ONGOING and run.kind != "backfill"), None)
    if overlap and ongoing is not None and schedule.overlap != "allow":
        yield Reason(
            "overlap",
            f"its run {ongoing.id} has not ended ({ongoing.state}), and a slot that is due meanwhile is skipped: "
            f"{counted(overlap, 'slot was', 'slots were')} skipped so far",
            f"see why that run does not end: tq-console why {shell_word(ongoing.id)}; or let runs overlap, or come less often",
            "change",
        )
    elif missed:
        within = f" within {words.age(schedule.catch_up)}" if schedule.catch_up is not None else ""
        yield Reason(
            "missed",
            f"its last slot got no run: nobody fired it in time, so it was not caught up with{within}; "
            f"{counted(missed, 'slot was', 'slots were')} missed so far",
            f"run it now, or backfill what was missed: tq-console schedules run-now {_named(schedule)}",
            "run_now",
        )


def _runs(schedule: ScheduleFacts, around: Around) -> Iterator[Reason]:
    newest = next(iter(schedule.runs), None)
    if newest is None:
        return
    if newest.state == "queued" and schedule.queue is not None:
        yield from queues.not_taken(schedule.queue, around)
    # One that is tried again may be done yet: what counts is how those before it ended.
    ended = [run for run in schedule.runs if run.state not in ONGOING]
    if failed := list(takewhile(lambda run: run.state in FAILED, ended)):
        last, over = failed[0], failed[0] is newest
        which = f"run {last.id}" if over else f"run that has ended, {last.id},"
        before = list(takewhile(lambda run: run.state != "stopped", failed[1:])) if last.state != "stopped" else []
        often = f"; the {'one' if len(before) == 1 else len(before)} before it failed, too" if before else ""
        yield Reason(
            "failed",
            f"its last {which} {_ended(last.state)}{often}",
            f"see why: tq-console why {shell_word(last.id)}" + ("; when the cause is mended, run it now" if over else ""),
            "run_now" if over else "",
        )
    if newest.state == "started":
        yield Reason("running", f"its run {newest.id} is at work")


def _named(schedule: ScheduleFacts) -> str:
    return f"{shell_word(schedule.user)} {shell_word(schedule.task)}"


def _ended(state: str) -> str:
    return {"timeout": "ran out of time", "killed": "was killed", "lost": "lost its worker", "stopped": "was stopped"}.get(
        state, "failed"
    )


# --- entries ------------------------------------------------------------------------------------


def kept(entry: EntryFacts, around: Around, *, ours: bool = False) -> Iterator[Reason]:
    """What is wrong with an entry itself, so that it will not fire when it is due. `ours`: it is a user's schedule's."""
    if entry.set_aside is not None:
        yield poisoned(entry)
    if entry.due is None:
        return
    if entry.found is False:
        yield Reason(
            "entry_expired",
            "the hash of its job is gone: rqscheduler drops the entry silently when it is due",
            "rqscheduler makes it anew within minutes while it runs; at once: tq-console schedules repair"
            if ours
            else "make the schedule anew; with result_ttl=-1 and a long failure_ttl its job stays",
            "repair" if ours else "",
        )
    elif entry.expires_s is not None and entry.expires_s < entry.due - around.now:
        yield Reason(
            "expiring",
            f"the hash of its job expires in {words.age(entry.expires_s)}, before it is due: rqscheduler drops the entry then",
            "make the schedule anew, with result_ttl=-1 and a long failure_ttl",
        )


def not_fired(entry: EntryFacts, around: Around) -> Iterator[Reason]:
    """What keeps rqscheduler from firing an entry, now or when it is due."""
    if entry.due is None:
        return
    late = around.now - entry.due
    lock, live = around.pass_lock, [one for one in around.rqschedulers if one.verdict == "live"]
    yield from queues.out_of_memory(around)
    if lock is not None and (lock.age_s > LOCK_HELD or lock.ends_s is None) and late > 0:
        dead = "its holder is dead" if not live else "its holder is dead, or its pass is a very long one"
        ends = "it never ends by itself" if lock.ends_s is None else f"it ends by itself in {words.age(lock.ends_s)}"
        yield Reason(
            "scheduler_locked",
            f"the lock of rqscheduler's pass is held for {words.age(lock.age_s)}: {dead}; {ends}",
            "DEL rq:scheduler_lock" if lock.ends_s is None else "see that an rqscheduler runs then",
        )
    elif not live and (around.told or (late > LATE and lock is None)):
        yield Reason("no_scheduler", f"{_nobody(around)}: nothing fires", f"start one: {starting.scheduler(around.promise_s)}")
    elif live and late > LATE:
        yield Reason(
            "scheduler_slow",
            f"it is due since {words.age(late)}, and rqscheduler, which is at work, has not come to it",
            "let it catch up; if it is like this every day, spread the schedules over more of it",
            "spread",
        )


def poisoned(entry: EntryFacts) -> Reason:
    """That an entry is set aside."""
    assert entry.set_aside is not None
    return Reason(
        "poisoned",
        f"its entry is set aside, because rqscheduler would have died of it: {entry.set_aside.why}",
        f"mend it, and put it back: tq-console schedules put-back {entry.set_aside.number}",
        "put_back",
    )


def _nobody(around: Around) -> str:
    ages = [one.seen_s for one in around.rqschedulers if one.seen_s is not None]
    return f"no rqscheduler has been at work for {words.age(min(ages))}" if ages else "no rqscheduler is at work"
