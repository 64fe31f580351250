"""What a failure group needs of each failed job, made of a few fields of its hash and the newest entry of its results."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

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
from console.store import decoding, failure_batches, plain_pickles, rq_keys
from console.store.ahead import Ahead
from console.store.failure_batches import FIELDS, JOB, RESULTS, Batch, Listed
from console.store.owner import owner
from console.store.rows import MAX_REFUSED, SHORT
from console.store.tracebacks import Here, Telling
from console.store.trip import Trip
from console.store.values import instant, number, text

MOST_NAME: Final = 200
"""Characters of a user and a tier."""

_NAMES: Final = tuple((name, plain_pickles.key(name)) for name in (b"user", b"tier"))
_SUCCESS: Final = b"1"
_FAILED: Final = [b"type", b"2"]
_PACKED: Final = [b"exc_string"]

EXACT: Final = 16
"""Digits of a number that may be more than a float counts exactly."""

MOST_KNOWN: Final = 2_000
"""Functions with what they failed of that are remembered."""


@dataclass(slots=True)
class Opened:
    """A batch as far as it is known before its tracebacks are taken apart: of each job the fields of its hash, the packed
    traceback (empty: none) or what it failed of else, and when it failed."""

    batch: Batch
    values: list[Any]
    packs: list[bytes]
    whys: list[Raised | None]
    ended: list[float | None]


class Facts:
    """Reads jobs with their failures, which it names as a tally counts them. `refused` is what the server would not tell."""

    def __init__(self, connection: Redis, secrets: Secrets, tally: Tally, telling: Telling | None = None) -> None:
        """`telling` takes the tracebacks apart; without one, this process does."""
        self._connection, self._secrets, self._tally = connection, secrets, tally
        self._telling = telling or Here(secrets)
        tally.forget_empty()
        self._members: dict[tuple[bytes, int], tuple[Raised, Members]] = {}
        self.refused: dict[str, Refused] = {}

    def read(self, ahead: Ahead, chunks: Iterable[Sequence[Listed]], stopped: Callable[[], bool]) -> Iterator[list[Failure]]:
        """The failures of the jobs of each chunk, in order, until `stopped()` says so. Raises redis' errors of the
        connection."""
        telling = self._telling
        waiting: deque[Opened] = deque()
        for batch, values, entries in failure_batches.read(ahead, chunks, stopped):
            waiting.append(self._opened(batch, values, entries))
            telling.ask(waiting[-1].packs)
            if len(waiting) > telling.ahead:
                yield self._failures(waiting.popleft(), telling.answer())
        while waiting:
            yield self._failures(waiting.popleft(), telling.answer())

    def _opened(self, batch: Batch, values: list[Any], entries: list[Any]) -> Opened:
        for at, error in batch.refused.items():
            self._refuse(RESULTS + batch.listed[at][0], error)
        for at, fields in self._short(batch).items():
            values[at] = fields
        packs: list[bytes] = []
        whys: list[Raised | None] = []
        ended: list[float | None] = []
        for at, newest in enumerate(entries):
            if newest and type(newest) is list:
                name, fields = newest[0]
                packed, why = _newest(fields)
                stamp = name.partition(b"-")[0]
                milliseconds = int(stamp) if len(stamp) < EXACT else number(stamp)
                ended.append(None if milliseconds is None else milliseconds / 1_000)
            else:
                job = batch.listed[at][0]
                self._none(RESULTS + job, newest)
                packed, why = b"", told.HASH_GONE if values[at] is None else told.NOTHING_KEPT
                if at in batch.large:
                    why = told.TOO_LARGE
                ended.append(None)
            packs.append(packed)
            whys.append(None if packed else why)
        return Opened(batch, values, packs, whys, ended)

    def _failures(self, opened: Opened, raised: dict[bytes, Raised]) -> list[Failure]:
        each = zip(opened.batch.listed, opened.values, opened.packs, opened.whys, opened.ended, strict=True)
        return [self._failure(listed, fields, packed, why or raised[packed], at) for listed, fields, packed, why, at in each]

    def _short(self, batch: Batch) -> dict[int, list[Any]]:
        """Those of the fields of the heavy hashes that are short, in two trips."""
        if not batch.heavy:
            return {}
        named = {at: JOB + batch.listed[at][0] for at in batch.heavy}
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

    def _failure(self, listed: Listed, values: Any, packed: bytes, why: Raised, at: float | None) -> Failure:
        job, queue, score = listed
        status, description, meta, ended = values if type(values) is list else self._none(JOB + job, values)
        stopped = status == b"stopped"
        if stopped and not packed:
            why = told.STOPPED
        called = description if description and len(description) <= SHORT else b""
        known = self._members.get((called.partition(b"(")[0], id(why)))
        members = known[1] if known is not None else self._of_kind(called, why, packed)
        user, tier = _owner(meta) if meta and len(meta) <= SHORT else ("", "")
        if at is None and ended and len(ended) <= SHORT:
            at = instant(ended)
        return Failure(job, queue, score, stopped, members, user, tier, at)

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
