"""What is said of that which something is about to be done to: how many, of which kinds, and what is in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from console.model import command_words, listening, tie_words, words
from console.model.commands import REASONS, Backfill, Command, Pause, Resume
from console.model.counting import counted, plural
from console.model.meant import Meant
from console.model.schedules import SlotsPage
from console.model.selection import Glance, Tally
from console.model.status import Status
from console.screens.dialogs.frame import ROOM
from console.widgets.lines import Row
from console.widgets.pieces import Piece, width, wrapped

LABEL: Final = 11

WARNS: Final[Piece] = ("▲ ", "warn")

ERRORS: Final = 3
"""Errors that are told."""

SLOTS: Final = 5
"""Slots that are told."""


HEIGHT: Final = 10
"""Lines that say of many what they are, at the most."""

OF_ONE: Final = 7
"""Lines that say it of one job, as a rule."""


ALWAYS: Final = 7
"""Lines that each of these dialogs has beside what it says, its options and its fields."""


def room(screen: int, others: int) -> int:
    """Lines for what is said, on a screen of so many, beside those of `others`: options and fields."""
    return screen * 96 // 100 - ALWAYS - others


def height(lines: int | None, many: bool, room: int) -> int:
    """So many lines has what is said, where there is `room` for so many: `lines`, None while it is not known how many."""
    awaited = HEIGHT if many else OF_ONE
    return max(3, min(HEIGHT, room, awaited if lines is None else lines))


def option(key: str, means: str, on: bool) -> list[Piece]:
    """The line of a yes or no."""
    return [("  ", ""), (key, "accent"), (f" [{'x' if on else ' '}] ", "strong" if on else ""), (means, "" if on else "dim")]


def title(command: Command, meant: Meant, glance: Glance | None, zone: tzinfo | None) -> str:
    """What is asked."""
    count = glance.count if glance is not None and glance.done else meant.count
    if not meant.what:
        what = meant.scope
    elif count is None:
        what = plural(meant.what)
    else:
        what = counted(count, meant.what)
    asked = command_words.asked(command, what, zone)
    return f"{meant.subject}: {asked[0].lower()}{asked[1:]}" if meant.subject else asked


@dataclass(frozen=True, slots=True)
class Around:
    """What else is told from: the `zone` of instants, the newest overview, None where there is none, and for how many seconds
    what is taken can be put back."""

    zone: tzinfo | None = None
    status: Status | None = None
    trash_s: float = 3_600.0


def lines(
    command: Command, meant: Meant, glance: Glance | None, slots: SlotsPage | None, failed: str, around: Around
) -> list[Row]:
    """All that is known so far. `failed` is why no more can be known, `slots` are those that would change."""
    rows = [*_prose(meant.scope), *_prose(command_words.means(command, around.trash_s), "dim")]
    if failed:
        return [*rows, *_prose(failed, "bad", ("✗ ", "bad")), Row((("Nothing was done.", "dim"),))]
    if glance is None or not glance.done:
        read = 0 if glance is None else glance.read
        of = "" if glance is None or not glance.of else f" of {glance.of:,}"
        rows.append(Row(((f"looking: {read:,}{of}", "accent"),)))
    elif glance.count == 0:
        rows.append(Row((("There is nothing that this can be done to.", "warn"),)))
    if glance is None:
        return rows
    for code, n in glance.in_way.items():
        rows += _prose(f"{n:,} left out: {REASONS[code][1]}", "", WARNS)
    for warning in tie_words.warnings(command, glance.ties):
        rows += _prose(warning, "", WARNS)
    lane = [slots.lane] if slots is not None and slots.lane and isinstance(command, Backfill) else []
    queues = lane or ([slots.lane] if slots is not None and slots.lane else glance.queues)
    for warning in listening.warnings(command, queues, around.status) if glance.count else ():
        rows += _prose(warning, "warn", WARNS)
    if glance.more:
        rows += _prose(glance.more, "warn", WARNS)
    if slots is not None:
        rows += _runs(slots, glance.count) if isinstance(command, Backfill) else _slots(slots, around.zone, glance.count)
    for tally in glance.tallies:
        # The title says a single state, though not whether there is anything to pause; a function tells more than its task.
        said = tally.what == "state" and len(tally.counts) == 1 and not isinstance(command, Pause | Resume)
        if tally.what == "task" or (lane and tally.what == "queue") or said:
            continue
        rows += _errors(tally) if tally.what == "error" and glance.count > 1 else [_tally(tally, alone=glance.count == 1)]
        if tally.what == "queue" and slots is not None and slots.lane != slots.lane_before:
            rows.append(Row(((f"{'queue then':<{LABEL}}", "dim"), (slots.lane, "warn"))))
    for note in tie_words.notes(command, glance.ties):
        rows += _prose(note, "dim")
    return rows


def _prose(text: str, tone: str = "", sign: Piece = ("", "")) -> list[Row]:
    """A text in as many lines as it needs, with a sign before the first of them."""
    begins = width((sign,))
    parts = wrapped(text, ROOM - begins) if text else []
    return [Row(((sign if at == 0 else (" " * begins, "")), (part, tone))) for at, part in enumerate(parts)]


def _tally(tally: Tally, *, alone: bool) -> Row:
    line: list[Piece] = [(f"{tally.what:<{LABEL}}", "dim")]
    for at, (value, n) in enumerate(tally.counts):
        line += [(" · " if at else "", "dim"), (_value(tally.what, value), ""), ("" if alone else f" {n:,}", "accent")]
    return Row((*line, (f" · and {counted(tally.others, 'other')}" if tally.others else "", "dim")))


def _slots(slots: SlotsPage, zone: tzinfo | None, schedules: int) -> list[Row]:
    """The next slots as they are, and as they would be; of several schedules those of the first."""
    if slots.said:
        return _prose(slots.said, "warn", WARNS)
    first = f"slots of the first of them, {slots.user} {slots.task}:" if schedules > 1 else ""
    rows = _prose(first, "dim") if first else []
    for label, found in (("next now", slots.before), ("then", slots.after)):
        told = [words.absolute(at, zone, slots.as_of) for at in found[:SLOTS]]
        if told:
            told[-1] = f"{told[-1]} {words.zone_name(found[:SLOTS][-1], zone)}".rstrip()
        for at, line in enumerate(_joined(told, ROOM - LABEL)):
            rows.append(Row(((f"{label if at == 0 else '':<{LABEL}}", "dim"), (line, ""))))
    return rows


def _runs(slots: SlotsPage, schedules: int) -> list[Row]:
    """How many runs a backfill makes at the most, and where they go."""
    if slots.said:
        return _prose(slots.said, "warn", WARNS)
    of = f" of the first {slots.counted:,} schedules" if slots.counted < schedules else ""
    line: list[Piece] = [(f"{'runs':<{LABEL}}", "dim"), (f"{slots.runs:,}", "accent"), (of, "")]
    told = f", one for each slot that has none yet, all on {slots.lane}"
    return [Row((*line, (told, "")))]


def _joined(told: Sequence[str], cells: int) -> list[str]:
    """Words beside each other, in as many lines of so many cells as they need."""
    lines: list[str] = []
    for one in told:
        if lines and len(lines[-1]) + 3 + len(one) <= cells:
            lines[-1] += f" · {one}"
        else:
            lines.append(one)
    return lines


def _value(what: str, value: str) -> str:
    return words.error(value) if what == "error" else words.function(value) if what == "function" else value


def _errors(tally: Tally) -> list[Row]:
    """Errors are long, and what matters most: each has a line of its own."""
    left = sum(n for _, n in tally.counts[ERRORS:])
    more = tally.others + len(tally.counts[ERRORS:])
    width = len(f"{tally.counts[0][1]:,}")
    rows = [
        Row(((f"{'error' if at == 0 else '':<{LABEL}}", "dim"), (f"{n:>{width},} ", "accent"), (_value("error", value), "")))
        for at, (value, n) in enumerate(tally.counts[:ERRORS])
    ]
    return [*rows, Row(((" " * LABEL, ""), (f"and {counted(more, 'other')}", "dim")))] if left else rows
