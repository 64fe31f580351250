"""What is answered to who asks why, and to who asks what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from console.model.status import Problem, Refused
from console.model.why.reasons import Reason


@dataclass(frozen=True, slots=True)
class WhyPage:
    """Why `subject` is where it is, as it was read at `as_of`: the most decisive reason first. `refused` is what the server
    would not tell, of which no reason is given."""

    as_of: float
    subject: str
    reasons: tuple[Reason, ...]
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Checkup:
    """Every problem that was found at `as_of`, the gravest first."""

    as_of: float
    problems: tuple[Problem, ...]
