"""What is meant by the key that was pressed: the same for every list of jobs, and for one job."""

from __future__ import annotations

from dataclasses import replace

from console.model.commands import Everything
from console.model.counting import counted
from console.model.filters import Filter
from console.model.meant import Meant
from console.model.queries import FailuresQuery, JobsQuery, SchedulesQuery
from console.model.text import decoded, visible


def jobs(asked: JobsQuery | FailuresQuery, named: tuple[bytes, ...] | None, said: Filter) -> Meant | None:
    """Of the list that `asked` reads, the `named` jobs; all that are in it, for None. `said` is the filter as one wrote it."""
    what = "failed job" if isinstance(asked, FailuresQuery) else f"{asked.state} job"
    query = replace(asked, start=0, only=None)
    if isinstance(query, JobsQuery):
        query = replace(query, reverse=False)
    if named is None:
        where = "every queue" if asked.queue is None else visible(decoded(asked.queue))
        filtered = f", under {visible(str(said))}" if said else ""
        return Meant(what, f"all {what}s of {where}{filtered}", (query,))
    if not named:
        return None
    only = replace(query, filter=Filter(), only=named)
    return Meant(what, names(named, "job"), (only,), count=len(named))


def schedules(asked: SchedulesQuery, named: tuple[bytes, ...] | None, said: Filter, what: str) -> Meant | None:
    """Of the schedules that `asked` reads, the `named` ones; all of that source, for None."""
    query = replace(asked, start=0, only=None)
    if named is None:
        filtered = f" under {visible(str(said))}" if said else ""
        return Meant(what, f"all that are listed{filtered}", (query,))
    return Meant(what, names(named, what), (replace(query, filter=Filter(), only=named),), count=len(named)) if named else None


def scheduled(named: tuple[bytes, ...]) -> Meant | None:
    """Jobs that wait for their time, or for a retry, in RQ's own registry."""
    return (
        Meant("scheduled job", names(named, "job"), (JobsQuery("scheduled", only=named),), count=len(named)) if named else None
    )


def queue(name: bytes) -> Meant:
    """Everything that waits in a queue."""
    shown = visible(decoded(name))
    return Meant("queued job", f"all that is queued in {shown}", (JobsQuery("queued", name),), subject=f"Empty {shown}")


def names(named: tuple[bytes, ...], one: str) -> str:
    """What was named, in words: one by its name, several by their number."""
    return f"{one} {visible(decoded(named[0]))}" if len(named) == 1 else f"{counted(len(named), one)} that were marked"


def all_workers(suspended: bool | None) -> Meant:
    """Every worker: where all are suspended, to let them go on."""
    return Meant("", "all workers", seen=(Everything(),), count=1, action="resume_all" if suspended else "suspend")
