"""Decoded payloads as JSON values: always valid JSON, and exact wherever JSON has the like."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.model.payload import BigInt, Cut, Long, Many, Name, Pairs, Thing, Undecodable, Value
from console.model.plain import plain

LEAVES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=20),
    st.sampled_from([Cut("deep"), Long("x", 10**9), Long(b"x", 10**9), BigInt("-12", 100_000), Name("os", "system")]),
)


def _larger(smaller: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    items = st.lists(smaller, max_size=4).map(tuple)
    more = st.sampled_from([0, 0, 3])
    return st.one_of(
        st.builds(Many, st.sampled_from(["list", "tuple", "set", "frozenset", "deque"]), items, more),
        st.builds(Pairs, st.lists(st.tuples(smaller, smaller), max_size=4).map(tuple), more),
        st.builds(Thing, smaller, items, smaller),
    )


@given(st.recursive(LEAVES, _larger, max_leaves=20))
def test_any_payload_is_valid_json(value: Value) -> None:
    json.loads(json.dumps(plain(value), allow_nan=False))


JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=9)),
    lambda smaller: st.one_of(st.lists(smaller, max_size=4), st.dictionaries(st.text(max_size=9), smaller, max_size=4)),
    max_leaves=20,
)


def _value(found: Any) -> Value:
    if isinstance(found, list):
        return Many("list", tuple(map(_value, found)))
    if isinstance(found, dict):
        return Pairs(tuple((key, _value(item)) for key, item in found.items()))
    assert found is None or isinstance(found, bool | int | float | str)
    return found


@given(JSON)
def test_what_json_has_stays_as_it_is(found: Any) -> None:
    assert plain(_value(found)) == found


def test_what_json_has_not_is_told_in_pythons_notation() -> None:
    assert plain(math.nan) == "nan"
    assert plain(b"\xff") == "b'\\xff'"
    assert plain(Pairs(((1, "a"),))) == "{1: 'a'}"
    assert plain(Pairs((("a", 1), ("a", 2)))) == "{'a': 1, 'a': 2}"
    assert plain(Many("set", (1, 2))) == "{1, 2}"
    assert plain(Many("list", (1,), more=7)) == "[1, … 7 more]"
    assert plain(Many("tuple", (1, Name("os", "system")))) == [1, "os.system"]
    assert plain(Undecodable("it is no base64", 3, "ff")) == "<undecodable: it is no base64; 3 bytes, which begin ff>"
