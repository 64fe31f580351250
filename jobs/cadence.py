"""When a schedule is due: arithmetic on its definition, never on the instant of the last run.

A cadence is a set of slots: whole UTC epoch seconds. `next_after` and `latest` read that set, so slots neither drift nor
repeat, whoever asks and however late.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from jobs.errors import InvalidCadence

MIN_PERIOD = 1
MAX_PERIOD = 366 * 86_400
MAX_JITTER = 3_600
GAPS, MOST_GAPS = 8, 1_500
COUNT_LIMIT = 1_000
"""How many slots `count_between` counts of a cron cadence before it stops."""


@dataclass(frozen=True, slots=True)
class Every:
    """Every `period` seconds since the epoch, moved by `offset` seconds (0 <= offset < period)."""

    period: int
    offset: int = 0

    def __post_init__(self) -> None:
        if not MIN_PERIOD <= self.period <= MAX_PERIOD:
            raise InvalidCadence(f"every {self.period} s: a period is {MIN_PERIOD} s to 366 days")
        if not 0 <= self.offset < self.period:
            raise InvalidCadence(f"every {self.period} s: the offset {self.offset} s lies outside the period")

    def next_after(self, instant: float) -> int:
        """The first slot later than `instant` (epoch seconds)."""
        return int((instant - self.offset) // self.period + 1) * self.period + self.offset

    def latest(self, instant: float) -> int:
        """The last slot not later than `instant` (epoch seconds)."""
        return int((instant - self.offset) // self.period) * self.period + self.offset

    def count_between(self, after: float, until: float) -> int:
        """How many slots lie in (after, until]."""
        return max(0, (self.latest(until) - self.latest(after)) // self.period)

    def shortest_gap(self, after: float) -> int:
        """The shortest time between two slots, in seconds."""
        return self.period

    def bound_to(self, schedule_id: str, zone: str) -> Every:
        """This cadence with the offset that is `schedule_id`'s own: the same each time, and spread evenly over the period."""
        return Every(self.period, stable_number(schedule_id) % self.period)

    def spec(self) -> str:
        """The text that `parse` reads back."""
        return f"every {self.period} {self.offset}"


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression of five fields in an IANA zone.

    A time that daylight saving skips fires once, at the end of the gap; a time that it repeats fires once, the first time.
    An expression that names every hour counts hours that pass, so it fires through a repeated hour as through any other.
    """

    expression: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        fields = self.expression.split()
        if len(fields) != 5:
            raise InvalidCadence(f"cron {self.expression!r}: write five fields: minute hour day month weekday")
        minute, hour, day, month, weekday = fields
        zone_of(self.zone)
        try:
            first = next(CronSim(self.expression, datetime(2024, 1, 1)), None)  # noqa: DTZ001 - CronSim counts wall time
        except CronSimError as error:
            # CronSim calls a day that its month never has a bad one, as it does a day that no month has.
            if _is_cron(minute, hour, day, "*", weekday) and _is_cron(minute, hour, "*", month, weekday):
                raise InvalidCadence(f"cron {self.expression!r} never comes due") from None
            raise InvalidCadence(f"cron {self.expression!r}: {str(error).lower()}") from None
        if first is None:
            raise InvalidCadence(f"cron {self.expression!r} never comes due")

    def next_after(self, instant: float) -> int:
        """The first slot later than `instant` (epoch seconds)."""
        at = datetime.fromtimestamp(instant, zone_of(self.zone))
        if _names_every_hour(self.expression):
            found = next(CronSim(self.expression, at))
            return int(found.timestamp())
        for wall in CronSim(self.expression, _wall(at)):
            slot = _instant(wall, self.zone)
            if slot > instant:
                return slot
        raise InvalidCadence(f"cron {self.expression!r} never comes due")

    def latest(self, instant: float) -> int:
        """The last slot not later than `instant` (epoch seconds)."""
        # CronSim walks backward from before its start; a second later makes `instant` itself count.
        at = datetime.fromtimestamp(int(instant) + 1, zone_of(self.zone))
        if _names_every_hour(self.expression):
            found = next(CronSim(self.expression, at, reverse=True))
            return int(found.timestamp())
        start = _wall(at) + _shift_near(at)
        for wall in CronSim(self.expression, start, reverse=True):
            slot = _instant(wall, self.zone)
            if slot <= instant:
                return slot
        raise InvalidCadence(f"cron {self.expression!r} never came due")

    def count_between(self, after: float, until: float) -> int:
        """How many slots lie in (after, until], counted to COUNT_LIMIT at the most."""
        return sum(1 for _ in islice(slots_between(self, after, until), COUNT_LIMIT))

    def shortest_gap(self, after: float) -> int:
        """The shortest time between two slots of the day that follows `after`, or of the next GAPS ones, in seconds."""
        return _shortest_gap(self, int(after // 86_400) * 86_400)

    def bound_to(self, schedule_id: str, zone: str) -> Cron:
        """This cadence in the user's `zone`."""
        return Cron(self.expression, zone)

    def spec(self) -> str:
        """The text that `parse` reads back."""
        return f"cron {self.zone} {self.expression}"


