"""A widget that draws its lines itself, from pieces, in the tones of the theme."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, Self

from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.widgets.pieces import Line, strip

LOOKS: Final[Mapping[str, tuple[str, str]]] = {
    "dim": ("tone-dim", ""),
    "good": ("success", ""),
    "warn": ("warning", ""),
    "bad": ("error", ""),
    "accent": ("primary", ""),
    "strong": ("foreground", "bold"),
    "head": ("tone-dim", "bold"),
    "badge": ("primary", "bold reverse"),
    "calm": ("success", "bold reverse"),
    "caution": ("warning", "bold reverse"),
    "alarm": ("error", "bold reverse"),
}
"""How each tone of a piece looks: the theme's variable for its colour, and attributes. The last four are a coloured ground,
from harmless to dangerous.

These are no component classes of Textual's: each of those is a node of its own, in every widget, whenever styles are applied.
"""


class Drawing(NamedTuple):
    """What a line looks like; `at_cursor` if the cursor is on it."""

    line: Line
    at_cursor: bool = False


class Drawn(ScrollView, can_focus=False):
    """Lines of pieces: a subclass says with draw() what each of those on screen looks like. Its styles follow the theme."""

    DEFAULT_CSS = """
    Drawn {
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-color: $panel-lighten-2;
    }
    """

    _styles_of_tones: Mapping[str, Style] | None = None

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drawn: dict[int, Drawing] = {}
        self._strips: dict[int, Strip] = {}
        self._drawn_for = -1

    def draw(self, y: int, cells: int) -> Drawing:
        """Line `y` of what is on screen, of exactly `cells` cells."""
        raise NotImplementedError

    def redraw(self, lines: Iterable[int] | None = None) -> None:
        """Let those of these lines, or of all on screen, be drawn anew that look different."""
        if not self.size.height:
            # It is hidden, and comes back with whatever was drawn last unless all of it is to be drawn anew.
            self.refresh()
            return
        cells, (width, height) = self._cells(), self.size
        changed = []
        for y in range(height) if lines is None else lines:
            if 0 <= y < height and (drawing := self.draw(y, cells)) != self._drawn.get(y):
                self._drawn[y] = drawing
                self._strips.pop(y, None)
                changed.append(Region(0, y, width, 1))
        if changed:
            super().refresh(*changed)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw all of it anew."""
        self._forget()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_line(self, y: int) -> Strip:
        """What is asked for each line that has to be drawn."""
        return self._rendered(y, self._cells())

    def _rendered(self, y: int, cells: int) -> Strip:
        if (drawn := self._strips.get(y)) is None:
            if (drawing := self._drawn.get(y)) is None:
                drawing = self._drawn[y] = self.draw(y, cells)
            over = self.cursor_style() if drawing.at_cursor else None
            drawn = self._strips[y] = strip(drawing.line, cells, self.styles_of_tones(), over)
        return drawn

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines in `crop`: without a border or padding, just what render_line() says, on which Textual need not work."""
        if any(self.styles.gutter):
            return super().render_lines(crop)
        cells, filters, (_, ground) = self._cells(), self.get_line_filters(), self.background_colors
        lines = [self._rendered(y, cells) for y in crop.line_range]
        for filter in filters:
            lines = [line.apply_filter(filter, ground) for line in lines]
        return lines if crop.column_span == (0, self.size.width) else [line.crop(*crop.column_span) for line in lines]

    @property
    def cells(self) -> int:
        """How wide a line is, without the scroll bar."""
        return self.scrollable_content_region.width

    def scroll_over(self, lines: int) -> None:
        """Let so many lines be in reach. While all of them are on screen there is nothing to scroll, and the screen need not be
        laid out anew when they are one more or less; unless the widget is as high as they are many."""
        height = self.styles.height
        fits = lines <= max(1, self.size.height) and not (height is not None and height.is_auto)
        self.virtual_size = Size(0, 0) if fits else Size(self.cells, lines)

    def styles_of_tones(self) -> Mapping[str, Style]:
        """The style of each tone on this widget's background."""
        if self._styles_of_tones is None:
            ground, colours = self.rich_style, self.app.theme_variables
            looks = {tone: Style.parse(f"{attributes} {colours[name]}") for tone, (name, attributes) in LOOKS.items()}
            self._styles_of_tones = {"": ground} | {tone: ground + look for tone, look in looks.items()}
        return self._styles_of_tones

    def cursor_style(self) -> Style:
        """What is laid over the line of the cursor."""
        colours = self.app.theme_variables
        return Style.parse(f"bold {colours['cursor-foreground']} on {colours['cursor-background']}")

    def notify_style_update(self) -> None:
        """Take the styles anew, as they are from here on."""
        self._styles_of_tones = None
        self._forget()
        super().notify_style_update()

    def _cells(self) -> int:
        """How wide a line is; what was drawn in another width is forgotten."""
        if (cells := self.cells) != self._drawn_for:
            self._drawn_for = cells
            self._forget()
        return cells

    def _forget(self) -> None:
        self._drawn.clear()
        self._strips.clear()
