"""An entry's job: the prototype with a constant id that rq-scheduler keeps for a schedule, and from which its runs are made."""

from __future__ import annotations

import pickle
import struct
import zlib
from datetime import UTC, datetime
from typing import Final

from jobs import keys

ENTRY_QUEUE: Final = "jobs.entries.EntryQueue"
ENTRY_META: Final = pickle.dumps({"queue_class_name": ENTRY_QUEUE})


def entry_data(path: str, user_id: str) -> bytes:
    """`data` of an entry's job hash as RQ stores it, a zlib stream: the call `path(user_id)`.

    The stream holds the call as it is (RFC 1951, 3.2.4: one stored block). So short a text gains nothing from compression, and
    setting a compressor up takes longer than all else that registering a schedule does.
    """
    call = pickle.dumps((path, None, (user_id,), {}))
    size = len(call)
    return b"\x78\x01\x01" + struct.pack("<HH", size, size ^ 0xFFFF) + call + struct.pack(">I", zlib.adler32(call))


def entry_fields(path: str, user_id: str, lane: str) -> dict[str, str | bytes]:
    """The job hash of an entry. Fields that RQ's Job.restore does without are left out, to keep an idle schedule small."""
    return {
        "status": "scheduled",
        "created_at": rq_time(datetime.now(UTC).timestamp()),
        "origin": lane,
        "data": entry_data(path, user_id),
        "description": description(path, user_id),
        "meta": ENTRY_META,
    }


def description(path: str, user_id: str) -> str:
    """What RQ's logs and lists call the job."""
    return f"{path.rpartition('.')[2]}({user_id!r})"[:200]


def job_key(job_id: str) -> str:
    """The key of a job's hash."""
    return keys.RQ_JOB + job_id


def rq_time(instant: float) -> str:
    """An instant as RQ writes it into hashes (rq.utils.utcformat)."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
