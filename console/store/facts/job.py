"""The facts of one job: from its hash, its lists and its attempts, and of what its hash names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from console.model import tracebacks
from console.model.job import Attempt, Place
from console.model.job_states import was_tried
from console.model.raised import LOST, STOPPED, Raised, raised
from console.model.secrets import Secrets
from console.model.why.facts import Dependency, JobFacts, Listed, QueueFacts, RateLimit, ScheduleFacts, SetAside
from console.store import job_relations, quarantined, rq_keys
from console.store.affordable import Size
from console.store.facts import queue, schedule
from console.store.job_attempts import Executions
from console.store.job_fields import Fields
from console.store.job_places import Places
from console.store.steps import Line, Reading, Steps, after, beside
from console.store.trip import Answer
from console.store.user_schedules import Name
from console.store.values import instant, text, text_or_none, whole
from console.store.workers import AskedWorkers
from jobs import keys

MAX_HOLDERS: Final = 20
"""Holders of a rate limit that are named."""

OURS: Final = re.compile(rb"tq-[A-Za-z0-9_-]+-[0-9a-f]{20}")
"""The id of a user's schedule, which is its entry's (jobs.schedules.schedule_id)."""

KINDS: Final = {
    keys.RQ_WIP: "running", keys.RQ_DEFERRED: "deferred", rq_keys.READY: "ready", keys.RQ_SCHEDULED: "scheduled",
    keys.RQ_FINISHED: "finished", keys.RQ_FAILED: "failed", rq_keys.CANCELED: "canceled", rq_keys.GROUP: "group",
}  # fmt: skip
"""What the lists are whose keys begin so."""

EXPIRING: Final = ("finished", "failed")

CAUSES: Final = {
    "timeout": Raised("timed out", "", ""), "killed": Raised("killed", "", ""), "lost": LOST, "stopped": STOPPED,
}  # fmt: skip
"""What an attempt failed of that ended so."""


@dataclass(frozen=True, slots=True)
class About:
    """What else is read of a job, whoever reads it."""

    fields: Reading[Fields]
    places: Reading[Places]
    ran: Reading[Executions]
    registered: Reading[AskedWorkers]


def read(line: Line, job: bytes, about: About, now: float, secrets: Secrets) -> Steps[JobFacts]:
    """The facts of a job at `now`, in three trips."""
    executions = Size(line, "ZCARD", rq_keys.EXECUTIONS.encode() + job)
    above = Size(line, "SCARD", rq_keys.DEPENDENCIES.encode() + job + rq_keys.DEPENDENCIES_END.encode())
    asked_entry = schedule.ask_entry(line, job)
    aside = Reading(quarantined.read(line, secrets))
    schedules = Reading(_schedule(line, job, aside, about, now, secrets))
    rest = Reading(_rest(line, job, about, executions, above, now))
    yield from beside(aside, schedules, rest)
    fields, places, ran = (yield from after(about.fields)), (yield from after(about.places)), (yield from after(about.ran))
    executed, dependencies, limit, its_queue = rest.result
    tried = was_tried(fields.get("started_at"), fields.get("retries_left"), whole(fields.get("number_of_retries")))
    newest = next((one for one in reversed(ran.attempts) if one.error), None)
    return JobFacts(
        id=text(job),
        found=fields.found,
        refused=fields.refused[0].reason if fields.refused else "",
        status=text_or_none(fields.get("status")),
        lists=tuple(_listed(place) for place in places.places if not _expired(place, now)),
        searched=not places.unsearched,
        enqueued_at=instant(fields.get("enqueued_at")),
        started_at=instant(fields.get("started_at")),
        ended_at=instant(fields.get("ended_at")),
        worker=text_or_none(fields.get("worker_name")),
        executed=executed,
        tried=tried,
        retries=whole(fields.get("number_of_retries")),
        retries_left=whole(fields.get("retries_left")),
        repeats=fields.get("repeat_intervals") is not None,
        expires_s=fields.expires_s,
        error=(newest.error or "") if newest else "",
        failure=_failure(newest, secrets) if newest else None,
        unimportable=newest is not None and _unimportable(newest.traceback),
        attempts=ran.total,
        dependencies=dependencies,
        allows_failures=fields.get("allow_dependency_failures") == b"1",
        limit=limit,
        queue=its_queue,
        entry=schedule.entry(asked_entry, aside.result, now),
        schedule=schedules.result,
    )


def _schedule(
    line: Line, job: bytes, aside: Reading[dict[bytes, SetAside]], about: About, now: float, secrets: Secrets
) -> Steps[ScheduleFacts | None]:
    """The user's schedule whose entry the job is."""
    if not OURS.fullmatch(job):
        return None
    lanes = Reading(schedule.lanes(line, about.registered, now))
    found = Reading(schedule.read(line, [Name(job)], aside, lanes, now, secrets))
    yield from beside(lanes, found)
    [one] = found.result
    return one if one.found or (one.entry is not None and one.entry.due is not None) else None


