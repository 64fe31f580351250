"""Tables fit the terminal, and no id, slot or state breaks in the middle."""

from __future__ import annotations

import sys

import pytest

from console.commands.table import CLIP, Column, table

COLUMNS = (
    Column("USER", "clip"),
    Column("RUN"),
    Column("SLOT"),
    Column("ERROR", "flow"),
    Column("N", right=True, spare=True),
)
USER, RUN, SLOT = "somebody@mail.example", "tq-scrape-1a5f0d3c29e7b8642f10-1763909013", "2026-11-23T14:43:33Z"
ERROR = "ConnectionError: the far end hung up before it had said anything"
ROW = (USER, (RUN, "1763909013"), (SLOT, "14:43:33"), ERROR, "12")


def shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int | None, *rows: tuple[object, ...]
) -> tuple[list[str], str]:
    """The lines on a terminal of that width, None for a pipe, and what is said beside them."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: width is not None)
    monkeypatch.setenv("COLUMNS", str(width))
    table(COLUMNS, rows)  # type: ignore[arg-type]
    out, err = capsys.readouterr()
    return out.splitlines(), err


@pytest.mark.parametrize("width", [None, 200])
def test_where_there_is_room_everything_is_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int | None
) -> None:
    lines, err = shown(capsys, monkeypatch, width, ROW)
    assert (len(lines), err) == (2, "")
    assert lines[1].split() == [USER, RUN, SLOT, *ERROR.split(), "12"]


@pytest.mark.parametrize("width", [80, 90, 100, 120])
def test_ids_are_shortened_and_words_stay_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    lines, err = shown(capsys, monkeypatch, width, ROW)
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    assert {"1763909013", "14:43:33", "12", *ERROR.split()} <= set(words)
    assert err == ""


def test_a_long_id_widens_no_other_row(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    long = ("x" * 256, *ROW[1:3], "", "1")
    lines, _ = shown(capsys, monkeypatch, 160, long, (*ROW[:3], "", "1"))
    assert [line.split()[0] for line in lines[1:]] == ["x" * (CLIP - 1) + "…", USER]
    assert max(map(len, lines)) <= 160
    lines, _ = shown(capsys, monkeypatch, None, long)
    assert "x" * 256 in lines[1]


def test_columns_to_spare_go_when_nothing_else_helps_and_that_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, err = shown(capsys, monkeypatch, 62, (*ROW[:3], "ConnectionError:", "1" * 9))
    assert lines[0].split() == ["USER", "RUN", "SLOT", "ERROR"]
    assert err == "no room for N; a wider terminal or --json shows all\n"


@pytest.mark.parametrize("width", [20, 40, 59])
def test_a_narrow_terminal_gets_names_and_values_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    lines, _ = shown(capsys, monkeypatch, width, ROW, (*ROW[:3], "", "13"))
    assert max(map(len, lines)) <= width
    assert [line.split()[0] for line in lines if line.partition(" ")[0].endswith(":")] == [
        *("USER:", "RUN:", "SLOT:", "ERROR:", "N:"),
        *("USER:", "RUN:", "SLOT:", "N:"),
    ]
    everything = "".join("".join(lines).split())
    assert everything.count(USER) == 2
    assert [line.split()[1] for line in lines if line.startswith("RUN:")] == [RUN if width == 59 else "1763909013"] * 2
    assert [line.split()[1] for line in lines if line.startswith("SLOT:")] == ["14:43:33" if width == 20 else SLOT] * 2


def test_a_column_in_which_nothing_stands_takes_no_room_on_a_terminal_and_stays_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = (*ROW[:3], "", "12")
    assert "ERROR" not in shown(capsys, monkeypatch, 200, row)[0][0]
    assert "ERROR" in shown(capsys, monkeypatch, None, row)[0][0]


def test_nothing_in_a_cell_acts_on_the_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for width in (None, 40, 80, 200):
        lines, _ = shown(capsys, monkeypatch, width, ("a\x1b[2J\u202e[bold]", *ROW[1:]))
        assert all(line.isprintable() for line in lines)
        assert "[bold]" in "".join(lines)


BOUNDED = (Column("GROUP"), Column("ERROR", "flow", lines=3), Column("AT", spare=True))
LONG = " ".join(f"word-{n:02}" for n in range(24))


@pytest.mark.parametrize(
    ("width", "spared", "whole"),
    [(None, False, True), (300, False, True), (100, False, True), (80, True, True), (64, False, False)],
)
def test_columns_go_so_that_a_text_has_no_more_than_its_lines_and_where_that_is_of_no_use_it_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int | None, spared: bool, whole: bool
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: width is not None)
    monkeypatch.setenv("COLUMNS", str(width))
    table(BOUNDED, [("a1b2", LONG, "shop.py in get, 12"), ("c3d4", "short", "shop.py in get, 7")])
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert len(lines) <= 5
    assert ("AT" not in lines[0].split()) == spared == ("no room for AT" in err)
    assert ("…" not in out) == whole == ("all of ERROR" not in err)
    assert ("word-23" in out) == whole
    assert lines[-1].startswith("c3d4")
