"""Whether the server lets a user change anything is asked without changing anything, and without asking for a change."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from redis import Redis

from console.model.commands import Requeue
from console.model.ports import WriteError
from console.model.queries import OverviewQuery
from console.model.status import Status
from console.store import rights
from console.store.reader import StoreReader, open_reader
from console.store.writer import open_writer
from jobs import keys
from tests.conftest import Server
from tests.console.giving import operation
from tests.console.replicas import primary_and_replica
from tests.console.rights import RIGHTS, reading_user
from tests.contents import contents

NOT = "this user may not write"


def calls(redis: Redis) -> dict[str, int]:
    """How often each command was carried out."""
    return {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in redis.info("commandstats").items()}


def changes(redis: Redis) -> int:
    found: int = redis.info()["rdb_changes_since_last_save"]
    return found


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        (RIGHTS, NOT),
        ((*RIGHTS, "+multi", "+discard"), NOT),
        (("%R~*", "+@all"), NOT),
        (("~rq:*", "%R~tq:*", "+@all"), NOT),
        (("~*", "+@all", "-multi"), NOT),
        (("~*", "+@all"), ""),
        (("~*", "+@all", "-discard"), ""),
        (("~tq:*", "~rq:job:theirs-*", "%R~rq:*", "+@all"), ""),
    ],
)
def test_who_may_note_nothing_in_the_audit_may_do_nothing(
    redis: Redis, server: Server, given: tuple[str, ...], refused: str
) -> None:
    with reading_user(redis, server.url, given) as url:
        redis.set("rq:something", 1)
        before, changed = contents(redis), changes(redis)
        redis.config_resetstat()
        with Redis.from_url(url, max_connections=1) as theirs:
            assert rights.refusal(theirs) == refused
            assert theirs.get("rq:something") == b"1", "no transaction is open"
        assert (contents(redis), changes(redis)) == (before, changed)
        assert calls(redis).get("xadd", 0) == 0
        writer = open_writer(url)
        with pytest.raises(WriteError) if refused else nullcontext():
            writer.begin(operation(Requeue()))
        writer.close()


def test_a_replica_says_that_it_is_one(tmp_path: Path) -> None:
    with primary_and_replica(tmp_path) as urls:
        for url, refused in zip(urls, ("", "it is a replica"), strict=True):
            with Redis.from_url(url) as client:
                assert rights.refusal(client) == refused


def overview(reader: StoreReader) -> str:
    """Why nothing can be changed, by the overview."""
    status = reader.read(OverviewQuery(), time.time())
    assert isinstance(status, Status)
    return status.server.refuses_writes


def test_it_is_asked_once_and_only_where_somebody_may_want_to_act(redis: Redis, server: Server) -> None:
    with reading_user(redis, server.url, ("%R~*", "+@all")) as url:
        redis.config_resetstat()
        redis.acl_log_reset()
        reader = open_reader(url)
        assert overview(reader) == ""
        reader.close()
        assert "multi" not in calls(redis)
        reader = open_reader(url, acts=True)
        assert [overview(reader) for _ in range(3)] == [NOT] * 3
        reader.close()
        assert (calls(redis)["multi"], calls(redis)["discard"], calls(redis)["xadd"]) == (1, 1, 0)
        assert [(entry["object"], entry["count"]) for entry in redis.acl_log()] == [(keys.ACTIVITY, 1)]


def test_a_server_that_hangs_up_on_it_is_read_all_the_same(
    redis: Redis, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # QUIT in its place: the answers that follow never come, as from a proxy that knows no transactions.
    monkeypatch.setattr(rights, "NOTE", ("QUIT",))
    reader = open_reader(server.url, acts=True)
    assert [overview(reader) for _ in range(2)] == ["", ""]
    reader.close()
