"""Why what waits in a queue is not taken, and why what waits for its time is not moved there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from console.model import starting, words
from console.model.counting import NAMED, counted, named
from console.model.status import WorkerStatus
from console.model.why.facts import Around, Before, QueueFacts
from console.model.why.reasons import Reason, ranked

BEAT: Final = 15.0
"""Seconds after which a lock of RQ's scheduler that was not renewed is that of a dead one: it is renewed every second."""

EVICTING: Final = ("allkeys-", "volatile-")


def why(queue: QueueFacts, around: Around) -> tuple[Reason, ...]:
    """Why the queue is not drained, the most decisive reason first."""
    return ranked(_why(queue, around))


def _why(queue: QueueFacts, around: Around) -> Iterator[Reason]:
    listening = present(queue, around)
    if queue.known is False and not queue.waiting and not queue.overdue and not _registered(queue, around):
        yield Reason(
            "no_such_queue",
            f"there is no queue {queue.name}: RQ does not list it, no worker listens on it, and nothing is in it",
            "see the names: tq-console status",
        )
        return
    yield from evicting(around)
    if queue.overdue:
        yield from unmoved(queue, around)
    if queue.running and not listening:
        one = queue.running == 1
        yield Reason(
            "worker_gone",
            f"{counted(queue.running, 'job was begun and has', 'jobs were begun and have')} not ended, and no worker of "
            f"{_named(queue.name)} is left: nobody retries {'it' if one else 'them'}, or lets {'it' if one else 'them'} fail",
            f"start one, which does that at its start: {starting.worker([queue.name])}",
        )
    if queue.waiting:
        yield from not_taken(queue, around)
        yield Reason(
            "served",
            f"{counted(queue.waiting, 'job waits', 'jobs wait')}, and {counted(len(listening), 'worker')} of it "
            f"{'takes' if len(listening) == 1 else 'take'} one after the other",
        )
    elif queue.waiting == 0:
        held_back = counted(queue.held_back or 0, "job of any queue waits", "jobs of any queues wait")
        more = f"; {held_back} for a rate limit: rate limits know no queue" if queue.held_back else ""
        yield Reason("empty", f"nothing waits in it{more}", "see them: tq-console jobs --state 'rate limited'" if more else "")


# --- what waits in it ---------------------------------------------------------------------------


def not_taken(queue: QueueFacts, around: Around) -> Iterator[Reason]:
    """What keeps the next job of a queue from being taken by a worker."""
    yield from out_of_memory(around)
    if around.suspended:
        yield Reason("suspended", "every worker is suspended: none takes another job", "tq-console resume", "suspend")
    listening = present(queue, around)
    if not listening:
        gone = len(_registered(queue, around))
        end = f"; {counted(gone, 'that is registered is', 'that are registered are')} gone" if gone else ""
        yield Reason(
            "no_worker", f"no worker listens on {_named(queue.name)}{end}", f"start one: {starting.worker([queue.name])}"
        )
        return
    if all(worker.verdict == "late" for worker in listening):
        yield Reason(
            "workers_late",
            f"no worker of {_named(queue.name)} has given a sign of life for {words.age(_freshest(listening))}: "
            + _names(listening),
            "see whether their hosts are reachable, and whether the processes are stopped",
        )
    elif all(worker.state == "busy" for worker in listening):
        yield from _starved(queue, listening)
        yield Reason(
            "workers_busy",
            f"{_all(listening, 'worker')} of {_named(queue.name)} {'is' if len(listening) == 1 else 'are'} busy: "
            + _running(listening),
            "wait, start more workers, or stop what is not wanted",
        )


def _starved(queue: QueueFacts, listening: Sequence[WorkerStatus]) -> Iterator[Reason]:
    """Whether all that serve the queue serve another one first in which there is work that came later than what waits here."""
    later = {one.name: one for one in queue.before if _is_later(one, queue)}
    first = [_served_first(worker, queue.name, later) for worker in listening]
    if first and all(first):
        names = list(dict.fromkeys(name for names in first for name in names))
        waiting = sum(later[name].waiting or 0 for name in names)
        yield Reason(
            "starved",
            f"{' and '.join(names[:NAMED])} {'is' if len(names) == 1 else 'are'} served first by "
            f"{_all(listening, 'worker')} of {_named(queue.name)}, and never empty: {counted(waiting, 'job')} there came later "
            "than what waits here",
            f"start a worker that serves {_named(queue.name)} first: {starting.worker([queue.name])}",
        )


