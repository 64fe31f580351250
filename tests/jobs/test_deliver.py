"""A change is delivered signed, under one key at every attempt, and not again once it was taken."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from jobs import changes, keys, registering, runs, settings
from jobs.changes import DELIVERED_TTL, MAX_DELIVERED, Snapshot
from jobs.errors import PermanentError, RetryAfter
from jobs.schedules import schedule_id
from jobs.tasks.deliver import deliver_webhook, idempotency_key, signature
from jobs.users import User
from jobs.web.answers import Unavailable
from tests.conftest import Stock, until
from tests.fast_tiers import attempts_of, until_run
from tests.jobs.loopback_site import Answer, Site, serving

ANN = "ann@example.com"
SECRET = "a secret of the test"


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def site(running: Site) -> Site:
    running.answers.clear()
    running.asked.clear()
    running.answers["/hook"] = Answer(200)
    return running


@pytest.fixture(autouse=True)
def deliveries_are_possible(fast_tiers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TQ_ALLOW_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("TQ_WEBHOOK_SECRET", SECRET)
    settings.current.cache_clear()


def register(redis: Redis, webhook: str, *sources: str, active: bool = True) -> User:
    user = User(ANN, "slow", sources=sources, webhook=webhook, active=active)
    registering.set_user(redis, user, tasks=("scrape",))
    return user


def change(redis: Redis, n: int = 1, source: str = "http://ann:s3cret@h/page?q=1") -> str:
    """Record a change of `source`, and return its id."""
    if not changes.snapshots(redis, ANN, [source]):
        changes.record(redis, ANN, source, Snapshot("http://h/page", "Old", "old", ()), keep_change=True)
    recorded = changes.record(redis, ANN, source, Snapshot("http://h/page", f"New {n}", f"new {n}", ()), keep_change=True)
    assert recorded.change
    return recorded.change.id


def test_a_change_is_posted_signed_and_then_no_longer_pending(redis: Redis, site: Site) -> None:
    register(redis, site.url("/hook?token=t0ken"))
    site.answers["/hook?token=t0ken"] = Answer(204, type="")
    change_id = change(redis)
    before = int(time.time())
    assert deliver_webhook(ANN, change_id) == {"delivered": 1}
    [asked] = site.asked
    assert (asked.method, asked.headers["content-type"]) == ("POST", "application/json")
    assert asked.headers["idempotency-key"] == idempotency_key(ANN, change_id)
    timestamp = asked.headers["x-tq-timestamp"]
    assert before <= int(timestamp) <= time.time()
    expected = hmac.new(SECRET.encode(), f"{timestamp}.".encode() + asked.body, hashlib.sha256).hexdigest()
    assert asked.headers["x-tq-signature"] == f"sha256={expected}" == signature(SECRET, timestamp, asked.body)
    body = json.loads(asked.body)
    assert body == {
        "id": change_id,
        "user": ANN,
        "source": "http://h/page?q=1",
        "url": "http://h/page",
        "title": "New 1",
        "text_hash": "new 1",
        "previous_title": "Old",
        "previous_text_hash": "old",
        "seen_at": body["seen_at"],
    }
    assert not changes.pending(redis, ANN)
    assert redis.zscore(keys.DELIVERED + ANN, change_id) >= before


def test_a_signature_is_bound_to_secret_time_and_body() -> None:
    one = signature("secret", "1700000000", b"{}")
    assert one == "sha256=" + hmac.new(b"secret", b"1700000000.{}", "sha256").hexdigest()
    assert len({one, signature("other", "1700000000", b"{}"), signature("secret", "1700000001", b"{}")}) == 3
    assert one != signature("secret", "1700000000", b"[]")


def test_twice_is_as_once(redis: Redis, site: Site) -> None:
    register(redis, site.url("/hook"))
    change_id = change(redis)
    assert deliver_webhook(ANN, change_id) == {"delivered": 1}
    assert deliver_webhook(ANN, change_id) == {"delivered": 0}
    assert deliver_webhook(ANN) == {"delivered": 0}
    assert deliver_webhook(ANN, "0" * 32) == {"delivered": 0}
    assert len(site.asked) == 1


def test_the_key_and_the_body_are_the_same_at_each_attempt(redis: Redis, site: Site) -> None:
    site.answers["/hook"] = lambda asked, earlier: Answer(503 if earlier < 2 else 200)
    register(redis, site.url("/hook"))
    change_id = change(redis)
    for _ in range(2):
        with pytest.raises(Unavailable, match="answered 503"):
            deliver_webhook(ANN, change_id)
        assert [waiting.id for waiting in changes.pending(redis, ANN)] == [change_id]
    deliver_webhook(ANN, change_id)
    assert len(site.asked) == 3
    assert len({asked.headers["idempotency-key"] for asked in site.asked}) == 1
    assert len({asked.body for asked in site.asked}) == 1


def test_another_user_s_or_change_s_key_is_another() -> None:
    assert len({idempotency_key("ann", "1"), idempotency_key("ann", "2"), idempotency_key("bob", "1")}) == 3


def test_every_pending_change_is_delivered_oldest_first(redis: Redis, site: Site) -> None:
    register(redis, site.url("/hook"))
    ids = [change(redis, n) for n in range(5)]
    assert deliver_webhook(ANN) == {"delivered": 5}
    assert [json.loads(asked.body)["id"] for asked in site.asked] == ids


def test_one_that_is_refused_does_not_keep_the_next_from_being_sent(redis: Redis, site: Site) -> None:
    site.answers["/hook"] = lambda asked, earlier: Answer(422 if earlier == 1 else 200)
    register(redis, site.url("/hook"))
    ids = [change(redis, n) for n in range(4)]
    with pytest.raises(PermanentError, match=rf"^1 of 4 changes failed, the first: 127\.0\.0\.1:{site.port}: answered 422 "):
        deliver_webhook(ANN)
    assert [waiting.id for waiting in changes.pending(redis, ANN)] == [ids[1]]


def test_a_receiver_that_is_down_is_not_asked_once_for_each_change(redis: Redis, site: Site) -> None:
    site.answers["/hook"] = Answer(500)
    register(redis, site.url("/hook"))
    for n in range(3):
        change(redis, n)
    with pytest.raises(Unavailable):
        deliver_webhook(ANN)
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(410), PermanentError),
        (Answer(404), PermanentError),
        (Answer(400), PermanentError),
        (Answer(302, headers={"Location": "/elsewhere"}), PermanentError),
        (Answer(308, headers={"Location": "/elsewhere"}), PermanentError),
        (Answer(408), Unavailable),
        (Answer(425), Unavailable),
        (Answer(429), Unavailable),
        (Answer(429, headers={"Retry-After": "9"}), RetryAfter),
        (Answer(503, headers={"Retry-After": "9"}), RetryAfter),
    ],
)
def test_what_a_receiver_s_answer_means(redis: Redis, site: Site, answer: Answer, error: type[Exception]) -> None:
    site.answers["/hook"] = answer
    register(redis, site.url("/hook"))
    change_id = change(redis)
    with pytest.raises(error, match=f"answered {answer.status}") as caught:
        deliver_webhook(ANN, change_id)
    assert type(caught.value) is error
    assert [asked.path for asked in site.asked] == ["/hook"]
    assert [waiting.id for waiting in changes.pending(redis, ANN)] == [change_id]


def test_a_webhook_of_the_inside_is_refused(redis: Redis, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    register(redis, site.url("/hook?token=t0ken"))
    change_id = change(redis)
    monkeypatch.delenv("TQ_ALLOW_NETWORKS")
    settings.current.cache_clear()
    with pytest.raises(PermanentError, match="is a loopback address") as caught:
        deliver_webhook(ANN, change_id)
    assert "t0ken" not in str(caught.value)
    assert not site.asked


def test_nothing_is_sent_unsigned(redis: Redis, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    register(redis, site.url("/hook"))
    change_id = change(redis)
    monkeypatch.delenv("TQ_WEBHOOK_SECRET")
    settings.current.cache_clear()
    with pytest.raises(PermanentError, match=r"^TQ_WEBHOOK_SECRET is not set"):
        deliver_webhook(ANN, change_id)
    assert not site.asked
    assert changes.find(redis, ANN, change_id)


def test_without_a_webhook_or_an_active_user_nothing_is_sent(redis: Redis, site: Site) -> None:
    register(redis, site.url("/hook"))
    change_id = change(redis)
    register(redis, "")
    assert deliver_webhook(ANN, change_id) == {"delivered": 0}
    register(redis, site.url("/hook"), active=False)
    assert deliver_webhook(ANN, change_id) == {"delivered": 0}
    assert not site.asked
    assert changes.find(redis, ANN, change_id)


def test_an_unknown_user_is_permanent(redis: Redis) -> None:
    with pytest.raises(PermanentError, match="is not in the directory"):
        deliver_webhook("nobody")


def test_what_was_delivered_is_remembered_within_bounds(redis: Redis) -> None:
    for n in range(MAX_DELIVERED + 5):
        changes.mark_delivered(redis, ANN, f"change{n}")
    assert redis.zcard(keys.DELIVERED + ANN) == MAX_DELIVERED
    assert redis.zscore(keys.DELIVERED + ANN, f"change{MAX_DELIVERED + 4}")
    assert 0 < redis.ttl(keys.DELIVERED + ANN) <= DELIVERED_TTL


def test_a_stock_worker_scrapes_and_delivers_through_a_receiver_that_heals(redis: Redis, site: Site, stock: Stock) -> None:
    site.answers["/hook"] = lambda asked, earlier: Answer(500 if earlier == 0 else 200)
    user = register(redis, site.url("/hook"), site.page("/news", "one"))
    stock.worker()
    stock.scheduler()
    assert runs.enqueue(redis, "scrape", user, key="first")
    until_run(redis, ANN, "scrape", lambda run: run.id.endswith("-first") and run.state == "finished")
    site.page("/news", "two")
    assert runs.enqueue(redis, "scrape", user, key="second")
    [change_id] = until(lambda: redis.zrange(keys.DELIVERED + ANN, 0, -1), 40, "a delivery")
    delivery = f"{schedule_id(ANN, 'deliver')}-{change_id.decode()}"
    until(lambda: attempts_of(redis, delivery)[-1].outcome == "finished", what="the end of the delivery")
    attempts = attempts_of(redis, delivery)
    assert [attempt.outcome for attempt in attempts] == ["retrying", "finished"]
    assert attempts[0].error.startswith(f"Unavailable: 127.0.0.1:{site.port}: answered 500")
    received = [asked for asked in site.asked if asked.path == "/hook"]
    assert len(received) == 2
    assert len({asked.headers["idempotency-key"] for asked in received}) == 1
    assert not changes.pending(redis, ANN)
