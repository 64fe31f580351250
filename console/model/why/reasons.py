"""What a reason is, and the one table that orders them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Weight = Literal["bad", "wait", "well"]
"""`bad`: it goes on only if somebody does something. `wait`: it goes on by itself. `well`: nothing keeps it."""

ORDER: Final[dict[str, Weight]] = {
    # There is nothing that could run.
    "no_such_job": "bad",
    "no_such_queue": "bad",
    "no_such_schedule": "bad",
    "no_such_user": "bad",
    "unreadable": "bad",
    "poisoned": "bad",
    "orphaned": "bad",
    "entry_expired": "bad",
    "entry_missing": "bad",
    "expired": "bad",
    "evicting": "bad",
    # Somebody said no.
    "user_inactive": "bad",
    "no_schedule": "bad",
    "paused": "bad",
    # It is not where it should be, or its worker is not.
    "lost": "bad",
    "invalid_status": "bad",
    "canceled_running": "bad",
    "worker_gone": "bad",
    "worker_late": "bad",
    "listed_twice": "bad",
    # It cannot go on from where it is.
    "dependency_gone": "bad",
    "dependency_canceled": "bad",
    "dependency_failed": "bad",
    "unreleased": "bad",
    "not_importable": "bad",
    "failed": "bad",
    "stopped": "bad",
    "canceled": "bad",
    # Nobody does what would move it on.
    "out_of_memory": "bad",
    "suspended": "bad",
    "no_worker": "bad",
    "workers_late": "bad",
    "starved": "bad",
    "unmoved": "bad",
    "no_scheduler": "bad",
    "scheduler_locked": "bad",
    "scheduler_slow": "bad",
    "expiring": "bad",
    "ready_unpushed": "bad",
    "rate_limit_free": "bad",
    "overlap": "bad",
    "missed": "bad",
    # It waits for something that is on its way.
    "workers_busy": "wait",
    "rate_limited": "wait",
    "dependency_waiting": "wait",
    "waiting_retry": "wait",
    "scheduled": "wait",
    "taken": "wait",
    "in_line": "wait",
    # Nothing is wrong.
    "next": "well",
    "running": "well",
    "finished": "well",
    "armed": "well",
    "served": "well",
    "empty": "well",
}
"""Every code, the most decisive first, and its weight. A code never changes its meaning: monitors match on it."""

_RANKS: Final = {code: rank for rank, code in enumerate(ORDER)}


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause. `message` says what it is, `remedy` what to do about it, empty where nothing need be done; `action` is the
    action of console/actions.py that does it, empty where none does. Text that came out of Redis is in them as it is."""

    code: str
    message: str
    remedy: str = ""
    action: str = ""

    @property
    def weight(self) -> Weight:
        """How it stands with what this is the reason of."""
        return ORDER[self.code]


def ranked(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """The most decisive first, each once. That all is well is said only where there is nothing else to say."""
    found = sorted(dict.fromkeys(reasons), key=lambda reason: _RANKS[reason.code])
    return tuple(reason for reason in found if reason.weight != "well") or tuple(found)
