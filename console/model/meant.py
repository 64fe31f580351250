"""What an action is meant for: as it was when its key was pressed, whatever comes to be listed later."""

from __future__ import annotations

from dataclasses import dataclass

from console.model.commands import Seen
from console.model.queries import SelectQuery


@dataclass(frozen=True, slots=True)
class Meant:
    """`queries` name whole lists, or single ones with `only`; they are read before anything is done, and what is found then is
    what it is done to. `seen` is what needs no reading. `what` is the word for one of them, `scope` says in words which they
    are. `count` is how many, None where only reading tells. `subject` goes before what is asked, where the scope alone does not
    say it: "Empty low". `action` is the action that it is really about, where that depends on what is meant: pausing what is
    paused is resuming it. `operation` is the one to undo. `due` is when it is due, where it is one and that is known."""

    what: str
    scope: str
    queries: tuple[SelectQuery, ...] = ()
    seen: tuple[Seen, ...] = ()
    count: int | None = None
    subject: str = ""
    action: str = ""
    operation: str = ""
    due: float | None = None
