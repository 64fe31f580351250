"""Many schedules at once: the same as one after the other, in a few round trips."""

from __future__ import annotations

import time
from itertools import islice

import pytest
from redis import Redis

from jobs import User, batches, controls, keys, planning, quarantine, registering, schedules, set_schedule, users
from jobs.batches import Answer, Wish
from jobs.cadence import Cron, Every, Jittered, slots_between
from jobs.errors import InvalidSchedule
from jobs.schedules import schedule_id
from tests.fast_tiers import runs_of


def ids(redis: Redis, *names: str) -> list[str]:
    """Schedules of new users of a tier that comes due once an hour."""
    registering.set_users(redis, [User(name, "slow", "Europe/Rome") for name in names], tasks=["ok"])
    return [schedule_id(name, "ok") for name in names]


def broken(redis: Redis) -> str:
    redis.rpush(keys.SCHEDULE + "tq-ok-0", "no hash")
    return "tq-ok-0"


def test_each_is_paused_and_resumed_as_alone(redis: Redis) -> None:
    found = [*ids(redis, "ada", "bob"), "tq-ok-nobody", broken(redis)]
    controls.pause(redis, "bob", "ok", "before", by="bea")
    assert [one.code for one in batches.set_paused(redis, found, True, "vendor asked", "ann")] == [
        "done", "same", "gone", "unreadable",
    ]  # fmt: skip
    for name in ("ada", "bob"):
        schedule = schedules.get(redis, name, "ok")
        assert (schedule.paused, schedule.note, schedule.noted_by) == (True, "vendor asked", "ann")
    assert redis.smembers(keys.PAUSED) == {one.encode() for one in found[:2]}
    assert [one.code for one in batches.set_paused(redis, found[:2], False)] == ["done", "done"]
    assert [one.code for one in batches.set_paused(redis, found[:2], False)] == ["same", "same"]
    with pytest.raises(InvalidSchedule, match="501 characters"):
        batches.set_paused(redis, found, True, "x" * 501)


def test_a_thousand_take_a_few_round_trips(redis: Redis) -> None:
    found = ids(redis, *(f"user-{n}" for n in range(1_000)))
    redis.config_resetstat()
    assert {one.code for one in batches.set_paused(redis, found, True)} == {"done"}
    stats = redis.info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] == 1_000
    assert stats["cmdstat_script|load"]["calls"] == 2
    assert {one.code for one in batches.run_now(redis, found)} == {"done"}
    assert redis.llen("rq:queue:default") == 1_000


