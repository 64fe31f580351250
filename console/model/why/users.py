"""Why nothing runs for a user."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from console.model.text import shell_word
from console.model.why import schedules
from console.model.why.facts import Around, UserFacts
from console.model.why.reasons import Reason, ranked


def why(user: UserFacts, around: Around) -> tuple[Reason, ...]:
    """Why nothing runs for the user, the most decisive reason first; of a schedule, with its task."""
    return ranked(_why(user, around))


def _why(user: UserFacts, around: Around) -> Iterator[Reason]:
    if user.found is False and not user.schedules:
        yield Reason("no_such_user", f"the directory has no user {user.id}", "tq-console users import FILE")
        return
    if user.active is False:
        yield Reason(
            "user_inactive",
            f"user {user.id} is inactive: every slot is skipped",
            f"tq-console users set {shell_word(user.id)} --active",
        )
        return
    if not user.schedules:
        yield Reason(
            "no_schedule",
            "there is no schedule for any task",
            f"make one: tq-console schedules set {shell_word(user.id)} TASK",
        )
    for schedule in user.schedules:
        for reason in schedules.why(schedule, around):
            yield replace(reason, message=f"{schedule.task}: {reason.message}")
