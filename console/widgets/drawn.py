"""A widget that draws its lines itself, from pieces, in the tones of the theme."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.scroll_view import ScrollView

from console.widgets.pieces import TONES


class Drawn(ScrollView, can_focus=False):
    """Lines of pieces. Its styles follow the theme."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"tone--{tone}" for tone in TONES if tone),
        "line--cursor",
        "line--chosen",
    }

    DEFAULT_CSS = """
    Drawn {
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-color: $panel-lighten-2;
        & > .tone--dim { color: $tone-dim; }
        & > .tone--good { color: $success; }
        & > .tone--warn { color: $warning; }
        & > .tone--bad { color: $error; }
        & > .tone--accent { color: $primary; }
        & > .tone--strong { text-style: bold; }
        & > .tone--head { color: $tone-dim; text-style: bold; }
        & > .tone--badge { color: $primary; text-style: bold reverse; }
        & > .tone--calm { color: $success; text-style: bold reverse; }
        & > .tone--caution { color: $warning; text-style: bold reverse; }
        & > .tone--alarm { color: $error; text-style: bold reverse; }
        & > .line--cursor { background: $cursor-background; color: $cursor-foreground; text-style: bold; }
        & > .line--chosen { color: $primary; text-style: bold reverse; }
    }
    """

    @property
    def cells(self) -> int:
        """How wide a line is, without the scroll bar."""
        return self.scrollable_content_region.width

    def styles_of_tones(self) -> dict[str, Style]:
        """The style of each tone on this widget's background."""
        return {"": self.rich_style} | {tone: self.get_component_rich_style(f"tone--{tone}") for tone in TONES if tone}

    def line_style(self, name: str) -> Style:
        """What is laid over a line: `cursor` or `chosen`."""
        return self.get_component_rich_style(f"line--{name}", partial=True)
