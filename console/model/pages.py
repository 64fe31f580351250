"""Pages of jobs: what the lists of jobs and failures show.

Durations are seconds, instants epoch seconds. Text is kept as it was found, at most values.MAX_TEXT of it: whoever draws it
makes it visible (text.py). None stands for what could not be read, or for what nothing is known about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.model.status import Refused


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job in a list. `key` is its id as Redis has it, by which it is known; `id` is that as text.

    `state` is the list that it was found in, where those retrying and stopped are told from the scheduled and the failed ones;
    for a found one it is what its hash says. `call` is the description. `at` is the
    registry's score: when a scheduled job is due, when a finished or failed one expires (None: never), since when a deferred,
    ready, canceled or rate limited one is there, until when a running one is trusted to be alive. `error` is what the
    newest traceback ends with, in one line. `missing`: it is listed, and its hash is gone.
    """

    key: bytes
    id: str
    queue: str
    state: str
    call: str = ""
    user: str | None = None
    tier: str | None = None
    task: str | None = None
    created_at: float | None = None
    enqueued_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    at: float | None = None
    worker: str | None = None
    error: str | None = None
    retries_left: int | None = None
    missing: bool = False


@dataclass(frozen=True, slots=True)
class JobsPage:
    """Rows from the rank `start` on, of `total`. `counts` has the states' totals as far as they are known (retrying and stopped
    are no registries of RQ's: theirs are known to a search only). `of` is how many there are in all, where not all of them can
    be reached by rank; `note` says what else one must know of the list, empty when there is nothing."""

    as_of: float
    start: int
    total: int | None
    rows: tuple[JobRow, ...]
    counts: Mapping[str, int | None] = field(default_factory=dict)
    refused: tuple[Refused, ...] = ()
    of: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """How far a search has come: `read` of `of` members looked at, `keys` matched since the last time it told.

    `more` is why it ended before all were looked at, empty otherwise.
    """

    read: int
    of: int
    keys: tuple[bytes, ...]
    done: bool = False
    more: str = ""
