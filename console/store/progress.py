"""What a job that runs said of its progress (jobs.running.progress)."""

from __future__ import annotations

import json
from typing import Any

from console.model.secrets import Secrets, masked_text
from console.store.values import number, text


def progress(raw: bytes | None, secrets: Secrets) -> tuple[float | None, str] | None:
    """The fraction that is done, from 0 to 1, and a message, masked; None where it said neither."""
    try:
        record: Any = json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    fraction, message = record.get("fraction"), record.get("message")
    share = number(fraction) if isinstance(fraction, int | float) else None
    known = share if share is not None and 0 <= share <= 1 else None
    said = masked_text(text(message), secrets) if isinstance(message, str) else ""
    return (known, said) if known is not None or said else None
