"""The reader of one server: every question of the console goes through here, to the module that answers it.

Each of these is imported with its first question, so that the first screen waits for none but its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from redis import Redis
from redis.exceptions import RedisError

from console.model.ports import ReadError, Snapshot
from console.model.queries import (
    ActivityQuery,
    DoctorQuery,
    FailingQuery,
    FailuresQuery,
    GroupsQuery,
    HistoryQuery,
    JobQuery,
    JobsQuery,
    NamedQuery,
    OperationQuery,
    OverviewQuery,
    SchedulesQuery,
    SearchQuery,
    SelectQuery,
    SlotsQuery,
    TrashQuery,
    UserQuery,
    ViewQuery,
    WhyQuery,
    WorkersQuery,
)
from console.model.text import visible
from console.store.seen import Seen
from console.store.server import connect, explained
from jobs.errors import JobsError

if TYPE_CHECKING:
    from console.model.failure_groups import Groups
    from console.model.pages import Found
    from console.model.secrets import Secrets
    from console.model.selection import Selected
    from console.model.status import Status
    from console.store.failing import Newest
    from console.store.failure_groups import Kept


def open_reader(url: str, mask: Sequence[str] = (), acts: bool = False) -> StoreReader:
    """The reader of the server at `url`, which is reached when something is read. `mask` are names that have secrets as values,
    beside the usual ones. `acts`: somebody may want to change something there, so that an overview tells, too, whether the
    rights of this user let nothing be changed (store/rights.py). Raises ReadError when it is no URL."""
    try:
        return StoreReader(connect(url), url, mask, acts)
    except ValueError as error:
        raise ReadError(str(error)) from None


class StoreReader:
    """Reads the server of `connection`: console.model.ports.Reader. After an outage the next read connects anew by itself."""

    def __init__(self, connection: Redis, url: str, mask: Sequence[str] = (), acts: bool = False) -> None:
        self._connection, self._url, self._mask = connection, url, tuple(mask)
        self._acts = acts
        self._refusals: dict[str, str] = {}
        self._seen = Seen()
        self._begun = False

    def read(self, query: ViewQuery, now: float) -> Snapshot:
        """What `query` asks for, at `now` (epoch seconds). Raises ReadError."""
        try:
            return self._read(query, now)
        except RedisError as error:
            raise ReadError(explained(error, self._url)) from None
        except JobsError as error:
            raise ReadError(visible(str(error))) from None

    def search(self, query: SearchQuery, now: float, stopped: Callable[[], bool]) -> Iterator[Found]:
        """Look for what matches the query's filter, chunk by chunk. Raises ReadError."""
        try:
            yield from self._search(query, now, stopped)
        except RedisError as error:
            raise ReadError(explained(error, self._url)) from None

    def select(self, query: SelectQuery, now: float, stopped: Callable[[], bool], *, details: bool) -> Iterator[Selected]:
        """Everything that a command is done to, chunk by chunk. Raises ReadError."""
        try:
            yield from self._select(query, now, stopped, details)
        except RedisError as error:
            raise ReadError(explained(error, self._url)) from None

    def groups(self, query: GroupsQuery | FailingQuery, now: float, stopped: Callable[[], bool]) -> Iterator[Groups]:
        """The failures in groups, ever more of them. Raises ReadError."""
        from console.store import failing, failure_groups

        try:
            if isinstance(query, FailingQuery):
                yield failing.read(self._connection, query, now, stopped, self._secrets, self._newest)
                return
            seen = self._names(query)
            yield from failure_groups.groups(self._connection, query, now, stopped, seen, self._secrets, self._grouped)
        except RedisError as error:
            raise ReadError(explained(error, self._url)) from None

    def close(self) -> None:
        """Let go of the server."""
        self._connection.close()

    @cached_property
    def _secrets(self) -> Secrets:
        from console.model.secrets import Secrets

        return Secrets(self._mask)

    @cached_property
    def _grouped(self) -> Kept:
        from console.store.failure_groups import Kept

        return Kept()

    @cached_property
    def _newest(self) -> Newest:
        from console.store.failing import Newest

        return Newest()

    def _read(self, query: ViewQuery, now: float) -> Snapshot:
        connection, seen = self._connection, self._seen
        match query:
            case OverviewQuery():
                from console.store import status

                # The very first answer waits for nothing but itself.
                first, self._begun = not self._begun, True
                found = self._with_rights(status.read(connection, query, now, seen, self._url))
                if first or not query.size:
                    return found
                from console.store import outlook

                return replace(found, outlook=outlook.read(connection, query.span, now, seen))
            case JobsQuery():
                from console.store import jobs

                return jobs.read(connection, query, now, seen, self._secrets)
            case FailuresQuery():
                from console.store import failures

                return failures.read(connection, query, now, seen, self._secrets)
            case JobQuery():
                from console.store import job

                return job.read(connection, query, now, self._secrets)
            case SchedulesQuery():
                from console.store import schedules

                return schedules.read(connection, query, now, seen, self._secrets)
            case UserQuery():
                from console.store import user

                return user.read(connection, query, now, self._secrets, seen.errors)
            case WorkersQuery():
                from console.store import worker_page

                return worker_page.read(connection, query, now, seen, self._secrets)
            case ActivityQuery():
                from console.store import activity

                return activity.read(connection, query, now, seen, self._secrets)
            case OperationQuery():
                from console.store import activity

                return activity.read_one(connection, query, now, self._secrets)
            case SlotsQuery():
                from console.store import slots

                return slots.read(connection, query, now)
            case HistoryQuery():
                from console.store import history

                return history.read(connection, query, now, seen, self._secrets)
            case WhyQuery():
                from console.store import why

                return why.read(connection, query, now, self._secrets)
            case DoctorQuery():
                from console.store import doctor

                return doctor.read(connection, query, now, seen, self._secrets, self._url)

    def _with_rights(self, status: Status) -> Status:
        """The overview, and whether the rights of this user let nothing be changed: asked once of each process that answers."""
        if not self._acts or status.server.refuses_writes:
            return status
        process = self._seen.process
        if process not in self._refusals:
            from console.store import rights

            self._refusals = {process: rights.refusal(self._connection)}
        return replace(status, server=replace(status.server, refuses_writes=self._refusals[process]))

    def _select(self, query: SelectQuery, now: float, stopped: Callable[[], bool], details: bool) -> Iterator[Selected]:
        if isinstance(query, TrashQuery):
            from console.store import trash

            return trash.select(self._connection, query, stopped, details=details)
        if isinstance(query, NamedQuery):
            from console.store import named_jobs

            return named_jobs.select(self._connection, query, stopped, self._secrets, details=details)
        # As for a search: what the reads remember belongs to their thread.
        connection, seen, secrets = self._connection, self._names(query), self._secrets
        match query:
            case FailuresQuery() if query.group:
                from console.store import group_members

                kept = self._grouped
                return group_members.members(connection, query, now, stopped, seen, secrets, kept, details=details)
            case JobsQuery() | FailuresQuery():
                from console.store import selection

                return selection.jobs(connection, query, now, stopped, seen, secrets, details=details)
            case SchedulesQuery():
                from console.store import schedule_selection

                return schedule_selection.schedules(connection, query, now, stopped, seen, secrets, details=details)

    def _names(self, query: SearchQuery | GroupsQuery) -> Seen:
        seen = Seen()
        if isinstance(query, SchedulesQuery) or query.queue is None:
            from console.store import queue_names
            from console.store.steps import Line, alone

            line = Line(self._connection)
            alone(line, queue_names.learn(line, seen))
        return seen

    def _search(self, query: SearchQuery, now: float, stopped: Callable[[], bool]) -> Iterator[Found]:
        # What the reads remember belongs to their thread, and a search may run beside them.
        connection, seen, secrets = self._connection, self._names(query), self._secrets
        match query:
            case FailuresQuery() if query.group:
                from console.store import group_members

                return group_members.found(connection, query, now, stopped, seen, secrets, self._grouped)
            case JobsQuery() | FailuresQuery():
                from console.store import search

                return search.jobs(connection, query, now, stopped, seen, secrets)
            case SchedulesQuery():
                from console.store import schedule_search

                return schedule_search.search(connection, query, now, stopped, seen, secrets)
