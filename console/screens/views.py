"""Which view draws which screen of actions.py. Each is imported when it is opened, or after the start, which pays for the first
one only."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from console.screens.view import View

_VIEWS: Final = {
    "overview": "OverviewView",
    "failures": "FailuresView",
    "groups": "GroupsView",
    "jobs": "JobsView",
    "job": "JobView",
    "schedules": "SchedulesView",
    "workers": "WorkersView",
    "user": "UserView",
    "activity": "ActivityView",
    "operation": "OperationView",
    "timeline": "TimelineView",
}
"""The class of each, which is in the module of the screen's name."""


def modules() -> list[str]:
    """The modules that have the views, those that are opened most first."""
    return [_module(screen) for screen in _VIEWS]


def _module(screen: str) -> str:
    return f"console.screens.{screen}"


def made(screen: str) -> View:
    """A view of that screen."""
    view = getattr(import_module(_module(screen)), _VIEWS[screen])(screen)
    assert isinstance(view, View)
    return view
