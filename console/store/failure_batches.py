"""The reading of what failure groups need of failed jobs, in batches of bounded size, ahead of their being looked at.

Nothing of unknown size is fetched: what each hash and each stream takes is asked ahead of its contents, which costs the server
two thirds of what they cost it anyway. What is in flight at once takes DEPTH times MOST_IN_FLIGHT and one job at the most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from console.store import rq_keys
from console.store.ahead import Ahead, packed_each
from console.store.rows import LIGHT, SMALL
from jobs import keys

FIELDS: Final = ("status", "description", "meta", "ended_at")

CHUNK: Final = 50
"""Jobs of which is asked together. Their replies fit into the buffer of a socket: the server goes on while these are made sense
of, where it would stop in the midst of larger ones."""

DEPTH: Final = 4
"""Chunks that are asked for before the first is looked at."""

MOST_IN_FLIGHT: Final = 4 << 20
"""Bytes of memory of the hashes and streams whose contents are asked for together."""

JOB: Final = keys.RQ_JOB.encode()
RESULTS: Final = rq_keys.RESULTS.encode()

Listed = tuple[bytes, bytes, Any]
"""A member of a failed registry: the job, its queue, and its score as the server's protocol has it."""


class Batch:
    """Jobs whose contents are asked for together: of those at the places `hashes` the fields, of those at `streams` the newest
    result. `heavy` are hashes to be measured field by field, `large` results that are not fetched, and `refused` those whose
    size the server would not tell, with what it says."""

    __slots__ = ("hashes", "heavy", "large", "listed", "refused", "streams")

    def __init__(self, listed: Sequence[Listed] = (), places: Sequence[int] = ()) -> None:
        self.listed = list(listed)
        self.hashes = list(places)
        self.streams = list(places)
        self.heavy: list[int] = []
        self.large: set[int] = set()
        self.refused: dict[int, Exception] = {}

    def ask(self, ahead: Ahead) -> None:
        """Send the commands."""
        jobs = [job for job, _, _ in self.listed]
        hashes, streams = [jobs[at] for at in self.hashes], [jobs[at] for at in self.streams]
        fields = packed_each("HMGET", JOB, hashes, *FIELDS)
        ahead.send(fields + packed_each("XREVRANGE", RESULTS, streams, "+", "-", "COUNT", "1"), len(hashes) + len(streams))

    def answered(self, ahead: Ahead) -> tuple[list[Any], list[Any]]:
        """The fields and the newest result of each job, None where they were not asked for."""
        split, jobs = len(self.hashes), len(self.listed)
        replies = ahead.replies(split + len(self.streams))
        return _placed(self.hashes, replies[:split], jobs), _placed(self.streams, replies[split:], jobs)


def _placed(places: list[int], found: list[Any], jobs: int) -> list[Any]:
    if len(places) == jobs:
        return found
    each: list[Any] = [None] * jobs
    for at, one in zip(places, found, strict=True):
        each[at] = one
    return each


def read(
    ahead: Ahead, chunks: Iterable[Sequence[Listed]], stopped: Callable[[], bool]
) -> Iterator[tuple[Batch, list[Any], list[Any]]]:
    """Each batch with the fields and the newest result of each of its jobs, in the order of the chunks, until `stopped()` says
    so. Chunks may be empty. Raises redis' errors of the connection."""
    left = iter(chunks)
    coming: deque[Sequence[Listed] | Batch] = deque()

    def measure() -> bool:
        """Ask how large the jobs of the next chunk are; whether there was one."""
        chunk = next(left, None)
        if chunk:
            jobs = [job for job, _, _ in chunk]
            hashes = packed_each("MEMORY USAGE", JOB, jobs, "SAMPLES", "0")
            ahead.send(hashes + packed_each("MEMORY USAGE", RESULTS, jobs, "SAMPLES", "0"), 2 * len(jobs))
            coming.append(chunk)
        return chunk is not None

    for _ in range(DEPTH):
        measure()
    while (coming or measure()) and not stopped():
        if not coming:
            continue
        one = coming.popleft()
        if isinstance(one, Batch):
            yield one, *one.answered(ahead)
            continue
        sizes = ahead.replies(2 * len(one))
        for batch in _batches(one, sizes[: len(one)], sizes[len(one) :]):
            batch.ask(ahead)
            coming.append(batch)
        measure()


def _batches(chunk: Sequence[Listed], hashes: list[Any], streams: list[Any]) -> list[Batch]:
    """The chunk in as many parts as it takes for none to be too large."""
    all_told = {*map(type, hashes), *map(type, streams)} == {int}
    if all_told and max(hashes) <= LIGHT and max(streams) <= SMALL and sum(hashes) + sum(streams) <= MOST_IN_FLIGHT:
        return [Batch(chunk, range(len(chunk)))]
    batches = [Batch()]
    taken = 0
    for listed, memory, results in zip(chunk, hashes, streams, strict=True):
        # None: there is no such key. An error: nobody may ask.
        size = memory if isinstance(memory, int) and memory <= LIGHT else 0
        if isinstance(results, int) and results <= SMALL:
            size += results
        if taken and taken + size > MOST_IN_FLIGHT:
            batches.append(Batch())
            taken = 0
        batch, taken = batches[-1], taken + size
        at = len(batch.listed)
        batch.listed.append(listed)
        if isinstance(memory, int) and memory <= LIGHT:
            batch.hashes.append(at)
        elif memory is not None:
            batch.heavy.append(at)
        if not isinstance(results, int):
            if results is not None:
                batch.refused[at] = results
        elif results <= SMALL:
            batch.streams.append(at)
        else:
            batch.large.add(at)
    return batches
