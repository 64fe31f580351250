"""A long registry that was listed before is told by counts and by the stretches that have changed, on a real server."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from console.model.failure_groups import Group
from console.model.queries import GroupsQuery
from console.store import failure_listing, registry_stretches
from console.store.reader import StoreReader, open_reader
from console.store.registry_changes import Flat
from jobs import keys
from tests import failed_jobs
from tests.conftest import Server, until
from tests.console.rights import reading_user
from tests.failed_jobs import YEAR

QUEUES = ("long", "longer")
LISTS = ("zrange", "zrevrange", "zrevrangebyscore")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches of ten, so that a few hundred are many."""
    monkeypatch.setattr(registry_stretches, "MEMBERS", 10)
    monkeypatch.setattr(failure_listing, "MEMBERS", 10)


@pytest.fixture
def reader(redis: Redis, server: Server) -> Iterator[StoreReader]:
    opened = open_reader(server.url)
    yield opened
    opened.close()


def groups(reader: StoreReader) -> list[Group]:
    *_, found = reader.groups(GroupsQuery(), time.time(), lambda: False)
    assert (found.done, found.sampled, found.more) == (True, False, "")
    # What one of them said is of the one that was read first.
    told = [replace(group, example="", because="") for group in found.groups]
    return sorted(told, key=lambda group: group.fingerprint)


def anew(server: Server) -> list[Group]:
    """As one sees them who has seen nothing before."""
    reader = open_reader(server.url)
    try:
        return groups(reader)
    finally:
        reader.close()


def registry(queue: str) -> str:
    return keys.RQ_FAILED + queue


def asked(redis: Redis) -> dict[str, int]:
    stats: dict[str, Any] = redis.info("commandstats")
    return {name: stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in (*LISTS, "zcount")}


def test_where_nothing_has_changed_little_is_listed(redis: Redis, reader: StoreReader) -> None:
    """Two registries, forty stretches: the uppermost of both and eight in turn, by one command each and one for what may join.
    One is asked for ahead, before anything is counted."""
    failed_jobs.make(redis, 400, queues=QUEUES)
    before = groups(reader)
    redis.config_resetstat()
    assert groups(reader) == before
    counted = asked(redis)
    assert counted["zrange"] + counted["zrevrange"] <= 1
    assert 0 < counted["zrevrangebyscore"] <= 2 * (2 + failure_listing.IN_TURN)


def test_what_comes_and_goes_is_seen_at_once(redis: Redis, reader: StoreReader, server: Server) -> None:
    """New ones, some that fail again, and some that go, anywhere in the registries, one reading after the other."""
    chance = random.Random(1)
    made = {one.id: one for one in failed_jobs.make(redis, 300, queues=QUEUES, within=3_600)}
    groups(reader)
    for turn in range(12):
        gone = chance.sample(sorted(made), chance.randrange(30))
        failed_jobs.remove(redis, [made.pop(job) for job in gone])
        made |= {
            one.id: one for one in failed_jobs.make(redis, chance.randrange(1, 30), queues=QUEUES, seed=turn + 1, within=0)
        }
        again = [made[job] for job in chance.sample(sorted(made), 5)]
        redis.zadd(registry("long"), {one.id: int(time.time()) + YEAR for one in again if one.queue == "long"}, xx=True)
        if turn == 6:
            redis.zadd(registry("longer"), {one.id: -1 for one in made.values() if one.queue == "longer"}, xx=True)
        if turn == 8:
            redis.zadd(registry("long"), {job: time.time() - 1 for job in list(made)[:20]}, xx=True)
        assert groups(reader) == anew(server), turn


