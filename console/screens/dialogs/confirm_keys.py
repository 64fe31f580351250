"""What is said of the keys of a confirmation, and of what is written into its fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.orders import canary as parsed
from console.widgets.pieces import Piece


def told(at: str, after: str, before: str, ready: bool, called: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """What keys do while `at` has the focus, between `after` and `before`, which are `called` so: in a field, letters are
    letters. `ready`: a yes is taken."""
    leaves, on, back = ("esc", "leaves all as it is"), ("tab", called[after]), ("shift+tab", called[before])
    if at not in ("leave", "do"):
        return [("enter", "does it" if at == "name" else "goes on"), on, back, leaves]
    does = [("y", "does it")] if ready else []
    return [*does, leaves, on, *([back] if before != after else [])]


def canary(line: str) -> Piece:
    """What a canary means as it is written so far, or how one is written."""
    try:
        found = parsed(line)
    except ValueError as error:
        return f"  {error}", "warn"
    what = f"{found.first:,} first; when these have ended, {found.rate:g} a second"
    return f"  {what}; ends above {found.stop_above:.0%} failed again", "dim"
