"""How many jobs wait for a rate limit. RQ lists rate limits, and knows their jobs by no queue: whose these are, only each job's
hash says, so they are counted all together."""

from __future__ import annotations

from collections.abc import Iterable

from console.store import rq_keys
from console.store.seen import MAX_LIMITS
from console.store.trip import Answer, Answers, Trip


def ask_names(trip: Trip) -> Answer:
    """Ask which rate limits there are, MAX_LIMITS at the most."""
    return trip.ask("SRANDMEMBER", rq_keys.RATE_LIMITS, MAX_LIMITS)


def ask(trip: Trip, names: Iterable[bytes]) -> Answers:
    """Ask how many jobs each of these rate limits holds back."""
    return trip.ask_each(
        "ZCARD", [rq_keys.RATE_LIMIT.encode() + name + rq_keys.RATE_LIMITED.encode() for name in sorted(names)]
    )


def held_back(names: Answer, *asked: Answers) -> int | None:
    """How many jobs all of them hold back; None where the server would not tell which rate limits there are."""
    if names.value is None:
        return None
    return sum(count for answers in asked for count in answers.values if isinstance(count, int))
