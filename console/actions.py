"""Everything that a key, the palette or the mouse can do: one table, from which bindings, footer, help and palette are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SCREENS: Final = ("overview", "jobs", "failures", "schedules", "workers", "activity")
"""The numbered screens, in the order of their keys."""

ROWS: Final = ("overview", "jobs", "failures", "schedules", "workers", "activity", "job", "user")
LISTS: Final = ("overview", "jobs", "failures", "schedules", "workers")
SORTED: Final = ("overview", "jobs", "workers")
OPENING: Final = (*LISTS, "job", "user")
PAGES: Final = ("job", "user")


@dataclass(frozen=True, slots=True)
class Action:
    """What can be done. `keys` are Textual's names of keys, the first is shown. `scope` names the screens where it applies,
    none for everywhere. `danger`: it changes something on the server. `footer`: the footer has it, in the table's order."""

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    group: str
    scope: tuple[str, ...] = ()
    danger: bool = False
    footer: bool = False


ACTIONS: Final[tuple[Action, ...]] = (
    Action("open", ("enter",), "open", "Open what the cursor is on.", "Look", OPENING, footer=True),
    Action("back", ("escape", "left_square_bracket", "alt+left"), "back", "Go back to where you were.", "Go", footer=True),
    Action("forward", ("right_square_bracket", "alt+right"), "forward", "Go forward again.", "Go"),
    Action("filter", ("slash",), "filter", "Show only what matches an expression.", "Look", LISTS, footer=True),
    Action("palette", ("colon", "ctrl+p"), "go to", "Go to a job, user, queue, screen or context, or do anything.", "Go",
           footer=True),
    Action("help", ("question_mark", "f1"), "help", "This help.", "Console", footer=True),
    Action("next_list", ("tab", "right", "l"), "next list", "The next state or source of this screen.", "Look",
           ("jobs", "schedules"), footer=True),
    Action("previous_list", ("shift+tab", "left", "h"), "previous list", "The state or source before.", "Look",
           ("jobs", "schedules")),
    Action("mark", ("space",), "mark", "Mark the row, or take its mark off.", "Look", LISTS, footer=True),
    Action("unmark", ("minus",), "unmark", "Take all marks off.", "Look", LISTS),
    Action("unfilter", ("backspace",), "no filter", "Take the filter off.", "Look", LISTS),
    Action("sort", ("s",), "sort", "The next order of the list.", "Look", SORTED, footer=True),
    Action("owner", ("o",), "user", "Everything of the user to whom this belongs.", "Go",
           ("jobs", "failures", "schedules", "job"), footer=True),
    Action("fold", ("f",), "fold", "Fold or unfold tracebacks and long values.", "Look", PAGES, footer=True),
    Action("copy", ("y",), "copy", "Copy what the cursor is on to the clipboard.", "Look", ROWS, footer=True),
    Action("write", ("w",), "write file", "Write what was copied last to a file.", "Look", ROWS),
    Action("refresh", ("f5", "ctrl+r"), "refresh", "Read again now, and search again.", "Look"),
    Action("freeze", ("p",), "freeze", "Stop and restart the refreshing of the screen.", "Look"),
    Action("theme", ("t",), "theme", "The next theme: dark, light, high contrast.", "Console"),
    Action("zone", ("z",), "time zone", "Times in UTC, or in this machine's zone.", "Console"),
    Action("quit", ("q", "ctrl+q", "ctrl+c"), "quit", "Leave the console.", "Console", footer=True),
    Action("screen_1", ("1",), "Overview", "Is everybody getting what was promised?", "Screens"),
    Action("screen_2", ("2",), "Jobs", "Any queue, any state.", "Screens"),
    Action("screen_3", ("3",), "Failures", "What failed, newest first.", "Screens"),
    Action("screen_4", ("4",), "Schedules", "Every user's standing orders, and all other schedules.", "Screens"),
    Action("screen_5", ("5",), "Workers", "Who works, and who schedules.", "Screens"),
    Action("screen_6", ("6",), "Activity", "What was done, and what happened on its own.", "Screens"),
    Action("up", ("up", "k"), "up", "One row up.", "Move", ROWS),
    Action("down", ("down", "j"), "down", "One row down.", "Move", ROWS),
    Action("page_up", ("pageup", "ctrl+b"), "page up", "One screen up.", "Move", ROWS),
    Action("page_down", ("pagedown", "ctrl+f"), "page down", "One screen down.", "Move", ROWS),
    Action("first", ("home", "g"), "first", "The first row.", "Move", ROWS),
    Action("last", ("end", "G"), "last", "The last row.", "Move", ROWS),
)  # fmt: skip

BY_ID: Final = {action.id: action for action in ACTIONS}

_SHOWN: Final = {
    "slash": "/", "colon": ":", "question_mark": "?", "minus": "-", "left_square_bracket": "[", "right_square_bracket": "]",
    "escape": "esc", "pageup": "page up", "pagedown": "page down", "up": "↑", "down": "↓", "left": "←", "right": "→",
}  # fmt: skip


def applies(action: Action, screen: str, read_only: bool) -> bool:
    """Whether an action is there on that screen: what is dangerous is not, where everything is only looked at."""
    return (not action.scope or screen in action.scope) and not (action.danger and read_only)


def shown(key: str) -> str:
    """A key's name for people."""
    return _SHOWN.get(key, key)
