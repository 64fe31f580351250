"""Which view draws which screen of actions.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from console.screens.activity import ActivityView
from console.screens.failures import FailuresView
from console.screens.job import JobView
from console.screens.jobs import JobsView
from console.screens.overview import OverviewView
from console.screens.schedules import SchedulesView
from console.screens.user import UserView
from console.screens.view import View
from console.screens.workers import WorkersView

VIEWS: Final[Mapping[str, Callable[[str], View]]] = {
    "overview": OverviewView,
    "jobs": JobsView,
    "failures": FailuresView,
    "schedules": SchedulesView,
    "workers": WorkersView,
    "activity": ActivityView,
    "job": JobView,
    "user": UserView,
}
