"""What lies beside the present state, as lines of a page: what is due, whether promises are kept, and who takes the most."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from console.model import words
from console.model.counting import counted
from console.model.due import MINUTE, QUARTERS, Due
from console.model.outlook import Busiest
from console.model.promises import Delays, Promises, TierPromise
from console.screens.facts import LABEL
from console.widgets.lines import Row
from console.widgets.pieces import Piece, fit, width

BUSY: Final = 5
"""Users that a line tells."""

NAMED: Final = 22
"""Cells of a tier and its lane."""

CROWD: Final = 10
"""Slots in one minute from which on it is told what spreading would make of them."""

ROOM: Final = 4
"""Cells of a line that no chart fills."""


def due(found: Due | None, cells: int, zone: tzinfo | None) -> list[Row]:
    """The next 24 hours: a head with the fullest minute, and a chart; and who is late. Nothing where nothing is due or late."""
    if found is None:
        return []
    return [*_coming(found, cells, zone), *_late(found)]


def _late(found: Due) -> list[Row]:
    if not found.late_by:
        return []
    about = "" if found.sure else "~"
    told = [
        f"{one.tier or 'plain entries'} {about}{words.count(one.count)}, the longest {words.age(one.longest_s)}"
        for one in found.late_by[:BUSY]
    ]
    return [Row((("✗ late: ", "bad"), ("; ".join(told), "")))]


def _coming(found: Due, cells: int, zone: tzinfo | None) -> list[Row]:
    if not found.total:
        return []
    by = 1 if cells - ROOM >= QUARTERS else 2
    columns = [_sum(found.quarters[at : at + by]) for at in range(0, QUARTERS, by)]
    title: list[Piece] = [("DUE", "head"), (f"  next 24 h, each column {15 * by} min", "dim")]
    told: list[Piece] = []
    if found.peak is not None:
        at = _clock(found.peak.at, zone)
        crowded = found.peak.count >= CROWD and found.spread <= found.peak.count / 2
        title += [(f"  peak {at}: {found.peak.count:,} in one minute", "warn" if crowded else "")]
        if crowded:
            spread = "less than one" if found.spread < 1 else f"{found.spread:,.0f}"
            told.append((f"spread over an hour that would be {spread}", "dim"))
    most = max((count for count in columns if count is not None), default=0)
    chart: list[Piece] = []
    peak = None if found.peak is None else int((found.peak.at - found.start) // (15 * MINUTE * by))
    for number, count in enumerate(columns):
        chart.append((words.spark((count,), most), "warn" if number == peak else "accent" if count else "dim"))
    about = "" if found.sure else "~"
    rows = [Row(tuple(title)), Row((*chart, (f"  {about}{words.count(found.total)}", "dim")))]
    if told and width((*title, *told)) + 2 > cells:
        return [*rows, Row(tuple(told))]
    return [Row((*title, *((f"; {text}", tone) for text, tone in told))), *rows[1:]]


def due_in_a_line(found: Due | None, cells: int, zone: tzinfo | None) -> list[Row]:
    """The same, with what is due in one line."""
    if found is None:
        return []
    rows = _coming(found, min(cells, QUARTERS - 1), zone)
    if not rows:
        return _late(found)
    line: list[Piece] = [(f"{'due in 24 h':<{LABEL}}", "strong"), *rows[1].line[:-1]]
    if found.peak is not None:
        at = _clock(found.peak.at, zone)
        line.append((f"  {found.peak.count:,} at {at}", "warn" if rows[0].line[2][1] else "dim"))
    return [Row(tuple(line)), *_late(found)]


def promises(found: Promises | None, cells: int) -> list[Row]:
    """Each tier of each lane: how long its runs waited, how late they began, and who waits too long."""
    if found is None or not found.tiers:
        return []
    wide = cells >= 100
    titles = f"{'STARTED':>8}{'WAIT p95':>9}{'LONGEST':>9}{'PROMISE':>9}{'OVER':>7}"
    late = f"{'LATE p50':>11}{'p95':>9}{'MAX':>9}" if wide else f"{'LATE p95':>11}"
    title = Row(((f"{'PROMISES':<{NAMED + 2}}", "head"), (titles + late, "dim")))
    rows = [title, *(_tier(tier, wide) for tier in found.tiers)]
    if found.overdue:
        users = list(dict.fromkeys(run.user for run in found.overdue))
        longest = {user: max(run.waited_s for run in found.overdue if run.user == user) for user in users[:BUSY]}
        said = ", ".join(f"{user} {words.age(waited)}" for user, waited in longest.items())
        unfired = sum(run.unfired for run in found.overdue)
        waiting = sum((found.waiting_over or {}).values())
        more = f" and more; {counted(waiting, 'run waits', 'runs wait')} too long" if waiting > len(longest) else ""
        if unfired:
            more += f"; {counted(unfired, 'slot is', 'slots are')} due, and nobody fires {'it' if unfired == 1 else 'them'}"
        rows.append(Row((("✗ over now: ", "bad"), (said, ""), (more, "dim")), ("user", _key(users[0]))))
    return rows


def busiest(found: Busiest | None, cells: int) -> list[Row]:
    """The users that took the most worker time in the last day, and those with the most failures."""
    if found is None or not found.by_seconds:
        return []
    title: list[Piece] = [("BUSIEST USERS", "head"), ("  last 24 h", "dim")]
    if not found.sure:
        title.append((", as far as the busiest of each hour tell", "dim"))
    room = max(10, min(40, cells - ROOM - 34))
    rows = [Row(tuple(title))]
    for row in found.by_seconds[:BUSY]:
        noun = "attempt failed" if row.failed == 1 else "attempts failed"
        failed: Piece = (f"{row.failed:>8,} {noun}", "bad" if row.failed else "dim")
        rows.append(
            Row((*fit((row.user, ""), room), (f"{words.age(round(row.seconds)):>10}", ""), failed), ("user", _key(row.user)))
        )
    worst = [f"{row.user} {row.failed:,}" for row in found.by_failures[:BUSY]]
    if worst:
        rows.append(Row((("most failed attempts: ", "dim"), (", ".join(worst), "")), ("user", _key(found.by_failures[0].user))))
    return rows


def _tier(tier: TierPromise, wide: bool) -> Row:
    sign: Piece = {True: ("✓ ", "good"), False: ("✗ ", "bad"), None: ("  ", "")}[tier.kept]
    waits, late = tier.waits, tier.lateness
    longest = max((value for value in (waits.longest if waits else None, tier.longest_now) if value is not None), default=None)
    beyond = tier.promise_s is not None and longest is not None and longest > tier.promise_s
    line: list[Piece] = [
        sign,
        *fit(((f"{tier.tier}", "strong"), (f" on {tier.lane}", "dim")), NAMED),
        (f"{words.count(waits.count if waits else 0):>8}", "" if waits else "dim"),
        (f"{_delay(waits, 'p95'):>9}", ""),
        (f"{words.age(longest):>9}", "bad" if beyond else ""),
        (f"{words.age(tier.promise_s):>9}", "dim"),
        (f"{tier.over + tier.over_now:>7,}", "bad" if tier.over or tier.over_now else "dim"),
    ]
    names = ("p50", "p95", "longest") if wide else ("p95",)
    line += [(f"{_delay(late, name):>{11 if at == 0 else 9}}", "" if late else "dim") for at, name in enumerate(names)]
    return Row(tuple(line))


def _delay(found: Delays | None, name: str) -> str:
    if found is None:
        return words.DASH
    value: float = getattr(found, name)
    return words.age(round(value, 1) if value < 10 else round(value))


def _clock(at: float, zone: tzinfo | None) -> str:
    """Hour and minute: of the next 24 hours there is no need to say which day."""
    return words.absolute(at, zone)[-8:-3]


def _sum(counts: tuple[int | None, ...]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _key(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
