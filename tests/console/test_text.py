"""What strangers wrote cannot act on a terminal, and no secret of a URL stays readable."""

from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.masking import masked
from console.model.text import shell_word, visible

ANYTHING = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Zoë 日本 🙂", "Zoë 日本 🙂"),
        ("\x1b[2Jada", "␛[2Jada"),
        ("a\x1b]52;c;ZXZpbA==\x07", "a␛]52;c;ZXZpbA==␇"),
        ("a\r\nb\tc\0", "a␍␊b␉c␀"),
        ("\x7f", "␡"),
        ("\x9b31m", "\\x9b31m"),
        ("ad\u202emin", "ad\\u202emin"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("a\u200bb\u2060\ufeff", "a\\u200bb\\u2060\\ufeff"),
        ("a\u2028b", "a\\u2028b"),
        ("a\xa0b", "a\\xa0b"),
        ("a\u3164", "a\\u3164"),
        ("\udc80", "\\udc80"),
        ("\U000e0041", "\\U000e0041"),
        ("", ""),
    ],
)
def test_each_harmful_character_becomes_a_sign(raw: str, shown: str) -> None:
    assert visible(raw) == shown


@given(ANYTHING)
def test_whatever_is_written_only_drawable_characters_leave(raw: str) -> None:
    shown = visible(raw)
    assert shown.isprintable()
    assert not any(
        unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"} for c in shown
    )
    assert visible(shown) == shown


@given(ANYTHING, ANYTHING)
def test_what_was_fit_is_left_alone(left: str, right: str) -> None:
    assert visible(left + "plain" + right) == visible(left) + "plain" + visible(right)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("https://shop.example/a/b", "https://shop.example/a/b"),
        ("https://medium.example/@ada", "https://medium.example/@ada"),
        ("https://ada:s3cret@shop.example:8443/a", "https://…@shop.example:8443/a"),
        ("https://s3cret@shop.example", "https://…@shop.example"),
        ("https://ada:s3@cret@shop.example/", "https://…@shop.example/"),
        ("https://ada:s3/cret@shop.example/a", "https://…"),
        ("https://ada:12/cret@shop.example/a", "https://…"),
        ("https://ada:s3?cret@shop.example/a", "https://…"),
        ("https://shop.example/a?key=s3cret&b=1", "https://shop.example/a?…"),
        ("https://shop.example?s3cret", "https://shop.example?…"),
        ("https://shop.example/a#s3cret", "https://shop.example/a#…"),
        ("https://[::1]:80/a?s3cret", "https://[::1]:80/a?…"),
        (
            "source 'ftp://ada:s3cret@shop.example' is no http or https URL",
            "source 'ftp://…@shop.example' is no http or https URL",
        ),
        ("source 'https://ada:s3cret-that-was-cu…' is too long", "source 'https://…' is too long"),
        ("(see http://a.example/?s3cret), http://b:s3cret@c.example.", "(see http://a.example/?…), http://…@c.example."),
        ("no URL at all: 12:30 a@b // x", "no URL at all: 12:30 a@b // x"),
        ("", ""),
    ],
)
def test_the_secrets_of_a_url_are_masked(raw: str, shown: str) -> None:
    assert masked(raw) == shown


SECRET = st.text("s3cret:@/?#&=", min_size=1, max_size=20)


@given(SECRET)
def test_a_marked_password_never_stays(secret: str) -> None:
    assert "XYZ" not in masked(f"postgres://ada:{secret}XYZ{secret}@shop.example/a")


def test_the_model_needs_the_standard_library_only() -> None:
    program = (
        "import sys, console.model.text; print([m for m in ('redis', 'rq', 'click', 'rich', 'textual') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")))
def test_a_word_of_a_command_line_can_be_shown_and_is_the_text_itself(text: str) -> None:
    word = shell_word(text)
    assert visible(word) == word
    bash = subprocess.run(["/bin/bash", "-c", f"printf %s {word}"], env={"LC_ALL": "C.UTF-8"}, capture_output=True, check=True)
    assert bash.stdout.decode() == text


@pytest.mark.parametrize(
    ("text", "word"), [("mail", "mail"), ("x; reboot", "'x; reboot'"), ("über\nline", "$'über\\nline'"), ("", "''")]
)
def test_a_word_is_written_as_one_would_type_it(text: str, word: str) -> None:
    assert shell_word(text) == word
