"""A line that is written."""

from __future__ import annotations

from textual.events import Key
from textual.widgets import Input


class Prompt(Input):
    """An Input whose Enter is about the text that was there when it was pressed, however fast more is typed: it is taken in its
    turn among the keys, and does not go round by all that is around the line."""

    async def on_key(self, event: Key) -> None:
        """Take Enter here."""
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            await self.action_submit()
