"""Where somebody is: a screen, what it asks for, and the row under the cursor. History is a list of places."""

from __future__ import annotations

from dataclasses import dataclass, field

from console.model.filters import Filter
from console.model.queries import ViewQuery


@dataclass(frozen=True, slots=True)
class Place:
    """A screen (a name of actions.py), its query, the key and rank of its cursor, its marks, and the whole filter as it was
    asked for, of which the query has what it does not say otherwise."""

    screen: str
    query: ViewQuery
    cursor_key: bytes | None = None
    cursor: int = 0
    filter: Filter = field(default_factory=Filter)
    marks: tuple[bytes, ...] = ()
