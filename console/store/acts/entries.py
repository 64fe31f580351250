"""Commands on plain rq-scheduler entries: their fire brought forward, their time changed, the entry taken away.

What rqscheduler fires is its own to push: the job of an entry that repeats is one hash for all its runs, and nothing here
enqueues it (RQ field guide, section 4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from redis import Redis

from console.model.commands import JobSeen, Outcome, Remove, Reschedule, RunNow, ScheduleSeen, outcome
from console.store import scripts
from console.store.acts import job_scripts
from jobs import keys


def act(
    connection: Redis,
    operation: str,
    command: RunNow | Reschedule | Remove,
    entries: Sequence[ScheduleSeen],
    now: float,
    trash_s: float,
) -> list[Outcome]:
    """Do it to each entry that has the score with which it was seen, and that no pass is about to fire.

    `source` for an entry of a user's schedule, and the heartbeat's. Raises redis' errors.
    """
    due = command.due if isinstance(command, Reschedule) else None
    if due is not None and not math.isfinite(due):
        return [outcome(one.key, "invalid", "it has to be due at some time") for one in entries]
    script = scripts.load("jobs", "entry_of", "trash", "entries")
    options = (command.WORD, "" if due is None else repr(due), keys.ENTRIES_LOCK, operation, trash_s)
    seen = [JobSeen(one.key, b"", "", one.score) for one in entries]
    removes = isinstance(command, Remove)
    most_us = job_scripts.WITH_TRASH_US if removes else job_scripts.MOST_US
    return job_scripts.run(connection, script, operation, options, seen, now, when_full=removes, most_us=most_us)
