"""Where a job stands as lines of its page: the lists that name it, and the jobs that it waits for or that wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from console.model import words
from console.model.job import JobDetail, Related
from console.screens.facts import head, state
from console.widgets.lines import Row
from console.widgets.pieces import Piece

LISTS: Final = {
    "queued": (":queue:",), "started": (":wip:",), "deferred": (":deferred:", ":ready:"),
    "scheduled": (":scheduled:", ":scheduled_jobs"),
    "finished": (":finished:",), "failed": (":failed:",), "stopped": (":failed:",), "canceled": (":canceled:",),
    "rate_limited": (":rate_limited",), "ready_to_enqueue": (":ready:", ":deferred:"),
}  # fmt: skip
"""What is in the names of the lists where RQ keeps a job of each state."""

MEANINGS: Final = {
    ":scheduled:": "due", "scheduled_jobs": "due", ":wip:": "trusted until", ":deferred:": "since", ":ready:": "since",
    ":canceled:": "since", ":allowed": "since", ":rate_limited": "since", ":finished:": "kept until", ":failed:": "kept until",
}  # fmt: skip
"""What the score says in the lists with that in their names."""

AN_INSTANT: Final = 1_000_000_000
"""Scores below it are no instants."""


def places(job: JobDetail, zone: tzinfo | None) -> list[Row]:
    """The lists that name it, and whether they are those of its state."""
    rows: list[Row] = []
    for place in job.places:
        said: list[Piece] = [(place.name, "")]
        if place.rank is not None:
            said.append((f"  at place {place.rank + 1:,}", "dim"))
        if place.score is not None:
            said.append((f"  {_score(place.name, place.score, job.as_of, zone)}", "dim"))
        rows.append(Row(tuple(said)))
    rows += [Row(((f"not searched to its end: {name}", "dim"),)) for name in job.unsearched]
    expected = LISTS.get(job.status or "") if job.found and not job.refused and not job.unsearched else None
    if expected is not None and not any(part in place.name for part in expected for place in job.places):
        where = "in no list" if not job.places else "in none of the lists of its state"
        rows.append(Row((("▲ ", "warn"), (f"{where}, though that is {job.status}", ""))))
    return [*head("LISTED IN"), *rows] if rows else []


def related(name: str, others: Sequence[Related], total: int) -> list[Row]:
    """Jobs that it waits for, or that wait for it; each can be opened."""
    if not others:
        return []
    rows = head(name, f"{len(others):,} of {total:,}" if len(others) < total else "")
    for other in others:
        known: Piece = state(other.state, 12) if other.state is not None else ("? gone".ljust(12), "warn")
        rows.append(Row((known, (other.call or other.id, "")), ("job", other.key)))
    return rows


def _score(name: str, score: float, now: float, zone: tzinfo | None) -> str:
    meaning = next((meaning for part, meaning in MEANINGS.items() if part in name), None)
    if meaning is None or 0 <= score < AN_INSTANT:
        return f"score {score:.12g}"
    # RQ gives -1 to what never expires.
    return f"{meaning} {words.absolute(score, zone, now)}" if score > 0 else "kept for good"
