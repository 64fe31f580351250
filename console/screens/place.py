"""Where somebody is: a screen, what it asks for, and the row under the cursor. History is a list of places."""

from __future__ import annotations

from dataclasses import dataclass

from console.model.queries import ViewQuery


@dataclass(frozen=True, slots=True)
class Place:
    """A screen (a name of actions.py), its query, and the key and rank of its cursor."""

    screen: str
    query: ViewQuery
    cursor_key: bytes | None = None
    cursor: int = 0
