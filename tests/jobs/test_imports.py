"""Users come in from files: the good ones with their schedules, and nobody is removed on doubtful grounds."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from redis import Redis

from jobs import imports, keys, rows, schedules, users
from jobs.imports import MAX_BAD_ROWS, Imported, import_users
from jobs.registering import set_user
from jobs.users import User


def load(
    redis: Redis, content: str | bytes, *, format: rows.Format = "csv", prune: bool = False, dry_run: bool = False
) -> Imported:
    raw = content.encode() if isinstance(content, str) else content
    return import_users(redis, io.BytesIO(raw), name="users.csv", format=format, prune=prune, dry_run=dry_run)


def ids(redis: Redis) -> list[str]:
    return list(users.every_id(redis))


def counts(done: Imported) -> tuple[int, int, int, int, int]:
    return done.added, done.changed, done.unchanged, done.removed, done.bad_count


def everything(redis: Redis) -> dict[bytes, bytes | None]:
    return {key: redis.dump(key) for key in redis.keys("*")}


@pytest.mark.parametrize("format", ["csv", "json"])
def test_users_come_in_with_their_schedules(redis: Redis, format: rows.Format) -> None:
    text = "id,tier,zone,sources\nada,pro,Europe/Rome,https://a.example\nbob,free,,\n"
    objects = [
        {"id": "ada", "tier": "pro", "zone": "Europe/Rome", "sources": ["https://a.example"]},
        {"id": "bob", "tier": "free"},
    ]
    done = load(redis, text if format == "csv" else json.dumps(objects), format=format)
    assert done == Imported(added=2)
    assert users.get(redis, "ada") == User("ada", "pro", "Europe/Rome", ("https://a.example",))
    assert schedules.get(redis, "ada", "scrape").lane == "high"
    assert schedules.get(redis, "bob", "scrape").lane == "low"
    assert redis.zscore(keys.ENTRIES, schedules.schedule_id("bob", "scrape")) is not None


def test_added_changed_and_unchanged_are_told_apart_and_doing_it_again_changes_nothing(redis: Redis) -> None:
    load(redis, "id,tier\nada,slow\nbob,free\n")
    before = schedules.get(redis, "ada", "scrape")
    content = "id,tier\nada,slow\nbob,pro\ncy,free\n"
    assert counts(load(redis, content)) == (1, 1, 1, 0, 0)
    assert replace(schedules.get(redis, "ada", "scrape"), rev=before.rev) == before
    assert schedules.get(redis, "bob", "scrape").lane == "high"
    assert counts(load(redis, content)) == (0, 0, 3, 0, 0)


def test_what_a_file_does_not_say_stays(redis: Redis) -> None:
    set_user(redis, User("ada", "free", "Europe/Rome", ("https://a.example",), "https://h.example", active=False))
    assert counts(load(redis, "id,tier\nada,pro\n")) == (0, 1, 0, 0, 0)
    assert users.get(redis, "ada") == User(
        "ada", "pro", "Europe/Rome", ("https://a.example",), "https://h.example", active=False
    )
    load(redis, "id,tier,sources,webhook\nada,pro,,\n")
    assert users.get(redis, "ada") == User("ada", "pro", "Europe/Rome", active=False)


def test_bad_rows_are_kept_with_their_lines_and_the_good_ones_go_in(redis: Redis) -> None:
    done = load(redis, b"id,tier\nada,pro\n,pro\nbob,gold\nc\xe9,pro\nada,free\nerin,free\n")
    assert ids(redis) == ["ada", "erin"]
    assert [row.line for row in done.bad] == [3, 4, 5, 6]
    assert done.bad_count == 4
    assert users.get(redis, "ada").tier == "pro"


def test_a_user_whose_kept_fields_are_invalid_by_now_is_a_bad_row(redis: Redis) -> None:
    set_user(redis, User("ada", "free"))
    redis.hset(keys.USER + "ada", "zone", "Mars/Olympus")
    done = load(redis, "id,tier\nada,pro\nbob,pro\n")
    assert counts(done) == (1, 0, 0, 0, 1)
    assert (done.bad[0].line, "Mars/Olympus" in done.bad[0].reason) == (2, True)
    assert users.get(redis, "ada").tier == "free"


def test_all_bad_rows_are_counted_and_a_bounded_number_is_kept(redis: Redis) -> None:
    done = load(redis, "id,tier\n" + "x,gold\n" * (MAX_BAD_ROWS + 300) + "ada,pro\n")
    assert counts(done) == (1, 0, 0, 0, MAX_BAD_ROWS + 300)
    assert [row.line for row in done.bad] == list(range(2, MAX_BAD_ROWS + 2))


def test_prune_removes_who_is_not_in_the_file(redis: Redis) -> None:
    everybody = [f"user-{n:04}" for n in range(imports.BATCH * 3)]
    load(redis, "id,tier\n" + "".join(f"{user},free\n" for user in everybody))
    kept = everybody[::2]
    done = load(redis, "id,tier\n" + "".join(f"{user},free\n" for user in kept), prune=True)
    assert counts(done) == (0, 0, len(kept), len(everybody) - len(kept), 0)
    assert not done.prune_refused
    assert ids(redis) == kept
    assert schedules.count(redis) == len(kept)


@pytest.mark.parametrize("reason", ["", "as you said no"])
def test_prune_asks_about_who_would_go_and_removes_nobody_on_a_no(redis: Redis, reason: str) -> None:
    load(redis, "id,tier\nada,pro\nbob,free\ncy,free\n")
    asked: list[list[str]] = []

    def may_remove(ids: Sequence[str]) -> str:
        asked.append(list(ids))
        return reason

    content = io.BytesIO(b"id,tier\nada,free\n")
    done = import_users(redis, content, name="users.csv", format="csv", prune=True, may_remove=may_remove)
    assert asked == [["bob", "cy"]]
    assert users.get(redis, "ada").tier == "free"
    assert (done.removed, done.surplus) == ((0, ()) if reason else (2, ("bob", "cy")))
    assert done.prune_refused == (f"users.csv: nobody was removed, {reason}" if reason else "")
    assert ids(redis) == (["ada", "bob", "cy"] if reason else ["ada"])


def test_a_prune_that_removes_nobody_asks_nobody(redis: Redis) -> None:
    content = io.BytesIO(b"id,tier\nada,free\n")
    done = import_users(redis, content, name="users.csv", format="csv", prune=True, may_remove=lambda ids: "asked")
    assert (done.added, done.prune_refused) == (1, "")


@pytest.mark.parametrize(
    ("content", "format"),
    [
        ("id,tier\nada,pro\nbob,gold\n", "csv"),
        ("id,tier\nada,pro\nada,pro\n", "csv"),
        ("id,tier\n", "csv"),
        ("", "csv"),
        ("name,plan\nada,pro\n", "csv"),
        ("[]", "json"),
        ("", "json"),
        ('[{"id": "ada", "tier": "pro"}', "json"),
    ],
)
def test_prune_removes_nobody_when_a_row_is_bad_or_none_is_good(redis: Redis, content: str, format: rows.Format) -> None:
    load(redis, "id,tier\nada,pro\nbob,free\ncy,free\n")
    done = load(redis, content, format=format, prune=True)
    assert ids(redis) == ["ada", "bob", "cy"]
    assert done.removed == 0
    assert done.prune_refused.startswith("users.csv: nobody was removed")


def test_prune_removes_nobody_when_the_file_breaks_off(redis: Redis) -> None:
    class Broken(io.BytesIO):
        def readline(self, limit: int | None = -1, /) -> bytes:
            line = super().readline(limit)
            if b"bob" in line:
                raise OSError(5, "Input/output error")
            return line

    load(redis, "id,tier\nada,pro\nbob,free\n")
    done = import_users(redis, Broken(b"id,tier\nada,pro\nbob,free\n"), name="users.csv", format="csv", prune=True)
    assert ids(redis) == ["ada", "bob"]
    assert done.bad_count == 1
    assert done.prune_refused


def test_a_dry_run_says_the_same_and_changes_nothing(redis: Redis) -> None:
    load(redis, "id,tier\nada,pro\nbob,free\ncy,free\n")
    before = everything(redis)
    content = "id,tier\nada,pro\nbob,pro\ndee,free\n"
    said = load(redis, content, prune=True, dry_run=True)
    assert everything(redis) == before
    assert counts(said) == (1, 1, 1, 1, 0)
    assert load(redis, content, prune=True) == said


def test_progress_is_told_in_bytes_and_ends_at_the_file_s_size(redis: Redis) -> None:
    content = b"id,tier\n" + b"".join(b"user-%d,free\n" % n for n in range(imports.BATCH * 2 + 1))
    heard: list[int] = []
    import_users(redis, io.BytesIO(content), name="users.csv", format="csv", on_progress=heard.append)
    assert len(heard) == 3
    assert heard == sorted(heard)
    assert heard[-1] == len(content)


def test_round_trips_do_not_grow_with_the_rows_of_a_batch(redis: Redis) -> None:
    def commands(number: int) -> int:
        content = "id,tier\n" + "".join(f"user-{number}-{n},free\n" for n in range(number))
        before = redis.info("stats")["total_reads_processed"]
        load(redis, content)
        return int(redis.info("stats")["total_reads_processed"]) - int(before)

    commands(1)
    # A large batch may arrive in several reads of the socket, but never in one for each row.
    assert commands(imports.BATCH) < commands(1) + imports.BATCH // 4


def test_a_prune_passes_over_what_is_nobody_s_id(redis: Redis) -> None:
    load(redis, "id,tier\nada,pro\nbob,pro\nzoe,pro\n")
    redis.zadd(keys.USERS, {b"b\xe9": 0, b"c\xe9": 0})
    redis.hset(keys.USER + "ada", b"caf\xe9", "x")
    redis.delete(keys.USER + "bob")
    redis.rpush(keys.USER + "bob", "no hash")
    assert users.search(redis, "", 1, "bob") == ["zoe"]
    assert users.search(redis, "b") == ["bob"]
    assert counts(load(redis, "id,tier\nada,pro\n", prune=True, dry_run=True)) == (0, 0, 1, 2, 0)
    assert counts(load(redis, "id,tier\nada,pro\n", prune=True)) == (0, 0, 1, 2, 0)
    assert redis.zrange(keys.USERS, 0, -1) == [b"ada", b"b\xe9", b"c\xe9"]
