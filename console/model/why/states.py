"""Why a job is where it is, by what RQ says of its state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from console.model import starting, words
from console.model.counting import counted, named
from console.model.text import shell_word
from console.model.why import ended, queues
from console.model.why.facts import Around, JobFacts, Listed
from console.model.why.reasons import Reason

SOON: Final = 60.0
"""Seconds before the hash of a waiting job expires in which that is about to happen."""

FAILED: Final = ("failed", "stopped", "canceled")


def of_status(job: JobFacts, around: Around) -> Iterator[Reason]:
    """The reasons that go with the job's state."""
    yield from _OF_STATUS.get(job.status or "", _of_no_status)(job, around)


def _lost(job: JobFacts, where: str, remedy: str, action: str = "") -> Iterator[Reason]:
    if job.searched:
        yield Reason("lost", f"it is {job.status}, and in no list: {where}", remedy, action)


def _in(job: JobFacts, *kinds: str) -> Listed | None:
    return next((one for one in job.lists if one.kind in kinds), None)


def _queued(job: JobFacts, around: Around) -> Iterator[Reason]:
    queued = _in(job, "queued")
    if queued is None:
        if (popped := _in(job, "popped")) is not None:
            yield Reason("taken", f"a worker has taken it and not started it: it is in {popped.name}")
        elif _in(job, "running") is not None:
            yield Reason("taken", "a worker has taken it, and starts it at this moment")
        elif not job.searched and job.queue is not None:
            yield from queues.not_taken(job.queue, around)
            yield Reason(
                "in_line", f"{_named(job)} is too long to be searched for it: {words.count(job.queue.waiting)} wait there"
            )
        else:
            yield from _lost(
                job,
                "a worker took it and ended before it had started it, unless one starts it at this very moment",
                "rqscheduler puts runs of schedules back within minutes; any other job has to be enqueued anew",
            )
        return
    if job.queue is not None:
        yield from queues.not_taken(job.queue, around)
    if job.expires_s is not None and job.expires_s < SOON:
        yield Reason(
            "expiring",
            f"its hash expires in {words.age(job.expires_s)}: unless a worker has started it by then, it is dropped silently",
            "let it run now; a longer ttl for the next ones",
            "to_front",
        )
    yield from _turn(job, queued, around)


def _turn(job: JobFacts, queued: Listed, around: Around) -> Iterator[Reason]:
    rank = queued.rank or 0
    if rank == 0:
        yield Reason("next", f"it is the next one of {_named(job)}")
    else:
        yield Reason("in_line", f"{counted(rank, 'job is', 'jobs are')} before it in {_named(job)}", "", "to_front")


def _started(job: JobFacts, around: Around) -> Iterator[Reason]:
    worker = next((one for one in around.workers if one.name == job.worker), None)
    if worker is not None and worker.verdict != "gone" and (job.executed or worker.job == job.id):
        if worker.verdict == "late":
            yield Reason(
                "worker_late",
                f"the worker {worker.name} that started it has given no sign of life for {words.age(worker.heartbeat_s)}",
                "see whether its host is reachable, and whether the process is stopped",
            )
        else:
            yield Reason("running", f"{worker.name} runs it{_since(job, around)}")
    elif not job.executed or worker is not None:
        who = f"the worker {job.worker} that started it" if job.worker else "the worker that started it"
        left = "is gone" if worker is None or worker.verdict == "gone" else "does not run it any more"
        back = f" ({counted(job.retries_left, 'retry', 'retries')} left)" if job.retries_left else ""
        yield Reason(
            "worker_gone",
            f"{who} {left}{back}" + ("; its work-horse may still be at work" if left == "is gone" else ""),
            _maintained(job, around),
        )
    else:
        yield Reason("running", f"it is at work{_since(job, around)}")


def _maintained(job: JobFacts, around: Around) -> str:
    """Who retries a job whose worker is gone, or lets it fail."""
    if job.queue is not None and job.queue.name and not queues.present(job.queue, around):
        return f"no other worker serves {_named(job)}: start one, which retries it or lets it fail: " + (
            starting.worker([job.queue.name])
        )
    return f"the maintenance of a worker of {_named(job)} retries it, or lets it fail: at its start, and every 10 min"


def _scheduled(job: JobFacts, around: Around) -> Iterator[Reason]:
    if job.entry is not None:
        if job.entry.due is not None:
            yield Reason("scheduled", f"rqscheduler puts it into {_named(job)} {words.relative(job.entry.due, around.now)}")
        return
    listed = _in(job, "scheduled")
    if listed is None:
        if _in(job, "queued") is None:
            yield from _lost(job, "nobody will enqueue it", "enqueue it anew")
        return
    due = listed.score
    if due is not None and job.expires_s is not None and job.expires_s < due - around.now:
        yield Reason(
            "expiring",
            f"its hash expires in {words.age(job.expires_s)}, before it is due: then it is dropped without a word",
            "let it run now; a longer ttl for the next ones",
            "retry_now",
        )
    if job.queue is not None:
        yield from queues.unmoved(job.queue, around)
    late = due is not None and due <= around.now
    when = words.relative(due, around.now)
    if job.tried and not job.repeats:
        attempt = f"attempt {job.attempts + 1:,}" if job.attempts else "its next attempt"
        left = f", {counted(job.retries_left, 'retry', 'retries')} left" if job.retries_left is not None else ""
        said = f" ({job.error})" if job.error else ""
        was = ", which was due " if late else ": "
        yield Reason("waiting_retry", f"it failed{said} and waits for {attempt}{was}{when}{left}", "", "retry_now")
    elif late:
        yield Reason("scheduled", f"it was due {when}, and has yet to be moved into {_named(job)}", "", "retry_now")
    else:
        yield Reason("scheduled", f"it is scheduled for later: {when}", "", "retry_now")


