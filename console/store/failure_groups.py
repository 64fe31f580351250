"""Failures in groups: all failed registries, or one, read in chunks once, and from then on only what has come and gone.

RQ has no index for this, and a reduction on the server gains nothing: what tells kinds apart is compressed. So a first answer
is estimated from a few failures drawn by chance, and all are read behind it.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Final

from redis import Redis

from console.model.failure_groups import Failure, Groups, Tally
from console.model.queries import FailuresQuery, GroupsQuery
from console.model.secrets import Secrets
from console.model.selection import MAX_SELECTED
from console.store import job_lists, search
from console.store.ahead import Ahead, packed
from console.store.beside import Beside
from console.store.failure_batches import CHUNK, Listed
from console.store.failure_facts import Facts
from console.store.failure_listing import Before, Listing
from console.store.job_lists import Held
from console.store.registry_changes import Flat
from console.store.rows import MAX_REFUSED
from console.store.search import Bounds
from console.store.seen import Seen
from console.store.tracebacks import Here

MOST_READ: Final = MAX_SELECTED
"""Failures that are grouped: with what is kept of each to count it out again, some 400 bytes, a hundred megabytes."""

DRAWN: Final = 200
"""Failures of the first estimate; fewer than SMALL are all read at once."""

SMALL: Final = 2_000

MANY: Final = 10_000
"""Failures for which a second process is worth its start."""

STEPS: Final = 20
"""Answers on the way, at the most."""

STOPPED: Final = "it was stopped"
MORE: Final = f"{MOST_READ:,} are grouped at the most: choose one queue to see others"


@dataclass(slots=True)
class Grouping:
    """The failures of one queue, or of all (None), as far as they are known: each member of each registry with its score."""

    queue: bytes | None
    tally: Tally = field(default_factory=Tally)
    known: defaultdict[bytes, dict[bytes, Failure]] = field(default_factory=lambda: defaultdict(dict))
    listed: dict[bytes, Flat] = field(default_factory=dict)
    """The registries as they were listed last, if all that was in them is known."""
    turn: int = 0
    """How often they were listed."""

    def add(self, failures: Sequence[Failure]) -> None:
        """Count these as well, each in place of what was known of the same job. One that is told twice is one."""
        told = {(failure.queue, failure.job): failure for failure in failures}
        replaced = [self.known[queue][job] for queue, job in told if job in self.known[queue]]
        for (queue, job), failure in told.items():
            self.known[queue][job] = failure
        self.tally.add(list(told.values()))
        for failure in replaced:
            self.tally.drop(failure)

    def drop(self, failure: Failure) -> None:
        """Count one less."""
        known = self.known[failure.queue]
        del known[failure.job]
        if not known:
            del self.known[failure.queue]
        self.tally.drop(failure)

    def failures(self) -> Iterator[Failure]:
        """All that are counted, queue by queue, in the order in which they were read."""
        return (failure for members in self.known.values() for failure in members.values())


class Kept:
    """What one reader keeps from one grouping to the next: that of the queue, or of all, that was asked for last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grouping: Grouping | None = None

    @contextmanager
    def of(self, queue: bytes | None) -> Iterator[Grouping]:
        """What is kept of that queue; while another thread uses it, one that begins anew."""
        if not self._lock.acquire(blocking=False):
            yield Grouping(queue)
            return
        try:
            if self._grouping is None or self._grouping.queue != queue:
                self._grouping = Grouping(queue)
            yield self._grouping
        finally:
            self._lock.release()


def groups(
    connection: Redis, query: GroupsQuery, now: float, stopped: Callable[[], bool], seen: Seen, secrets: Secrets, kept: Kept
) -> Iterator[Groups]:
    """The groups of the failures that `query` asks for, at `now` (epoch seconds), ever more of them; the last answer is `done`.

    A filter looks at every failure as a search does, and nothing is kept of that. Raises redis' errors of the connection.
    """
    if query.filter:
        yield from wanted(connection, query, now, stopped, seen, secrets, Grouping(query.queue))
        return
    with kept.of(query.queue) as grouping:
        yield from every(connection, grouping, now, stopped, seen, secrets)


