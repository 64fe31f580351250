"""Tiers: what each plan is promised, and the policy of its runs.

The defaults are pro, standard and free. A TOML file named by `TQ_TIERS` changes them or adds others:

    [tiers.pro]
    every = "30m"            # or: cron = "0 9 * * *", in each user's own time zone
    lane = "high"            # high, default or low
    promise = "5s"           # the longest acceptable wait in the lane
    timeout = "2m"
    result_ttl = "1d"
    failure_ttl = "7d"
    retry = { max = 5, base = "30s", cap = "15m", jitter = 0.2 }
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from jobs import durations, settings
from jobs.cadence import Cadence, Cron, Every
from jobs.errors import InvalidCadence, InvalidTiers
from jobs.lanes import LANES

MAX_TTL = 366 * 86_400


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`max` retries after the first attempt, `base` seconds before the first one, twice as long before each next one, `cap`
    seconds at the most; each interval is made longer or shorter by up to the share `jitter`."""

    max: int = 5
    base: int = 30
    cap: int = 900
    jitter: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.max <= 50:
            raise InvalidTiers(f"retry max {self.max}: a run is retried 0 to 50 times")
        if not 1 <= self.base <= self.cap <= 86_400:
            raise InvalidTiers(f"retry base {self.base} s, cap {self.cap} s: they must rise from 1 s to 1 day")
        if not 0 <= self.jitter < 1:
            raise InvalidTiers(f"retry jitter {self.jitter}: a share from 0 to below 1")

    def intervals(self, seed: str) -> list[int]:
        """Exactly `max` intervals in whole seconds, at least 1, the same each time for one `seed`.

        RQ picks by `max(len - retries_left, 0)`, so any other number of them shifts the sequence (field guide, section 3).
        """
        chance = random.Random(seed)  # noqa: S311 - spreads load, guards nothing
        plain = (min(self.cap, self.base * 2**n) for n in range(self.max))
        return [max(1, round(seconds * (1 + self.jitter * (2 * chance.random() - 1)))) for seconds in plain]


def _check_name(name: str) -> None:
    if not name.replace("-", "").replace("_", "").isalnum() or len(name) > 32:
        raise InvalidTiers(f"tier {ascii(name)[:60]}: a name is 1 to 32 letters, digits, - and _")


@dataclass(frozen=True, slots=True)
class Tier:
    """A user's plan. Durations are seconds; `cadence` is bound to a user and a schedule when a schedule is made."""

    name: str
    cadence: Cadence
    lane: str
    promise: int
    retry: RetryPolicy = RetryPolicy()
    timeout: int = 120
    result_ttl: int = 86_400
    failure_ttl: int = 7 * 86_400

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.lane not in LANES:
            raise InvalidTiers(f"tier {self.name}: lane {self.lane!r} is none of {', '.join(LANES)}")
        for name in ("promise", "timeout", "result_ttl", "failure_ttl"):
            if not 1 <= getattr(self, name) <= MAX_TTL:
                raise InvalidTiers(f"tier {self.name}: {name} must be 1 s to 366 days")


DEFAULT_TIERS: Mapping[str, Tier] = {
    "pro": Tier("pro", Every(3_600), "high", promise=5),
    "standard": Tier("standard", Every(6 * 3_600), "default", promise=60),
    "free": Tier("free", Every(86_400), "low", promise=3_600, retry=RetryPolicy(max=3, base=60, cap=3_600)),
}


@lru_cache(maxsize=1)
def current() -> Mapping[str, Tier]:
    """The tiers of this process: those of the file that `TQ_TIERS` names over the defaults, read once."""
    file = settings.current().tiers_file
    return read(file) if file else DEFAULT_TIERS


def read(file: Path) -> Mapping[str, Tier]:
    """The tiers of a TOML file over the defaults. Raises InvalidTiers naming the file, the tier and the field."""
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise InvalidTiers(f"{file}: cannot be read ({error.strerror}); check TQ_TIERS") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidTiers(f"{file}: is no TOML: {error}") from None
    tables = document.get("tiers")
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise InvalidTiers(f'{file}: has no table of a tier; begin one with [tiers.pro] and, below it, every = "30m"')
    try:
        changed = {name: _tier(name, table) for name, table in tables.items()}
    except (InvalidTiers, InvalidCadence) as error:
        raise InvalidTiers(f"{file}: {error}") from None
    return {**DEFAULT_TIERS, **changed}


def seconds(value: object, what: str) -> int:
    """A duration ("90s", "15m", "1h30m", "1d") in seconds. A number needs its unit too. Raises InvalidTiers naming `what`."""
    number = isinstance(value, int) and not isinstance(value, bool)
    try:
        return durations.seconds(str(value) if number or isinstance(value, str) else "")
    except ValueError as error:
        raise InvalidTiers(f"{what}: {ascii(value)[:60]} {error}") from None


def _tier(name: str, table: Mapping[str, Any]) -> Tier:
    _check_name(name)
    known = {"every", "cron", "lane", "promise", "timeout", "result_ttl", "failure_ttl", "retry"}
    if unknown := set(table) - known:
        raise InvalidTiers(f"tier {name}: unknown field {sorted(unknown)[0]!r}; known are {', '.join(sorted(known))}")
    start = DEFAULT_TIERS.get(name)
    if start is None and not ({"every", "cron"} & set(table) and {"lane", "promise"} <= set(table)):
        raise InvalidTiers(f"tier {name}: a new tier needs every or cron, lane and promise")
    changes: dict[str, Any] = {
        field: seconds(table[field], f"tier {name}: {field}")
        for field in ("promise", "timeout", "result_ttl", "failure_ttl")
        if field in table
    }
    if "every" in table and "cron" in table:
        raise InvalidTiers(f"tier {name}: has both every and cron; keep one")
    if "every" in table:
        changes["cadence"] = Every(seconds(table["every"], f"tier {name}: every"))
    if "cron" in table:
        changes["cadence"] = Cron(str(table["cron"]))
    if "lane" in table:
        changes["lane"] = str(table["lane"])
    if "retry" in table:
        changes["retry"] = _retry(name, table["retry"], start.retry if start else RetryPolicy())
    return replace(start, **changes) if start else Tier(name=name, **changes)


def _retry(name: str, table: object, start: RetryPolicy) -> RetryPolicy:
    known = {field.name for field in fields(RetryPolicy)}
    if not isinstance(table, dict) or set(table) - known:
        raise InvalidTiers(f"tier {name}: retry is a table of {', '.join(sorted(known))}")
    changes: dict[str, Any] = {}
    for field, value in table.items():
        if field in ("base", "cap"):
            changes[field] = seconds(value, f"tier {name}: retry {field}")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            changes[field] = value
        else:
            raise InvalidTiers(f"tier {name}: retry {field}: {value!r} is no number")
    return replace(start, **changes)
