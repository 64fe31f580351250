"""What a failure group needs of each failed job: a few fields of its hash and the newest entry of its results, read in bulk.

Nothing of unknown size is fetched: what each hash and each stream takes is asked one stretch ahead of its contents, which costs
the server a tenth of what it takes anyway. What is in flight at once takes no more than twice MOST_IN_FLIGHT and one job.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import hiredis
from redis import Redis

from console.model import fingerprints, job_terms
from console.model import raised as told
from console.model.failure_groups import Failure, Members, Tally
from console.model.payload import Undecodable
from console.model.raised import Raised, Said
from console.model.secrets import Secrets, masked_text
from console.model.status import Refused
from console.model.text import decoded
from console.store import decoding, plain_pickles, rq_keys
from console.store.ahead import Ahead, packed_each
from console.store.owner import owner
from console.store.rows import LIGHT, MAX_REFUSED, SHORT, SMALL
from console.store.trip import Trip
from console.store.values import instant, number, text
from jobs import keys

FIELDS: Final = ("status", "description", "meta", "ended_at")

CHUNK: Final = 500
MOST_IN_FLIGHT: Final = 8 << 20
"""Bytes of memory of the hashes and streams whose contents are asked for together."""

MOST_NAME: Final = 200
"""Characters of a user and a tier."""

_JOB: Final = keys.RQ_JOB.encode()
_RESULTS: Final = rq_keys.RESULTS.encode()
_NAMES: Final = tuple((name, plain_pickles.key(name)) for name in (b"user", b"tier"))
_SUCCESS: Final = b"1"
_FAILED: Final = [b"type", b"2"]
_PACKED: Final = [b"exc_string"]

MOST_KNOWN: Final = 2_000
"""Tracebacks that are remembered, of SHORT bytes at the most; and as many functions with what they failed of."""


class Listed(NamedTuple):
    """A member of a failed registry: the job, its queue, and its score as the server's protocol has it."""

    job: bytes
    queue: bytes
    score: Any


class _Batch:
    """Jobs whose contents are asked for together: of those at the places `hashes` the fields, of those at `streams` the newest
    result. `unread` are results that cannot be fetched, with what is said of them; `heavy` are hashes to be measured field by
    field."""

    __slots__ = ("hashes", "heavy", "listed", "streams", "unread")

    def __init__(self) -> None:
        self.listed: list[Listed] = []
        self.hashes: list[int] = []
        self.streams: list[int] = []
        self.heavy: list[int] = []
        self.unread: dict[int, Raised] = {}

    def commands(self) -> list[bytes]:
        jobs = self.listed
        return [
            *packed_each("HMGET", [_JOB + jobs[at][0] for at in self.hashes], *FIELDS),
            *packed_each("XREVRANGE", [_RESULTS + jobs[at][0] for at in self.streams], "+", "-", "COUNT", "1"),
        ]