def _deferred(job: JobFacts, around: Around) -> Iterator[Reason]:
    open_ = [one for one in job.dependencies if one.status != "finished"]
    gone = [one.id for one in open_ if one.status is None]
    canceled = [one.id for one in open_ if one.status == "canceled"]
    failed = [f"{one.id} ({one.status})" for one in open_ if one.status in FAILED]
    waits = [f"{one.id} ({one.status})" for one in open_ if one.status is not None and one.status not in FAILED]
    if gone:
        yield Reason(
            "dependency_gone",
            f"it waits for {named(gone)}, of which there is no hash: nothing will release it",
            "if tq-console deleted it within the hour, undo that on Activity; if plain RQ did, nothing brings it back: "
            + _without(job),
            "cancel",
        )
    if canceled and not job.allows_failures:
        verb = "was" if len(canceled) == 1 else "were"
        yield Reason(
            "dependency_canceled",
            f"it waits for {named(canceled)}, which {verb} canceled: nothing will release it",
            _without(job),
            "cancel",
        )
    elif failed:
        verb = "has" if len(failed) == 1 else "have"
        released = ", and is released when it is told of that" if job.allows_failures else ""
        yield Reason(
            "dependency_failed",
            f"it waits for {named(failed)}, which {verb} not finished{released}",
            "requeue what failed: when it finishes, this one is released; or cancel this one",
            "cancel",
        )
    if waits:
        yield Reason(
            "dependency_waiting", f"it waits for {named(waits)}", f"see why: tq-console why {waits[0].partition(' ')[0]}"
        )
    if job.dependencies and not open_:
        yield Reason(
            "unreleased",
            "all that it waited for have finished, and it was not released",
            "enqueue it anew; or cancel it",
            "cancel",
        )


def _rate_limited(job: JobFacts, around: Around) -> Iterator[Reason]:
    limit = job.limit
    if _in(job, "rate limited") is None:
        yield from _lost(job, "no rate limit will let it go on", "enqueue it anew")
        return
    if limit is None or limit.held is None:
        return
    if limit.concurrency is not None and limit.held < limit.concurrency:
        yield Reason(
            "rate_limit_free",
            f"{limit.held:,} of {limit.concurrency:,} of the rate limit {limit.name} are in use, and nobody lets it go on",
            "the maintenance of any worker does: at its start, and every 10 min",
        )
        return
    most = f" of {limit.concurrency:,}" if limit.concurrency is not None else ""
    yield Reason(
        "rate_limited",
        f"the rate limit {limit.name} is used up, {limit.held:,}{most}: by {named(limit.holders) or 'nobody'}",
        "it goes on as soon as one of these ends",
    )


def _ready(job: JobFacts, around: Around) -> Iterator[Reason]:
    listed = _in(job, "ready")
    if listed is None and _in(job, "queued") is None:
        yield from _lost(job, "nobody will push it into its queue", "enqueue it anew")
        return
    since = f"for {words.age(max(0.0, around.now - listed.score))} " if listed and listed.score is not None else ""
    yield Reason(
        "ready_unpushed",
        f"what it waited for has finished, and {since}nobody has pushed it into {_named(job)}",
        f"the maintenance of a worker of {_named(job)} does: at that worker's start, and every 10 min",
    )


def _of_no_status(job: JobFacts, around: Around) -> Iterator[Reason]:
    if job.entry is not None and job.status is None:
        return
    told = f"is {job.status}" if job.status else "is missing"
    yield Reason(
        "invalid_status",
        f"its status {told}, which RQ knows nothing of: a worker that takes it ends, and the job is lost",
        "delete it, and enqueue it anew",
        "delete",
    )


_OF_STATUS: Final[Mapping[str, Callable[[JobFacts, Around], Iterator[Reason]]]] = {
    "created": _queued,
    "queued": _queued,
    "started": _started,
    "scheduled": _scheduled,
    "deferred": _deferred,
    "rate_limited": _rate_limited,
    "ready_to_enqueue": _ready,
    "finished": ended.finished,
    "failed": ended.failed,
    "stopped": ended.stopped,
    "canceled": ended.canceled,
}
"""What is asked of a job by RQ's word for its state (rq.job.JobStatus)."""


# --- words --------------------------------------------------------------------------------------


def _named(job: JobFacts) -> str:
    return job.queue.name if job.queue is not None and job.queue.name else "its queue"


def _without(job: JobFacts) -> str:
    """How a job is run that waits for what will never finish: a copy waits for nothing."""
    name = shell_word(job.id)
    return f"cancel it; to run it without that: tq-console cancel {name}, then tq-console run-again {name}"


def _since(job: JobFacts, around: Around) -> str:
    return "" if job.started_at is None else f", for {words.age(max(0.0, around.now - job.started_at))}"
