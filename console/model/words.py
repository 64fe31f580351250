"""Numbers, durations, instants and states in the few letters that a screen has room for. Durations are seconds, instants epoch
seconds; None is what nobody knows, and is said as a dash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

DASH: Final = "—"

GLYPHS: Final = {
    "queued": "○", "running": "▶", "started": "▶", "retrying": "↻", "retried": "↻", "scheduled": "◷", "deferred": "⋯",
    "finished": "✓", "failed": "✗", "canceled": "⊘", "stopped": "■", "rate limited": "≋", "ready": "◇", "timeout": "⧖",
    "killed": "☠", "lost": "?", "gone": "✗", "live": "●", "late": "◐", "armed": "●", "paused": "‖", "inactive": "◌",
    "orphaned": "!", "failing": "✗", "foreign": "·", "skipped": "–",
}  # fmt: skip
"""A sign for each state, so that no state is told by its colour alone."""

TONES: Final = {
    "running": "accent", "started": "accent", "retrying": "warn", "retried": "warn", "deferred": "dim", "finished": "good",
    "failed": "bad", "stopped": "warn", "canceled": "dim", "rate limited": "warn", "ready": "warn", "timeout": "bad",
    "killed": "bad", "lost": "bad", "gone": "bad", "live": "good", "late": "warn", "armed": "good", "paused": "dim",
    "inactive": "dim", "orphaned": "warn", "failing": "bad", "foreign": "dim", "skipped": "dim",
}  # fmt: skip
"""The tone in which a state is said, none for those that are what one expects."""

_HEIGHTS: Final = "▁▂▃▄▅▆▇█"
_BLOCKS: Final = " ▏▎▍▌▋▊▉█"
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def count(number: int | None) -> str:
    """A whole number, with its thousands apart."""
    return DASH if number is None else f"{number:,}"


def rate(number: float | None) -> str:
    """Something a minute, with a decimal place where it is small."""
    if number is None:
        return DASH
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.1f}"


def age(seconds: float | None) -> str:
    """A duration in its two largest units: 0.4 s, 41 s, 12 min, 3 h 12 m, 5 d 2 h."""
    if seconds is None:
        return DASH
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min"
    if whole < 86_400:
        return f"{whole // 3_600} h {whole % 3_600 // 60} m" if whole % 3_600 >= 60 else f"{whole // 3_600} h"
    days = whole // 86_400
    return f"{days:,} d {whole % 86_400 // 3_600} h" if whole % 86_400 >= 3_600 and days < 100 else f"{days:,} d"


def rough(seconds: float) -> str:
    """A duration in its largest unit alone: 41 s, 12 min, 3 h, 5 d."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (1, "s"))
    return f"{int(seconds // size):,} {unit}"


def relative(at: float | None, now: float) -> str:
    """An instant as seen from `now`: in 12 min, 48 min ago, now."""
    if at is None:
        return DASH
    if abs(at - now) < 1:
        return "now"
    return f"in {rough(at - now)}" if at > now else f"{rough(now - at)} ago"


def absolute(at: float | None, zone: tzinfo | None, now: float | None = None) -> str:
    """An instant to the second in `zone` (None: this machine's), without its date where that is the one of `now`."""
    if at is None:
        return DASH
    try:
        there = datetime.fromtimestamp(at, zone or UTC)
        there = there if zone is not None else there.astimezone()
        today = None if now is None else datetime.fromtimestamp(now, there.tzinfo)
    except (OverflowError, ValueError, OSError):
        return f"{at:.0f}"
    same_day = today is not None and there.date() == today.date()
    return there.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")


def in_zone(at: float, zone: tzinfo | None) -> str:
    """An instant to the second as `absolute` has it, and the name of the zone: for what somebody is about to decide on."""
    return f"{absolute(at, zone)} {zone_name(at, zone)}".rstrip()


def zone_name(at: float, zone: tzinfo | None) -> str:
    """What `zone` is called at that instant, None for this machine's; empty where no calendar has it."""
    try:
        there = datetime.fromtimestamp(at, zone or UTC)
        return (there if zone is not None else there.astimezone()).tzname() or ""
    except (OverflowError, ValueError, OSError):
        return ""


def size(number: int | None) -> str:
    """Bytes: 640 B, 1.2 KiB, 18 MiB."""
    if number is None:
        return DASH
    amount = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1_024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1_024
    return f"{amount:,.1f} TiB"


def call(description: str) -> str:
    """A call without the modules of its function: `jobs.tasks.scrape.scrape_for_user('ada')` is `scrape_for_user('ada')`. What
    is no call stays as it is."""
    name, bracket, arguments = description.partition("(")
    return function(name) + bracket + arguments if bracket else description


def function(name: str) -> str:
    """A function without its modules: `jobs.tasks.scrape.scrape_for_user` is `scrape_for_user`; a method keeps its class. What
    is no such name stays as it is."""
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return name
    return ".".join(parts[-2:] if len(parts) > 1 and parts[-2][:1].isupper() else parts[-1:])


def error(line: str) -> str:
    """The last line of a traceback without the modules of its class: `jobs.errors.PermanentError: gone` is
    `PermanentError: gone`."""
    name, colon, rest = line.partition(":")
    parts = name.split(".")
    return parts[-1] + colon + rest if all(part.isidentifier() for part in parts) else line


def spark(values: Sequence[float | None], most: float) -> str:
    """A sign for each value, as high as it is among `most`; a blank for what nobody knows, a dot for nothing."""
    return "".join(_spark(value, most) for value in values)


def _spark(value: float | None, most: float) -> str:
    if value is None:
        return " "
    if value <= 0 or most <= 0:
        return "·"
    return _HEIGHTS[min(len(_HEIGHTS), max(1, round(value / most * len(_HEIGHTS)))) - 1]


def bar(number: int, most: int, cells: int) -> str:
    """A bar of `number` out of `most` in `cells` cells, to the eighth of one; something is never drawn as nothing."""
    if number <= 0 or most <= 0:
        return ""
    eighths = max(1, round(min(1.0, number / most) * cells * 8))
    full, rest = divmod(eighths, 8)
    return "█" * full + (_BLOCKS[rest] if rest else "")
