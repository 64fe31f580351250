"""Why a schedule is not as it should be, in a few words: for a list, by what its row and the last overview tell of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from console.model.counting import counted
from console.model.schedule_problems import shortest_promise
from console.model.status import QueueStatus, Status, Verdict
from console.model.why import schedules
from console.model.why.facts import Around, Before, EntryFacts, QueueFacts, ScheduleFacts
from console.model.why.reasons import Reason, ranked

RECENT: Final = 30.0
"""Seconds for which an overview tells of the present: beside a list one is read every ten."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known at `around.now` besides a row. Where no overview tells it (`known`), nothing is said of workers and
    schedulers. `lanes` are by name, `cron` the verdicts on `rq cron` processes by theirs."""

    around: Around
    known: bool = False
    lanes: Mapping[str, QueueFacts] = field(default_factory=dict)
    cron: Mapping[str, Verdict] = field(default_factory=dict)


def beside(status: Status | None, now: float) -> Beside:
    """What the overview that was read last tells at `now`."""
    if status is None or not 0 <= now - status.as_of <= RECENT:
        return Beside(Around(now))
    server, schedules_ = status.server, status.schedules
    before = tuple(Before(one.name, one.waiting, _since(status, one)) for one in status.queues if one.waiting)
    return Beside(
        Around(
            now=now,
            suspended=status.suspended,
            workers=status.workers,
            rqschedulers=tuple(one for one in status.schedulers if one.kind == "rqscheduler"),
            told=bool(schedules_.heartbeat and (schedules_.armed or schedules_.paused)),
            pass_lock=status.pass_lock,
            used_memory=server.used_memory,
            maxmemory=server.maxmemory,
            policy=server.maxmemory_policy or "",
            promise_s=shortest_promise(status),
        ),
        known=True,
        lanes={
            one.name: QueueFacts(one.name, True, one.waiting, _since(status, one), before=before)
            for one in status.queues
            if one.lane
        },
        cron={one.name: one.verdict for one in status.schedulers if one.kind == "rq-cron"},
    )


def of_schedule(schedule: ScheduleFacts, known: Beside, error: str = "") -> Reason | None:
    """The most decisive reason that a user's schedule does not run as it should, None where there is none. `error` is why its
    last run failed."""
    entry = None if schedule.entry is None else _told(schedule.entry, known)
    queue = schedule.queue if known.known else None
    return _first(
        schedules.why(replace(schedule, entry=entry, queue=queue), known.around),
        lambda reason: _of_schedule(reason, schedule, error),
    )


def of_entry(entry: EntryFacts, known: Beside) -> Reason | None:
    """The same of an entry of rq-scheduler that is not a user's."""
    told = _told(entry, known)
    return _first(ranked([*schedules.kept(told, known.around), *schedules.not_fired(told, known.around)]), _of_entry)


def of_cron(scheduler: str, known: Beside) -> Reason:
    """The same of a job of `rq cron` that is late."""
    verdict = known.cron.get(scheduler)
    if verdict in (None, "live"):
        return Reason("scheduler_slow", "rq cron is behind")
    return Reason("no_scheduler", f"rq cron is {verdict}", "start it again: rq cron FILE")


def _first(found: Iterable[Reason], words: Callable[[Reason], str]) -> Reason | None:
    first = next(iter(found), None)
    return None if first is None or first.weight == "well" else replace(first, message=words(first))


def _told(entry: EntryFacts, known: Beside) -> EntryFacts:
    """An entry that is late says something of schedulers only where these are known."""
    return entry if known.known or entry.due is None else replace(entry, due=max(entry.due, known.around.now))


def _since(status: Status, queue: QueueStatus) -> float | None:
    return None if queue.oldest_s is None else status.as_of - queue.oldest_s


def _of_schedule(reason: Reason, schedule: ScheduleFacts, error: str) -> str:
    lane = schedule.queue.name if schedule.queue is not None else "its lane"
    match reason.code:
        case "paused":
            who = f"by {schedule.noted_by}" if schedule.noted_by else ""
            return f"{schedule.note}, {schedule.noted_by}" if schedule.note and who else schedule.note or who or "paused"
        case "user_inactive":
            return "user inactive"
        case "orphaned":
            return "definition unreadable" if schedule.found else "no definition"
        case "no_such_schedule":
            return "it is no more"
        case "poisoned":
            why = schedule.entry.set_aside.why if schedule.entry is not None and schedule.entry.set_aside is not None else ""
            return f"set aside: {why}"
        case "overlap":
            return f"its run has not ended, {schedule.skipped.get('overlap', 0):,} skipped"
        case "missed":
            return f"{counted(schedule.skipped.get('missed', 0), 'slot')} missed"
        case "failed":
            ended = next(run for run in schedule.runs if run.state not in schedules.ONGOING)
            return error or _ENDED.get(ended.state, "failed")
        case "no_worker":
            return f"no worker on {lane}"
        case "starved":
            return f"{lane} is starved"
        case "workers_busy" | "workers_late":
            return f"workers {'busy' if reason.code == 'workers_busy' else 'silent'} on {lane}"
    return _of_entry(reason)


_ENDED: Final[Mapping[str, str]] = {"timeout": "timed out", "lost": "worker lost", "killed": "killed", "stopped": "stopped"}
"""What is told of how the last run ended, by its state, while its error is not known."""

_WORDS: Final[Mapping[str, str]] = {
    "entry_missing": "no entry",
    "entry_expired": "its job is gone",
    "no_scheduler": "no rqscheduler",
    "scheduler_locked": "rqscheduler's lock is held",
    "scheduler_slow": "rqscheduler is behind",
    "suspended": "suspended",
    "out_of_memory": "the server is full",
}


def _of_entry(reason: Reason) -> str:
    return _WORDS.get(reason.code, reason.message)
