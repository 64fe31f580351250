"""A scrape notes what changed once, however often it runs, and no source's failure hides the others' results."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from jobs import changes, keys, registering, settings
from jobs.changes import MAX_PENDING_CHANGES, Change, Snapshot
from jobs.errors import PermanentError, RetryAfter, UnknownUser
from jobs.schedules import schedule_id
from jobs.tasks.scrape import scrape_for_user
from jobs.users import User
from jobs.web.answers import Unavailable
from tests.jobs.loopback_site import Answer, Asked, Site, serving

ANN = "ann@example.com"


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def site(running: Site) -> Site:
    running.answers.clear()
    running.asked.clear()
    return running


@pytest.fixture(autouse=True)
def loopback_is_allowed(fast_tiers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TQ_ALLOW_NETWORKS", "127.0.0.0/8")
    settings.current.cache_clear()


def register(redis: Redis, *sources: str, webhook: str = "http://127.0.0.1:1/hook", active: bool = True) -> None:
    registering.set_user(redis, User(ANN, "slow", sources=sources, webhook=webhook, active=active), tasks=("scrape",))


def deliveries(redis: Redis) -> list[str]:
    """The change ids whose deliveries wait in the user's lane, in order."""
    prefix = f"{schedule_id(ANN, 'deliver')}-"
    return [raw.decode().removeprefix(prefix) for raw in redis.lrange(keys.RQ_QUEUE + "default", 0, -1)]


def waiting(redis: Redis) -> list[Change]:
    return changes.pending(redis, ANN)


def summary(new: int = 0, changed: int = 0, unchanged: int = 0, dropped: int = 0) -> dict[str, int]:
    return {"sources": new + changed + unchanged, "new": new, "changed": changed, "unchanged": unchanged, "dropped": dropped}


def seen(text_hash: str, url: str = "http://h/") -> Snapshot:
    return Snapshot(url, f"title {text_hash}", text_hash, ())


# --- what changed -----------------------------------------------------------------------------------


def test_the_first_scrape_is_no_change(redis: Redis, site: Site) -> None:
    source = site.page("/news", "one <a href=/more>more</a>", ETag='"1"')
    register(redis, source)
    assert scrape_for_user(ANN) == summary(new=1)
    snapshot = changes.snapshots(redis, ANN, [source])[source]
    assert (snapshot.title, snapshot.etag, snapshot.links) == ("/news", '"1"', (site.url("/more"),))
    assert not waiting(redis)
    assert not deliveries(redis)


def test_a_page_that_is_the_same_is_unchanged_with_and_without_a_304(redis: Redis, site: Site) -> None:
    def conditional(asked: Asked, earlier: int) -> Answer:
        known = asked.headers.get("if-none-match") == '"1"'
        return Answer(304, type="") if known else Answer(body=b"same", headers={"ETag": '"1"'})

    site.answers["/etag"] = conditional
    register(redis, site.url("/etag"), site.page("/plain", "same"))
    assert scrape_for_user(ANN) == summary(new=2)
    assert scrape_for_user(ANN) == summary(unchanged=2)
    assert [asked.headers.get("if-none-match") for asked in site.asked if asked.path == "/etag"] == [None, '"1"']
    assert not waiting(redis)


def test_a_change_is_kept_with_its_snapshot_and_its_delivery_is_enqueued_once(redis: Redis, site: Site) -> None:
    source = site.page("/news", "one")
    register(redis, source)
    scrape_for_user(ANN)
    before = changes.snapshots(redis, ANN, [source])[source]
    site.page("/news", "two")
    assert scrape_for_user(ANN) == summary(changed=1)
    [change] = waiting(redis)
    after = changes.snapshots(redis, ANN, [source])[source]
    assert (change.source, change.url, change.title) == (source, source, "/news")
    assert (change.previous_text_hash, change.text_hash) == (before.text_hash, after.text_hash)
    assert deliveries(redis) == [change.id]
    assert scrape_for_user(ANN) == summary(unchanged=1)
    assert waiting(redis) == [change]
    assert deliveries(redis) == [change.id]


def test_a_page_that_goes_back_and_forth_changes_each_time(redis: Redis, site: Site) -> None:
    register(redis, site.page("/status", "open"))
    scrape_for_user(ANN)
    for text in ("closed", "open", "closed"):
        site.page("/status", text)
        assert scrape_for_user(ANN) == summary(changed=1)
    found = waiting(redis)
    assert len({change.id for change in found}) == 3
    assert found[0].text_hash == found[2].text_hash
    assert deliveries(redis) == [change.id for change in found]


