"""`.env.example` has every setting that the code reads, and none that it does not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"(?:TQ|RQ)_[A-Z]+(?:_[A-Z]+)*")


def read_by_the_code() -> set[str]:
    """Every text in the code that is the name of a setting and nothing else."""
    found = set()
    for file in [*ROOT.glob("jobs/**/*.py"), *ROOT.glob("console/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
                found.add(node.value)
    return found


def in_the_example() -> list[str]:
    """The settings that the example names, set or commented out."""
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    return [found[1] for line in lines if (found := re.match(r"#?([A-Z_]+)=", line))]


def test_every_setting_is_there_and_no_other() -> None:
    assert set(in_the_example()) == read_by_the_code()


def test_none_is_there_twice() -> None:
    assert len(in_the_example()) == len(set(in_the_example()))


def test_each_has_words_before_it() -> None:
    paragraphs = (ROOT / ".env.example").read_text("utf-8").strip().split("\n\n")
    assert all(re.fullmatch(r"(?:# [^\n]+\n)+#?[A-Z_]+=[^\n]*", paragraph) for paragraph in paragraphs[1:])