@dataclass(frozen=True, slots=True)
class Jittered:
    """The slots of `cadence`, each moved later by 0 to `spread` seconds, by a number that depends on `seed` and the slot."""

    cadence: Every | Cron
    spread: int
    seed: str

    def __post_init__(self) -> None:
        if not 0 < self.spread <= MAX_JITTER:
            raise InvalidCadence(f"jitter {self.spread} s: jitter is 1 s to {MAX_JITTER} s")
        if isinstance(self.cadence, Every) and self.spread >= self.cadence.period:
            raise InvalidCadence(f"jitter {self.spread} s: jitter must be shorter than the period {self.cadence.period} s")

    def next_after(self, instant: float) -> int:
        """The first moved slot later than `instant` (epoch seconds)."""
        best: int | None = None
        base = self.cadence.next_after(instant - self.spread - 1)
        while best is None or base < best:
            moved = self.moved(base)
            if moved > instant and (best is None or moved < best):
                best = moved
            base = self.cadence.next_after(base)
        return best

    def latest(self, instant: float) -> int:
        """The last moved slot not later than `instant` (epoch seconds)."""
        best: int | None = None
        base = self.cadence.latest(instant)
        while best is None or base + self.spread > best:
            moved = self.moved(base)
            if moved <= instant and (best is None or moved > best):
                best = moved
            base = self.cadence.latest(base - 1)
        return best

    def count_between(self, after: float, until: float) -> int:
        """How many slots lie in (after, until], give or take the two at the ends."""
        return self.cadence.count_between(after, until)

    def base_of(self, slot: int) -> int:
        """The slot of the plain cadence that was moved to `slot`. Raises InvalidCadence when none was."""
        base = self.cadence.latest(slot)
        while base >= slot - self.spread:
            if self.moved(base) == slot:
                return base
            base = self.cadence.latest(base - 1)
        raise InvalidCadence(f"{slot} is no slot of {self.cadence.spec()!r} with jitter {self.spread} s")

    def moved(self, base: int) -> int:
        """Where a slot of the plain cadence is moved to."""
        return base + stable_number(f"{self.seed}/{base}") % (self.spread + 1)


Cadence = Every | Cron
Slots = Every | Cron | Jittered


def parse(spec: str) -> Cadence:
    """The cadence that `spec()` wrote. Raises InvalidCadence."""
    kind, _, rest = spec.partition(" ")
    try:
        if kind == "every":
            period, _, offset = rest.partition(" ")
            return Every(int(period), int(offset or 0))
        if kind == "cron":
            zone, _, expression = rest.partition(" ")
            return Cron(expression, zone)
    except ValueError:
        pass
    raise InvalidCadence(f"{spec[:80]!r} is no cadence")


def slots_between(slots: Slots, after: float, until: float) -> Iterator[int]:
    """The slots in (after, until], earliest first, as they are asked for."""
    slot = slots.next_after(after)
    while slot <= until:
        yield slot
        slot = slots.next_after(slot)


def stable_number(text: str) -> int:
    """A number of 64 bits that depends on `text` alone, on every machine and in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises InvalidCadence."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidCadence(f"time zone {name[:60]!r} is unknown; use an IANA name like Europe/Rome") from None


@lru_cache(maxsize=1024)
def _shortest_gap(cadence: Cron, after: int) -> int:
    slots: list[int] = []
    for slot in slots_between(cadence, after, float("inf")):
        slots.append(slot)
        if len(slots) > GAPS and (slot > after + 86_400 or len(slots) > MOST_GAPS):
            break
    return min(later - earlier for earlier, later in pairwise(slots))


@lru_cache(maxsize=1024)
def _names_every_hour(expression: str) -> bool:
    return len(CronSim(expression, datetime(2024, 1, 1)).hours) == 24  # noqa: DTZ001 - CronSim counts wall time


def _is_cron(*fields: str) -> bool:
    try:
        CronSim(" ".join(fields), datetime(2024, 1, 1))  # noqa: DTZ001 - CronSim counts wall time
    except CronSimError:
        return False
    return True


def _wall(at: datetime) -> datetime:
    return at.replace(tzinfo=None, fold=0)


def _shift_near(at: datetime) -> timedelta:
    """How far a walk backward must start ahead, lest it miss a slot beside a change of offset: nothing on most days."""
    around = [(at.astimezone(UTC) + timedelta(hours=hours)).astimezone(at.tzinfo).utcoffset() for hours in (-26, 26)]
    return timedelta(0) if around[0] == around[1] else timedelta(hours=26)


def _instant(wall: datetime, zone: str) -> int:
    """The epoch second at which the clocks of `zone` show `wall` for the first time, or the end of the gap that skips it."""
    aware = wall.replace(tzinfo=zone_of(zone))
    shown = aware.astimezone(UTC).astimezone(aware.tzinfo)
    if shown.replace(tzinfo=None) == wall:
        return int(aware.timestamp())
    low, high = int(aware.replace(fold=1).timestamp()), int(aware.timestamp())
    before = datetime.fromtimestamp(low, aware.tzinfo).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, aware.tzinfo).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