def test_a_delivery_that_a_crash_kept_from_being_enqueued_is_enqueued_by_the_next_scrape(redis: Redis, site: Site) -> None:
    source = site.page("/news", "one")
    register(redis, source)
    scrape_for_user(ANN)
    recorded = changes.record(redis, ANN, source, seen("new"), keep_change=True)
    assert recorded.change
    assert not deliveries(redis)
    site.answers.clear()
    with pytest.raises(PermanentError):
        scrape_for_user(ANN)
    assert deliveries(redis) == [recorded.change.id]


def test_without_a_webhook_a_change_is_counted_and_not_kept(redis: Redis, site: Site) -> None:
    register(redis, site.page("/news", "one"), webhook="")
    scrape_for_user(ANN)
    site.page("/news", "two")
    assert scrape_for_user(ANN) == summary(changed=1)
    assert scrape_for_user(ANN) == summary(unchanged=1)
    assert not waiting(redis)
    assert not deliveries(redis)


def test_a_source_that_the_user_gave_up_is_forgotten(redis: Redis, site: Site) -> None:
    one, two = site.page("/one", "one"), site.page("/two", "two")
    register(redis, one, two)
    scrape_for_user(ANN)
    register(redis, two)
    scrape_for_user(ANN)
    assert redis.hkeys(keys.SNAPSHOT + ANN) == [two.encode()]


# --- failures ---------------------------------------------------------------------------------------


def test_one_failing_source_does_not_hide_the_others(redis: Redis, site: Site) -> None:
    good, gone, also = site.page("/good", "one"), site.url("/gone?token=hidden"), site.page("/also", "one")
    site.answers["/gone?token=hidden"] = Answer(410)
    register(redis, good, gone, also)
    expected = rf"^1 of 3 sources failed: 127\.0\.0\.1:{site.port}: answered 410 Gone$"
    with pytest.raises(PermanentError, match=expected):
        scrape_for_user(ANN)
    assert set(changes.snapshots(redis, ANN, [good, gone, also])) == {good, also}
    site.page("/also", "two")
    with pytest.raises(PermanentError, match=expected):
        scrape_for_user(ANN)
    assert [change.source for change in waiting(redis)] == [also]
    assert len(deliveries(redis)) == 1


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([Answer(404), Answer(500), Answer(404)], Unavailable),
        ([Answer(404), Answer(429, headers={"Retry-After": "60"}), Answer(500)], RetryAfter),
        ([Answer(404), Answer(401), Answer(body=b"x", type="image/png")], PermanentError),
    ],
)
def test_the_kindest_failure_decides(redis: Redis, site: Site, answers: list[Answer], error: type[Exception]) -> None:
    site.answers.update({f"/{n}": answer for n, answer in enumerate(answers)})
    register(redis, *(site.url(f"/{n}") for n in range(len(answers))))
    with pytest.raises(error, match=r"^3 of 3 sources failed: ") as caught:
        scrape_for_user(ANN)
    assert type(caught.value) is error
    assert len({asked.path for asked in site.asked}) == 3


def test_nobody_is_asked_again_before_the_time_that_any_of_them_named(redis: Redis, site: Site) -> None:
    for n, seconds in enumerate((5, 300, 60)):
        site.answers[f"/{n}"] = Answer(503, headers={"Retry-After": str(seconds)})
    register(redis, *(site.url(f"/{n}") for n in range(3)))
    with pytest.raises(RetryAfter) as caught:
        scrape_for_user(ANN)
    assert caught.value.seconds == 300


def test_an_error_is_one_short_line_without_secrets(redis: Redis, site: Site) -> None:
    register(redis, *(f"http://ann:s3cret@127.0.0.1:{site.port}/hidden/{n}?token=t0ken" for n in range(20)))
    with pytest.raises(PermanentError) as caught:
        scrape_for_user(ANN)
    message = str(caught.value)
    assert len(message) <= 200
    assert message.isprintable()
    assert not any(secret in message for secret in ("s3cret", "t0ken", "hidden"))