def _rest(
    line: Line, job: bytes, about: About, executions: Size, above: Size, now: float
) -> Steps[tuple[bool | None, tuple[Dependency, ...], RateLimit | None, QueueFacts | None]]:
    """Whether an execution is trusted to be alive, what it waits for, its rate limit, and its queue."""
    yield
    # A minute more than it is trusted (rq.executions.Execution.save).
    alive = line.ask("ZCOUNT", executions.key, now + 60, "+inf") if executions.known else None
    members = job_relations.members(line, above)
    yield
    fields = yield from after(about.fields)
    workers = yield from after(about.registered)
    parents = job_relations.all_named(fields, members) if fields.get("status") == b"deferred" else []
    # One word of each: to measure it first would take a trip more.
    states = line.trip.ask_each("HGET", [keys.RQ_JOB.encode() + one for one in parents], "status")
    limit = _ask_limit(line, fields)
    its_queue = Reading(queue.read(line, fields.origin, workers, now)) if fields.found else None
    if its_queue is not None:
        yield from beside(its_queue)
    return (
        None if alive is None or alive.value is None else bool(alive.value),
        tuple(Dependency(text(one), text_or_none(state)) for one, state in zip(parents, states.values, strict=True)),
        _limit(fields, limit),
        its_queue.result if its_queue is not None else None,
    )


def _ask_limit(line: Line, fields: Fields) -> tuple[Answer, Answer] | None:
    name = fields.get("rate_limit_key")
    if name is None or fields.get("status") != b"rate_limited":
        return None
    key = rq_keys.RATE_LIMIT.encode() + name + rq_keys.ALLOWED.encode()
    return line.ask("ZCARD", key), line.ask("ZRANGE", key, 0, MAX_HOLDERS - 1)


def _limit(fields: Fields, asked: tuple[Answer, Answer] | None) -> RateLimit | None:
    if asked is None:
        return None
    held, holders = asked
    return RateLimit(
        name=text(fields.get("rate_limit_key") or b""),
        concurrency=whole(fields.get("rate_limit_concurrency")),
        held=held.count(),
        holders=tuple(text(one) for one in holders.rows()),
    )


def _listed(place: Place) -> Listed:
    return Listed(_kind(place.name), place.name, place.rank, place.score)


def _kind(name: str) -> str:
    if name == keys.ENTRIES:
        return "entry"
    if name.startswith(keys.RQ_QUEUE):
        return "popped" if name.endswith(rq_keys.INTERMEDIATE) else "queued"
    if name.startswith(rq_keys.RATE_LIMIT):
        return "rate limited" if name.endswith(rq_keys.RATE_LIMITED) else "allowed"
    return next((kind for beginning, kind in KINDS.items() if name.startswith(beginning)), "")


def _expired(place: Place, now: float) -> bool:
    """Whether RQ would drop it from there at its next maintenance."""
    return _kind(place.name) in EXPIRING and place.score is not None and 0 <= place.score < now


def _failure(attempt: Attempt, secrets: Secrets) -> Raised:
    """What an attempt failed of: by what RQ kept of it; where our task wrapper noted it, by how it ended."""
    told = attempt.traceback if isinstance(attempt.traceback, str) else attempt.error or ""
    found = raised(told, secrets)
    return found if found.cause not in ("raised", "unknown") else CAUSES.get(attempt.outcome, found)


def _unimportable(trace: object) -> bool:
    """Whether it failed where RQ imports what a job calls (rq.utils.import_attribute)."""
    if not isinstance(trace, str) or "in import_attribute" not in trace:
        return False
    return tracebacks.final_line(trace).startswith(("ValueError: Invalid attribute name", "ModuleNotFoundError", "ImportError"))
