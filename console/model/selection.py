"""What a command is about to be done to: gathered chunk by chunk, and told in a preview. Units: as in commands.py."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from console.model.commands import JobSeen, Seen
from console.model.job_terms import function
from console.model.pages import JobRow
from console.model.schedules import ScheduleRow

MAX_SELECTED: Final = 250_000
"""So many are acted on at the most by one command; it can be given again for the rest."""

MOST: Final = 5
"""Of each kind so many are told in a preview, and how many others there are."""

TIES: Final = ("entry", "dependents", "run")
"""What may hang on a job: it is the job of an rq-scheduler entry, whose schedule ends with it; other jobs wait for it; it is a
run of a user's schedule."""

AGES: Final = ((60.0, "under a minute"), (3_600.0, "under an hour"), (86_400.0, "under a day"), (float("inf"), "a day or more"))


@dataclass(frozen=True, slots=True)
class Selected:
    """A chunk: `read` of `of` looked at so far; `seen` are those that are wanted, `rows` what is known of these where that was
    asked for. `in_way` counts those that the list names and that cannot be acted on, by a code of REASONS; `ties` names those
    on which something else hangs, by a code of TIES. `more` says why it ended before all were looked at."""

    read: int
    of: int
    seen: tuple[Seen, ...]
    rows: tuple[JobRow | ScheduleRow, ...] = ()
    in_way: Counter[str] = field(default_factory=Counter)
    done: bool = False
    more: str = ""
    ties: Mapping[str, frozenset[bytes]] = field(default_factory=dict)
    waiting: Mapping[bytes, int] = field(default_factory=dict)
    """How many jobs wait for those of which others do, where ties are told."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of a selection there are by one kind: the most frequent first, and in how many others the rest are."""

    what: str
    counts: tuple[tuple[str, int], ...]
    others: int = 0


@dataclass(frozen=True, slots=True)
class Glance:
    """A preview at one instant: `read` of `of` looked at, and `count` found, of which `tallies` tell. `in_way`, `more` and
    `ties` as in Selected. Once it is `done`, `seen` are all that were found, and nothing else is ever added."""

    read: int
    of: int
    count: int
    in_way: Mapping[str, int]
    tallies: tuple[Tally, ...]
    done: bool = False
    more: str = ""
    seen: tuple[Seen, ...] = ()
    ties: Mapping[str, int] = field(default_factory=dict)
    """How many of them have which tie."""
    queues: tuple[str, ...] = ()
    """All queues of which they are, the most frequent first."""


class Preview:
    """What is selected so far: it grows with each chunk."""

    def __init__(self, now: float) -> None:
        self._now = now
        self.seen: list[Seen] = []
        self.in_way: Counter[str] = Counter()
        self.ties: Counter[str] = Counter()
        self.waiting: dict[bytes, int] = {}
        self.read = self.of = 0
        self.done = False
        self.more = ""
        self._counts: dict[str, Counter[str]] = {
            what: Counter() for what in ("function", "user", "tier", "task", "queue", "state", "error", "age")
        }

    def add(self, chunk: Selected) -> None:
        """Take in a chunk."""
        self.seen += chunk.seen
        self.in_way += chunk.in_way
        acted = {one.key for one in chunk.seen} if chunk.ties else set()
        self.ties += Counter({code: len(tied & acted) for code, tied in chunk.ties.items()})
        self.waiting |= {key: count for key, count in chunk.waiting.items() if key in acted}
        self.read, self.of, self.done, self.more = chunk.read, chunk.of, chunk.done, chunk.more
        for row in chunk.rows:
            for what, value in _told(row, self._now):
                self._counts[what][value] += 1

    def sort(self) -> None:
        """Put jobs into the order of their lists' scores, so that what failed first is first in a queue again, however the list
        is shown. Those without a score stay before them, in their order."""
        self.seen.sort(key=lambda one: one.score if isinstance(one, JobSeen) and one.score is not None else -math.inf)

    def tallies(self) -> Sequence[Tally]:
        """What is selected by function, user, tier and so on; only kinds of which something is known."""
        found = []
        for what, counts in self._counts.items():
            if counts:
                most = counts.most_common(MOST)
                found.append(Tally(what, tuple(most), len(counts) - len(most)))
        return found

    def glance(self, *, done: bool = False) -> Glance:
        """It as it is; `done`: nothing more comes, so that this is what is acted on."""
        seen = tuple(self.seen) if done else ()
        tallies = tuple(self.tallies())
        queues = tuple(queue for queue, _ in self._counts["queue"].most_common())
        ties, in_way = dict(self.ties), dict(self.in_way)
        return Glance(self.read, self.of, len(self.seen), in_way, tallies, done, self.more, seen, ties, queues)


def _told(row: JobRow | ScheduleRow, now: float) -> Iterable[tuple[str, str]]:
    named = function(row.call) or row.call
    if isinstance(row, ScheduleRow):
        texts = {
            "function": named,
            "user": row.user,
            "tier": row.tier,
            "task": row.task,
            "queue": row.lane,
            "state": row.state,
        }
    else:
        texts = {
            "function": named, "user": row.user, "tier": row.tier, "task": row.task, "queue": row.queue, "state": row.state,
            "error": row.error, "age": _age(row, now),
        }  # fmt: skip
    return [(what, value) for what, value in texts.items() if value]


def _age(row: JobRow, now: float) -> str | None:
    since = row.ended_at or row.enqueued_at or row.created_at
    return None if since is None else next(words for limit, words in AGES if now - since < limit)
