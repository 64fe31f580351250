"""A console over a reader that answers from memory."""

from __future__ import annotations

from collections.abc import Callable

from console.app import Console
from console.screens.jobs import JobsView
from tests.console.fakes import NOW, FakeReader, target
from tests.console.pilots import Driver


def console(reader: FakeReader | None = None, **given: object) -> Console:
    """A console over `reader`, with a frozen clock that a test may move by setting `at`."""
    here = target(reader or FakeReader())
    clock: Callable[[], float] = given.pop("clock", lambda: NOW)  # type: ignore[assignment]
    return Console([here], here, **{"refresh_s": 0.2, "clock": clock, **given})  # type: ignore[arg-type]


def jobs_view(driver: Driver) -> JobsView:
    view = driver.app.view
    assert isinstance(view, JobsView)
    return view
