"""Pickles are read as data: the same as `pickle.loads` for plain values, and nothing happens for any other."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import os
import pickle
import pickletools
import struct
import tracemalloc
import uuid
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.payload import BigInt, Cut, Long, Many, Name, Pairs, Thing, Value
from console.store.big_ints import MAX_DIGITS, whole
from console.store.pickle_nodes import MAX_DEPTH, MAX_MEMBERS, MAX_NODES
from console.store.pickles import NotAPickle, read
from tests.hostile import MULTIPLIED_CALLS, MULTIPLIED_STATES

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.frozensets(st.integers())
        | st.sets(st.text())
    ),
    max_leaves=30,
)


def plain(value: Value) -> Any:
    """The Python value that a Value stands for, for those that have one."""
    if isinstance(value, Many):
        items = [plain(item) for item in value.items]
        return {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[value.kind](items)
    if isinstance(value, Pairs):
        return {plain(key): plain(item) for key, item in value.items}
    if isinstance(value, Thing):
        # Before protocol 4 sets, and before protocol 3 bytes, are pickled as calls.
        assert isinstance(value.made_by, Name)
        made_by = {"set": set, "frozenset": frozenset, "encode": lambda text, coding: text.encode(coding), "bytes": bytes}
        return made_by[value.made_by.name](*[plain(argument) for argument in value.args])
    return value


@given(PLAIN, st.integers(0, 5))
def test_plain_values_are_what_they_are(value: Any, protocol: int) -> None:
    assert plain(read(pickle.dumps(value, protocol))) == value


def read_or_refused(data: bytes) -> None:
    with contextlib.suppress(NotAPickle):
        read(data)


@settings(max_examples=500)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_or_refused(data)


@settings(max_examples=300)
@given(PLAIN, st.data())
def test_a_spoiled_pickle_is_read_or_refused(value: Any, data: st.DataObject) -> None:
    pickled = bytearray(pickle.dumps(value))
    for _ in range(data.draw(st.integers(1, 4))):
        pickled[data.draw(st.integers(0, len(pickled) - 1))] = data.draw(st.integers(0, 255))
    read_or_refused(bytes(pickled))


class Evil:
    """What runs a command when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.file}",)


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_executes(tmp_path: Path, protocol: int) -> None:
    file = tmp_path / "executed"
    data = pickle.dumps([Evil(file), {"inside": Evil(file)}], protocol)
    found = read(data)
    assert not file.exists()
    assert isinstance(found, Many)
    thing = found.items[0]
    assert isinstance(thing, Thing)
    assert thing.made_by == Name(os.system.__module__, "system")
    assert thing.args == (f"touch {file}",)
    pickle.loads(data)
    assert file.exists()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime(2026, 3, 1, 9, 30, tzinfo=datetime.UTC),
        decimal.Decimal("1.5"),
        uuid.UUID(int=7),
        OrderedDict(a=1),
        Path("/tmp"),
        ValueError("bad", 3),
        bytearray(b"abc"),
        3 + 4j,
        range(5),
        len,
        Evil,
    ],
    ids=lambda value: type(value).__name__,
)
def test_objects_are_told_by_what_would_make_them(value: Any, protocol: int) -> None:
    found = read(pickle.dumps(value, protocol))
    assert isinstance(found, Thing | Name | bytes)


def test_a_call_of_rq_is_read() -> None:
    found = read(pickle.dumps(("app.tasks.send", None, ("ada", 3), {"retry": True})))
    assert found == Many("tuple", ("app.tasks.send", None, Many("tuple", ("ada", 3)), Pairs((("retry", True),))))


def test_a_value_inside_itself_is_cut() -> None:
    inside: list[Any] = [1]
    inside.append(inside)
    assert read(pickle.dumps(inside)) == Many("list", (1, Cut("recursive")))


def test_what_is_shared_and_multiplied_is_cut_by_count() -> None:
    """Ten lists of ten of the one before: a kilobyte that would print a trillion members."""
    value: list[Any] = ["lol"] * 10
    for _ in range(12):
        value = [value] * 10
    found = read(pickle.dumps(value))
    assert _nodes(found) <= MAX_NODES + 100


