"""Workers and schedulers with what they do: what the screen Workers shows. Units and text: as in pages.py."""

from __future__ import annotations

from dataclasses import dataclass

from console.model.status import Refused, SchedulerStatus, Unread, WorkerStatus


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One worker, its current job with what that is and how far it has come, and what it has done since `born_at`.

    `busy_share` is the part of its life that it worked (0 to 1). `job_key` names its job as Redis has it.
    """

    key: bytes
    status: WorkerStatus
    job_key: bytes | None
    call: str
    running_s: float | None
    progress: tuple[float | None, str] | None
    born_at: float | None
    busy_share: float | None
    version: str | None


@dataclass(frozen=True, slots=True)
class WorkersPage:
    """Every worker and scheduler as they were read at `as_of`. `suspended`: whether all workers are told to wait, and
    `suspended_s` for how many seconds still, None where that has no end."""

    as_of: float
    workers: tuple[WorkerRow, ...]
    schedulers: tuple[SchedulerStatus, ...]
    suspended: bool | None
    refused: tuple[Refused, ...] = ()
    unread: tuple[Unread, ...] = ()
    suspended_s: float | None = None
