"""Why a job does not run: from its hash, from the lists that name it, and from what surrounds its queue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from console.model.why import queues, schedules, states
from console.model.why.facts import Around, JobFacts
from console.model.why.reasons import Reason, ranked

ONE_OF: Final = ("queued", "popped", "running", "deferred", "ready", "scheduled", "finished", "failed", "canceled")
"""Lists of which RQ keeps a job in one."""

REPEATED: Final = ("finished",)
"""Where a job that is enqueued again and again may be beside the list of its state."""


def why(job: JobFacts, around: Around) -> tuple[Reason, ...]:
    """Why the job does not run, the most decisive reason first; or that it does, or has."""
    return ranked(_why(job, around))


def _why(job: JobFacts, around: Around) -> Iterator[Reason]:
    if job.refused:
        yield Reason("unreadable", f"its hash cannot be read: {job.refused}", "see who writes another type to that key")
        return
    if job.schedule is not None:
        yield from schedules.why(job.schedule, around)
        return
    if job.entry is not None:
        yield from schedules.kept(job.entry, around)
        if job.status not in ("queued", "started"):
            yield from schedules.not_fired(job.entry, around)
    if job.found is None:
        return
    if not job.found:
        yield from _gone(job, around)
        return
    yield from _twice(job)
    yield from states.of_status(job, around)


# --- without a hash -----------------------------------------------------------------------------


def _gone(job: JobFacts, around: Around) -> Iterator[Reason]:
    if job.entry is not None:
        return
    if not job.lists:
        yield Reason("no_such_job", "there is no job of this id: it has expired, was deleted, or never was")
    else:
        where = " and ".join(dict.fromkeys(one.name for one in job.lists))
        waits = any(one.kind in ("queued", "popped", "scheduled") for one in job.lists)
        then = "whoever takes it from there drops it without a word" if waits else "nothing will run it"
        yield Reason(
            "expired",
            f"its hash has expired or was deleted, and {where} still names it: {then}",
            "enqueue it anew, with a longer ttl",
        )
    yield from queues.evicting(around)


# --- where it should not be ---------------------------------------------------------------------


def _twice(job: JobFacts) -> Iterator[Reason]:
    """Whether lists name it of which RQ keeps a job in one. What has expired counts for nothing: RQ has yet to drop it."""
    kinds = dict.fromkeys(one.kind for one in job.lists if one.kind in ONE_OF)
    again = job.repeats or job.entry is not None
    there = [kind for kind in kinds if not (again and kind in REPEATED)]
    # One that was canceled while it ran is in both, which the reasons of its state tell.
    if len(there) > 1 and not any(set(there) == {"canceled", other} for other in ("running", "finished", "failed")):
        names = " and ".join(next(one.name for one in job.lists if one.kind == kind) for kind in there)
        if set(there) <= {"canceled", "queued", "scheduled"}:
            yield Reason(
                "listed_twice",
                f"{names} name it at once: it was canceled while it ran and is retried, or was enqueued anew since",
                "cancel it again if it should not run; else there is nothing to do",
                "cancel",
            )
            return
        yield Reason(
            "listed_twice",
            f"{names} name it at once, so it can run twice, or be dropped from the one by what is done in the other",
            "it was enqueued anew under the same id after it had ended: do not requeue it, and let its next run settle it",
        )