def test_each_runs_at_once_as_alone_without_knowing_its_task(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [*ids(redis, "ada", "bob"), "tq-ok-nobody", broken(redis)]
    redis.hset(keys.SCHEDULE + found[1], "task", "another")
    monkeypatch.setattr("jobs.defining.lookup", None)
    answers = batches.run_now(redis, found)
    assert [one.code for one in answers] == ["done", "unreadable", "gone", "unreadable"]
    [run] = redis.lrange("rq:queue:default", 0, -1)
    assert answers[0].run == run.decode()
    assert [one.kind for one in runs_of(redis, "ada", "ok")] == ["now"]
    assert batches.run_now(redis, found[:1]) == [Answer("overlap")]


def test_each_is_changed_as_alone(redis: Redis) -> None:
    found = ids(redis, "ada", "bob", "cy", "dora")
    set_schedule(redis, "bob", "ok", cadence=Cron("0 9 * * *"), zone="Asia/Tokyo", overlap="allow")
    redis.delete(keys.USER + "cy")
    controls.pause(redis, "ada", "ok")
    wish = Wish(cadence=Cron("30 6 * * *"), tier="free")
    answers = batches.change(redis, [*found, "tq-ok-nobody", broken(redis)], wish)
    assert [one.code for one in answers] == ["done", "done", "gone", "done", "gone", "unreadable"]
    assert answers[2].said == "its user is not in the directory"
    ada, bob = (schedules.get(redis, name, "ok") for name in ("ada", "bob"))
    assert ada.cadence == Cron("30 6 * * *", "Europe/Rome")
    assert (ada.tier, ada.lane, ada.own, ada.own_tier, ada.paused) == ("free", "low", True, True, True)
    # What was chosen before and is not asked for stays.
    assert bob.cadence == Cron("30 6 * * *", "Asia/Tokyo")
    assert bob.overlap == "allow"
    assert redis.zscore(keys.ENTRIES, ada.id) == ada.next_at == ada.cadence.next_after(time.time())
    assert [one.code for one in batches.change(redis, found[:2], wish)] == ["same", "same"]


def test_a_zone_alone_moves_a_cron_cadence(redis: Redis) -> None:
    found = ids(redis, "ada", "bob")
    set_schedule(redis, "ada", "ok", cadence=Cron("0 9 * * *"))
    done, refused = batches.change(redis, found, Wish(zone="Asia/Tokyo"))
    assert done == Answer("done")
    assert schedules.get(redis, "ada", "ok").cadence == Cron("0 9 * * *", "Asia/Tokyo")
    assert (refused.code, refused.said) == ("invalid", "a time zone says where a cron cadence is meant; give one too")


def test_what_cannot_be_is_said_for_each(redis: Redis) -> None:
    found = ids(redis, "ada", "bob")
    set_schedule(redis, "bob", "ok", cadence=Cron("*/5 * * * *"))
    done, refused = batches.change(redis, found, Wish(jitter=1_200))
    assert done == Answer("done")
    assert (refused.code, refused.said) == ("invalid", "jitter 1200 s: jitter must be shorter than the 300 s between slots")
    assert {one.said for one in batches.change(redis, found, Wish(tier="gold"))} == {
        "tier 'gold' is unknown; use one of pro, standard, free, slow"
    }


def test_one_that_is_changed_meanwhile_is_read_again(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ids(redis, "ada", "bob")
    plan, asked = Wish.plan, []

    def pause_first(self: Wish, user: User, old: schedules.Schedule) -> planning.Plan:
        asked.append(user.id)
        if asked == ["ada"]:
            controls.pause(redis, "ada", "ok")
        return plan(self, user, old)

    monkeypatch.setattr(Wish, "plan", pause_first)
    assert batches.change(redis, found, Wish(jitter=60)) == [Answer("done")] * 2
    assert asked == ["ada", "bob", "ada"]
    assert schedules.get(redis, "ada", "ok").paused


def test_entries_that_were_set_aside_are_put_back_together(redis: Redis) -> None:
    for n in range(3):
        redis.hset(f"rq:job:plain-{n}", "status", "scheduled")
        redis.zadd(keys.ENTRIES, {f"plain-{n}": 1_000 + n})
        quarantine.set_aside(redis, f"plain-{n}".encode(), "why", "me")
    redis.hset("rq:job:plain-1", "status", "queued")
    assert quarantine.put_back_all(redis, ["1", "2", "3", "4"]) == ["done", "taken", "done", "gone"]
    assert redis.zrange(keys.ENTRIES, 0, -1, withscores=True) == [(b"plain-0", 1_000.0), (b"plain-2", 1_002.0)]
    assert [one.entry for one in quarantine.listed(redis)] == ["plain-1"]


@pytest.mark.parametrize(
    "wish",
    [
        Wish(),
        Wish(cadence=Every(600), jitter=500),
        Wish(cadence=Every(86_400)),
        Wish(cadence=Cron("*/20 * * * *")),
        Wish(cadence=Cron("0 9 * * MON")),
        Wish(tier="pro", jitter=1),
        Wish(tier="free", jitter=1),
        Wish(jitter=0),
        Wish(jitter=1_800),
        Wish(jitter=3_500),
    ],
    ids=str,
)
@pytest.mark.parametrize("jitter", [0, 900])
def test_the_slots_that_are_shown_before_are_those_that_come(redis: Redis, wish: Wish, jitter: int) -> None:
    for name, one in zip(("ada", "bob", "cy"), ids(redis, "ada", "bob", "cy"), strict=True):
        set_schedule(redis, name, "ok", jitter=jitter)
        old, user = schedules.get(redis, name, "ok"), users.get(redis, name)
        shown = planning.next_slots(old, wish.plan(user, old), user, 5, time.time())
        assert [answer.code for answer in batches.change(redis, [one], wish)] in (["done"], ["same"])
        after = schedules.get(redis, name, "ok")
        assert shown[0] == after.next_at == redis.zscore(keys.ENTRIES, one)
        assert shown == schedules.next_slots(after, 5)
        assert sorted(set(shown)) == shown


def test_spreading_moves_also_the_slot_that_is_next_and_back(redis: Redis) -> None:
    found = ids(redis, *(f"user-{n}" for n in range(50)))
    at_nine = Cron("0 9 * * *", "UTC")
    assert {one.code for one in batches.change(redis, found, Wish(cadence=at_nine, zone="UTC"))} == {"done"}
    [nine] = {redis.zscore(keys.ENTRIES, one) for one in found}
    assert {one.code for one in batches.change(redis, found, Wish(jitter=3_000))} == {"done"}
    spread = {redis.zscore(keys.ENTRIES, one) for one in found}
    assert len(spread) > 40
    assert nine <= min(spread)
    assert max(spread) <= nine + 3_000
    for one in found:
        schedule = schedules.get_many(redis, [one])[0]
        assert schedule is not None
        assert isinstance(schedule.slots, Jittered)
        assert schedule.slots.base_of(schedule.next_at or 0) == nine
    assert {one.code for one in batches.change(redis, found, Wish(jitter=0))} == {"done"}
    assert {redis.zscore(keys.ENTRIES, one) for one in found} == {nine}


def test_a_slot_whose_own_instant_is_past_stays_where_it_was_moved(redis: Redis) -> None:
    """Its run is still to come; with no jitter the next slot would be an hour later, and this one lost."""
    [one] = ids(redis, "ada")
    cadence = Every(3_600, int(time.time() - 60) % 3_600)
    due = cadence.latest(time.time()) + 1_000
    redis.hset(keys.SCHEDULE + one, mapping={"cadence": cadence.spec(), "own": "1", "jitter": "3000", "next": due})
    redis.zadd(keys.ENTRIES, {one: due})
    assert batches.change(redis, [one], Wish(jitter=0)) == [Answer("done")]
    assert redis.zscore(keys.ENTRIES, one) == due


def test_a_slot_that_was_fired_meanwhile_is_not_moved(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    [one] = ids(redis, "ada")
    set_schedule(redis, "ada", "ok", cadence=Every(3_600))
    old = schedules.get(redis, "ada", "ok")
    assert old.next_at is not None
    moves = planning.moved_slots

    def fire_first(old: schedules.Schedule, plan: planning.Plan, user: User, now: float) -> planning.Moves:
        found = moves(old, plan, user, now)
        assert found
        redis.zadd(keys.ENTRIES, {one: (old.next_at or 0) + 3_600})
        return found

    monkeypatch.setattr(planning, "moved_slots", fire_first)
    assert batches.change(redis, [one], Wish(jitter=600)) == [Answer("done")]
    # The run of the slot that is fired by now is not asked for again.
    assert (redis.zscore(keys.ENTRIES, one) or 0) > old.next_at + 3_600 - 1


@pytest.mark.parametrize("n", range(50))
def test_after_a_slot_that_no_jitter_moved_firing_and_what_is_shown_pass_over_the_same(n: int) -> None:
    slots = Jittered(Every(600), 500, f"seed-{n}")
    due = 600_000 * (n + 1)
    shown = schedules.slots_from(due, slots, 5, due - 1)
    assert slots.base_of(shown[1]) > due
    assert shown[2:] == list(islice(slots_between(slots, shown[1], float("inf")), 3))
