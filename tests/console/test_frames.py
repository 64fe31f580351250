"""Tracebacks taken apart: real ones, chained ones, groups, and what is none at all."""

from __future__ import annotations

import json
import traceback

from console.model import frames
from tests.console.view_samples import HOSTILE, TRACEBACK


def raised(function: object) -> str:
    try:
        function()  # type: ignore[operator]
    except BaseException:
        return traceback.format_exc()
    raise AssertionError("it raised nothing")


def parts(text: str) -> list[str]:
    return [line.part for line in frames.lines(text)]


def test_a_real_traceback_is_told_apart_into_ours_and_the_librarys() -> None:
    text = raised(lambda: json.loads("{"))
    told = frames.lines(text)
    assert told[0].part == "title"
    assert told[-1].part == "error"
    assert told[-1].text.startswith("json.decoder.JSONDecodeError")
    assert any(line.library and "decoder.py" in line.text for line in told)
    ours, left_out = frames.application(text)
    assert left_out >= 2
    assert [line.part for line in ours if line.part != "code"] == ["file", "file", "error"]
    assert all("test_frames.py" in line.text for line in ours if line.part == "file")


def test_of_a_chain_the_exceptions_that_touched_no_code_of_ours_are_left_out() -> None:
    ours, left_out = frames.application(TRACEBACK)
    assert left_out == 3
    assert [line.text.strip() for line in ours] == [
        'File "/srv/app/shop/scrape.py", line 88, in scrape_for_user',
        "page = fetch(url, timeout=limits.read_s)",
        'File "/srv/app/shop/fetch.py", line 31, in fetch',
        "return client.get(url)",
        "shop.fetch.ReadTimeout: shop.example did not answer within 20 s",
    ]


def test_of_a_traceback_without_code_of_ours_the_deepest_frame_stays() -> None:
    text = TRACEBACK.replace("/srv/app/shop", "/srv/venv/lib/python3.12/site-packages/shop")
    ours, left_out = frames.application(text)
    assert left_out == 4
    assert [line.part for line in ours] == ["file", "code", "error"]
    assert "fetch.py" in ours[0].text


def test_a_message_of_several_lines_is_one_error() -> None:
    def fails() -> None:
        raise ValueError('first\n  File "x.py", line 1, in y\n    indented\nlast')

    assert parts(raised(fails))[-4:] == ["error", "more", "more", "more"]


def test_a_group_of_exceptions_has_its_own_frames_and_errors() -> None:
    def fails() -> None:
        try:
            raise ExceptionGroup("both", [ValueError("one"), TypeError("two")])
        except ExceptionGroup as error:
            error.add_note("a note")
            raise

    told = frames.lines(raised(fails))
    errors = [line.text for line in told if line.part == "error"]
    assert any("ExceptionGroup: both" in text for text in errors)
    assert any("ValueError: one" in text for text in errors)
    assert any(line.part == "file" and "test_frames.py" in line.text for line in told)


def test_what_is_no_traceback_is_what_was_raised() -> None:
    assert parts("Work-horse terminated unexpectedly; waitpid returned 9") == ["error"]
    assert parts("") == []
    assert parts("\n\n") == []
    assert set(parts(HOSTILE)) <= {"error", "more"}
    ours, left_out = frames.application("Moved to FailedJobRegistry, due to AbandonedJobError")
    assert [line.part for line in ours] == ["error"]
    assert left_out == 0


def test_libraries_are_told_by_where_they_are_installed() -> None:
    for file in (
        "/srv/venv/lib/python3.12/site-packages/rq/job.py",
        "/usr/lib/python3/dist-packages/x.py",
        "/usr/lib64/python3.11/ssl.py",
        "<frozen importlib._bootstrap>",
        "C:\\Python312\\Lib\\json\\decoder.py",
    ):
        assert frames.is_library(file), file
    for file in ("/srv/app/shop/scrape.py", "/home/ada/lib/tasks.py", "<string>", "tasks.py"):
        assert not frames.is_library(file), file


def test_a_long_line_of_margins_takes_no_long_time() -> None:
    assert len(frames.lines("Traceback (most recent call last):\n" + "| " * 50_000 + "+" + "-" * 50_000)) <= 2
    assert len(frames.lines('  File "' + "a" * 200_000 + "\n" + " |" * 50_000 + "x")) == 2
