"""The lanes: the queues in which runs of users' schedules wait."""

from __future__ import annotations

from typing import Final

LANES: Final = ("high", "default", "low")
"""In the order in which `rq worker high default low` serves them."""
