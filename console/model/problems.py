"""What is wrong with an installation, judged from one reading of it.

Each rule looks at the status and names what it finds; RULES is their order, the gravest first. A code never changes its
meaning, because monitors match on it. A rule says nothing about what could not be read: `unreadable` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from console.model import schedule_problems as schedules
from console.model import starting, words
from console.model.counting import counted, named
from console.model.problem_words import EVIDENCE, WORKERS, error, everything, jobs, subject, warning
from console.model.queries import FailuresQuery, JobsQuery, OverviewQuery
from console.model.status import Problem, QueueStatus, Status
from console.model.text import shell_word
from console.model.why import queues
from console.model.why.facts import Around, Before, QueueFacts

FAILURES = 5
"""How many runs have to fail before a lane counts as failing."""

STARVED_S = 30.0
"""Seconds for which the next job of a queue may be overtaken, where nothing is promised."""

CHANGED_S = 900.0
"""Seconds for which it is told that another process of the server answers than before."""

EVICTING = ("allkeys-", "volatile-")


def codes() -> tuple[str, ...]:
    """Every code that a problem can have, in the order of RULES: each rule finds the one that it is named after."""
    return tuple(rule.__name__ for rule in RULES)


def find(status: Status) -> tuple[Problem, ...]:
    """Every problem of `status`, ranked."""
    return ranked(problem for rule in RULES for problem in rule(status))


def ranked(found: Iterable[Problem]) -> tuple[Problem, ...]:
    """Errors first; then what touches more of users' work, by its order of magnitude, so that a list that is read again every
    second stands still; then in the order in which they were found."""
    return tuple(sorted(found, key=lambda problem: (problem.severity != "error", -len(str(problem.touches)))))


def suspended(status: Status) -> Iterator[Problem]:
    """`suspended`: no worker of this database takes a job."""
    if status.suspended:
        yield error(
            "suspended",
            "workers",
            "every worker is suspended: none takes another job",
            "tq-console resume, or P on the overview",
            everything(status),
            WORKERS,
        )


def no_worker(status: Status) -> Iterator[Problem]:
    """`no_worker`: jobs wait where nobody listens. One for each lane, and one for all other queues together."""
    left = [queue for queue in status.queues if queue.waiting and not queue.workers]
    others = [queue for queue in left if not queue.lane]
    for queue in left:
        if queue.lane:
            yield error(
                "no_worker",
                queue.name,
                f"{jobs(queue)} and no worker listens",
                "start one: rq worker high default low",
                queue.waiting or 0,
                JobsQuery(queue=queue.key),
            )
    if others:
        waiting = sum(queue.waiting or 0 for queue in others)
        which = f": {named([queue.name for queue in others])}" if len(others) > 1 else ""
        yield error(
            "no_worker",
            subject([queue.name for queue in others], "queues"),
            f"{counted(waiting, 'job waits', 'jobs wait')} and no worker listens{which}",
            f"start one: {_worker([queue.name for queue in others])}",
            waiting,
            JobsQuery(queue=others[0].key) if len(others) == 1 else OverviewQuery(),
            [queue.name for queue in others],
        )


def starved(status: Status) -> Iterator[Problem]:
    """`starved`: all workers of a queue serve others first, where there is work that came later. Each queue is overtaken for a
    moment now and then: that is a problem once its next job has waited for longer than is promised, or than STARVED_S."""
    around = Around(status.as_of, workers=status.workers)
    waiting = tuple(
        Before(queue.name, queue.waiting, status.as_of - queue.oldest_s)
        for queue in status.queues
        if queue.waiting and queue.oldest_s is not None
    )
    for queue in status.queues:
        bearable, waited = STARVED_S if queue.promise_s is None else queue.promise_s, queue.oldest_s or 0.0
        if queue.waiting and waited > bearable and 0 < queue.workers == queue.busy:
            facts = QueueFacts(queue.name, True, queue.waiting, status.as_of - waited, before=waiting)
            for reason in queues.not_taken(facts, around):
                if reason.code == "starved":
                    yield error("starved", queue.name, reason.message, reason.remedy, queue.waiting, JobsQuery(queue=queue.key))


def out_of_memory(status: Status) -> Iterator[Problem]:
    """`out_of_memory`: the server refuses every write."""
    server = status.server
    around = Around(
        status.as_of, used_memory=server.used_memory, maxmemory=server.maxmemory, policy=server.maxmemory_policy or ""
    )
    for reason in queues.out_of_memory(around):
        yield error("out_of_memory", "server", reason.message, reason.remedy, everything(status))


def promise_broken(status: Status) -> Iterator[Problem]:
    """`promise_broken`: the next job of a lane has waited longer than the shortest promise of the tiers on that lane."""
    for queue in status.queues:
        if queue.promise_s is not None and queue.oldest_s is not None and queue.oldest_s > queue.promise_s:
            yield error(
                "promise_broken",
                queue.name,
                f"the next job has waited {words.age(int(queue.oldest_s - queue.promise_s))} longer than the "
                f"{words.age(queue.promise_s)} that is promised; {jobs(queue)}",
                _for_promise(status, queue),
                queue.waiting or 0,
                JobsQuery(queue=queue.key),
            )


def _for_promise(status: Status, queue: QueueStatus) -> str:
    if not queue.workers:
        return "start a worker on this lane"
    if status.suspended:
        return "tq-console resume: no worker is short, all are suspended"
    return "start more workers on this lane, or see what occupies those it has"


def retries_unmoved(status: Status) -> Iterator[Problem]:
    """`retries_unmoved`: retries or scheduled jobs are more than a minute past due, so nobody moves them to their queue."""
    stuck = [queue for queue in status.queues if queue.overdue]
    if stuck:
        names = [queue.name for queue in stuck]
        total = sum(queue.overdue or 0 for queue in stuck)
        yield error(
            "retries_unmoved",
            subject(names, "queues"),
            f"{counted(total, 'retry or scheduled job is', 'retries or scheduled jobs are')} more than 1 min past due, "
            f"and nothing moves {'it' if total == 1 else 'them'}: {named(names)}",
            f"start {'rqscheduler, or ' if all(queue.lane for queue in stuck) else 'one: '}"
            + _worker(names, with_scheduler=True),
            total,
            JobsQuery("scheduled", stuck[0].key if len(stuck) == 1 else None),
            names,
        )


def worker_gone(status: Status) -> Iterator[Problem]:
    """`worker_gone`: workers that are registered still, and ended without saying goodbye."""
    names = [worker.name for worker in status.workers if worker.verdict == "gone"]
    if names:
        yield warning(
            "worker_gone",
            subject(names, "workers"),
            "ended without saying goodbye, as after kill -9 or a lost host" + (f": {named(names)}" if len(names) > 1 else ""),
            "see what ended it, and start another; a job that it had is retried or failed by the maintenance of RQ",
            0,
            WORKERS,
            names,
        )


def failing(status: Status) -> Iterator[Problem]:
    """`failing`: within about an hour, more runs of a lane have failed than were done, or not one attempt has succeeded."""
    for queue in status.queues:
        if (ended := queue.ended) is None:
            continue
        within = f"in the last {ended.since_s / 60:,.0f} min" if ended.since_s is not None else "so far"
        if ended.failed >= FAILURES and ended.failed > ended.done:
            what = f"{ended.failed:,} of {counted(ended.failed + ended.done, 'run')} failed {within}"
        elif not ended.done and ended.failed + ended.retried >= FAILURES:
            what = f"{counted(ended.failed + ended.retried, 'attempt')} failed {within}, and no run was done"
        else:
            continue
        yield error(
            "failing",
            queue.name,
            what,
            f"see what fails: tq-console failures --queue {shell_word(queue.name)}",
            ended.failed,
            FailuresQuery(queue.key),
        )


def evicting(status: Status) -> Iterator[Problem]:
    """`evicting`: a full server would drop keys, and with them jobs. An error where there is a limit that it can reach."""
    server = status.server
    policy = server.maxmemory_policy or ""
    if not policy.startswith(EVICTING):
        return
    when = f"at {server.maxmemory:,} bytes" if server.maxmemory else "as soon as maxmemory is set"
    problem = error if server.maxmemory else warning
    yield problem(
        "evicting",
        "server",
        f"maxmemory-policy is {policy}: {when} the server drops keys, and jobs and schedules are lost silently",
        "CONFIG SET maxmemory-policy noeviction",
        everything(status) if server.maxmemory else 0,
    )


def unreadable(status: Status) -> Iterator[Problem]:
    """`unreadable`: keys or commands that the server refused, so what they would say is missing from this status."""
    if status.refused:
        first = status.refused[0]
        more = f" (and {counted(len(status.refused) - 1, 'other')})" if len(status.refused) > 1 else ""
        yield warning(
            "unreadable",
            first.what,
            f"{first.reason}{more}; what depends on it is left out",
            "give this user the read commands, or see who writes another type to that key",
        )


def restarted(status: Status) -> Iterator[Problem]:
    """`restarted`: the server's process is another one than was met before. What it had not saved is gone; workers register
    when they start, and work on without being known to this one (rq.worker.BaseWorker.register_birth)."""
    ago = status.server.changed_s
    if ago is not None and ago < CHANGED_S:
        yield warning(
            "restarted",
            "server",
            f"another process answers for the last {words.age(int(ago))}: it was restarted, or a replica took over",
            "see whether all is there; restart the workers that are not listed any more",
            0,
            WORKERS,
        )


def not_all_read(status: Status) -> Iterator[Problem]:
    """`not_all_read`: there are more queues or workers than one reading takes in."""
    for unread in status.unread:
        yield warning(
            "not_all_read",
            unread.what,
            f"{unread.read:,} of {unread.total:,} {unread.what} are shown",
            f"see whether so many {unread.what} are meant; old ones can be removed",
            0,
            WORKERS if unread.what == "workers" else OverviewQuery(),
        )


def _worker(queues: Sequence[str], *, with_scheduler: bool = False) -> str:
    """The command that starts a worker of these queues; of the first ones where that line would be long."""
    more = len(queues) - EVIDENCE
    command = starting.worker(queues[:EVIDENCE], with_scheduler=with_scheduler)
    return f"{command}; then see the other {counted(more, 'queue')}: tq-console status" if more > 0 else command


RULES: tuple[Callable[[Status], Iterator[Problem]], ...] = (
    out_of_memory,
    suspended,
    schedules.no_scheduler,
    no_worker,
    starved,
    promise_broken,
    failing,
    retries_unmoved,
    schedules.pass_lock_held,
    evicting,
    restarted,
    worker_gone,
    schedules.schedules_failing,
    schedules.quarantined,
    schedules.orphaned,
    schedules.other_prefix,
    schedules.slow_poll,
    schedules.schedules_late,
    unreadable,
    not_all_read,
)
