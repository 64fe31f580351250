"""Decoded payloads as lines: in Python's notation, whole where there is room, and never more than was asked for."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from console.model.payload import BigInt, Call, Cut, Long, Many, Name, Pairs, Thing, Undecodable, Value
from console.model.shown import CUTS, ONE_LINE, lines, one_line
from console.store.pickles import read

# Python itself reads no source text with these in it.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(TEXT | st.integers(), inner)
        | st.sets(st.integers())
        | st.frozensets(TEXT)
    ),
    max_leaves=10,
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text() | st.binary()
    | st.builds(Long, st.text() | st.binary(), st.integers(0, 10**9))
    | st.builds(BigInt, st.just("9" * 40), st.integers(600, 10**9))
    | st.builds(Cut, st.sampled_from([*CUTS, "a\nb"]))
    | st.builds(Name, st.text(), st.text()),
    lambda inner: (
        st.builds(Many, st.sampled_from(["list", "tuple", "set", "x"]), st.lists(inner).map(tuple), st.integers(0, 99))
        | st.builds(Pairs, st.lists(st.tuples(inner, inner)).map(tuple), st.integers(0, 99))
        | st.builds(Thing, inner, st.lists(inner).map(tuple), inner)
    ),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=50)
@given(PLAIN, st.integers(20, 200))
@example([[{-10: None, -11: b""}]], 20)
@example([[{-10: None, -11: ""}]], 20)
def test_plain_values_read_back_as_what_they_are(value: Any, width: int) -> None:
    told = "\n".join(lines(read(pickle.dumps(value)), width, 100_000))
    assert eval(told) == value


@settings(max_examples=50)
@given(
    VALUES | st.builds(Call, st.text(), VALUES, st.lists(VALUES).map(tuple), st.lists(st.tuples(VALUES, VALUES)).map(tuple))
    | st.builds(Undecodable, st.text(), st.integers(0, 10**9), st.binary(max_size=64).map(lambda head: head.hex(" "))),
    st.integers(1, 200),
    st.integers(1, 30),
)  # fmt: skip
def test_no_more_lines_than_asked_for_and_each_is_one(value: Any, width: int, most: int) -> None:
    found = lines(value, width, most)
    assert 1 <= len(found) <= most
    assert all(len(line.splitlines()) <= 1 for line in found)
    assert len(one_line(value)) <= ONE_LINE
    assert len(one_line(value).splitlines()) <= 1


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "None"),
        ("it's", '"it\'s"'),
        ("two\nlines\t\\", "'two\\nlines\\t\\\\'"),
        ("\x1b[31m\u202e", "'\x1b[31m\u202e'"),
        (b"\x00\xff", "b'\\x00\\xff'"),
        (Long("x" * 20_000, 1_000_000), f"'{'x' * 20}' … 1,000,000 characters"),
        (Long(b"x" * 20_000, 1_000_000), f"b'{'x' * 20}' … 1,000,000 bytes"),
        (BigInt("-1234", 100_001), "-1234… 100,001 digits"),
        (Name("app.models", "User"), "app.models.User"),
        (Thing(Name("app", "User"), (1,), Pairs((("name", "ada"),))), "app.User(1) {'name': 'ada'}"),
        (Thing(Name("app", "User"), (), Many("list", (1,))), "app.User() {[1]}"),
        (Many("tuple", (1,)), "(1,)"),
        (Many("tuple", (1, 2), 3), "(1, 2, … 3 more)"),
        (Many("set", ()), "set()"),
        (Many("frozenset", (1,)), "frozenset({1})"),
        (Pairs(((1, Cut("recursive")),), 2), "{1: <a value inside itself>, … 2 more}"),
        (Call("send", Name("app", "Mailer"), ("ada",), (("subject", "x"), ("two words", 1))), None),
    ],
)  # fmt: skip
def test_the_notation(value: Value | Call, told: str | None) -> None:
    expected = told or "app.Mailer.send('ada', subject='x', 'two words'=1)"
    if isinstance(value, Long):
        assert lines(value, 10_000)[0].endswith(expected[-12:])
    else:
        assert lines(value, 200) == (expected,)
        assert one_line(value) == expected


def test_what_does_not_fit_is_broken_at_its_members() -> None:
    value = Call(
        "app.send", None, ("x" * 30, 1, 2), (("to", Many("list", ("ada", "bob"))), ("more", Pairs((("k", "v" * 25),))))
    )
    assert lines(value, 36) == (
        "app.send(",
        "    (",
        "        'xxxxxxxxxxxxxxxxxxxxxxxxx'",
        "        'xxxxx'",
        "    ),",
        "    1, 2,",
        "    to=['ada', 'bob'],",
        "    more={",
        "        'k': (",
        "            'vvvvvvvvvvvvvvvvvvvvv'",
        "            'vvvv'",
        "        ),",
        "    },",
        ")",
    )


def test_a_long_text_is_folded_up_to_a_bound_and_its_length_told() -> None:
    found = lines(Long("x" * 20_000, 1_000_000), 100)
    assert found[0] == "("
    assert found[-2:] == ("    … 1,000,000 characters", ")")
    assert sum(line.count("x") for line in found) == 4_000
    assert lines(Long("x" * 20_000, 1_000_000), 100, 5)[-1] == "… and more lines"


def test_many_short_members_share_lines() -> None:
    found = lines(Many("list", tuple(range(2_000)), 98_000), 80)
    assert len(found) < 200
    assert found[-2:] == ("    … 98,000 more", "]")


def test_undecodable_bytes_are_told_by_reason_size_and_beginning() -> None:
    found = lines(Undecodable("it is neither a pickle nor\nJSON", 1_234, bytes(range(64)).hex(" ")), 48)
    assert found[:3] == (
        "undecodable: it is neither a pickle nor\\nJSON",
        "1,234 bytes, which begin",
        "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f",
    )
    assert len(found) == 6
    assert one_line(Undecodable("why", 3, "00")) == "<undecodable: why; 3 bytes, which begin 00>"


def test_a_wide_and_deep_value_is_told_without_looking_at_all_of_it() -> None:
    value: Value = "x"
    for _ in range(60):
        value = Many("list", (value,) * 2_000)
    assert len(lines(value, 100, 200)) == 200
    assert len(one_line(value)) <= ONE_LINE
