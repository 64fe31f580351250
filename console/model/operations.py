"""An operation: one command that an operator gave, carried out from its preview to its end. Units: as in commands.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from console.model.commands import Outcome


@dataclass(frozen=True, slots=True)
class Operation:
    """Who asked when for what: what the audit says before anything is done.

    `command` is its word, `options` what else was asked for, `scope` what it is done to, in words, `matched` how many these
    are, `target` the server without a secret, `why` the operator's reason.
    """

    id: str
    who: str
    host: str
    at: float
    command: str
    options: str
    scope: str
    matched: int
    target: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many were done, and how many were not, by reason."""

    done: int = 0
    sent: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.done + other.done,
            self.sent + other.sent,
            Counter(self.skipped) + Counter(other.skipped),
            Counter(self.failed) + Counter(other.failed),
        )

    @property
    def told(self) -> int:
        """Of how many it is known what came of them."""
        return self.done + self.sent + sum(self.skipped.values()) + sum(self.failed.values())

    @property
    def held(self) -> bool:
        """Whether all that was asked for was done."""
        return not self.skipped and not self.failed and not self.sent


def counted(outcomes: Iterable[Outcome]) -> Counts:
    """The counts of some outcomes."""
    found = Counter((one.result, one.reason) for one in outcomes)
    return Counts(
        done=sum(n for (result, _), n in found.items() if result == "done"),
        sent=sum(n for (result, _), n in found.items() if result == "sent"),
        skipped={reason: n for (result, reason), n in sorted(found.items()) if result == "skipped"},
        failed={reason: n for (result, reason), n in sorted(found.items()) if result == "failed"},
    )


def resolved(told: Counts, kept: Counts, *, whole: bool) -> Counts:
    """What came of an operation of which a batch is unknown, since the server went away: what was `told` before, and what the
    server has `kept` of it besides. `whole`: it counts each in the step that does it, so that what it has not kept was not
    done; else the rest stays unknown."""
    failed = dict(told.failed)
    unknown = failed.pop("unknown", 0)
    known = replace(told, failed=failed)
    more = Counts(
        max(0, kept.done - known.done),
        max(0, kept.sent - known.sent),
        Counter(kept.skipped) - Counter(known.skipped),
        Counter(kept.failed) - Counter(known.failed),
    )
    left = 0 if whole else unknown - more.told
    return known + more + Counts(failed={"unknown": left} if left > 0 else {})


@dataclass(frozen=True, slots=True)
class Ended:
    """How an operation ended. `how` is done, canceled, stopped (too many failed again) or broken off (the server went away);
    `said` tells more of it. `undo_until` is until when it can be undone, None where it cannot."""

    at: float
    how: str
    counts: Counts
    said: str = ""
    undo_until: float | None = None
