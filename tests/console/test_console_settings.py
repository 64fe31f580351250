"""The console's settings: what each means, and that a bad one is a line that names it and says what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from console import settings
from console.settings import SettingError, Settings


def test_without_any_the_defaults_hold() -> None:
    assert settings.read({}) == Settings(False, 1.0, "", None, "dark", ())
    empty = dict.fromkeys(("TQ_READ_ONLY", "TQ_REFRESH", "TQ_CONTEXT", "TQ_CONTEXTS", "TQ_THEME", "TQ_MASK", "TQ_TRASH"), " ")
    assert settings.read(empty) == Settings()


def test_each_is_read() -> None:
    environ = {
        "TQ_READ_ONLY": "1",
        "TQ_REFRESH": "0.5",
        "TQ_CONTEXT": "prod",
        "TQ_CONTEXTS": "/etc/tq/contexts.toml",
        "TQ_THEME": "contrast",
        "TQ_MASK": "iban, session-id,,pin",
        "TQ_TRASH": "7200",
    }
    assert settings.read(environ) == Settings(
        True, 0.5, "prod", Path("/etc/tq/contexts.toml"), "contrast", ("iban", "session-id", "pin"), 7_200.0
    )


def test_by_default_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TQ_THEME", "light")
    assert settings.read().theme == "light"


@pytest.mark.parametrize(
    ("value", "on"),
    [("1", True), ("true", True), ("Yes", True), ("ON", True), ("0", False), ("false", False), ("No", False), ("off", False)],
)
def test_yes_and_no_in_many_words(value: str, on: bool) -> None:
    assert settings.read({"TQ_READ_ONLY": value}).read_only is on


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("TQ_READ_ONLY", "maybe", "TQ_READ_ONLY: maybe is neither yes nor no; write 1 or 0"),
        ("TQ_REFRESH", "fast", "TQ_REFRESH: fast is no number of seconds from 0.2 to 3600"),
        ("TQ_REFRESH", "0", "TQ_REFRESH: 0 is no number of seconds from 0.2 to 3600"),
        ("TQ_REFRESH", "-1", "TQ_REFRESH: -1 is no number of seconds from 0.2 to 3600"),
        ("TQ_REFRESH", "nan", "TQ_REFRESH: nan is no number of seconds from 0.2 to 3600"),
        ("TQ_REFRESH", "inf", "TQ_REFRESH: inf is no number of seconds from 0.2 to 3600"),
        ("TQ_TRASH", "5", "TQ_TRASH: 5 is no number of seconds from 60 to 604800"),
        ("TQ_TRASH", "never", "TQ_TRASH: never is no number of seconds from 60 to 604800"),
        ("TQ_THEME", "pink", "TQ_THEME: pink is no theme; write one of dark, light, contrast"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_variable_and_says_what_to_write(name: str, value: str, line: str) -> None:
    with pytest.raises(SettingError) as caught:
        settings.read({name: value})
    assert str(caught.value) == line


@pytest.mark.parametrize("name", ["TQ_READ_ONLY", "TQ_REFRESH", "TQ_THEME", "TQ_TRASH"])
def test_a_bad_value_is_told_in_brief_and_cannot_act_on_the_terminal(name: str) -> None:
    with pytest.raises(SettingError) as caught:
        settings.read({name: "\x1b[2J\n" + "x" * 500})
    assert str(caught.value).startswith(f"{name}: ␛[2J␊xxx")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 120
