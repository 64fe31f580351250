"""Instants and durations as an operator writes them. Each function raises ValueError, which says how to write it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

DURATION: Final = "a duration like 90s, 15m, 6h, 1h30m or 1d"
INSTANT: Final = "now, in 10m, 15:04, 2026-03-01 09:00, or an instant in ISO 8601"
SPAN: Final = "24h for the last day, or two instants with `to` between them: 2026-03-01 to 2026-03-02 09:00"

_LENGTHS: Final = {
    "w(?:eeks?)?": 604_800, "d(?:ays?)?": 86_400, "h(?:ours?)?": 3_600, "m(?:in(?:utes?)?)?": 60, "s(?:ec(?:onds?)?)?": 1,
}  # fmt: skip
_DURATION: Final = re.compile(r"\s*".join(f"(?:([0-9]{{1,9}})\\s*{unit})?" for unit in _LENGTHS))
_CLOCK: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
MOST_S: Final = 10 * 366 * 86_400
"""Ten years: what is further away is a slip."""


def duration(text: str) -> int:
    """Seconds, at least one."""
    found = _DURATION.fullmatch(text.strip().lower())
    numbers = found.groups() if found is not None else ()
    total = sum(int(n or 0) * length for n, length in zip(numbers, _LENGTHS.values(), strict=False))
    if not 0 < total <= MOST_S:
        raise ValueError(f"write {DURATION}")
    return total


def instant(text: str, now: float, zone: tzinfo | None) -> float:
    """Epoch seconds, as seen from `now`. What names no zone is meant in `zone`, None for this machine's."""
    plain = " ".join(text.split())
    if plain.lower() == "now":
        return now
    if plain.lower().startswith(("in ", "+")):
        return now + duration(plain[1:] if plain.startswith("+") else plain[3:])
    try:
        found = _clock(plain, now, zone) or datetime.fromisoformat(plain)
        at = found if found.tzinfo is not None else found.replace(tzinfo=zone) if zone is not None else found.astimezone()
        seconds = at.timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"write {INSTANT}") from None
    if abs(seconds - now) > MOST_S:
        raise ValueError("that is more than ten years away")
    return seconds


def span(text: str, now: float, zone: tzinfo | None) -> tuple[float, float]:
    """Two instants, the earlier one first: `24h` is the last day, `a to b` is from one to the other."""
    start, to, end = text.partition(" to ")
    if not to:
        try:
            return now - duration(text.strip().lower().removeprefix("last ")), now
        except ValueError:
            raise ValueError(f"write {SPAN}") from None
    found = instant(start, now, zone), instant(end, now, zone)
    if found[0] >= found[1]:
        raise ValueError("the first instant is to be the earlier one")
    return found


def _clock(text: str, now: float, zone: tzinfo | None) -> datetime | None:
    """The next time that a clock shows `text`, None where that is no time of day."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hour, minute, second = (int(part or 0) for part in found.groups())
    here = datetime.fromtimestamp(now, UTC).astimezone(zone)
    then = here.replace(hour=hour, minute=minute, second=second, microsecond=0, tzinfo=None)
    return then if then > here.replace(tzinfo=None) else then + timedelta(days=1)
