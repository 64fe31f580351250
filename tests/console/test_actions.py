"""The table of actions: what is offered where, by which key, and that it does something there."""

from __future__ import annotations

import pytest

from console.actions import ACTIONS, BY_ID, OWN, SCREENS, WHOLE, Action, applies, shown
from console.app import Console
from console.looking import Looking
from console.model.commands import STATES, Move, Requeue, Reschedule
from console.model.queries import (
    JOB_STATES,
    SOURCES,
)
from console.orders import AT_ONCE, missing
from console.screens.view import View
from console.screens.views import made
from tests.console.fakes import NOW
from tests.console.opened import console
from tests.console.pilots import driving

EVERYWHERE = (
    *((screen, "") for screen in (*SCREENS, "user", "operation", "timeline")),
    *(("jobs", state) for state in JOB_STATES),
    *(("job", state) for state in (*JOB_STATES, "")),
    *(("schedules", source) for source in SOURCES),
    *(("user", standing) for standing in (*JOB_STATES, "user", *WHOLE)),
    *(("activity", listed) for listed in (*OWN, "operations")),
    ("failures", "failed"),
    ("groups", "failed"),
)
"""Every screen, with every state or source that what is shown there can have."""

ASKED_OTHERWISE = ("undo", "pause_queue")
"""What acting.py makes a command of by itself."""


@pytest.mark.parametrize("screen", SCREENS)
async def test_the_help_names_every_key_that_does_something_there(screen: str) -> None:
    async with driving(console(screen=screen), (120, 90)) as driver:
        await driver.press("question_mark")
        await driver.shows(f"Keys on {screen}")
        offered = driver.app.offered()
        for action in ACTIONS:
            assert (action.help in driver.text) == (action in offered), action.id
        await driver.press("escape")
        await driver.shows_not("Keys on")


def test_no_two_actions_of_a_screen_share_a_key() -> None:
    for screen, state in EVERYWHERE:
        keys = [key for action in ACTIONS if applies(action, screen, state, False) for key in action.keys]
        assert len(keys) == len(set(keys)), (screen, state)


def test_an_action_is_offered_in_the_states_in_which_its_command_can_be_done() -> None:
    for name, command in AT_ONCE.items() | {("move", Move(b"low")), ("due", Reschedule(0.0))}:
        if type(command) in STATES and name != "empty":
            offered = {state for state in JOB_STATES if applies(BY_ID[name], "jobs", state, False)}
            # One key makes jobs run: those that failed are requeued, and not copied.
            others = STATES[Requeue] if name == "run_again" else frozenset[str]()
            assert offered == STATES[type(command)] - others, name


def test_what_ends_something_has_a_capital_letter() -> None:
    last = {"delete", "remove", "empty", "stop", "stop_job", "shutdown", "kill_horse"}
    assert all(BY_ID[name].keys[0].isupper() for name in last)


def test_what_is_dangerous_is_not_there_where_one_only_reads() -> None:
    danger = Action("delete", ("D",), "delete", "Delete it.", "Act", ("jobs",), danger=True)
    assert applies(danger, "jobs", "failed", read_only=False)
    assert not applies(danger, "jobs", "failed", read_only=True)
    assert not applies(danger, "workers", "", read_only=False)
    assert shown("slash") == "/"


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_does_something_wherever_it_is_offered(action: Action) -> None:
    if action.id.startswith("screen_") or any(hasattr(owner, f"do_{action.id}") for owner in (Console, Looking)):
        return
    for screen, state in EVERYWHERE:
        if not applies(action, screen, state, read_only=False):
            continue
        if action.danger:
            assert action.id == "undo" or type(made(screen)).meant is not View.meant, f"{action.id} on {screen}"
            assert action.id in (*AT_ONCE, *ASKED_OTHERWISE) or missing(action.id, NOW, None, None).hint
        else:
            assert hasattr(made(screen), f"do_{action.id}"), f"{action.id} on {screen}"
