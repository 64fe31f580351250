"""Running a script over a batch of jobs, in as many calls as it takes to keep each of them short."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from redis import Redis

from console.model.commands import JobSeen, Outcome, outcome
from console.store.acts import although_full
from console.store.values import text
from jobs import keys
from jobs.prototype import rq_time
from jobs.scripts import Argument, Script

MOST_US: Final = 2_500
"""Microseconds of the server's time after which a script begins no further job."""


MOST_JOBS: Final = 500
"""So many are given to one call: a script unpacks them all onto Lua's stack, which holds some thousands."""


def run(
    connection: Redis,
    script: Script,
    operation: str,
    options: Sequence[Argument],
    jobs: Sequence[JobSeen],
    now: float,
    *,
    when_full: bool = False,
) -> list[Outcome]:
    """What came of each job, in order. `script` is one with lua/jobs.lua as its prelude, `now` is epoch seconds.

    Each call handles as many jobs as there is time for, one at least. `when_full`: also where memory is full. Raises redis'
    errors: then nobody knows of the call that failed, and the calls before it are done.
    """
    head = (keys.RQ_KEY_PREFIX, keys.TQ, repr(now), rq_time(now), MOST_US, len(options), *options)
    found: list[Outcome] = []
    while len(found) < len(jobs):
        rest = jobs[len(found) : len(found) + MOST_JOBS]
        arguments = [*head, *_told(rest)]
        if when_full:
            codes = although_full.run(connection, script, [keys.OPERATION + operation], arguments)
        else:
            codes = script.run(connection, [keys.OPERATION + operation], arguments)
        found += map(_outcome, rest, codes)
    return found


def _told(jobs: Sequence[JobSeen]) -> list[Argument]:
    """The jobs as the script takes them: those of one list that follow each other have its name before them, once."""
    told: list[Argument] = []
    for (state, queue), group in groupby(jobs, key=attrgetter("state", "queue")):
        pairs = [part for job in group for part in (job.key, "" if job.score is None else repr(job.score))]
        told += (state, queue, len(pairs) // 2, *pairs)
    return told


def _outcome(job: JobSeen, code: bytes) -> Outcome:
    if code == b"done":
        return Outcome(job.key, "done")
    word, _, made = code.partition(b" ")
    return outcome(job.key, text(word), new=made or None)
