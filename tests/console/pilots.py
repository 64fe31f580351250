"""The console under Textual's Pilot: what is on screen as text, and waiting until it says something."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import Console
from console.model.ports import Target

SIZES = ((80, 24), (120, 40), (200, 60))


def text_of(app: Console) -> str:
    """What the terminal would show, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


class Driver:
    """A running console, driven by keys and read as text."""

    def __init__(self, app: Console, pilot: Pilot[Target]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def text(self) -> str:
        return text_of(self.app)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def write(self, text: str) -> None:
        names = {" ": "space", ":": "colon", ">": "greater_than_sign", "<": "less_than_sign", "-": "minus", "_": "underscore"}
        await self.press(*(names.get(letter, letter) for letter in text))

    async def until(self, condition: Callable[[], Any], what: str = "", timeout: float = 8.0) -> Any:
        """Wait for `condition` to hold, and return what it gave."""
        end = time.monotonic() + timeout
        while not (value := condition()):
            if time.monotonic() > end:
                pytest.fail(f"not within {timeout:g} s: {what or condition}\n{self.text}")
            await asyncio.sleep(0.02)
            await self.pilot.pause()
        return value

    async def shows(self, *texts: str) -> None:
        """Wait until all of these are on screen."""
        for text in texts:
            await self.until(lambda text=text: text in self.text, f"{text!r} on screen")  # type: ignore[misc]

    async def says(self, text: str) -> None:
        """Wait until a notification says this."""
        await self.until(lambda: any(text in notice.message for notice in self.app._notifications), f"{text!r} said")

    async def shows_not(self, text: str) -> None:
        """Wait until this is not on screen."""
        await self.until(lambda: text not in self.text, f"{text!r} gone from the screen")


@asynccontextmanager
async def driving(app: Console, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Driver]:
    async with app.run_test(size=size, notifications=True) as pilot:
        try:
            yield Driver(app, pilot)
        finally:
            app.exit(app.return_value, app.return_code or 0)
