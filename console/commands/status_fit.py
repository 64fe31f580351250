"""A status cut to the height of a terminal: what is wrong and the lanes stay, the lists give way."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console, RenderableType

from console.commands.status_table import Rows, drawn
from console.model.status import Status
from jobs.lanes import LANES

GIVES_WAY = (
    ("workers", 3),
    ("schedulers", 1),
    ("queues", len(LANES)),
    ("gaps", 0),
    ("workers", 0),
    ("schedulers", 0),
    ("problems", 1),
)
"""What is cut, and to how many rows at the least, in this order until it fits."""


def fitted(status: Status, console: Console, stale_s: float | None = None) -> RenderableType:
    """`status` in as many lines as `console` has, or in the fewest that it can be told in."""
    rows = Rows()
    page = drawn(status, console.width, stale_s, rows)
    for name, least in GIVES_WAY:
        count = min(getattr(rows, name), len(getattr(status, name)) if name != "gaps" else 1)
        while count > least and (over := _lines(page, console) - console.height) > 0:
            # One line more is needed to say how many others there are.
            count = max(least, count - (over + 1 if name != "problems" else 1))
            rows = replace(rows, **{name: count})
            page = drawn(status, console.width, stale_s, rows)
    return page


def _lines(page: RenderableType, console: Console) -> int:
    return len(console.render_lines(page, console.options.update(height=None), pad=False))
