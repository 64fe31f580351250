"""Rows of jobs, from a few plain fields of their hashes; a job's call (`data`) is never fetched, and nothing is executed.

Any field may be of any size, so all are measured in one trip, and those that are short are fetched in the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from redis import Redis

from console.model import tracebacks, words
from console.model.pages import JobRow
from console.model.payload import Pairs, Undecodable
from console.model.queries import JOB_STATES
from console.model.secrets import Secrets, masked_text
from console.model.status import Refused
from console.store import decoding, rq_keys
from console.store.job_lists import AMONG, REGISTRIES, Member, Registry
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
"""Bytes of a field that is fetched."""

SMALL: Final = 262_144
"""Bytes of memory of a results stream whose newest entry is fetched."""

MAX_ERROR: Final = 300
"""Characters of an error."""

MAX_REFUSED: Final = 20

_JOB: Final = keys.RQ_JOB.encode()
_RESULTS: Final = rq_keys.RESULTS.encode()

STATES: Final = {
    b"started": "running",
    b"rate_limited": "rate limited",
    b"ready_to_enqueue": "ready",
}
"""What RQ's statuses are called here, where it is not the same word."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One row for each member, in their order, and the queues that they name as their own."""

    rows: tuple[JobRow, ...]
    origins: frozenset[bytes]
    refused: tuple[Refused, ...]


