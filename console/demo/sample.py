"""The sample users: those of the shipped file, then as many more as are wanted, the same ones each time."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

SHIPPED = Path(__file__).with_name("users.csv")
TIERS = Path(__file__).with_name("tiers.toml")

SITE = "{site}"
"""What stands in the shipped file for the address of the site."""

MORE_TIERS = ("free", "standard", "free", "pro", "free", "standard")
MORE_KINDS = ("news", "about", "prices", "plain", "flaky", "news", "moved", "prices", "busy", "gone", "about")
ZONES = ("UTC", "Europe/Rome", "America/New_York", "Asia/Kolkata", "Australia/Sydney")


def write_users(file: Path, site: str, count: int | None = None) -> int:
    """Write the first `count` sample users (None: as many as are shipped) as CSV into `file`, with `site` for the address of
    the site. Returns how many were written."""
    with SHIPPED.open(encoding="utf-8", newline="") as shipped, file.open("w", encoding="utf-8", newline="") as written:
        header, *rows = csv.reader(shipped)
        writer = csv.writer(written)
        writer.writerow(header)
        n = 0
        for row in islice(chain(rows, _more(len(rows))), len(rows) if count is None else count):
            writer.writerow(cell.replace(SITE, site) for cell in row)
            n += 1
    return n


def _more(start: int) -> Iterator[tuple[str, ...]]:
    """Users without end, numbered from `start`: id, tier, zone, sources, webhook, active."""
    n = start
    while True:
        n += 1
        name = f"user-{n:06d}"
        webhook = f"{SITE}/hooks/{name}" if n % 3 == 0 else ""
        kind = MORE_KINDS[n % len(MORE_KINDS)]
        yield (name, MORE_TIERS[n % len(MORE_TIERS)], ZONES[n % len(ZONES)], f"{SITE}/{kind}/{name}", webhook, "yes")
