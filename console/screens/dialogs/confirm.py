"""Confirm: what is about to be done, to what, on which server. Nothing is done but what is previewed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import tzinfo
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from console.model import command_words
from console.model.commands import Command, Seen
from console.model.meant import Meant
from console.model.ports import Target
from console.model.schedules import SlotsPage
from console.model.selection import Glance
from console.model.status import Status
from console.orders import CANARY
from console.orders import canary as parse_canary
from console.screens.dialogs import confirm_keys, confirm_lines
from console.screens.dialogs.confirmed import Confirmed
from console.screens.dialogs.frame import Dialog
from console.screens.dialogs.options import MANY, NOTED, OPTIONS, TRIED, Option
from console.widgets.choice import Choice
from console.widgets.lines import Line, Page
from console.widgets.prompt import Prompt

ROOMY: Final = 30
"""Lines of a screen on which there is room for a line that says nothing."""

SEEN_S: Final = 0.15
"""Seconds that all must have been on screen: a yes that came sooner was typed before there was anything to say it to, as keys
do that wait on a slow line."""

EARLY: Final = "not yet: it is still being looked for what this would be done to"
"""What is said to a yes that comes before all is known, until all is."""

LEAVE: Final = "Leave"
"""The word that leaves all as it is: none that is the name of a command."""


class Confirm(Dialog[Confirmed | None]):
    """Asks whether `command` is to be done to what was `meant`. It is told with show() what that is; it can be confirmed once
    that is all, and on screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", show=False),
        Binding("y", "do", "do it", show=False),
        Binding("tab", "focus_on(1)", "next", show=False),
        Binding("shift+tab", "focus_on(-1)", "before", show=False),
        Binding("left,right", "focus_other", "the other word", show=False),
        Binding("up", "scroll(-1)", "up", show=False),
        Binding("down", "scroll(1)", "down", show=False),
        *(Binding(key, f"turn('{key}')", "turn", show=False) for key in "tfew"),
        Binding("c", "turn_canary", "canary", show=False),
        Binding("ctrl+c", "app.leave", "quit", show=False),
    ]
    AUTO_FOCUS = "#leave"

    DEFAULT_CSS = """
    Confirm #body { height: 10; min-height: 1; background: $surface; }
    Confirm .choices { height: 1; align-horizontal: center; background: $surface; }
    """

    def __init__(
        self, command: Command, meant: Meant, target: Target, zone: tzinfo | None, status: Status | None = None
    ) -> None:
        """`status` is the newest overview, None where there is none."""
        super().__init__()
        self.command, self._meant, self._target = command, meant, target
        self._around = confirm_lines.Around(zone, status, target.trash_s)
        self._glance: Glance | None = None
        self._slots: SlotsPage | None = None
        self._failed = ""
        # Of many it is not known how much there is to say, and nothing is to jump while it is looked for.
        self._many = bool(meant.queries) and meant.count != 1
        self._tries = isinstance(command, TRIED) and (meant.count is None or meant.count > MANY)
        self._tried = False
        self._wrong = ""
        self._was_seen = False

    def compose(self) -> ComposeResult:
        with Vertical(id="frame"):
            yield Line(id="title")
            yield Line(id="where")
            yield Line(id="gap")
            yield Page(id="body", cursor=False)
            for option in self._options:
                yield Line(id=option.field)
            if self._tries:
                yield Line(id="tried")
                with Horizontal(classes="written", id="canary-line"):
                    yield Line(id="canary-label")
                    yield Prompt(CANARY, id="canary", compact=True, max_length=60)
                yield Line(id="canary-means")
            with Horizontal(classes="written"):
                yield Line(id="why-label")
                yield Prompt(id="why", compact=True, max_length=200)
            if self._target.production:
                with Horizontal(classes="written"):
                    yield Line(id="name-label")
                    yield Prompt(id="name", compact=True)
            yield Line(id="gap-below")
            with Horizontal(classes="choices"):
                yield Choice(LEAVE, "leave")
                yield Choice(command_words.verb(self.command), "do", "alarm")
            yield Line(id="keys")

    def on_mount(self) -> None:
        """Say what is known so far."""
        self.ready_to_draw = True
        if not self._many or self.app.size.height >= ROOMY:
            self.query_one("#body").styles.margin = (0, 0, 1, 0)
        self.query_one("#where", Line).say([(f" on {self._target.url}", "dim")])
        self.query_one("#why-label", Line).say([(f"  {self._called['why']}", "dim")])
        if self._target.production:
            self.query_one("#name-label", Line).say([(f"  type {self._target.name}", "warn")])
        if self._tries:
            self.query_one("#canary-label", Line).say([("  canary", "dim")])
        self._tell_canary()
        self._tell()

    def show(self, glance: Glance, slots: SlotsPage | None = None) -> None:
        """So much is known of what it would be done to; `slots` are those of the first schedule."""
        self._glance, self._slots = glance, slots
        self._tell()
        if glance.done:
            self.set_timer(SEEN_S, self._take_yes)

    def _take_yes(self) -> None:
        self._was_seen = True
        self._tell()

    def fail(self, reason: str) -> None:
        """It cannot be told what it would be done to."""
        self._failed = reason
        self._tell()

    # --- keys -----------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)

    def action_do(self) -> None:
        """Do it, if all is known and said that it takes."""
        if not self.ready:
            if not self._nothing:
                self._complain(EARLY)
            return
        if not self._is_named:
            self.query_one("#name").focus()
            self._complain(f"type the name of this server, {self._target.name}, to go on")
            return
        why = self.query_one("#why", Input).value.strip()
        canary = None
        if self._tried:
            try:
                canary = parse_canary(self.query_one("#canary", Input).value)
            except ValueError as error:
                self.query_one("#canary").focus()
                self._complain(str(error))
                return
        command = replace(self.command, note=why) if isinstance(self.command, NOTED) else self.command
        self.dismiss(Confirmed(command, self.seen, self._title(), why, canary))

    def action_turn(self, key: str) -> None:
        """Turn an option on or off."""
        for option in self._options:
            if option.key == key:
                changes: dict[str, Any] = {option.field: not getattr(self.command, option.field)}
                self.command = replace(self.command, **changes)
                self._tell()

    def action_turn_canary(self) -> None:
        """Try it on a few first, or not."""
        if self._tries:
            self._tried = not self._tried
            self._tell()

    def action_focus_on(self, by: int) -> None:
        """From one that takes keys to the next, as they stand beneath each other: the fields, then the two words."""
        self._wrong = ""
        self.query_one(f"#{self._next(by)}").focus()

    def action_focus_other(self) -> None:
        """From one of the two words to the other."""
        self.query_one("#do" if self._at == "leave" and not self._nothing else "#leave").focus()

    def on_descendant_focus(self) -> None:
        """Say what the keys do there."""
        self._tell_keys()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what a canary means so far. What was wrong may be right by now."""
        event.stop()
        self._wrong = ""
        self._tell_canary()
        self._tell_keys()

    def action_scroll(self, lines: int) -> None:
        """Scroll through what is said."""
        self.query_one("#body", Page).scroll_relative(y=lines, animate=False)

    def on_choice_chosen(self, message: Choice.Chosen) -> None:
        """One of the two words."""
        message.stop()
        if message.choice.id == "do":
            self.action_do()
        else:
            self.action_leave()

    def on_line_clicked(self, message: Line.Clicked) -> None:
        """An option, with the mouse."""
        message.stop()
        if message.action == "c":
            self.action_turn_canary()
        else:
            self.action_turn(message.action)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """How to try it and a reason do nothing yet, and go on to the next; the name of the server does it."""
        event.stop()
        if event.input.id == "name":
            self.action_do()
        elif event.input.id == "canary":
            self.query_one("#why").focus()
        else:
            self.query_one("#name" if self._target.production else "#do").focus()

    @property
    def _at(self) -> str:
        """What has the focus."""
        return self.focused.id or "" if self.focused is not None else ""

    def _next(self, by: int) -> str:
        fields = [*(["canary"] if self._tried else []), "why", *(["name"] if self._target.production else [])]
        ids = [*fields, "leave", *([] if self._nothing else ["do"])]
        return ids[(ids.index(self._at) + by) % len(ids)] if self._at in ids else "leave"

    # --- what is said ---------------------------------------------------------------------------

    @property
    def _options(self) -> tuple[Option, ...]:
        return OPTIONS.get(type(self.command), ())

    @property
    def seen(self) -> tuple[Seen, ...]:
        """What it would be done to; empty until all is known."""
        return () if self._glance is None else self._glance.seen

    @property
    def ready(self) -> bool:
        """Whether a yes is taken: all is known of what it would be done to, there is something, and it can have been read."""
        return self.ready_to_draw and self._was_seen and self._glance is not None and self._glance.done and not self._nothing

    @property
    def _is_named(self) -> bool:
        """Whether the server's name is typed, where that is asked for."""
        return not self._target.production or self.query_one("#name", Input).value.strip() == self._target.name

    @property
    def _nothing(self) -> bool:
        """Whether it is known that there is nothing that it could be done to, or that would be refused, or cannot be known."""
        if self._glance is None or not self._glance.done:
            return bool(self._failed)
        refused = self._slots is not None and bool(self._slots.said) and self._glance.count == 1
        return bool(self._failed) or refused or not self._glance.count

    def _tell(self) -> None:
        if not self.ready_to_draw:
            return
        if self._wrong == EARLY and (self.ready or self._nothing):
            self._wrong = ""
        self.tell_title(self._title(), self._target)
        body = self.query_one("#body", Page)
        rows = confirm_lines.lines(self.command, self._meant, self._glance, self._slots, self._failed, self._around)
        body.show(rows)
        known = bool(self._failed) or not self._meant.queries or (self._glance is not None and self._glance.done)
        fields = 1 + self._target.production + self._tries + 2 * self._tried
        room = confirm_lines.room(self.app.size.height, len(self._options) + fields)
        body.styles.height = confirm_lines.height(len(rows) if known else None, self._many, room)
        for option in self._options:
            self._tell_option(option.field, option.key, option.means, bool(getattr(self.command, option.field)))
        if self._tries:
            self.query_one("#canary-line").display = self.query_one("#canary-means").display = self._tried
            self._tell_option("tried", "c", "canary: a few first, the others slowly, as long as it goes well", self._tried)
        self.query_one("#do").display = not self._nothing
        self._tell_keys()

    def _tell_keys(self) -> None:
        """What keys do where the focus is: in a field, letters are letters."""
        if self.ready_to_draw:
            self.query_one("#do", Choice).name_it(f"{command_words.verb(self.command)}  y", self.ready and self._is_named)
        if self._wrong:
            self.query_one("#keys", Line).say([(f" {self._wrong}", "warn")])
        elif self.ready_to_draw:
            takes_yes = self.ready and self._is_named
            self.tell_keys(confirm_keys.told(self._at, self._next(1), self._next(-1), takes_yes, self._called))

    def _tell_canary(self) -> None:
        if self._tries:
            self.query_one("#canary-means", Line).say([confirm_keys.canary(self.query_one("#canary", Input).value)])

    def _tell_option(self, id: str, key: str, means: str, on: bool) -> None:
        self.query_one(f"#{id}", Line).say(confirm_lines.option(key, means, on), spots=dict.fromkeys(range(4), key))

    def _title(self) -> str:
        return confirm_lines.title(self.command, self._meant, self._glance, self._around.zone)

    @property
    def _called(self) -> Mapping[str, str]:
        """What is called how that takes keys."""
        reason = "note" if isinstance(self.command, NOTED) else "reason"
        do = command_words.verb(self.command)
        return {"canary": "canary", "why": reason, "name": "name", "leave": LEAVE, "do": do}

    def _complain(self, said: str) -> None:
        self._wrong = said
        self._tell_keys()
