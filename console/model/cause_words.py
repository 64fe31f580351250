"""Why the failures of a group came about, in words, and what helps."""

from __future__ import annotations

from typing import Final, NamedTuple

from console.model.failure_groups import Group
from console.model.raised import Cause, Raised


class Words(NamedTuple):
    """`what` happened, in a few words, and what `helps`, in a sentence."""

    what: str
    helps: str


_OF: Final[dict[Cause, Words]] = {
    "raised": Words("raised an exception", "See in a sample where it was raised and why; requeue when that is mended."),
    "timed out": Words(
        "timed out: ran longer than the job's timeout",
        "Requeue if something was slow for a while; else give these jobs more time, or less to do.",
    ),
    "killed": Words("killed: the work-horse ended without a word", "Look into the log of its worker before you requeue."),
    "lost worker": Words(
        "lost worker: its worker was gone before the job ended",
        "See on Workers whether enough of them are alive; requeue what may run twice.",
    ),
    "stopped": Words("stopped by an operator", "Activity shows who stopped it; requeue what is wanted after all."),
    "undecodable": Words(
        "undecodable: the call, or what was kept of the failure, cannot be read",
        "Workers may lack the code or the version that it was enqueued with: deploy that, then requeue.",
    ),
    "gave up": Words(
        "gave up: asked for another try, and had none left",
        "Requeue with fresh retries when what it waits for is there.",
    ),
    "unknown": Words("not known: nothing is kept that says it", "The log of its worker may tell it."),
}

_OUT_OF_MEMORY: Final = Words(
    "killed by signal 9: out of memory?",
    "See the kernel's log on the worker's host; give workers more memory, or jobs less to do, before you requeue all.",
)
_BY_SIGNAL: Final = Words(
    "killed by a signal: the work-horse crashed, or somebody ended it",
    "Look into the logs of its worker and of its host; try a few before you requeue all.",
)
_EXITED: Final = Words(
    "killed: the work-horse left on its own, with a status",
    "Something in the job ends its process: look into the log of its worker before you requeue.",
)


def words(group: Group | Raised) -> Words:
    """Of what class of cause the failures of a group, or one failure, are, and what helps."""
    if group.cause == "killed" and group.exception == "KilledByOS":
        return _OUT_OF_MEMORY if "(out of memory?)" in group.message else _BY_SIGNAL
    if group.cause == "killed" and group.exception == "WorkHorseExit":
        return _EXITED
    return _OF[group.cause]
