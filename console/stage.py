"""What acting, and writing files, need of the app."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import Any, Protocol

from textual.message import Message

from console.model.ports import Target
from console.model.status import Status
from console.screens.view import View


class Stage(Protocol):
    """The app, as far as what is done to the server, or written to a file, shows in it."""

    @property
    def target(self) -> Target:
        """The server that is looked at."""

    @property
    def view(self) -> View:
        """The view that is shown."""

    @property
    def shown_zone(self) -> tzinfo | None:
        """The zone of absolute times."""

    @property
    def status(self) -> Status | None:
        """The newest overview, None while there is none."""

    def now(self) -> float:
        """Epoch seconds."""

    def post_message(self, message: Message) -> bool:
        """Take a message, from any thread."""

    def push_screen(self, screen: Any, callback: Any = None) -> Any:
        """Show a dialog; the callback is given what it ends with."""

    def set_timer(self, delay: float, callback: Callable[[], object]) -> Any:
        """Call back later."""

    def say(self, text: str) -> None:
        """Say a line, for a while."""

    def tell_operation(self) -> None:
        """What is said of the operation has changed."""

    def read_again(self) -> None:
        """Read at once what is shown."""

    def lock(self, target: Target) -> None:
        """Change nothing any more on that server."""

    def run_worker(self, work: Callable[[], object], *, thread: bool, exit_on_error: bool) -> Any:
        """Have it done beside the screen; what is returned tells whether it `is_running`."""

    def call_from_thread(self, callback: Callable[..., object], *args: Any) -> Any:
        """Call back where the screen is drawn."""
