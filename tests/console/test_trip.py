"""A round trip: its answers are those of redis-py, a command fails alone, and a broken connection is never used again."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from console.store.trip import Trip
from tests.benchmarks.ratios import RoundTrips
from tests.conftest import Server

QUESTIONS: tuple[tuple[Any, ...], ...] = (
    ("INFO",),
    ("EXISTS", "text", "nothing"),
    ("HMGET", "hash", "a", "nothing"),
    ("HGETALL", "hash"),
    ("ZRANGE", "zset", 0, -1, "WITHSCORES"),
    ("ZREVRANGE", "zset", 0, -1, "WITHSCORES"),
    ("ZRANGEBYSCORE", "zset", "(0", 1.5, "WITHSCORES", "LIMIT", 0, 1),
    ("ZCOUNT", b"zset", "-inf", 1_700_000_000.123456),
    ("ZSCORE", "zset", "b"),
    ("ZMSCORE", "zset", "a", "nothing"),
    ("XREVRANGE", "stream", "+", "-", "COUNT", 2),
    ("SRANDMEMBER", "set", 5),
    ("SMEMBERS", "set"),
    ("LINDEX", "list", 0),
    ("LRANGE", "list", 0, -1),
    ("PUBSUB NUMSUB", "one", b"\xff"),
    ("PTTL", "text"),
    ("MGET", "text", "nothing", "hash"),
    ("GETRANGE", "text", 0, 1),
)


@pytest.fixture
def kept(redis: Redis) -> Redis:
    """One key of every type."""
    redis.set("text", b"\xff\r\n$3")
    redis.hset("hash", mapping={"a": "1", "b": b"\x00"})
    redis.zadd("zset", {"a": 1, "b": 2.5, "c": "+inf"})
    redis.xadd("stream", {"x": "1"}, id="5-0")
    redis.sadd("set", "m")
    redis.rpush("list", "é", "")
    return redis


@pytest.mark.parametrize("protocol", [2, 3])
def test_each_answer_is_what_a_pipeline_of_redis_py_gives(kept: Redis, server: Server, protocol: int) -> None:
    with Redis.from_url(server.url, protocol=protocol) as client:
        trip = Trip(client)
        answers = [trip.ask(*question) for question in QUESTIONS]
        trip.go()
        pipe = client.pipeline(transaction=False)
        for question in QUESTIONS:
            pipe.execute_command(*question)
        theirs = pipe.execute()
    assert [answer.value for answer in answers[1:]] == theirs[1:]
    assert set(answers[0].value) == set(theirs[0])
    assert trip.refused == []


def test_what_the_server_refuses_fails_alone_and_is_named(kept: Redis) -> None:
    trip = Trip(kept)
    wrong, unknown, right = trip.ask("LLEN", b"ha\xffsh"), trip.ask("LLEN", "hash"), trip.ask("HLEN", "hash")
    nonsense = trip.ask("NO SUCH", "key")
    trip.go()
    assert (wrong.count(), unknown.value, right.count(), nonsense.rows()) == (0, None, 2, [])
    assert [refused.what for refused in trip.refused] == ["hash", "key"]
    assert trip.refused[0].reason.startswith("WRONGTYPE")


def test_one_sending_however_many_questions_and_none_without_any(kept: Redis) -> None:
    with RoundTrips(kept) as trips:
        Trip(kept).go()
        assert trips.count == 0
        trip = Trip(kept)
        answers = [trip.ask("HGET", "hash", "a") for _ in range(5_000)]
        trip.go()
        assert trips.count == 1
    assert {answer.value for answer in answers} == {b"1"}
    assert trip.first_reply_s is not None
    assert trip.first_reply_s > 0


def test_one_question_about_many_keys_has_an_answer_for_each(kept: Redis) -> None:
    trip = Trip(kept)
    before = trip.ask("LLEN", "list")
    each = trip.ask_each("ZCOUNT", [b"zset", b"hash", b"nothing"], "-inf", 2)
    found = trip.ask_each("HMGET", [b"hash", b"nothing"], "a", b"b")
    streams = trip.ask_each("XREVRANGE", [b"stream"], "+", "-")
    after = trip.ask("LLEN", "list")
    trip.go()
    assert (before.value, each.values, after.value) == (2, [1, None, 0], 2)
    assert found.values == [[b"1", b"\x00"], [None, None]]
    assert streams.values == [kept.xrevrange("stream")]
    assert [refused.what for refused in trip.refused] == ["hash"]


def test_a_question_about_no_key_is_no_trip(kept: Redis) -> None:
    trip = Trip(kept)
    none = trip.ask_each("HGET", [], "a")
    with RoundTrips(kept) as trips:
        trip.go()
    assert (trips.count, none.values) == (0, [])


def test_a_connection_that_the_server_closed_is_made_anew(kept: Redis, server: Server) -> None:
    with Redis.from_url(server.url, retry=Retry(NoBackoff(), 0)) as client:
        kept.client_kill_filter(_id=str(client.client_id()))
        trip = Trip(client)
        answer = trip.ask("HGET", "hash", "a")
        trip.go()
        assert answer.value == b"1"


class Unsteady:
    """A server that answers PING, and whatever else with what it is told to."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.answers: list[bytes | None] = []
        self.connections = 0
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.listening.accept()
            except OSError:
                return
            self.connections += 1
            Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer: socket.socket) -> None:
        with peer:
            while asked := peer.recv(65_536):
                if b"HELLO" in asked or b"CLIENT" in asked:
                    peer.sendall(b"-ERR unknown command\r\n" * asked.count(b"*"))
                    continue
                answer = self.answers.pop(0)
                if answer is None:
                    return
                peer.sendall(answer)


@pytest.fixture
def unsteady() -> Iterator[Unsteady]:
    server = Unsteady()
    yield server
    server.listening.close()


def client_of(server: Unsteady) -> Redis:
    port = server.listening.getsockname()[1]
    return Redis(port=port, protocol=2, socket_timeout=0.3, retry=Retry(NoBackoff(), 0))


@pytest.mark.parametrize(
    ("half", "error"),
    [
        (b":1\r\n", RedisTimeoutError),
        (None, RedisConnectionError),
        (b"no reply of Redis\r\n", InvalidResponse),
    ],
)
def test_after_a_broken_trip_the_next_one_gets_its_own_answers(
    unsteady: Unsteady, half: bytes | None, error: type[Exception]
) -> None:
    unsteady.answers = [half, b":7\r\n:8\r\n"]
    with client_of(unsteady) as client:
        broken = Trip(client)
        broken.ask("DBSIZE")
        broken.ask("DBSIZE")
        with pytest.raises(error):
            broken.go()
        trip = Trip(client)
        answers = [trip.ask("DBSIZE"), trip.ask("DBSIZE")]
        trip.go()
    assert [answer.value for answer in answers] == [7, 8]
    assert unsteady.connections == 2


def test_a_reply_that_redis_py_cannot_read_leaves_no_connection_out_of_step(kept: Redis) -> None:
    def fails(_: object) -> None:
        raise KeyboardInterrupt

    kept.set_response_callback("DBSIZE", fails)
    trip = Trip(kept)
    trip.ask("DBSIZE")
    trip.ask("LLEN", "list")
    with pytest.raises(KeyboardInterrupt):
        trip.go()
    again = Trip(kept)
    answer = again.ask("HLEN", "hash")
    again.go()
    assert answer.value == 2
