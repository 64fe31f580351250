"""One job, whole: its hash, its executions, its relations, the lists that name it, and why it does not run, in four round trips
at the most.

The job's own fields are measured in the first trip and fetched in the second; what only its fields name (its queue, its rate
limit, the jobs that it waits for) is asked in the third, and what those are in the fourth.
"""

from __future__ import annotations

from redis import Redis

from console.model.job import JobDetail
from console.model.payload import Pairs, Undecodable, Value
from console.model.queries import JobQuery
from console.model.secrets import Secrets, masked_payload
from console.model.why import jobs as why
from console.store import job_attempts, job_fields, job_places, job_relations
from console.store.facts import around
from console.store.facts import job as job_facts
from console.store.facts.job import About
from console.store.owner import owner
from console.store.steps import Line, Reading, together
from console.store.values import instant, number, text, text_or_none, whole
from jobs import keys
from jobs.prototype import ENTRY_QUEUE


def read(connection: Redis, query: JobQuery, now: float, secrets: Secrets) -> JobDetail:
    """Everything about the job `query.id` at `now`. Raises redis' errors of the connection.

    What is too large is told by its size, and what the server refuses, or what is of another kind, by its reason.
    """
    line = Line(connection)
    reading = Reading(job_fields.read(line, keys.RQ_JOB.encode() + query.id))
    executions = Reading(job_attempts.read(line, query.id, reading, secrets))
    relations = Reading(job_relations.read(line, query.id, reading, secrets))
    places = Reading(job_places.read(line, query.id, reading))
    workers = Reading(around.registered(line))
    surroundings = Reading(around.read(line, workers, now))
    facts = Reading(job_facts.read(line, query.id, About(reading, places, executions, workers), now, secrets))
    together(line, reading, executions, relations, places, workers, surroundings, facts)
    fields, ran, related, listed = reading.result, executions.result, relations.result, places.result
    meta = job_fields.meta(fields)
    whose = owner(meta)
    return JobDetail(
        as_of=now,
        key=query.id,
        id=text(query.id),
        found=bool(fields.found),
        queue=text(fields.origin),
        status=text_or_none(fields.get("status")),
        description=job_fields.description(fields, secrets),
        call=job_fields.call(fields, secrets),
        meta=masked_payload(meta, secrets),
        user=whose.get("user"),
        tier=whose.get("tier"),
        task=whose.get("task"),
        schedule=text(query.id) if _is_entry(meta) else whose.get("schedule"),
        slot=number(whose.get("slot")),
        created_at=instant(fields.get("created_at")),
        enqueued_at=instant(fields.get("enqueued_at")),
        started_at=instant(fields.get("started_at")),
        ended_at=instant(fields.get("ended_at")),
        heartbeat_at=instant(fields.get("last_heartbeat")),
        worker=text_or_none(fields.get("worker_name")),
        expires_s=fields.expires_s,
        retries_left=whole(fields.get("retries_left")),
        retries=whole(fields.get("number_of_retries")),
        attempts=ran.attempts,
        attempts_total=ran.total,
        depends_on=related.depends_on,
        dependents=related.dependents,
        dependents_total=related.dependents_total,
        places=listed.places,
        unsearched=listed.unsearched,
        progress=ran.progress,
        log=ran.log,
        fields=job_fields.others(fields, secrets),
        why=why.why(facts.result, surroundings.result),
        refused=tuple(
            {one.what: one for one in (*around.beside(line.refused), *fields.refused, *ran.refused, *related.refused)}.values()
        ),
    )


def _is_entry(meta: Value | Undecodable) -> bool:
    """Whether it is the entry of one of our schedules, whose id is the schedule's (jobs/prototype.py)."""
    return isinstance(meta, Pairs) and ("queue_class_name", ENTRY_QUEUE) in meta.items
