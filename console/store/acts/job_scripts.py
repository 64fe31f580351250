"""Running a script over jobs, in as many calls as it takes to keep each of them short."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from redis import Redis
from redis.exceptions import NoScriptError, OutOfMemoryError, RedisError

from console.model.bulk import BATCH
from console.model.commands import JobSeen, Outcome, outcome
from console.store.acts import although_full
from console.store.server import is_refusal
from console.store.values import text
from jobs import keys
from jobs.prototype import rq_time
from jobs.scripts import Argument, Script

MOST_US: Final = 2_000
"""Microseconds of the server's time after which a script begins no further job."""

WITH_TRASH_US: Final = 1_500
"""The same of what is taken into the trash and put back: what is left to do then takes these longer."""

FIRST: Final = 64
"""So many jobs are given to the first call; each call after it is given about as many as there is time for."""


def run(
    connection: Redis,
    script: Script,
    operation: str,
    options: Sequence[Argument],
    jobs: Sequence[JobSeen],
    now: float,
    *,
    when_full: bool = False,
    most_us: int = MOST_US,
) -> list[Outcome]:
    """What came of each job, in order. `now` is epoch seconds; the rest is as each_call has it. Raises redis' errors: then
    nobody knows of the call that failed, and the calls before it are done."""
    calls = each_call(connection, script, operation, options, jobs, lambda: now, when_full=when_full, most_us=most_us)
    return [one for came in calls for one in came]


def each_call(
    connection: Redis,
    script: Script,
    operation: str,
    options: Sequence[Argument],
    jobs: Sequence[JobSeen],
    clock: Callable[[], float],
    more: Callable[[], bool] = lambda: True,
    *,
    inapt: Callable[[JobSeen], Outcome | None] = lambda job: None,
    when_full: bool = False,
    most_us: int = MOST_US,
) -> Iterator[list[Outcome]]:
    """What came of each job, in order, call by call: BATCH at the most each, one at least, as many as there is time for in
    `most_us` microseconds.

    `script` is one with lua/jobs.lua as its prelude, `clock` tells epoch seconds. A job of which `inapt` says what comes of it
    is not given to the script. `when_full`: also where memory is full. No further call is begun when `more()` is false, which
    is asked before each but the first.

    What came of one call is yielded while the next is under way, and the one after that is packed meanwhile, so that the server
    does not wait for this side. Raises redis' errors, after the jobs of the call that failed were yielded as `unknown`, or
    `refused`; the calls before it are done. Where memory is full, the call did nothing, and nothing is yielded of it.
    """

    def pack(start: int, end: int) -> _Call:
        given = jobs[start:end]
        apt = [job for job in given if inapt(job) is None]
        now = clock()
        head = (keys.RQ_KEY_PREFIX, keys.TQ, repr(now), rq_time(now), most_us, len(options), *options)
        arguments = [*head, *_told(apt)]
        return _Call(given, len(apt), arguments, own.pack_command("EVALSHA", script.sha, 1, key, *arguments) if apt else b"")

    def answer(call: _Call) -> list[bytes]:
        try:
            codes: list[bytes] | int = own.read_response()
        except (NoScriptError, OutOfMemoryError):
            # Neither did anything.
            if when_full:
                codes = although_full.run(connection, script, [key], call.arguments)
            else:
                codes = script.run(connection, [key], call.arguments)
        return [b"done"] * codes if isinstance(codes, int) else codes

    key = keys.OPERATION + operation
    at, size = 0, FIRST
    told: tuple[_Call, list[bytes]] | None = None
    with _connection(connection) as own:
        call = pack(at, size)
        while call.jobs:
            try:
                if call.apt:
                    own.send_packed_command(call.packed)
                if told is not None:
                    yield _outcomes(*told, inapt)
                    told = None
                following = pack(at + len(call.jobs), at + len(call.jobs) + size)
                codes = answer(call) if call.apt else []
            except RedisError as error:
                if told is not None:
                    yield _outcomes(*told, inapt)
                if not isinstance(error, OutOfMemoryError):
                    yield [outcome(job.key, "refused" if is_refusal(error) else "unknown") for job in call.jobs]
                raise
            told = call, codes
            if len(codes) == call.apt:
                at += len(call.jobs)
                size = min(BATCH, size + 1)
            else:
                # The server waits while the next call is packed anew: give it a little less than there was time for.
                done = len(_outcomes(call, codes, inapt))
                at, size = at + done, max(1, done * 7 // 8)
                following = pack(at, at + size)
            call = following
            if call.jobs and not more():
                break
        if told is not None:
            yield _outcomes(*told, inapt)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of the script: its jobs, how many of them are given to the script, and the request."""

    jobs: Sequence[JobSeen]
    apt: int
    arguments: Sequence[Argument]
    packed: Any


@contextmanager
def _connection(connection: Redis) -> Iterator[Any]:
    """One of the client's own connections."""
    pool = connection.connection_pool
    own: Any = pool.get_connection()
    try:
        yield own
    except BaseException:
        # An answer that was not read would be taken for that to another question.
        own.disconnect()
        raise
    finally:
        pool.release(own)


def _told(jobs: Sequence[JobSeen]) -> list[Argument]:
    """The jobs as the script takes them: those of one list that follow each other have its name before them, once."""
    told: list[Argument] = []
    for (state, queue), group in groupby(jobs, key=attrgetter("state", "queue")):
        members = list(group)
        told += (state, queue, len(members), *(job.key for job in members), *(_score(job.score) for job in members))
    return told


def _score(score: float | None) -> str:
    """A score as the server writes it."""
    return "" if score is None else repr(score).removesuffix(".0")


def _outcomes(call: _Call, codes: Sequence[bytes], inapt: Callable[[JobSeen], Outcome | None]) -> list[Outcome]:
    """What came of the jobs of a call, up to the first for which there was no time."""
    if call.apt == len(call.jobs) and codes.count(b"done") == len(codes):
        return [Outcome(job.key, "done") for job in call.jobs[: len(codes)]]
    found: list[Outcome] = []
    rest = iter(codes)
    for job in call.jobs:
        came = inapt(job)
        if came is None:
            code = next(rest, None)
            if code is None:
                break
            came = _outcome(job, code)
        found.append(came)
    return found


def _outcome(job: JobSeen, code: bytes) -> Outcome:
    if code == b"done":
        return Outcome(job.key, "done")
    word, _, made = code.partition(b" ")
    return outcome(job.key, text(word), new=made or None)