def test_an_address_of_the_inside_is_refused(redis: Redis, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    register(redis, site.page("/inside", "secret"))
    monkeypatch.delenv("TQ_ALLOW_NETWORKS")
    settings.current.cache_clear()
    with pytest.raises(PermanentError, match="is a loopback address; not connected"):
        scrape_for_user(ANN)
    assert not site.asked


def test_a_page_that_heals_is_stored_the_next_time(redis: Redis, site: Site) -> None:
    site.answers["/heals"] = lambda asked, earlier: Answer(500) if earlier == 0 else Answer(body=b"well")
    register(redis, site.url("/heals"))
    with pytest.raises(Unavailable, match=rf"^127\.0\.0\.1:{site.port}: answered 500 Internal Server Error$"):
        scrape_for_user(ANN)
    assert scrape_for_user(ANN) == summary(new=1)


# --- users ------------------------------------------------------------------------------------------


def test_an_unknown_user_is_permanent(redis: Redis) -> None:
    with pytest.raises(PermanentError, match="is not in the directory"):
        scrape_for_user("nobody")


def test_a_user_who_is_not_active_is_not_served(redis: Redis, site: Site) -> None:
    register(redis, site.page("/news", "one"), active=False)
    assert scrape_for_user(ANN) == summary()
    assert not site.asked


def test_a_user_without_sources_has_nothing_read(redis: Redis) -> None:
    register(redis)
    assert scrape_for_user(ANN) == summary()


def test_a_user_who_is_removed_meanwhile_leaves_nothing(redis: Redis, site: Site) -> None:
    def removing(asked: Asked, earlier: int) -> Answer:
        registering.remove_user(redis, ANN)
        return Answer(body=b"too late")

    site.answers["/news"] = removing
    register(redis, site.url("/news"))
    with pytest.raises(PermanentError, match="the user was removed"):
        scrape_for_user(ANN)
    assert not redis.exists(keys.SNAPSHOT + ANN, keys.CHANGES + ANN)


# --- the store --------------------------------------------------------------------------------------


def test_of_many_that_record_the_same_at_once_one_sees_the_change(redis: Redis) -> None:
    register(redis)
    changes.record(redis, ANN, "s", seen("old"), keep_change=True)
    together = threading.Barrier(8)

    def record(n: int) -> changes.Recorded:
        together.wait(30)
        return changes.record(redis, ANN, "s", seen("new"), keep_change=True)

    with ThreadPoolExecutor(8) as threads:
        found = [recorded.change for recorded in threads.map(record, range(8))]
    assert [change for change in found if change] == waiting(redis)
    assert len(waiting(redis)) == 1


def test_the_oldest_pending_changes_make_room_and_are_counted(redis: Redis) -> None:
    register(redis)
    dropped = [
        changes.record(redis, ANN, "s", seen(f"{n:03}"), keep_change=True).dropped for n in range(MAX_PENDING_CHANGES + 4)
    ]
    assert dropped == [0] * (MAX_PENDING_CHANGES + 1) + [1, 1, 1]
    assert [change.text_hash for change in waiting(redis)] == [f"{n:03}" for n in range(4, MAX_PENDING_CHANGES + 4)]


def test_a_scrape_tells_how_many_changes_it_dropped(redis: Redis, site: Site) -> None:
    source = site.page("/news", "one")
    register(redis, source)
    for n in range(MAX_PENDING_CHANGES + 1):
        changes.record(redis, ANN, source, seen(f"{n:03}"), keep_change=True)
    assert scrape_for_user(ANN) == summary(changed=1, dropped=1)
    assert len(deliveries(redis)) == MAX_PENDING_CHANGES


def test_what_cannot_be_read_counts_as_absent_and_makes_room_first(redis: Redis) -> None:
    register(redis)
    for broken in ("", "no json", "[]", "{}", '{"links": 3}', '{"id": "x"}', "\x00"):
        redis.hset(keys.SNAPSHOT + ANN, "s", broken)
        assert changes.snapshots(redis, ANN, ["s", "unknown"]) == {}
        assert changes.record(redis, ANN, "s", seen("one"), keep_change=True).first
        redis.hset(keys.CHANGES + ANN, broken[:1] or "x", broken)
    assert waiting(redis) == []
    for n in range(MAX_PENDING_CHANGES):
        changes.record(redis, ANN, "s", seen(f"{n:03}"), keep_change=True)
    assert len(waiting(redis)) == MAX_PENDING_CHANGES
    assert redis.hlen(keys.CHANGES + ANN) == MAX_PENDING_CHANGES


def test_nothing_is_recorded_of_an_unknown_user(redis: Redis) -> None:
    with pytest.raises(UnknownUser):
        changes.record(redis, "nobody", "s", seen("one"), keep_change=True)
    assert redis.dbsize() == 0


def test_a_snapshot_is_bounded(redis: Redis, site: Site) -> None:
    links = "".join(f"<a href=/{n}-{'x' * 3000 if n % 2 else ''}>x</a>" for n in range(1000))
    site.answers["/big"] = Answer(body=f"<title>{'t' * 5000}</title>{links}".encode(), headers={"ETag": '"' + "e" * 5000 + '"'})
    register(redis, site.url("/big"))
    scrape_for_user(ANN)
    [stored] = redis.hvals(keys.SNAPSHOT + ANN)
    snapshot = json.loads(stored)
    assert (len(snapshot["title"]), len(snapshot["links"]), snapshot["etag"]) == (300, 200, "")
    assert len(stored) < 10_000
