"""The themes: dark, light, and one of high contrast. Each says what the tones of widgets/pieces.py look like."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

DARK: Final = Theme(
    name="tq-dark",
    dark=True,
    primary="#6cb6ff",
    secondary="#8ddb8c",
    accent="#6cb6ff",
    warning="#e3b341",
    error="#ff7b72",
    success="#6bc46d",
    foreground="#d7dde5",
    background="#0f1419",
    surface="#171d25",
    panel="#222b36",
    variables={"tone-dim": "#7d8a99", "cursor-background": "#26405c", "cursor-foreground": "#ffffff"},
)
LIGHT: Final = Theme(
    name="tq-light",
    dark=False,
    primary="#0a58b8",
    secondary="#2f6f31",
    accent="#0a58b8",
    warning="#8a5a00",
    error="#b3261e",
    success="#1f6f2b",
    foreground="#1d232b",
    background="#fbfbfa",
    surface="#eeeeec",
    panel="#dfdfdc",
    variables={"tone-dim": "#68717c", "cursor-background": "#cfe2fb", "cursor-foreground": "#000000"},
)
CONTRAST: Final = Theme(
    name="tq-contrast",
    dark=True,
    primary="#00ffff",
    secondary="#00ff00",
    accent="#00ffff",
    warning="#ffff00",
    error="#ff8080",
    success="#00ff00",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#202020",
    variables={"tone-dim": "#d0d0d0", "cursor-background": "#ffffff", "cursor-foreground": "#000000"},
)

THEMES: Final = (DARK, LIGHT, CONTRAST)
NAMES: Final = {"dark": DARK.name, "light": LIGHT.name, "contrast": CONTRAST.name}
"""The names for people, as TQ_THEME takes them, with those of the themes."""

DEFAULTS: Final = dict(DARK.variables)
"""What a theme that is none of these leaves unsaid."""