def _is_later(one: Before, queue: QueueFacts) -> bool:
    return bool(one.waiting) and None not in (one.oldest_at, queue.oldest_at) and (one.oldest_at or 0) > (queue.oldest_at or 0)


def _served_first(worker: WorkerStatus, queue: str, later: dict[str, Before]) -> list[str]:
    before = worker.queues[: worker.queues.index(queue)] if queue in worker.queues else ()
    return [name for name in before if name in later]


# --- what waits for its time --------------------------------------------------------------------


def unmoved(queue: QueueFacts, around: Around) -> Iterator[Reason]:
    """What keeps retries, and RQ's scheduled jobs, from being moved into a queue when they are due."""
    yield from out_of_memory(around)
    if queue.lock_beat_s is not None:
        if queue.lock_beat_s > BEAT:
            yield Reason(
                "unmoved",
                f"the lock of the scheduler of {_named(queue.name)} is held by one that is silent for "
                f"{words.age(queue.lock_beat_s)}: until it ends, nobody moves what is due",
                "it ends within a minute of the last sign of life; start one: "
                + starting.worker([queue.name], with_scheduler=True),
            )
        return
    if queue.beaten is None or (queue.beaten and any(one.verdict == "live" for one in around.rqschedulers)):
        return
    yield Reason(
        "unmoved",
        f"nobody moves what is due into {_named(queue.name)}: no worker has its scheduler's lock, and no rqscheduler "
        + ("that beats is at work" if queue.beaten else "looks after this queue"),
        f"start {'rqscheduler, or ' if queue.beaten else 'one: '}{starting.worker([queue.name], with_scheduler=True)}",
        "retry_now",
    )


# --- the server ---------------------------------------------------------------------------------


def out_of_memory(around: Around) -> Iterator[Reason]:
    """Whether the server refuses every write, because its memory is full and it may not drop anything."""
    if around.maxmemory and around.used_memory and around.used_memory > around.maxmemory and around.policy == "noeviction":
        yield Reason(
            "out_of_memory",
            f"the server's memory is full ({words.size(around.used_memory)} of {words.size(around.maxmemory)}): it refuses "
            "every write, so no job can start, end or be enqueued",
            "raise maxmemory, or delete what is not needed",
        )


def evicting(around: Around) -> Iterator[Reason]:
    """Whether the server has dropped keys because its memory was full, as it may."""
    if around.policy.startswith(EVICTING) and around.evicted:
        yield Reason(
            "evicting",
            f"the server drops keys when its memory is full (maxmemory-policy {around.policy}): "
            f"{counted(around.evicted, 'key was', 'keys were')} dropped since it started, and jobs may be among them",
            "CONFIG SET maxmemory-policy noeviction, and give it more memory",
        )


# --- words --------------------------------------------------------------------------------------


def present(queue: QueueFacts, around: Around) -> list[WorkerStatus]:
    """The workers that listen on a queue and are not gone."""
    return [worker for worker in _registered(queue, around) if worker.verdict != "gone"]


def _registered(queue: QueueFacts, around: Around) -> list[WorkerStatus]:
    return [worker for worker in around.workers if queue.name in worker.queues]


def _named(queue: str) -> str:
    return queue or "the queue without a name"


def _all(workers: Sequence[WorkerStatus], noun: str) -> str:
    return f"the only {noun}" if len(workers) == 1 else f"all {len(workers):,} {noun}s"


def _names(workers: Sequence[WorkerStatus]) -> str:
    return named([worker.name for worker in workers])


def _running(workers: Sequence[WorkerStatus]) -> str:
    return named([f"{worker.name} runs {worker.job or 'a job'}" for worker in workers])


def _freshest(workers: Sequence[WorkerStatus]) -> float | None:
    return min((worker.heartbeat_s for worker in workers if worker.heartbeat_s is not None), default=None)
