"""What lies beside the present state: the curves of the past, what is due, whether promises are kept, who takes the most."""

from __future__ import annotations

from dataclasses import dataclass

from console.model.due import Due
from console.model.history import Curves, Span
from console.model.promises import Promises

DAY = 24
"""Hours over which it is told what users take."""


@dataclass(frozen=True, slots=True)
class UserUse:
    """What a user took in the last day: `seconds` of worker time; attempts that `failed`. An attempt counts when it ends."""

    user: str
    seconds: float
    failed: int


@dataclass(frozen=True, slots=True)
class Busiest:
    """The users that took the most worker time, and those with the most failures, the busiest first, in the last day and as
    much of an hour as has passed. `sure`: nobody that was not looked at can have more than the last one here."""

    by_seconds: tuple[UserUse, ...] = ()
    by_failures: tuple[UserUse, ...] = ()
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Outlook:
    """All of it as it was read at `as_of`, the curves over `span`, None where they were not asked for."""

    as_of: float
    span: Span | None = None
    curves: tuple[Curves, ...] = ()
    due: Due | None = None
    promises: Promises | None = None
    busiest: Busiest | None = None