@dataclass(slots=True)
class _Job:
    """What was asked about one member: in the first trip how many fields its hash has, how long each of FIELDS is, and what its
    results stream takes; in the second the `short` ones of FIELDS, and the newest entry of the stream."""

    member: Member
    fields: Answer
    lengths: dict[str, Answer]
    results: Answer | None
    short: tuple[str, ...] = ()
    values: Answer | None = None
    newest: Answer | None = None
    found: dict[str, bytes] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The state of the list that it was found in, told apart where that has jobs of two; without a list, by the hash."""
        status, listed = self.found.get("status", b""), self.member.state
        if listed == "failed" and status == b"stopped":
            return "stopped"
        if listed == "scheduled" or (listed is None and status == b"scheduled"):
            return "retrying" if self.tried else "scheduled"
        return listed or STATES.get(status) or text(status)

    @property
    def tried(self) -> bool:
        """Whether a scheduled job has been tried before. One that repeats can look the same when it may be retried too."""
        found = self.found
        return "started_at" in found and ("retries_left" in found or bool(whole(found.get("number_of_retries"))))


def read(connection: Redis, members: Sequence[Member], secrets: Secrets, *, errors: bool) -> Rows:
    """A row for each member, in two trips. `errors`: with the last line of the newest traceback.

    The state of a member that was found in a list is the list's, but for `retrying` among the scheduled and `stopped` among the
    failed; of any other it is what the hash says, empty when that is gone. Raises redis' errors of the connection.
    """
    jobs, refused = _ask(connection, members, errors)
    return _rows(jobs, [job.member.score for job in jobs], refused, secrets)


def named(connection: Redis, ids: Sequence[bytes], secrets: Secrets, *, errors: bool) -> Rows:
    """A row for each id, whichever list it is in, in three trips: the last one asks for its score where its state has one."""
    jobs, refused = _ask(connection, [Member(job) for job in ids], errors)
    third = Trip(connection)
    scores = [_ask_score(third, job) for job in jobs]
    third.go()
    known = [score.value if score is not None and isinstance(score.value, float) else None for score in scores]
    return _rows(jobs, known, (*refused, *third.refused), secrets)


def told(refused: Sequence[Refused]) -> tuple[Refused, ...]:
    """Each thing that was refused once, MAX_REFUSED of them at the most."""
    return tuple({one.what: one for one in refused}.values())[:MAX_REFUSED]


def _ask(connection: Redis, members: Sequence[Member], errors: bool) -> tuple[list[_Job], tuple[Refused, ...]]:
    first = Trip(connection)
    jobs = [_measure(first, member, errors) for member in members]
    first.go()
    second = Trip(connection)
    for job in jobs:
        _fetch(second, job)
    second.go()
    for job in jobs:
        values = zip(job.short, job.values.rows() if job.values else (), strict=False)
        job.found = {name: value for name, value in values if isinstance(value, bytes)}
    return jobs, (*first.refused, *second.refused)


def _measure(trip: Trip, member: Member, errors: bool) -> _Job:
    key = _JOB + member.job
    return _Job(
        member,
        trip.ask("HLEN", key),
        {name: trip.ask("HSTRLEN", key, name) for name in FIELDS},
        trip.ask("MEMORY USAGE", _RESULTS + member.job, "SAMPLES", 0) if errors else None,
    )


def _fetch(trip: Trip, job: _Job) -> None:
    job.short = tuple(name for name, length in job.lengths.items() if 0 < (length.count() or 0) <= SHORT)
    if job.short:
        job.values = trip.ask("HMGET", _JOB + job.member.job, *job.short)
    if job.results is not None and 0 < (job.results.count() or 0) <= SMALL:
        job.newest = trip.ask("XREVRANGE", _RESULTS + job.member.job, "+", "-", "COUNT", 1)


def _ask_score(trip: Trip, job: _Job) -> Answer | None:
    registry = _registry(job.state)
    if registry is None or not registry.scored or "origin" not in job.found:
        return None
    return trip.ask("ZSCORE", registry.prefix.encode() + job.found["origin"], job.member.job)


def _registry(state: str) -> Registry | None:
    return next((REGISTRIES[AMONG.get(one, one)] for one in JOB_STATES if one == state), None)


def _rows(jobs: Sequence[_Job], scores: Sequence[float | None], refused: tuple[Refused, ...], secrets: Secrets) -> Rows:
    return Rows(
        tuple(_row(job, score, secrets) for job, score in zip(jobs, scores, strict=True)),
        frozenset(job.found["origin"] for job in jobs if "origin" in job.found),
        refused,
    )


def _row(job: _Job, score: float | None, secrets: Secrets) -> JobRow:
    member, fields, state = job.member, job.found, job.state
    owner = _owner(fields.get("meta", b""))
    registry = _registry(state)
    never = score is None or (registry is not None and registry.expires and score < 0)
    return JobRow(
        key=member.job,
        id=text(member.job),
        queue=text(fields.get("origin", b"") if member.queue is None else member.queue),
        state=state,
        call=_call(job, secrets),
        user=owner.get("user"),
        tier=owner.get("tier"),
        task=owner.get("task"),
        created_at=instant(fields.get("created_at")),
        enqueued_at=instant(fields.get("enqueued_at")),
        started_at=instant(fields.get("started_at")),
        ended_at=instant(fields.get("ended_at")),
        at=None if never else number(score),
        worker=text_or_none(fields.get("worker_name")),
        error=_error(job, secrets),
        retries_left=whole(fields.get("retries_left")),
        missing=job.fields.count() == 0,
    )


def _call(job: _Job, secrets: Secrets) -> str:
    length = job.lengths["description"].count() or 0
    if length > SHORT:
        return f"(a description of {words.size(length)}, too long for a list)"
    # Masked while it is whole: a secret that is cut in two might not be known for one.
    return text(masked_text(job.found.get("description", b"").decode("utf-8", "backslashreplace"), secrets))


def _error(job: _Job, secrets: Secrets) -> str | None:
    if job.results is not None and (job.results.count() or 0) > SMALL:
        return "(results too large for a list)"
    entries = job.newest.rows() if job.newest else []
    newest = entries[0][1] if entries and isinstance(entries[0], list | tuple) else None
    packed = newest.get(b"exc_string") if isinstance(newest, dict) else None
    if not packed:
        return None
    trace = decoding.traceback(packed)
    if isinstance(trace, Undecodable):
        return f"(a traceback that cannot be read: {trace.reason})"[:MAX_ERROR]
    line = masked_text(tracebacks.final_line(trace)[:SHORT], secrets)
    return line if len(line) <= MAX_ERROR else line[: MAX_ERROR - 1] + "…"


def _owner(meta: bytes) -> dict[str, str]:
    """The user, tier and task that a run's meta names; nothing of it is executed."""
    if b"user" not in meta and b"tier" not in meta and b"task" not in meta:
        return {}
    found = decoding.value(meta)
    if not isinstance(found, Pairs):
        return {}
    named = {name: value for name, value in found.items if isinstance(name, str) and name in ("user", "tier", "task")}
    return {name: text(str(value)) for name, value in named.items() if _plain(value)}


def _plain(value: object) -> bool:
    """Whether a value is an identifier: a text, or a number as other installations number their users."""
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63)
