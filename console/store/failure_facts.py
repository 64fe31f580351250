"""What a failure group needs of each failed job, made of a few fields of its hash and the newest entry of its results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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
from console.store.trip import Trip
from console.store.values import instant, number, text

MOST_UNPACKED: Final = 1 << 20
"""Characters of tracebacks that are read together, but for the last one of them."""

MOST_NAME: Final = 200
"""Characters of a user and a tier."""

_NAMES: Final = tuple((name, plain_pickles.key(name)) for name in (b"user", b"tier"))
_SUCCESS: Final = b"1"
_FAILED: Final = [b"type", b"2"]
_PACKED: Final = [b"exc_string"]

EXACT: Final = 16
"""Digits of a number that may be more than a float counts exactly."""

MOST_KNOWN: Final = 2_000
"""Tracebacks that are remembered, of SHORT bytes at the most; and as many functions with what they failed of."""


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
        for batch, values, entries in failure_batches.read(ahead, chunks, stopped):
            yield self._facts(batch, values, entries)

    def _facts(self, batch: Batch, values: list[Any], entries: list[Any]) -> list[Failure]:
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
        raised = self._raised(packs)
        return [
            self._failure(listed, fields, packed, why or raised[packed], at)
            for listed, fields, packed, why, at in zip(batch.listed, values, packs, whys, ended, strict=True)
        ]

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

    def _raised(self, packs: Iterable[bytes]) -> dict[bytes, Raised]:
        """What packed tracebacks tell. The same one, byte by byte, is taken apart once, if not too many come between."""
        known = self._known
        found = {packed: known[packed] for packed in packs if packed in known}
        texts: dict[bytes, str] = {}
        size = 0
        for packed in packs:
            if not packed or packed in found or packed in texts:
                continue
            trace = decoding.traceback(packed)
            if isinstance(trace, Undecodable):
                found[packed] = told.UNREADABLE
                continue
            texts[packed] = trace
            size += len(trace)
            if size > MOST_UNPACKED:
                found.update(self._read(texts))
                texts, size = {}, 0
        found.update(self._read(texts))
        return found

    def _read(self, texts: dict[bytes, str]) -> dict[bytes, Raised]:
        found = dict(zip(texts, told.raised_each(texts.values(), self._secrets), strict=True))
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known.update({packed: why for packed, why in found.items() if len(packed) <= SHORT})
        return found

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
