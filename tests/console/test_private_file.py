"""What is copied to a file: a new one each time, for its owner's eyes only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from console import private_file


def test_a_text_is_written_to_a_new_file_that_only_its_owner_may_read(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        file = private_file.write(tmp_path, "ünï\ncode")
    finally:
        os.umask(before)
    assert file.parent == tmp_path
    assert file.match("tq-console-????????-??????.txt")
    assert file.read_text("utf-8") == "ünï\ncode\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_several_within_a_second_are_several_files(tmp_path: Path) -> None:
    files = [private_file.write(tmp_path, str(number)) for number in range(20)]
    assert [file.read_text() for file in files] == [f"{number}\n" for number in range(20)]


def test_what_is_no_text_is_written_as_escapes(tmp_path: Path) -> None:
    assert private_file.write(tmp_path, "a\ud800b").read_text() == "a\\ud800b\n"


def test_it_never_writes_through_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.strftime", lambda _: "now")
    (tmp_path / "tq-console-now.txt").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        private_file.write(tmp_path, "x")
    assert not (tmp_path / "elsewhere").exists()


def test_why_no_file_is_written_names_what_could_not_be() -> None:
    full = OSError(28, "No space left on device")
    assert private_file.why_not(full) == "the working directory: No space left on device; start tq-console where you may write"
    gone = FileNotFoundError(2, "No such file or directory", "/gone/f")
    assert private_file.why_not(gone).startswith("/gone/f: No such file or directory; ")


def test_a_folder_that_cannot_be_written_to_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        private_file.write(tmp_path / "none", "x")
