"""What an incident bundle tells of a group of failures: the group, and the jobs of it that failed last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import nlargest

from console.model.commands import JobSeen
from console.model.failure_groups import Group, window
from console.model.pages import JobRow, JobsPage
from console.model.ports import Reader
from console.model.queries import FailuresQuery, GroupsQuery
from console.model.status import Refused


@dataclass(frozen=True, slots=True)
class Found:
    """The group, None where no failure is of it; among how many failures it was looked for; and those that failed last, by when
    they expire, the sample first."""

    group: Group | None
    window: str
    rows: tuple[JobRow, ...] = ()
    refused: tuple[Refused, ...] = ()


def find(reader: Reader, fingerprint: str, most: int, now: float, stopped: Callable[[], bool]) -> Found:
    """Read all failures, those of the group, and `most` of these with their rows. Raises ReadError."""
    *_, groups = reader.groups(GroupsQuery(), now, stopped)
    told = window(groups) + (f": {groups.more}" if groups.more else "")
    group = next((one for one in groups.groups if one.fingerprint == fingerprint), None)
    if group is None:
        return Found(None, told, refused=groups.refused)
    seen: list[tuple[float, bytes]] = []
    for chunk in reader.select(FailuresQuery(group=fingerprint), now, stopped, details=False):
        # Those that are kept for good have no time in the registry.
        failed = [(one.score or 0.0, one.key) for one in chunk.seen if isinstance(one, JobSeen)]
        seen = nlargest(most, [*seen, *failed])
    ids = dict.fromkeys((group.sample, *(key for _, key in seen)))
    page = reader.read(FailuresQuery(only=tuple(ids)[:most]), now)
    assert isinstance(page, JobsPage)
    return Found(group, told, page.rows, (*groups.refused, *page.refused))
