"""What is always there: the server and how fresh the screen is, the screens by number, and what the keys do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from console.actions import BY_ID, SCREENS, Action, shown
from console.model import words
from console.model.counting import counted
from console.model.filters import Filter
from console.model.ports import Target
from console.model.queries import HistoryQuery, JobQuery, UserQuery
from console.model.status import Status
from console.screens.place import Place
from console.widgets.pieces import Piece, width

GROUNDS: Final = {"blue": "badge", "green": "calm", "yellow": "caution", "red": "alarm"}
"""The tone of a context's name, by its colour."""


_PART_OF: Final = {"groups": "failures"}
"""The numbered screen of those that are another way to see one."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh the screen is: read at `as_of` every `refresh_s`; `stale_s` is its age when the server does not answer."""

    as_of: float | None
    refresh_s: float
    stale_s: float | None = None
    frozen: bool = False


def header(
    target: Target, status: Status | None, fresh: Freshness, zone: tzinfo | None, cells: int, running: str = ""
) -> tuple[list[Piece], list[Piece]]:
    """The first line: which server, how fresh, whether something is wrong, and what is `running`. Where there is little room,
    less is said."""
    left: list[Piece] = [(" tq ", "accent")]
    if target.name:
        left += [(f" {target.name} ", GROUNDS.get(target.colour, "badge")), (" ", "")]
    left.append((f" {target.url}", "strong"))
    if status is not None and cells >= 100:
        server = status.server
        left.append((f"  {server.kind.title()} {server.version or '?'}  {server.latency_ms:.1f} ms", "dim"))
    right: list[Piece] = [(f" ⟳ {running} ", "caution"), ("  ", "")] if running else []
    refuses = status.server.refuses_writes if status is not None else ""
    if refuses and not running and cells >= 100:
        right.append((f"READ-ONLY: {refuses}  ", "warn"))
    elif target.read_only or refuses:
        right.append(("READ-ONLY  ", "warn"))
    if fresh.stale_s is not None:
        right.append((f" STALE {words.age(int(fresh.stale_s))} ", "alarm"))
    elif fresh.frozen:
        right.append(("FROZEN", "caution"))
    elif fresh.as_of is not None:
        right.append((f"live {fresh.refresh_s:g} s", "good"))
    at = len(right)
    if status is not None:
        errors = sum(problem.severity == "error" for problem in status.problems)
        number = len(status.problems)
        if number:
            right.append((f"  {'✗' if errors else '▲'} {counted(number, 'problem')} ", "bad" if errors else "warn"))
        elif fresh.stale_s is None:
            right.append(("  ✓ no problem ", "good"))
    as_of: Piece = (f"  as of {words.absolute(fresh.as_of, zone, fresh.as_of)}", "dim")
    if fresh.as_of is not None and width((*left, *right, as_of)) < cells:
        right.insert(at, as_of)
    return left, right


def tabs(place: Place, said: Filter) -> tuple[list[Piece], list[Piece], dict[int, str]]:
    """The second line: the screens by number, what is open beside them, and the filter; and the actions of its pieces."""
    line: list[Piece] = [(" ", "")]
    spots: dict[int, str] = {}
    for number, name in enumerate(SCREENS, 1):
        action = BY_ID[f"screen_{number}"]
        spots[len(line)] = action.id
        line.append((f" {number} {action.label} ", "badge" if name == _PART_OF.get(place.screen, place.screen) else ""))
        line.append((" ", ""))
    right: list[Piece] = []
    if isinstance(place.query, JobQuery | UserQuery):
        named = place.query.id if isinstance(place.query, UserQuery) else place.query.id.decode("utf-8", "backslashreplace")
        right.append((f"{place.screen} {named}", "accent"))
    elif isinstance(place.query, HistoryQuery):
        right.append(("history", "accent"))
    if said:
        right.append((f"  / {said}", "warn"))
    return line, [*right, (" ", "")], spots


def footer(actions: Sequence[Action], summary: Sequence[Piece], cells: int) -> tuple[list[Piece], list[Piece], dict[int, str]]:
    """The last line: as many keys of `actions` as there is room for, in their order, and what the screen counts. Help stays,
    where the others are found, and then what can be done to what is shown."""
    right = [*summary, (" ", "")]
    # A blank before the first of them, and two before what stands at the right.
    room = cells - min(width(tuple(right)), cells // 2) - 3
    kept: set[str] = set()
    for action in sorted(
        (one for one in actions if one.footer), key=lambda one: (one.id != "help", not one.danger, one.footer)
    ):
        if (needed := width(key(action))) <= room:
            room -= needed
            kept.add(action.id)
    line: list[Piece] = [(" ", "")]
    spots: dict[int, str] = {}
    for action in actions:
        if action.id in kept:
            spots[len(line)] = spots[len(line) + 1] = action.id
            line += key(action)
    return line, right, spots


def key(action: Action) -> tuple[Piece, Piece]:
    """An action's key, and its word."""
    return (shown(action.keys[0]), "accent"), (f" {action.label}  ", "dim")
