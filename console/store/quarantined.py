"""The entries of rq-scheduler that are set aside (jobs/quarantine.py), by the ids of the entries."""

from __future__ import annotations

from typing import Final

from console.model.secrets import Secrets, masked_text
from console.model.why.facts import SetAside
from console.store.steps import Line, Steps
from console.store.values import text
from jobs import keys

MOST: Final = 200
"""Entries in quarantine among which one is looked for: those that were set aside last."""


def read(line: Line, secrets: Secrets) -> Steps[dict[bytes, SetAside]]:
    """The entries in quarantine by their ids, MOST at the most, in two trips."""
    numbers = line.ask("ZREVRANGE", keys.QUARANTINE, 0, MOST - 1)
    yield
    prefix = keys.QUARANTINED.encode()
    told = line.trip.ask_each("HMGET", [prefix + number for number in numbers.rows()], "id", "reason")
    if numbers.rows():
        yield
    found = {}
    for number, fields in reversed(list(zip(numbers.rows(), told.values, strict=False))):
        one, why = fields or (None, None)
        if one:
            found[one] = SetAside(text(number), masked_text(text(why or b""), secrets))
    return found
