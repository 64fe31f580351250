"""Why runs failed: the error of an attempt, remembered, since it never changes and a refresh need not read it again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from console.model.schedules import RunRow
from console.model.secrets import Secrets, masked_text
from console.store.bounded import MAX_FIELD
from console.store.steps import Line, Steps
from console.store.values import text
from jobs import keys

MAX_REMEMBERED: Final = 2_000
MAX_ASKED: Final = 200
"""Errors that one read asks for."""

FAILED: Final = ("failed", "timeout", "killed", "lost")
"""States of a run that has failed for good (jobs.schedules.RunRecord)."""

Attempt = tuple[str, int]
"""A run's id, and the number of one of its attempts."""


@dataclass(slots=True)
class RunErrors:
    """What one reader remembers: the errors that it has read, and which others are short enough to be."""

    told: dict[Attempt, str] = field(default_factory=dict)
    short: set[Attempt] = field(default_factory=set)

    def of(self, run: RunRow | None) -> str | None:
        """The error of a run's newest attempt, if it has been read."""
        return None if run is None or run.attempts is None else self.told.get((run.id, run.attempts))


def read(line: Line, runs: Iterable[RunRow], errors: RunErrors, secrets: Secrets) -> Steps[None]:
    """Learn why these runs failed, in one trip: it asks for what is known to be short, and for the size of what is not known.

    So the second read of a failure tells its error, and a run of reads costs no trip of its own for that.
    """
    wanted = {(run.id, run.attempts) for run in runs if run.attempts} - errors.told.keys()
    asked = [(attempt, attempt in errors.short) for attempt in sorted(wanted)[:MAX_ASKED]]
    answers = [
        line.ask("HGET" if short else "HSTRLEN", _key(attempt), str(attempt[1])) for attempt, short in asked
    ]  # fmt: skip
    if not asked:
        return
    yield
    if len(errors.told) + len(errors.short) > MAX_REMEMBERED:
        errors.told.clear()
        errors.short.clear()
    for (attempt, short), answer in zip(asked, answers, strict=True):
        if short:
            errors.short.discard(attempt)
            errors.told[attempt] = masked_text(_error(answer.value), secrets)
        elif 0 < (answer.count() or 0) <= MAX_FIELD:
            errors.short.add(attempt)


def _key(attempt: Attempt) -> bytes:
    return (keys.ATTEMPTS + attempt[0]).encode("utf-8", "replace")


def _error(raw: object) -> str:
    try:
        record: Any = json.loads(raw) if isinstance(raw, bytes) else {}
        return text(str(record.get("error", "")))
    except (ValueError, AttributeError, RecursionError):
        return ""
