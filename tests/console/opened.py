"""A console over a reader that answers from memory."""

from __future__ import annotations

from typing import Any

from console.app import Console
from console.screens.jobs import JobsView
from tests.console.fakes import NOW, FakeReader, target
from tests.console.pilots import Driver


def console(reader: FakeReader | None = None, **given: Any) -> Console:
    """A console over `reader`, with a frozen clock that a test may move by setting `at`."""
    here = target(reader or FakeReader())
    options: dict[str, Any] = {"refresh_s": 0.2, "clock": lambda: NOW, **given}
    return Console([here], here, **options)


def jobs_view(driver: Driver) -> JobsView:
    view = driver.app.view
    assert isinstance(view, JobsView)
    return view
