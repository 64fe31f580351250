"""The first line: what it says of the server, however little room there is."""

from __future__ import annotations

from datetime import UTC

import pytest

from console.screens import chrome
from console.screens.chrome import Freshness
from console.widgets.pieces import width
from tests.console.fakes import NOW, FakeReader, status, target


@pytest.mark.parametrize("cells", [80, 100, 120, 160])
@pytest.mark.parametrize("running", ["", "requeue 12,000 of 100,000"])
@pytest.mark.parametrize("read_only", [False, True])
def test_the_number_of_problems_has_room_before_the_instant_has(cells: int, running: str, read_only: bool) -> None:
    there = target(FakeReader(), name="production-eu", url="rediss://cache-1.example:6380/0", read_only=read_only)
    left, right = chrome.header(there, status(), Freshness(NOW, 1.0), UTC, cells, running)
    said = "".join(text for text, _ in right)
    assert said.endswith("✗ 2 problems ")
    without = tuple(piece for piece in right if "as of" not in piece[0])
    assert ("as of" in said) == (width((*left, *without)) + len("  as of 22:13:20") < cells)