@pytest.mark.parametrize("data", [MULTIPLIED_CALLS, MULTIPLIED_STATES], ids=["calls", "states"])
def test_what_is_multiplied_by_what_made_it_and_by_its_state_is_cut_by_count(data: bytes) -> None:
    """Sixty objects in a few hundred bytes that would be written out as 2⁶⁰."""
    assert _nodes(read(data)) <= MAX_KEPT


def _nodes(value: Value) -> int:
    if isinstance(value, Many):
        return 1 + sum(map(_nodes, value.items))
    if isinstance(value, Pairs):
        return 1 + sum(_nodes(key) + _nodes(item) for key, item in value.items)
    if isinstance(value, Thing):
        return 1 + _nodes(value.made_by) + sum(map(_nodes, value.args)) + _nodes(value.state)
    return 1


MAX_KEPT = 5 * (MAX_NODES + 2 * MAX_DEPTH)
"""Each of the four parts of a call may have MAX_NODES, and so may what makes it; where the last one is met, every container
around it has a few more that are cut."""

OPCODES = st.sampled_from([
    b"N", b"K\x01", b"X\x01\x00\x00\x00a", b"ca\nb\n", b"(", b"t", b")", b"]", b"}", b"\x8f", b"l", b"d",
    b"\x85", b"\x86", b"\x87", b"2", b"a", b"e", b"s", b"u", b"\x90", b"\x91", b"R", b"\x81", b"\x92", b"b", b"o", b"Q",
    b"\x94", b"q\x00", b"h\x00", b"h\x01", b"0", b"p2\n", b"g2\n",
    b"2\x86", b"2\x85R", b"}22s", b"q\x00ca\nb\nh\x00\x85Rh\x00b",
])  # fmt: skip
"""Opcodes that build: from constants, from what lies on the stack, and from what the memo has. Then a few together that name
twice what was built before."""


@settings(max_examples=300)
@given(st.lists(st.lists(OPCODES, min_size=1, max_size=6), min_size=1, max_size=5), st.integers(1, 60))
def test_programs_of_any_opcodes_keep_no_more_than_the_limit(program: list[list[bytes]], times: int) -> None:
    """Each part is repeated, which is what multiplies. Where a step has not what it needs, the pickle is refused."""
    data = b"\x80\x04ca\nb\n" + b"".join(b"".join(part) * times for part in program) + b"."
    with contextlib.suppress(NotAPickle):
        assert _nodes(read(data)) <= MAX_KEPT


def test_arguments_that_are_copied_for_each_object_are_counted() -> None:
    """A hundred thousand numbers, handed to ten thousand objects with a keyword each."""
    data = b"\x80\x04(" + b"N" * 100_000 + b"t\x94}NNs\x94" + b"Nh\x00h\x01\x92" * 10_000 + b"."
    with pytest.raises(NotAPickle, match="objects"):
        read(data)


def test_deep_nesting_is_cut_and_ends_no_process() -> None:
    data = b"\x80\x04" + b")" + b"\x85" * 300_000 + b"."
    found = read(data)
    for _ in range(MAX_DEPTH):
        assert isinstance(found, Many)
        [found] = found.items
    assert found == Cut("deep")


def test_a_deep_key_is_hashed_by_nobody() -> None:
    """Python's own machine would hash this key, and recurse through C until the process is gone."""
    data = b"\x80\x04}" + b")" + b"\x85" * 200_000 + b"Ns."
    assert isinstance(read(data), Pairs)


def test_a_memo_index_allocates_nothing() -> None:
    """Python's own machine makes room for two billion entries for this one."""
    assert read(b"\x80\x04Nr" + struct.pack("<I", 2**31) + b".") is None


def test_a_length_that_lies_allocates_nothing() -> None:
    with pytest.raises(NotAPickle):
        read(b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b"x.")


@pytest.mark.parametrize("protocol", range(6))
def test_an_integer_of_100_000_digits_is_told_by_its_first_ones(protocol: int) -> None:
    """Protocols 0 and 1 write it in decimal digits, which Python refuses to write and to read."""
    digits = "9" + "0" * 99_999
    data = pickle.dumps(9 * 10**99_999, protocol) if protocol > 1 else f"(L-{digits}L\nI1\nt.".encode()
    if protocol > 1:
        assert read(data) == BigInt(digits[:40], 100_000)
    else:
        assert read(data) == Many("tuple", (BigInt("-" + digits[:40], 100_000), 1))


