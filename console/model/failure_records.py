"""Failed jobs as records of a file: a line of JSON or of CSV for each, without secrets."""

from __future__ import annotations

import csv
import json
from typing import Any, Final, TextIO

from console.model.commands import JobSeen
from console.model.incident import utc
from console.model.pages import JobRow
from console.model.secrets import Secrets, masked_text
from console.model.text import decoded, visible

FIELDS: Final = (
    "id", "group", "queue", "state", "call", "user", "tier", "task", "created_at", "enqueued_at", "started_at", "ended_at",
    "error", "missing",
)  # fmt: skip
"""Instants are ISO 8601 in UTC. `missing`: it is listed as failed, and its hash is gone."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def record(row: JobRow, seen: JobSeen, group: str, secrets: Secrets) -> dict[str, Any]:
    """What is known of a failure by FIELDS. Of one whose hash is gone that is where it was `seen`."""

    def told(text: str | None) -> str | None:
        return None if text is None else masked_text(text, secrets)

    return {
        "id": told(row.id),
        "group": group or None,
        "queue": told(decoded(seen.queue)),
        "state": seen.state if row.missing else row.state,
        "call": told(row.call) or None,
        "user": told(row.user),
        "tier": told(row.tier),
        "task": told(row.task),
        "created_at": utc(row.created_at),
        "enqueued_at": utc(row.enqueued_at),
        "started_at": utc(row.started_at),
        "ended_at": utc(row.ended_at),
        "error": told(row.error),
        "missing": row.missing,
    }


class JsonLines:
    """A JSON object a line, in ASCII."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def add(self, record: dict[str, Any]) -> None:
        """Write one more."""
        self._out.write(json.dumps(record, allow_nan=False) + "\n")


class Csv:
    """Rows under a head of FIELDS, each text visible, and none that a spreadsheet would take for a formula."""

    def __init__(self, out: TextIO) -> None:
        self._rows = csv.writer(out, lineterminator="\n")
        self._rows.writerow(FIELDS)

    def add(self, record: dict[str, Any]) -> None:
        """Write one more."""
        self._rows.writerow([_cell(record[name]) for name in FIELDS])


def _cell(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "yes" if value else ""
    shown = visible(str(value))
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
