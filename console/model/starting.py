"""How a worker is started: the command line that a remedy names."""

from __future__ import annotations

from collections.abc import Sequence

from console.model.text import shell_word


def worker(queues: Sequence[str], *, with_scheduler: bool = False) -> str:
    """The command that starts a worker of these queues, the first of them served first. `with_scheduler`: it also moves what is
    due into them."""
    options = ["--with-scheduler"] * with_scheduler
    # A name that begins with a dash would be taken for an option.
    options += ["--"] * any(queue.startswith("-") for queue in queues)
    return " ".join(["rq worker", *options, *map(shell_word, queues)])
