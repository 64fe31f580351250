"""What fails at present: the newest failures of all queues in groups. Of one reading and the next only those are read that have
come between, so that it costs what the queues and the new failures cost, however many have failed before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from console.model.failure_groups import Groups
from console.model.queries import FailingQuery
from console.model.secrets import Secrets
from console.store import failures
from console.store.ahead import Ahead
from console.store.failure_batches import Listed
from console.store.failure_facts import Facts
from console.store.failure_groups import STOPPED, Grouping
from console.store.rows import MAX_REFUSED
from console.store.seen import Seen


@dataclass(slots=True)
class Newest:
    """What one reader keeps of the newest failures from one reading to the next, and the queues that it has met."""

    grouping: Grouping = field(default_factory=lambda: Grouping(None))
    seen: Seen = field(default_factory=Seen)


def read(
    connection: Redis, query: FailingQuery, now: float, stopped: Callable[[], bool], secrets: Secrets, newest: Newest
) -> Groups:
    """The groups of the newest failures, at `now` (epoch seconds): those that expire last, as failures.py says.

    Two trips where none has come, some more and two commands for each that has. Raises redis' errors of the connection.
    """
    grouping = newest.grouping
    members, total, refused = failures.latest(connection, 0, query.newest, now, newest.seen)
    there: dict[tuple[bytes, bytes], Any] = {(member.queue or b"", member.job): member.score for member in members}
    for failure in [one for one in grouping.failures() if there.get((one.queue, one.job), "gone") != one.score]:
        grouping.drop(failure)
    fresh: list[Listed] = [
        (job, queue, score) for (queue, job), score in there.items() if job not in grouping.known.get(queue, ())
    ]
    facts = Facts(connection, secrets, grouping.tally)
    facts.refused.update({one.what: one for one in refused[:MAX_REFUSED]})
    if fresh:
        with Ahead(connection) as ahead:
            for part in facts.read(ahead, [fresh], stopped):
                grouping.add(part)
    tally = grouping.tally
    tally.settle(grouping.failures())
    more = STOPPED if tally.count < len(there) else ""
    return Groups(now, tally.count, total or 0, tally.groups(now), done=True, more=more, refused=tuple(facts.refused.values()))
