"""Incident bundles: what explains a job, a group of failures, a queue or a user is read, and written to a folder of its own."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Final

from console import bundled_group, private_file, unforeseen
from console.model.history import HistoryPage
from console.model.incident import Incident, Subject, document, folder_name
from console.model.incident_text import markdown
from console.model.job import JobDetail
from console.model.pages import JobRow, JobsPage
from console.model.ports import Reader, Target
from console.model.queries import (
    FailuresQuery,
    HistoryQuery,
    JobQuery,
    JobsQuery,
    OverviewQuery,
    UserQuery,
    WhyQuery,
    WorkersQuery,
)
from console.model.schedules import UserPage
from console.model.secrets import DEFAULT, Secrets
from console.model.status import QueueStatus, Refused, Status
from console.model.text import decoded
from console.model.why.page import WhyPage
from console.model.why.reasons import Reason
from console.model.workers import WorkerRow, WorkersPage

PROGRAMS: Final = ("tq-console", "rq", "rq-scheduler", "redis")
LISTED: Final = 20
"""Jobs of a queue that are listed: so many that wait, and so many that failed; and of a group."""

WHOLE: Final = 3
"""Failed jobs of a queue, a user or a group that are told whole."""


def said(target: Target, subject: Subject, parent: Path, now: float, stopped: Callable[[], bool] = lambda: False) -> str:
    """Write a bundle of `subject` to a new folder in `parent`: one line that says where it is, or why there is none."""
    try:
        reader = target.connect()
        try:
            incident = gather(reader, subject, now, stopped)
        finally:
            reader.close()
        if incident.missing:
            return f"no bundle was written: {incident.missing}"
        return f"bundle written to {write(parent.absolute(), incident, Secrets(target.mask))}"
    except OSError as error:
        return private_file.why_not(error)
    except Exception as error:
        return unforeseen.said(error, "the bundle")


def write(parent: Path, incident: Incident, secrets: Secrets = DEFAULT) -> Path:
    """Write `incident.md` and `incident.json` to a new folder in `parent`, for the owner's eyes only, and return its path.
    `parent` is made where it is not there. Raises OSError; then nothing of the bundle is left."""
    found = document(incident, secrets)
    texts = {"incident.md": markdown(found), "incident.json": json.dumps(found, indent=2, allow_nan=False) + "\n"}
    parent.mkdir(parents=True, exist_ok=True)
    return private_file.write_folder(parent, folder_name(incident, secrets), texts)


def gather(reader: Reader, subject: Subject, now: float, stopped: Callable[[], bool] = lambda: False) -> Incident:
    """What explains `subject`, as it is at `now` (epoch seconds): of a group all failures are read until it is `stopped`, of
    another subject there is a bounded number of reads. Raises ReadError."""
    match subject.kind:
        case "job":
            return _of_job(reader, subject, now)
        case "group":
            return _of_group(reader, subject, now, stopped)
        case "queue":
            return _of_queue(reader, subject, now)
        case "user":
            return _of_user(reader, subject, now)


def _of_job(reader: Reader, subject: Subject, now: float) -> Incident:
    job = _job(reader, subject.name, now)
    since = next((at for at in (job.ended_at, job.started_at, job.enqueued_at, job.created_at) if at is not None), None)
    found = _around(reader, subject, now, [job.queue] if job.queue else [], since, job.id)
    return replace(found, why=job.why, job=replace(job, why=()), refused=(*job.refused, *found.refused))


def _of_group(reader: Reader, subject: Subject, now: float, stopped: Callable[[], bool]) -> Incident:
    found = bundled_group.find(reader, decoded(subject.name), LISTED, now, stopped)
    group = found.group
    since = None if group is None else group.last_at
    around = _around(reader, subject, now, list(dict.fromkeys(row.queue for row in found.rows)), since)
    missing = () if group else (Reason("no_such_group", f"no failure is of the group {decoded(subject.name)}; {found.window}"),)
    return replace(
        around,
        why=missing,
        group=group,
        window=found.window,
        listed=found.rows,
        failed=_failed(reader, found.rows, now),
        refused=_each_once([*found.refused, *around.refused]),
    )


def _of_queue(reader: Reader, subject: Subject, now: float) -> Incident:
    pages = []
    for query in (JobsQuery(queue=subject.name, size=LISTED), FailuresQuery(subject.name, size=LISTED)):
        page = reader.read(query, now)
        assert isinstance(page, JobsPage)
        pages.append(page)
    found = _around(reader, subject, now, [decoded(subject.name)])
    return replace(
        found,
        why=found.queue_why or _why(reader, subject.name, now),
        queue_why=(),
        listed=tuple(row for page in pages for row in page.rows),
        failed=_failed(reader, pages[1].rows, now),
        refused=(*(one for page in pages for one in page.refused), *found.refused),
    )


def _of_user(reader: Reader, subject: Subject, now: float) -> Incident:
    user = reader.read(UserQuery(subject.name.decode("utf-8", "surrogateescape")), now)
    assert isinstance(user, UserPage)
    names = [*(one.lane for one in user.schedules if one.lane), *(job.queue for job in user.jobs if job.queue)]
    found = _around(reader, subject, now, list(dict.fromkeys(names)))
    failed = _failed(reader, [job for job in user.jobs if job.state in ("failed", "stopped")], now)
    missing = () if user.found or user.why else (Reason("no_such_user", f"there is no user {user.id}"),)
    return replace(
        found,
        why=(*user.why, *missing),
        user=replace(user, why=()),
        failed=failed,
        refused=(*user.refused, *found.refused),
    )


def _around(
    reader: Reader, subject: Subject, now: float, names: Sequence[str], since: float | None = None, job: str | None = None
) -> Incident:
    """What surrounds it: its queues, who works them, what is wrong besides, and the audit around `since`, None for now."""
    status = _status(reader, now, 0, 0)
    queues = [queue for queue in status.queues if queue.name in names]
    others = [queue.key for queue in status.queues if not queue.lane]
    # Of a queue that is no lane all is read only where it is asked for.
    for at, queue in enumerate(queues[:LISTED]):
        if not queue.lane:
            read = _status(reader, now, others.index(queue.key), 1)
            queues[at] = next((one for one in read.queues if one.key == queue.key), queue)
    workers = reader.read(WorkersQuery(), now)
    history = reader.read(HistoryQuery(queue=queues[0].key if queues else None, at=since), now)
    assert isinstance(workers, WorkersPage)
    assert isinstance(history, HistoryPage)
    return Incident(
        as_of=now,
        subject=subject,
        why=(),
        server=status.server,
        versions=_versions(),
        queues=tuple(queues),
        queue_why=_why(reader, queues[0].key, now) if queues else (),
        workers=tuple(row for row in workers.workers if _concerns(row, queues, job)),
        schedulers=workers.schedulers,
        problems=status.problems,
        audit=history.near,
        refused=_each_once([*status.refused, *workers.refused, *history.refused]),
    )


def _concerns(row: WorkerRow, queues: Sequence[QueueStatus], job: str | None) -> bool:
    return any(queue.name in row.status.queues for queue in queues) or (job is not None and row.status.job == job)


def _job(reader: Reader, id: bytes, now: float) -> JobDetail:
    found = reader.read(JobQuery(id), now)
    assert isinstance(found, JobDetail)
    return found


def _failed(reader: Reader, rows: Sequence[JobRow], now: float) -> tuple[JobDetail, ...]:
    return tuple(_job(reader, row.key, now) for row in rows[:WHOLE])


def _status(reader: Reader, now: float, start: int, size: int) -> Status:
    found = reader.read(OverviewQuery(start, size), now)
    assert isinstance(found, Status)
    return found


def _why(reader: Reader, queue: bytes, now: float) -> tuple[Reason, ...]:
    found = reader.read(WhyQuery("queue", queue), now)
    assert isinstance(found, WhyPage)
    return found.reasons


def _each_once(refused: Sequence[Refused]) -> tuple[Refused, ...]:
    return tuple(dict.fromkeys(refused))


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for program in PROGRAMS:
        try:
            found[program] = metadata.version(program)
        except metadata.PackageNotFoundError:
            found[program] = "not installed as a package"
    return found
