"""Everything that a key, the palette or the mouse can do: one table, from which bindings, footer, help and palette are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SCREENS: Final = ("overview", "jobs", "failures", "schedules", "workers", "activity")
"""The numbered screens, in the order of their keys."""

LISTS: Final = ("overview", "jobs", "failures", "groups", "schedules", "workers", "activity")
CALLED: Final = {"timeline": "history"}
"""Screens that are told by another name than theirs."""

ROWS: Final = (*LISTS, "job", "user", "operation", "timeline")
TURNED: Final = ("jobs", "failures", "groups", "schedules", "activity")
SORTED: Final = ("overview", "jobs", "workers")
OPENING: Final = (*LISTS, "job", "user", "timeline")
PAGES: Final = ("job", "user")
JOBS: Final = ("jobs", "failures", "groups", "job", "user")
JOB: Final = ("jobs", "job", "user")
SCHEDULES: Final = ("schedules", "user")

FAILED: Final = ("failed", "stopped")
TIMED: Final = ("retrying", "scheduled")
WAITING: Final = ("queued", *TIMED, "deferred")
OPEN: Final = (*WAITING, "ready", "rate limited")
ENDED: Final = ("finished", "canceled")
OURS: Final = ("user",)
ENTRIES: Final = ("user", "entries")
OWN: Final = ("own",)
WHOLE: Final = ("everything",)
"""States of jobs, and sources of schedules, in which an action is there. commands.STATES is the truth, and no start waits for
that. OWN is the list of what happened on its own, WHOLE the page of a user where its cursor is on no schedule and no job."""


@dataclass(frozen=True, slots=True)
class Action:
    """What can be done. `keys` are Textual's names of keys, the first is shown. `scope` names the screens where it applies,
    none for everywhere; `states` the states or sources of what is shown there, none for all. `danger`: it changes something on
    the server. `footer`: the footer has it, in the table's order; where there is little room, what is dangerous goes before the
    rest, and 1 before 2 and 3. `footed` names the screens whose footer has it, none for all where it applies."""

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    group: str
    scope: tuple[str, ...] = ()
    danger: bool = False
    footer: int = 0
    states: tuple[str, ...] = ()
    footed: tuple[str, ...] = ()


ACTIONS: Final[tuple[Action, ...]] = (
    Action("open", ("enter",), "open", "Open what the cursor is on.", "Look", OPENING, footer=1),
    Action("mark", ("space",), "mark", "Mark the row, or take its mark off.", "Look", LISTS, footer=3),
    Action("sample", ("s",), "sample", "The failure of the group that came last, with its traceback.", "Go",
           ("groups", "failures"), footer=3, footed=("groups",)),
    Action("requeue", ("r",), "requeue", "Put failed jobs back into their queues.", "Act", JOBS, True, 2,
           (*FAILED, *WHOLE)),
    Action("retry_now", ("r",), "run now", "Put jobs that wait for their time, or for a retry, into their queues.", "Act",
           (*JOB, "schedules"), True, 2, (*TIMED, "rq")),
    Action("run_again", ("r",), "run again", "Enqueue a copy of jobs that have ended.", "Act", JOB, True, 2, ENDED),
    Action("run_now", ("r",), "run now", "One run at once, beside the slots.", "Act", SCHEDULES, True, 2, ENTRIES),
    Action("cancel", ("x",), "cancel", "Cancel jobs that have not begun.", "Act", (*JOB, "schedules"), True, 2,
           (*OPEN, "rq")),
    Action("stop", ("X",), "stop", "Let workers stop the jobs that they run.", "Act", JOB, True, 2, ("running",)),
    Action("stop_job", ("X",), "stop job", "Let workers stop the jobs that they run.", "Act", ("workers",), True, 2),
    Action("pause", ("P",), "pause", "Pause schedules, or resume those that are paused.", "Act", SCHEDULES, True, 2,
           (*OURS, *WHOLE)),
    Action("pause_queue", ("P",), "pause", "What there is for pausing this queue.", "Act", ("overview",), True, 3),
    Action("suspend", ("P",), "suspend all", "Let all workers take no more jobs, or take jobs again.", "Act",
           ("workers",), True, 3),
    Action("to_front", ("n",), "run next", "Move queued jobs to the front of their queue.", "Act", JOB, True, 3,
           ("queued",)),
    Action("move", ("m",), "move", "Move jobs to another queue.", "Act", JOB, True, 3, WAITING),
    Action("due", ("d",), "due", "Change when it is due.", "Act", (*JOB, "schedules"), True, 3,
           (*TIMED, "rq", "entries")),
    Action("delete", ("D",), "delete", "Take jobs into the trash.", "Act", (*JOBS, "schedules"), True, 2,
           (*OPEN, *FAILED, *ENDED, "rq")),
    Action("remove", ("D",), "remove", "Take schedules into the trash.", "Act", SCHEDULES, True, 3, ENTRIES),
    Action("empty", ("E",), "empty queue", "Delete everything that is queued in this queue.", "Act", ("overview", "jobs"), True,
           3, ("", "queued")),
    Action("change", ("c",), "change", "Change cadence or tier of schedules.", "Act", SCHEDULES, True, 3, OURS),
    Action("backfill", ("b",), "backfill", "A run for each slot of the past that has none.", "Act", SCHEDULES, True,
           states=OURS),
    Action("spread", ("S",), "spread", "Move slots apart that are due at once.", "Act", SCHEDULES, True, states=OURS),
    Action("repair", ("R",), "repair", "Give schedules back the entries that they have lost.", "Act",
           ("schedules", "activity"), True, 3, (*ENTRIES, *OWN)),
    Action("put_back", ("r",), "put back", "Put entries that were set aside back into the schedule.", "Act", ("activity",),
           True, 2, OWN),
    Action("shutdown", ("S",), "shut down", "Let workers end, each after its job.", "Act", ("workers",), True, 2),
    Action("kill_horse", ("K",), "kill horse", "Kill the process in which a worker runs its job.", "Act", ("workers",), True,
           3),
    Action("undo", ("u",), "undo", "Put back what was deleted: by the operation here, else by the last one.", "Act",
           danger=True, footer=2, footed=("activity", "operation")),
    Action("outcomes", ("v",), "outcomes", "How far the operation is; or what came of the last one.", "Act"),
    Action("back", ("escape", "left_square_bracket", "alt+left"), "back", "Go back to where you were.", "Go", footer=2),
    Action("forward", ("right_square_bracket", "alt+right"), "forward", "Go forward again.", "Go"),
    Action("filter", ("slash",), "filter", "Show only what matches an expression.", "Look", LISTS, footer=1),
    Action("palette", ("colon", "ctrl+p"), "go to", "Go to a job, user, queue, screen or context, or do anything.", "Go",
           footer=1),
    Action("help", ("question_mark", "f1"), "help", "This help.", "Console", footer=1),
    Action("next_list", ("tab", "right", "l"), "next list", "The next state or source of this screen.", "Look",
           TURNED, footer=3),
    Action("previous_list", ("shift+tab", "left", "h"), "previous list", "The state or source before.", "Look",
           TURNED),
    Action("span", ("tab",), "span", "Curves of the next span: an hour, a day, a week.", "Look", ("overview", "timeline"),
           footer=3),
    Action("earlier", ("left", "h"), "earlier", "The time cursor back, with what was done then.", "Look", ("timeline",),
           footer=1),
    Action("later", ("right", "l"), "later", "The time cursor on, at last to now.", "Look", ("timeline",), footer=2),
    Action("history", ("e",), "history", "Curves of the past, with a time cursor.",
           "Go", ("overview", "activity"), footer=2),
    Action("failing", ("f",), "failing", "What fails at present, in groups, and where each is seen.", "Go", ("overview",)),
    Action("problems", ("exclamation_mark",), "problems", "What is wrong, the way out, and where it is seen.", "Go"),
    Action("mark_all", ("asterisk",), "mark all", "Mark all that is listed.", "Look",
           ("jobs", "failures", "groups", "schedules", "workers")),
    Action("unmark", ("minus",), "unmark", "Take all marks off.", "Look", LISTS),
    Action("unfilter", ("backspace",), "no filter", "Take the filter off.", "Look", LISTS),
    Action("sort", ("s",), "sort", "The next order of the list.", "Look", SORTED, footer=3),
    Action("owner", ("o",), "user", "Everything of the user to whom this belongs.", "Go",
           ("jobs", "failures", "schedules", "job"), footer=3),
    Action("fold", ("f",), "fold", "Fold or unfold tracebacks and long values.", "Look", PAGES, footer=2),
    Action("copy", ("y",), "copy", "Copy what the cursor is on to the clipboard.", "Look", ROWS, footer=3),
    Action("write", ("w",), "write file", "Write what was copied last to a file.", "Look", ROWS),
    Action("export", ("e",), "export", "Write all these failures, without secrets, to a new file.", "Look",
           ("groups", "failures"), footer=3, footed=("groups",)),
    Action("bundle", ("i",), "bundle", "Write an incident bundle, without secrets, to a new folder.", "Look",
           (*PAGES, "groups", "failures")),
    Action("refresh", ("f5", "ctrl+r"), "refresh", "Read again now, and search again.", "Look"),
    Action("freeze", ("p",), "freeze", "Stop and restart the refreshing of the screen.", "Look"),
    Action("theme", ("t",), "theme", "The next theme: dark, light, high contrast.", "Console"),
    Action("zone", ("z",), "time zone", "Times in UTC, or in this machine's zone.", "Console"),
    Action("quit", ("q", "ctrl+q", "ctrl+c"), "quit", "Leave the console.", "Console", footer=3),
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
    "slash": "/", "colon": ":", "question_mark": "?", "exclamation_mark": "!", "minus": "-", "asterisk": "*",
    "left_square_bracket": "[", "right_square_bracket": "]",
    "escape": "esc", "pageup": "page up", "pagedown": "page down", "up": "↑", "down": "↓", "left": "←", "right": "→",
}  # fmt: skip


def applies(action: Action, screen: str, state: str, read_only: bool) -> bool:
    """Whether an action is there on that screen, for what has that state or source. What is dangerous is not, where everything
    is only looked at."""
    there = not action.scope or screen in action.scope
    return there and (not action.states or state in action.states) and not (action.danger and read_only)


def shown(key: str) -> str:
    """A key's name for people."""
    return _SHOWN.get(key, key)
