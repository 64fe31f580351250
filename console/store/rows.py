"""Rows of jobs, from a few plain fields of their hashes; a job's call (`data`) is never fetched, and nothing is executed.

Any field may be of any size, so sizes are asked before contents: of a hash as a whole, and where that is much, of each field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from redis import Redis

from console.model import job_states, tracebacks, words
from console.model.job_terms import FAILED
from console.model.pages import JobRow
from console.model.payload import Undecodable
from console.model.queries import JOB_STATES, JobState
from console.model.secrets import Secrets, masked_text
from console.model.status import Refused
from console.model.text import decoded
from console.store import decoding, rq_keys
from console.store.job_lists import AMONG, REGISTRIES, Member, Registry
from console.store.owner import owner
from console.store.trip import Answer, Trip
from console.store.values import instant, number, text, text_or_none, whole
from jobs import keys

FIELDS: Final = (
    "status",
    "origin",
    "description",
    "meta",
    "created_at",
    "enqueued_at",
    "started_at",
    "ended_at",
    "worker_name",
    "retries_left",
    "number_of_retries",
)

SHORT: Final = 4_096
"""Bytes of a field that is read."""

LIGHT: Final = 65_536
"""Bytes of memory that a hash may take, without its payload, for its fields to be fetched unmeasured."""

MAX_PAYLOAD: Final = 1 << 20
"""Bytes of a payload up to which it is known what it takes."""

SMALL: Final = 262_144
"""Bytes of memory of a results stream whose newest entry is fetched."""

MAX_ERROR: Final = 300
"""Characters of an error."""

MAX_REFUSED: Final = 20

_STATES: Final[Mapping[str, JobState]] = {one: one for one in JOB_STATES}
_OF_STATE: Final[Mapping[str, Registry]] = {one: REGISTRIES[AMONG.get(one, one)] for one in JOB_STATES}

_JOB: Final = keys.RQ_JOB.encode()
_RESULTS: Final = rq_keys.RESULTS.encode()


@dataclass(frozen=True, slots=True)
class Rows:
    """One row for each member, in their order, the members with all that is known of their places, and the queues that they
    name as their own."""

    rows: tuple[JobRow, ...]
    members: tuple[Member, ...]
    origins: frozenset[bytes]
    refused: tuple[Refused, ...]


@dataclass(slots=True)
class _Job:
    """What was asked about one member, and its answers after the trips: the memory that its hash and its results stream take
    and the length of its payload, then the `names` of FIELDS that are fetched, or else the `lengths` of all."""

    member: Member
    memory: int | None = None
    payload: int | None = None
    results: int | None = None
    names: tuple[str, ...] = ()
    values: Sequence[bytes | None] = ()
    newest: Sequence[Any] = ()
    lengths: dict[str, Answer] = field(default_factory=dict)
    found: dict[str, bytes] = field(default_factory=dict)
    """Those of FIELDS that are there, and SHORT."""
    described: int = 0
    """Bytes of the description."""
    state: str = ""
    """The state of the list that it was found in, told apart where that has jobs of two; without a list, by the hash."""

    @property
    def missing(self) -> bool:
        """Whether there is no hash."""
        return bool(self.lengths) and all(length.count() == 0 for length in self.lengths.values())

    @property
    def light(self) -> bool:
        """Whether all of its fields but the payload are known to be small."""
        memory, payload = self.memory, self.payload or 0
        # An allocator rounds a value up, by a quarter of it at the most.
        return memory is not None and memory - payload <= LIGHT + min(payload, MAX_PAYLOAD) // 4


Beside = Callable[[Trip, Sequence[bytes]], None]
"""Asks something else of jobs, in the first trip."""


def read(
    connection: Redis,
    members: Sequence[Member],
    secrets: Secrets,
    *,
    errors: bool,
    owners: bool = True,
    beside: Beside | None = None,
) -> Rows:
    """A row for each member, in two trips, and a third where a hash holds much besides its payload. `errors`: with the last
    line of the newest traceback; `owners`: with user, tier and task.

    The state of a member that was found in a list is the list's, but for `retrying` among the scheduled and `stopped` among the
    failed; of any other it is what the hash says, empty when that is gone. Raises redis' errors of the connection.
    """
    jobs, refused = _ask(connection, members, errors, beside)
    return _rows(jobs, [job.member.score for job in jobs], refused, secrets, owners)


def named(connection: Redis, ids: Sequence[bytes], secrets: Secrets, *, errors: bool, beside: Beside | None = None) -> Rows:
    """A row for each id, whichever list it is in; one more trip asks for its score where its state has one."""
    jobs, refused = _ask(connection, [Member(job) for job in ids], errors, beside)
    third = Trip(connection)
    scores = [_ask_score(third, job) for job in jobs]
    third.go()
    known = [score.value if score is not None and isinstance(score.value, float) else None for score in scores]
    return _rows(jobs, known, (*refused, *third.refused), secrets, owners=True)


def told(refused: Sequence[Refused]) -> tuple[Refused, ...]:
    """Each thing that was refused once, MAX_REFUSED of them at the most."""
    return tuple({one.what: one for one in refused}.values())[:MAX_REFUSED]


def _ask(
    connection: Redis, members: Sequence[Member], errors: bool, beside: Beside | None
) -> tuple[list[_Job], tuple[Refused, ...]]:
    jobs = [_Job(member) for member in members]
    first = _measure(connection, jobs, errors, beside)
    second = _fetch(connection, jobs)
    third = _fetch_short(connection, jobs)
    for job in jobs:
        values = dict(zip(job.names, job.values, strict=False))
        job.found = {name: value for name, value in values.items() if isinstance(value, bytes) and 0 < len(value) <= SHORT}
        measured = job.lengths.get("description")
        job.described = (measured.count() or 0) if measured else len(values.get("description") or b"")
        job.state = _state(job)
    # A hash whose memory is not told is measured field by field, so nothing is amiss.
    refused = [one for one in first.refused if one.what.startswith(rq_keys.RESULTS)]
    return jobs, (*refused, *second.refused, *third.refused)


def _measure(connection: Redis, jobs: Sequence[_Job], errors: bool, beside: Beside | None) -> Trip:
    """Ask what each hash takes, how much of that is its payload, and, for `errors`, what its results stream takes."""
    trip = Trip(connection)
    named = [_JOB + job.member.job for job in jobs]
    memory = trip.ask_each("MEMORY USAGE", named, "SAMPLES", 0)
    payload = trip.ask_each("HSTRLEN", named, "data")
    results = trip.ask_each("MEMORY USAGE", [_RESULTS + job.member.job for job in jobs] if errors else [], "SAMPLES", 0)
    if beside is not None:
        beside(trip, [job.member.job for job in jobs])
    trip.go()
    for at, job in enumerate(jobs):
        job.memory, job.payload = _count(memory.values[at]), _count(payload.values[at])
        job.results = _count(results.values[at]) if errors else None
    return trip


def _fetch(connection: Redis, jobs: Sequence[_Job]) -> Trip:
    """Fetch the fields of the hashes that are light, and the newest entries of the results that are small; measure the rest."""
    trip = Trip(connection)
    light = [job for job in jobs if job.light]
    told = [job for job in jobs if job.results is not None and 0 < job.results <= SMALL]
    values = trip.ask_each("HMGET", [_JOB + job.member.job for job in light], *FIELDS)
    newest = trip.ask_each("XREVRANGE", [_RESULTS + job.member.job for job in told], "+", "-", "COUNT", 1)
    for job in jobs:
        if not job.light:
            job.lengths = {name: trip.ask("HSTRLEN", _JOB + job.member.job, name) for name in (*FIELDS, "data")}
    trip.go()
    for job, found in zip(light, values.values, strict=True):
        job.names, job.values = FIELDS, found or ()
    for job, found in zip(told, newest.values, strict=True):
        job.newest = found or ()
    return trip


def _fetch_short(connection: Redis, jobs: Sequence[_Job]) -> Trip:
    """Fetch those fields of the heavy hashes that are short."""
    trip = Trip(connection)
    asked = []
    for job in jobs:
        names = tuple(name for name in FIELDS if name in job.lengths and 0 < (job.lengths[name].count() or 0) <= SHORT)
        if names:
            job.names = names
            asked.append((job, trip.ask("HMGET", _JOB + job.member.job, *names)))
    trip.go()
    for job, answer in asked:
        job.values = answer.rows()
    return trip


def _state(job: _Job) -> str:
    found, listed = job.found, job.member.state
    if listed not in (None, "scheduled", "failed"):
        return listed
    status = text(found.get("status", b""))
    if listed == "failed":
        return "stopped" if status == "stopped" else listed
    tried = job_states.was_tried(found.get("started_at"), found.get("retries_left"), whole(found.get("number_of_retries")))
    return job_states.state(listed or status, tried=tried)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _ask_score(trip: Trip, job: _Job) -> Answer | None:
    registry = _OF_STATE.get(job.state)
    if registry is None or not registry.scored or "origin" not in job.found:
        return None
    return trip.ask("ZSCORE", registry.prefix.encode() + job.found["origin"], job.member.job)


def _rows(
    jobs: Sequence[_Job], scores: Sequence[float | None], refused: tuple[Refused, ...], secrets: Secrets, owners: bool
) -> Rows:
    return Rows(
        tuple(_row(job, score, secrets, owners) for job, score in zip(jobs, scores, strict=True)),
        tuple(_placed(job, score) for job, score in zip(jobs, scores, strict=True)),
        frozenset(job.found["origin"] for job in jobs if "origin" in job.found),
        refused,
    )


def _placed(job: _Job, score: float | None) -> Member:
    """The member with its own state, and with the queue that its hash names where its list knows none."""
    member = job.member
    return Member(member.job, _STATES.get(job.state), job.found.get("origin") if member.queue is None else member.queue, score)


def _row(job: _Job, score: float | None, secrets: Secrets, owners: bool) -> JobRow:
    member, fields = job.member, job.found
    whose = _owner(fields.get("meta", b"")) if owners else {}
    registry = _OF_STATE.get(job.state)
    never = score is None or (registry is not None and registry.expires and score < 0)
    return JobRow(
        key=member.job,
        id=text(member.job),
        queue=text(fields.get("origin", b"") if member.queue is None else member.queue),
        state=job.state,
        call=_call(job, secrets),
        user=whose.get("user"),
        tier=whose.get("tier"),
        task=whose.get("task"),
        created_at=instant(fields.get("created_at")),
        enqueued_at=instant(fields.get("enqueued_at")),
        started_at=instant(fields.get("started_at")),
        ended_at=instant(fields.get("ended_at")) or _noted_at(job),
        at=None if never else number(score),
        worker=text_or_none(fields.get("worker_name")),
        error=_error(job, secrets),
        retries_left=whole(fields.get("retries_left")),
        missing=job.missing,
    )


def _call(job: _Job, secrets: Secrets) -> str:
    if job.described > SHORT:
        return f"(a description of {words.size(job.described)}, too long for a list)"
    # Masked while it is whole: a secret that is cut in two might not be known for one.
    return text(masked_text(decoded(job.found.get("description", b"")), secrets))


def _newest(job: _Job) -> tuple[bytes, dict[bytes, bytes]]:
    """The id and the fields of the newest entry of its results, empty where none was fetched."""
    entries = job.newest
    name, fields = entries[0] if entries and isinstance(entries[0], list | tuple) else (b"", {})
    return name, fields if isinstance(fields, dict) else {}


def _noted_at(job: _Job) -> float | None:
    """When the result of a job that failed or was stopped was written: RQ notes no end of one that was stopped."""
    milliseconds = number(_newest(job)[0].partition(b"-")[0]) if job.state in FAILED else None
    return None if milliseconds is None else milliseconds / 1_000


def _error(job: _Job, secrets: Secrets) -> str | None:
    if job.results is not None and job.results > SMALL:
        return "(results too large for a list)"
    _, newest = _newest(job)
    packed = newest.get(b"exc_string")
    if not packed:
        return rq_keys.EXHAUSTED_SAID if newest.get(b"type") == rq_keys.EXHAUSTED else None
    return (_line_of if len(packed) <= SHORT else _line_of.__wrapped__)(packed, secrets)


@lru_cache(maxsize=1_024)
def _line_of(packed: bytes, secrets: Secrets) -> str:
    trace = decoding.traceback(packed)
    if isinstance(trace, Undecodable):
        return f"(a traceback that cannot be read: {trace.reason})"[:MAX_ERROR]
    line = " ".join(masked_text(tracebacks.final_words(trace)[:SHORT], secrets).split())
    return line if len(line) <= MAX_ERROR else line[: MAX_ERROR - 1] + "…"


@lru_cache(maxsize=1_024)
def _owner(meta: bytes) -> dict[str, str]:
    """The user, tier and task that a run's meta names; nothing of it is executed."""
    if b"user" not in meta and b"tier" not in meta and b"task" not in meta:
        return {}
    return owner(decoding.value(meta))
