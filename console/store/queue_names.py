"""Which queues there are: besides those on RQ's list, whatever a worker, an entry or a cron job names."""

from __future__ import annotations

from console.store import cron_jobs, queues, schedulers, workers
from console.store.seen import Seen
from console.store.steps import Line, Reading, Steps, beside


def learn(line: Line, seen: Seen) -> Steps[None]:
    """Let `seen` meet every queue that the overview shows, of as many workers and entries as that reads, in three trips."""
    cron = Reading(cron_jobs.registered(line, seen))
    named = Reading(_named(line, seen))
    yield from beside(cron, named)


def _named(line: Line, seen: Seen) -> Steps[None]:
    registered, _ = queues.ask_names(line.trip)
    names, _ = workers.ask_names(line.trip)
    soonest = schedulers.ask_soonest(line.trip)
    yield
    seen.meet_registered(queues.registered(registered))
    asked = workers.ask_hashes(line.trip, workers.names(names))
    origins = schedulers.ask_origins(line.trip, soonest.rows())
    yield
    seen.meet_queues(workers.queues_of(asked))
    seen.meet_queues(filter(None, origins.values))
