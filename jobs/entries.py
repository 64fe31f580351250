"""EntryQueue: the queue class that rqscheduler finds named in an entry's meta, imports, and hands the due entry to."""

from __future__ import annotations

import logging
from typing import Any

from rq import Queue
from rq.job import Job

from jobs import firing

logger = logging.getLogger("jobs.entries")


class EntryQueue(Queue):  # type: ignore[misc]
    """The queue class of entries. Nothing that happens in here may raise: it would end rqscheduler (field guide, 4e)."""

    def enqueue_job(self, job: Job, *args: Any, **kwargs: Any) -> Job:
        """Fire the entry `job`, and give it another id, because rqscheduler removes the id that it bears from the set."""
        entry_id = job.id
        job.id = f"{entry_id}-fired"
        try:
            firing.fire(self.connection, entry_id, job)
        except Exception:
            logger.exception("%s: could not be fired; it stays due", entry_id)
        return job