class Facts:
    """Reads jobs with their failures, which it names as a tally counts them. `refused` is what the server would not tell."""

    def __init__(self, connection: Redis, secrets: Secrets, tally: Tally) -> None:
        self._connection, self._secrets, self._tally = connection, secrets, tally
        self._known: dict[bytes, Raised] = {}
        self._members: dict[tuple[bytes, int], tuple[Raised, Members]] = {}
        self.refused: dict[str, Refused] = {}

    def read(self, ahead: Ahead, chunks: Iterable[Sequence[Listed]], stopped: Callable[[], bool]) -> Iterator[list[Failure]]:
        """The failures of the jobs of each chunk, in order, until `stopped()` says so. Raises redis' errors of the
        connection."""
        left = iter(chunks)
        coming: deque[Sequence[Listed] | _Batch] = deque()

        def measure() -> None:
            chunk = next(left, None)
            if chunk:
                ahead.send(packed_each("MEMORY USAGE", [_JOB + one.job for one in chunk], "SAMPLES", "0"))
                ahead.send(packed_each("MEMORY USAGE", [_RESULTS + one.job for one in chunk], "SAMPLES", "0"))
                coming.append(chunk)

        measure()
        measure()
        while coming and not stopped():
            one = coming.popleft()
            if isinstance(one, _Batch):
                replies = ahead.replies(len(one.hashes) + len(one.streams))
                yield self._facts(one, replies)
                continue
            sizes = ahead.replies(2 * len(one))
            for batch in self._batches(one, sizes[: len(one)], sizes[len(one) :]):
                ahead.send(batch.commands())
                coming.append(batch)
            measure()

    def _batches(self, chunk: Sequence[Listed], hashes: list[Any], streams: list[Any]) -> list[_Batch]:
        """The chunk in as many parts as it takes for none to be too large."""
        batches = [_Batch()]
        taken = 0
        for listed, memory, results in zip(chunk, hashes, streams, strict=True):
            # None: there is no such key. An error: nobody may ask.
            size = memory if isinstance(memory, int) and memory <= LIGHT else 0
            if isinstance(results, int) and results <= SMALL:
                size += results
            if taken and taken + size > MOST_IN_FLIGHT:
                batches.append(_Batch())
                taken = 0
            batch, taken = batches[-1], taken + size
            at = len(batch.listed)
            batch.listed.append(listed)
            if isinstance(memory, int) and memory <= LIGHT:
                batch.hashes.append(at)
            elif memory is not None:
                batch.heavy.append(at)
            if isinstance(results, int):
                if results <= SMALL:
                    batch.streams.append(at)
                else:
                    batch.unread[at] = told.TOO_LARGE
            elif results is not None:
                self._refuse(_RESULTS + listed.job, results)
        return batches

    def _facts(self, batch: _Batch, replies: list[Any]) -> list[Failure]:
        values: list[Any] = [None] * len(batch.listed)
        entries: list[Any] = [None] * len(batch.listed)
        split = len(batch.hashes)
        for at, value in zip(batch.hashes, replies[:split], strict=True):
            values[at] = value
        for at, entry in zip(batch.streams, replies[split:], strict=True):
            entries[at] = entry
        for at, value in self._short(batch).items():
            values[at] = value
        return [
            self._failure(listed, value, entry, batch.unread.get(at))
            for at, (listed, value, entry) in enumerate(zip(batch.listed, values, entries, strict=True))
        ]

    def _short(self, batch: _Batch) -> dict[int, list[Any]]:
        """Those of the fields of the heavy hashes that are short, in two trips."""
        if not batch.heavy:
            return {}
        named = {at: _JOB + batch.listed[at].job for at in batch.heavy}
        first = Trip(self._connection)
        lengths = {at: [first.ask("HSTRLEN", key, name) for name in FIELDS] for at, key in named.items()}
        first.go()
        second = Trip(self._connection)
        asked = {}
        for at, sizes in lengths.items():
            fits = [name for name, size in zip(FIELDS, sizes, strict=True) if 0 < (size.count() or 0) <= SHORT]
            if fits:
                asked[at] = fits, second.ask("HMGET", named[at], *fits)
        second.go()
        for one in (*first.refused, *second.refused):
            self._refused(one)
        found = {}
        for at in batch.heavy:
            fits, answer = asked.get(at, ([], None))
            known = dict(zip(fits, answer.rows() if answer else [], strict=False))
            found[at] = [known.get(name, b"") for name in FIELDS]
        return found

    def _failure(self, listed: Listed, values: Any, entries: Any, unread: Raised | None) -> Failure:
        job, queue, score = listed
        status, description, meta, ended = values if type(values) is list else self._none(_JOB + job, values)
        packed, at = b"", None
        if entries and type(entries) is list:
            name, fields = entries[0]
            at = number(name.partition(b"-")[0])
            packed, why = _newest(fields)
        else:
            self._none(_RESULTS + job, entries)
            why = unread or (told.HASH_GONE if values is None else told.NOTHING_KEPT)
        if packed:
            why = self._raised(packed)
        elif status == b"stopped":
            why = told.STOPPED
        called = description if description and len(description) <= SHORT else b""
        known = self._members.get((called.partition(b"(")[0], id(why)))
        members = known[1] if known is not None else self._of_kind(called, why, packed)
        user, tier = _owner(meta) if meta and len(meta) <= SHORT else ("", "")
        if at is None:
            at = instant(ended) if ended and len(ended) <= SHORT else None
        else:
            at /= 1_000
        return Failure(job, queue, score, status == b"stopped", members, user, tier, at)

    def _of_kind(self, called: bytes, why: Raised, packed: bytes) -> Members:
        """Where a failure is counted, which is remembered for others of that function, if it is named by what it calls."""
        function = fingerprints.function(decoded(called), why)
        kind = fingerprints.kind(masked_text(function, self._secrets), why)
        members = self._tally.of(kind) or self._tally.begin(kind, self._said(packed))
        if job_terms.function(decoded(called)) is not None:
            if len(self._members) >= MOST_KNOWN:
                self._members.clear()
            # With the object itself, lest another one is given its id.
            self._members[called.partition(b"(")[0], id(why)] = why, members
        return members

    def _raised(self, packed: bytes) -> Raised:
        """What a packed traceback tells. The same one, byte by byte, is taken apart once, if not too many come between."""
        why = self._known.get(packed)
        if why is None:
            trace = decoding.traceback(packed)
            why = told.UNREADABLE if isinstance(trace, Undecodable) else told.raised(trace, self._secrets)
            if len(packed) <= SHORT:
                if len(self._known) >= MOST_KNOWN:
                    self._known.clear()
                self._known[packed] = why
        return why

    def _none(self, key: bytes, answer: Any) -> list[None]:
        """The fields of what was not told, and a note of why."""
        if isinstance(answer, hiredis.ReplyError):
            self._refuse(key, answer)
        return [None] * len(FIELDS)

    def _said(self, packed: bytes) -> Said:
        trace = decoding.traceback(packed) if packed else ""
        return Said() if isinstance(trace, Undecodable) or not trace else told.said(trace, self._secrets)

    def _refuse(self, key: bytes, error: Exception) -> None:
        self._refused(Refused(text(key), " ".join(str(error).split())[:MOST_NAME]))

    def _refused(self, one: Refused) -> None:
        if len(self.refused) < MAX_REFUSED:
            self.refused.setdefault(one.what, one)


def _newest(fields: list[bytes]) -> tuple[bytes, Raised]:
    """The packed traceback of a result, and what the result says where it has none."""
    if fields[4:5] == _PACKED and fields[:2] == _FAILED:
        # As RQ writes it.
        return fields[5], told.NOTHING_KEPT
    found = dict(zip(fields[::2], fields[1::2], strict=False))
    outcome = found.get(b"type")
    if outcome == _SUCCESS:
        return b"", told.RAN_AGAIN
    return found.get(b"exc_string", b""), told.GAVE_UP if outcome == rq_keys.EXHAUSTED else told.NOTHING_KEPT


def _owner(meta: bytes) -> tuple[str, str]:
    """The user and the tier that a run's meta names, empty where it names none; nothing of it is executed."""
    found = plain_pickles.texts(meta, _NAMES)
    if found is None:
        named = owner(decoding.value(meta))
        found = [named.get("user", ""), named.get("tier", "")]
    user, tier = found
    return user[:MOST_NAME], tier[:MOST_NAME]