@given(st.integers(0, 400_000), st.integers(-2, 2), st.sampled_from([1, -1]))
def test_integers_of_any_size_are_told_by_their_digits(bits: int, off: int, sign: int) -> None:
    value = sign * ((1 << bits) + off)
    found = whole(value)
    if isinstance(found, int):
        assert found == value
        assert len(str(abs(found))) <= MAX_DIGITS
    else:
        assert 10 ** (found.digits - 1) <= abs(value) < 10**found.digits
        assert abs(value) // 10 ** (found.digits - 40) == int(found.head.lstrip("-"))
        assert found.head.startswith("-") == (sign < 0)


@pytest.mark.parametrize("power", [599, 600, 4_300, 100_000, 199_999])
def test_powers_of_ten_and_their_neighbours_have_their_own_numbers_of_digits(power: int) -> None:
    for value, digits in ((10**power, power + 1), (10**power - 1, power)):
        found = whole(value)
        assert found.digits == digits if isinstance(found, BigInt) else found == value


def test_the_largest_integer_that_is_read_takes_no_power_of_ten() -> None:
    assert whole(1 << (4 << 23)) == BigInt(whole(1 << (4 << 23)).head, 10_100_891)  # type: ignore[union-attr]


def test_a_text_named_a_hundred_thousand_times_is_kept_once() -> None:
    """A megabyte of text and two bytes for each further mention of it."""
    found = read(b"\x80\x04]\x94(\x8e" + struct.pack("<Q", 1 << 20) + b"x" * (1 << 20) + b"\x94" + b"h\x01" * 100_000 + b"e.")
    assert isinstance(found, Many)
    assert len({id(item) for item in found.items}) == 1


def test_what_a_long_argument_leaves_room_for_is_kept() -> None:
    found = read(pickle.dumps(("f", None, (list(range(100_000)), "ada"), {"x": 1})))
    assert isinstance(found, Many)
    assert found.items[3] == Pairs((("x", 1),))
    arguments = found.items[2]
    assert isinstance(arguments, Many)
    assert arguments.items == (Many("list", tuple(range(MAX_MEMBERS)), 100_000 - MAX_MEMBERS), "ada")


@pytest.mark.parametrize(
    ("data", "most"),
    [
        (b"]" * 400_000, 56), (b"}" * 100_000, 14), (b"(" + b"N" * 99_000 + b"t.", 14), (b")" + b"\x85" * 75_000 + b".", 14),
        (b"Px\n" * 97_000, 14), (b"N" + b"Q" * 97_000, 14), (b"\x82\x01" * 70_000, 14),
        (b"ca\nb\n)R" + b"Na" * 49_000 + b".", 14),
    ],
)  # fmt: skip
def test_memory_is_bounded(data: bytes, most: int) -> None:
    """By some 140 bytes for each of the payload, in MiB."""
    tracemalloc.start()
    try:
        read_or_refused(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most << 20


def test_long_texts_keep_their_beginning() -> None:
    assert read(pickle.dumps("é" * 100_000)) == Long("é" * 20_000, 100_000)
    assert read(pickle.dumps(b"x" * 100_000)) == Long(b"x" * 20_000, 100_000)


def test_every_opcode_of_every_protocol_has_its_step() -> None:
    from console.store import pickles

    known = {*pickles._CONSTANTS, *pickles._PUSHED, *pickles._EMPTY, *pickles._PASSED, *pickles._STEPS}
    assert {opcode.name for opcode in pickletools.opcodes} - known == {"NEXT_BUFFER"}


@pytest.mark.parametrize(
    "data", [b"", b"N", b".", b"\x80\x04(.", b"\x80\x04h\x07.", b"\x80\x04\x85.", b"not a pickle", b"\x80\x04N0."]
)
def test_what_is_no_pickle_is_refused_in_a_few_words(data: bytes) -> None:
    with pytest.raises(NotAPickle) as caught:
        read(data)
    assert 0 < len(str(caught.value)) < 250
