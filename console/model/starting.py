"""How a worker or an rqscheduler is started: the command line that a remedy names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from console.model.text import shell_word

POLL: Final = 60.0
"""Seconds between two looks of an rqscheduler that is not told how often."""

OFTEN: Final = 5.0
"""Seconds between two looks of one that keeps short promises."""


def scheduler(promise_s: float | None) -> str:
    """The command that starts an rqscheduler that looks often enough for a promise, in seconds; None: nothing is promised."""
    if promise_s is None or promise_s >= POLL:
        return "rqscheduler"
    return f"rqscheduler -i {max(1, int(min(OFTEN, promise_s)))}"


def worker(queues: Sequence[str], *, with_scheduler: bool = False) -> str:
    """The command that starts a worker of these queues, the first of them served first. `with_scheduler`: it also moves what is
    due into them."""
    options = ["--with-scheduler"] * with_scheduler
    # A name that begins with a dash would be taken for an option.
    options += ["--"] * any(queue.startswith("-") for queue in queues)
    return " ".join(["rq worker", *options, *map(shell_word, queues)])
