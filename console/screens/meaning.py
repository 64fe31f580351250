"""What is meant by the key that was pressed: the same for every list of jobs, and for one job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from console.model.activity import Happened
from console.model.commands import Everything, QuarantineSeen
from console.model.counting import counted, plural
from console.model.filters import Filter
from console.model.meant import Meant
from console.model.pages import JobRow
from console.model.queries import FailuresQuery, JobsQuery, SchedulesQuery
from console.model.schedules import ScheduleRow
from console.model.terms import Term
from console.model.text import decoded, visible


def jobs(asked: JobsQuery | FailuresQuery, named: tuple[bytes, ...] | None, said: Filter) -> Meant | None:
    """Of the list that `asked` reads, the `named` jobs; all that are in it, for None. `said` is the filter as one wrote it."""
    what = "failed job" if isinstance(asked, FailuresQuery) else f"{asked.state} job"
    query = replace(asked, start=0, only=None)
    if isinstance(query, JobsQuery):
        query = replace(query, reverse=False)
    if named is None:
        if isinstance(query, FailuresQuery) and query.group:
            return groups(query, [query.group], said)
        return Meant(what, f"all {what}s of {_where(asked, said)}", (query,))
    if not named:
        return None
    only = replace(query, filter=Filter(), only=named)
    if isinstance(only, FailuresQuery):
        only = replace(only, group="")
    return Meant(what, names(named, "job"), (only,), count=len(named))


def groups(asked: FailuresQuery, fingerprints: Sequence[str], said: Filter) -> Meant | None:
    """Of the failures that `asked` lists, those of these groups."""
    if not fingerprints:
        return None
    which = f"the group {fingerprints[0]}" if len(fingerprints) == 1 else f"{len(fingerprints):,} groups that were marked"
    queries = tuple(replace(asked, start=0, only=None, group=one) for one in fingerprints)
    return Meant("failed job", f"all of {which}, of {_where(asked, said)}", queries)


def _where(asked: JobsQuery | FailuresQuery, said: Filter) -> str:
    filtered = f", under {visible(str(said))}" if said else ""
    return ("every queue" if asked.queue is None else visible(decoded(asked.queue))) + filtered


def schedules(asked: SchedulesQuery, named: tuple[bytes, ...] | None, said: Filter, what: str) -> Meant | None:
    """Of the schedules that `asked` reads, the `named` ones; all of that source, for None."""
    query = replace(asked, start=0, only=None)
    if named is None:
        filtered = f" under {visible(str(said))}" if said else ""
        return Meant(what, f"all that are listed{filtered}", (query,))
    return Meant(what, names(named, what), (replace(query, filter=Filter(), only=named),), count=len(named)) if named else None


def schedule(row: ScheduleRow) -> Meant:
    """One schedule of a user, by what people call it."""
    scope = f"schedule {visible(row.task or row.id)} of {visible(row.user or row.id)}"
    return Meant("schedule", scope, (SchedulesQuery(only=(row.key,)),), count=1)


def scheduled(named: tuple[bytes, ...]) -> Meant | None:
    """Jobs that wait for their time, or for a retry, in RQ's own registry."""
    return (
        Meant("scheduled job", names(named, "job"), (JobsQuery("scheduled", only=named),), count=len(named)) if named else None
    )


def due(meant: Meant | None, row: JobRow | ScheduleRow | None, action: str) -> Meant | None:
    """The same; for changing when it is due with the instant when `row` is due at present, where that alone is meant."""
    if meant is None or row is None or action != "due" or meant.queries[0].only != (row.key,):
        return meant
    return replace(meant, due=row.at if isinstance(row, JobRow) else row.next_at)


def queue(name: bytes) -> Meant:
    """Everything that waits in a queue."""
    shown = visible(decoded(name))
    return Meant("queued job", f"all that is queued in {shown}", (JobsQuery("queued", name),), subject=f"Empty {shown}")


def names(named: tuple[bytes, ...], one: str) -> str:
    """What was named, in words: one by its name, several by their number."""
    return f"{one} {visible(decoded(named[0]))}" if len(named) == 1 else f"{counted(len(named), one)} that were marked"


def some(shown: Sequence[str], one: str) -> str:
    """Some of a kind, the first three of them by name: "jobs a, b, c and 2 more"."""
    more = f" and {len(shown) - 3:,} more" if len(shown) > 3 else ""
    return f"{one if len(shown) == 1 else plural(one)} {', '.join(shown[:3])}{more}"


def of_lane(name: bytes) -> Meant:
    """The users' schedules whose runs come into that queue."""
    theirs = SchedulesQuery(filter=Filter((Term("lane", "=", decoded(name)),)))
    return Meant("schedule", f"all users' schedules of {visible(decoded(name))}", (theirs,))


def of_user(user: str, paused: bool) -> Meant:
    """All schedules of a user: where they are `paused`, to let them go on."""
    theirs = SchedulesQuery(filter=Filter((Term("user", "=", user),)))
    action = "resume" if paused else "pause"
    return Meant("schedule", f"all schedules of {visible(user)}", (theirs,), action=action)


def failed_of_user(user: str) -> Meant:
    """All failed jobs of a user."""
    theirs = FailuresQuery(filter=Filter((Term("user", "=", user),)))
    return Meant("failed job", f"all failed jobs of {visible(user)}", (theirs,))


def all_schedules() -> Meant:
    """Whatever schedule there is."""
    return Meant("", "all schedules", seen=(Everything(),), count=1)


def set_aside(rows: Sequence[Happened]) -> Meant | None:
    """Of these those that are entries which were set aside."""
    seen = tuple(QuarantineSeen(row.number) for row in rows if row.number)
    ids = tuple(row.subject.encode("utf-8", "surrogateescape") for row in rows if row.number)
    return Meant("entry", names(ids, "entry"), seen=seen, count=len(seen)) if seen else None


def pausing(name: bytes) -> Meant:
    """A queue that is to be paused: what waits in it."""
    return replace(queue(name), subject="", action="pause_queue")


def all_workers(suspended: bool | None) -> Meant:
    """Every worker: where all are suspended, to let them go on."""
    return Meant("", "all workers", seen=(Everything(),), count=1, action="resume_all" if suspended else "suspend")