def test_what_takes_the_place_of_another_is_seen_in_turn(redis: Redis, reader: StoreReader, server: Server) -> None:
    """Failures that are kept for another time may join where as many have left: no count tells these."""
    made = sorted(failed_jobs.make(redis, 400, queues=("long",)), key=lambda one: one.at)
    groups(reader)
    newer = failed_jobs.make(redis, 20, queues=("long",), seed=1, within=0)
    for old, new in zip(made[100:300:10], newer, strict=True):
        redis.zrem(registry("long"), old.id)
        redis.zadd(registry("long"), {new.id: int(old.at) + YEAR})
    readings = -(-400 // 10 // failure_listing.IN_TURN)
    for _ in range(readings):
        found = groups(reader)
    assert found == anew(server)


@pytest.mark.parametrize("leaves", [False, True])
def test_one_that_has_moved_and_whose_place_another_has_taken_is_counted_once(
    redis: Redis, reader: StoreReader, server: Server, leaves: bool
) -> None:
    """It fails again, and is listed on top; where it was there are as many as before. It may leave at once, too."""
    made = sorted(failed_jobs.make(redis, 400, queues=("long",)), key=lambda one: one.at, reverse=True)
    (other,) = failed_jobs.make(redis, 1, queues=("long",), seed=9, within=0)
    redis.zrem(registry("long"), other.id)
    groups(reader)
    redis.zadd(registry("long"), {other.id: int(made[204].at) + YEAR, made[205].id: int(time.time()) + YEAR + 5})
    groups(reader)
    if leaves:
        redis.zrem(registry("long"), made[205].id)
    for _ in range(-(-400 // 10 // failure_listing.IN_TURN)):
        found = groups(reader)
    assert found == anew(server)


def test_of_a_registry_that_is_told_in_part_nothing_is_counted_out(redis: Redis, server: Server) -> None:
    """That is told, and the next time it is listed whole."""
    failed_jobs.make(redis, 400, queues=("long",))
    with reading_user(redis, server.url) as url:
        reader = open_reader(url)
        groups(reader)
        redis.execute_command("ACL", "SETUSER", "reader", "-zrevrangebyscore")
        *_, found = reader.groups(GroupsQuery(), time.time(), lambda: False)
        *_, healed = reader.groups(GroupsQuery(), time.time(), lambda: False)
        reader.close()
    assert "zrevrangebyscore" in found.refused[0].reason
    assert healed.refused == ()
    assert [sum(group.count for group in one.groups) for one in (found, healed)] == [400, 400]


def test_what_has_expired_is_counted_out(redis: Redis, reader: StoreReader, server: Server) -> None:
    """Though RQ has not cleaned up yet: most of a registry, when it was listed before and all of them were to come."""
    made = failed_jobs.make(redis, 200, queues=("long",))
    soon = {one.id: time.time() + 1 + at / 1_000 for at, one in enumerate(made[:150])}
    redis.zadd(registry("long"), soon, xx=True)
    assert sum(group.count for group in groups(reader)) == 200
    until(lambda: int(time.time()) > max(soon.values()))
    found = groups(reader)
    assert sum(group.count for group in found) == 50
    assert found == anew(server)


SCORES = st.lists(st.floats(-1, 40) | st.integers(-1, 40).map(float) | st.just(float("inf")), max_size=120)


@given(SCORES, st.sampled_from(["bytes", "floats"]), st.integers(7, 30))
def test_every_member_is_in_one_stretch(scores: list[float], told: str, now: int) -> None:
    """And every one that may come: of any two that follow one another the one ends where the other begins. What has expired
    since is in none."""
    ordered = sorted((one for one in scores if one < 0 or one > 7), key=lambda one: (one < 0, -one))
    shown = [repr(one).encode() if told == "bytes" else one for one in ordered]
    listed: Flat = [each for at, score in enumerate(shown) for each in (b"job-%d" % at, score)]
    found = registry_stretches.stretches(listed, now)
    expiring = [one for one in ordered if one >= 0]
    assert [each for stretch in found for each in listed[stretch.start : stretch.end]] == listed[: 2 * len(expiring)]
    for stretch in found:
        above, up_to = float(stretch.above.removeprefix("(")), float(stretch.up_to)
        here = [float(score) for score in listed[stretch.start : stretch.end][1::2]]
        assert [one for one in expiring if above < one <= up_to] == [score for score in here if score > now]
    ends = [(float(stretch.up_to), float(stretch.above.removeprefix("("))) for stretch in found]
    assert [max(up_to, now) for up_to, _ in ends[1:]] == [above for _, above in ends[:-1]]
    assert not found or (ends[0][0], ends[-1][1]) == (inf, now)


def test_one_that_was_listed_out_of_order_is_listed_whole() -> None:
    listed: Flat = [each for at in range(100) for each in (b"job-%d" % at, (at * 37) % 100 + 10)]
    assert registry_stretches.stretches(listed, 0) == []