def every(
    connection: Redis,
    grouping: Grouping,
    now: float,
    stopped: Callable[[], bool],
    seen: Seen,
    secrets: Secrets,
    *,
    draw: bool = True,
) -> Iterator[Groups]:
    """All failures: what is new is read, and what has left is counted out. `draw`: begin with an estimate where that helps."""
    lists = job_lists.count(connection, grouping.queue, ("failed",), now, seen)
    held = [one for one in lists.of("failed") if one.total]
    of = sum(one.total for one in held)
    before = Before(grouping.known, grouping.listed, grouping.turn)
    grouping.listed, grouping.turn = {}, grouping.turn + 1
    with Ahead(connection) as ahead:
        if draw and not grouping.tally.count and of >= SMALL:
            yield _estimate(connection, ahead, held, of, now, secrets)
        many = of - grouping.tally.count >= MANY
        with Ahead(connection) as apart, Beside(secrets) if many else nullcontext(Here(secrets)) as telling:
            listing = Listing(apart, held, before, now, MOST_READ, stopped)
            facts = Facts(connection, secrets, grouping.tally, telling)
            facts.refused.update({one.what: one for one in lists.refused[:MAX_REFUSED]})
            step = max(SMALL, (of - grouping.tally.count) // STEPS)
            after = grouping.tally.count + step
            added = 0
            for part in facts.read(ahead, listing.chunks(), stopped):
                grouping.add(part)
                added += len(part)
                if grouping.tally.count >= after and grouping.tally.count < of:
                    after = grouping.tally.count + step
                    yield _told(grouping, now, of, facts)
            facts.refused = dict([*facts.refused.items(), *listing.refused.items()][:MAX_REFUSED])
    if listing.ended:
        for queue, job in listing.gone():
            grouping.drop(grouping.known[queue][job])
    whole = listing.ended and added == listing.given
    if whole:
        grouping.listed = listing.now()
        # Failures that have come or gone since they were counted are none of the others.
        of = max(of, grouping.tally.count) if of > MOST_READ else grouping.tally.count
    count = grouping.tally.count
    more = STOPPED if not whole else MORE if count < of else ""
    yield _told(grouping, now, max(of, count), facts, done=True, more=more)


def _chunks(listed: Sequence[Listed]) -> Iterator[Sequence[Listed]]:
    return (listed[start : start + CHUNK] for start in range(0, len(listed), CHUNK))


def _told(grouping: Grouping, now: float, of: int, facts: Facts, *, done: bool = False, more: str = "") -> Groups:
    tally = grouping.tally
    tally.settle(grouping.failures())
    return Groups(
        now, tally.count, of, tally.groups(now, named=done), done=done, more=more, refused=tuple(facts.refused.values())
    )


def _estimate(connection: Redis, ahead: Ahead, held: Sequence[Held], of: int, now: float, secrets: Secrets) -> Groups:
    """The groups as DRAWN failures let one expect them, drawn by chance from all."""
    ranks = sorted(SystemRandom().sample(range(of), DRAWN))
    asked: list[tuple[bytes, bytes]] = []
    before = 0
    for one in held:
        expiring, kept = one.parts
        end = before + expiring + kept
        for rank in ranks[bisect_left(ranks, before) : bisect_left(ranks, end)]:
            at = rank - before
            command, at = ("ZREVRANGE", at) if at < expiring else ("ZRANGE", at - expiring)
            asked.append((one.owner, packed((command, one.key, str(at), str(at), "WITHSCORES"))))
        before = end
    ahead.send(b"".join([command for _, command in asked]), len(asked))
    listed: list[Listed] = []
    for (queue, _), reply in zip(asked, ahead.replies(len(asked)), strict=True):
        if isinstance(reply, list) and reply:
            job, score = reply[0] if isinstance(reply[0], list) else reply
            listed.append((job, queue, score))
    tally = Tally()
    facts = Facts(connection, secrets, tally)
    for part in facts.read(ahead, _chunks(listed), lambda: False):
        tally.add(part)
    refused = tuple(facts.refused.values())
    return Groups(now, tally.count, of, tally.groups(now, of / max(1, tally.count)), sampled=True, refused=refused)


def wanted(
    connection: Redis,
    query: GroupsQuery,
    now: float,
    stopped: Callable[[], bool],
    seen: Seen,
    secrets: Secrets,
    grouping: Grouping,
) -> Iterator[Groups]:
    """Those failures that the filter wants, in groups."""
    asked = FailuresQuery(query.queue, filter=query.filter)
    bounds = Bounds(MOST_READ, MOST_READ)
    looked = search.Chunk(0, 0, 0, (), ())
    facts = Facts(connection, secrets, grouping.tally)
    with Ahead(connection) as ahead:
        for chunk in search.chunks(connection, asked, now, stopped, seen, secrets, bounds):
            looked = chunk
            listed: list[Listed] = [(member.job, member.queue or b"", member.score) for member, _ in chunk.wanted]
            for part in facts.read(ahead, _chunks(listed), lambda: False):
                grouping.add(part)
            for one in chunk.refused[:MAX_REFUSED]:
                facts.refused.setdefault(one.what, one)
            if chunk.more is None:
                yield _looked(grouping, now, looked, facts)
    yield _looked(grouping, now, looked, facts)


def _looked(grouping: Grouping, now: float, chunk: search.Chunk, facts: Facts) -> Groups:
    refused = tuple(facts.refused.values())
    told = grouping.tally.groups(now)
    done, more = chunk.more is not None, chunk.more or ""
    return Groups(now, chunk.read, chunk.of, told, searched=True, done=done, more=more, refused=refused)
