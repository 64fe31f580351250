"""The tiers file: each error names the file, the tier, the field and a way to write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs import durations, tiers
from jobs.cadence import Every
from jobs.errors import InvalidTiers


def read(tmp_path: Path, text: str) -> dict[str, tiers.Tier]:
    file = tmp_path / "tiers.toml"
    file.write_text(text, "utf-8")
    return dict(tiers.read(file))


def test_a_file_changes_the_defaults_and_adds_tiers(tmp_path: Path) -> None:
    found = read(tmp_path, '[tiers.pro]\nevery = "1h30m"\n[tiers.gold]\nevery = "10s"\nlane = "high"\npromise = "1m"\n')
    assert found["pro"].cadence == Every(5_400)
    assert found["pro"].lane == "high"
    assert (found["gold"].cadence, found["gold"].promise) == (Every(10), 60)
    assert found["free"] == tiers.DEFAULT_TIERS["free"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no table of a tier; begin one with [tiers.pro]"),
        ("tiers = 5", "has no table of a tier; begin one with [tiers.pro]"),
        ("[tiers.pro", "is no TOML"),
        ("[tiers.pro]\nevery = 5", "tier pro: every: 5 has no unit; write it like 90s"),
        ('[tiers.pro]\nevery = "5"', "tier pro: every: '5' has no unit"),
        ("[tiers.pro]\ntimeout = 120", "tier pro: timeout: 120 has no unit"),
        ("[tiers.pro]\nretry = { base = 30 }", "tier pro: retry base: 30 has no unit"),
        ('[tiers.pro]\nevery = "often"', "tier pro: every: 'often' is no duration"),
        ("[tiers.pro]\nevery = true", "tier pro: every: True is no duration"),
        ('[tiers.pro]\nevery = "\\u001b[2J"', "is no duration"),
        ('[tiers."a\\u001b[2J"]\ncolour = 1', "tier 'a\\x1b[2J': a name is 1 to 32 letters"),
        ('[tiers."\\u202egold"]\nevery = "1h"', "tier '\\u202egold': a name is"),
        ("[tiers.gold]\nevery = '1h'", "tier gold: a new tier needs every or cron, lane and promise"),
        ("[tiers.pro]\ncolour = 1", "tier pro: unknown field 'colour'"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_visible_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(InvalidTiers) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/tiers.toml: ")
    assert reason in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("6H", 21_600),
        ("1h30m", 5_400),
        ("1h 30m", 5_400),
        ("1d", 86_400),
        ("2w", 1_209_600),
        ("0", 0),
    ],
)
def test_a_duration_is_numbers_with_units(text: str, seconds: int) -> None:
    assert durations.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", " ", "5", "1x", "m", "30m1h", "1h1h", "-5s", "1.5h", "٥s", "1" * 5_000, "9" * 10 + "s"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 90s"):
        durations.seconds(text)
