"""Calls, meta, results and tracebacks as real RQ stores them, and as nobody should."""

from __future__ import annotations

import json
import pickle
import tracemalloc
import zlib
from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from console.model.payload import BigInt, Call, Cut, Long, Many, Pairs, Undecodable
from console.model.secrets import masked_undecodable
from console.store import decoding
from tests.conftest import Stock


def data_of(redis: Redis, job_id: str) -> bytes:
    return redis.hget(f"rq:job:{job_id}", "data") or b""


@pytest.mark.parametrize("serializer", [None, JSONSerializer])
def test_calls_of_real_jobs(redis: Redis, serializer: type | None) -> None:
    queue = Queue("default", connection=redis, serializer=serializer)
    job = queue.enqueue("app.tasks.send", "ada", 3, subject="ünïcode")
    assert decoding.call(data_of(redis, job.id)) == Call("app.tasks.send", None, ("ada", 3), (("subject", "ünïcode"),))


def test_results_and_tracebacks_of_real_jobs(redis: Redis, stock: Stock) -> None:
    queue = Queue("default", connection=redis)
    good = queue.enqueue("json.loads", '{"a": [1, 2]}')
    bad = queue.enqueue("json.loads", "{")
    stock.worker("--burst", "default").wait(40)
    [(_, entry)] = redis.xrange(f"rq:results:{good.id}")
    assert decoding.result(entry[b"return_value"]) == Pairs((("a", Many("list", (1, 2))),))
    [(_, entry)] = redis.xrange(f"rq:results:{bad.id}")
    text = decoding.traceback(entry[b"exc_string"])
    assert isinstance(text, str)
    assert text.startswith("Traceback")
    assert "JSONDecodeError" in text


def test_data_that_is_not_compressed_is_read() -> None:
    assert isinstance(decoding.call(pickle.dumps(("f", None, (), {}))), Call)


def test_a_decompression_bomb_is_refused_without_being_inflated() -> None:
    bomb = zlib.compress(bytes(200 << 20))
    found = decoding.call(bomb)
    assert isinstance(found, Undecodable)
    assert "compressed" in found.reason
    assert found.length == len(bomb)
    assert isinstance(decoding.traceback(b64encode(bomb)), Undecodable)


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x01\x02", zlib.compress(b"garbage"), zlib.compress(pickle.dumps([1, 2])), b"[1, 2]", b"{" * 100_000]
)
def test_what_is_no_call_is_shown_by_its_first_bytes(data: bytes) -> None:
    found = decoding.call(data)
    assert isinstance(found, Undecodable)
    assert found.reason
    assert bytes.fromhex(found.head) == decoding.inflated(data)[:64]


@pytest.mark.parametrize("start", [b"S", b"I", b"L", b"F", b"V", b"c", b"i", b"", b"(I", b"{"])
@pytest.mark.parametrize("decode", [decoding.call, decoding.value, decoding.result, decoding.traceback])
def test_why_bytes_cannot_be_read_quotes_nothing_of_them(start: bytes, decode: Callable[[bytes], object]) -> None:
    """Opcodes that take a line as their argument, and Python's errors quote it."""
    found = decode(start + b"ession password=hunter2 x\\xzz\n")
    assert isinstance(found, Undecodable)
    assert "hunter2" not in found.reason
    assert "hunter2" not in bytes.fromhex(masked_undecodable(found).head).decode()


def test_where_a_pickle_ends_to_be_one_is_told() -> None:
    found = decoding.value(b"\x80\x04Fx\n.")
    assert isinstance(found, Undecodable)
    assert found.reason == "it is neither a pickle (ValueError at byte 5) nor JSON"


def test_json_is_kept_within_limits() -> None:
    deep = json.loads("[" * 500 + "]" * 500)
    found = decoding.value(json.dumps(deep).encode())
    for _ in range(60):
        assert isinstance(found, Many)
        [found] = found.items
    assert found == Cut("deep")
    assert decoding.value(json.dumps("x" * 50_000).encode()) == Long("x" * 20_000, 50_000)
    many = decoding.value(json.dumps([[1]] * 50_000).encode())
    assert isinstance(many, Many)
    assert many.more > 0


def test_a_json_integer_of_100_000_digits_does_not_end_the_rest() -> None:
    assert decoding.value(b'["a", ' + b"9" * 100_000 + b"]") == Many("list", ("a", BigInt("9" * 40, 100_000)))


def test_a_json_call_keeps_its_keywords_after_a_long_argument() -> None:
    found = decoding.call(json.dumps(["f", None, [list(range(100_000)), "ada"], {"x": 1}]).encode())
    assert isinstance(found, Call)
    assert found.args[1] == "ada"
    assert found.kwargs == (("x", 1),)


def test_a_long_json_key_is_cut() -> None:
    assert decoding.value(json.dumps({"k" * 50_000: 1}).encode()) == Pairs(((Long("k" * 20_000, 50_000), 1),))


@pytest.mark.parametrize("member", ["[]", "{}", "1.5", '"ab"', '{"a":1}', "[[[[]]]]", "1234567"])
def test_the_memory_of_a_json_text_is_bounded(member: str) -> None:
    text = f"[{','.join([member] * ((4 << 20) // (len(member) + 1) - 1))}]".encode()
    tracemalloc.start()
    try:
        decoding.value(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 56 << 20


@given(st.binary(max_size=400))
def test_any_bytes_are_decoded_or_undecodable(data: bytes) -> None:
    for decode in (decoding.call, decoding.value, decoding.result, decoding.traceback):
        found = decode(data)
        assert not isinstance(found, Undecodable) or found.reason
