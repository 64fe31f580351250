"""The fields of a job's hash: each is measured before it is fetched, since anybody may have written anything of any size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from console.model import words
from console.model.masking import masked_webhooks
from console.model.payload import Call, Undecodable, Value
from console.model.secrets import Secrets, masked_call, masked_payload, masked_text
from console.model.shown import one_line
from console.model.status import Refused
from console.model.text import decoded
from console.store import decoding
from console.store.pickles import MAX_BYTES
from console.store.steps import Line, Steps
from console.store.values import text

TOLD: Final = (
    "status", "origin", "description", "created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat", "worker_name",
    "retries_left", "number_of_retries", "data", "meta",
)  # fmt: skip
"""Fields that JobDetail has places of their own for."""

OTHERS: Final = (
    "timeout", "ttl", "result_ttl", "failure_ttl", "retry_intervals", "enqueue_at_front", "enqueue_at_front_on_retry",
    "repeats_left", "repeat_intervals", "rate_limit_key", "rate_limit_concurrency", "group_id", "dependency_id",
    "dependency_ids", "allow_dependency_failures", "success_callback_name", "success_callback_timeout",
    "failure_callback_name", "failure_callback_timeout", "stopped_callback_name", "stopped_callback_timeout", "webhooks",
    "result", "exc_info",
)  # fmt: skip
"""The other fields that RQ and rq-scheduler write (rq.job.Job.to_dict), in the order in which they are told. `result` and
`exc_info` are where RQ before 1.12 kept what now is in the results stream."""

LIMITS: Final[Mapping[str, int]] = {"data": MAX_BYTES, "meta": 1 << 20, "result": 1 << 20, "exc_info": 1 << 20}
SHORT: Final = 65_536
"""Bytes of a field that is fetched: LIMITS, and SHORT for all others."""

MAX_FIELD: Final = 4_000
"""Characters of one of OTHERS that are kept."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A job's hash: the fields that were fetched, and the size in bytes of each that was too long to be. `found` is None when
    nobody knows whether there is a hash. `expires_s` is None when it is kept for good."""

    found: bool | None
    raw: Mapping[str, bytes]
    too_long: Mapping[str, int]
    expires_s: float | None
    refused: tuple[Refused, ...] = ()

    def get(self, name: str) -> bytes | None:
        """A field as it is, None when it is empty, not there, or too long."""
        return self.raw.get(name) or None

    @property
    def origin(self) -> bytes:
        """Its queue; RQ takes a missing one for the queue without a name."""
        return self.raw.get("origin", b"")


def read(line: Line, key: bytes) -> Steps[Fields]:
    """The fields of the job hash at `key`, in two trips."""
    kind, expiry = line.ask("TYPE", key), line.ask("PTTL", key)
    lengths = {name: line.ask("HSTRLEN", key, name) for name in (*TOLD, *OTHERS)}
    yield
    if kind.value in (b"none", "none", None):
        return Fields(None if kind.value is None else False, {}, {}, None)
    if kind.value not in (b"hash", "hash"):
        return Fields(False, {}, {}, None, (Refused(text(key), f"it is a {text(kind.value)}, and no hash"),))
    sizes = {name: length.count() or 0 for name, length in lengths.items()}
    fits = [name for name, size in sizes.items() if 0 < size <= LIMITS.get(name, SHORT)]
    values = line.ask("HMGET", key, *fits) if fits else None
    yield
    found = dict(zip(fits, values.rows(), strict=False)) if values else {}
    left = expiry.count()
    return Fields(
        found=True,
        raw={name: value for name, value in found.items() if isinstance(value, bytes)},
        too_long={name: size for name, size in sizes.items() if size > LIMITS.get(name, SHORT)},
        expires_s=None if left is None or left < 0 else left / 1000,
    )


def call(fields: Fields, secrets: Secrets) -> Call | Undecodable | None:
    """What the job would call; None when its hash has no data."""
    found = fields.get("data")
    if found is None:
        return _unread(fields, "data")
    return masked_call(decoding.call(found), secrets)


def meta(fields: Fields) -> Value | Undecodable:
    """What the job bears with it, not masked yet; None when there is nothing."""
    found = fields.get("meta")
    return _unread(fields, "meta") if found is None else decoding.value(found)


def description(fields: Fields, secrets: Secrets) -> str | None:
    """What the job is called in lists; None when it is called nothing."""
    if size := fields.too_long.get("description"):
        return f"(a description of {words.size(size)}, too long to be read)"
    found = fields.get("description")
    return None if found is None else text(masked_text(decoded(found), secrets))


def others(fields: Fields, secrets: Secrets) -> dict[str, str]:
    """The other fields that say something, as text; of those that are too long, their size."""
    told = {}
    for name in OTHERS:
        if size := fields.too_long.get(name):
            told[name] = f"({words.size(size)}, too long to be read)"
        elif found := fields.get(name):
            told[name] = _told(name, found, secrets)
    if size := fields.too_long.get("origin"):
        told["origin"] = f"({words.size(size)}, too long to be read)"
    return told


def _told(name: str, found: bytes, secrets: Secrets) -> str:
    if name == "result":
        return one_line(masked_payload(decoding.value(found), secrets))
    if name == "exc_info":
        try:
            found = decoding.inflated(found)[-MAX_FIELD:]
        except ValueError as error:
            return f"({error})"
    said = masked_webhooks(decoded(found)) if name == "webhooks" else decoded(found)
    whole = masked_text(said, secrets)
    return whole if len(whole) <= MAX_FIELD else whole[:MAX_FIELD] + "…"


def _unread(fields: Fields, name: str) -> Undecodable | None:
    size = fields.too_long.get(name)
    return None if size is None else Undecodable(f"at most {LIMITS[name]:,} bytes are read", size, "")
