"""What state a job is in, by the names that lists have for states, from what its hash says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

STATES: Final[Mapping[str, str]] = {"started": "running", "rate_limited": "rate limited", "ready_to_enqueue": "ready"}
"""What RQ's statuses (rq.job.JobStatus) are called here, where it is not the same word."""


def state(status: str, *, tried: bool) -> str:
    """The state of a job of that status; RQ's own word for one that is in no list. `tried` is what was_tried says."""
    if status == "scheduled" and tried:
        return "retrying"
    return STATES.get(status, status)


def was_tried(started: object, retries_left: object, retries: int | None) -> bool:
    """Whether a scheduled job has been tried before: it `started` once, and may be tried again (`retries_left` is not None) or
    has been. One that repeats can look the same when it may be retried too."""
    return bool(started) and (retries_left is not None or bool(retries))
