"""The line in which a filter is written: it says what is wrong while it is typed, and what can be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from console.model.filters import Filter, FilterError, parse
from console.model.text import visible
from console.widgets.lines import Line
from console.widgets.prompt import Prompt


class FilterBar(Vertical):
    """An expression, and a line about it. It is not there until open() and goes with close()."""

    class Applied(Message):
        """An expression was asked for, and it is a filter."""

        def __init__(self, filter: Filter) -> None:
            super().__init__()
            self.filter = filter

    DEFAULT_CSS = """
    FilterBar { height: 2; display: none; background: $surface; }
    FilterBar Horizontal { height: 1; }
    FilterBar #slash { width: 3; background: $surface; }
    FilterBar Input { width: 1fr; border: none; padding: 0; height: 1; background: $surface; }
    FilterBar Input:focus { border: none; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", show=False)]

    def __init__(self) -> None:
        super().__init__(id="filter")
        self._fields: tuple[str, ...] = ()
        self._parsed: Callable[[str], Filter] = lambda expression: parse(expression, {})

    async def open(self, expression: str, fields: Iterable[str], parsed: Callable[[str], Filter]) -> None:
        """Let `expression` be edited, in which `fields` may be named, and of which `parsed` makes a filter."""
        self._fields, self._parsed = tuple(fields), parsed
        if not self.children:
            # What it consists of is made when it is needed for the first time: a start need not wait for it.
            written = Prompt(id="expression", select_on_focus=False, compact=True)
            await self.mount(Line(id="about"), Horizontal(Line(id="slash"), written))
        self.display = True
        self.query_one("#slash", Line).say(((" /", "accent"),))
        line = self.query_one(Input)
        line.value = expression
        line.cursor_position = len(expression)
        self.screen.set_focus(line)
        self._explain()

    def close(self) -> None:
        """Leave everything as it is."""
        self.display = False
        self.screen.set_focus(None)

    def action_close(self) -> None:
        """Leave the filter as it is."""
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether an expression is being edited."""
        return bool(self.display)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what is wrong so far."""
        event.stop()
        self._explain()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Apply it, or say what is wrong and keep the old result."""
        event.stop()
        try:
            found = self._parsed(event.value)
        except FilterError as error:
            self.query_one(Input).cursor_position = min(error.column, len(event.value))
            self._tell(error)
            return
        self.close()
        self.post_message(self.Applied(found))

    def _explain(self) -> None:
        try:
            self._parsed(self.query_one(Input).value)
        except FilterError as error:
            self._tell(error)
            return
        names = " ".join(self._fields)
        self.query_one("#about", Line).say(
            ((' field:part  field=whole  age>1h  -not:this  "free text"   fields: ', "dim"), (names, ""))
        )

    def _tell(self, error: FilterError) -> None:
        at = f"   {' ' * error.column}↓ " if error.column < max(10, self.size.width - 60) else " "
        self.query_one("#about", Line).say(((at, "bad"), (f"column {error.column + 1}: {visible(error.message)}", "bad")))
