"""Why something is where it is, in three round trips: its facts and what surrounds it (facts/), judged (console/model/why)."""

from __future__ import annotations

from collections.abc import Callable

from redis import Redis

from console.model.queries import WhyQuery
from console.model.secrets import Secrets
from console.model.why import jobs as of_jobs
from console.model.why import queues as of_queues
from console.model.why import schedules as of_schedules
from console.model.why import users as of_users
from console.model.why.facts import Around, JobFacts, QueueFacts
from console.model.why.page import WhyPage
from console.model.why.reasons import Reason
from console.store import job_attempts, job_fields, job_places, quarantined, rate_limits
from console.store.facts import around, job, queue, schedule, user
from console.store.facts.job import About
from console.store.steps import Line, Reading, Steps, after, alone, beside
from console.store.user_schedules import Name
from console.store.values import text
from console.store.workers import AskedWorkers
from jobs import keys
from jobs.schedules import schedule_id

Judge = Callable[[Around], tuple[Reason, ...]]
"""The reasons, once it is known what surrounds what they are about."""


def read(connection: Redis, query: WhyQuery, now: float, secrets: Secrets) -> WhyPage:
    """Why what `query` names is where it is at `now` (epoch seconds). Writes nothing, and executes nothing that it finds.

    Raises redis' ConnectionError and TimeoutError.
    """
    line = Line(connection)
    reasons = alone(line, _read(line, query, now, secrets))
    subject = f"{text(query.name)} {query.task}" if query.subject == "schedule" else text(query.name)
    return WhyPage(now, subject, reasons, line.refused)


def _read(line: Line, query: WhyQuery, now: float, secrets: Secrets) -> Steps[tuple[Reason, ...]]:
    registered = Reading(around.registered(line))
    surroundings = Reading(around.read(line, registered, now))
    match query.subject:
        case "job":
            judge = Reading(_job(line, query.name, registered, now, secrets))
        case "queue":
            judge = Reading(_queue(line, query.name, registered, now))
        case "schedule" | "user":
            judge = Reading(_user(line, query, registered, now, secrets))
    yield from beside(registered, surroundings, judge)
    return judge.result(surroundings.result)


def _job(line: Line, name: bytes, registered: Reading[AskedWorkers], now: float, secrets: Secrets) -> Steps[Judge]:
    fields = Reading(job_fields.read(line, keys.RQ_JOB.encode() + name))
    ran = Reading(job_attempts.read(line, name, fields, secrets))
    places = Reading(job_places.read(line, name, fields, among_running=False))
    facts = Reading(job.read(line, name, About(fields, places, ran, registered), now, secrets))
    yield from beside(fields, ran, places, facts)
    found: JobFacts = facts.result
    return lambda surroundings: of_jobs.why(found, surroundings)


def _queue(line: Line, name: bytes, registered: Reading[AskedWorkers], now: float) -> Steps[Judge]:
    limits = rate_limits.ask_names(line.trip)
    workers = yield from after(registered)
    found: QueueFacts = yield from queue.read(line, name, workers, now, limits)
    return lambda surroundings: of_queues.why(found, surroundings)


def _user(line: Line, query: WhyQuery, registered: Reading[AskedWorkers], now: float, secrets: Secrets) -> Steps[Judge]:
    aside = Reading(quarantined.read(line, secrets))
    lanes = Reading(schedule.lanes(line, registered, now))
    if query.subject == "user":
        one = Reading(user.read(line, query.name, aside, lanes, now, secrets))
        yield from beside(aside, lanes, one)
        return lambda surroundings: of_users.why(one.result, surroundings)
    name = query.name.decode("utf-8", "surrogateescape")
    named = Name(schedule_id(name, query.task).encode(), name, query.task)
    found = Reading(schedule.read(line, [named], aside, lanes, now, secrets))
    yield from beside(aside, lanes, found)
    return lambda surroundings: of_schedules.why(found.result[0], surroundings)
