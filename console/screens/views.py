"""Which view draws which screen of actions.py. Each is imported when it is opened: a start pays for the first one only."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from console.screens.view import View

_VIEWS: Final = {
    "overview": "OverviewView",
    "jobs": "JobsView",
    "failures": "FailuresView",
    "groups": "GroupsView",
    "schedules": "SchedulesView",
    "workers": "WorkersView",
    "activity": "ActivityView",
    "job": "JobView",
    "user": "UserView",
    "operation": "OperationView",
    "timeline": "TimelineView",
}
"""The class of each, which is in the module of the screen's name."""


def made(screen: str) -> View:
    """A view of that screen."""
    view = getattr(import_module(f"console.screens.{screen}"), _VIEWS[screen])(screen)
    assert isinstance(view, View)
    return view
