"""Where somebody is: a screen, what it asks for, and the row under the cursor. History is a list of places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from console.model.filters import Filter
from console.model.queries import (
    ActivityQuery,
    FailuresQuery,
    HistoryQuery,
    JobQuery,
    JobsQuery,
    OperationQuery,
    OverviewQuery,
    SchedulesQuery,
    UserQuery,
    ViewQuery,
    WorkersQuery,
)

_SCREENS: Final[Mapping[type, str]] = {
    OverviewQuery: "overview",
    JobsQuery: "jobs",
    FailuresQuery: "failures",
    SchedulesQuery: "schedules",
    WorkersQuery: "workers",
    ActivityQuery: "activity",
    JobQuery: "job",
    UserQuery: "user",
    OperationQuery: "operation",
    HistoryQuery: "timeline",
}
"""The screen that shows what is asked for."""


@dataclass(frozen=True, slots=True)
class Place:
    """A screen (a name of actions.py), its query, the key and rank of its cursor, its marks, or that all is marked, and the
    whole filter as it was asked for, of which the query has what it does not say otherwise."""

    screen: str
    query: ViewQuery
    cursor_key: bytes | None = None
    cursor: int = 0
    filter: Filter = field(default_factory=Filter)
    marks: tuple[bytes, ...] = ()
    all_marked: bool = False


def seen_at(query: ViewQuery | None) -> Place | None:
    """The place that shows what `query` asks for, under its filter, None where no screen does."""
    screen = _SCREENS.get(type(query))
    if query is None or screen is None:
        return None
    said = query.filter if isinstance(query, JobsQuery | FailuresQuery | SchedulesQuery) else Filter()
    return Place(screen, query, filter=said)
